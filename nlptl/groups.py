"""The tuned model to optimizer groups, and the schedule: pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nlptl.errors import BadInput
from nlptl.recipe import Train
from nlptl.tasks import Model
from nlptl.tuning import Tuning

if TYPE_CHECKING:
    from torch import nn


SCALES = frozenset({"ia3_l", "lora_magnitude_vector"})
"""What peft calls parameters that multiply an output."""


@dataclass(frozen=True)
class Group:
    """Parameters that share a rate and a decay."""

    parameters: tuple[nn.Parameter, ...]
    names: tuple[str, ...]
    scale: float
    weight_decay: float


def make_groups(model: Model, train: Train, tuning: Sequence[Tuning]) -> list[Group]:
    """Sort the trainable parameters by depth and by whether they decay.

    Biases and normalisation weights have no weight decay (Devlin et al. 2019; transformers' Trainer does the same).
    Raises BadInput if nothing is trainable.
    """
    found: dict[tuple[float, float], list[tuple[str, Any]]] = {}
    plain = _undecayed(model.module)
    for name, parameter in model.module.named_parameters():
        if not parameter.requires_grad:
            continue
        scale = math.prod(kind.scale(model.depths[name], model.blocks) for kind in tuning)
        decay = 0.0 if name in plain else train.weight_decay
        found.setdefault((scale, decay), []).append((name, parameter))
    if not found:
        raise BadInput("tuning", "no parameter is trainable; name fewer blocks to freeze")
    return [
        Group(tuple(one for _, one in members), tuple(name for name, _ in members), scale, decay)
        for (scale, decay), members in found.items()
    ]


def optimizer(made: Sequence[Group], learning_rate: float) -> Any:
    """Give AdamW over the groups."""
    import torch

    return torch.optim.AdamW(
        [{"params": list(group.parameters), "weight_decay": group.weight_decay} for group in made],
        lr=learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True,
    )  # fmt: skip


def _undecayed(module: nn.Module) -> set[str]:
    """Names of biases (T5's table of them by distance too), of the weights of normalisations (of modules whose class
    says norm) and of an adapter's scales, which change nothing at 1 and not at 0.
    """
    found = {name for name, _ in module.named_parameters() if "bias" in name or SCALES & set(name.split("."))}
    for prefix, part in module.named_modules():
        if "norm" in type(part).__name__.lower():
            found |= {f"{prefix}.{name}" for name, _ in part.named_parameters(recurse=False)}
    return found


def rate(step: int, total: int, train: Train) -> float:
    """Give the learning rate of a step (counted from 1) of `total`.

    The first step has a rate above zero and the last of a linear schedule the rate of one step before zero, as in
    transformers' `get_linear_schedule_with_warmup` shifted by one: no step is spent on a rate of zero.
    """
    warm = math.ceil(train.warmup * total)
    if step <= warm:
        return train.learning_rate * step / (warm + 1)
    if train.schedule == "constant":
        return train.learning_rate
    part = (step - 1 - warm) / max(1, total - warm)
    if train.schedule == "linear":
        return train.learning_rate * (1 - part)
    return train.learning_rate * 0.5 * (1 + math.cos(math.pi * part))
