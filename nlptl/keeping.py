"""What follows a training step, of one task or of several together: the best weights kept, checkpoints, signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nlptl import state
from nlptl.job import Job, Progress


def judged(job: Job, progress: Progress, score: float, record: Mapping[str, Any]) -> Progress:
    """Keep the weights if an evaluation's score is the best so far; `record` joins the history."""
    patience = job.inputs.recipe.train.patience
    better = progress.best_score is None or score > progress.best_score
    waiting = 0 if better else progress.without_better + 1
    if better:
        state.keep_best(job, progress.step)
        progress = replace(progress, best_step=progress.step, best_score=score)
    return replace(
        progress, without_better=waiting, history=(*progress.history, {"step": progress.step, **record}),
        stopped_early=patience is not None and waiting >= patience, last_score=score,
    )  # fmt: skip


def ended(job: Job, progress: Progress, *, looked: bool, what: str) -> bool:
    """Checkpoint where it is time, leave where a signal asked for it; say whether training stops here, as no better
    `what` came. `looked`: whether the step was evaluated.
    """
    every, asked = job.inputs.recipe.machine.save_every, state.asked(job)
    if looked or asked or (every and progress.step % every == 0):
        state.checkpoint(job, progress)
    if asked == "leave":
        job.stop.leave()
    if looked and progress.last_score is not None:
        job.watch.looked(progress.step, progress.last_score)
    if progress.stopped_early:
        job.watch.say(f"stopped early: no better {what} in {job.inputs.recipe.train.patience} evaluations")
    return progress.stopped_early
