"""The loop of a mixture: each step is taken by the loop of the task that was drawn for it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from nlptl import engine, filling, keeping, scoring, seeds, state
from nlptl.data import batches
from nlptl.job import Job, Progress


@dataclass(frozen=True)
class Together:
    """A mixture's run, all parts opened."""

    whole: Job
    """All that moves as one, in the directory of the mixture: what is kept, and gone on from."""
    entries: Mapping[str, Job]
    """By task: a run of its own, whose model has the common body; `total` is the number of all steps."""
    draws: Sequence[int]
    """For each step the number of the task that takes it."""

    def taken(self, name: str, until: int) -> list[int]:
        """Give the numbers of a task's steps among the first `until`."""
        own = list(self.entries).index(name)
        return [step for step, one in enumerate(self.draws[:until], 1) if one == own]


def train(together: Together, progress: Progress) -> Progress:
    """Take the steps that are left: log each, evaluate all tasks, keep the best, save, stop."""
    job, looks = together.whole, _looks(together)
    if progress.stopped_early or progress.step == job.total:
        return progress
    for step in _steps(together, progress.step):
        progress = replace(progress, step=step.number, seconds=progress.seconds + step.seconds)
        state.log(job.directory, step)
        job.watch.step(step, job.total)
        looked = step.number in looks
        if looked:
            progress = _look(together, progress)
        if keeping.ended(job, progress, looked=looked, what="mean"):
            break
    return progress


def _looks(together: Together) -> set[int]:
    """Give the steps after which all tasks are evaluated: as `train.evaluate_every` says, or as often as the task of
    the most epochs has epochs, evenly; after the last one always.
    """
    total, train = together.whole.total, together.whole.inputs.recipe.train
    most = max(one.inputs.recipe.train.epochs for one in together.entries.values())
    every = train.evaluate_every
    found = range(every, total, every) if every else {math.ceil(total * part / most) for part in range(1, most)}
    return {*found, total}


def _steps(together: Together, done: int) -> Iterator[engine.Step]:
    """Take the steps after `done`, each from the stream of the task that it was drawn for."""
    for job in together.entries.values():
        filling.training(job)
    streams = [_stream(together, name, done) for name in together.entries]
    for number in together.draws[done:]:
        yield next(streams[number])


def _stream(together: Together, name: str, done: int) -> Iterator[engine.Step]:
    """Give a task's steps. Its order of rows, its dropout and its masks are drawn under its name: rows of two tasks may
    have one id.
    """
    job = together.entries[name]
    recipe, seed, own = job.inputs.recipe, seeds.derive(job.seed, "mix", name), together.taken(name, job.total)
    before = sum(number <= done for number in own)
    plans = batches.training_steps(
        job.features, batch=recipe.train.batch, epochs=_epochs(job, len(own), seed), seed=seed, done=before,
        pools=job.pools,
    )  # fmt: skip
    numbered = (replace(plan, number=number) for number, plan in zip(own[before:], plans, strict=False))
    return engine.train(
        job.moving, state.verbs(recipe.task, job.opened, job.fitted), numbered, total=job.total, settings=recipe.train,
        tuning=recipe.tuning, seed=seed, micro_tokens=recipe.machine.micro_tokens,
    )  # fmt: skip


def _epochs(job: Job, steps: int, seed: int) -> int:
    """Give epochs enough for so many steps."""
    batch, epochs = job.inputs.recipe.train.batch, job.inputs.recipe.train.epochs
    while batches.epoch_ends(job.features, job.pools, batch=batch, epochs=epochs, seed=seed)[-1] < steps:
        epochs *= 2
    return epochs


def _look(together: Together, progress: Progress) -> Progress:
    """Evaluate every task on its selecting split; keep all weights if the mean is the best so far."""
    job, train = together.whole, together.whole.inputs.recipe.train
    found: dict[str, dict[str, float]] = {}
    for name, one in together.entries.items() if train.select != "last" else ():
        own = one.inputs.recipe.train
        found[name] = dict(scoring.score(one, *one.select, f"{name}.{own.select}").metrics)
    scores = [metric_of(together.entries[name], metrics) for name, metrics in found.items()]
    score = sum(scores) / len(scores) if scores else float(progress.step)
    if scores:
        each = ", ".join(f"{name} {value:.4f}" for name, value in zip(found, scores, strict=True))
        job.watch.say(f"step {progress.step}: {each}; mean {score:.4f}")
    return keeping.judged(job, progress, score, {"metrics": {"mean": score} if scores else {}, "entries": found})


def metric_of(job: Job, metrics: Mapping[str, float]) -> float:
    """Give what a task's checkpoint is chosen by: `train.metric`, or its main one."""
    return metrics[job.inputs.recipe.train.metric or next(iter(metrics))]
