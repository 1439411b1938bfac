"""Set how much the body drops in training, whatever the checkpoint was trained with."""

from typing import Any, Literal

from pydantic import Field

from nlptl.errors import BadInput
from nlptl.tasks import Model
from nlptl.tuning import Tuning


class Dropout(Tuning):
    """One probability for every dropout of the body, of hidden states and of attention (Srivastava et al. 2014, JMLR
    15, pages 1929-1958).

    The head keeps its own, frozen blocks have none. What is saved keeps the checkpoint's configuration.
    """

    kind: Literal["dropout"]

    rate: float = Field(ge=0, lt=1)
    """The probability that an element is dropped: 0.1 is what BERT was trained with, 0 what Llama was."""

    def apply(self, model: Model, seed: int) -> Model:
        """Set it in modules and in the numbers that forward passes read; BadInput where the body has no dropout."""
        from transformers import PreTrainedModel

        whole: Any = next(part for part in model.module.modules() if isinstance(part, PreTrainedModel))
        found = 0
        for part in list(whole.base_model.modules()):
            found += _modules(part, self.rate) + _numbers(part, self.rate)
        if not found:
            raise BadInput("tuning", f"dropout: {type(whole.base_model).__name__} has no dropout that could be set")
        return model


def _modules(part: Any, rate: float) -> int:
    """Set the dropout modules right below a module; give how many."""
    from torch import nn

    count = 0
    for name, child in list(part.named_children()):
        if isinstance(child, nn.Identity) and name.endswith("drop"):  # ModernBERT's, where its own rate is 0
            setattr(part, name, nn.Dropout(rate).train(child.training))
            count += 1
        elif isinstance(child, nn.Dropout):
            child.p = rate
            count += 1
    return count


def _numbers(part: Any, rate: float) -> int:
    """Set the probabilities that a module hands to functions (BART, and Llama's attention); give how many."""
    from torch import nn

    if isinstance(part, nn.Dropout):
        return 0
    names = [
        name
        for name, value in vars(part).items()
        if "dropout" in name and isinstance(value, int | float) and not isinstance(value, bool)
    ]
    for name in names:
        setattr(part, name, rate)
    return len(names)
