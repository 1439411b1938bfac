"""The end of a run: the best weights, every set scored, the model saved and reloaded, the report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from nlptl import augmenting, domains, evaluate, prepare, report, saved, scoring, state
from nlptl.augment import Augment
from nlptl.job import Job, Progress
from nlptl.recipe import noises
from nlptl.tasks import Prediction, Row, Scores


def finish(job: Job, progress: Progress) -> dict[str, Any]:
    """Take the best weights, then conclude."""
    state.load_best(job, progress.best_step)
    return conclude(job, progress)


def conclude(job: Job, progress: Progress) -> dict[str, Any]:
    """Calibrate the weights as they are, score every set, save, let a fresh process reload, report."""
    recipe = job.inputs.recipe
    fitted, chosen = _calibrate(job)
    sections = []
    for one in recipe.evaluate:
        for language, part in evaluate.by_language(job.inputs.rows[one.name], one.languages):
            name = f"{one.name} {language}".strip()
            predictions, scores = _said(job, part, name, fitted)
            noised = [_noised(job, noise, part, name, fitted) for noise in noises(recipe, one)]
            sections.append(report.Section(one, language, part, predictions, scores, noised))
    if not job.main:
        job.computing.wait()
        return report.finished(job.directory) or {}
    apart = domains.after(job)
    difference = _save(job, fitted)
    written = report.write(job, progress, fitted, chosen, sections, difference, apart)
    job.computing.wait()
    return written


def _said(job: Job, rows: Sequence[Row], name: str, fitted: Any) -> tuple[list[Prediction], Scores]:
    """Predict rows and score them."""
    task = job.inputs.recipe.task
    partials = scoring.partials(job, task.encode(rows, job.opened, fitted, "predict"), name, fitted)
    said = evaluate.predictions_of(task, rows, partials, job.opened, fitted)
    return said, task.score(said, rows, fitted)


def _noised(job: Job, noise: Augment, rows: Sequence[Row], name: str, fitted: Any) -> report.Noised:
    """Predict rows under noise and score them, once a noisy set."""
    opened, draws = noise.open(prepare.ground(job.inputs, job.seed)), []
    for number in range(1, noise.copies + 1):
        noisy = augmenting.noisy(rows, noise, number, job.inputs.recipe.task, opened)
        said = _said(job, noisy.rows, f"{name}, {noise.kind} {number}", fitted)
        draws.append(report.Draw(noisy.rows, noisy.counts, *said))
    return report.Noised(noise, draws)


def _calibrate(job: Job) -> tuple[Any, dict[str, Any]]:
    """Calibrate on the selecting rows; give what was fitted, and what the chosen weights score on those rows."""
    task, (rows, features) = job.inputs.recipe.task, job.select
    if not rows:
        return job.fitted, {}
    partials = scoring.partials(job, features, job.inputs.recipe.train.select, job.fitted)
    raw = evaluate.predictions_of(task, rows, partials, job.opened, job.fitted)
    fitted = task.calibrate(raw, rows, job.fitted)
    said = evaluate.predictions_of(task, rows, partials, job.opened, fitted)
    metrics = dict(task.score(said, rows, fitted).metrics)
    intervals = {name: list(pair) for name, pair in task.intervals(said, rows, fitted, job.seed).items()}
    return fitted, {"rows": len(rows), "metrics": metrics, "intervals": intervals, "said": said}


def _save(job: Job, fitted: Any) -> dict[str, Any]:
    """Save the model and let a fresh process reload it; give what the report says of that."""
    recipe, task = job.inputs.recipe, job.inputs.recipe.task
    began = time.perf_counter()
    probe = saved.probe_of(job.select[0] or job.inputs.rows[recipe.evaluate[0].name], task)
    # Before the model is made plain, so that a fault in doing so shows as well.
    expected = evaluate.witnesses(job.moving.bare, task, probe, job.opened, fitted, job.computing)
    module = state.plain(job.moving)
    saved.save(job.directory / "model", module, job.opened, task, fitted, recipe.train.precision)
    difference = saved.gate(job.directory / "model", probe, task, expected)
    job.watch.say(f"reloaded in a fresh process: the largest difference of a logit is {difference:.2g}")
    return {"rows": len(probe), "largest_difference": difference, "seconds": time.perf_counter() - began}
