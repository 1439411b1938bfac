"""Intervals, tests and power that have a formula."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from nlptl.errors import BadInput
from nlptl.statistics.records import Interval, Spread

Z = 1.959963984540054
"""Normal quantile at 0.975."""

TYPICAL_CORRELATION = 0.5
"""Assumed correlation between two classifiers being right on a row: an assumption, to be shown beside what it gives."""


def wilson(successes: int, n: int) -> Interval:
    """Give the interval of a proportion (Wilson 1927), which holds near 0 and 1 and for few rows, too."""
    if not 0 <= successes <= n or n == 0:
        raise BadInput("interval", f"{successes} successes of {n} rows are no proportion")
    share, z2 = successes / n, Z * Z / n
    centre = (share + z2 / 2) / (1 + z2)
    half = Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n)) / (1 + z2)
    # The bound at a share of 0 or 1 is exactly 0 or 1; rounding puts it beside.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(low, share, high, n, "wilson")


def mcnemar_exact(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Give the exact two-sided p that two models are right equally often (McNemar 1947, binomial on the discordant)."""
    if len(first) != len(second):
        raise BadInput("McNemar's test", f"both must score the same rows (got {len(first)} and {len(second)})")
    only = Counter((bool(a), bool(b)) for a, b in zip(first, second, strict=True))
    fewer, more = sorted((only[True, False], only[False, True]))
    total = term = 1
    for k in range(1, fewer + 1):
        term = term * (fewer + more - k + 1) // k
        total += term
    return min(1.0, 2 * total / (1 << (fewer + more)))


def smallest_detectable_difference(
    n: int, accuracy: float, *, correlation: float = TYPICAL_CORRELATION, power: float = 0.8
) -> float | None:
    """Give the least gain over `accuracy` that a paired test on `n` rows finds with `power` at the 5 % level.

    Connor 1987, "Sample size for testing differences in proportions for the paired-sample design" (Biometrics 43),
    solved for the difference d: d sqrt(n) = z(0.975) sqrt(s) + z(power) sqrt(s - d^2), where s is the share of rows on
    which just one of the two is right. s follows from both accuracies and the correlation of being right; 0 asks for
    most, and models trained on the same rows lie above it. None where even a model without error would not stand out.
    Where few rows are discordant (under some 50) it asks for a little too much.
    """
    from statistics import NormalDist

    if n < 1 or not 0 <= accuracy < 1 or not -1 <= correlation < 1 or not 0.5 <= power < 1:
        given = f"n={n}, accuracy={accuracy}, correlation={correlation}, power={power}"
        raise BadInput("smallest detectable difference", f"a setting is out of its range (got {given})")
    z_power = NormalDist().inv_cdf(power)

    def excess(difference: float) -> float:
        s = _discordant(accuracy, accuracy + difference, correlation)
        return difference * math.sqrt(n) - Z * math.sqrt(s) - z_power * math.sqrt(max(0.0, s - difference**2))

    low, high = 0.0, 1.0 - accuracy
    if excess(high) < 0:
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return high


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for being several (Holm 1979), in the order given: each may be held against 0.05 by itself."""
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = least
    return adjusted


def mean_and_spread(scores: Sequence[float]) -> Spread:
    """Give the mean over seeds and its t-interval. Given differences seed by seed, it is the paired interval."""
    n = len(scores)
    if n == 0:
        raise BadInput("mean over seeds", "there are no scores")
    mean = math.fsum(scores) / n
    if n == 1:
        return Spread(mean, None, None, None, 1)
    from scipy.special import stdtrit

    deviation = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / (n - 1))
    half = float(stdtrit(n - 1, 0.975)) * deviation / math.sqrt(n)
    return Spread(mean, deviation, mean - half, mean + half, n)


def _discordant(first: float, second: float, correlation: float) -> float:
    """Give the share of rows on which just one of two is right, from accuracies and correlation."""
    both = first * second + correlation * math.sqrt(first * (1 - first) * second * max(0.0, 1 - second))
    both = min(first, second, max(0.0, first + second - 1, both))
    return first + second - 2 * both
