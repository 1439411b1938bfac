"""The phases of a run: which parameters learn from which step on, and what is frozen meanwhile and computed once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nlptl import backbone, frozen
from nlptl.tuning import Phase

if TYPE_CHECKING:
    from nlptl.engine import Trained
    from nlptl.job import Job


def left(moving: Trained, done: int, total: int) -> Iterator[tuple[Phase | None, int, int]]:
    """Yield each phase that is not over after `done` steps, with its first step that is left and its last one. A run
    without phases is one that is none.
    """
    course = moving.phases
    if not course:
        yield None, done + 1, total
        return
    ends = [*(later.begin - 1 for later in course[1:]), total]
    for phase, end in zip(course, ends, strict=True):
        if end > done:
            yield phase, max(phase.begin, done + 1), end


def enter(moving: Trained, phase: Phase, why: str) -> None:
    """Let what the phase names learn and nothing else; find the frozen bottom anew, and prepare for the processes.

    `why`: the reason for which nothing is replayed, if there is one.
    """
    model = moving.model
    for name, parameter in moving.bare.named_parameters():
        parameter.requires_grad_(name in model.head or model.depths[name] >= phase.lowest)
        parameter.grad = None
    before = moving.frozen
    if before.bottom is not None:
        before.bottom.remove()
    bottom = backbone.frozen_bottom(model)
    if bottom is not None and not why:
        bottom.install()
    moving.frozen = frozen.Frozen(bottom, why, earlier=before)
    if moving.world > 1:
        moving.module = moving.bare
        gc.collect()  # the earlier wrapper's hooks on the parameters go when it goes
        moving.module = moving.computing.accelerator.prepare(moving.bare)


def told(moving: Trained, phase: Phase) -> str:
    """Say what learns in a phase."""
    number, course = moving.phases.index(phase) + 1, moving.phases
    blocks = moving.model.blocks
    opened = blocks + 1 - max(1, phase.lowest)
    parts = f"{opened} of {blocks} blocks" + (" and the embeddings" if phase.lowest == 0 else "")
    return f"phase {number} of {len(course)}, from step {phase.begin} on: {parts} and what is above them learn"


def facts(job: Job) -> list[dict[str, int]]:
    """Give what a report says of the phases: the first step, and how many blocks learn; nothing for a run without."""
    blocks = job.moving.model.blocks
    return [
        {"begin": one.begin, "blocks": blocks + 1 - max(1, one.lowest), "embeddings": int(one.lowest == 0)}
        for one in job.moving.phases
    ]
