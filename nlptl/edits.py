"""Edits of a text: places in code points, what stands there instead, and where a span lies afterwards. Pure functions.

Words and characters are Unicode's: an edit begins and ends between grapheme clusters (UAX 29), so a combining mark
never leaves its letter.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import regex

from nlptl.records import Row

# Scripts that put no space between words; each grapheme of theirs counts as a word.
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_LETTER = regex.compile(r"[\p{L}\p{N}]")
_CLUSTER = regex.compile(r"\X")
APOSTROPHES = "'\u2019"
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `replacement` in the place of `start` to `end` of the original text; equal places insert."""

    start: int
    end: int
    replacement: str
    gold: bool = False
    """Whether the gold is to say the same: one name for another, in the text and in what it asks for."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text and where its grapheme clusters begin."""

    start: int
    end: int
    text: str
    clusters: tuple[int, ...]

    def cluster(self, number: int) -> tuple[int, int]:
        """Give where a grapheme cluster stands in the text."""
        stop = self.clusters[number + 1] if number + 1 < len(self.clusters) else self.end
        return self.clusters[number], stop


def words(text: str) -> list[Word]:
    """Cut a text into words: runs of letters and digits (`don't` is one), in unspaced scripts each character."""
    found: list[Word] = []
    begins: list[int] = []
    clusters = [(match.start(), match.group()) for match in _CLUSTER.finditer(text)]

    def close(end: int) -> None:
        if begins:
            found.append(Word(begins[0], end, text[begins[0] : end], tuple(begins)))
            begins.clear()

    for number, (start, cluster) in enumerate(clusters):
        if _UNSPACED.match(cluster):
            close(start)
            begins.append(start)
            close(start + len(cluster))
        elif _LETTER.match(cluster) or (begins and cluster in APOSTROPHES and _joins(clusters, number)):
            begins.append(start)
        else:
            close(start)
    close(len(text))
    return found


def cluster_at(text: str, place: int) -> str:
    """Give the grapheme cluster that begins at a place, nothing at the end."""
    found = _CLUSTER.match(text, place)
    return str(found.group()) if found else ""


def _joins(clusters: Sequence[tuple[int, str]], number: int) -> bool:
    """Say whether a letter that is written with spaces follows."""
    after = clusters[number + 1][1] if number + 1 < len(clusters) else ""
    return bool(_LETTER.match(after)) and not _UNSPACED.match(after)


def drawn(draw: random.Random, able: Sequence[Thing], rate: float, of: int) -> list[Thing]:
    """Choose `rate` of `of` words, at least one, out of those that can be edited, in their order."""
    count = min(len(able), max(1, round(rate * of)))
    return [able[number] for number in sorted(draw.sample(range(len(able)), count))]


def stands(text: str, start: int, end: int) -> bool:
    """Say whether a span begins and ends between grapheme clusters."""
    places = {match.start() for match in _CLUSTER.finditer(text, max(0, start - 32), end + 1)}
    return start in places and (end in places or end == len(text))


def cased(word: str, like: str) -> str:
    """Write a word in small letters, in capitals, or with a capital first, as another is written; else as it stands."""
    if like.islower():
        return word.lower()
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Give the edited text. Raises ValueError for edits that overlap, are not in order, or lie outside of the text."""
    check(text, edits)
    parts, place = [], 0
    for edit in edits:
        parts += [text[place : edit.start], edit.replacement]
        place = edit.end
    return "".join([*parts, text[place:]])


def check(text: str, edits: Sequence[Edit]) -> None:
    """Raise ValueError for edits that overlap, are not in order, or lie outside of the text."""
    for edit in edits:
        if not 0 <= edit.start <= edit.end <= len(text):
            raise ValueError(f"{edit} lies outside of a text of {len(text)} characters")
    for first, second in pairwise(edits):
        if second.start < first.end or second.start == first.start:
            raise ValueError(f"{first} and {second} overlap, or are not in order")


def moved(start: int, end: int, edits: Sequence[Edit]) -> tuple[int, int]:
    """Give where a span lies in the edited text; what is edited within it belongs to it, what is put beside it not."""
    before = sum(_growth(edit) for edit in edits if edit.end <= start)
    within = sum(_growth(edit) for edit in edits if edit.end > start and edit.start < end)
    return start + before, end + before + within


def touches(edits: Sequence[Edit], start: int, end: int) -> bool:
    """Say whether an edit changes something of a span, or puts something inside of it."""
    return any(edit.start < end and edit.end > start for edit in edits)


def renamed(start: int, end: int, edits: Sequence[Edit]) -> bool:
    """Say whether all that changes something of a span lies within it and changes the gold alike."""
    touching = [edit for edit in edits if edit.start < end and edit.end > start]
    return all(edit.gold and start <= edit.start and edit.end <= end for edit in touching)


def _growth(edit: Edit) -> int:
    return len(edit.replacement) - (edit.end - edit.start)


Edits = Mapping[str, Sequence[Edit]]
"""Column of a row -> edits of its text."""


def rewritten(row: Row, edits: Edits) -> Row | None:
    """Give a row with its columns edited and all else as it was; None where edits leave nothing of one of the texts."""
    changed = {column: apply(row.values[column], found) for column, found in edits.items()}
    if any(not text.strip() and row.values[column].strip() for column, text in changed.items()):
        return None  # a text that was blank before, as the second of a pair may be, is no reason
    return replace(row, values={**row.values, **changed})
