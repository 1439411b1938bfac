"""A recipe becomes a run directory. The one place where the parts meet; it reads like the way of the data."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nlptl import (
    artifacts,
    augmenting,
    backbone,
    engine,
    evaluate,
    filling,
    memories,
    phases,
    prepare,
    report,
    saved,
    state,
)  # fmt: skip
from nlptl.augment import Augment
from nlptl.checks import Checked, check
from nlptl.computing import Computing, open_machine
from nlptl.data import batches
from nlptl.errors import BadInput
from nlptl.job import Job, Progress, Watch
from nlptl.prepare import Inputs
from nlptl.recipe import noises
from nlptl.tasks import Feature, Prediction, Row, Scores


@dataclass(frozen=True)
class Result:
    """A finished run: where it lies and what `report.json` says."""

    directory: Path
    report: dict[str, Any]
    found: bool
    """True when it was finished before and nothing was computed."""

    def score(self, split: str = "test", metric: str | None = None, language: str = "") -> float:
        """Give a score of the report; without a metric the task's main one."""
        for one in self.report["evaluation"]:
            if one["split"] == split and one["language"] == language:
                return float(one["metrics"][metric or next(iter(one["metrics"]))])
        raise KeyError(f"{split} {language}".strip())


def run(recipe: str | Path | Checked, *, overrides: Sequence[str] = (), out: str | Path = "runs", offline: bool = False,
        watch: Watch | None = None) -> list[Result]:  # fmt: skip
    """Run a recipe, one run directory a seed below `out`; finished ones are found, begun ones go on.

    Raises BadInput for whatever the user can mend, with all problems at once, before a model is loaded.
    """
    checked = recipe if isinstance(recipe, Checked) else check(recipe, overrides)
    watch = watch or Watch()
    artifacts.check_place(Path(out))
    watch.say("reading data and checkpoint")
    inputs = prepare.gather(checked, offline=offline)
    artifacts.check_place(Path(out), inputs=(inputs.checkpoint.directory,))
    for warning in inputs.warnings:
        watch.say(f"warning: {warning}")
    return [run_seed(inputs, seed, Path(out), watch) for seed in inputs.recipe.seeds]


def run_seed(inputs: Inputs, seed: int, out: Path, watch: Watch) -> Result:
    """Run one seed, or go on with it, or find it done."""
    directory = out / f"{inputs.recipe.name}-{prepare.digest(inputs, seed)}"
    done = report.finished(directory)
    if done is not None:
        watch.say(f"{directory} is finished; nothing to do")
        return Result(directory, done, True)
    with _opened(inputs, seed, directory, watch) as job:
        progress = _train(job, state.resume(job))
        result = Result(directory, _finish(job, progress), False)
        if state.asked(job) == "leave":  # the seed is finished, the next is not begun
            job.stop.leave()
        return result


def train_seed(inputs: Inputs, seed: int, directory: Path, watch: Watch) -> Progress:
    """Train as `run_seed` does and give how it went; nothing is scored beside the selecting split, and nothing saved
    but what it goes on from.
    """
    with _opened(inputs, seed, directory, watch) as job:
        return _train(job, state.resume(job))


@contextlib.contextmanager
def _opened(inputs: Inputs, seed: int, directory: Path, watch: Watch) -> Iterator[Job]:
    """Open all parts of a run in its directory, locked; one that cannot begin leaves nothing."""
    prepare.look_ahead(inputs, seed)
    settings = inputs.recipe.machine
    computing = open_machine(settings.device, inputs.recipe.train.precision, settings.threads)
    lock = artifacts.lock(directory) if computing.main else contextlib.nullcontext()
    with lock, artifacts.signals() as stop:
        try:
            job = _open(inputs, seed, directory, computing, stop, watch)
        except BadInput:
            if computing.main:
                artifacts.forget(directory)
            raise
        yield job


def _open(inputs: Inputs, seed: int, directory: Path, computing: Computing, stop: artifacts.Stop, watch: Watch) -> Job:
    """Rows to features, checkpoint to a model with its head, tuned, in groups, prepared."""
    recipe, task = inputs.recipe, inputs.recipe.task
    rows = prepare.training_rows(inputs, seed)
    fitted = task.fit(rows, inputs.card)
    state.check_room(directory, inputs)
    for split, found in inputs.rows.items():
        evaluate.check_gold(task, found, fitted, f"card {inputs.card.name}, split {split}")
    opened = backbone.open_checkpoint(
        inputs.checkpoint, max_tokens=recipe.model.max_tokens, head_seed=state.head_seed(seed)
    )
    for note in opened.notes:
        watch.say(f"note: {note}")
    copied = prepare.augmented_rows(inputs, seed)
    if copied.counts:
        watch.say(f"augmented: {augmenting.told(copied.counts)}")
    features = task.encode(copied.rows, opened, fitted, "train")
    selecting = prepare.selecting_rows(inputs) if recipe.train.select != "last" else []
    moving = state.build(recipe, opened, fitted, features, computing, seed)
    total = recipe.train.epochs * batches.steps_per_epoch(len(features), recipe.train.batch)
    if computing.main:
        report.write_beginning(directory, inputs, seed)
    select = (selecting, task.encode(selecting, opened, fitted, "predict"))
    return Job(inputs, seed, directory, computing, opened, fitted, moving, features, select, total, stop, watch,
               copied.counts)  # fmt: skip


def _train(job: Job, progress: Progress) -> Progress:
    """Take the steps that are left: log each, evaluate, keep the best, save, stop."""
    train, machine = job.inputs.recipe.train, job.inputs.recipe.machine
    every = train.evaluate_every or batches.steps_per_epoch(len(job.features), train.batch)
    plans = batches.training_steps(
        job.features, batch=train.batch, epochs=train.epochs, seed=job.seed, done=progress.step
    )
    steps = engine.train(
        job.moving, state.verbs(job.inputs.recipe.task, job.opened, job.fitted), _phased(job, plans),
        total=job.total, settings=train, tuning=job.inputs.recipe.tuning,
        seed=job.seed, micro_tokens=machine.micro_tokens,
    )  # fmt: skip
    if progress.stopped_early or progress.step == job.total:
        phases.enter(job.moving, progress.step)
        return progress
    for step in steps:
        progress = replace(progress, step=step.number, seconds=progress.seconds + step.seconds)
        if job.main:
            state.log(job.directory, step)
        job.watch.step(step, job.total)
        looked = step.number % every == 0 or step.number == job.total
        if looked:
            with memories.instead(job.moving.bare, job.inputs.recipe.tuning, job.moving.memories):
                progress = _look(job, progress)
        asked = state.asked(job)
        if looked or asked or (machine.save_every and step.number % machine.save_every == 0):
            state.checkpoint(job, progress)
        if asked == "leave":
            job.stop.leave()
        if looked and progress.last_score is not None:
            job.watch.looked(progress.step, progress.last_score)
        if progress.stopped_early:
            job.watch.say(f"stopped early: no better score in {train.patience} evaluations")
            break
    return progress


def _phased(job: Job, plans: Iterator[batches.StepPlan]) -> Iterator[batches.StepPlan]:
    """Pass the plans on; before the first, and whenever other parameters learn, compute what is frozen then."""
    begun = False
    for plan in plans:
        changed = phases.enter(job.moving, plan.number)
        if changed or not begun:
            begun = True
            if len(job.moving.course.phases) > 1:
                job.watch.say(f"step {plan.number}: {job.moving.course.told(job.moving.course.now)}")
            filling.training(job)
            job.moving.module.train()
            job.moving.frozen.rest()
        yield plan


def _look(job: Job, progress: Progress) -> Progress:
    """Evaluate on the selecting split and keep the weights if they are the best so far."""
    train = job.inputs.recipe.train
    if train.select == "last":
        score, metrics = float(progress.step), {}
    else:
        scores = _score(job, *job.select, train.select)
        metrics = dict(scores.metrics)
        score = metrics[train.metric or next(iter(metrics))]
        job.watch.say(
            f"step {progress.step}: {train.select} "
            + ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        )
    better = progress.best_score is None or score > progress.best_score
    waiting = 0 if better else progress.without_better + 1
    if better:
        state.keep_best(job, progress.step)
    history = (*progress.history, {"step": progress.step, "metrics": metrics})
    early = train.patience is not None and waiting >= train.patience
    if better:
        progress = replace(progress, best_step=progress.step, best_score=score)
    return replace(progress, without_better=waiting, history=history, stopped_early=early, last_score=score)


def _score(job: Job, rows: Sequence[Row], features: Sequence[Feature], name: str) -> Scores:
    task = job.inputs.recipe.task
    partials = _partials(job, features, name, job.fitted)
    job.moving.module.train()
    job.moving.frozen.rest()
    said = evaluate.predictions_of(task, rows, partials, job.opened, job.fitted)
    fitted = task.calibrate(said, rows, job.fitted)  # as the finished model will be: a threshold decides who is best
    if fitted is not job.fitted:
        said = evaluate.predictions_of(task, rows, partials, job.opened, fitted)
    return task.score(said, rows, fitted)


def _partials(job: Job, features: Sequence[Feature], name: str, fitted: Any) -> list[Any]:
    done = 0

    def seen(count: int) -> None:
        nonlocal done
        done += count * job.moving.world
        job.watch.work(f"evaluate {name}", min(done, len(features)), len(features))

    filling.predicting(job, features)
    return evaluate.partials_of(
        job.moving.bare, job.inputs.recipe.task, features, job.opened, fitted,
        computing=job.computing, micro_tokens=job.inputs.recipe.machine.micro_tokens, seen=seen,
        replay=job.moving.frozen.replay,
    )  # fmt: skip


def _finish(job: Job, progress: Progress) -> dict[str, Any]:
    """Take the best weights, calibrate, score every set, save, let a fresh process reload, report."""
    recipe = job.inputs.recipe
    state.load_best(job, progress.best_step)
    fitted, chosen = _calibrate(job)
    sections = []
    for one in recipe.evaluate:
        for language, part in evaluate.by_language(job.inputs.rows[one.split], one.languages):
            name = f"{one.split} {language}".strip()
            predictions, scores = _said(job, part, name, fitted)
            noised = [_noised(job, noise, part, name, fitted) for noise in noises(recipe, one)]
            sections.append(report.Section(one, language, part, predictions, scores, noised))
    if not job.main:
        job.computing.wait()
        return report.finished(job.directory) or {}
    difference = _save(job, fitted)
    written = report.write(job, progress, fitted, chosen, sections, difference)
    job.computing.wait()
    return written


def _said(job: Job, rows: Sequence[Row], name: str, fitted: Any) -> tuple[list[Prediction], Scores]:
    """Predict rows and score them."""
    task = job.inputs.recipe.task
    partials = _partials(job, task.encode(rows, job.opened, fitted, "predict"), name, fitted)
    predictions = evaluate.predictions_of(task, rows, partials, job.opened, fitted)
    return predictions, task.score(predictions, rows, fitted)


def _noised(job: Job, noise: Augment, rows: Sequence[Row], name: str, fitted: Any) -> report.Noised:
    """Predict rows under noise and score them, once a noisy set."""
    ground, draws = prepare.ground(job.inputs, job.seed), []
    for number in range(1, noise.copies + 1):
        noisy = augmenting.noisy(rows, noise, number, job.inputs.recipe.task, ground)
        said, scores = _said(job, noisy.rows, f"{name}, {noise.kind} {number}", fitted)
        draws.append(report.Draw(noisy.rows, noisy.counts, said, scores))
    return report.Noised(noise, draws)


def _calibrate(job: Job) -> tuple[Any, dict[str, Any]]:
    """Calibrate on the selecting rows; give what was fitted, and what the chosen weights score on those rows."""
    task, (rows, features) = job.inputs.recipe.task, job.select
    if not rows:
        return job.fitted, {}
    partials = _partials(job, features, job.inputs.recipe.train.select, job.fitted)
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
    probe = saved.probe_of(job.select[0] or job.inputs.rows[recipe.evaluate[0].split], task)
    # Before the model is made plain, so that a fault in doing so shows as well.
    expected = evaluate.witnesses(job.moving.bare, task, probe, job.opened, fitted, job.computing)
    module = state.plain(job.moving)
    saved.save(job.directory / "model", module, job.opened, task, fitted, recipe.train.precision)
    difference = saved.gate(job.directory / "model", probe, task, expected)
    job.watch.say(f"reloaded in a fresh process: the largest difference of a logit is {difference:.2g}")
    return {"rows": len(probe), "largest_difference": difference, "seconds": time.perf_counter() - began}
