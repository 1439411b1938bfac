"""LogME: how well features of a model would do on a task, without training (You, Liu, Wang, Long 2021, "LogME:
Practical Assessment of Pre-trained Models for Transfer Learning", ICML).

The log of the maximal evidence p(y | F) of a Bayesian linear model: y = F w + noise, w from N(0, 1/alpha), the noise
from N(0, 1/beta), alpha and beta chosen to make it greatest; a mean over rows, and over labels as columns of 0 and 1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.float64]

ROUNDS = 100
CLOSE = 1e-6
"""Relative change of alpha / beta at which the fixed point is taken for reached."""
LARGE = 1e12
"""Beyond it a weight's or a noise's precision is endless: the features say all, or nothing."""


def logme(features: Any, gold: Any) -> float:
    """Give the evidence of features [N rows, D] for gold [N rows, K labels] of 0 and 1, a row and a label."""
    import numpy

    given, wanted = numpy.asarray(features, dtype=float), numpy.asarray(gold, dtype=float)
    left, singular, _ = numpy.linalg.svd(given, full_matrices=False)
    squares = singular**2
    found = [_evidence(left, squares, wanted[:, one], given.shape[1]) for one in range(wanted.shape[1])]
    return float(numpy.mean(found))


def _evidence(left: Array, squares: Array, y: Array, width: int) -> float:
    """Give the log evidence of one column, over rows: the fixed point of alpha and beta (section 4.3), O(D) a round."""
    n = len(y)
    seen = (left.T @ y) ** 2
    rest = max(0.0, float(y @ y) - float(seen.sum()))  # of y, what lies outside of the features' space
    alpha = beta = 1.0
    for _ in range(ROUNDS):
        before = ratio = alpha / beta
        effective = float((squares / (squares + ratio)).sum())
        length = float((squares * seen / (squares + ratio) ** 2).sum())  # of the mean weights, squared
        misfit = float((seen * (ratio / (squares + ratio)) ** 2).sum()) + rest
        alpha = max(min(effective / max(length, 1 / LARGE), LARGE), 1 / LARGE)
        beta = max(min((n - effective) / max(misfit, 1 / LARGE), LARGE), 1 / LARGE)
        if abs(alpha / beta - before) <= CLOSE * before:
            break
    ratio = alpha / beta
    length = float((squares * seen / (squares + ratio) ** 2).sum())
    misfit = float((seen * (ratio / (squares + ratio)) ** 2).sum()) + rest
    logdet = math.fsum(math.log(alpha + beta * one) for one in squares) + (width - len(squares)) * math.log(alpha)
    whole = width * math.log(alpha) + n * math.log(beta) - n * math.log(2 * math.pi) - beta * misfit - alpha * length
    return (whole - logdet) / 2 / n
