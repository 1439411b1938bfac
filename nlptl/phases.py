"""What learns from which step on: the phases of a run, and the change from one to the next.

The optimizer holds all that will ever learn. What a phase leaves closed has no gradient, so AdamW passes it by.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nlptl import backbone
from nlptl.data.batches import StepPlan
from nlptl.errors import BadInput, Problem
from nlptl.tasks import Model
from nlptl.tuning import Phase, Tuning

if TYPE_CHECKING:
    from nlptl.engine import Trained


@dataclass
class Course:
    """The phases of one run over one model."""

    model: Model
    phases: Sequence[Phase]
    """Those that the run comes to, each of which opens something; at least one."""
    total: int
    """Steps of the run."""
    names: frozenset[str]
    """The parameters that learn in the last phase: all that ever do."""
    sizes: Mapping[str, int]
    """Numbers in each of them, all rows of the embedding table counted."""
    closed: bool = False
    """Whether the run ends before all phases that were asked for have begun."""
    now: int = -1
    """The phase that holds; -1 before the first."""

    def number(self, step: int) -> int:
        """Give the phase of a step."""
        return bisect.bisect_right([phase.first for phase in self.phases], step) - 1

    def open(self, number: int) -> frozenset[str]:
        """Name what learns in a phase."""
        return frozenset(name for name in self.names if self.model.depths[name] >= self.phases[number].lowest)

    def frozen(self, number: int) -> int:
        """Give how many of the lowest blocks, embeddings with them, stay as they are in a phase."""
        return min([*(self.model.depths[name] for name in self.open(number)), self.model.blocks + 1]) - 1

    def steps(self, number: int) -> int:
        """Give how many steps a phase has."""
        ends = [phase.first for phase in self.phases[1:]] + [self.total + 1]
        return ends[number] - self.phases[number].first

    def cut(self, plans: Iterable[StepPlan]) -> Iterator[tuple[int, Iterator[StepPlan]]]:
        """Give the steps phase by phase, none looked at before it is asked for."""
        return itertools.groupby(plans, lambda plan: self.number(plan.number))

    def told(self, number: int) -> str:
        """Say what learns in a phase."""
        blocks, lowest = self.model.blocks, max(self.frozen(number) + 1, 0)
        ends = self.closed and number == len(self.phases) - 1
        rest = "; the run ends before what lies below would" if ends else ""
        if lowest > blocks:
            return f"the head learns{rest}"
        which = f"block {blocks}" if lowest == blocks else f"blocks {max(1, lowest)} to {blocks}"
        low = "embeddings, " if lowest == 0 else ""
        return f"{low}{which} of {blocks} and the head learn{rest}"

    def facts(self) -> list[dict[str, Any]]:
        """Give what a plan and a report say of it; nothing where one phase lasts the whole run."""
        found = []
        for number, phase in enumerate(self.phases) if len(self.phases) > 1 else ():
            trainable, last = sum(self.sizes[name] for name in self.open(number)), phase.first + self.steps(number) - 1
            found.append({
                "first_step": phase.first, "steps": self.steps(number), "trainable": trainable,
                "open_blocks": min(self.model.blocks, self.model.blocks - self.frozen(number)),
                "embeddings": self.frozen(number) < 0,
                "what": f"steps {phase.first:,} to {last:,}: {self.told(number)} ({trainable:,} parameters)",
            })  # fmt: skip
        return found


def course(model: Model, tuning: Sequence[Tuning], ends: Sequence[int]) -> Course:
    """Find the phases of a run whose epochs end with the steps `ends`, and freeze what none of them opens. Raises
    BadInput where what was drawn anew would stay closed.
    """
    total = ends[-1]
    asked = [kind.phases(ends=ends, blocks=model.blocks) for kind in tuning]
    wanted = next((one for one in asked if one), [Phase(1, 0)])
    named = dict(model.module.named_parameters())
    learn = {name for name, one in named.items() if one.requires_grad}
    drawn = sorted(name for name in model.drawn & learn if model.depths[name] < wanted[0].lowest)
    if drawn:
        what = f"unfreeze: {len(drawn)} parameters that reinit draws anew would not learn at first, the first is"
        fix = "raise unfreeze's first, or draw fewer blocks"
        raise BadInput("tuning", Problem(f"{what} '{drawn[0]}'", fix=fix))
    found: list[Phase] = []
    opened: set[str] = set()
    for phase in wanted:
        more = {name for name in learn if model.depths[name] >= phase.lowest}
        if phase.first <= total and more != opened:
            found.append(phase if found else Phase(1, phase.lowest))  # a model that writes may have nothing on top
            opened = more
    if not found:
        raise BadInput("tuning", "no parameter is trainable; name fewer blocks to freeze, or shorten the first phases")
    for name in learn - opened:
        named[name].requires_grad_(False)
    sizes = {name: named[name].numel() for name in opened}
    return Course(model, found, total, frozenset(opened), sizes, closed=learn != opened)


def enter(state: Trained, step: int) -> bool:
    """Let what learns at a step learn and nothing else; say whether anything changed.

    Gradients are None between steps, so none is left behind. Under several processes the exchange of gradients is made
    anew, for what learns now.
    """
    run = state.course
    number = run.number(step)
    if number == run.now:
        return False
    began, run.now = run.now < 0, number
    opened = run.open(number)
    for name, parameter in state.bare.named_parameters():
        if name in run.names:
            parameter.requires_grad_(name in opened)
    levels = [run.frozen(later) for later in range(number + 1, len(run.phases))]
    state.frozen.change(backbone.frozen_bottom, run.model, [level for level in levels if level > 0])
    if state.world > 1:
        if not began:
            state.module = state.bare
            state.computing.accelerator.free_memory()  # the former wrapper's hooks go with it
        state.module = state.computing.accelerator.prepare(state.bare)
    if not began:
        state.module.train()
        state.frozen.rest()
    return True
