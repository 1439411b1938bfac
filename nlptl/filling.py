"""When a run's frozen bottom is computed once: for which of its rows that pays, and with what."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from nlptl import archives, backbone, frozen, phases
from nlptl.job import Job
from nlptl.tasks import Batch, Feature, Loss


def folder() -> Path:
    """Give where stores lie: `$NLPTL_FROZEN`, or `frozen` in nlptl's cache."""
    named = os.environ.get("NLPTL_FROZEN")
    return Path(named).expanduser().absolute() if named else archives.cache_folder() / "frozen"


def training(job: Job) -> None:
    """Keep the bottom's output for the training features where that spares more than it takes."""
    recipe = job.inputs.recipe
    if job.moving.frozen.bottom is not None and _pays(job):
        task = recipe.task

        def forward(batch: Batch) -> Loss:
            return task.loss(job.moving.bare, batch, job.opened, job.fitted)

        def loss(features: Sequence[Feature], replayed: bool) -> float:
            import torch

            batch = _batch(job, features)
            inside = job.moving.frozen.replay(batch) if replayed else contextlib.nullcontext()
            with torch.no_grad(), job.computing.forward(), inside:
                return float(forward(batch).total)

        job.moving.bare.eval()
        _keep(job, job.features, forward, loss)


def _pays(job: Job) -> bool:
    """Say whether all steps together spare more passes through blocks than the filling makes, which is one pass for all
    phases. For one phase: whether rows are seen twice, by epochs or by seeds. All steps, not those that are left: a run
    that goes on must do as it did before.
    """
    course = phases.left(job.moving, 0, job.total)
    held = [(1 if phase is None else max(0, phase.lowest - 1), end + 1 - begin) for phase, begin, end in course]
    times = job.inputs.recipe.train.epochs * len(job.inputs.recipe.seeds)
    return sum(blocks * steps for blocks, steps in held) * times > held[0][0] * job.total


def predicting(job: Job, features: Sequence[Feature]) -> None:
    """Keep it for features that are predicted more than once: those that choose, and with several seeds all."""
    recipe = job.inputs.recipe
    often = features is job.select[1] and recipe.train.epochs > 1
    known = any(store.features is features for store in job.moving.frozen.stores)
    body = backbone.transformer_of(job.moving.bare)
    # A decoder that writes runs its own blocks again for each token, with what it remembers of the others.
    writes = job.opened.family == "decoder" and body.can_generate()
    if job.moving.frozen.bottom is not None and (often or len(recipe.seeds) > 1) and not known and not writes:
        job.moving.bare.eval()
        task = job.inputs.recipe.task
        _keep(job, features, lambda batch: task.decode(job.moving.bare, batch, job.opened, job.fitted), None)


def _batch(job: Job, features: Sequence[Feature]) -> Batch:
    return job.inputs.recipe.task.collate(features, job.opened, job.fitted).to(job.computing.device)


def _keep(
    job: Job, features: Sequence[Feature], forward: Callable[[Batch], object], loss: frozen.Loss | None
) -> None:
    filling = frozen.Filling(
        forward=lambda chosen: forward(_batch(job, chosen)),
        loss=loss, folder=folder(),
        budget=int(job.inputs.recipe.machine.frozen_gib * 2**30), computing=job.computing, say=job.watch.say,
        later=job.moving.frozen.later if any(features is one for one in (job.features, job.select[1])) else (),
    )  # fmt: skip
    frozen.keep(job.moving.frozen, features, filling)
    if job.moving.frozen.why:
        job.watch.say(f"note: frozen blocks are computed every time: {job.moving.frozen.why}")
