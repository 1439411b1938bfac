"""Two runs on one set of rows: scores side by side, the paired difference, and the rows that changed sides."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nlptl import statistics
from nlptl.compare.opening import EQUAL, Line, Run, Scored
from nlptl.compare.words import LEVEL, verdict
from nlptl.errors import BadInput
from nlptl.tasks import Scores

SEED = 0
"""Of the bootstrap: one for all comparisons, so that the order of runs or their own seeds change nothing."""
POWER = 0.8
Z_POWER = 0.8416212335729143
Z = 1.959963984540054


@dataclass(frozen=True)
class Changed:
    """A row of which the two runs do not say the same."""

    id: str
    gold: Any
    first: Any
    second: Any


@dataclass(frozen=True)
class Sides:
    """Rows by who has them right (wholly), and the first few of those that changed."""

    both_right: int
    right_to_wrong: int
    wrong_to_right: int
    both_wrong_alike: int
    both_wrong_differently: int
    examples: Mapping[str, Sequence[Changed]]


@dataclass(frozen=True)
class Pair:
    """How `second` does against `first` on the rows that both scored. All differences are second less first."""

    first: str
    second: str
    set: str
    rows: int
    left_out: Mapping[str, int]
    """Why -> how many rows are not compared."""
    metric: str
    """The task's main metric: `difference`, `p` and `words` are about it."""
    metrics: Mapping[str, tuple[float, float]]
    errors: tuple[str, ...]
    """Metrics that fall with quality."""
    difference: tuple[float, float, float]
    """Low, value, high: 95 % over rows."""
    p: float
    test: str
    mcnemar: float
    """Exact p that both have equally many rows wholly right."""
    adjusted: float | None
    """Holm's, where there are several comparisons."""
    smallest: float | None
    """The difference that a test on these rows finds with power 0.8; None where nothing can be said."""
    sides: Sides
    words: str
    note: str
    seed_alone: bool = False
    """Whether nothing but the seed differs: then no recipe is better, whatever the models are."""


@dataclass(frozen=True)
class Shared:
    """Rows that two sets have in common, with the same gold."""

    ids: tuple[str, ...]
    left_out: Mapping[str, int]


def shared(first: Scored, second: Scored, letters: tuple[str, str]) -> Shared:
    """Match rows by id; leave out those that only one has, or whose gold is not the same."""
    both = [row_id for row_id in first.lines if row_id in second.lines]
    kept = tuple(one for one in both if first.lines[one].row.values == second.lines[one].row.values)
    counts = {
        f"only in {letters[0]}": len(first.lines) - len(both),
        f"only in {letters[1]}": len(second.lines) - len(both),
        "with another gold": len(both) - len(kept),
    }
    return Shared(kept, {why: count for why, count in counts.items() if count})


def score_of(run: Run, scored: Scored, ids: Sequence[str]) -> Scores:
    """Score some rows of a set anew."""
    lines = [scored.lines[one] for one in ids]
    return run.task.score([line.prediction for line in lines], [line.row for line in lines], run.fitted)


def compare_pair(first: Run, second: Run, name: str, count: int) -> Pair | str:
    """Compare two runs on one set, or say why that cannot be done; `count` is how many examples of a side to give."""
    one, other = first.sets[name], second.sets[name]
    common = shared(one, other, (first.letter, second.letter))
    if not common.ids:
        return "they have no row in common"
    lines = [(one.lines[row_id], other.lines[row_id]) for row_id in common.ids]
    rows = [line.row for line, _ in lines]
    try:
        scores = score_of(first, one, common.ids), score_of(second, other, common.ids)
        found = first.task.difference(
            [line.prediction for _, line in lines], [line.prediction for line, _ in lines], rows, first.fitted, SEED
        )
    except BadInput as fault:
        return str(fault.problems[0])
    metric = next(iter(scores[0].metrics))
    if abs(scores[1].metrics[metric] - scores[0].metrics[metric] - found.value) > EQUAL:
        return f"they do not mean the same by {metric}: they know different labels"
    right = [line.right for line, _ in lines], [line.right for _, line in lines]
    mcnemar = statistics.mcnemar_exact(*right)
    share = is_share(scores[0], metric) and is_share(scores[1], metric)
    pair = Pair(
        first=first.letter, second=second.letter, set=name, rows=len(rows), left_out=common.left_out, metric=metric,
        metrics=_metrics(one, other, scores, whole=not common.left_out), errors=first.task.errors,
        difference=(found.low, found.value, found.high), p=mcnemar if share else found.p,
        test="exact McNemar" if share else found.method, mcnemar=mcnemar, adjusted=None,
        smallest=_smallest(found, right, share=share), sides=_sides(lines, count), words="", note="",
    )  # fmt: skip
    return spoken(pair, None)


def spoken(pair: Pair, adjusted: float | None) -> Pair:
    """Put the outcome of a pair into words, by the adjusted p where there is one."""
    p = pair.p if adjusted is None else adjusted
    low, _, high = pair.difference
    note = ""
    if p > LEVEL and (low > 0 or high < 0):
        why = f"{pair.test} {shown_p(p)}" + (" after Holm's correction" if adjusted is not None else "")
        note = f"the interval does not hold 0, yet {why}: too little to tell them apart"
    if not (pair.sides.right_to_wrong or pair.sides.wrong_to_right or pair.sides.both_wrong_differently):
        note = "they say the same of every row"
    words = verdict(pair.first, pair.second, pair.difference, p, seed_alone=pair.seed_alone)
    return replace(pair, adjusted=adjusted, words=words, note=note)


def shown_p(p: float) -> str:
    """Give a p value as text: `p = 0.031`."""
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"


def is_share(scores: Scores, metric: str) -> bool:
    """Say whether a metric is the share of rows that are wholly right: then McNemar's test is about it."""
    right = scores.per_example["correct"]
    return abs(math.fsum(right) / len(right) - scores.metrics[metric]) < EQUAL


def _metrics(
    one: Scored, other: Scored, scores: tuple[Scores, Scores], *, whole: bool
) -> dict[str, tuple[float, float]]:
    """Give each metric of both; those of `evaluate` too, which are known of all rows together alone."""
    found = {name: (scores[0].metrics[name], scores[1].metrics[name]) for name in scores[0].metrics}
    if whole:
        found |= {name: (one.external[name], other.external[name]) for name in one.external if name in other.external}
    return found


def _smallest(found: statistics.Difference, right: tuple[list[bool], list[bool]], *, share: bool) -> float | None:
    """Give the least difference that these rows can show: for a share of rows from how often both are right together,
    else 2.80 standard errors of the difference.
    """
    if not share:
        error = (found.high - found.low) / (2 * Z)
        return (Z + Z_POWER) * error or None
    n, accuracy = len(right[0]), sum(right[0]) / len(right[0])
    together = _correlation(*right)
    if accuracy == 1 or together is None or together >= 1:
        return None
    return statistics.smallest_detectable_difference(n, accuracy, correlation=together, power=POWER)


def _correlation(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Give the correlation of being right (phi); None where one of them is always, or never."""
    n, a, b = len(first), sum(first), sum(second)
    below = a * (n - a) * b * (n - b)
    both = sum(one and other for one, other in zip(first, second, strict=True))
    return (n * both - a * b) / math.sqrt(below) if below else None


def _sides(lines: Sequence[tuple[Line, Line]], count: int) -> Sides:
    changed: dict[str, list[Changed]] = {"right_to_wrong": [], "wrong_to_right": [], "both_wrong_differently": []}
    both_right = alike = 0
    for one, other in lines:
        if one.right and other.right:
            both_right += 1
            continue
        same = _plain(one.prediction.value) == _plain(other.prediction.value)
        if not one.right and not other.right and same:
            alike += 1
            continue
        side = "right_to_wrong" if one.right else "wrong_to_right" if other.right else "both_wrong_differently"
        changed[side].append(Changed(one.row.id, _gold(one), one.prediction.value, other.prediction.value))
    return Sides(
        both_right=both_right, both_wrong_alike=alike, **{side: len(rows) for side, rows in changed.items()},
        examples={side: rows[:count] for side, rows in changed.items()},
    )  # fmt: skip


def _gold(line: Line) -> Any:
    """Give a row's gold; by itself, where there is one column of it."""
    values = dict(line.row.values)
    return next(iter(values.values())) if len(values) == 1 else values


def _plain(value: Any) -> str:
    """Give a form in which equal predictions are equal: the order of several labels says nothing."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = sorted(value)
    return json.dumps(value, sort_keys=True, default=str)
