"""Features to tensors. `B` features, `T` tokens of the longest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from nlptl.tasks import Backbone, Batch, Feature


def padded(features: Sequence[Feature], backbone: Backbone) -> dict[str, torch.Tensor]:
    """Give `input_ids`, `attention_mask` and, where the features have them, `token_type_ids`, each [B, T].

    Padded on the tokenizer's side.
    """
    width = max(len(feature.input_ids) for feature in features)
    pad = backbone.tokenizer.pad_token_id
    left = backbone.padding_side == "left"

    def filled(values: Sequence[int], filler: int) -> list[int]:
        gap = [filler] * (width - len(values))
        return [*gap, *values] if left else [*values, *gap]

    inputs = {
        "input_ids": torch.tensor([filled(feature.input_ids, pad) for feature in features]),
        "attention_mask": torch.tensor([filled([1] * len(feature.input_ids), 0) for feature in features]),
    }
    if all(feature.token_types is not None for feature in features):
        inputs["token_type_ids"] = torch.tensor([filled(feature.token_types or (), 0) for feature in features])
    return inputs


def in_parts(batch: Batch, rows: int) -> Iterator[Batch]:
    """Yield a batch as it is, or in parts of so many rows (one at least), each as wide as the whole."""
    rows = max(1, rows)
    if rows >= len(batch.features):
        yield batch
        return
    for first in range(0, len(batch.features), rows):
        part = slice(first, first + rows)
        inputs, targets = ({name: one[part] for name, one in side.items()} for side in (batch.inputs, batch.targets))
        yield Batch(batch.features[part], inputs, targets)
