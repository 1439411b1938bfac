"""Metrics of classification: pure functions on plain lists of names, whose definitions stand here and nowhere else.

One label a row: `gold` and `predicted` are sequences of names. Several labels a row (`multilabel_…`): sequences of
collections of names, possibly empty. `labels` lists every name that may occur; another name is refused, never ignored.

All of them are functions of three counts per label (right, gold, predicted) and of how many rows are wholly right, so
the formulas at the end of this file serve a set of rows and a thousand resamples of it (`nlptl.statistics`) alike.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from nlptl.errors import BadInput, Problem, did_you_mean

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.float64]

Names = Sequence[str]
Sets = Sequence[Collection[str]]


@dataclass(frozen=True, slots=True)
class LabelScores:
    """Precision, recall and F1 of one label; 0 where the quotient has no denominator. `support` is its gold rows."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What every metric here needs of R sets of rows: `right`, `gold`, `predicted` [R, V], `exact` and `rows` [R]."""

    right: Array
    gold: Array
    predicted: Array
    exact: Array
    rows: Array


def accuracy(gold: Names, predicted: Names) -> float:
    """Give the share of rows whose label is right."""
    _check_lengths(gold, predicted)
    return sum(g == p for g, p in zip(gold, predicted, strict=True)) / len(gold)


def macro_f1(gold: Names, predicted: Names, labels: Names) -> float:
    """Give the mean over `labels` of F1; a label that is neither gold nor predicted anywhere counts as 0.

    As scikit-learn's `f1_score(average="macro", labels=labels, zero_division=0)`.
    """
    return multilabel_macro_f1(alone(gold), alone(predicted), labels)


def micro_f1(gold: Names, predicted: Names, labels: Names) -> float:
    """Give F1 over all decisions together; with one label a row this equals accuracy."""
    return multilabel_micro_f1(alone(gold), alone(predicted), labels)


def matthews(gold: Names, predicted: Names) -> float:
    """Give Matthews' correlation for any number of labels, in [-1, 1]; 0 where either side has a single label.

    R_K of Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation coefficient"; for two labels
    it is Matthews' phi. Mind that gold against itself gives 0, not 1, where only one label occurs.
    """
    return float(matthews_of(count(alone(gold), alone(predicted), sorted({*gold, *predicted})))[0])


def multilabel_macro_f1(gold: Sets, predicted: Sets, labels: Names) -> float:
    """Give the mean over `labels` of F1; a label that is neither gold nor predicted anywhere counts as 0."""
    return float(macro_f1_of(count(gold, predicted, labels))[0])


def multilabel_micro_f1(gold: Sets, predicted: Sets, labels: Names) -> float:
    """Give F1 over all (row, label) decisions together; 0 where nothing is gold and nothing is predicted."""
    return float(micro_f1_of(count(gold, predicted, labels))[0])


def subset_accuracy(gold: Sets, predicted: Sets) -> float:
    """Give the share of rows whose set of labels is right as a whole."""
    _check_lengths(gold, predicted)
    return sum(set(g) == set(p) for g, p in zip(gold, predicted, strict=True)) / len(gold)


def confusion(gold: Names, predicted: Names, labels: Names) -> list[list[int]]:
    """Count rows by gold label (first index) and predicted label (second), both in the order of `labels`."""
    check_names(alone(gold), alone(predicted), labels)
    cells = Counter(zip(gold, predicted, strict=True))
    return [[cells[g, p] for p in labels] for g in labels]


def per_label(gold: Names, predicted: Names, labels: Names) -> dict[str, LabelScores]:
    """Give precision, recall, F1 and support of each label, in the order of `labels`."""
    return multilabel_per_label(alone(gold), alone(predicted), labels)


def multilabel_per_label(gold: Sets, predicted: Sets, labels: Names) -> dict[str, LabelScores]:
    """Give precision, recall, F1 and support of each label, in the order of `labels`."""
    counts = count(gold, predicted, labels)
    sides = zip(labels, counts.right[0], counts.gold[0], counts.predicted[0], strict=True)
    return {
        label: LabelScores(_ratio(right, said), _ratio(right, true), _ratio(2 * right, said + true), int(true))
        for label, right, true, said in sides
    }


def calibration_error(confidences: Sequence[float], correct: Sequence[bool], bins: int = 15) -> float:
    """Give the expected calibration error: the mean over rows of |accuracy - mean confidence| of the row's bin.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 3, with their 15 bins of equal width, each open
    below and closed above (0 falls into the first). `confidences` are the probabilities of the predicted labels.
    """
    _check_lengths(confidences, correct, "confidences", "correct")
    gaps = [0.0] * bins
    for confidence, right in zip(confidences, correct, strict=True):
        gaps[calibration_bin(confidence, bins)] += right - confidence
    return sum(map(abs, gaps)) / len(confidences)


def multilabel_calibration_error(
    probabilities: Sequence[Mapping[str, float]], gold: Sets, labels: Names, bins: int = 15
) -> float:
    """Give the calibration error over all (row, label) decisions: how often a label is gold against its probability.

    It uses the probability of the label itself, not that of the decision, so no threshold enters. Most decisions are
    easy noes near 0: compare it between models on the same data, not with the error of a task with one label a row.
    """
    _check_lengths(probabilities, gold, "probabilities", "gold")
    decisions = [
        (row.get(label, 0.0), label in true) for row, true in zip(probabilities, gold, strict=True) for label in labels
    ]
    return calibration_error([p for p, _ in decisions], [right for _, right in decisions], bins)


def calibration_bin(confidence: float, bins: int) -> int:
    """Give the number, from 0, of the bin of equal width that holds `confidence`: open below, closed above."""
    if not 0.0 <= confidence <= 1.0:
        raise BadInput("calibration error", f"a confidence must lie in [0, 1] (got {confidence!r})")
    return bisect_left(range(1, bins), confidence, key=lambda edge: edge / bins)


def count(gold: Sets, predicted: Sets, labels: Names) -> Counts:
    """Count right, gold and predicted rows of each label, for one set of rows (R = 1)."""
    import numpy

    check_names(gold, predicted, labels)
    pairs = [(set(g), set(p)) for g, p in zip(gold, predicted, strict=True)]
    tallies = (
        Counter(chain.from_iterable(g & p for g, p in pairs)),
        Counter(chain.from_iterable(g for g, _ in pairs)),
        Counter(chain.from_iterable(p for _, p in pairs)),
    )
    right, true, said = (numpy.array([[tally[label] for label in labels]], dtype=float) for tally in tallies)
    exact = numpy.array([sum(g == p for g, p in pairs)], dtype=float)
    return Counts(right, true, said, exact, numpy.array([len(pairs)], dtype=float))


def accuracy_of(counts: Counts) -> Array:
    """Give the share of rows that are wholly right, for each of R sets of rows."""
    return counts.exact / counts.rows


def macro_f1_of(counts: Counts) -> Array:
    """Give the mean of F1 = 2 right / (gold + predicted) over labels, for each of R sets of rows."""
    either = counts.gold + counts.predicted
    mean: Array = (2 * counts.right / _nonzero(either)).mean(-1)
    return mean


def micro_f1_of(counts: Counts) -> Array:
    """Give F1 of the counts summed over labels, for each of R sets of rows."""
    either = (counts.gold + counts.predicted).sum(-1)
    ratio: Array = 2 * counts.right.sum(-1) / _nonzero(either)
    return ratio


def matthews_of(counts: Counts) -> Array:
    """Give Gorodkin's R_K of each of R sets of rows with one label a row; 0 where it has no denominator."""
    import numpy

    square = counts.rows**2
    above = counts.exact * counts.rows - (counts.gold * counts.predicted).sum(-1)
    # One root of the product, not a product of roots: for equal factors it is exact, so gold against gold is exactly 1.
    below = numpy.sqrt((square - (counts.gold**2).sum(-1)) * (square - (counts.predicted**2).sum(-1)))
    ratio: Array = above / _nonzero(below)
    return ratio


SINGLE: Mapping[str, Callable[[Counts], Array]] = {
    "accuracy": accuracy_of,
    "macro_f1": macro_f1_of,
    "micro_f1": micro_f1_of,
    "matthews": matthews_of,
}
"""Metrics of one label a row: name -> formula on counts."""

SEVERAL: Mapping[str, Callable[[Counts], Array]] = {
    "multilabel_macro_f1": macro_f1_of,
    "multilabel_micro_f1": micro_f1_of,
    "subset_accuracy": accuracy_of,
}
"""Metrics of several labels a row: name -> formula on counts."""


def alone(names: Names) -> list[tuple[str]]:
    """Make sets of one of single names, for what is written for several labels a row."""
    return [(name,) for name in names]


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below else 0.0


def _nonzero(below: Array) -> Array:
    """Replace 0 by 1: wherever a denominator here is 0 its numerator is 0 as well, and the quotient shall be 0."""
    import numpy

    replaced: Array = numpy.where(below == 0, 1.0, below)
    return replaced


def _check_lengths(first: Sequence[Any], second: Sequence[Any], a: str = "gold", b: str = "predicted") -> None:
    if len(first) != len(second):
        raise BadInput("metric", f"`{a}` and `{b}` must have the same length (got {len(first)} and {len(second)})")
    if not first:
        raise BadInput("metric", f"`{a}` and `{b}` are empty: nothing can be scored")


def check_names(gold: Sets, predicted: Sets, labels: Names) -> None:
    """Refuse names that are not among `labels`, and sides of unequal length."""
    _check_lengths(gold, predicted)
    if twice := sorted(name for name, times in Counter(labels).items() if times > 1):
        raise BadInput("metric", f"`labels` names {', '.join(twice)} more than once")
    problems = [
        Problem(f"'{name}' is not among `labels`", field=side, fix=did_you_mean(name, labels))
        for side, rows in (("gold", gold), ("predicted", predicted))
        for name in sorted(set(chain.from_iterable(rows)).difference(labels))
    ]
    if problems:
        raise BadInput("metric", problems)
