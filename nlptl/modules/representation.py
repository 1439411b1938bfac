"""What the head of a classifier reads, and gradients that are turned round on their way back."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

# Shapes: N texts, T tokens, H width of what the head reads, V labels.


def head_of(module: nn.Module) -> nn.Linear:
    """Give the linear map whose outputs are the logits: the last outside of the body with an output a label."""
    model: Any = module
    body = {id(part) for part in model.base_model.modules()}
    named = [one for one in module.modules() if isinstance(one, nn.Linear) and id(one) not in body]
    fitting = [one for one in named if one.out_features == model.config.num_labels]
    assert fitting, f"{type(module).__name__} has no linear head of {model.config.num_labels} labels"
    return fitting[-1]


def width(module: nn.Module) -> int:
    """Give H."""
    return head_of(module).in_features


@contextlib.contextmanager
def watched(module: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what the head reads in the passes within this context: [N, H], or [N, T, H] of heads at every token."""
    found: list[Tensor] = []
    hook = head_of(module).register_forward_pre_hook(lambda _, given: found.append(given[0]))
    try:
        yield found
    finally:
        hook.remove()


def of_texts(read: Tensor, attention_mask: Tensor) -> Tensor:
    """Give [N, H] in fp32: of a head at every token, what it reads at the last real one."""
    if read.dim() == 2:
        return read.float()
    places_T = torch.arange(read.shape[1], device=read.device)
    last_N = (places_T * attention_mask).argmax(-1)
    return read[torch.arange(len(read), device=read.device), last_N].float()


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, given: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return given.view_as(given)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0] * -ctx.factor, None


def reversed_gradient(given: Tensor, factor: float) -> Tensor:
    """Give the same values; gradients come back times -`factor` (Ganin et al. 2016, equations 16 and 17)."""
    return _Reversed.apply(given, factor)  # type: ignore[no-any-return, no-untyped-call]


def rising(part: float, gamma: float) -> float:
    """Give 2 / (1 + exp(-gamma p)) - 1 (Ganin et al. 2016, section 5.2.2): 0 at the beginning, nearly 1 at the end."""
    return 2 / (1 + math.exp(-gamma * part)) - 1
