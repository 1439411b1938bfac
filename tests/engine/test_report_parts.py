"""What a report says of a scored set, by arithmetic on paper."""

from __future__ import annotations

import math
from typing import Any

import pytest

from nlptl import metrics
from nlptl.report import calibration, cost, headline, sets, slices, tables
from nlptl.report.examples import Example, examples
from nlptl.report.facts import Scored
from nlptl.statistics import wilson


def example(number: int = 0, gold: str = "a", said: str = "a", **changes: Any) -> Example:
    """Make a row; `gold` and `said` are names with spaces between them."""
    values: dict[str, Any] = {
        "id": f"r{number}", "gold": tuple(gold.split()), "said": tuple(said.split()), "right": gold == said,
        "chances": {}, "language": "eng", "tokens": 5, "seen": False, "several": False,
    }  # fmt: skip
    return Example(**values | changes)


def test_newcombe_gives_the_interval_of_his_paper() -> None:
    # Newcombe 1998, table II, example (a): 56 of 70 against 48 of 80 by method 10.
    low, high = slices.newcombe(wilson(56, 70), wilson(48, 80))
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def rows(right: int, wrong: int, **changes: Any) -> list[Example]:
    good = [example(number, **changes) for number in range(right)]
    return good + [example(1000 + number, said="b", **changes) for number in range(wrong)]


def test_a_slice_that_differs_beyond_its_interval_is_marked() -> None:
    found = rows(90, 10) + rows(60, 40, language="deu")
    deu, eng = slices.slices(found)
    assert (deu.kind, deu.name, deu.score.n, deu.score.value) == ("language", "deu", 100, 0.6)
    assert (deu.score.low, deu.score.high) == pytest.approx((0.5020, 0.6906), abs=1e-4)
    assert deu.rest is not None
    assert deu.rest.value == 0.9
    assert (deu.mark, eng.mark) == ("low", "high")


def test_few_rows_and_near_scores_are_not_marked() -> None:
    few = rows(90, 10) + rows(0, 9, language="deu")
    near = rows(90, 10) + rows(84, 16, language="deu")
    assert [one.mark for one in slices.slices(few) + slices.slices(near)] == [None] * 4


def test_lengths_are_cut_into_quarters_and_seen_rows_are_apart() -> None:
    found = [example(number, tokens=number, seen=number < 2) for number in range(1, 9)]
    parts = {part.name: part.score.n for part in slices.slices(found)}
    assert parts == {
        "1 to 2 tokens": 2, "3 to 4 tokens": 2, "5 to 6 tokens": 2, "7 to 8 tokens": 2,
        "also in train": 1, "not in train": 7,
    }  # fmt: skip


def test_rows_of_one_length_and_language_give_no_slices() -> None:
    assert slices.slices(rows(3, 3)) == []
    assert slices.slices([example(tokens=None), example(1, tokens=None)]) == []


def test_labels_count_each_gold_label_of_a_row() -> None:
    pairs = [("a b", "a"), ("b", "b c"), ("a", "c")]
    found = [example(number, gold, said, several=True) for number, (gold, said) in enumerate(pairs)]
    a, b = slices.by_label(found, ["a", "b", "c"])
    assert (a.name, a.score.value, a.score.n) == ("a", 0.5, 2)
    assert (b.name, b.score.value, b.score.n) == ("b", 0.5, 2)


def sure(right: int, wrong: int, chance: float, *, several: bool = False) -> list[Example]:
    """Make rows that say `a` with one probability."""
    chances = {"a": chance} if several else {"a": chance, "b": 1 - chance}
    good = [example(number, chances=chances, several=several) for number in range(right)]
    gold = "" if several else "b"
    return good + [example(1000 + number, gold, chances=chances, several=several) for number in range(wrong)]


@pytest.mark.parametrize("several", [False, True])
def test_the_temperature_is_the_one_of_the_formula(several: bool) -> None:
    # 0.9 has the logit ln 9; 0.75, the share that is right, has ln 3: the temperature is ln 9 / ln 3 = 2.
    found = sure(75, 25, 0.9, several=several)
    best = calibration.temperature(found)
    assert best == pytest.approx(2, abs=1e-3)
    assert best is not None
    assert calibration.cooled(found[0].chances, best, several=several)["a"] == pytest.approx(0.75, abs=1e-3)


def test_without_probabilities_there_is_no_temperature() -> None:
    assert calibration.temperature([example()]) is None
    assert calibration.temperature([]) is None
    answers = [example(0, "x", "x", chances={"x": 0.9}), example(1, "y", "z", chances={"z": 0.4})]
    assert calibration.temperature(answers) is None
    assert calibration.decisions(answers) == ([0.9, 0.4], [True, False])


def test_a_temperature_of_one_changes_nothing_and_certainty_stays_finite() -> None:
    chances = {"a": 0.7, "b": 0.2, "c": 0.1}
    assert calibration.cooled(chances, 1.0, several=False) == pytest.approx(chances)
    cool = calibration.cooled({"a": 1.0, "b": 0.0}, 3.0, several=False)
    assert all(math.isfinite(value) for value in cool.values())


def test_bins_add_up_to_the_calibration_error() -> None:
    found = sure(8, 2, 0.9) + sure(5, 5, 0.61) + sure(3, 0, 1.0)
    chances, right = calibration.decisions(found)
    bins = calibration.bins(chances, right)
    error = sum(one.count * abs(one.right - one.confidence) for one in bins) / len(chances)
    assert error == pytest.approx(metrics.calibration_error(chances, right))
    assert [(one.count, round(one.right, 2)) for one in bins if one.count] == [(10, 0.5), (10, 0.8), (3, 1.0)]


def test_with_several_labels_every_label_is_a_decision() -> None:
    one = example(0, "a", "a b", chances={"a": 0.8, "b": 0.6, "c": 0.1}, several=True)
    assert calibration.decisions([one]) == ([0.8, 0.6, 0.1], [True, False, False])


def test_a_mistake_is_the_surest_wrong_decision() -> None:
    assert example(gold="a", said="b", chances={"a": 0.3, "b": 0.7}).mistake == (0.7, "b")
    missed = example(gold="a c", said="b", chances={"a": 0.05, "b": 0.6, "c": 0.4}, several=True)
    assert missed.mistake == (0.95, "a")
    assert example().mistake == (0.0, "")


def test_confused_pairs_are_missed_labels_with_those_given_instead() -> None:
    pairs = [("a", "b"), ("a", "b"), ("b", "a"), ("a", "a"), ("a c", "a b")]
    found = [example(number, gold, said) for number, (gold, said) in enumerate(pairs)]
    table = sets.pair_table(Scored("test", {}, found, {}))
    assert [list(row) for row in table.rows] == [["a", "b", 2, 0.5], ["b", "a", 1, 1.0], ["c", "b", 1, 1.0]]


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (0.058, 0.036, 0.081, "Better than X by 5.8 points (3.6 to 8.1)."),
        (-0.058, -0.081, -0.036, "Worse than X by 5.8 points (3.6 to 8.1)."),
        (0.004, -0.01, 0.02, "Cannot be told apart from X: the difference is +0.4 points (-1.0 to +2.0)."),
        (0.004, 0.0, 0.02, "Cannot be told apart from X: the difference is +0.4 points (+0.0 to +2.0)."),
        (0.0, 0.0, 0.0, "Scores just as X."),
    ],
)
def test_a_gain_in_words(value: float, low: float, high: float, words: str) -> None:
    assert headline.in_words({"value": value, "low": low, "high": high}, "X") == words


def test_a_table_says_the_same_as_csv_and_as_records() -> None:
    columns = [
        tables.Column("name", "name"), tables.Column("score", "score", "points"),
        tables.Column("interval", "95 % interval", "range"), tables.Column("text", "text", "long"),
    ]  # fmt: skip
    values = [["a,b", 0.864, (0.84, 0.88), 'he said "x"\nand y'], ["c", None, None, None]]
    table = tables.Table("t", "T", columns, values)
    assert table.records() == [
        {"name": "a,b", "score": 0.864, "interval_low": 0.84, "interval_high": 0.88, "text": 'he said "x"\nand y'},
        {"name": "c", "score": None, "interval_low": None, "interval_high": None, "text": None},
    ]
    assert table.csv() == (
        'name,score,interval_low,interval_high,text\r\n"a,b",0.864,0.84,0.88,"he said ""x""\nand y"\r\nc,,,,\r\n'
    )
    page = table.html()
    assert "86.4" in page
    assert "84.0 to 88.0" in page


def test_a_long_text_opens_and_a_longer_one_is_cut() -> None:
    assert "details" not in tables.long_text("é" * 300)
    assert "all of it (301 signs)" in tables.long_text("é" * 301)
    cut = tables.long_text("é" * 6000)
    assert "the first 5,000 of 6,000 signs" in cut
    assert cut.count("é") == 300 + 5000


def test_operations_are_six_a_weight_and_token_where_all_is_trained() -> None:
    import torch

    body = torch.nn.Module()
    body.layers = torch.nn.ModuleList([torch.nn.Linear(10, 20, bias=True), torch.nn.Linear(20, 10)])
    body.words = torch.nn.Embedding(50, 10)
    matrices = cost.layer_matrices(body)
    assert [tuple(one.shape) for one in matrices] == [(20, 10), (10, 20)]
    assert cost.operations(matrices, 7) == 6 * 400 * 7
    # The lower one is frozen: it runs forward alone; the upper one also hands its gradient to no one below, but that
    # product is counted, since an adapter or an embedding below may want it.
    matrices[0].requires_grad_(False)
    assert cost.operations(matrices, 7) == (2 * 200 + 6 * 200) * 7
    # The upper one is frozen: the gradient passes through it.
    matrices[0].requires_grad_(True)
    matrices[1].requires_grad_(False)
    assert cost.operations(matrices, 7) == (6 * 200 + 4 * 200) * 7
    matrices[0].requires_grad_(False)
    assert cost.operations(matrices, 7) == 2 * 400 * 7


def test_the_rate_is_that_of_products_timed_by_hand() -> None:
    import time

    import torch

    size = 192
    x, w = torch.randn(size, size), torch.randn(size, size)
    began, rounds = time.perf_counter(), 0
    while time.perf_counter() - began < 0.2:
        x @ w
        rounds += 1
    by_hand = 2.0 * size**3 * rounds / (time.perf_counter() - began)
    found = cost.product_rate([(size, size)], size, "cpu", torch.float32, seconds=0.2)
    assert 0.25 * by_hand < found < 4 * by_hand


def test_gold_of_any_form_becomes_names() -> None:
    lines = [
        {"id": "1", "gold": {"label": "a"}, "predicted": "b", "correct": 0.0, "detail": {}},
        {"id": "2", "gold": {"labels": ["a", "b"]}, "predicted": [], "correct": 0.0, "detail": {}},
        {"id": "3", "gold": {"answers": [{"text": "in May", "start": 3}, {"text": "May", "start": 6}]},
         "predicted": "May", "correct": 1.0, "detail": {"probability": 0.8, "n_best": []}},
    ]  # fmt: skip
    one, other, answer = examples(lines)
    assert (answer.gold, answer.said, answer.chances) == (("in May", "May"), ("May",), {"May": 0.8})
    assert (one.gold, one.said, one.several) == (("a",), ("b",), False)
    assert (other.gold, other.said, other.several) == (("a", "b"), (), True)
