"""Metrics against arithmetic on paper and against scikit-learn."""

import random

import pytest
from sklearn import metrics as reference
from sklearn.preprocessing import MultiLabelBinarizer

from nlptl import metrics
from nlptl.errors import BadInput

LABELS = ["bird", "cat", "dog", "eel", "fox"]

# Worked by hand: rows gold -> predicted: cat->cat x3, cat->dog x1, dog->dog x2, dog->cat x2, bird->dog x2.
GOLD = ["cat"] * 4 + ["dog"] * 4 + ["bird"] * 2
SAID = ["cat", "cat", "cat", "dog", "dog", "dog", "cat", "cat", "dog", "dog"]


def drawn(seed: int, rows: int = 300) -> tuple[list[str], list[str]]:
    """Draw gold of four of the five labels, unevenly, and predictions of four others: one label is never gold."""
    rng = random.Random(seed)
    gold = rng.choices(LABELS[:4], [8, 4, 2, 1], k=rows)
    return gold, [label if rng.random() < 0.5 else rng.choice(LABELS[1:]) for label in gold]


def drawn_sets(seed: int, rows: int = 300) -> tuple[list[list[str]], list[list[str]]]:
    rng = random.Random(seed)

    def some() -> list[str]:
        return [label for label in LABELS[:4] if rng.random() < 0.3]

    gold = [some() for _ in range(rows)]
    return gold, [names if rng.random() < 0.4 else some() for names in gold]


def test_paper() -> None:
    assert metrics.accuracy(GOLD, SAID) == 5 / 10
    # cat: right 3, gold 4, said 5, F1 6/9; dog: right 2, gold 4, said 5, F1 4/9; bird: 0.
    assert metrics.macro_f1(GOLD, SAID, ["bird", "cat", "dog"]) == pytest.approx((0 + 6 / 9 + 4 / 9) / 3, abs=1e-15)
    assert metrics.macro_f1(GOLD, SAID, ["bird", "cat", "dog", "eel"]) == pytest.approx((6 / 9 + 4 / 9) / 4, abs=1e-15)
    # 5 right of 10; gold 2, 4, 4; said 0, 5, 5: (5*10 - 40) / sqrt((100 - 36) (100 - 50)).
    assert metrics.matthews(GOLD, SAID) == pytest.approx(10 / 3200**0.5, abs=1e-15)
    assert metrics.confusion(GOLD, SAID, ["bird", "cat", "dog"]) == [[0, 0, 2], [0, 3, 1], [0, 2, 2]]
    assert metrics.per_label(GOLD, SAID, ["dog", "cat", "bird"]) == {
        "dog": metrics.LabelScores(2 / 5, 2 / 4, 4 / 9, 4),
        "cat": metrics.LabelScores(3 / 5, 3 / 4, 6 / 9, 4),
        "bird": metrics.LabelScores(0.0, 0.0, 0.0, 2),
    }


def test_paper_with_several_labels() -> None:
    gold = [["a"], ["a", "b"], [], ["b"]]
    said = [{"a"}, {"b", "a"}, {"b"}, set()]
    # a: right 2, gold 2, said 2; b: right 1, gold 2, said 2; c: never.
    assert metrics.multilabel_micro_f1(gold, said, ["a", "b", "c"]) == pytest.approx(6 / 8)
    assert metrics.multilabel_macro_f1(gold, said, ["a", "b", "c"]) == pytest.approx((1 + 0.5 + 0) / 3)
    assert metrics.subset_accuracy(gold, said) == 2 / 4
    assert metrics.multilabel_micro_f1([[]], [[]], ["a"]) == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_against_scikit_learn(seed: int) -> None:
    gold, said = drawn(seed)
    assert metrics.accuracy(gold, said) == pytest.approx(reference.accuracy_score(gold, said), abs=1e-12)
    for average, ours in (("macro", metrics.macro_f1), ("micro", metrics.micro_f1)):
        theirs = reference.f1_score(gold, said, labels=LABELS, average=average, zero_division=0)
        assert ours(gold, said, LABELS) == pytest.approx(theirs, abs=1e-12)
    assert metrics.micro_f1(gold, said, LABELS) == pytest.approx(metrics.accuracy(gold, said), abs=1e-12)
    assert metrics.matthews(gold, said) == pytest.approx(reference.matthews_corrcoef(gold, said), abs=1e-12)
    assert metrics.confusion(gold, said, LABELS) == reference.confusion_matrix(gold, said, labels=LABELS).tolist()
    theirs = reference.precision_recall_fscore_support(gold, said, labels=LABELS, zero_division=0)
    for label, *expected in zip(LABELS, *theirs, strict=True):
        one = metrics.per_label(gold, said, LABELS)[label]
        assert [one.precision, one.recall, one.f1, one.support] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_several_labels_against_scikit_learn(seed: int) -> None:
    gold, said = drawn_sets(seed)
    binarizer = MultiLabelBinarizer(classes=LABELS)
    gold_matrix, said_matrix = binarizer.fit_transform(gold), binarizer.transform(said)
    for average, ours in (("macro", metrics.multilabel_macro_f1), ("micro", metrics.multilabel_micro_f1)):
        theirs = reference.f1_score(gold_matrix, said_matrix, average=average, zero_division=0)
        assert ours(gold, said, LABELS) == pytest.approx(theirs, abs=1e-12)
    assert metrics.subset_accuracy(gold, said) == pytest.approx(reference.accuracy_score(gold_matrix, said_matrix))
    theirs = reference.precision_recall_fscore_support(gold_matrix, said_matrix, zero_division=0)
    for label, *expected in zip(LABELS, *theirs, strict=True):
        one = metrics.multilabel_per_label(gold, said, LABELS)[label]
        assert [one.precision, one.recall, one.f1, one.support] == pytest.approx(expected, abs=1e-12)


def test_order_of_rows_and_labels_does_not_matter() -> None:
    gold, said = drawn(7)
    rows = list(zip(gold, said, strict=True))
    random.Random(1).shuffle(rows)
    mixed_gold, mixed_said = [g for g, _ in rows], [s for _, s in rows]
    assert metrics.matthews(mixed_gold, mixed_said) == metrics.matthews(gold, said)
    assert metrics.macro_f1(mixed_gold, mixed_said, LABELS[::-1]) == pytest.approx(metrics.macro_f1(gold, said, LABELS))


@pytest.mark.parametrize("rows", [2, 7, 1821, 20011])
def test_gold_against_gold_is_exactly_one(rows: int) -> None:
    gold = [*random.Random(rows).choices(["a", "b", "c"], k=rows - 2), "a", "b"]
    labels = sorted(set(gold))
    sets = [[name] for name in gold]
    assert metrics.accuracy(gold, gold) == metrics.matthews(gold, gold) == metrics.subset_accuracy(sets, sets) == 1.0
    assert metrics.macro_f1(gold, gold, labels) == metrics.micro_f1(gold, gold, labels) == 1.0


def test_matthews_of_one_label_is_zero() -> None:
    assert metrics.matthews(["a", "a"], ["a", "a"]) == 0.0
    assert metrics.matthews(["a", "b"], ["a", "a"]) == 0.0


def test_calibration_error_on_paper() -> None:
    # Two bins: (0.5, 1] holds 0.9, 0.7, 0.8, 2 of them right: |2 - 2.4|; (0, 0.5] holds 0.5, 0.1, 1 right: |1 - 0.6|.
    confidences, correct = [0.9, 0.7, 0.8, 0.5, 0.1], [True, True, False, True, False]
    assert metrics.calibration_error(confidences, correct, bins=2) == pytest.approx((0.4 + 0.4) / 5)
    assert metrics.calibration_error([1.0, 1.0], [True, True]) == 0.0
    assert metrics.calibration_error([0.0, 1.0], [True, False]) == 1.0
    # A bin is closed above, so 0.5 and 0.6 lie apart and their gaps do not cancel.
    assert metrics.calibration_error([0.5, 0.6], [True, False], bins=2) == pytest.approx((0.5 + 0.6) / 2)


def test_calibration_error_against_numpy() -> None:
    import numpy

    rng = numpy.random.default_rng(3)
    confidences, correct = rng.random(2000), rng.random(2000) < 0.6
    expected = 0.0
    for at in range(15):
        inside = (confidences > at / 15) & (confidences <= (at + 1) / 15)
        expected += inside.mean() * abs(correct[inside].mean() - confidences[inside].mean())
    assert metrics.calibration_error(confidences.tolist(), correct.tolist()) == pytest.approx(expected, abs=1e-12)


def test_calibration_error_of_several_labels_is_over_decisions() -> None:
    chances = [{"a": 0.9, "b": 0.2}, {"a": 0.8}]
    # 0.9 and 0.8 share the upper of two bins with one right; 0.2 and the absent 0 share the lower with one right.
    error = metrics.multilabel_calibration_error(chances, [["a"], ["b"]], ["a", "b"], bins=2)
    assert error == pytest.approx((abs(1 - 1.7) + abs(1 - 0.2)) / 4)


@pytest.mark.parametrize("bad", [-0.01, 1.01, float("nan")])
def test_confidence_out_of_range_is_refused(bad: float) -> None:
    with pytest.raises(BadInput, match=r"in \[0, 1\]"):
        metrics.calibration_error([bad], [True])


def test_bad_lists_are_refused() -> None:
    with pytest.raises(BadInput, match="got 1 and 2"):
        metrics.accuracy(["a"], ["a", "b"])
    with pytest.raises(BadInput, match="empty"):
        metrics.macro_f1([], [], ["a"])
    with pytest.raises(BadInput, match="did you mean 'happy'") as caught:
        metrics.confusion(["happy"], ["hapy"], ["happy", "sad"])
    assert caught.value.problems[0].field == "predicted"
    with pytest.raises(BadInput, match="names a more than once"):
        metrics.macro_f1(["a"], ["a"], ["a", "a"])
