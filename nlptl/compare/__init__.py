"""Runs beside each other: what differs in what they were, and what their scores let one say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_uppercase

from nlptl import statistics
from nlptl.compare import groups as seeds_of_one
from nlptl.compare import pairs as runs_by_two
from nlptl.compare.groups import Group, GroupPair, Mean
from nlptl.compare.opening import Run, check_scores, open_run
from nlptl.compare.pairs import Pair
from nlptl.compare.settings import Leaf, differing
from nlptl.errors import BadInput, Problem

__all__ = ["Compared", "Group", "GroupPair", "Leaf", "Mean", "Pair", "Run", "check_scores", "compare", "open_run"]


@dataclass(frozen=True)
class Compared:
    """All that `compare` found."""

    runs: Sequence[Run]
    leaves: Sequence[Leaf]
    """Where they differ."""
    pairs: Sequence[Pair]
    """Every other run against the first, set by set; with groups of several seeds, of single runs and of an only
    group."""
    groups: Sequence[Group]
    means: Sequence[Mean]
    group_pairs: Sequence[GroupPair]
    """Every other group against the first, set by set, where one of the two has several seeds."""
    notes: Sequence[str]
    """What is not compared and why; what must be known to read the rest."""


def compare(places: Sequence[str | Path], *, examples: int = 5) -> Compared:
    """Compare finished runs with the first of them. Raises BadInput for what is no finished, whole run."""
    runs = _open(places)
    alike, notes = _comparable(runs)
    groups, twice = seeds_of_one.grouped(alike)
    several = len(alike) > 2 and any(len(group.runs) > 1 for group in groups)
    pairs: list[Pair] = []
    found: list[GroupPair] = []
    for name in runs[0].sets:
        # Single runs of different recipes, and the seeds of an only recipe, are compared by their rows.
        singles = [group.runs[0] for group in groups if len(group.runs) == 1]
        by_rows = alike if not several or len(groups) == 1 else singles if len(groups[0].runs) == 1 else []
        one = _each(by_rows, name, examples, notes)
        other = _groups(groups, name, notes) if several else []
        one, other = _adjusted(one, other)
        pairs, found = pairs + one, found + other
    sets = [name for name in runs[0].sets if all(name in run.sets for run in alike)]
    means = [seeds_of_one.mean_of(group, name) for name in sets for group in groups] if several else []
    notes += _other_sets(alike) + (twice if several else []) + list(_cautions(alike, several=several))
    return Compared(runs, differing(runs), pairs, groups, means, found, notes)


def _open(places: Sequence[str | Path]) -> list[Run]:
    problems: list[Problem] = []
    runs = []
    if not 2 <= len(places) <= len(ascii_uppercase):
        raise BadInput("compare", f"between two and {len(ascii_uppercase)} runs can be compared (got {len(places)})")
    real = [Path(place).resolve() for place in places]
    for number, (letter, place) in enumerate(zip(ascii_uppercase, places, strict=False)):
        if real[number] in real[:number]:
            problems.append(Problem("is named twice", where=str(place), fix="name different runs"))
            continue
        try:
            runs.append(open_run(place, letter))
            check_scores(runs[-1])
        except BadInput as fault:
            problems += [
                Problem(one.what, "  ".join(filter(None, (fault.subject, one.where))), one.field, one.fix)
                for one in fault.problems
            ]
    if problems:
        raise BadInput("compare", problems)
    return runs


def _comparable(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """Give the runs whose scores can be held against the first one's, and why the others' cannot."""
    first, alike, notes = runs[0], [runs[0]], []
    for run in runs[1:]:
        what = [
            f"{name} {theirs} against {ours}"
            for name, ours, theirs in (
                ("task", first.report["task"], run.report["task"]),
                ("card", first.data["card"], run.data["card"]),
            )
            if ours != theirs
        ]
        if what:
            told = f"{run.letter} is another test than {first.letter} ({', '.join(what)})"
            notes.append(f"{told}: the settings are compared, the scores are not")
        else:
            alike.append(run)
        if not what and first.data["sha256"] != run.data["sha256"]:
            notes.append(_of_data(first, run))
    return alike, notes


def _of_data(first: Run, run: Run) -> str:
    told = f"the data of {first.letter} and {run.letter} have different fingerprints"
    if set(first.data.get("rows", {})) != set(run.data.get("rows", {})):
        told += ", which cover different splits"
    return f"{told}; rows are matched by id and gold, and whether their texts are the same cannot be seen here"


def _each(runs: Sequence[Run], name: str, examples: int, notes: list[str]) -> list[Pair]:
    """Compare every other run with the first on one set."""
    found = []
    for run in runs[1:]:
        if name not in run.sets:
            continue
        one = runs_by_two.compare_pair(runs[0], run, name, examples)
        if isinstance(one, str):
            notes.append(f"{name}: {runs[0].letter} and {run.letter} are not compared: {one}")
        else:
            found.append(replace(one, seed_alone=_seed_alone(runs[0], run)))
    return found


def _seed_alone(first: Run, second: Run) -> bool:
    """Say whether two runs are one recipe on the same data from the same checkpoint, with two seeds."""
    sections = {leaf.section for leaf in differing([first, second])}
    return "seed" in sections and not sections & {"recipe", "data", "checkpoint"}


def _groups(groups: Sequence[Group], name: str, notes: list[str]) -> list[GroupPair]:
    """Compare every other group with the first on one set; those of two seeds at least together."""
    found = []
    for group in groups[1:]:
        if len(groups[0].runs) + len(group.runs) < 3:
            continue
        one = seeds_of_one.compare_groups(groups[0], group, name)
        if isinstance(one, str):
            notes.append(f"{name}: {groups[0].name} and {group.name} are not compared: {one}")
        else:
            found.append(one)
    return found


def _adjusted(pairs: Sequence[Pair], found: Sequence[GroupPair]) -> tuple[list[Pair], list[GroupPair]]:
    """Adjust the p values of all comparisons on one set together, if there are several."""
    values = [one.p for one in pairs] + [one.p for one in found]
    holm = statistics.holm(values) if len(values) > 1 else [None] * len(values)
    return (
        [runs_by_two.spoken(one, p) for one, p in zip(pairs, holm[: len(pairs)], strict=True)],
        [seeds_of_one.spoken(one, p) for one, p in zip(found, holm[len(pairs) :], strict=True)],
    )


def _other_sets(runs: Sequence[Run]) -> list[str]:
    """Name the sets that not all of the runs were scored on."""
    every = dict.fromkeys(name for run in runs for name in run.sets)
    found = []
    for name in every:
        having = [run.letter for run in runs if name in run.sets]
        if len(having) < len(runs):
            found.append(f"{name} was scored by {', '.join(having)} alone")
    return found


def _cautions(runs: Sequence[Run], *, several: bool) -> Iterator[str]:
    """Say what the comparison cannot show."""
    leaves = [leaf for leaf in differing(runs) if leaf.section in ("recipe", "checkpoint")]
    if len(runs) > 1 and not several:
        yield "the intervals say what other rows would do, not what another seed would: for that, give several seeds"
    if len(leaves) > 1 and len(runs) == 2 and len({leaf.path.split("[")[0] for leaf in leaves}) > 1:
        yield f"{len(leaves)} settings differ: a difference of scores is that of all of them together"
