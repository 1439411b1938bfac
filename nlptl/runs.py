"""A recipe becomes a run directory. The one place where the parts meet; it reads like the way of the data."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nlptl import (
    artifacts,
    augmenting,
    backbone,
    domains,
    engine,
    evaluate,
    filling,
    finishing,
    keeping,
    launch,
    memories,
    phases,
    prepare,
    report,
    scoring,
    state,
    step_memory,
    unlabelled,
)  # fmt: skip
from nlptl.checks import Checked, check
from nlptl.computing import Computing, open_machine
from nlptl.data import batches
from nlptl.errors import BadInput
from nlptl.job import Job, Progress, Watch
from nlptl.prepare import Inputs


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
    checked, watch = recipe if isinstance(recipe, Checked) else check(recipe, overrides), watch or Watch()
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
    for line in inputs.taken:
        watch.say(line)
    with _opened(inputs, seed, directory, watch) as job:
        domains.before(job)
        progress = _train(job, state.resume(job))
        result = Result(directory, finishing.finish(job, progress), False)
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
    unlabelled.check_alone(inputs.recipe, together=launch.inside())
    settings = inputs.recipe.machine
    computing = open_machine(settings.device, inputs.recipe.train.precision, settings.threads)
    lock = artifacts.lock(directory) if computing.main else contextlib.nullcontext()
    with lock, artifacts.signals() as stop:
        try:
            job = open_parts(inputs, seed, directory, computing, stop, watch)
        except BadInput:
            if computing.main:
                artifacts.forget(directory)
            raise
        yield job


def open_parts(
    inputs: Inputs, seed: int, directory: Path, computing: Computing, stop: artifacts.Stop, watch: Watch
) -> Job:
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
    for note in (*opened.notes, *task.notes(opened)):
        watch.say(f"note: {note}")
    copied = prepare.augmented_rows(inputs, seed)
    if copied.counts:
        watch.say(f"augmented: {augmenting.told(copied.counts)}")
    features = task.encode(copied.rows, opened, fitted, "train")
    selecting = prepare.selecting_rows(inputs) if recipe.train.select != "last" else []
    (*_, total) = batches.epoch_ends(
        features, copied.pools, batch=recipe.train.batch, epochs=recipe.train.epochs, seed=seed
    )
    texts = unlabelled.drawn(recipe, inputs.target, seed)
    target = task.encode(texts, opened, fitted, "predict")
    moving = state.build(recipe, opened, fitted, [*features, *target], computing, seed, total=total)
    verbs = state.verbs(task, opened, fitted)
    step_memory.settle(moving, verbs, recipe, features, seed, say=watch.say)
    if computing.main:
        report.write_beginning(directory, inputs, seed)
    return Job(inputs, seed, directory, computing, opened, fitted, moving, features,
               (selecting, task.encode(selecting, opened, fitted, "predict")), total, stop, watch,
               copied.counts, copied.pools, target)  # fmt: skip


def _train(job: Job, progress: Progress) -> Progress:
    """Take the steps that are left: log each, evaluate, keep the best, save, stop."""
    train = job.inputs.recipe.train
    ends = batches.epoch_ends(job.features, job.pools, batch=train.batch, epochs=train.epochs, seed=job.seed)
    looks = set(range(0, job.total, train.evaluate_every)) if train.evaluate_every else set(ends)
    if progress.stopped_early or progress.step == job.total:
        phases.enter_again(job.moving, progress.step, state.computed_each_time(job.inputs.recipe, job.opened))
        return progress
    for step in _steps(job, progress.step):
        progress = replace(progress, step=step.number, seconds=progress.seconds + step.seconds)
        if job.main:
            state.log(job.directory, step)
        job.watch.step(step, job.total)
        looked = step.number in looks or step.number == job.total
        if looked:
            with memories.instead(job.moving.bare, job.inputs.recipe.tuning, job.moving.memories):
                progress = _look(job, progress)
        if keeping.ended(job, progress, looked=looked, what="score"):
            break
    return progress


def _steps(job: Job, done: int) -> Iterator[engine.Step]:
    """Take the steps after `done`, phase by phase, where there are phases."""
    recipe = job.inputs.recipe
    plans = batches.training_steps(
        job.features, batch=recipe.train.batch, epochs=recipe.train.epochs, seed=job.seed, done=done, pools=job.pools
    )
    plain = state.verbs(recipe.task, job.opened, job.fitted)
    verbs = unlabelled.added(plain, job.target, recipe, job.seed)
    for phase, first, last in phases.left(job.moving, done, job.total):
        if phase is not None:
            phases.enter(job.moving, phase, state.computed_each_time(recipe, job.opened))
            job.watch.say(phases.told(job.moving, phase))
        filling.training(job)
        yield from engine.train(
            job.moving, verbs, itertools.islice(plans, last - first + 1), total=job.total, settings=recipe.train,
            tuning=recipe.tuning, seed=job.seed, micro_tokens=recipe.machine.micro_tokens,
        )  # fmt: skip


def _look(job: Job, progress: Progress) -> Progress:
    """Evaluate on the selecting split and keep the weights if they are the best so far."""
    train = job.inputs.recipe.train
    if train.select == "last":
        score, metrics = float(progress.step), {}
    else:
        scores = scoring.score(job, *job.select, train.select)
        metrics = dict(scores.metrics)
        score = metrics[train.metric or next(iter(metrics))]
        job.watch.say(
            f"step {progress.step}: {train.select} "
            + ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        )
    return keeping.judged(job, progress, score, {"metrics": metrics})
