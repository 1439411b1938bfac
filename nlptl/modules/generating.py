"""What generation by transformers needs to say what was trained: our settings alone, prompts on the left, numbers."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from nlptl.errors import BadInput, Problem
from nlptl.tasks import Backbone, Batch

TAKES = ("position_ids", "logits_to_keep")


def check(model: Any) -> None:
    """Raise BadInput for a decoder that cannot be told where tokens stand, or which logits are wanted."""
    lacking = [name for name in TAKES if name not in inspect.signature(model.forward).parameters]
    if lacking:
        what = f"{type(model).__name__} does not take {' and '.join(lacking)}: it cannot be trained to write forms here"
        fix = "take another architecture; docs/families.md lists some"
        raise BadInput("model.checkpoint", Problem(what, field="model.checkpoint", fix=fix))


def left(batch: Batch, backbone: Backbone) -> dict[str, torch.Tensor]:
    """Give the prompts padded on the left, whatever the tokenizer's side: what is generated follows at once."""
    ids, mask = batch.inputs["input_ids"], batch.inputs["attention_mask"]
    if backbone.padding_side == "left":
        return {"input_ids": ids, "attention_mask": mask}
    gaps = mask.shape[1] - mask.sum(1)
    turn = (torch.arange(mask.shape[1], device=mask.device) - gaps[:, None]) % mask.shape[1]
    return {"input_ids": ids.gather(1, turn), "attention_mask": mask.gather(1, turn)}


def until_end(ids: Sequence[int], end: int, longest: int) -> tuple[list[int], bool]:
    """Give the tokens before the end, and whether there was none."""
    return (list(ids[: ids.index(end)]), False) if end in ids else (list(ids[:longest]), True)


@contextlib.contextmanager
def plainly(model: Any) -> Iterator[None]:
    """Let generation follow our settings alone: transformers fills what they leave open from the checkpoint's own.

    BART's forbids to write three tokens twice, and forces a first one; Qwen's makes what was said before improbable.
    """
    from transformers import GenerationConfig

    own, model.generation_config = model.generation_config, GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = own


def off_on_cpu(device: str) -> contextlib.AbstractContextManager[Any]:
    """Compute in fp32 on a CPU, and elsewhere in the numbers that the run has chosen."""
    return torch.autocast("cpu", enabled=False) if device == "cpu" else contextlib.nullcontext()
