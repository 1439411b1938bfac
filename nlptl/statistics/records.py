"""What statistics give: an interval, a tested difference, a spread over seeds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A value on `n` rows and its 95 % interval."""

    low: float
    value: float
    high: float
    n: int
    method: str


@dataclass(frozen=True, slots=True)
class Difference:
    """First less second on the same `n` rows, its 95 % interval, and the two-sided p of there being none."""

    low: float
    value: float
    high: float
    p: float
    n: int
    method: str


@dataclass(frozen=True, slots=True)
class Spread:
    """The mean over `n` seeds, their standard deviation, and the 95 % t-interval of the mean; None from one seed."""

    mean: float
    deviation: float | None
    low: float | None
    high: float | None
    n: int
