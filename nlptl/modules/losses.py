"""Losses of labels as sums and counts. `B` examples, `V` labels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from nlptl.tasks import Loss


def of_labels(
    logits: torch.Tensor, target: torch.Tensor, *, weights: Sequence[float] | None, shares: torch.Tensor | None
) -> Loss:
    """Give cross entropy, logits [B, V] and target [B], or binary cross entropy, target [B, V] of 0.0 and 1.0.

    `weights`: V, of a label's examples, or where there are several of its positives. Counted in examples, or in their
    weights; `shares` [B] are what part of an example each is, where one has several windows.
    """
    weights_V = None if weights is None else torch.tensor(weights, device=logits.device)
    reduction = "sum" if shares is None else "none"
    count_B = torch.ones(len(target), device=logits.device)
    if target.ndim == 2:
        found = functional.binary_cross_entropy_with_logits(logits, target, pos_weight=weights_V, reduction=reduction)
        found = (found if shares is None else found.sum(1)) / target.shape[1]
    else:
        found = functional.cross_entropy(logits, target, weight=weights_V, reduction=reduction)
        count_B = count_B if weights_V is None else weights_V[target]
    if shares is None:
        return Loss(found, count_B.sum())
    return Loss((found * shares).sum(), (count_B * shares).sum())
