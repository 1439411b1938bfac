"""What a plan says at its end: `report.json`, the tables, the page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nlptl import artifacts, launch, mixtures, statistics
from nlptl.compare import open_run
from nlptl.job import Watch
from nlptl.plan import cells, clean, gains, leaks, mixed_report, predictors, running
from nlptl.plan.again import Results
from nlptl.plan.leaks import Leaks
from nlptl.plan.reading import CheckedPlan
from nlptl.plans import Step
from nlptl.prepare import Inputs
from nlptl.report import REPORT
from nlptl.version import __version__

LEAKS = 12
"""Pairs that the page shows."""


def finished(directory: Path, results: Results) -> dict[str, Any] | None:
    """Give the report of a plan that is finished and speaks of these very runs, else None."""
    if not (directory / REPORT).is_file():
        return None
    report: dict[str, Any] = artifacts.read_json(directory / REPORT)
    named = [one["run"] for step in report["steps"] for one in step["runs"]]
    return report if named == [mixtures.name_of(one.directory) for one in results.values()] else None


def write(
    checked: CheckedPlan, results: Results, remembered: Sequence[Mapping[str, Any]], found: Leaks,
    gathered: Mapping[str, Inputs], directory: Path, watch: Watch,
) -> dict[str, Any]:
    """Write the report, then tables and page, which are made of it."""
    from nlptl.plan import page

    plan = checked.plan
    report: dict[str, Any] = {
        "nlptl": __version__,
        "plan": plan.kind,
        "name": plan.name,
        "directory": directory.name,
        "seeds": list(plan.seeds),
        "steps": [_step(checked, step, results, found) for step in plan.steps()],
        "gains": [asdict(one) for one in gains.gains(plan.claims(), results, plan.seeds)],
        "again": [asdict(one) for one in gains.losses(remembered, results, plan.seeds)],
        "leaks": _leaks(found),
        "clean": _clean(checked, results, remembered, found),
        "not_again": _problems(remembered),
        "kept": sorted({name for one in remembered for name in one["kept"]}),
        "warnings": list(checked.warnings),
    }
    if plan.mixtures():
        report["mixtures"] = mixed_report.summary(plan.mixtures(), results, plan.seeds)
    if plan.cells():
        report["matrix"] = cells.summary(
            plan.cells(), report, predictors.guesses(checked, results, gathered, watch)
        )
    report = json.loads(json.dumps(report))  # as it is read again
    if launch.rank() == 0:
        running.write_beginning(checked, directory)
        if found.found:
            leaks.write(found, directory)
        artifacts.write_json(directory / REPORT, report)
        page.write(directory)
    return report


def _problems(remembered: Sequence[Mapping[str, Any]]) -> list[str]:
    told = {f"{one['earlier']} after {one['later']}: {one['problem']}": None for one in remembered if one["problem"]}
    return list(told)


def _leaks(found: Leaks) -> dict[str, Any]:
    """Say what the guard found; the pairs themselves are in a file beside, the first of them here as well."""
    tested = dict.fromkeys((one.tested, one.split) for one in found.found)
    return {
        "texts": dict(found.texts), "unread": list(found.unread), "pairs": len(found.found),
        "sets": [
            {
                "tested": step, "split": split, "rows": len({one.test_id for one in own}),
                "trained": list(dict.fromkeys(one.trained for one in own)),
            }
            for step, split in tested
            for own in [[one for one in found.found if (one.tested, one.split) == (step, split)]]
        ],
        "first": [asdict(one) for one in found.found[:LEAKS]],
    }  # fmt: skip


def _clean(
    checked: CheckedPlan, results: Results, remembered: Sequence[Mapping[str, Any]], found: Leaks
) -> dict[str, Any]:
    """Give gains and losses once more, on the part of each leaking set that is clean."""
    if not found.found:
        return {"gains": [], "again": []}
    seeds = checked.plan.seeds
    return {
        "gains": [asdict(one) for one in gains.gains(checked.plan.claims(), results, seeds, found.ids)],
        "again": [asdict(one) for one in gains.losses(remembered, results, seeds, found.ids)],
    }


def _step(checked: CheckedPlan, step: Step, results: Results, leaked: Leaks) -> dict[str, Any]:
    """Say what a step was and scored, seed by seed and over seeds."""
    recipe = checked.steps[step.name].recipe
    runs = [results[step.name, seed] for seed in checked.plan.seeds]
    first = runs[0].report
    sections = [run.report["evaluation"] for run in runs]
    held = [one.step for one in checked.plan.claims() if one.control == step.name]
    if ids := frozenset().union(*(leaked.ids(name) for name in held or [step.name])):
        cleaned = [clean.sections(clean.clean(open_run(run.directory), ids)) for run in runs]
        sections = [[*one, *other] for one, other in zip(sections, cleaned, strict=True)]
    return {
        "name": step.name, "recipe": recipe.name, "task": recipe.task.kind, "card": first["card"],
        "start": step.start, "take": step.take if step.start else "", "control": step.control,
        "rows": first["rows"], "steps": first["training"]["planned_steps"],
        "trainable": first["parameters"]["trainable"],
        "runs": [
            {
                "seed": one.report["seed"], "run": mixtures.name_of(one.directory),
                "seconds": one.report["training"]["seconds"], "memory_mib": one.report["training"]["peak_memory_mib"],
            }
            for one in runs
        ],
        "scores": [_score(list(one)) for one in zip(*sections, strict=True)],
    }  # fmt: skip


def _score(sections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give the main metric of a set over seeds: the t interval, or of one seed the one over rows."""
    one = sections[0]
    metric = next(iter(one["metrics"]))
    scores = [section["metrics"][metric] for section in sections]
    spread = statistics.mean_and_spread(scores)
    low, high = (spread.low, spread.high) if len(scores) > 1 else one["intervals"][metric]
    name = " ".join(part for part in (one["split"], one["language"]) if part)
    return {
        "set": name, "rows": one["rows"], "metric": metric, "scores": scores, "mean": spread.mean,
        "low": low, "high": high, "over": "seeds" if len(scores) > 1 else "rows",
    }  # fmt: skip
