"""What a run's model says of rows while the run goes on, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nlptl import evaluate, filling
from nlptl.job import Job
from nlptl.tasks import Feature, Row, Scores


def score(job: Job, rows: Sequence[Row], features: Sequence[Feature], name: str) -> Scores:
    """Score rows of the selecting split as the finished model would."""
    task = job.inputs.recipe.task
    found = partials(job, features, name, job.fitted)
    job.moving.module.train()
    job.moving.frozen.rest()
    said = evaluate.predictions_of(task, rows, found, job.opened, job.fitted)
    fitted = task.calibrate(said, rows, job.fitted)  # as the finished model will be: a threshold decides who is best
    if fitted is not job.fitted:
        said = evaluate.predictions_of(task, rows, found, job.opened, fitted)
    return task.score(said, rows, fitted)


def partials(job: Job, features: Sequence[Feature], name: str, fitted: Any) -> list[Any]:
    """Let the model say what it says of features, and the one who looks on how far it is."""
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
