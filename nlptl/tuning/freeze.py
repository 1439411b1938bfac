"""Freeze the bottom of the body: the embeddings and the lowest blocks keep the checkpoint's values, to the bit."""

from typing import Literal

from pydantic import Field

from nlptl.errors import BadInput
from nlptl.tasks import Model
from nlptl.tuning import Tuning


class Freeze(Tuning):
    """Train the upper blocks and the head alone (Lee, Tang, Lin 2019, arXiv:1911.03090, measured how many are
    needed).
    """

    kind: Literal["freeze"]

    blocks: int = Field(ge=0)
    """How many of the lowest blocks stay as they are; the embeddings always do. All of them: only the head learns."""

    def apply(self, model: Model, blocks: int) -> Model:
        """Set `requires_grad` to False up to the named block; what stands above the last one learns with the head."""
        if self.blocks > blocks:
            raise BadInput("tuning", f"freeze: {self.blocks} blocks are named, the checkpoint has {blocks}")
        for name, parameter in model.module.named_parameters():
            if name not in model.head and model.depths[name] <= self.blocks:
                parameter.requires_grad_(False)
        return model
