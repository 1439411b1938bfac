"""Make texts of two domains look alike to a classifier of domains that learns beside the model."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from nlptl.tuning import Seen, Tuning

if TYPE_CHECKING:
    from torch import Tensor

    from nlptl.tasks import Model
    from nlptl.tuning import Memory

# Shapes: N source texts, M target texts, H width of the representation, D hidden units.


class Dann(Tuning):
    """Domain-adversarial training (Ganin et al. 2016, JMLR 17, section 4): a perceptron learns to tell source texts
    from those of `data.target` by what the head reads, and the model learns, by reversed gradients, that it cannot.

    The gradient is reversed and multiplied by lambda, which rises over the run as in their section 5.2.2: 2 / (1 +
    exp(-`gamma` p)) - 1, p from 0 to 1. The perceptron has the model's rate and no weight decay; gradients are clipped
    without it. Its last layer begins at zero, where it takes both domains for equally likely.
    """

    aligns: ClassVar[bool] = True
    remembers: ClassVar[bool] = True

    kind: Literal["dann"]

    weight: float = Field(default=1.0, gt=0)
    """What multiplies lambda."""

    gamma: float = Field(default=10.0, gt=0)
    """How soon lambda rises; 10 in the paper."""

    hidden: int = Field(default=100, ge=1)
    """Hidden units of the perceptron."""

    def start(self, model: "Model") -> "Memory":
        """Make the perceptron: H to D units with a ramp, to one logit for "target"."""
        import torch

        from nlptl import seeds
        from nlptl.modules import representation

        wide = representation.width(model.module)
        device = next(model.module.parameters()).device
        drawn = torch.Generator().manual_seed(seeds.derive(0, "dann", wide, self.hidden) % 2**63)
        first_DH = torch.randn(self.hidden, wide, generator=drawn) / wide**0.5
        made = {
            "first.weight": first_DH, "first.bias": torch.zeros(self.hidden),
            "second.weight": torch.zeros(1, self.hidden), "second.bias": torch.zeros(1),
        }  # fmt: skip
        return {name: tensor.to(device).requires_grad_() for name, tensor in made.items()}

    def learns(self, memory: "Memory") -> "list[Tensor]":
        """Give the perceptron's parameters."""
        return list(memory.values())

    def align(self, source: Seen, target: Seen, memory: "Memory", *, part: float) -> "Tensor":
        """Give the perceptron's cross entropy, the mean over source texts and that over target texts added."""
        import torch

        from nlptl.modules import representation

        rising = self.weight * representation.rising(part, self.gamma)
        told = []
        for seen, wanted in ((source, 0.0), (target, 1.0)):
            given_NH = representation.reversed_gradient(seen.features, rising)
            inner_ND = torch.relu(given_NH @ memory["first.weight"].T + memory["first.bias"])
            logits_N = (inner_ND @ memory["second.weight"].T + memory["second.bias"])[:, 0]
            gold_N = torch.full_like(logits_N, wanted)
            told.append(torch.nn.functional.binary_cross_entropy_with_logits(logits_N, gold_N))
        return torch.stack(told).sum()
