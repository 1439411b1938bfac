"""The phases of a run: which parameters learn from which step on, and what is frozen meanwhile and computed once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nlptl import backbone, frozen
from nlptl.tuning import Phase

if TYPE_CHECKING:
    from nlptl.engine import Trained


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
    before = moving.frozen
    if before.bottom is not None:
        before.bottom.remove()
    bottom = backbone.frozen_bottom(model)
    if bottom is not None and not why:
        bottom.install()
    later = [one.lowest - 1 for one in moving.phases if one.begin > phase.begin and one.lowest > 1]
    moving.frozen = frozen.Frozen(bottom, why, later=later, made=before.made, earlier=before)
    if moving.world > 1:
        moving.module = moving.bare
        # It holds what it prepared: the wrapper of the phase before, with buckets as large as the gradients, and hooks.
        moving.computing.accelerator.free_memory()
        moving.module = moving.computing.accelerator.prepare(moving.bare)


def enter_again(moving: Trained, step: int, why: str) -> None:
    """Enter the phase in which a step lies, for what comes after the last one; nothing for a run without phases."""
    begun = [phase for phase in moving.phases if phase.begin <= step]
    if begun:
        enter(moving, begun[-1], why)


def told(moving: Trained, phase: Phase) -> str:
    """Say what learns in a phase."""
    number, course, opened = moving.phases.index(phase) + 1, moving.phases, _opened(moving, phase)
    parts = f"{opened['blocks']} of {moving.model.blocks} blocks" + " and the embeddings" * opened["embeddings"]
    return f"phase {number} of {len(course)}, from step {phase.begin} on: {parts} and what is above them learn"


def facts(moving: Trained, total: int) -> list[dict[str, Any]]:
    """Give what is said of the phases of a run of `total` steps: the first step, how many, and what learns; nothing
    for a run without.
    """
    return [
        {"begin": begin, "steps": end + 1 - begin, **_opened(moving, phase), "said": told(moving, phase)}
        for phase, begin, end in left(moving, 0, total)
        if phase is not None
    ]


def _opened(moving: Trained, phase: Phase) -> dict[str, int]:
    return {"blocks": moving.model.blocks + 1 - max(1, phase.lowest), "embeddings": int(phase.lowest == 0)}
