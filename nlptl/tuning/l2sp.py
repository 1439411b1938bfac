"""Pull the body back to the checkpoint while it learns, and the new head to zero."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from nlptl.errors import Problem
from nlptl.tasks import Model
from nlptl.tuning import Tuning

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nlptl.cards import DataCard
    from nlptl.recipe import Train
    from nlptl.tasks import Task
    from nlptl.tuning import Memory


class L2sp(Tuning):
    """Penalise the distance from the start (Li, Grandvalet, Davoine 2018, arXiv:1802.01483, equation 3): `body` / 2
    times its square, and `head` / 2 times the square of the head's weights, are added to a step's mean loss.

    The gradient of this goes through AdamW's second moments as that of the loss does; the paper trains by SGD. What
    `reinit` draws anew has no start to go back to and is pulled to zero with the head.
    """

    kind: Literal["l2sp"]

    body: float = Field(ge=0)
    """Alpha of the paper, which tries 0.001 to 1: how hard each parameter of the body is pulled to the checkpoint's
    value."""

    head: float = Field(ge=0)
    """Beta, 0.01 in the paper: how hard the head, whatever it starts from, is pulled to zero."""

    def check(self, task: "Task", card: "DataCard", train: "Train") -> list[Problem]:
        """Refuse weight decay beside it, which pulls the body to zero."""
        if not train.weight_decay:
            return []
        what = f"a weight decay of {train.weight_decay:g} pulls the body to zero, l2sp to the checkpoint, in its place"
        return [Problem(what, field="train.weight_decay", fix="set train.weight_decay: 0.0")]

    def start(self, model: Model) -> "Memory":
        """Keep where each parameter is pulled to; an empty tensor stands for zero."""
        import torch

        return {
            name: torch.empty(0) if name in model.head or name in model.drawn else one.detach().clone()
            for name, one in model.module.named_parameters()
            if one.requires_grad
        }

    def penalty(self, module: "nn.Module", memory: "Memory") -> "Tensor":
        """Give both sums. Rows of a trimmed embedding table that no text uses lie where they began, at no distance."""
        import torch

        named = dict(module.named_parameters())
        body = [(named[name] - start).square().sum() for name, start in memory.items() if start.numel()]
        head = [named[name].square().sum() for name, start in memory.items() if not start.numel()]
        sums = [size / 2 * torch.stack(one).sum() for one, size in ((body, self.body), (head, self.head)) if one]
        return torch.stack(sums).sum()
