"""The page of a mixture: its tasks side by side, each with the way to its own page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nlptl import artifacts, mixtures, pages
from nlptl.report import PAGE, REPORT, TABLES
from nlptl.report.tables import Column, Table
from nlptl.report.tables import write as write_tables

HOW = (
    "One body, and a head for each task or one for all. Each optimizer step is of one task, drawn by temperature; the "
    "weights are those of the evaluation with the best mean over tasks of what each is chosen by. The body is the "
    "same, byte for byte, in the models of all of them."
)


def write(directory: Path, page: Path | None = None) -> Path:
    """Write page and tables of a mixture's finished run, or with `page` the page alone there; give its path."""
    said = json.loads(artifacts.redact(json.dumps(mixtures.read(directory), ensure_ascii=False)))
    reports = {one["name"]: artifacts.read_json(directory / one["name"] / REPORT) for one in said["entries"]}
    found = [_entries(said, reports), _scores(reports), *_looks(said)]
    place = page or directory / PAGE
    artifacts.write_text(place, _document(directory, said, found))
    if page is None:
        write_tables(directory / TABLES, found)
    return place


def _document(directory: Path, said: Mapping[str, Any], found: Sequence[Table]) -> str:
    links = [
        pages.Markup('<a href="{}/{}">{}</a>').format(one["name"], PAGE, f"{one['name']}: the page of {one['recipe']}")
        for one in said["entries"]
    ]
    facts: dict[str, pages.Content] = {
        "run": directory.name, "stage": said["stage"], "seed": str(said["seed"]),
        "heads": {"each": "one each", "one": "one for all"}[said["heads"]],
        "temperature": f"{said['temperature']:g}", "steps": f"{said['taken']:,} of {said['steps']:,}",
        "weights": f"of step {said['best_step']:,}" + _mean(said), "tensors in common": f"{said['shared_tensors']:,}",
        "training": f"{said['seconds']:.0f} s", "nlptl": said["nlptl"],
    }  # fmt: skip
    sections = [
        pages.Section("Tasks", [found[0].html(), found[1].html(), pages.items(links)]),
        pages.Section("Choosing the weights", [HOW, *_curves(said), *(one.html() for one in found[2:])]),
        pages.Section("What was run", [pages.facts(facts)]),
    ]
    foot = f"Made by nlptl {said['nlptl']} from {mixtures.MIXTURE} and the reports of the tasks."
    names = ", ".join(one["name"] for one in said["entries"])
    return pages.page(f"{said['stage']}, seed {said['seed']}", sections, lead=f"One model of {names}.", foot=foot)


def _mean(said: Mapping[str, Any]) -> str:
    chosen = any(one["metrics"] for one in said["history"])
    return f", mean {100 * said['best_score']:.1f}" if chosen else ", the last"


def _curves(said: Mapping[str, Any]) -> Iterator[pages.Content]:
    """Give a chart a task, and one of the mean; the numbers stand in a table."""
    history = [one for one in said["history"] if one["entries"]]
    if len(history) > 1:
        found = {
            name: [(float(one["step"]), 100 * next(iter(one["entries"][name].values()))) for one in history]
            for name in history[0]["entries"]
        } | {"mean of all": [(float(one["step"]), 100 * one["metrics"]["mean"]) for one in history]}
        charts = [pages.lines(name, {name: line}, x="step", y="points") for name, line in found.items()]
        yield pages.beside(*charts)


def _entries(said: Mapping[str, Any], reports: Mapping[str, Mapping[str, Any]]) -> Table:
    columns = [
        Column("name", "task"), Column("recipe", "recipe"), Column("kind", "kind"), Column("card", "card"),
        Column("rows", "training rows", "count"), Column("share", "share of steps", "points"),
        Column("drawn", "steps drawn", "count"), Column("taken", "steps taken", "count"),
    ]  # fmt: skip
    rows = [
        [one["name"], one["recipe"], one["task"], one["card"], reports[one["name"]]["rows"]["train"], one["share"],
         one["steps"], reports[one["name"]]["training"]["steps"]]
        for one in said["entries"]
    ]  # fmt: skip
    return Table("tasks", "What was mixed; shares are in percent", columns, rows)


def _scores(reports: Mapping[str, Mapping[str, Any]]) -> Table:
    columns = [
        Column("name", "task"), Column("set", "set"), Column("metric", "metric"), Column("rows", "rows", "count"),
        Column("score", "score", "points"), Column("interval", "95 % interval, over rows", "range"),
    ]  # fmt: skip
    rows = []
    for name, report in reports.items():
        for one in report["evaluation"]:
            metric = next(iter(one["metrics"]))
            held = " ".join(part for part in (one["split"], one["language"]) if part)
            rows.append([name, held, metric, one["rows"], one["metrics"][metric], tuple(one["intervals"][metric])])
    return Table("scores", "Score of each task on each of its sets, by its main metric", columns, rows)


def _looks(said: Mapping[str, Any]) -> Iterator[Table]:
    """Give every evaluation on the selecting splits."""
    history = [one for one in said["history"] if one["entries"]]
    if history:
        names = list(history[0]["entries"])
        columns = [Column("step", "step", "count"), *(Column(f"score.{name}", name, "points") for name in names)]
        columns.append(Column("mean", "mean of what chooses", "points"))
        rows = [
            [one["step"], *(next(iter(one["entries"][name].values())) for name in names), one["metrics"]["mean"]]
            for one in history
        ]
        yield Table("history", "Main metric of each task on its selecting split", columns, rows)
