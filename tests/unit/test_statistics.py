"""Intervals and tests against paper, scipy and simulations whose tolerance is the binomial law's."""

import random
from collections.abc import Callable
from itertools import product

import numpy
import pytest
from scipy import stats

from nlptl import metrics, statistics
from nlptl.errors import BadInput


def assert_share(hits: int, trials: int, expected: float, slack: float = 0.0) -> None:
    """Hold a simulated share against what it should be, within 4 standard errors: 1 seed in 16,000 fails by chance."""
    tolerance = 4 * (expected * (1 - expected) / trials) ** 0.5 + slack
    assert abs(hits / trials - expected) <= tolerance, f"{hits} of {trials}, expected {expected} within {tolerance:.4f}"


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (1, 3), (81, 263), (1600, 1821)])
def test_wilson_against_scipy(successes: int, n: int) -> None:
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    found = statistics.wilson(successes, n)
    assert [found.low, found.high] == pytest.approx([expected.low, expected.high], abs=1e-12)
    assert (found.value, found.n) == (successes / n, n)


def test_wilson_on_paper() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
    found = statistics.wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert statistics.wilson(0, 20).low == 0.0
    assert round(statistics.wilson(0, 20).high, 4) == 0.1611
    with pytest.raises(BadInput):
        statistics.wilson(0, 0)


LABELS = ["a", "b", "c"]


def world(rng: random.Random, n: int) -> tuple[list[str], list[str]]:
    gold = rng.choices(LABELS, [5, 3, 2], k=n)
    return gold, [label if rng.random() < 0.7 else rng.choice(LABELS) for label in gold]


def rows_drawn(metric: Callable[..., float], gold: list[str], said: list[str], resamples: int) -> list[float]:
    """Do the row bootstrap as it is told: row by row, with the metric on plain lists."""
    rng = random.Random(5)
    values = []
    for _ in range(resamples):
        at = rng.choices(range(len(gold)), k=len(gold))
        values.append(metric([gold[i] for i in at], [said[i] for i in at]))
    return values


@pytest.mark.parametrize("name", ["macro_f1", "micro_f1", "matthews"])
def test_cells_are_the_row_bootstrap(name: str) -> None:
    gold, said = world(random.Random(1), 200)
    plain = {
        "macro_f1": lambda g, s: metrics.macro_f1(g, s, LABELS),
        "micro_f1": lambda g, s: metrics.micro_f1(g, s, LABELS),
        "matthews": metrics.matthews,
    }[name]
    slow = rows_drawn(plain, gold, said, 2000)
    found = statistics.interval(name, gold, said, LABELS, seed=3, resamples=20_000)
    assert found.value == plain(gold, said)
    # The share of the slow resamples inside the fast interval is 95 % where both draw from one law.
    assert_share(sum(found.low <= value <= found.high for value in slow), 2000, 0.95, slack=0.005)


def test_several_labels_resample_whole_rows() -> None:
    rng = random.Random(2)
    gold = [rng.sample(LABELS, rng.choice([0, 1, 2])) for _ in range(150)]
    said = [names if rng.random() < 0.6 else rng.sample(LABELS, 1) for names in gold]
    slow = rows_drawn(lambda g, s: metrics.multilabel_macro_f1(g, s, LABELS), gold, said, 1500)  # type: ignore[arg-type]
    found = statistics.interval("multilabel_macro_f1", gold, said, LABELS, seed=3, resamples=20_000)
    assert_share(sum(found.low <= value <= found.high for value in slow), 1500, 0.95, slack=0.005)
    exact = statistics.interval("subset_accuracy", gold, said, LABELS, seed=3)
    assert exact.method == "wilson"
    assert exact.value == metrics.subset_accuracy(gold, said)


def test_interval_covers_the_true_value() -> None:
    rng = random.Random(11)
    truth = metrics.macro_f1(*world(rng, 100_000), LABELS)
    hits = 0
    for trial in range(200):
        found = statistics.interval("macro_f1", *world(rng, 400), LABELS, seed=trial, resamples=300)
        hits += found.low <= truth <= found.high
    # Percentile intervals of 400 rows and 300 resamples fall short of 95 % by up to a point by themselves.
    assert_share(hits, 200, 0.95, slack=0.01)


def test_seed_and_order_of_rows() -> None:
    gold, said = world(random.Random(4), 300)
    first = statistics.interval("matthews", gold, said, LABELS, seed=1)
    assert statistics.interval("matthews", gold[::-1], said[::-1], LABELS, seed=1) == first
    assert statistics.interval("matthews", gold, said, LABELS, seed=2) != first
    with pytest.raises(BadInput, match="did you mean 'macro_f1'"):
        statistics.interval("macro-f1", gold, said, LABELS, seed=1)


def test_perfect_predictions_have_no_width() -> None:
    gold, _ = world(random.Random(4), 300)
    found = statistics.interval("matthews", gold, gold, LABELS, seed=1)
    assert (found.low, found.value, found.high) == (1.0, 1.0, 1.0)


def test_bootstrap_of_any_statistic_and_of_a_mean() -> None:
    values = numpy.random.default_rng(0).normal(3.0, 2.0, size=400)
    error = float(values.std()) / 20
    for found in (
        statistics.bootstrap(lambda rows: float(values[list(rows)].mean()), 400, seed=7, resamples=2000),
        statistics.bootstrap_mean(values.tolist(), seed=7, resamples=2000),
    ):
        assert found.value == pytest.approx(values.mean())
        # The bootstrap of a mean tends to the normal interval; a 2.5 % quantile of 2,000 draws has 0.06 of an error.
        assert [found.low, found.high] == pytest.approx(
            [values.mean() - 1.96 * error, values.mean() + 1.96 * error], abs=0.25 * error
        )


def test_chunks_of_resamples_change_nothing_but_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [random.Random(3).random() for _ in range(50)]
    whole = statistics.bootstrap_mean(values, seed=1)
    monkeypatch.setattr("nlptl.statistics.resampling._CHUNK", 20)
    assert statistics.bootstrap_mean(values, seed=1) == whole


def test_calibration_interval_holds_zero_of_a_calibrated_model_and_not_of_another() -> None:
    rng = numpy.random.default_rng(1)
    hits = {0.0: 0, 0.15: 0}
    for trial, shift in product(range(60), hits):
        confidences = 0.6 + 0.4 * rng.random(400)
        found = statistics.calibration_interval(
            confidences.tolist(), (rng.random(400) < confidences - shift).tolist(), seed=trial, resamples=300
        )
        assert found.low <= found.value <= found.high
        hits[shift] += found.low <= shift <= found.high
        assert shift == 0.0 or found.low > 0.02
    # 95 % or more by construction; 4 standard errors below that is 50.
    assert min(hits.values()) >= 50, hits


def test_calibration_interval_of_several_labels() -> None:
    chances = [{"a": 0.9, "b": 0.2}] * 30 + [{"a": 0.4, "b": 0.6}] * 20
    gold = [["a"]] * 30 + [["b"]] * 20
    found = statistics.multilabel_calibration_interval(chances, gold, ["a", "b"], seed=1)
    assert found.value == metrics.multilabel_calibration_error(chances, gold, ["a", "b"])
    # All rows of a kind have one gap: (30 (0.1 + 0.2) + 20 (0.4 + 0.4)) / 100, and resamples differ in the mix alone.
    assert found.value == pytest.approx(0.25)
    assert found.low < 0.25 < found.high
    assert found.n == 50


def test_paired_bootstrap_against_the_normal_law_and_mcnemar() -> None:
    first = [True] * 80 + [True] * 60 + [False] * 30 + [False] * 30
    second = [True] * 80 + [False] * 60 + [True] * 30 + [False] * 30
    found = statistics.paired_bootstrap(first, second, seed=1)
    # 60 won, 30 lost of 200: difference 0.15, its variance (90/200 - 0.15^2) / 200.
    error = ((90 / 200 - 0.15**2) / 200) ** 0.5
    assert found.value == pytest.approx(0.15)
    assert [found.low, found.high] == pytest.approx([0.15 - 1.96 * error, 0.15 + 1.96 * error], abs=0.01)
    # The normal law beyond 29.5 rows of difference, since there are only whole rows.
    assert_share(round(found.p * 10_001), 10_001, 2 * stats.norm.sf(29.5 / 200 / error))
    assert found.p == pytest.approx(statistics.mcnemar_exact(first, second), abs=0.002)
    same = statistics.paired_bootstrap(first, first, seed=1)
    assert (same.low, same.value, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)


def test_paired_bootstrap_finds_nothing_where_nothing_is_in_one_of_twenty() -> None:
    rng = numpy.random.default_rng(8)
    hits = 0
    for trial in range(400):
        first, second = rng.random(300) < 0.8, rng.random(300) < 0.8
        hits += statistics.paired_bootstrap(first.tolist(), second.tolist(), seed=trial, resamples=500).p < 0.05
    # p takes steps of 1 row, so that the true share may lie a point from 5 %.
    assert_share(hits, 400, 0.05, slack=0.01)


def test_paired_interval_equals_paired_bootstrap_on_accuracy() -> None:
    gold, first = world(random.Random(1), 300)
    _, second = world(random.Random(2), 300)
    found = statistics.paired_interval("accuracy", gold, first, second, LABELS, seed=4)
    right = [[g == s for g, s in zip(gold, side, strict=True)] for side in (first, second)]
    expected = statistics.paired_bootstrap(*right, seed=4)
    assert found.value == pytest.approx(expected.value)
    assert [found.low, found.high] == pytest.approx([expected.low, expected.high], abs=0.006)
    turned = statistics.paired_interval("accuracy", gold, second, first, LABELS, seed=4)
    assert turned.value == pytest.approx(-found.value)


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (1, 0), (5, 0), (0, 6), (10, 4), (7, 7), (300, 240)])
def test_mcnemar_against_scipy(won: int, lost: int) -> None:
    first = [True] * won + [False] * lost + [True, False]
    second = [False] * won + [True] * lost + [True, False]
    expected = stats.binomtest(won, won + lost).pvalue if won + lost else 1.0
    assert statistics.mcnemar_exact(first, second) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_on_paper_and_far_out() -> None:
    # 5 won, 0 lost: 2 / 2^5.
    assert statistics.mcnemar_exact([True] * 5, [False] * 5) == 2 / 32
    assert 0 < statistics.mcnemar_exact([True] * 1000, [False] * 1000) < 1e-300


@pytest.mark.parametrize(("n", "accuracy", "correlation"), [(1821, 0.88, 0.5), (5000, 0.95, 0.3), (3000, 0.7, 0.0)])
def test_smallest_difference_is_found_with_the_power_asked(n: int, accuracy: float, correlation: float) -> None:
    difference = statistics.smallest_detectable_difference(n, accuracy, correlation=correlation)
    assert difference is not None
    better = accuracy + difference
    both = accuracy * better + correlation * (accuracy * (1 - accuracy) * better * (1 - better)) ** 0.5
    rng = numpy.random.default_rng(6)
    cells = rng.multinomial(n, [both, accuracy - both, better - both, 1 - accuracy - better + both], size=20_000)
    lost, won = cells[:, 1], cells[:, 2]
    found = abs(won - lost) > 1.96 * numpy.sqrt(won + lost)
    # The formula takes the normal law for the binomial: within a point and a half where many rows are discordant.
    assert_share(int(found.sum()), 20_000, 0.8, slack=0.015)


def test_smallest_difference_on_paper() -> None:
    # Independent, accuracy near 0.5, many rows: (1.95996 + 0.84162) sqrt(2 * 0.25 / n) = 0.0198 for n = 10,000.
    found = statistics.smallest_detectable_difference(10_000, 0.5, correlation=0.0)
    assert found == pytest.approx(2.80159 * (0.5 / 10_000) ** 0.5, rel=2e-3)
    sizes = [statistics.smallest_detectable_difference(n, 0.9) for n in (200, 1000, 5000)]
    assert sizes == sorted(sizes, reverse=True)  # type: ignore[type-var]
    assert statistics.smallest_detectable_difference(30, 0.97) is None
    with pytest.raises(BadInput, match=r"accuracy=1\.5"):
        statistics.smallest_detectable_difference(100, 1.5)


def test_holm_on_paper() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04: 4*0.005, 3*0.01, 2*0.03, and 1*0.04 raised to the one before.
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([0.9, 0.8]) == [1.0, 1.0]
    assert statistics.holm([]) == []


def test_mean_and_spread() -> None:
    # Mean 2, deviation 1, t(2, 0.975) = 4.302653: 2 +- 4.302653 / sqrt(3).
    found = statistics.mean_and_spread([1.0, 2.0, 3.0])
    assert (found.mean, found.deviation, found.n) == (2.0, 1.0, 3)
    assert [found.low, found.high] == pytest.approx([2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5], abs=1e-6)
    scores = [0.871, 0.868, 0.88, 0.859, 0.866]
    expected = stats.ttest_1samp(scores, 0.0).confidence_interval()
    found = statistics.mean_and_spread(scores)
    assert [found.low, found.high] == pytest.approx([expected.low, expected.high], abs=1e-12)
    assert statistics.mean_and_spread([0.5]) == statistics.Spread(0.5, None, None, None, 1)


def test_a_mean_of_equal_extremes_is_not_certain() -> None:
    """Six answers of six right: a resample is always the same, and still other rows may be wrong. Wilson's bound is
    n / (n + z^2).
    """
    found = statistics.bootstrap_mean([1.0] * 6, seed=0)
    assert (found.low, found.value, found.high) == (pytest.approx(6 / (6 + 1.959964**2), abs=1e-6), 1.0, 1.0)
    found = statistics.bootstrap_mean([0.0] * 6, seed=0)
    assert (found.low, found.value) == (0.0, 0.0)
    assert found.high == pytest.approx(1.959964**2 / (6 + 1.959964**2), abs=1e-6)
