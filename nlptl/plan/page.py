"""The page of a plan and its tables, made of its `report.json` alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nlptl import artifacts, pages
from nlptl.plan import cells_page, mixed_report
from nlptl.report import PAGE, REPORT, TABLES
from nlptl.report.tables import Column, Table
from nlptl.report.tables import write as write_tables

PLAN = "plan.yaml"
"""What marks a plan's directory."""
CONTROL = (
    "The control of a stage is the same recipe, the same seeds, the same rows and the same number of steps, but from "
    "the recipe's own checkpoint. What the earlier stages cost is not given to it."
)
AGAIN = (
    "The head of the earlier stage, as it was at that stage's end, is put on the body that the later stage ended with; "
    "nothing is trained. A fall says that the body no longer gives this head what it reads. It does not say that the "
    "body knows less: a new head on it may do better."
)
INTERVALS = (
    "Gains are differences of means over seeds. Their 95 % intervals are over seeds and test rows together, paired by "
    "both; the verdicts are after Holm's correction over all comparisons of a table."
)
LEAKING = (
    "Scores on a text that was trained on say nothing of other texts. Each set with such rows is scored and compared "
    "once more without them; believe those numbers."
)
ONE_SEED = "There is one seed: the intervals are over the test rows alone and say nothing of another seed."


def write(directory: Path, page: Path | None = None) -> Path:
    """Write the page and the tables of a finished plan, or with `page` the page alone there; give its path."""
    report = json.loads(artifacts.redact(json.dumps(artifacts.read_json(directory / REPORT), ensure_ascii=False)))
    place = page or directory / PAGE
    found = {one.name: one for one in tables(report)}
    artifacts.write_text(place, document(report, found))
    if page is None:
        write_tables(directory / TABLES, list(found.values()))
    return place


def tables(report: Mapping[str, Any]) -> Iterator[Table]:
    """Give every table of the report."""
    if report["gains"]:
        yield _differences("gains", "Gain of each stage over its control", "control", report["gains"])
    yield _scores(report)
    if report["again"]:
        yield _differences("again", "Earlier stages, scored again after later ones", "before", report["again"])
    if any(clean := report.get("clean", {}).values()):
        caption = "The same on the clean part: the rows that no earlier step was trained on"
        yield _differences("clean", caption, "control, or before", [one for found in clean for one in found])
    if report.get("leaks", {}).get("pairs"):
        yield _leaks(report["leaks"])
    if report.get("mixtures"):
        yield mixed_report.table(report["mixtures"])
    if "matrix" in report:
        yield from cells_page.tables(report["matrix"])
    yield _runs(report)


def document(report: Mapping[str, Any], found: Mapping[str, Table]) -> str:
    """Give the page."""
    sections = [pages.Section("What was run", [_facts(report), found["runs"].html()])]
    if report["gains"]:
        sections.insert(
            0,
            pages.Section(
                "Gains", [*_notes(report), *_chart("Gain in points", report["gains"]), found["gains"].html()]
            ),
        )
    sections.insert(1, pages.Section("Scores", [found["scores"].html()]))
    if report["again"] or report["not_again"]:
        sections.insert(2, pages.Section("Earlier tasks again", _again(report, found)))
    if "mixtures" in found:
        sections.insert(-1, pages.Section("Mixtures", [mixed_report.HOW, found["mixtures"].html()]))
    if "matrix" in report:
        sections.insert(0, cells_page.section(report["matrix"], found))
    if "leaks" in found:
        sections.insert(0, pages.Section("Leaks", _leaking(report, found)))
    again = "The plan is plan.yaml in this folder, its recipes are in the directories of the runs beside it."
    sections.append(pages.Section("Run it again", [f"{again} The same command finds what is done."]))
    foot = f"Made by nlptl {report['nlptl']} from report.json. Its tables lie in {TABLES}/ as CSV and JSON."
    return pages.page(f"{report['name']}, plan of {report['plan']}", sections, lead=_lead(report), foot=foot)


def _lead(report: Mapping[str, Any]) -> pages.Content:
    if "matrix" in report:
        return pages.items(cells_page.lead(report["matrix"]))
    found = [*report["gains"], *report.get("clean", {}).get("gains", ())]
    told = [one["words"] for one in found] or ["No gain is claimed: the plan has no control."]
    return pages.items(told)


def _notes(report: Mapping[str, Any]) -> list[pages.Content]:
    how = [mixed_report.CONTROL] * bool(report.get("mixtures"))
    return [pages.note(ONE_SEED, "warning")] * (len(report["seeds"]) == 1) + [CONTROL, *how, INTERVALS]


def _again(report: Mapping[str, Any], found: Mapping[str, Table]) -> list[pages.Content]:
    parts: list[pages.Content] = [AGAIN]
    if report["kept"]:
        names = ", ".join(report["kept"])
        parts.append(f"Kept from the earlier stage beside its head, since the later model has none: {names}.")
    parts += [pages.note(f"Not scored again: {one}", "warning") for one in report["not_again"]]
    return [*parts, *_chart("Change in points", report["again"]), *([found["again"].html()] if report["again"] else [])]


def _leaking(report: Mapping[str, Any], found: Mapping[str, Table]) -> list[pages.Content]:
    told = [
        pages.note(f"{one['rows']:,} rows of {one['split']} of {one['tested']} stand in what "
                   f"{' and '.join(one['trained'])} is trained on, equal, nearly, or for the most part.", "warning")
        for one in report["leaks"]["sets"]
    ]  # fmt: skip
    clean = [one for records in report["clean"].values() for one in records]
    beside = [found["clean"].html()] if "clean" in found else []
    return [*told, LEAKING, *_chart("Difference in points, clean rows alone", clean), *beside, found["leaks"].html()]


def _leaks(leaks: Mapping[str, Any]) -> Table:
    columns = [
        Column("tested", "tested"), Column("split", "split"), Column("test_id", "test row"), Column("kind", "overlap"),
        Column("share", "share", "number"), Column("trained", "trained"), Column("train_id", "training row"),
        Column("test_text", "test text", "long"), Column("train_text", "training text", "long"),
    ]  # fmt: skip
    first = [one | {"share": round(one["share"], 2)} for one in leaks["first"]]
    rows = [[one[column.key] for column in columns] for one in first]
    return Table("leaks", f"The first {len(rows)} of {leaks['pairs']:,} pairs; all are in leaks.csv", columns, rows)


def _chart(title: str, records: Sequence[Mapping[str, Any]]) -> list[pages.Content]:
    found = [
        pages.Between(f"{one['first']}, {one['set']}", 100 * one["low"], 100 * one["value"], 100 * one["high"],
                      f"{100 * one['value']:+.1f} ({100 * one['low']:+.1f} to {100 * one['high']:+.1f})")
        for one in records
    ]  # fmt: skip
    return [pages.intervals(title, found, x="points")] if found else []


def _differences(name: str, caption: str, other: str, records: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        Column("step", "stage"), Column("set", "set"), Column("metric", "metric"), Column("rows", "rows", "count"),
        Column("seeds", "seeds", "count"), Column("score", "score", "points"), Column("against", other, "points"),
        Column("value", "difference", "points"), Column("interval", "95 % interval", "gain"),
        Column("p", "p", "number"), Column("adjusted", "p (Holm)", "number"), Column("outcome", "verdict", "text"),
    ]  # fmt: skip
    rows = [
        [one["first"], one["set"], one["metric"], one["rows"], len(one["seeds"]), _mean(one["scores"]),
         _mean(one["against"]), one["value"], (one["low"], one["high"]), one["p"], one["adjusted"],
         cells_page.VERDICTS[one["outcome"]]]
        for one in records
    ]  # fmt: skip
    marks = {number: {"better": "high", "worse": "low"}.get(one["outcome"]) for number, one in enumerate(records)}
    return Table(name, caption, columns, rows, {number: kind for number, kind in marks.items() if kind})  # type: ignore[misc]


def _scores(report: Mapping[str, Any]) -> Table:
    rows = [
        [step["name"], one["set"], one["metric"], one["rows"], len(one["scores"]), one["mean"],
         (one["low"], one["high"]), one["over"], ", ".join(f"{100 * score:.1f}" for score in one["scores"])]
        for step in report["steps"] for one in step["scores"]
    ]  # fmt: skip
    columns = [
        Column("step", "stage"), Column("set", "set"), Column("metric", "metric"), Column("rows", "rows", "count"),
        Column("seeds", "seeds", "count"), Column("mean", "mean", "points"),
        Column("interval", "95 % interval", "range"), Column("over", "over"), Column("scores", "seed by seed"),
    ]  # fmt: skip
    return Table("scores", "Score of each stage on each set, by its main metric", columns, rows)


def _runs(report: Mapping[str, Any]) -> Table:
    rows = [
        [step["name"], one["seed"], one["run"], step["rows"]["train"], step["steps"], one["seconds"], one["memory_mib"]]
        for step in report["steps"] for one in step["runs"]
    ]  # fmt: skip
    columns = [
        Column("step", "stage"), Column("seed", "seed", "count"), Column("run", "run directory"),
        Column("train", "training rows", "count"), Column("steps", "steps", "count"),
        Column("seconds", "seconds of training", "number"), Column("memory", "peak memory, MiB", "number"),
    ]  # fmt: skip
    return Table("runs", "Every run of the plan, and what it cost", columns, rows)


def _facts(report: Mapping[str, Any]) -> pages.Markup:
    pairs: dict[str, pages.Content] = {"plan": report["directory"], "seeds": ", ".join(map(str, report["seeds"]))}
    for step in report["steps"]:
        how = f" from {step['start']}, {step['take']} taken over" if step["start"] else ""
        pairs[step["name"]] = f"{step['recipe']} ({step['task']} on {step['card']}){how}"
    seconds = sum(one["seconds"] for step in report["steps"] for one in step["runs"])
    return pages.facts(pairs | {"training in all": f"{seconds:.0f} s", "nlptl": report["nlptl"]})


def _mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores)
