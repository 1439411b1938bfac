"""The shelf of tunings: which parameters move, how fast, and what holds them back. A kind a file; a recipe may name
several.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from nlptl.strict import Value
from nlptl.tasks import Loss, Model

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nlptl.cards import DataCard
    from nlptl.errors import Problem
    from nlptl.recipe import Train
    from nlptl.tasks import Batch, Task

    Memory = dict[str, Tensor]
    """What a tuning keeps of a run, by name; `start` makes it."""


@dataclass(frozen=True, slots=True)
class Forward:
    """A pass over a micro-batch, for `around`. Each call draws dropout masks of its own."""

    module: nn.Module
    """The model itself."""
    call: Callable[[Batch], Loss]
    seeds: Callable[[str], Sequence[int]]
    """A stream's name -> a seed for each example of the micro-batch, other ones at each step."""

    def __call__(self, batch: Batch) -> Loss:
        """Compute the loss as the tunings before this one, and the task, give it."""
        return self.call(batch)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the model makes of the texts of a step, in fp32, for `align`."""

    features: Tensor
    """[N, H], what the head reads."""
    logits: Tensor | None = None
    """[N, V], of target texts."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a run: from step `begin` on (counted from 1) what lies at depth `lowest` or above learns, and the head.
    """

    begin: int
    lowest: int
    """0 embeddings, 1 … the layers, one more what stands above them."""


class Tuning(Value):
    """Contract of a tuning. Every verb has a default that does nothing, so a kind says only what it changes.

    The verbs are called in the order in which they stand here; those of several tunings in the order of the recipe.
    """

    remembers: ClassVar[bool] = False
    """Whether its memory changes over a run, so that checkpoints hold it; one that does not is made again."""

    aligns: ClassVar[bool] = False
    """Whether `align` compares the texts of a step with unlabelled ones of `data.target`."""

    kind: str

    def check(self, task: Task, card: DataCard, train: Train) -> list[Problem]:
        """Give every Problem that the settings have with other sections of the recipe; no model is loaded."""
        return []

    def replays(self) -> str:
        """Say why frozen blocks must be computed at each pass, nothing where what is stored of them will do."""
        return ""

    def apply(self, model: Model, seed: int) -> Model:
        """Change the model before an optimizer exists: freeze, draw anew, or put parts in.

        `seed` is the run's, for kinds that draw: from a stream of `nlptl.seeds` that bears the kind's name. Raises
        BadInput where the model has not what the settings name.
        """
        return model

    def phases(self, model: Model, steps: int, epochs: int) -> list[Phase]:
        """Give what learns when over a run of so many steps, the first from step 1 on; nothing for all that `apply`
        left trainable, all the time. One kind in a recipe has phases at most.
        """
        return []

    def scale(self, depth: int, blocks: int) -> float:
        """Give what multiplies the base learning rate at `depth`: 0 embeddings, 1 … `blocks` the layers, `blocks` +
        1 the head.
        """
        return 1.0

    def start(self, model: Model) -> Memory:
        """Give what must be remembered of the model as training begins, on its device, its embedding table trimmed.

        Raises BadInput where there is nothing for this kind to do.
        """
        return {}

    def learns(self, memory: Memory) -> list[Tensor]:
        """Give what of its memory is trained along with the model."""
        return []

    def align(self, source: Seen, target: Seen, memory: Memory, *, part: float) -> Tensor:
        """Give what is added to the step's mean loss for how its texts and unlabelled ones of the target differ; `part`
        of the run is done, from 0 to 1. For kinds that say `aligns`.
        """
        raise AssertionError(f"tuning kind '{self.kind}' has no verb `align`")

    def during(
        self, module: nn.Module, memory: Memory, *, seed: int, step: int
    ) -> contextlib.AbstractContextManager[object]:
        """Give what holds while a step's passes run, forward and back, over all its micro-batches."""
        return contextlib.nullcontext()

    def around(self, forward: Forward, batch: Batch) -> Loss:
        """Compute the loss of a micro-batch by calling `forward` once or several times."""
        return forward(batch)

    def penalty(self, module: nn.Module, memory: Memory) -> Tensor | None:
        """Give what is added to the step's mean loss, once a step, after the division."""
        return None

    def after_step(self, module: nn.Module, memory: Memory, *, step: int, total: int) -> None:
        """Look at the weights after the optimizer moved them: step `step` of `total`."""

    def instead(self, module: nn.Module, memory: Memory) -> Memory:
        """Give parameters to evaluate, keep and save in place of those that are trained, by name; none: as they are."""
        return {}
