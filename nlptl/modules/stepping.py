"""The copying decoder a piece at a time: what it has read before is kept, and not computed again.

`P` prefixes, `R` rows, `T` tokens, `U` pieces so far, `D` the decoder's width. The same weights as its forward pass.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from nlptl.modules.copying import CopyingDecoder, Words


class Stepper:
    """Gives log-probabilities of the next piece of each prefix; a prefix grows by one piece a call."""

    def __init__(
        self, decoder: CopyingDecoder, memory_RTH: torch.Tensor, unseen_RT: torch.Tensor, words: Words
    ) -> None:
        self.decoder, self.memory_RTH, self.words = decoder, memory_RTH, words
        self.seen_RT = ~unseen_RT
        bridged = decoder.bridge(memory_RTH)
        self.across = [_keys_and_values(layer.multihead_attn, bridged) for layer in decoder.layers]
        self.past: list[tuple[torch.Tensor, torch.Tensor]] = []
        """Keys and values [P, heads, U, width of a head] of each layer."""

    def __call__(self, prefix_PU: torch.Tensor, row_P: torch.Tensor, parent_P: torch.Tensor) -> torch.Tensor:
        """Take prefixes, each one's row, and which prefix of the last call it goes on from; give [P, V + W]."""
        decoder, words = self.decoder, self.words.rows(row_P)
        at_PWH = self.memory_RTH[row_P].gather(
            1, words.tokens[..., None].expand(-1, -1, self.memory_RTH.shape[2])
        )
        last = prefix_PU[:, -1:]
        place = torch.full_like(last[:1], prefix_PU.shape[1] - 1)
        hidden = decoder.dropout(decoder.read(last, at_PWH, words.unknown) + decoder.places(place))
        mask = self.seen_RT[row_P][:, None, None]
        kept = []
        for number, layer in enumerate(decoder.layers):
            any_layer: Any = layer
            before = [one[parent_P] for one in self.past[number]] if self.past else None
            hidden, own = _through(any_layer, hidden, before, [one[row_P] for one in self.across[number]], mask)
            kept.append(own)
        self.past = kept
        found: torch.Tensor = decoder.mixed(decoder.norm(hidden), at_PWH, words)[:, 0]
        return found


def _through(
    layer: Any, hidden: torch.Tensor, before: list[torch.Tensor] | None, across: list[torch.Tensor], mask: torch.Tensor
) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    """Run one piece, [P, 1, D], through a layer that is normalised first; give it with the layer's keys and values."""
    own = layer.self_attn
    query, key, value = functional.linear(layer.norm1(hidden), own.in_proj_weight, own.in_proj_bias).chunk(3, -1)
    key, value = _heads(key, own.num_heads), _heads(value, own.num_heads)
    if before is not None:
        key, value = torch.cat([before[0], key], 2), torch.cat([before[1], value], 2)
    hidden = hidden + own.out_proj(_attended(_heads(query, own.num_heads), key, value, None))
    cross = layer.multihead_attn
    width = cross.embed_dim
    asked = functional.linear(layer.norm2(hidden), cross.in_proj_weight[:width], cross.in_proj_bias[:width])
    hidden = hidden + cross.out_proj(_attended(_heads(asked, cross.num_heads), across[0], across[1], mask))
    return hidden + layer.linear2(layer.activation(layer.linear1(layer.norm3(hidden)))), (key, value)


def _keys_and_values(cross: Any, memory: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    width = cross.embed_dim
    both = functional.linear(memory, cross.in_proj_weight[width:], cross.in_proj_bias[width:])
    key, value = both.chunk(2, -1)
    return _heads(key, cross.num_heads), _heads(value, cross.num_heads)


def _heads(x: Any, heads: int) -> Any:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _attended(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    return functional.scaled_dot_product_attention(query, key, value, mask).transpose(1, 2).flatten(2)
