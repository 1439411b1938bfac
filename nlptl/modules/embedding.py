"""An input embedding that trains only the rows that training uses: the others take no gradient and no moments.

`R` rows of the whole table, `U` used ones, `H` width. Nothing is approximated: a row that no example holds has a zero
gradient at every step, so all that AdamW does to it is weight decay, a product of numbers that is applied when it is
read.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

WORTHWHILE = 0.9
"""The largest part of the rows that may be in use; nearer to 1 the gain is lost in the lookup."""


class TrimmedEmbedding(nn.Module):
    """Stand in for nn.Embedding. `weight` [U, H] is the parameter, under the name it had; the other rows do not move.

    They are no part of the state: they are the checkpoint's, and `rest_decay` is all that must be stored of them.
    """

    def __init__(self, source: nn.Embedding, used: torch.Tensor) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = source.num_embeddings, source.embedding_dim
        self.padding_idx = source.padding_idx
        self.rest_decay = 1.0
        """What all steps together have multiplied the other rows by; kept in float64, applied when they are read."""
        # No buffers: DDP sends every buffer before each forward pass, and `rest` is a GB for some vocabularies.
        self.used, self.rest = used, source.weight.detach()
        self.place = torch.full((self.num_embeddings,), -1, dtype=torch.int64)
        self.place[used] = torch.arange(len(used))
        self.weight = nn.Parameter(self.rest[used].clone())
        self.padding_place = None if self.padding_idx is None else int(self.place[self.padding_idx])

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Look ids up, [B, T] to [B, T, H]. In training every id must be of a used row; else the others answer too."""
        if self.place.device != ids.device:
            self.place = self.place.to(ids.device)
        place = self.place[ids]
        known = place >= 0
        if self.training:
            assert ids.device.type != "cpu" or bool(known.all()), "a token in training that trim was not told of"
            # As in nn.Embedding the padding token's row takes no gradient.
            return nn.functional.embedding(place, self.weight, self.padding_place)
        if bool(known.all()):
            return nn.functional.embedding(place, self.weight)
        found = nn.functional.embedding(place.clamp(min=0), self.weight)
        others = nn.functional.embedding(ids.to(self.rest.device), self.rest).double() * self.rest_decay
        return torch.where(known[..., None], found, others.to(found))

    def decay_rest(self, factor: float) -> None:
        """Do to the unused rows what a step of AdamW does to a weight without gradient: w * (1 - rate * weight_decay).
        """
        self.rest_decay *= factor

    def whole(self) -> torch.Tensor:
        """Give the table as full training would have left it, [R, H]."""
        table = (self.rest.double() * self.rest_decay).to(self.weight)
        table[self.used] = self.weight.detach()
        return table

    def extra_repr(self) -> str:
        """Say what print(model) shows."""
        return f"{len(self.used)} of {self.num_embeddings}, {self.embedding_dim}"


@dataclass(frozen=True)
class Off:
    """Why a table stays whole."""

    why: str


def trim(model: Any, used_ids: Collection[int]) -> TrimmedEmbedding | Off:
    """Replace the model's input embedding, before an optimizer exists, if that is exact and pays; else say why not."""
    table = model.get_input_embeddings()
    why = _refused(model, table, used_ids)
    if why:
        return Off(why)
    ids = set(used_ids) | ({table.padding_idx} - {None})
    # Padding and the other special tokens can appear in a batch without being in a feature.
    ids |= {one for one in _special_ids(model) if one < table.num_embeddings}
    trimmed = TrimmedEmbedding(table, torch.tensor(sorted(ids)))
    model.set_input_embeddings(trimmed.train(table.training))
    return trimmed


def _refused(model: Any, table: Any, used_ids: Collection[int]) -> str:
    output = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    if type(table) is not nn.Embedding:
        return f"the input embedding is a {type(table).__name__}"
    if output is not None and output.weight is table.weight:
        return "the output layer shares the table, and its gradient reaches every row"
    if sum(parameter is table.weight for module in model.modules() for parameter in module._parameters.values()) > 1:
        return "another module shares the table"
    if table.max_norm is not None or table.sparse or table.scale_grad_by_freq:
        return "max_norm, sparse or scale_grad_by_freq is set"
    if not table.weight.requires_grad:
        return "the table is frozen"
    if table.weight.device.type != "cpu":
        return "the model is no longer on the CPU"
    if not used_ids:
        return "no row is used"
    if len(used_ids) > WORTHWHILE * table.num_embeddings:
        return f"{len(used_ids)} of {table.num_embeddings} rows are used"
    return ""


def _special_ids(model: Any) -> set[int]:
    config = model.config
    names = ("pad_token_id", "bos_token_id", "eos_token_id", "sep_token_id", "cls_token_id", "decoder_start_token_id")
    found: set[int] = set()
    for name in names:
        value = getattr(config, name, None)
        found |= set(value) if isinstance(value, list) else {value} if isinstance(value, int) else set()
    return {one for one in found if one >= 0}


def restore(model: Any) -> bool:
    """Put a plain nn.Embedding with the whole table back; say whether there was anything to do."""
    trimmed = model.get_input_embeddings()
    if not isinstance(trimmed, TrimmedEmbedding):
        return False
    table = nn.Embedding(
        trimmed.num_embeddings, trimmed.embedding_dim, padding_idx=trimmed.padding_idx, _weight=trimmed.whole(),
    )  # fmt: skip
    table.weight.requires_grad_(trimmed.weight.requires_grad)
    model.set_input_embeddings(table.train(trimmed.training))
    return True
