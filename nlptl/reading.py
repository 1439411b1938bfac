"""Questions and contexts to windows of a model's input. Nothing here needs torch.

A window is (question, piece of the context); its `extra` is (first context token, where each context token stands).
What stands between and around is the tokenizer's own template where that keeps the two apart. A decoder reads
question, line break, context, end mark: it looks back alone, so its last token is the only one that has seen
everything, and "not here" is said there. All others say it at their first token, which sees everything as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nlptl.errors import BadInput, Problem
from nlptl.spans import tokens_of
from nlptl.tasks import Backbone, Feature, Row

SHOWN = 5


def windows(rows: Sequence[Row], backbone: Backbone, *, stride: int, targets: bool) -> list[Feature]:
    """Give each row's windows in order; with `targets` the first and last token of the row's first answer, or twice the
    place of "not here".

    `cut` counts the tokens of an answer that no window holds whole. Raises BadInput for questions that leave less room
    than one token beside the stride.
    """
    if not rows:
        return []
    _check_room(rows, backbone, stride)
    if backbone.family == "decoder" or backbone.separator:
        made = _built(rows, backbone, stride)
    else:
        made = _by_template(rows, backbone, stride)
    if not targets:
        return [feature for own in made for feature in own]
    return [
        feature
        for row, own in zip(rows, made, strict=True)
        for feature in _counted(row, [_aimed(row, one, backbone) for one in own], backbone)
    ]


def nowhere(feature: Feature, backbone: Backbone) -> int:
    """Give the token at which a window says that the answer is not in it."""
    return len(feature.input_ids) - 1 if backbone.family == "decoder" else 0


def _by_template(rows: Sequence[Row], backbone: Backbone, stride: int) -> list[list[Feature]]:
    """Let the tokenizer make the windows."""
    found = backbone.tokenizer(
        [row.values["question"] for row in rows], [row.values["context"] for row in rows], truncation="only_second",
        max_length=backbone.max_tokens, stride=stride, return_overflowing_tokens=True, return_offsets_mapping=True,
        return_attention_mask=False,
    )  # fmt: skip
    types = found.get("token_type_ids")
    made: list[list[Feature]] = [[] for _ in rows]
    for number, owner in enumerate(found["overflow_to_sample_mapping"]):
        row = rows[owner]
        part = found.encodings[number].sequence_ids
        begin = part.index(1) if 1 in part else len(part)
        offsets = [pair for pair, side in zip(found["offset_mapping"][number], part, strict=True) if side == 1]
        made[owner].append(
            Feature(
                row_id=row.id, input_ids=found["input_ids"][number], window=len(made[owner]),
                token_types=types[number] if types is not None else None,
                extra=(begin, _trimmed(offsets, row.values["context"])),
            )
        )  # fmt: skip
    return made


def _built(rows: Sequence[Row], backbone: Backbone, stride: int) -> list[list[Feature]]:
    """Build the windows: opening marks, question, separator, piece of the context, closing marks."""
    tokenizer = backbone.tokenizer
    opening, between, closing = _around(backbone)
    questions = _ids(rows, "question", backbone)
    contexts = tokenizer(
        [row.values["context"] for row in rows], add_special_tokens=False, return_offsets_mapping=True,
        return_attention_mask=False, verbose=False,
    )  # fmt: skip
    made = []
    for row, question, ids, offsets in zip(
        rows, questions, contexts["input_ids"], contexts["offset_mapping"], strict=True
    ):
        before = [*opening, *question, *between]
        room = backbone.max_tokens - len(before) - len(closing)
        places = _trimmed(offsets, row.values["context"])
        starts = [*range(0, max(1, len(ids) - stride), room - stride)] if len(ids) > room else [0]
        made.append([
            Feature(row.id, [*before, *ids[one : one + room], *closing], number,
                    extra=(len(before), places[one : one + room]))
            for number, one in enumerate(starts)
        ])  # fmt: skip
    return made


def _around(backbone: Backbone) -> tuple[list[int], list[int], list[int]]:
    """Give the marks before a question, between it and its context, and after that."""
    tokenizer = backbone.tokenizer
    encoding = tokenizer("a").encodings[0]
    inner = [place for place, side in enumerate(encoding.sequence_ids) if side == 0]
    opening, closing = encoding.ids[: inner[0]], encoding.ids[inner[-1] + 1 :]
    between = tokenizer(backbone.separator or "\n", add_special_tokens=False)["input_ids"]
    if backbone.family == "decoder" and not closing:
        closing = [tokenizer.pad_token_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id]
    return opening, between, closing


def _trimmed(offsets: Sequence[tuple[int, int]], context: str) -> list[tuple[int, int]]:
    """Take the spaces off the ends of tokens: byte-level BPE and sentencepiece count the space before a word to it."""
    found = []
    for start, end in offsets:
        text = context[start:end]
        begin = start + len(text) - len(text.lstrip())
        found.append((begin, max(begin, start + len(text.rstrip()))))
    return found


def _ids(rows: Sequence[Row], column: str, backbone: Backbone) -> Any:
    return backbone.tokenizer(
        [row.values[column] for row in rows], add_special_tokens=False, return_attention_mask=False, verbose=False
    )["input_ids"]


def _check_room(rows: Sequence[Row], backbone: Backbone, stride: int) -> None:
    if backbone.family == "decoder" or backbone.separator:
        special = sum(map(len, _around(backbone)))
    else:
        special = backbone.tokenizer.num_special_tokens_to_add(pair=True)
    long = [
        Problem(f"the question has {len(ids)} tokens", f"{row.place or 'row'} {row.id}".strip(), "question")
        for row, ids in zip(rows, _ids(rows, "question", backbone), strict=True)
        if len(ids) + special + stride + 1 > backbone.max_tokens
    ]
    if long:
        more = [Problem(f"and {len(long) - SHOWN} more rows")] if len(long) > SHOWN else []
        fix = f"raise model.max_tokens ({backbone.max_tokens}) or lower task.stride ({stride}); questions are never cut"
        raise BadInput("questions that leave no room for the context", [*long[:SHOWN], *more, Problem(fix)])


def _aimed(row: Row, feature: Feature, backbone: Backbone) -> Feature:
    """Give the window its target."""
    begin, offsets = feature.extra
    for answer in row.values["answers"]:
        found = tokens_of(offsets, answer["start"], answer["start"] + len(answer["text"]))
        if found is not None:
            return replace(feature, target=(begin + found[0], begin + found[1]))
    return replace(feature, target=(nowhere(feature, backbone),) * 2)


def _counted(row: Row, features: list[Feature], backbone: Backbone) -> list[Feature]:
    """Mark the row's first window where no window holds its answer."""
    if not row.values["answers"] or any(one.target != (nowhere(one, backbone),) * 2 for one in features):
        return features
    first = row.values["answers"][0]
    stop = first["start"] + len(first["text"])
    places = {pair for feature in features for pair in feature.extra[1]}
    lost = sum(right > first["start"] and left < stop for left, right in places)
    return [replace(features[0], cut=lost), *features[1:]]
