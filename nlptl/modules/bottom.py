"""The frozen bottom of a body: the blocks that do not change, rested (no dropout) and, where their output is known,
replayed instead of computed.

`B` examples, `T` tokens, `H` hidden, `k` frozen blocks. What block k hands on for an example depends on nothing that
training changes, so it can be stored and handed on again. The body's own forward pass still runs: it makes the masks
and positions that the upper blocks need. Only the modules below are answered for: block k with what is stored, all
before it with an empty tensor of that shape, which nothing reads.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn


class _Reached(Exception):
    """Block k has run: nothing above it is wanted."""


@dataclass
class Bottom:
    """The lowest blocks of a body's first stack, all of them frozen."""

    blocks: Sequence[nn.Module]
    """The first k blocks, the lowest first."""
    before: Sequence[nn.Module]
    """What makes the input of the first block: modules whose output is [B, T, H]."""
    quiet: Sequence[nn.Module]
    """All modules that run no later than block k."""
    settings: str = ""
    """What beside its weights decides what it computes: the body's configuration, attention kernel included."""
    hidden: torch.Tensor | None = None
    """What block k hands on in the coming forward pass, [B, T, H] or, where it computes the first token alone, [B, 1,
    H]; None: compute it."""
    shape: tuple[int, int] = (0, 0)
    """B and T of that pass; a pass of another shape is computed."""
    several: int = 0
    """How many things a block hands on, the hidden states first; 0: those alone."""
    whole: bool = False
    """Compute what is before the first block all the same: DeBERTa-v2's convolution over the first block's output reads
    its input too."""
    replayed: int = 0
    """Forward passes that were spared the bottom."""
    beneath: list[tuple[nn.Module, Any]] = field(default_factory=list, repr=False)
    """Module -> the forward pass that was set on it before, if one was."""

    def rest(self) -> None:
        """Switch dropout off below: what is frozen has one output an example. To be called after `module.train()`."""
        for module in self.quiet:
            module.training = False

    @contextlib.contextmanager
    def replay(self, hidden: torch.Tensor | None, shape: tuple[int, int]) -> Iterator[None]:
        """Hand on `hidden` in place of the bottom's output within this context; None changes nothing."""
        self.hidden, self.shape = hidden, shape
        try:
            yield
        finally:
            self.hidden = None

    def compute(self, forward: Callable[[], object], levels: Sequence[int]) -> list[torch.Tensor]:
        """Run `forward` as far as the highest of some blocks, counted from 1, and give what each of them hands on."""
        found: dict[int, torch.Tensor] = {}

        def look(level: int, output: Any) -> None:
            self.several = len(output) if isinstance(output, tuple) else 0
            found[level] = (output[0] if self.several else output).detach()
            if level == max(levels):
                raise _Reached

        hooks = [
            self.blocks[level - 1].register_forward_hook(lambda module, given, output, _at=level: look(_at, output))
            for level in levels
        ]
        try:
            with contextlib.suppress(_Reached):
                forward()
        finally:
            for hook in hooks:
                hook.remove()
        assert len(found) == len(levels), "the forward pass did not come to the last frozen block"
        return [found[level] for level in levels]

    def install(self) -> None:
        """Let the modules below answer with what is replayed."""
        for number, block in [*enumerate(self.blocks), *((-1, module) for module in self.before)]:
            own = block.forward
            self.beneath.append((block, vars(block).get("forward")))
            # transformers decides by which names a layer is called; they are handed on as they came.
            block.forward = lambda *given, _own=own, _number=number, **named: self._answer(_own, _number, given, named)

    def remove(self) -> None:
        """Put the modules' own forward passes back."""
        for module, before in self.beneath:
            del module.forward
            if before is not None:
                module.forward = before
        self.beneath.clear()

    def _answer(self, own: Callable[..., Any], number: int, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Give the replayed tensor for block k, an empty one for what is before it, or what the module computes."""
        tensors = [one for one in (*given, *named.values()) if isinstance(one, torch.Tensor)]
        if self.hidden is None or not tensors or tuple(tensors[0].shape[:2]) != self.shape:
            return own(*given, **named)
        if number == len(self.blocks) - 1:
            self.replayed += 1
            return self._as_layer(self.blocks[number], self.hidden, given)
        if number < 0 and self.whole:
            return own(*given, **named)
        empty = self.hidden.new_zeros(1).expand(*self.shape, self.hidden.shape[-1])
        return empty if number < 0 else self._as_layer(self.blocks[number], empty, given)

    def _as_layer(self, block: Any, hidden: torch.Tensor, given: Sequence[Any]) -> Any:
        """Give `hidden` as a layer hands it on: T5's add the bias by distance, which the first one makes for all."""
        if not self.several:
            return hidden
        inner = getattr(block, "layer", None)
        attention = getattr(inner[0], "SelfAttention", None) if isinstance(inner, nn.ModuleList) else None
        if attention is None:
            return hidden, *[None] * (self.several - 1)
        bias, tokens = given[2], given[0].shape[1]
        return hidden, attention.compute_bias(tokens, tokens, device=hidden.device) if bias is None else bias, None
