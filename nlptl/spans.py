"""From the scores of tokens to spans of text: what an extractive answer is chosen by. Pure functions.

A span's score is the sum of its first token's start logit and its last token's end logit; the score of "no answer" is
the same sum at one token of the input: the first (Devlin et al. 2019, section 4.3), on decoders the last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Offsets = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the context, `start` to `end` in code points, and its score."""

    start: int
    end: int
    score: float


def best(
    starts: Sequence[float], ends: Sequence[float], offsets: Offsets, *, longest: int, count: int
) -> list[Span]:
    """Give the `count` best spans of a window, best first; of equals the one that starts and ends first.

    `starts` and `ends` are the logits of the context's tokens alone, `offsets` where each token stands in the context;
    a span has at most `longest` tokens. Tokens without width (some tokenizers make them of spaces) begin and end none.
    """
    import numpy

    tokens = len(offsets)
    if tokens == 0:
        return []
    wide = numpy.array([end > start for start, end in offsets])
    first = numpy.where(wide, numpy.asarray(starts, float), -numpy.inf)
    last = numpy.where(wide, numpy.asarray(ends, float), -numpy.inf)
    lengths = min(longest, tokens)
    scores = numpy.full((tokens, lengths), -numpy.inf)  # [first token, further tokens]
    for further in range(lengths):
        scores[: tokens - further, further] = first[: tokens - further] + last[further:]
    order = numpy.argsort(-scores, axis=None, kind="stable")[:count]
    found = []
    for place in order.tolist():
        begin, further = divmod(place, lengths)
        score = float(scores[begin, further])
        if score > -math.inf:
            found.append(Span(offsets[begin][0], offsets[begin + further][1], score))
    return found


def merged(windows: Sequence[Sequence[Span]], count: int) -> list[Span]:
    """Give the best spans of all windows of a text, each place once, with its best score."""
    highest: dict[tuple[int, int], float] = {}
    for window in windows:
        for span in window:
            place = (span.start, span.end)
            highest[place] = max(span.score, highest.get(place, -math.inf))
    ordered = sorted(highest, key=lambda place: (-highest[place], place))
    return [Span(start, end, highest[start, end]) for start, end in ordered[:count]]


def probabilities(scores: Sequence[float], temperature: float) -> list[float]:
    """Give the softmax of scores over a temperature (Guo et al. 2017)."""
    if not scores:
        return []
    top = max(scores)
    weights = [math.exp((score - top) / temperature) for score in scores]
    total = sum(weights)
    return [weight / total for weight in weights]


def tokens_of(offsets: Offsets, start: int, end: int) -> tuple[int, int] | None:
    """Give the first and last token of a piece of text, or None where the window does not hold all of it."""
    inside = [number for number, (left, right) in enumerate(offsets) if right > start and left < end and right > left]
    if not inside or offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end:
        return None
    return inside[0], inside[-1]


def best_threshold(margins: Sequence[float], answered: Sequence[float], silent: Sequence[float]) -> float:
    """Choose the margin above which to answer: the one with the best total on these rows; of equals the one nearest 0.

    `margins` say by how much the best span beats "no answer"; `answered` and `silent` what each row scores when it is
    answered and when it is not. Thresholds lie midway between neighbouring margins.
    """
    ordered = sorted(range(len(margins)), key=lambda row: margins[row])
    total = sum(answered)
    edges = sorted(set(margins))
    if not edges:
        return 0.0
    candidates = [edges[0] - 1.0, *((low + high) / 2 for low, high in pairwise(edges)), edges[-1]]
    best_value, chosen, row = -math.inf, 0.0, 0
    for candidate in candidates:
        while row < len(ordered) and margins[ordered[row]] <= candidate:
            total += silent[ordered[row]] - answered[ordered[row]]
            row += 1
        nearer = total == best_value and abs(candidate) < abs(chosen)
        if total > best_value + 1e-12 or nearer:
            best_value, chosen = total, candidate
    return chosen
