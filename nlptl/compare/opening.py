"""A finished run as it lies on the disk: what it was, what it ran on, and what it said of every row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlptl import artifacts, mixtures, saved, strict
from nlptl.errors import BadInput, Problem
from nlptl.report import REPORT
from nlptl.tasks import Prediction, Row, Task

EQUAL = 1e-9
"""Two ways to add up one metric may differ by so much."""


@dataclass(frozen=True)
class Line:
    """One scored row. Of its columns it has the gold alone: the texts are not in a run directory."""

    row: Row
    prediction: Prediction
    right: bool
    """Wholly."""


@dataclass(frozen=True)
class Scored:
    """One set of rows that a run was scored on."""

    name: str
    """Split, and language where languages are scored apart."""
    metrics: Mapping[str, float]
    """As the report has them."""
    external: Mapping[str, float]
    lines: Mapping[str, Line]
    """By row id."""


@dataclass(frozen=True)
class Run:
    """One finished run, read."""

    letter: str
    """How tables call it."""
    directory: Path
    recipe: Mapping[str, Any]
    """The resolved recipe as plain data: it is shown, not run, so one of another nlptl will do."""
    report: Mapping[str, Any]
    data: Mapping[str, Any]
    environment: Mapping[str, Any]
    task: Task
    fitted: Any
    sets: Mapping[str, Scored]


def open_run(place: str | Path, letter: str = "A") -> Run:
    """Read a finished run. Raises BadInput for what is none, is not finished, or is not whole."""
    directory = Path(place)
    _check_finished(directory, str(place))
    if faults := artifacts.verify(directory / "model"):
        raise BadInput(str(place), [Problem(fault, where=str(directory / "model")) for fault in faults])
    report, data, environment = (
        artifacts.read_json(directory / name) for name in (REPORT, "data.json", "environment.json")
    )
    task = saved.task_of(directory)
    try:
        fitted = task.restore(report["fitted"])
        sets = [_scored(directory, one) for one in report["evaluation"]]
        _ = [report[key] for key in ("seed", "task", "name", "training", "rows")]
        _ = [data["card"], data["sha256"], data["checkpoint"]["sha256"]]
        recipe = strict.load(directory / "recipe.yaml").data
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        what = f"is damaged, or of another nlptl ({type(fault).__name__}: {str(fault)[:200]})"
        raise BadInput(str(place), Problem(what, fix="run it again; `nlptl ls` lists the finished ones")) from None
    return Run(letter, directory, recipe, report, data, environment, task, fitted, {one.name: one for one in sets})


def _check_finished(directory: Path, subject: str) -> None:
    fix = "name a finished run's directory; `nlptl ls` lists them"
    if not directory.is_dir():
        what = "is a file, not a run directory" if directory.exists() else "there is no such directory"
        raise BadInput(subject, Problem(what, fix=fix))
    mixtures.check_one(directory)
    if not (directory / "recipe.yaml").is_file():
        raise BadInput(subject, Problem("is no run directory (recipe.yaml is missing)", fix=fix))
    if not (directory / REPORT).is_file():
        again = "the command that began it goes on from its last checkpoint"
        raise BadInput(subject, Problem(f"this run is not finished ({REPORT} is missing)", fix=again))


def _scored(directory: Path, one: Mapping[str, Any]) -> Scored:
    path = directory / one["predictions"]
    if not path.is_file():
        raise BadInput(str(path), "no such file: the run is not whole")
    lines: dict[str, Line] = {}
    for number, record in enumerate(artifacts.read_lines(path), 1):
        where = f"{path.name}:{number}"
        if missing := {"id", "gold", "predicted", "correct", "detail"} - set(record):
            raise BadInput(str(path), Problem(f"a line without {', '.join(sorted(missing))}", where=where))
        if record["id"] in lines:
            raise BadInput(str(path), Problem(f"row {record['id']} stands here twice", where=where))
        row = Row(record["id"], record["gold"], record.get("language", one["language"]))
        said = Prediction(record["id"], record["predicted"], record["detail"])
        lines[row.id] = Line(row, said, record["correct"] == 1.0)
    if len(lines) != one["rows"]:
        raise BadInput(str(path), f"{len(lines)} predictions, the report has {one['rows']} rows: the run is not whole")
    name = " ".join(part for part in (one["split"], one["language"]) if part)
    return Scored(name, one["metrics"], one.get("external", {}), lines)


def check_scores(run: Run) -> None:
    """Hold predictions and report of a run against each other. Raises BadInput where one was changed after the run."""
    for one in run.sets.values():
        rows, said = [line.row for line in one.lines.values()], [line.prediction for line in one.lines.values()]
        try:
            found = run.task.score(said, rows, run.fitted)
        except (BadInput, KeyError, TypeError, ValueError, AssertionError) as fault:
            raise BadInput(str(run.directory), f"the predictions on {one.name} cannot be scored: {fault}") from None
        right = [line.right for line in one.lines.values()]
        wrong = [
            f"{name} is {one.metrics[name]!r} in {REPORT}, {value!r} from the predictions"
            for name, value in found.metrics.items()
            if name in one.metrics and abs(one.metrics[name] - value) > EQUAL
        ]
        if [value == 1.0 for value in found.per_example["correct"]] != right:
            wrong.append("what is marked as correct is not what is correct")
        if wrong:
            fix = "one of them was changed after the run, or another nlptl counts otherwise"
            raise BadInput(str(run.directory), [Problem(f"{one.name}: {what}", fix=fix) for what in wrong])
