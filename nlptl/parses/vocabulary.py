"""What a decoder of ours can write: pieces of the training forms, and the words of an utterance that it can copy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import regex

START, END, UNKNOWN = 0, 1, 2
WORD = regex.compile(r"[^\W_\p{M}][^\W_]*")
"""A run of letters and digits with their marks; `_` parts words."""
SPECIAL = ("<start>", "<end>", "<unknown>")
"""The first pieces of every vocabulary; a form has none of them."""


def words(text: str, *, lower: bool) -> list[tuple[int, str]]:
    """Give (place, word) of all that can be copied: runs of letters and digits, signs, and what stands between spaces.

    `don't` can be copied whole or in part. In the order of their places.
    """
    found = {(match.start(), match.group()) for match in regex.finditer(r"[\w\p{M}]+|[^\w\p{M}\s]", text)}
    found |= {(match.start(), match.group()) for match in regex.finditer(r"\S+", text)}
    ordered = sorted(found, key=lambda one: (one[0], -len(one[1])))
    return [(place, word.lower() if lower else word) for place, word in ordered]


def learn(pairs: Iterable[tuple[str, Sequence[str]]], structure: Collection[str], *, lower: bool) -> tuple[str, ...]:
    """Give the vocabulary of (utterance, pieces of its form), the commonest first.

    What is not of `structure`, the pieces of forms without their values, and can be copied wherever it is used, is left
    to copying: so the decoder learns that values are copied, and copies those that it has never seen.
    """
    rows: Counter[str] = Counter()
    needed: set[str] = set()
    for text, pieces in pairs:
        there = {word for _, word in words(text, lower=lower)}
        rows.update(set(pieces))
        needed.update(piece for piece in pieces if piece not in there)
    kept = [piece for piece in rows if piece in needed or piece in structure]
    return (*SPECIAL, *sorted(kept, key=lambda piece: (-rows[piece], piece)))


def is_lower(pairs: Iterable[tuple[str, Sequence[str]]]) -> bool:
    """Say whether more pieces can be copied from utterances in lower case than from them as they are written."""
    as_written = lowered = 0
    for text, pieces in pairs:
        exact, small = ({word for _, word in words(text, lower=lower)} for lower in (False, True))
        as_written += sum(piece in exact for piece in pieces)
        lowered += sum(piece in small for piece in pieces)
    return lowered > as_written


def numbered(pieces: Sequence[str], numbers: dict[str, int], copies: Sequence[str]) -> list[int]:
    """Give the numbers of pieces: the vocabulary's, or behind it the place of the first copy like it, or UNKNOWN."""
    first: dict[str, int] = {}
    for place, word in enumerate(copies):
        first.setdefault(word, len(numbers) + place)
    return [numbers.get(piece, first.get(piece, UNKNOWN)) for piece in pieces]


def copied(copies: Sequence[str], numbers: dict[str, int]) -> list[int]:
    """Give the number of the piece that copying each word gives."""
    return numbered(copies, numbers, copies)


def shared(text: str, form: str) -> list[tuple[int, int]]:
    """Give where words of an utterance stand that its form has too, in whatever case; neighbours are one place.

    In every language of forms, and so names of functions count as values do. Of `u.s.` in both the points count too.
    """
    there = {match.group().casefold() for match in WORD.finditer(form)}
    places = [match.span() for match in WORD.finditer(text) if match.group().casefold() in there]
    for match in regex.finditer(r"\S*[^\W_]\S*", text):
        if regex.search(r"[^\w\p{M}]", match.group()) and match.group().casefold() in form.casefold():
            places.append(match.span())
    found: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if found and (start < found[-1][1] or not text[found[-1][1] : start].strip()):
            start, before = found.pop()
            end = max(end, before)
        found.append((start, end))
    return found
