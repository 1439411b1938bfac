"""Dropout whose mask belongs to the example: not to its micro-batch, padding, process or place in the order of calls.

`B` examples, `T` tokens (padded), `H` hidden. Each example draws from a generator of its own, whose state is set from
the example's key and the site's name. So any cut into micro-batches and any number of processes train on the same
masks, and to continue a run no generator needs restoring. It is also faster than torch's dropout on CPU: 16 random
bits an element from SFC64 take 0.4 ns, `Tensor.bernoulli_` takes 8.

On CUDA torch's own dropout is the fast one and the engine leaves it in place; `install` works there, but its masks are
drawn on the CPU and moved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from nlptl import seeds

WARM = 12
"""Outputs that SFC64 discards after its state was set: what its author's own seeding does (PractRand 0.94)."""

TOKEN_AXES = {3: (1,), 4: (2, 3)}
"""Where tokens may stand in a tensor of so many axes: [B, T, H] and [B, heads, T, T]."""

CROSS = frozenset({"EncDecAttention", "encoder_attn", "crossattention", "cross_attn", "multihead_attn"})
"""What models call the attention of a decoder to the encoder's tokens."""

SHARED = frozenset({"pos_dropout"})
"""What models call a dropout of what belongs to no example, however many there are: DeBERTa's relative positions."""

INTEGER: dict[int, tuple[torch.dtype, Any]] = {
    2: (torch.int16, np.int16),
    4: (torch.int32, np.int32),
    8: (torch.int64, np.int64),
}


@dataclass(frozen=True)
class Stream:
    """The tokens of a micro-batch in one stream: each example's length, and the padded length."""

    lengths: Sequence[int]
    tokens: int

    def __post_init__(self) -> None:
        assert max(self.lengths) <= self.tokens, "an example is longer than its batch"


@dataclass
class Noise:
    """What every site of one model must know of the micro-batch that is being computed."""

    padding: str = "right"
    """The side on which padding stands in the first stream; a decoder's own is padded on the right."""
    keys: tuple[int, ...] = ()
    streams: tuple[Stream, ...] = ()
    """The input's, and where the model has a decoder with a stream of its own, that one's."""
    shared: int = 0
    calls: dict[int, int] = field(default_factory=dict)
    bits: Any = field(default_factory=lambda: np.random.SFC64(0), repr=False)

    def begin(self, keys: Sequence[int], streams: Sequence[Stream], *, shared: int = 0) -> None:
        """Announce the micro-batch of the coming forward pass; a second pass (R-Drop) draws other masks.

        `keys`: one number below 2**64 for each example, different for each step; `streams`: the input's tokens, and
        those of a decoder; `shared`: the step's key, for what all examples have in common (DeBERTa drops relative
        positions).
        """
        assert all(len(keys) == len(stream.lengths) for stream in streams), "one key and one length for each example"
        self.keys, self.streams, self.shared = tuple(keys), tuple(streams), shared
        self.calls.clear()

    def keep(
        self, shape: Sequence[int], site: int, threshold: int, streams: tuple[int, int] = (0, 0), *,
        shared: bool = False,
    ) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Draw which elements stay: each with probability 1 - threshold / 65536. Padding does not stay.

        `streams`: whose tokens stand on the first and on the second token axis; `shared`: no axis is of examples.
        """
        call = self._call(site)
        if shared or shape[0] != len(self.keys):
            # [positions, H] or [1, ...] belongs to no example. Heads folded into the batch would: their mask must not
            # be guessed.
            announced = f"dropout on {tuple(shape)} in a micro-batch of {len(self.keys)}: was Noise.begin called?"
            assert shared or len(shape) == 2 or shape[0] == 1, announced
            kept = np.empty(shape, np.bool_)
            self._draw(self.shared, site + call, threshold, kept)
            return kept
        axes = dict(zip(TOKEN_AXES.get(len(shape), ()), streams, strict=False))
        axes = {axis: number for axis, number in axes.items() if shape[axis] == self.streams[number].tokens}
        whole = all(min(self.streams[number].lengths) == self.streams[number].tokens for number in axes.values())
        kept = np.empty(shape, np.bool_) if whole else np.zeros(shape, np.bool_)
        for example, key in enumerate(self.keys):
            part: list[Any] = [example]
            part += [self._real(axes[axis], example) if axis in axes else slice(None) for axis in range(1, len(shape))]
            self._draw(key, site + call, threshold, kept[tuple(part)])
        return kept

    def _real(self, number: int, example: int) -> slice:
        """Give where the tokens of an example stand in a stream."""
        stream = self.streams[number]
        length = stream.lengths[example]
        left = self.padding == "left" and number == 0
        return slice(stream.tokens - length, None) if left else slice(length)

    def _draw(self, key: int, site: int, threshold: int, out: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        """Fill `out` from the stream of (key, site)."""
        # Setting the state costs 1 us, numpy's SeedSequence 15; a step of a small encoder has 600 streams.
        state = {"state": np.array([key, site % 2**64, 0, 1], np.uint64)}
        self.bits.state = {"bit_generator": "SFC64", "state": state, "has_uint32": 0, "uinteger": 0}
        words = self.bits.random_raw(WARM + math.ceil(out.size / 4))
        np.greater_equal(words[WARM:].view(np.uint16)[: out.size].reshape(out.shape), threshold, out=out)

    def _call(self, site: int) -> int:
        """Count the calls of a site since `begin`; a layer computed again for its gradient gets the same mask again.
        """
        if torch._C._current_graph_task_id() != -1:  # inside a backward pass: gradient checkpointing
            assert self.calls.get(site) == 1, "gradient checkpointing needs sites that are called once a forward pass"
            return 0
        call = self.calls.get(site, 0)
        self.calls[site] = call + 1
        return call


class ExampleDropout(nn.Module):
    """Stand in for nn.Dropout at one site. Identity in eval mode and where p is 0."""

    def __init__(self, p: float, noise: Noise, name: str) -> None:
        super().__init__()
        self.p, self.noise, self.name = p, noise, name
        self.site = seeds.derive(0, "dropout site", name)
        parts = set(name.split("."))
        self.shared = bool(parts & SHARED)
        decodes = int("decoder" in parts)
        self.streams = (decodes, 0 if parts & CROSS else decodes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give x times its mask; the backward pass is one multiplication by the same mask."""
        threshold = round(self.p * 65536)
        if not self.training or threshold == 0:
            return x
        if threshold == 65536:
            return x * 0.0
        # A decoder alone (GPT's kin under that name) reads the first stream.
        streams = self.streams if len(self.noise.streams) > 1 else (0, 0)
        kept = self.noise.keep(x.shape, self.site, threshold, streams, shared=self.shared)
        # The mask is written as the bits of 0 and of 1 / (1 - p) in x's own type: torch multiplies bf16 by bf16 at 7
        # times the speed of bf16 by bool. Rounding the factor to bf16 is what torch's dropout does too.
        integer, np_integer = INTEGER[x.element_size()]
        bits = torch.tensor(65536 / (65536 - threshold), dtype=x.dtype).view(integer).item()
        mask = torch.from_numpy(np.multiply(kept.view(np.uint8), np_integer(int(bits)), dtype=np_integer))
        return x * mask.view(x.dtype).to(x.device)

    def extra_repr(self) -> str:
        """Say what print(model) shows."""
        return f"p={self.p}"


def install(model: nn.Module, noise: Noise) -> int:
    """Replace every nn.Dropout with p > 0; give how many. A site is known by its name.

    Dropout that a model's own code calls as a function (T5, BART) is what `modules.called_dropout` answers for.
    """
    count = 0
    for path, module in list(model.named_modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Dropout) and child.p > 0:
                dropout = ExampleDropout(child.p, noise, f"{path}.{name}" if path else name)
                setattr(module, name, dropout.train(child.training))
                count += 1
    return count


def remove(model: nn.Module) -> int:
    """Put nn.Dropout back; give how many."""
    count = 0
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, ExampleDropout):
                setattr(module, name, nn.Dropout(child.p).train(child.training))
                count += 1
    return count
