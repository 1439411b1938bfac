"""The shelf of tunings: which parameters move, how fast, and what holds them back. A kind a file; a recipe may name
several.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nlptl.strict import Value
from nlptl.tasks import Loss, Model

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nlptl.tasks import Batch


class Tuning(Value):
    """Contract of a tuning. Every verb has a default that does nothing, so a kind says only what it changes.

    The verbs are called in the order in which they stand here; those of several tunings in the order of the recipe.
    """

    kind: str

    def apply(self, model: Model, seed: int) -> Model:
        """Change the model before an optimizer exists: freeze, draw anew, or put parts in.

        `seed` is the run's, for kinds that draw: from a stream of `nlptl.seeds` that bears the kind's name. Raises
        BadInput where the model has not what the settings name.
        """
        return model

    def scale(self, depth: int, blocks: int) -> float:
        """Give what multiplies the base learning rate at `depth`: 0 embeddings, 1 … `blocks` the layers, `blocks` +
        1 the head.
        """
        return 1.0

    def around(self, forward: Callable[[Batch], Loss], batch: Batch) -> Loss:
        """Compute the loss of a micro-batch by calling `forward` once or several times."""
        return forward(batch)

    def penalty(self, model: nn.Module) -> Tensor | None:
        """Give what is added to the step's mean loss, once a step, after the division."""
        return None

    def after_step(self, model: nn.Module, step: int) -> None:
        """Look at the weights after the optimizer moved them."""
