"""What the report of a plan says of its mixtures: shares, steps, and the seconds of each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nlptl.plan.again import Results
from nlptl.plans import Mixed
from nlptl.report.tables import Column, Table

HOW = "Each optimizer step of a mixture is of one task, drawn by temperature."
CONTROL = (
    "The control of a task of a mixture trains it alone for the steps that its recipe has. The mixture has as many "
    "steps as its recipes together; how many of them are of the task is drawn."
)


def summary(mixtures: Sequence[Mixed], results: Results, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Give a record a task of a mixture; shares are those of the first seed."""
    found = []
    for mixed in mixtures:
        for name, step in mixed.members.items():
            reports = [results[step, seed].report for seed in seeds]
            said = reports[0]["mixed"]
            found.append({
                "mixture": mixed.name, "step": step, "entry": name, "temperature": mixed.temperature,
                "share": said["share"], "of": said["of"], "taken": [one["training"]["steps"] for one in reports],
            })  # fmt: skip
    return found


def table(records: Sequence[Mapping[str, Any]]) -> Table:
    """Give the shares as a table."""
    columns = [
        Column("step", "stage"), Column("temperature", "temperature", "number"), Column("share", "share, %", "points"),
        Column("of", "steps of the mixture", "count"), Column("taken", "steps taken, seed by seed"),
    ]  # fmt: skip
    rows = [
        [one["step"], one["temperature"], one["share"], one["of"], ", ".join(f"{each:,}" for each in one["taken"])]
        for one in records
    ]
    return Table("mixtures", "What was trained together", columns, rows)
