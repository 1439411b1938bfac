"""LogME against the paper's formulas, computed another way."""

from __future__ import annotations

import numpy
import pytest
from scipy import optimize, stats

from nlptl.logme import logme


def greatest_evidence(features: numpy.ndarray, y: numpy.ndarray) -> float:
    """The definition (equation 2): y is normal with covariance F F'/alpha + I/beta; maximise over both directly."""
    n = len(y)

    def loss(logs: numpy.ndarray) -> float:
        alpha, beta = numpy.exp(numpy.clip(logs, -15, 15))
        covariance = features @ features.T / alpha + numpy.eye(n) / beta
        return -float(stats.multivariate_normal(numpy.zeros(n), covariance).logpdf(y)) / n

    starts = [(a, b) for a in (0.0, 4.0) for b in (0.0, 3.0)]
    return max(-optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12}).fun
               for start in starts)  # fmt: skip


@pytest.mark.parametrize("shape", [(40, 6), (12, 30)], ids=["more rows", "more features"])
def test_logme_is_the_greatest_evidence_of_the_definition(shape: tuple[int, int]) -> None:
    draw = numpy.random.default_rng(1)
    features = draw.normal(size=shape) * draw.uniform(0.3, 2, shape[1])
    said = features @ draw.normal(size=(shape[1], 3)) + draw.normal(0, 2, (shape[0], 3))
    gold = (said == said.max(1, keepdims=True)).astype(float)
    expected = numpy.mean([greatest_evidence(features, gold[:, one]) for one in range(3)])
    assert logme(features, gold) == pytest.approx(expected, abs=1e-5)


def test_features_that_say_the_label_have_more_evidence() -> None:
    draw = numpy.random.default_rng(2)
    labels = draw.integers(3, size=90)
    gold = numpy.eye(3)[labels]
    noise = draw.normal(size=(90, 8))
    telling = noise + gold @ draw.normal(0, 2, (3, 8))
    assert logme(telling, gold) > logme(noise, gold) + 0.1


def test_features_that_say_all_or_nothing_are_no_fault() -> None:
    gold = numpy.eye(2)[numpy.arange(20) % 2]
    assert numpy.isfinite(logme(gold, gold))
    assert numpy.isfinite(logme(numpy.zeros((20, 4)), gold))
