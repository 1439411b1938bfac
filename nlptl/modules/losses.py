"""Losses of labels as sums and counts. `B` examples, `V` labels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from nlptl.tasks import Loss, Said


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
    parts_B = count_B if shares is None else count_B * shares

    def said() -> Said:
        return of_several(logits, parts_B) if target.ndim == 2 else Said(logits.log_softmax(1), parts_B)

    if shares is None:
        return Loss(found, count_B.sum(), said)
    return Loss((found * shares).sum(), parts_B.sum(), said)


def of_several(logits_BV: torch.Tensor, weights_B: torch.Tensor) -> Said:
    """Give a distribution over yes and no for each label of each example."""
    both = torch.stack([functional.logsigmoid(logits_BV), functional.logsigmoid(-logits_BV)], 2)
    each = (weights_B / logits_BV.shape[1])[:, None].expand_as(logits_BV)
    return Said(both.flatten(0, 1), each.flatten())


def apart(first: Said, second: Said) -> torch.Tensor:
    """Give the sum of both Kullback-Leibler divergences, of one to the other and back, each N by its weight."""
    one, other = first.log_probabilities_NV, second.log_probabilities_NV
    return (((one.exp() - other.exp()) * (one - other)).sum(1) * first.weights_N).sum()
