"""Low-rank adapters whose ranks are dealt out while training: much where it acts, none where it does not."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from nlptl import seeds
from nlptl.errors import BadInput
from nlptl.tasks import Model
from nlptl.tuning import Tuning

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nlptl.tuning import Memory

SENSITIVITY, UNCERTAINTY, KEPT = "sensitivity", "uncertainty", "kept"


class Adalora(Tuning):
    """AdaLoRA (Zhang, Chen, Bukharin, He, Cheng, Chen, Zhao 2023, arXiv:2303.10512), with peft's layers: to the output
    of a linear layer is added P diag(e) Q of its input. What a triplet (a column of P, an entry of e, a row of Q)
    matters is its smoothed |weight · gradient| times that number's uncertainty (equations 9 to 11); the entries of e
    that matter least over all layers are set to zero, more and more of them by a cubic schedule (equation 14), until
    `rank` are left a layer on average. P and Q are held near orthogonal (equation 4).

    What is saved is a plain adapter of rank `start_rank` with zeros in it, which peft reads.
    """

    remembers: ClassVar[bool] = True

    kind: Literal["adalora"]

    rank: int = Field(default=8, ge=1)
    """How many triplets a layer has in the end, on average over the layers."""

    start_rank: int = Field(default=12, ge=1)
    """How many each has in the beginning: half as many again in the paper."""

    alpha: float | None = Field(default=None, gt=0)
    """What the product is multiplied by, over `start_rank`; none: twice `start_rank`."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout of what goes into Q."""

    blocks: int | None = Field(default=None, ge=1)
    """In how many of the highest blocks; none: in all. What is below is frozen, and computed once."""

    targets: Literal["attention", "all"] | tuple[str, ...] = "all"
    """Which linear layers of those blocks: all, those of attention, or those whose names end so."""

    begin: float = Field(default=0.1, ge=0, lt=1)
    """The part of all steps before the first triplet goes."""

    end: float = Field(default=0.5, gt=0, le=1)
    """The part of all steps after which none goes any more."""

    every: int = Field(default=10, ge=1)
    """Steps between dealings."""

    orthogonal: float = Field(default=0.5, ge=0)
    """How hard P and Q are held orthogonal: gamma of the paper, 0.1 to 0.5 there."""

    @model_validator(mode="after")
    def _ordered(self) -> "Adalora":
        if self.begin >= self.end:
            raise ValueError(f"begin {self.begin:g} must be below end {self.end:g}")
        if self.start_rank <= self.rank:
            what = f"start_rank {self.start_rank} must be above rank {self.rank}"
            raise ValueError(f"{what}: there is nothing to deal out")
        return self

    def apply(self, model: Model, seed: int) -> Model:
        """Put the adapters in; BadInput where the checkpoint has not the blocks or layers that are named."""
        from nlptl.modules import adapting

        found = adapting.targets(model, self.blocks, self.targets)
        if not found:
            raise BadInput("tuning", "adalora: the checkpoint's blocks have no linear layer to put an adapter in")
        settings = {
            "peft_type": "ADALORA", "init_r": self.start_rank, "target_r": self.rank, "total_step": 1,
            "lora_alpha": self.alpha or 2 * self.start_rank, "lora_dropout": self.dropout,
            "target_modules": sorted(found), "fan_in_fan_out": set(found.values()) == {"Conv1D"},
        }  # fmt: skip
        return adapting.adapt(model, settings, seeds.derive(seed, "adalora"))

    def start(self, model: Model) -> "Memory":
        """Begin with no sensitivity, and all entries of e kept."""
        import torch

        found: Memory = {}
        for name, one in _parts(model.module).items():
            found |= {f"{SENSITIVITY} {name}": torch.zeros_like(one), f"{UNCERTAINTY} {name}": torch.zeros_like(one)}
            if ".lora_E." in name:
                found[f"{KEPT} {name}"] = torch.ones_like(one)
        return found

    def penalty(self, module: "nn.Module", memory: "Memory") -> "Tensor | None":
        """Give the mean distance of P'P and QQ' from the identity, times `orthogonal`."""
        import torch

        if not self.orthogonal:
            return None
        products = [
            one @ one.T if ".lora_A." in name else one.T @ one
            for name, one in module.named_parameters()
            if ".lora_A." in name or ".lora_B." in name
        ]
        apart = [torch.linalg.norm(one - torch.eye(len(one), device=one.device)) for one in products]
        return self.orthogonal * torch.stack(apart).mean()

    def after_step(self, module: "nn.Module", memory: "Memory", *, step: int, total: int) -> None:
        """Follow what matters; at every so many steps set what matters least to zero, and at last keep it there."""
        import torch

        begin, end = int(self.begin * total), max(1, int(self.end * total))
        parts = _parts(module)
        with torch.no_grad():
            if step < end:
                _follow(parts, memory)
            if step == end or (begin < step < end and step % self.every == 0):
                layers = sum(name.startswith(KEPT) for name in memory)
                left = (1 - (step - begin) / (end - begin)) ** 3
                budget = int((self.start_rank - self.rank) * layers * left) + self.rank * layers
                _deal(parts, memory, budget)
                _cut(parts, memory)
            elif step > end:
                _cut(parts, memory)


BETA = 0.85
"""Share of what was before in the smoothed numbers: both betas of the paper."""


def _parts(module: "nn.Module") -> dict[str, Any]:
    return {
        name: one.detach() if one.grad is None else one
        for name, one in module.named_parameters()
        if any(f".lora_{part}." in name for part in "AEB")
    }


def _follow(parts: dict[str, Any], memory: "Memory") -> None:
    """Smooth |weight · gradient| and how far it is from its mean."""
    for name, one in parts.items():
        now = (one * one.grad).abs() if one.grad is not None else one.new_zeros(one.shape)
        mean, apart = memory[f"{SENSITIVITY} {name}"], memory[f"{UNCERTAINTY} {name}"]
        mean.mul_(BETA).add_(now, alpha=1 - BETA)
        apart.mul_(BETA).add_((now - mean).abs(), alpha=1 - BETA)


def _deal(parts: dict[str, Any], memory: "Memory", budget: int) -> None:
    """Keep the `budget` triplets of all layers that matter most; of equal ones at the border none."""
    import torch

    def matters(name: str) -> Any:
        return memory[f"{SENSITIVITY} {name}"] * memory[f"{UNCERTAINTY} {name}"]

    found = {}
    for name in parts:
        if ".lora_E." in name:
            first, second = (matters(name.replace(".lora_E.", f".lora_{part}.")) for part in "AB")
            found[name] = matters(name)[:, 0] + first.mean(1) + second.mean(0)
    every = torch.cat(list(found.values()))
    if len(every) > budget:
        border = torch.kthvalue(every, len(every) - budget).values
        for name, one in found.items():
            memory[f"{KEPT} {name}"].copy_((one > border)[:, None])


def _cut(parts: dict[str, Any], memory: "Memory") -> None:
    for name, one in parts.items():
        if ".lora_E." in name:
            one.mul_(memory[f"{KEPT} {name}"])
