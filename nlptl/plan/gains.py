"""What the runs of a plan let one say: gains over the control, and what later stages did to earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from nlptl import statistics
from nlptl.compare import Group, GroupPair, Pair, Run, open_run
from nlptl.compare.groups import compare_groups
from nlptl.compare.opening import Line, Scored
from nlptl.compare.pairs import compare_pair
from nlptl.compare.words import LEVEL, points
from nlptl.errors import BadInput, Problem
from nlptl.plan.again import Results
from nlptl.plan.clean import clean
from nlptl.plans import Claim
from nlptl.tasks import Prediction

Outcome = Literal["better", "worse", "open"]
Leaked = Callable[[str], Collection[str]]
"""Ids of the rows that a step should not be tested with."""


@dataclass(frozen=True)
class Gain:
    """How much better `first` is than `second` on one set: the difference of means over seeds, with its interval."""

    first: str
    second: str
    set: str
    metric: str
    rows: int
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    """Of `first`, seed by seed."""
    against: tuple[float, ...]
    value: float
    low: float
    high: float
    """95 %, over seeds and rows together; with one seed over rows alone."""
    p: float
    adjusted: float
    """Holm's, over all comparisons of its sort in the plan."""
    test: str
    outcome: Outcome
    words: str


@dataclass(frozen=True)
class _Side:
    name: str
    runs: tuple[Run, ...]


def gains(
    claims: Sequence[Claim], results: Results, seeds: Sequence[int], leaked: Leaked | None = None
) -> list[Gain]:
    """Hold each claim's step against its control, on every set, paired by seed and row; with `leaked` on the clean part
    of those sets that have leaked rows, and on nothing else.
    """
    opened: dict[Path, Run] = {}
    sides = {name: _opened(name, results, seeds, opened) for one in claims for name in (one.step, one.control)}
    pairs = [(sides[one.step], sides[one.control]) for one in claims]
    if leaked is not None:
        own = [leaked(one.step) for one in claims]
        pairs = [(_clean(one, ids), _clean(other, ids)) for (one, other), ids in zip(pairs, own, strict=True)]
    return _spoken(_all(pairs), "gain over its control", "negative transfer", "cannot be told apart from its control")


def losses(
    records: Sequence[Mapping[str, Any]], results: Results, seeds: Sequence[int], leaked: Leaked | None = None
) -> list[Gain]:
    """Hold each earlier step's scores after a later one against those at its own end; `first` names the later step.
    `leaked` as for gains.
    """
    opened: dict[Path, Run] = {}
    pairs = []
    for earlier, later in dict.fromkeys((one["earlier"], one["later"]) for one in records):
        own = [one for one in records if (one["earlier"], one["later"]) == (earlier, later)]
        if not any(one["problem"] for one in own):
            before = _opened(earlier, results, seeds, opened)
            after = tuple(_after(run, one["sets"]) for run, one in zip(before.runs, own, strict=True))
            sides = _Side(f"{earlier} after {later}", after), before
            if leaked is not None:
                ids = leaked(earlier)
                sides = _clean(sides[0], ids), _clean(sides[1], ids)
            pairs.append(sides)
    return _spoken(_all(pairs), "better than at its end", "forgetting", "cannot be told apart from before")


def _clean(side: _Side, ids: Collection[str]) -> _Side:
    return replace(side, runs=tuple(clean(run, ids) for run in side.runs))


def _opened(name: str, results: Results, seeds: Sequence[int], opened: dict[Path, Run]) -> _Side:
    runs = []
    for seed in seeds:
        place = results[name, seed].directory
        if place not in opened:
            opened[place] = open_run(place)
        runs.append(replace(opened[place], letter=name))
    return _Side(name, tuple(runs))


def _after(run: Run, sets: Mapping[str, Any]) -> Run:
    """Give the run as it would be with the predictions of another body."""
    found = {}
    for name, said in sets.items():
        rows = [line.row for line in run.sets[name].lines.values()]
        given = [Prediction(one["id"], one["predicted"], one["detail"]) for one in said["predictions"]]
        by_id = {one.row_id: one for one in given}
        scores = run.task.score(given, rows, run.fitted)
        right = dict(zip(scores.row_ids, scores.per_example["correct"], strict=True))
        lines = {row.id: Line(row, by_id[row.id], right[row.id] == 1.0) for row in rows}
        found[name] = Scored(name, said["metrics"], {}, lines)
    return replace(run, sets=found)


def _all(pairs: Sequence[tuple[_Side, _Side]]) -> list[Gain]:
    return [_compared(first, second, name) for first, second in pairs for name in first.runs[0].sets]


def _compared(first: _Side, second: _Side, name: str) -> Gain:
    """Compare two sides on one set; the words follow when all are known."""
    ours, theirs = first.runs, second.runs
    pair: Pair | GroupPair | str
    if len(ours) > 1:
        pair = compare_groups(Group(second.name, theirs), Group(first.name, ours), name, paired=True)
    else:
        pair = compare_pair(theirs[0], ours[0], name, 0)
    if isinstance(pair, str):
        raise BadInput(f"{first.name}, {name}", Problem(f"cannot be held against {second.name}: {pair}"))
    metric, (low, value, high), p, test = pair.metric, pair.difference, pair.p, pair.test
    return Gain(
        first.name, second.name, name, metric, pair.rows, tuple(run.report["seed"] for run in ours),
        tuple(run.sets[name].metrics[metric] for run in ours), tuple(run.sets[name].metrics[metric] for run in theirs),
        value, low, high, p, p, test, "open", "",
    )  # fmt: skip


def _spoken(found: Sequence[Gain], better: str, worse: str, neither: str) -> list[Gain]:
    """Say what each comes to, after Holm's correction over all of them."""
    adjusted = statistics.holm([one.p for one in found])
    told = []
    for one, p in zip(found, adjusted, strict=True):
        between = f"{points(one.low)} to {points(one.high)}"
        outcome: Outcome = "open"
        if p <= LEVEL and (one.low > 0 or one.high < 0):
            outcome = "better" if one.low > 0 else "worse"
        said = {"better": better, "worse": worse, "open": neither}[outcome]
        words = f"{one.first}, {one.set}: {said}, {points(one.value, sign=True)} points ({between})"
        told.append(replace(one, adjusted=p, outcome=outcome, words=words))
    return told
