"""A small decoder over an encoder: it writes a form piece by piece, from a vocabulary or copied from the utterance.

`B` utterances, `T` their tokens, `W` their words, `U` pieces of a form, `V` of the vocabulary, `H` the width of the
encoder, `D` that of the decoder. Transformer layers (Vaswani et al. 2017, arXiv:1706.03762), normalised before each
part (Xiong et al. 2020, arXiv:2002.04745); the mixture of writing and copying is that of See, Liu and Manning 2017
(arXiv:1704.04368, equations 8 and 9). Pieces have one numbering: below V the vocabulary, from V on the words of the
row that are not in it, so that a word that can be written and copied gets the sum of both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

WEIGHTS = "decoder.safetensors"
LEAST = 1e-9
"""What is added to a probability before its logarithm: a piece that can neither be written nor copied costs 20.7."""


class CopyingDecoder(nn.Module):
    """Layers over the encoder's tokens, an output over V, a pointer to W words, and a gate between the two."""

    def __init__(
        self, *, memory: int, vocabulary: int, layers: int, width: int, heads: int, longest: int, dropout: float
    ) -> None:
        super().__init__()
        self.pieces = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(longest, width)
        self.bridge, self.reads = nn.Linear(memory, width), nn.Linear(memory, width)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(_layer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.written = nn.Linear(width, vocabulary)
        self.asks, self.answers = nn.Linear(width, width), nn.Linear(memory, width)
        self.gate = nn.Linear(width, 1)
        for table in (self.pieces, self.places):
            nn.init.normal_(table.weight, std=0.02)

    def forward(
        self, pieces_BU: torch.Tensor, memory_BTH: torch.Tensor, unseen_BT: torch.Tensor, words: Words, *,
        last: bool = False,
    ) -> torch.Tensor:  # fmt: skip
        """Give the log-probability of every next piece, [B, U, V + W]; `unseen_BT` is true where padding stands.

        With `last` of the piece after the whole prefix alone, [B, 1, V + W].
        """
        length = pieces_BU.shape[1]
        at_BWH = memory_BTH.gather(1, words.tokens[..., None].expand(-1, -1, memory_BTH.shape[2]))
        place = torch.arange(length, device=pieces_BU.device)
        hidden = self.dropout(self.read(pieces_BU, at_BWH, words.unknown) + self.places(place))
        memory = self.bridge(memory_BTH)
        later = torch.ones(length, length, dtype=torch.bool, device=pieces_BU.device).triu(1)
        for layer in self.layers:
            hidden = layer(hidden, memory, tgt_mask=later, memory_key_padding_mask=unseen_BT)
        return self.mixed(self.norm(hidden[:, -1:] if last else hidden), at_BWH, words)

    def read(self, pieces_BU: torch.Tensor, at_BWH: torch.Tensor, unknown: int) -> torch.Tensor:
        """Look pieces of the vocabulary up; a copied word is read as the encoder understands it where it stands."""
        size = self.pieces.num_embeddings
        known = self.pieces(pieces_BU.masked_fill(pieces_BU >= size, unknown))
        place = (pieces_BU - size).clamp(min=0)[..., None].expand(-1, -1, at_BWH.shape[2])
        copied = self.reads(at_BWH.gather(1, place))
        return torch.where(pieces_BU[..., None] >= size, copied, known.to(copied.dtype))

    def mixed(self, hidden_BUD: torch.Tensor, at_BWH: torch.Tensor, words: Words) -> torch.Tensor:
        """Mix writing and copying; in fp32, since small probabilities are added up."""
        scores_BUW = self.asks(hidden_BUD) @ self.answers(at_BWH).transpose(1, 2) * hidden_BUD.shape[2] ** -0.5
        scores_BUW = scores_BUW.float().masked_fill(~words.real[:, None], torch.finfo(torch.float32).min)
        copied_BUW = scores_BUW.softmax(-1) * words.real[:, None]
        share_BU1 = self.gate(hidden_BUD).float().sigmoid()
        written_BUV = self.written(hidden_BUD).float().softmax(-1) * share_BU1
        whole = functional.pad(written_BUV, (0, words.tokens.shape[1]))
        whole = whole.scatter_add(2, words.pieces[:, None].expand_as(copied_BUW), copied_BUW * (1 - share_BU1))
        return (whole + LEAST).log()


class Words:
    """The words of a batch's utterances, as the pointer needs them."""

    def __init__(self, tokens: torch.Tensor, pieces: torch.Tensor, real: torch.Tensor, unknown: int) -> None:
        self.tokens = tokens
        """[B, W]: the place of each word's first token."""
        self.pieces = pieces
        """[B, W]: the piece that copying it gives: of the vocabulary, or V plus the first word of the row like it."""
        self.real = real
        """[B, W]: false where there is no such word."""
        self.unknown = unknown
        """The piece of the vocabulary that stands for all others when it is read."""

    def rows(self, chosen: torch.Tensor) -> Words:
        """Give those of some rows."""
        return Words(self.tokens[chosen], self.pieces[chosen], self.real[chosen], self.unknown)


class CopyingParser(nn.Module):
    """An encoder of transformers' (`body`) with the decoder."""

    def __init__(self, body: Any, decoder: CopyingDecoder, unknown: int) -> None:
        super().__init__()
        self.body, self.decoder, self.unknown = body, decoder, unknown

    @property
    def config(self) -> Any:
        """The encoder's configuration."""
        return self.body.config

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, decoder_input_ids: torch.Tensor,
        word_tokens: torch.Tensor, word_pieces: torch.Tensor, word_real: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """Give log-probabilities [B, U, V + W] of the pieces after each of `decoder_input_ids` [B, U]."""
        memory_BTH = self.encode(input_ids, attention_mask, token_type_ids)
        words = Words(word_tokens, word_pieces, word_real, self.unknown)
        found: torch.Tensor = self.decoder(decoder_input_ids, memory_BTH, attention_mask == 0, words)
        return found

    def encode(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Give what the encoder says of the tokens, [B, T, H]."""
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        found: torch.Tensor = self.body(input_ids=input_ids, attention_mask=attention_mask, **types).last_hidden_state
        return found

    def save_pretrained(self, folder: Path) -> None:
        """Write the encoder as transformers does, and the decoder beside it."""
        self.body.save_pretrained(folder)
        self.save_head(folder)

    def save_head(self, folder: Path) -> None:
        """Write the decoder alone."""
        from safetensors.torch import save_file

        save_file({name: one.detach().cpu().contiguous() for name, one in self.decoder.state_dict().items()},
                  folder / WEIGHTS)  # fmt: skip


def _layer(width: int, heads: int, dropout: float) -> nn.TransformerDecoderLayer:
    layer = nn.TransformerDecoderLayer(
        width, heads, 4 * width, dropout, activation="gelu", batch_first=True, norm_first=True
    )
    # torch draws this dropout inside of a function, where a mask that belongs to the example cannot stand in.
    layer.self_attn.dropout = layer.multihead_attn.dropout = 0.0
    return layer
