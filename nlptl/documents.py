"""Texts to what a classifier reads of them, also where they are longer than its window. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nlptl.tasks import Backbone, Row

Long = Literal["cut", "head_tail", "windows"]

HEAD = 4
"""One in so many tokens of a document that is too long comes from its beginning, the rest from its end.

Sun, Qiu, Xu, Huang 2019 (arXiv:1905.05583, section 5.3.1) keep the first 128 and the last 382 of 510.
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """One input of the model: a text, or a part of it. `cut` counts the tokens that no piece of the text holds."""

    ids: list[int]
    types: list[int] | None
    cut: int


def pieces(rows: Sequence[Row], backbone: Backbone, long: Long, stride: int) -> list[list[Piece]]:
    """Give each row's pieces in order: one, or with `windows` as many as its text has.

    Pairs are cut alone. Windows are all of full length: they share `stride` tokens, the last two perhaps more.
    """
    firsts = [_safe(row.values["text"], backbone) for row in rows]
    seconds = [_safe(row.values["text_pair"], backbone) for row in rows] if "text_pair" in rows[0].values else None
    if seconds is not None and backbone.separator:
        firsts, seconds = [backbone.separator.join(pair) for pair in zip(firsts, seconds, strict=True)], None
    whole = {"truncation": "longest_first", "max_length": backbone.max_tokens} if long == "cut" else {}
    tokens = backbone.tokenizer(firsts, seconds, return_attention_mask=False, verbose=False, **whole)
    types = tokens.get("token_type_ids")
    found = []
    for number, ids in enumerate(tokens["input_ids"]):
        texts = [firsts[number]] if seconds is None else [firsts[number], seconds[number]]
        own = types[number] if types is not None else None
        if len(ids) > backbone.max_tokens:
            found.append(_parts(ids, own, tokens.encodings[number], backbone, long, stride))
        else:
            found.append([_piece(ids, own, _lost(texts, tokens.encodings[number], backbone), backbone)])
    return found


def _safe(text: str, backbone: Backbone) -> str:
    """Give the text with a written end mark taken apart: seq2seq models classify at the last one, and count them."""
    mark = backbone.tokenizer.eos_token
    if backbone.family != "seq2seq" or mark not in text:
        return text
    return text.replace(mark, f"{mark[:1]} {mark[1:]}")


def _piece(ids: list[int], types: list[int] | None, cut: int, backbone: Backbone) -> Piece:
    """Make a piece; of a text without any token, as "" is for GPT-2, the end mark alone."""
    if ids:
        return Piece(ids, types, cut)
    tokenizer = backbone.tokenizer
    mark = tokenizer.pad_token_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id
    return Piece([mark], None if types is None else [0], cut)


def _parts(
    ids: list[int], types: list[int] | None, encoding: Any, backbone: Backbone, long: Long, stride: int
) -> list[Piece]:
    """Cut one text that is too long, between the marks that the tokenizer puts around it."""
    inner = [place for place, special in enumerate(encoding.special_tokens_mask) if not special]
    begin, stop = inner[0], inner[-1] + 1
    room = backbone.max_tokens - (len(ids) - (stop - begin))
    if long == "head_tail":
        head = room // HEAD
        kept = [*range(begin + head), *range(stop - (room - head), len(ids))]
        return [_piece(*_taken(ids, types, kept), cut=len(ids) - len(kept), backbone=backbone)]
    around = [*range(begin)], [*range(stop, len(ids))]
    firsts = window_starts(stop - begin, room, stride)
    kept_each = [[*around[0], *range(begin + one, begin + one + room), *around[1]] for one in firsts]
    return [_piece(*_taken(ids, types, kept), cut=0, backbone=backbone) for kept in kept_each]


def _taken(ids: list[int], types: list[int] | None, kept: Sequence[int]) -> tuple[list[int], list[int] | None]:
    return [ids[place] for place in kept], None if types is None else [types[place] for place in kept]


def window_starts(tokens: int, room: int, stride: int) -> list[int]:
    """Give where windows of `room` tokens begin: `stride` tokens are in two neighbours, the last window ends the text.

    >>> window_starts(10, 4, 1)
    [0, 3, 6]
    >>> window_starts(11, 4, 1)
    [0, 3, 6, 7]
    """
    assert 0 <= stride < room, "a window must hold more than it shares"
    if tokens <= room:
        return [0]
    return [*range(0, tokens - room, room - stride), tokens - room]


def _lost(texts: list[str], encoding: Any, backbone: Backbone) -> int:
    """Count the tokens of a row that truncation took off."""
    if not encoding.overflowing:
        return 0
    whole = backbone.tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
    return sum(map(len, whole)) - int(encoding.special_tokens_mask.count(0))
