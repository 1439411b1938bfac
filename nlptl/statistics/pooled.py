"""The row bootstrap of sums over sums: scores per token, where rows have different numbers of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nlptl.errors import BadInput
from nlptl.seeds import derive
from nlptl.statistics.formulas import wilson
from nlptl.statistics.records import Difference, Interval
from nlptl.statistics.resampling import _CHUNK, _percentiles, _tested

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.float64]

Side = tuple[Sequence[float], Sequence[float]]
"""What is summed over the rows (tokens that were guessed, say), and what it is divided by (tokens)."""


def ratio_interval(over: Sequence[float], under: Sequence[float], *, seed: int, resamples: int = 1000) -> Interval:
    """Give the interval of sum(over) / sum(under), rows drawn with all that they hold.

    Where it is 0 in every row, or 1 in every row, all resamples are alike: then it is Wilson's, as of a share of rows.
    """
    import numpy

    if not len(over) or not sum(under):
        raise BadInput("interval", "there are no rows to resample")
    if all(one in (0.0, other) for one, other in zip(over, under, strict=True)) and sum(over) in (0.0, sum(under)):
        return wilson(len(over) if sum(over) else 0, len(over))
    values = numpy.array([over, under], dtype=float).T
    drawn = [_ratio(sums) for sums in _sums(values, seed, resamples)]
    return _percentiles(drawn, float(_ratio(values.sum(0)[None])[0]), len(over))


def paired_ratio(first: Side, second: Side, *, seed: int, resamples: int = 10_000) -> Difference:
    """Give by how much the first's sum over sum is larger, with its paired interval.

    p is counted as in `paired_bootstrap`.
    """
    import numpy

    values = numpy.array([*first, *second], dtype=float).T
    if not len(values) or not values[:, 1].sum() or not values[:, 3].sum():
        raise BadInput("difference", "there are no rows to resample")

    def gap(sums: Array) -> Array:
        found: Array = _ratio(sums[:, :2]) - _ratio(sums[:, 2:])
        return found

    drawn = [gap(sums) for sums in _sums(values, seed, resamples)]
    return _tested(drawn, float(gap(values.sum(0)[None])[0]), len(values))


def _ratio(sums: Array) -> Array:
    """Give [R] from [R, 2]; 0 for a resample in which nothing was asked."""
    import numpy

    return numpy.divide(sums[:, 0], sums[:, 1], out=numpy.zeros(len(sums)), where=sums[:, 1] > 0)


def _sums(values: Array, seed: int, resamples: int) -> Iterator[Array]:
    """Give the column sums of resamples of the rows, [R, columns], a part of the resamples at a time.

    Rows are put in an order of their own first, so that the order in which they come changes nothing.
    """
    import numpy

    ordered = values[numpy.lexsort(values.T)]
    generator = numpy.random.default_rng(derive(seed, "bootstrap"))
    n, part = len(ordered), max(1, _CHUNK // len(ordered))
    for start in range(0, resamples, part):
        weights = generator.multinomial(n, numpy.full(n, 1 / n), size=min(part, resamples - start))
        yield weights @ ordered
