"""Runs whose recipes differ in the seed alone are one group; groups are compared over seeds and rows at once."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nlptl import seeds, statistics
from nlptl.compare.opening import EQUAL, Run
from nlptl.compare.pairs import SEED, is_share, score_of, shared
from nlptl.compare.settings import experiment
from nlptl.compare.words import verdict
from nlptl.errors import BadInput

PARTS = 50
"""Groups of rows that the jackknife leaves out in turn."""


@dataclass(frozen=True)
class Group:
    """Runs of one recipe, a seed each."""

    name: str
    """Their letters: `A+B+C`."""
    runs: tuple[Run, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, in the order of the runs."""
        return tuple(run.report["seed"] for run in self.runs)


@dataclass(frozen=True)
class Mean:
    """The main metric of a group on one set: its mean over seeds, and the t interval over seeds."""

    group: str
    set: str
    metric: str
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    mean: float
    deviation: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class GroupPair:
    """How the seeds of `second` do against those of `first`, on the rows that all of them scored."""

    first: str
    second: str
    set: str
    rows: int
    left_out: Mapping[str, int]
    metric: str
    means: tuple[float, float]
    seeds: tuple[int, int]
    difference: tuple[float, float, float]
    """Low, value, high: 95 % over seeds and rows."""
    p: float
    test: str
    adjusted: float | None
    words: str
    note: str


def grouped(runs: Sequence[Run]) -> tuple[list[Group], list[str]]:
    """Group runs by all but the seed, in their order; give what is left out as well: a seed counts once."""
    found: dict[str, list[Run]] = {}
    twice = []
    for run in runs:
        key = json.dumps([experiment(run), run.data["sha256"], run.data["checkpoint"]["sha256"]], sort_keys=True)
        members = found.setdefault(key, [])
        same = next((one for one in members if one.report["seed"] == run.report["seed"]), None)
        if same is None:
            members.append(run)
        else:
            twice.append(f"{run.letter} has recipe, data and seed of {same.letter}, which stands for both in its group")
    return [Group("+".join(run.letter for run in members), tuple(members)) for members in found.values()], twice


def mean_of(group: Group, name: str) -> Mean:
    """Give a group's mean of the main metric on one set."""
    metric = next(iter(group.runs[0].sets[name].metrics))
    scores = tuple(run.sets[name].metrics[metric] for run in group.runs)
    spread = statistics.mean_and_spread(scores)
    return Mean(group.name, name, metric, group.seeds, scores, spread.mean, spread.deviation, spread.low, spread.high)


def compare_groups(first: Group, second: Group, name: str, *, paired: bool = False) -> GroupPair | str:
    """Compare two groups on one set, or say why that cannot be done. One of them at least has two seeds.

    `paired`: both have the same seeds in the same order, and a seed means the same rows, order and draws in both.
    """
    runs = [*first.runs, *second.runs]
    if any(name not in run.sets for run in runs):
        return "not all of their runs scored it"
    ids, left_out = _common(runs, name)
    if not ids:
        return "they have no row in common"
    try:
        scores = [score_of(run, run.sets[name], ids) for run in runs]
        metric = next(iter(scores[0].metrics))
        sides = [one.metrics[metric] for one in scores]
        _check_labels(runs, name, ids, sides)
        share = all(is_share(one, metric) for one in scores)
        right = [one.per_example["correct"] for one in scores]
        cut = len(first.runs)
        error, freedom = _share_error(right, cut) if share else _jackknife(runs, cut, name, ids, metric)
    except BadInput as fault:
        return str(fault.problems[0])
    if paired:
        assert first.seeds == second.seeds, "pairs have one seed"
        gaps = [theirs - ours for ours, theirs in zip(sides[:cut], sides[cut:], strict=True)]
        found = statistics.paired_over_seeds(gaps, row_error=error, rows=len(ids), row_freedom=freedom)
    else:
        found = statistics.difference_over_seeds(
            sides[:cut], sides[cut:], row_error=error, rows=len(ids), row_freedom=freedom
        )
    means = math.fsum(sides[:cut]) / cut, math.fsum(sides[cut:]) / len(second.runs)
    single = [group.name for group in (first, second) if len(group.runs) == 1]
    note = f"{single[0]} has one seed: the spread of the other's seeds is taken for its own" if single else ""
    pair = GroupPair(
        first.name, second.name, name, len(ids), left_out, metric, means, (cut, len(second.runs)),
        (found.low, found.value, found.high), found.p, found.method, None, "", note,
    )  # fmt: skip
    return spoken(pair, None)


def spoken(pair: GroupPair, adjusted: float | None) -> GroupPair:
    """Put the outcome into words, by the adjusted p where there is one."""
    p = pair.p if adjusted is None else adjusted
    return replace(pair, adjusted=adjusted, words=verdict(pair.first, pair.second, pair.difference, p))


def _common(runs: Sequence[Run], name: str) -> tuple[tuple[str, ...], dict[str, int]]:
    """Give the rows that all runs have with the same gold."""
    one = runs[0].sets[name]
    kept = set(one.lines)
    for run in runs[1:]:
        kept &= set(shared(one, run.sets[name], (runs[0].letter, run.letter)).ids)
    every = {row_id for run in runs for row_id in run.sets[name].lines}
    left_out = {"not in all runs, or with another gold": len(every) - len(kept)} if len(every) > len(kept) else {}
    return tuple(row_id for row_id in one.lines if row_id in kept), left_out


def _check_labels(runs: Sequence[Run], name: str, ids: Sequence[str], sides: Sequence[float]) -> None:
    """Refuse runs that do not score alike: what one says must get the same score by another's labels."""
    reference = runs[0]
    for run, value in zip(runs, sides, strict=True):
        lines = [run.sets[name].lines[one] for one in ids]
        found = reference.task.score(
            [line.prediction for line in lines], [line.row for line in lines], reference.fitted
        )
        if abs(next(iter(found.metrics.values())) - value) > EQUAL:
            raise BadInput(name, f"{reference.letter} and {run.letter} know different labels")


def _share_error(right: Sequence[Sequence[float]], cut: int) -> tuple[float, int]:
    """Give the standard error over rows of a difference of shares, seeds held fixed, with its degrees of freedom."""
    ours, theirs = right[:cut], right[cut:]
    gaps = [
        sum(side[row] for side in theirs) / len(theirs) - sum(side[row] for side in ours) / len(ours)
        for row in range(len(right[0]))
    ]
    if len(gaps) < 2:
        raise BadInput("rows", "one row shows nothing")
    mean = math.fsum(gaps) / len(gaps)
    variance = math.fsum((gap - mean) ** 2 for gap in gaps) / (len(gaps) - 1)
    return math.sqrt(variance / len(gaps)), len(gaps) - 1


def _jackknife(runs: Sequence[Run], cut: int, name: str, ids: Sequence[str], metric: str) -> tuple[float, int]:
    """Give the same for a metric of any form, from the scores without each of PARTS random groups of rows."""
    order = list(ids)
    seeds.stream(SEED, "jackknife").shuffle(order)
    parts = min(PARTS, len(order))
    without = []
    for number in range(parts):
        out = set(order[number::parts])
        left = [row_id for row_id in ids if row_id not in out]
        sides = [score_of(run, run.sets[name], left).metrics[metric] for run in runs] if left else []
        if sides:
            without.append(math.fsum(sides[cut:]) / (len(runs) - cut) - math.fsum(sides[:cut]) / cut)
    return statistics.jackknife_error(without), len(without) - 1
