"""How well texts are foreseen: scores per token, pooled over rows, and what token frequencies alone reach.

The main score is how many of the tokens are guessed, which can be read beside other tasks' scores; `likelihood` is the
geometric mean of the tokens' probabilities, 1 over the perplexity: it grows with quality, so that it can choose a
checkpoint.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from nlptl import statistics
from nlptl.statistics import Difference
from nlptl.tasks import Feature, Prediction, Row, Scores

METRICS = ("accuracy", "likelihood", "loss", "perplexity")
ERRORS = ("loss", "perplexity")
LARGEST = 700.0
"""The largest loss whose perplexity a float holds."""


def of_sums(loss: float, right: float, tokens: float) -> dict[str, float]:
    """Give all metrics of so many tokens: their losses (nats) and how many were guessed, summed."""
    mean = loss / tokens if tokens else 0.0
    share = right / tokens if tokens else 1.0
    return dict(zip(METRICS, (share, math.exp(-mean), mean, math.exp(min(mean, LARGEST))), strict=True))


def parts(predictions: Iterable[Prediction], rows: Sequence[Row]) -> dict[str, list[float]]:
    """Give what each row contributes, in the order of the rows."""
    by_id = {one.row_id: one.detail for one in predictions}
    return {name: [float(by_id[row.id][name]) for row in rows] for name in ("loss", "right", "tokens")}


def score(predictions: Sequence[Prediction], rows: Sequence[Row]) -> Scores:
    """Score by token: sums over all rows, divided once."""
    each = parts(predictions, rows)
    correct = [float(right == tokens) for right, tokens in zip(each["right"], each["tokens"], strict=True)]
    found = of_sums(*(math.fsum(each[name]) for name in ("loss", "right", "tokens")))
    return Scores(found, [row.id for row in rows], {"correct": correct, **each})


def intervals(predictions: Sequence[Prediction], rows: Sequence[Row], seed: int) -> dict[str, tuple[float, float]]:
    """Give each metric's 95 % interval: rows are drawn again, each with all its tokens."""
    each = parts(predictions, rows)
    loss = statistics.ratio_interval(each["loss"], each["tokens"], seed=seed)
    right = statistics.ratio_interval(each["right"], each["tokens"], seed=seed)
    low, high = (of_sums(end, 0, 1) for end in (loss.low, loss.high))
    return {
        "accuracy": (right.low, right.high), "likelihood": (high["likelihood"], low["likelihood"]),
        "loss": (loss.low, loss.high), "perplexity": (low["perplexity"], high["perplexity"]),
    }  # fmt: skip


def difference(
    first: Sequence[Prediction], second: Sequence[Prediction], rows: Sequence[Row], seed: int
) -> Difference:
    """Give the paired difference of the main score."""
    sides = [(each["right"], each["tokens"]) for each in (parts(first, rows), parts(second, rows))]
    return statistics.paired_ratio(*sides, seed=seed)


def unigram(
    train: Iterable[int], asked: Iterable[tuple[Feature, Sequence[int]]], rows: Sequence[Row], words: int
) -> list[Prediction]:
    """Predict by how often a token stands in training, one added to each of `words`, whatever stands beside it."""
    counts = Counter(train)
    total = sum(counts.values()) + words
    best = min(counts, key=lambda one: (-counts[one], one), default=0)
    sums: dict[str, list[float]] = {row.id: [0.0, 0.0, 0.0] for row in rows}
    for feature, known in asked:
        own = sums[feature.row_id]
        for one in known:
            own[0] -= math.log((counts[one] + 1) / total)
            own[1] += one == best
            own[2] += 1
    return [said(row_id, loss, right, tokens) for row_id, (loss, right, tokens) in sums.items()]


def said(
    row_id: str, loss: float, right: float, tokens: float, more: Mapping[str, object] | None = None,
    text: str | None = None,
) -> Prediction:  # fmt: skip
    """Make a prediction of a row: its perplexity, or a text where one was filled in."""
    value: object = of_sums(loss, right, tokens)["perplexity"] if text is None else text
    return Prediction(row_id, value, {"loss": loss, "right": right, "tokens": tokens, **(more or {})})
