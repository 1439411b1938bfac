"""Put a random part of the weights back to the checkpoint's values at each step, as dropout puts some to zero."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nlptl import seeds
from nlptl.errors import BadInput
from nlptl.tasks import Model
from nlptl.tuning import Tuning

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nlptl.tuning import Memory

LINEAR = frozenset({"Linear", "Conv1D"})
"""Classes whose `weight` is mixed; Conv1D is what transformers calls GPT-2's linear layers."""


class Mixout(Tuning):
    """Mixout (Lee, Cho, Kang 2020, arXiv:1909.11299, equation 3) of the weights of the body's linear layers that learn:
    each element is the checkpoint's with probability `rate`, and the others are moved away from it so that the
    expected weight is the trained one.

    One mask a step, drawn from the stream "mixout", which all of its micro-batches, passes and processes share. The
    head and what `reinit` draws have no value to go back to. The authors' code puts it in place of the body's dropout:
    add `{kind: dropout, rate: 0.0}` for that.
    """

    kind: Literal["mixout"]

    rate: float = Field(gt=0, lt=1)
    """The probability that an element is the checkpoint's: 0.7 to 0.9 in the paper."""

    def start(self, model: Model) -> "Memory":
        """Keep the weights that training begins with; BadInput where no linear layer of the body learns."""
        without = model.head | model.drawn
        found = {}
        for path, part in model.module.named_modules():
            name, weight = f"{path}.weight", getattr(part, "weight", None)
            linear = {one.__name__ for one in type(part).__mro__} & LINEAR
            if linear and weight is not None and weight.requires_grad and name not in without:
                found[name] = weight.detach().clone()
        if not found:
            raise BadInput("tuning", "mixout: no linear layer of the body is left to train")
        return found

    @contextlib.contextmanager
    def during(self, module: "nn.Module", memory: "Memory", *, seed: int, step: int) -> Iterator[None]:
        """Mix the weights, and afterwards put them back and pass the gradients on to the elements that were kept."""
        import torch

        held: list[tuple[Any, Tensor, Tensor]] = []
        with torch.no_grad():
            for name, start in memory.items():
                weight = module.get_parameter(name)
                kept = _kept(weight, self.rate, seeds.derive(seed, "mixout", step, name))
                held.append((weight, weight.detach().clone(), kept))
                weight.copy_(start + (weight - start) * kept)
        try:
            yield
        finally:
            with torch.no_grad():
                for weight, own, kept in held:
                    weight.copy_(own)
                    if weight.grad is not None:
                        weight.grad *= kept


def _kept(weight: "Tensor", rate: float, seed: int) -> "Tensor":
    """Give 0 for the elements that are put back and 1 / (1 - rate) for the others; the same on every device."""
    import math

    import numpy as np
    import torch

    # 16 bits an element from SFC64 take a twentieth of what torch's bernoulli_ does, and GPUs draw other bits.
    words = np.random.SFC64(seed).random_raw(math.ceil(weight.numel() / 4))
    threshold = round(rate * 65536)
    kept = torch.from_numpy(words.view(np.uint16)[: weight.numel()] >= threshold)
    return kept.to(weight.device, weight.dtype).view_as(weight) * (65536 / max(1, 65536 - threshold))
