"""The row bootstrap: intervals and paired tests of any metric, by drawing the test rows again.

Rows that say the same (same gold, same predictions) are one cell, and the cells' counts are drawn from the multinomial
law: the same bootstrap at a fraction of the work, and no order of rows can change it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from nlptl import metrics
from nlptl.errors import BadInput, did_you_mean
from nlptl.seeds import derive
from nlptl.statistics.formulas import wilson
from nlptl.statistics.records import Difference, Interval

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.float64]

Rows = Sequence[str] | metrics.Sets

_CHUNK = 4_000_000
"""Most resampled counts held at once: 32 MB."""


def interval(
    metric: str, gold: Rows, predicted: Rows, labels: Sequence[str], *, seed: int, resamples: int = 1000
) -> Interval:
    """Give a metric of `nlptl.metrics` by name, with its interval: Wilson's for a share of rows, else the bootstrap's.

    `gold` and `predicted` are as that metric takes them. Where a metric counts labels that are absent from a sample as
    0 (macro F1), the resamples that miss a rare label pull the interval down.
    """
    formula, (true, said) = _prepare(metric, gold, predicted)
    value = float(formula(metrics.count(true, said, labels))[0])
    if formula is metrics.accuracy_of:
        return wilson(round(value * len(true)), len(true))
    cells, times = _cells(true, said)
    draws = _draws(times, seed, resamples)
    return _percentiles([formula(_counts(cells, 1, labels, weights)) for weights in draws], value, len(true))


def paired_interval(
    metric: str,
    gold: Rows,
    first: Rows,
    second: Rows,
    labels: Sequence[str],
    *,
    seed: int,
    resamples: int = 10_000,
) -> Difference:
    """Give the difference of a metric between two models' predictions on the same rows, both resampled together."""
    formula, (true, one, other) = _prepare(metric, gold, first, second)
    value = float((formula(metrics.count(true, one, labels)) - formula(metrics.count(true, other, labels)))[0])
    cells, times = _cells(true, one, other)
    drawn = [
        formula(_counts(cells, 1, labels, weights)) - formula(_counts(cells, 2, labels, weights))
        for weights in _draws(times, seed, resamples)
    ]
    return _tested(drawn, value, len(true))


def calibration_interval(
    confidences: Sequence[float], correct: Sequence[bool], *, seed: int, bins: int = 15, resamples: int = 1000
) -> Interval:
    """Give the calibration error of one label a row with its interval."""
    value = metrics.calibration_error(confidences, correct, bins)
    decisions = [[(c, right)] for c, right in zip(confidences, correct, strict=True)]
    return _calibration(decisions, value, seed, bins, resamples)


def multilabel_calibration_interval(
    probabilities: Sequence[Mapping[str, float]],
    gold: metrics.Sets,
    labels: Sequence[str],
    *,
    seed: int,
    bins: int = 15,
    resamples: int = 1000,
) -> Interval:
    """Give the calibration error over all (row, label) decisions with its interval; whole rows are resampled."""
    value = metrics.multilabel_calibration_error(probabilities, gold, labels, bins)
    rows = zip(probabilities, gold, strict=True)
    decisions = [[(row.get(label, 0.0), label in true) for label in labels] for row, true in rows]
    return _calibration(decisions, value, seed, bins, resamples)


def bootstrap(statistic: Callable[[Sequence[int]], float], n: int, *, seed: int, resamples: int = 1000) -> Interval:
    """Give the interval of any statistic of `n` rows, which is handed the numbers of the rows drawn."""
    import numpy

    if n < 1:
        raise BadInput("interval", "there are no rows to resample")
    generator = numpy.random.default_rng(derive(seed, "bootstrap"))
    drawn = [statistic(generator.integers(n, size=n).tolist()) for _ in range(resamples)]
    return _percentiles([numpy.array(drawn, dtype=float)], float(statistic(range(n))), n)


def bootstrap_mean(values: Sequence[float], *, seed: int, resamples: int = 1000) -> Interval:
    """Give the interval of a mean of per-row scores (F1 of an answer, say).

    Where every row has 1, or every row 0, all resamples are alike and would say that nothing is uncertain: then it is
    Wilson's, as of a share.
    """
    if len(set(values)) == 1 and values[0] in (0.0, 1.0):
        return wilson(round(sum(values)), len(values))
    value, drawn = _means(values, seed, resamples)
    return _percentiles(drawn, value, len(values))


def paired_bootstrap(
    first: Sequence[float], second: Sequence[float], *, seed: int, resamples: int = 10_000
) -> Difference:
    """Give the mean difference of per-row scores (or of right and wrong) of two models on the same rows.

    p is the share of resamples whose difference lies as far from the one seen as that lies from 0, both counted with
    one more (Efron and Tibshirani 1993, chapter 16; Davison and Hinkley 1997, eq. 4.11): it is never 0.
    """
    if len(first) != len(second):
        raise BadInput("paired bootstrap", f"both must score the same rows (got {len(first)} and {len(second)})")
    value, drawn = _means([float(a) - float(b) for a, b in zip(first, second, strict=True)], seed, resamples)
    return _tested(drawn, value, len(first))


def _prepare(metric: str, *sides: Rows) -> tuple[Callable[[metrics.Counts], Array], list[metrics.Sets]]:
    """Give the metric's formula on counts, and every side as sets of names."""
    known = {**metrics.SINGLE, **metrics.SEVERAL}
    if metric not in known:
        raise BadInput("interval", f"no metric '{metric}'; {did_you_mean(metric, known)}")
    return known[metric], [metrics.alone(side) if metric in metrics.SINGLE else side for side in sides]  # type: ignore[arg-type]


def _cells(*sides: metrics.Sets) -> tuple[list[tuple[tuple[str, ...], ...]], list[int]]:
    """Give the distinct rows, sorted so that the order of rows cannot matter, and how often each occurs."""
    times = Counter(tuple(tuple(sorted(set(names))) for names in row) for row in zip(*sides, strict=True))
    cells = sorted(times)
    return cells, [times[cell] for cell in cells]


def _counts(
    cells: Sequence[tuple[tuple[str, ...], ...]], side: int, labels: Sequence[str], weights: Array
) -> metrics.Counts:
    """Count right, gold and predicted rows of each label in R resamples given as weights [R, C] of the cells."""
    import numpy

    gold = numpy.array([[label in cell[0] for label in labels] for cell in cells], dtype=float)
    said = numpy.array([[label in cell[side] for label in labels] for cell in cells], dtype=float)
    exact = numpy.array([cell[0] == cell[side] for cell in cells], dtype=float)
    return metrics.Counts(weights @ (gold * said), weights @ gold, weights @ said, weights @ exact, weights.sum(-1))


def _draws(times: Sequence[int], seed: int, resamples: int) -> Iterator[Array]:
    """Give the counts of the cells in resamples of their rows, [R, C] in float, a part of the resamples at a time."""
    import numpy

    generator = numpy.random.default_rng(derive(seed, "bootstrap"))
    n, part = sum(times), max(1, _CHUNK // len(times))
    shares = numpy.array(times, dtype=float) / n
    for start in range(0, resamples, part):
        yield generator.multinomial(n, shares, size=min(part, resamples - start)).astype(float)


def _means(values: Sequence[float], seed: int, resamples: int) -> tuple[float, list[Array]]:
    """Give the mean of `values` and the means of its resamples."""
    import numpy

    if not values:
        raise BadInput("interval", "there are no rows to resample")
    distinct, times = numpy.unique(numpy.array(values, dtype=float), return_counts=True)
    drawn = [weights @ distinct / len(values) for weights in _draws(times.tolist(), seed, resamples)]
    return math.fsum(values) / len(values), drawn


def _calibration(
    decisions: Sequence[Sequence[tuple[float, bool]]], value: float, seed: int, bins: int, resamples: int
) -> Interval:
    """Resample rows of (confidence, right): what a row adds to each bin's gap is a sum, so weights [R, C] suffice.

    A sum of absolute values is biased upwards, in resamples once more: plain percentiles never held the true error of a
    calibrated model in simulations. So the lower end is the value less the 97.5 % quantile of the distance
    between a resample's gaps and the gaps seen, which no error of theirs can exceed (triangle inequality).
    """
    import numpy

    gaps = numpy.zeros((len(decisions), bins))
    for row, pairs in enumerate(decisions):
        for confidence, right in pairs:
            gaps[row, metrics.calibration_bin(confidence, bins)] += right - confidence
    distinct, times = numpy.unique(gaps, axis=0, return_counts=True)
    total = sum(map(len, decisions))
    drawn = numpy.concatenate([weights @ distinct for weights in _draws(times.tolist(), seed, resamples)]) / total
    distance = numpy.quantile(abs(drawn - gaps.sum(0) / total).sum(-1), 0.975)
    high = numpy.quantile(abs(drawn).sum(-1), 0.975)
    return Interval(
        max(0.0, value - float(distance)), value, max(value, float(high)), len(decisions), "bootstrap of gaps"
    )


def _percentiles(drawn: Sequence[Array], value: float, n: int) -> Interval:
    import numpy

    low, high = numpy.quantile(numpy.concatenate(drawn), [0.025, 0.975])
    return Interval(float(low), value, float(high), n, "bootstrap")


def _tested(drawn: Sequence[Array], value: float, n: int) -> Difference:
    import numpy

    every = numpy.concatenate(drawn)
    low, high = numpy.quantile(every, [0.025, 0.975])
    # The tolerance keeps resamples that differ only by rounding among those that lie as far.
    far = int((abs(every - value) >= abs(value) - 1e-12).sum())
    return Difference(float(low), value, float(high), (far + 1) / (len(every) + 1), n, "paired bootstrap")
