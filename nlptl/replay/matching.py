"""A run and its replay held against each other: every metric, row, step and weight, to the last digit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlptl import artifacts
from nlptl.compare.opening import Run
from nlptl.compare.settings import ABSENT, leaves

LOGGED = ("epoch", "examples", "tokens", "learning_rate", "loss", "gradient_norm")
"""What of a step's line must be equal: all but the seconds."""


@dataclass(frozen=True)
class Unlike:
    """One thing that is not equal: where, what the run has, what its replay has."""

    what: str
    run: Any
    replay: Any


@dataclass(frozen=True)
class Matched:
    """What is not equal, and how many things of each sort were compared."""

    compared: Mapping[str, int]
    metrics: Sequence[Unlike]
    rows: Sequence[Unlike]
    steps: Sequence[Unlike]
    weights: Sequence[Unlike]

    @property
    def equal(self) -> bool:
        """Whether everything is."""
        return not (self.metrics or self.rows or self.steps or self.weights)


def match(run: Run, again: Run) -> Matched:
    """Hold a run and its replay against each other."""
    sides = [(_numbers(one), _rows(one), _steps(one), _sums(one)) for one in (run, again)]
    metrics, rows, steps, sums = (unlike(first, second) for first, second in zip(*sides, strict=True))
    weights = [Unlike(_how_far(one, run.directory, again.directory), one.run, one.replay) for one in sums]
    counts = dict(zip(("metrics", "rows", "steps", "weights"), map(len, sides[0]), strict=True))
    return Matched(counts, metrics, rows, steps, weights)


def unlike(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Unlike]:
    """Give the keys whose values are not equal, in their order."""
    paths = dict.fromkeys([*first, *second])
    found = [Unlike(path, first.get(path, ABSENT), second.get(path, ABSENT)) for path in paths]
    return [one for one in found if one.run != one.replay]


def _numbers(run: Run) -> dict[str, Any]:
    """Give every number of a report that is no matter of time or memory, by its path."""
    report = run.report
    training = {key: report["training"].get(key) for key in ("steps", "best_step", "best_score", "history")}
    tree = {
        **{name: {**one.metrics, "external": one.external} for name, one in run.sets.items()},
        "selection": report["selection"].get("metrics", {}), "training": training,
        "fitted": report["fitted"], "rows": report["rows"], "parameters": report["parameters"],
    }  # fmt: skip
    return dict(leaves(tree))


def _rows(run: Run) -> dict[str, Any]:
    """Give every line of every file of predictions, by file and row."""
    found = {}
    for path in sorted((run.directory / "predictions").glob("*.jsonl")):
        for record in artifacts.read_lines(path):
            found[f"{path.stem}: {record.get('id')}"] = record
    return found


def _steps(run: Run) -> dict[str, Any]:
    lines = artifacts.read_lines(run.directory / "log.jsonl")
    return {f"step {line.get('number')}": {key: line.get(key) for key in LOGGED} for line in lines}


def _sums(run: Run) -> dict[str, Any]:
    """Give the sha256 of the files of weights, which have been held against the files when the run was opened."""
    manifest = artifacts.read_manifest(run.directory / "model")
    return {one.name: one.sha256 for one in manifest.files if one.name.endswith(".safetensors")}


def _how_far(one: Unlike, first: Path, second: Path) -> str:
    """Say of a file of weights how many tensors differ, and by how much at most."""
    if ABSENT in (one.run, one.replay):
        return one.what
    from safetensors import safe_open

    most, count = 0.0, 0
    with (
        safe_open(first / "model" / one.what, framework="pt") as ours,
        safe_open(second / "model" / one.what, framework="pt") as theirs,
    ):
        names = sorted({*ours.keys(), *theirs.keys()})
        for name in names:
            if name not in ours.keys() or name not in theirs.keys():  # noqa: SIM118 - it is no mapping
                count += 1
                continue
            a, b = ours.get_tensor(name), theirs.get_tensor(name)
            if a.shape != b.shape or a.dtype != b.dtype:
                count += 1
            elif not a.equal(b):
                count += 1
                most = max(most, float((a.double() - b.double()).abs().max()))
    return f"{one.what}: {count} of {len(names)} tensors differ, by {most:.3g} at most"
