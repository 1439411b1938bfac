"""Which task takes which step of a mixture: drawn, by temperature."""

from __future__ import annotations

import itertools
from bisect import bisect
from collections.abc import Sequence

from nlptl import seeds


def shares(steps: Sequence[int], temperature: float) -> list[float]:
    """Give the probability of each task, in proportion to n^(1/temperature), n the steps that it has by itself.

    At 1 each has as many as that, in the mean; the higher, the more alike they are (multilingual BERT, Devlin 2019, and
    T5, Raffel et al. 2020, section 3.5.2, sample so, by rows).
    """
    most = max(steps)
    weights = [float((one / most) ** (1 / temperature)) for one in steps]
    return [one / sum(weights) for one in weights]


def draws(shares: Sequence[float], total: int, seed: int) -> list[int]:
    """Give the number of the task of each of `total` steps. Each depends on (seed, step) alone: a run that goes on
    draws as it did before.
    """
    ends = list(itertools.accumulate(shares))
    last = len(shares) - 1
    return [
        min(last, bisect(ends, seeds.stream(seed, "mix", step).random())) for step in range(1, total + 1)
    ]
