"""Train the normalisations and the head alone."""

from typing import Literal

from nlptl.errors import BadInput
from nlptl.tasks import Model
from nlptl.tuning import Tuning


class Norms(Tuning):
    """Tune the scales and biases of normalisation layers (Qi, Ruan, Zuo, Li 2022, arXiv:2211.08682).

    Together with `freeze`: those above the frozen blocks.
    """

    kind: Literal["norms"]

    def apply(self, model: Model, seed: int) -> Model:
        """Set `requires_grad` to False of all that is neither of a module whose class says norm, nor head."""
        kept = {
            id(parameter)
            for part in model.module.modules()
            if "norm" in type(part).__name__.lower()
            for parameter in part.parameters(recurse=False)
        }
        found = 0
        for name, parameter in model.module.named_parameters():
            if name in model.head:
                continue
            if id(parameter) in kept:
                found += parameter.requires_grad
            else:
                parameter.requires_grad_(False)
        if not found:
            raise BadInput("tuning", "norms: no normalisation is left to train")
        return model
