"""Questions and their answers: rows to windows, spans to predictions, predictions to scores. Nothing here needs torch.

A window is (question, piece of the context); its `extra` is (first context token, where each context token stands).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from nlptl import answers, metrics
from nlptl.errors import BadInput, Problem
from nlptl.spans import Span, best_threshold, probabilities, tokens_of
from nlptl.tasks import Backbone, Feature, Prediction, Row, Scores

METRICS = ("f1", "exact_match", "f1_by_language", "exact_match_by_language", "calibration_error")
TEMPERATURES = tuple(2.0 ** (step / 4) for step in range(-12, 17))
"""What dev chooses from: 1/8 to 16, four to an octave."""

SHOWN = 5


def windows(rows: Sequence[Row], backbone: Backbone, *, stride: int, targets: bool) -> list[Feature]:
    """Give each row's windows in order; with `targets` the first and last token of the row's first answer, or (0, 0).

    `cut` counts the tokens of an answer that no window holds whole. Raises BadInput for questions that leave less room
    than one token beside the stride.
    """
    if not rows:
        return []
    _check_room(rows, backbone, stride)
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
        offsets = [
            pair for pair, side in zip(found["offset_mapping"][number], part, strict=True) if side == 1
        ]
        made[owner].append(
            Feature(
                row_id=row.id, input_ids=found["input_ids"][number], window=len(made[owner]),
                token_types=types[number] if types is not None else None,
                target=_target(row, begin, offsets) if targets else None, extra=(begin, offsets),
            )
        )  # fmt: skip
    return [feature for row, own in zip(rows, made, strict=True) for feature in _counted(row, own, targets)]


def _check_room(rows: Sequence[Row], backbone: Backbone, stride: int) -> None:
    special = backbone.tokenizer.num_special_tokens_to_add(pair=True)
    found = backbone.tokenizer(
        [row.values["question"] for row in rows], add_special_tokens=False, return_attention_mask=False, verbose=False
    )["input_ids"]
    long = [
        Problem(f"the question has {len(ids)} tokens", f"{row.place or 'row'} {row.id}".strip(), "question")
        for row, ids in zip(rows, found, strict=True)
        if len(ids) + special + stride + 1 > backbone.max_tokens
    ]
    if long:
        more = [Problem(f"and {len(long) - SHOWN} more rows")] if len(long) > SHOWN else []
        fix = f"raise model.max_tokens ({backbone.max_tokens}) or lower task.stride ({stride}); questions are never cut"
        raise BadInput("questions that leave no room for the context", [*long[:SHOWN], *more, Problem(fix)])


def _target(row: Row, begin: int, offsets: Sequence[tuple[int, int]]) -> tuple[int, int]:
    for answer in row.values["answers"]:
        found = tokens_of(offsets, answer["start"], answer["start"] + len(answer["text"]))
        if found is not None:
            return begin + found[0], begin + found[1]
    return 0, 0


def _counted(row: Row, features: list[Feature], targets: bool) -> list[Feature]:
    """Mark the row's first window where no window holds its answer."""
    if not targets or not row.values["answers"] or any(feature.target != (0, 0) for feature in features):
        return features
    first = row.values["answers"][0]
    stop = first["start"] + len(first["text"])
    places = {pair for feature in features for pair in feature.extra[1]}
    lost = sum(right > first["start"] and left < stop for left, right in places)
    head = features[0]
    marked = Feature(
        head.row_id, head.input_ids, head.window, head.token_types, head.target, cut=lost, extra=head.extra
    )
    return [marked, *features[1:]]


def prediction(
    row: Row, found: Sequence[Span], none: float, no_answer: bool, threshold: float, temperature: float
) -> Prediction:
    """Make a row's prediction of its best spans, best first, and the score of "no answer"."""
    context = row.values["context"]
    scores = [span.score for span in found]
    chances = probabilities([*scores, none] if no_answer else scores, temperature)
    listed = [
        {"text": context[span.start : span.end], "start": span.start, "end": span.end, "score": span.score,
         "probability": chance}
        for span, chance in zip(found, chances, strict=False)
    ]  # fmt: skip
    margin = scores[0] - none if scores else -math.inf
    said = bool(found) and (not no_answer or margin > threshold)
    detail: dict[str, Any] = {
        "start": found[0].start if said else None,
        "end": found[0].end if said else None,
        "probability": (chances[0] if said else chances[-1]) if chances else 1.0,
        "n_best": listed,
        "no_answer": {"score": none} | ({"probability": chances[-1]} if no_answer else {}),
    }
    return Prediction(row.id, context[found[0].start : found[0].end] if said else "", detail)


def threshold(predictions: Sequence[Prediction], rows: Sequence[Row]) -> float:
    """Choose by how much a span must beat "no answer": the best mean F1 on these rows."""
    by_id = {one.row_id: one for one in predictions}
    margins, spoken, silent = [], [], []
    for row in rows:
        listed = by_id[row.id].detail["n_best"]
        gold = texts_of(row)
        margins.append(listed[0]["score"] - by_id[row.id].detail["no_answer"]["score"] if listed else -1e9)
        spoken.append(answers.f1(listed[0]["text"], gold) if listed else 0.0)
        silent.append(answers.f1("", gold))
    return best_threshold(margins, spoken, silent)


def temperature(predictions: Sequence[Prediction], rows: Sequence[Row], no_answer: bool) -> float:
    """Choose what makes the probability of the first candidate likeliest to be that of being right (Guo et al. 2017).

    The candidates are the n best, and "no answer" where that is one; right is an exact match.
    """
    by_id = {one.row_id: one for one in predictions}
    cases = []
    for row in rows:
        detail = by_id[row.id].detail
        scored = [(one["score"], answers.exact_match(one["text"], texts_of(row))) for one in detail["n_best"]]
        if no_answer:
            scored.append((detail["no_answer"]["score"], float(not row.values["answers"])))
        if scored:
            top = max(range(len(scored)), key=lambda number: scored[number][0])
            cases.append((top, [score for score, _ in scored], scored[top][1]))

    def surprise(value: float) -> float:
        total = 0.0
        for top, scores, right in cases:
            chance = min(max(probabilities(scores, value)[top], 1e-6), 1 - 1e-6)
            total -= math.log(chance if right else 1 - chance)
        return total

    return min(TEMPERATURES, key=lambda value: (surprise(value), abs(math.log(value)))) if cases else 1.0


def texts_of(row: Row) -> list[str]:
    """Give the row's gold answers."""
    return [answer["text"] for answer in row.values["answers"]]


def score(predictions: Sequence[Prediction], rows: Sequence[Row]) -> Scores:
    """Score predictions against rows, matched by id."""
    by_id = {one.row_id: one for one in predictions}
    assert len(by_id) == len(predictions) == len(rows), "one prediction for each row"
    each: dict[str, list[float]] = {name: [] for name in METRICS[:4]}
    for row in rows:
        said, gold = by_id[row.id].value, texts_of(row)
        own = answers.normaliser(row.language)
        each["f1"].append(answers.f1(said, gold))
        each["exact_match"].append(answers.exact_match(said, gold))
        each["f1_by_language"].append(answers.f1(said, gold, own))
        each["exact_match_by_language"].append(answers.exact_match(said, gold, own))
    found = {name: sum(values) / len(values) for name, values in each.items()}
    sure = [by_id[row.id].detail.get("probability") for row in rows]
    if all(one is not None for one in sure):
        right = [value == 1.0 for value in each["exact_match"]]
        found["calibration_error"] = metrics.calibration_error([float(one) for one in sure if one is not None], right)
    return Scores(found, [row.id for row in rows], {"correct": each["exact_match"], **each}, _tables(rows, each))


def _tables(rows: Sequence[Row], each: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Give F1 and exact match of questions with and without an answer apart, where there are both."""
    kinds = Counter("answerable" if row.values["answers"] else "unanswerable" for row in rows)
    if len(kinds) < 2:
        return {}
    found = {}
    for kind, count in kinds.items():
        own = [number for number, row in enumerate(rows) if bool(row.values["answers"]) == (kind == "answerable")]
        means = {name: sum(each[name][number] for number in own) / count for name in ("f1", "exact_match")}
        found[kind] = {"rows": count, **means}
    return {"by_answerability": found}
