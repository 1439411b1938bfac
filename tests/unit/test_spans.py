"""Spans from token scores, against plain search over all of them."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from nlptl import spans
from nlptl.spans import Span


def _searched(starts: list[float], ends: list[float], offsets: list[tuple[int, int]], longest: int) -> list[Span]:
    found = [
        Span(offsets[first][0], offsets[last][1], starts[first] + ends[last])
        for first, last in itertools.combinations_with_replacement(range(len(offsets)), 2)
        if last - first < longest and offsets[first][1] > offsets[first][0] and offsets[last][1] > offsets[last][0]
    ]
    return sorted(found, key=lambda span: (-span.score, span.start, span.end))


def test_the_best_spans_are_those_that_search_finds() -> None:
    draw = random.Random(3)
    for _ in range(60):
        tokens = draw.randrange(1, 12)
        starts, ends = ([float(draw.randrange(-9, 9)) for _ in range(tokens)] for _ in range(2))
        offsets = [(3 * number, 3 * number + draw.choice([0, 2, 2, 2])) for number in range(tokens)]
        longest = draw.randrange(1, 6)
        found = spans.best(starts, ends, offsets, longest=longest, count=4)
        wanted = _searched(starts, ends, offsets, longest)[:4]
        assert [span.score for span in found] == [span.score for span in wanted]
        assert set(found) <= set(_searched(starts, ends, offsets, longest))


def test_of_equal_spans_the_first_and_shortest_comes_first() -> None:
    assert spans.best([0, 0], [0, 0], [(0, 1), (2, 3)], longest=2, count=3) == [
        Span(0, 1, 0), Span(0, 3, 0), Span(2, 3, 0),
    ]  # fmt: skip
    assert spans.best([], [], [], longest=2, count=3) == []


def test_windows_are_merged_by_place() -> None:
    merged = spans.merged([[Span(0, 3, 1.0), Span(5, 8, 4.0)], [Span(5, 8, 2.0), Span(0, 3, 3.0)], []], 2)
    assert merged == [Span(5, 8, 4.0), Span(0, 3, 3.0)]


def test_probabilities_are_the_softmax() -> None:
    found = spans.probabilities([2.0, 0.0], 2.0)
    assert found == pytest.approx([math.e / (math.e + 1), 1 / (math.e + 1)])
    assert spans.probabilities([1e5, 0.0], 1.0) == pytest.approx([1.0, 0.0])
    assert spans.probabilities([], 1.0) == []


def test_tokens_of_a_piece_of_text() -> None:
    offsets = [(0, 3), (3, 3), (4, 7), (8, 12)]
    assert spans.tokens_of(offsets, 4, 12) == (2, 3)
    assert spans.tokens_of(offsets, 5, 6) == (2, 2), "a part of a token takes all of it"
    assert spans.tokens_of(offsets[:3], 4, 12) is None, "the window ends in it"
    assert spans.tokens_of(offsets, 20, 22) is None


def test_the_threshold_is_the_best_of_all() -> None:
    draw = random.Random(5)
    for _ in range(50):
        rows = draw.randrange(1, 8)
        margins = [float(draw.randrange(-4, 5)) for _ in range(rows)]
        answered, silent = ([draw.choice([0.0, 0.5, 1.0]) for _ in range(rows)] for _ in range(2))

        def total(
            threshold: float, margins: list[float] = margins, answered: list[float] = answered,
            silent: list[float] = silent,
        ) -> float:  # fmt: skip
            return sum(a if m > threshold else s for m, a, s in zip(margins, answered, silent, strict=True))

        found = spans.best_threshold(margins, answered, silent)
        assert total(found) == pytest.approx(max(total(step / 4) for step in range(-24, 25)))
