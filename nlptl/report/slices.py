"""Parts of a scored set, each held against the rest: by length, language, label, and whether training saw the row."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from nlptl.report.examples import Example
from nlptl.statistics import Interval, wilson

LEAST = 10
"""Rows that a part, and the rest, must have to be held against each other."""


@dataclass(frozen=True)
class Slice:
    """A part of a set: the share of its rows that is right, with Wilson's interval, and that of all other rows."""

    kind: str
    name: str
    score: Interval
    rest: Interval | None
    """None where there are no other rows."""

    @property
    def mark(self) -> Literal["low", "high"] | None:
        """`low` or `high` where the difference from the rest is beyond its interval; None where it is not, or where
        either side has too few rows to tell.
        """
        if self.rest is None or min(self.score.n, self.rest.n) < LEAST:
            return None
        low, high = newcombe(self.score, self.rest)
        return "high" if low > 0 else "low" if high < 0 else None


def newcombe(first: Interval, second: Interval) -> tuple[float, float]:
    """Give the 95 % interval of the difference of two shares of different rows, from Wilson's interval of each.

    Newcombe 1998, "Interval estimation for the difference between independent proportions" (Statistics in Medicine
    17), method 10.
    """
    gap = first.value - second.value
    low = gap - math.hypot(first.value - first.low, second.high - second.value)
    high = gap + math.hypot(first.high - first.value, second.value - second.low)
    return low, high


def slices(found: Sequence[Example]) -> list[Slice]:
    """Cut a set by language, length and whether training saw the row; a kind with one part alone says nothing."""
    parts: list[Slice] = []
    languages = sorted({one.language for one in found})
    parts += _parts("language", found, [(name, _is_language(name)) for name in languages])
    parts += _parts("length", found, list(_lengths(found)))
    seen: list[tuple[str, Callable[[Example], bool]]] = [
        ("also in train", lambda one: one.seen),
        ("not in train", lambda one: not one.seen),
    ]
    return parts + _parts("seen", found, seen)


def by_label(found: Sequence[Example], labels: Sequence[str]) -> list[Slice]:
    """Cut a set by gold label. Right is here a row of the label that was given it, whatever else it was given."""
    counts = {name: [0, 0] for name in labels}
    for one in found:
        for name in one.gold:
            counts[name][0] += 1
            counts[name][1] += name in one.said
    rows, right = (sum(pair[side] for pair in counts.values()) for side in (0, 1))
    return [
        Slice("label", name, wilson(good, n), wilson(right - good, rows - n) if rows > n else None)
        for name, (n, good) in counts.items()
        if n
    ]


def _parts(kind: str, found: Sequence[Example], tests: Sequence[tuple[str, Callable[[Example], bool]]]) -> list[Slice]:
    parts = []
    right = sum(one.right for one in found)
    for name, belongs in tests:
        inside = [one.right for one in found if belongs(one)]
        if inside and len(inside) < len(found):
            rest = wilson(right - sum(inside), len(found) - len(inside))
            parts.append(Slice(kind, name, wilson(sum(inside), len(inside)), rest))
    return parts


def _is_language(name: str) -> Callable[[Example], bool]:
    return lambda one: one.language == name


def _lengths(found: Sequence[Example]) -> Iterator[tuple[str, Callable[[Example], bool]]]:
    """Cut by length into quarters of about equally many rows."""
    known = sorted(one.tokens for one in found if one.tokens is not None)
    if not known:
        return
    edges = sorted({known[0], *(known[len(known) * part // 4] for part in (1, 2, 3)), known[-1] + 1})
    for low, high in itertools.pairwise(edges):
        name = f"{low} to {high - 1} tokens" if high - 1 > low else f"{low} tokens"
        yield name, _is_long(low, high)


def _is_long(low: int, high: int) -> Callable[[Example], bool]:
    return lambda one: one.tokens is not None and low <= one.tokens < high
