"""The part of a test set that no earlier run was trained on: a run's predictions on it, scored by themselves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from nlptl.compare import Run
from nlptl.compare.opening import Scored

CLEAN = ", clean"
"""What stands behind the name of a set whose leaked rows were left out."""


def clean(run: Run, leaked: Collection[str]) -> Run:
    """Give the run with those sets alone that have leaked rows, without them."""
    found = {}
    for name, one in run.sets.items():
        lines = {row_id: line for row_id, line in one.lines.items() if row_id not in leaked}
        if lines and len(lines) < len(one.lines):
            rows, said = [line.row for line in lines.values()], [line.prediction for line in lines.values()]
            metrics = dict(run.task.score(said, rows, run.fitted).metrics)
            found[name + CLEAN] = Scored(name + CLEAN, metrics, {}, lines)
    return replace(run, sets=found)


def sections(run: Run) -> list[dict[str, Any]]:
    """Give the sets of a run as a report's `evaluation` has them."""
    found = []
    for one in run.sets.values():
        rows, said = [line.row for line in one.lines.values()], [line.prediction for line in one.lines.values()]
        bounds = run.task.intervals(said, rows, run.fitted, run.report["seed"])
        intervals = {name: list(pair) for name, pair in bounds.items()}
        found.append(
            {"split": one.name, "language": "", "rows": len(rows), "metrics": one.metrics, "intervals": intervals}
        )
    return found
