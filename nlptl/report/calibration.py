"""How often a model is right against how sure it is, and the temperature that would mend it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nlptl import metrics, pages
from nlptl.report.examples import Example
from nlptl.statistics import wilson

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.float64]

BINS = 15
"""As the calibration error of `nlptl.metrics` has."""
_LEAST = 1e-12


def decisions(found: Sequence[Example]) -> tuple[list[float], list[bool]]:
    """Give the probability of each decision and whether it came true: of the label that was given or, with several
    labels, of every label of every row.
    """
    chances: list[float] = []
    right: list[bool] = []
    for one in found:
        if one.several:
            chances += one.chances.values()
            right += [name in one.gold for name in one.chances]
        elif one.chances:
            chances.append(one.chances[one.said[0]])
            right.append(one.right)
    return chances, right


def bins(chances: Sequence[float], right: Sequence[bool], count: int = BINS) -> list[pages.Bin]:
    """Count decisions by their probability, as the calibration error does."""
    inside: list[list[tuple[float, bool]]] = [[] for _ in range(count)]
    for chance, good in zip(chances, right, strict=True):
        inside[metrics.calibration_bin(chance, count)].append((chance, good))
    return [_bin(number / count, (number + 1) / count, one) for number, one in enumerate(inside)]


def _bin(low: float, high: float, inside: Sequence[tuple[float, bool]]) -> pages.Bin:
    if not inside:
        return pages.Bin(low, high, 0, (low + high) / 2, 0.0, 0.0, 1.0)
    share = wilson(sum(good for _, good in inside), len(inside))
    sure = sum(chance for chance, _ in inside) / len(inside)
    return pages.Bin(low, high, len(inside), sure, share.value, share.low, share.high)


def temperature(found: Sequence[Example]) -> float | None:
    """Give the number that the logits are best divided by, by the likelihood of gold; None where rows have not the
    probabilities of the same labels.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2. With several labels each has a logit of
    its own.
    """
    import numpy
    from scipy.optimize import minimize_scalar

    usable = [one for one in found if one.chances]
    names = list(usable[0].chances) if usable else []
    if not names or any(one.chances.keys() != usable[0].chances.keys() for one in usable):
        return None
    logits = _logits([one.chances for one in usable], names, several=usable[0].several)
    gold = numpy.array([[name in one.gold for name in names] for one in usable], dtype=float)

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        if usable[0].several:
            each = numpy.logaddexp(0.0, scaled) - gold * scaled
        else:
            top = scaled.max(1, keepdims=True)
            each = numpy.log(numpy.exp(scaled - top).sum(1)) + top[:, 0] - (gold * scaled).sum(1)
        return float(each.mean())

    best = minimize_scalar(loss, bounds=(math.log(0.05), math.log(20.0)), method="bounded")
    return math.exp(float(best.x))


def cooled(chances: Mapping[str, float], temperature: float, *, several: bool) -> dict[str, float]:
    """Give the probabilities that come of logits divided by a temperature."""
    import numpy

    logits = _logits([chances], list(chances), several=several)[0] / temperature
    if several:
        values = 1 / (1 + numpy.exp(-logits))
    else:
        powers = numpy.exp(logits - logits.max())
        values = powers / powers.sum()
    return dict(zip(chances, map(float, values), strict=True))


def _logits(chances: Sequence[Mapping[str, float]], names: Sequence[str], *, several: bool) -> Any:
    """Give logits that the probabilities could come from, up to a number a row that changes nothing."""
    import numpy

    found = numpy.array([[one[name] for name in names] for one in chances]).clip(_LEAST, 1.0)
    return numpy.log(found) - numpy.log((1 - found).clip(_LEAST)) if several else numpy.log(found)
