"""Whether a model's answers depend on what else stands in the batch: tried on opening, not assumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from nlptl.errors import BadInput, Problem
from nlptl.tasks import Backbone, Feature, Model, Task

TOLERANCE = 1e-3
"""Largest difference of a logit, over the largest logit; another order of sums gives 1e-6."""


def check(task: Task, model: Model, features: Sequence[Feature], backbone: Backbone, fitted: Any) -> None:
    """Compute features together and each alone, in eval mode.

    Raises BadInput where that is not the same: the architecture reads its padding, and every score would depend on the
    order of rows.
    """
    module = model.module
    training = module.training
    module.eval()
    with torch.inference_mode():
        together = task.witness(module, task.collate(features, backbone, fitted), backbone, fitted)
        alone = [
            task.witness(module, task.collate([one], backbone, fitted), backbone, fitted)[0] for one in features
        ]
    module.train(training)
    one, other = (torch.tensor(_numbers(found)) for found in (together, alone))
    gap = float((one - other).abs().max() / one.abs().max().clamp(min=1e-6))
    if bool(other.isfinite().all()) and not gap <= TOLERANCE:  # weights that are no numbers are another fault
        what = f"its answers change by {gap:.2g} with what stands beside a text in a batch: it reads the padding"
        raise BadInput("model.checkpoint", Problem(what, fix="take another architecture; docs/families.md lists some"))


def _numbers(nest: Any) -> list[float]:
    return [nest] if isinstance(nest, float) else [number for part in nest for number in _numbers(part)]
