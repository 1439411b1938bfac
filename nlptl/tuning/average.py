"""Evaluate, keep and save the mean of the weights of many steps, not those of one."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from nlptl.tasks import Model
from nlptl.tuning import Tuning

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nlptl.tuning import Memory

TAKEN = "taken"


class Average(Tuning):
    """Average the weights over steps (Polyak and Juditsky 1992, SIAM J. Control Optim. 30, 838-855); training itself
    goes on from the weights as they are.

    With `decay` an exponential moving average (EMA): each weights taken before count `decay` times less, all shares
    summing to 1, as Adam corrects its moments (Kingma and Ba 2015, arXiv:1412.6980, section 3). With `decay: null` the
    plain mean: stochastic weight averaging (SWA; Izmailov et al. 2018, arXiv:1803.05407), which wants
    `train.schedule: constant`. Until something is averaged, the weights as they are count.
    """

    remembers: ClassVar[bool] = True

    kind: Literal["average"]

    decay: float | None = Field(gt=0, lt=1)
    """What weights count for beside the next ones that are taken: 0.99 averages about the last hundred; `null` for the
    plain mean."""

    begin: float = Field(ge=0, lt=1)
    """The part of all steps after which averaging begins: 0 for EMA, 0.75 in the paper of SWA."""

    every: int = Field(ge=1)
    """Steps between weights that are taken: 1 for EMA, an epoch's in the paper of SWA."""

    def start(self, model: Model) -> "Memory":
        """Make room for the mean of what moves, and count how many weights are in it."""
        import torch

        means = {name: torch.zeros_like(one) for name, one in _moving(model.module).items()}
        return {TAKEN: torch.zeros((), dtype=torch.int64), **means}

    def after_step(self, module: "nn.Module", memory: "Memory", *, step: int, total: int) -> None:
        """Move the mean towards the weights by their share in it."""
        after = step - int(self.begin * total)
        if after < 1 or after % self.every:
            return
        memory[TAKEN] += 1
        taken = int(memory[TAKEN])
        share = 1 / taken if self.decay is None else (1 - self.decay) / (1 - self.decay**taken)
        for name, one in _moving(module).items():
            memory[name].lerp_(one, share)

    def instead(self, module: "nn.Module", memory: "Memory") -> "Memory":
        """Give the mean, once anything is in it."""
        return {name: one for name, one in memory.items() if name != TAKEN} if memory[TAKEN] else {}


def _moving(module: "nn.Module") -> "dict[str, Tensor]":
    """Give the parameters that learn, and of a trimmed table what multiplies the rows that no text uses: their mean is
    their start times its mean.
    """
    import torch

    from nlptl.modules.embedding import TrimmedEmbedding

    found = {name: one.detach() for name, one in module.named_parameters() if one.requires_grad}
    for path, part in module.named_modules():
        if isinstance(part, TrimmedEmbedding):
            found[f"{path}.rest_decay"] = torch.tensor(part.rest_decay, dtype=torch.float64)
    return found
