"""Train the bias terms and the head alone: a thousandth of the parameters."""

from typing import Literal

from nlptl.errors import BadInput
from nlptl.tasks import Model
from nlptl.tuning import Tuning


class Bias(Tuning):
    """BitFit (Ben Zaken, Goldberg, Ravfogel 2022, arXiv:2106.10199): every weight matrix keeps the checkpoint's values.

    Bias terms are those of linear layers and of normalisations. Together with `freeze`: those above the frozen blocks.
    """

    kind: Literal["bias"]

    def apply(self, model: Model, seed: int) -> Model:
        """Set `requires_grad` to False of all that is neither bias nor head; BadInput where there is no bias at all."""
        found = 0
        for name, parameter in model.module.named_parameters():
            if name in model.head:
                continue
            if name.rpartition(".")[2].endswith("bias"):
                found += parameter.requires_grad
            else:
                parameter.requires_grad_(False)
        if not found:
            raise BadInput("tuning", "bias: no bias term is left to train (T5, Llama and ModernBERT have few or none)")
        return model
