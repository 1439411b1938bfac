"""Dropout that a model's own code calls as a function, brought under the rule of `modules.dropout`: its mask belongs to
the example.

`B` examples, `N` heads, `T` tokens, `D` the width of a head. T5's attention and all of BART call `functional.dropout`
or fused attention with a probability; nothing stands there that could be replaced. So while such a module computes,
these two functions are answered by a torch function mode, and the n-th call within a module is a site with a name of
its own. No code of a library is changed.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from nlptl.modules.dropout import ExampleDropout, Noise

_hooks: weakref.WeakKeyDictionary[nn.Module, list[Any]] = weakref.WeakKeyDictionary()


@dataclass
class Caller:
    """A module that calls dropout, by its place in the model; how often it did in the forward pass that goes on."""

    name: str
    calls: int = 0
    sites: dict[int, ExampleDropout] = field(default_factory=dict)


class _Answering(TorchFunctionMode):
    """Answer calls of dropout for the innermost caller that computes."""

    def __init__(self, noise: Noise) -> None:
        super().__init__()
        self.noise = noise
        self.computing: list[Caller] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        named = dict(kwargs or {})
        if func is functional.dropout:
            return self._dropout(*args, **named)
        if func is functional.scaled_dot_product_attention:
            return self._attention(*args, **named)
        return func(*args, **named)

    def _dropout(self, input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        assert not inplace, "dropout in place is used by no family of the house"
        return self._site(p)(input) if training and p > 0 else input

    def _attention(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
    ) -> torch.Tensor:  # fmt: skip
        """Give what the fused kernel would, [B, N, T, D]; on a CPU that has no dropout and falls back to the same."""
        if dropout_p == 0:
            return functional.scaled_dot_product_attention(
                query, key, value, attn_mask, 0.0, is_causal, scale=scale, enable_gqa=enable_gqa
            )
        if enable_gqa:
            key, value = (one.repeat_interleave(query.shape[1] // one.shape[1], 1) for one in (key, value))
        weights = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
        if is_causal:
            attn_mask = torch.ones(weights.shape[-2:], dtype=torch.bool, device=weights.device).tril()
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            weights = weights.masked_fill(~attn_mask, torch.finfo(weights.dtype).min)
        elif attn_mask is not None:
            weights = weights + attn_mask.to(weights.dtype).clamp(min=torch.finfo(weights.dtype).min)
        dropped: torch.Tensor = self._site(dropout_p)(functional.softmax(weights, dim=-1))
        return dropped @ value

    def _site(self, p: float) -> ExampleDropout:
        """Give the site of this call."""
        caller = self.computing[-1]
        number = caller.calls
        caller.calls += 1
        site = caller.sites.setdefault(number, ExampleDropout(p, self.noise, f"{caller.name}.called{number}"))
        site.p = p
        return site


def install(model: nn.Module, noise: Noise) -> int:
    """Watch every module that holds a probability of dropout as a number above 0; give how many."""
    answering = _Answering(noise)
    found = [(name, part) for name, part in model.named_modules() if not _is_module(part) and _holds_number(part)]
    for name, part in found:
        _watch(part, Caller(name), answering)
    return len(found)


def remove(model: nn.Module) -> int:
    """Leave dropout to torch again; give how many modules."""
    found = [_hooks.pop(part) for part in model.modules() if part in _hooks]
    for hook in (hook for hooks in found for hook in hooks):
        hook.remove()
    return len(found)


def _is_module(part: nn.Module) -> bool:
    return isinstance(part, nn.modules.dropout._DropoutNd | ExampleDropout)


def _holds_number(part: nn.Module) -> bool:
    return any(
        "dropout" in name and isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        for name, value in vars(part).items()
    )


def _watch(part: nn.Module, caller: Caller, answering: _Answering) -> None:
    """Answer for a module from the begin of its forward pass to the end, also when that raises.

    Hooks, not another `forward`: they go with a module that is computed again for its gradient.
    """

    def begin(module: nn.Module, given: Any) -> None:
        if module.training:
            caller.calls = 0
            if not answering.computing:
                answering.__enter__()  # type: ignore[no-untyped-call]
            answering.computing.append(caller)

    def end(module: nn.Module, given: Any, output: Any) -> None:
        if answering.computing and answering.computing[-1] is caller:
            answering.computing.pop()
            if not answering.computing:
                answering.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    _hooks[part] = [part.register_forward_pre_hook(begin), part.register_forward_hook(end, always_call=True)]
