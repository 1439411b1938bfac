"""What a run cost, and how near that is to what the machine could do at best."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nlptl.job import Job

if TYPE_CHECKING:
    import torch
    from torch import nn

SECONDS = 0.5
"""How long the rate of matrix products is measured."""
LEAST = 10.0
"""Seconds of training from which on it is: in a shorter run, starting is most of what is timed."""
_BLOCK = re.compile(r"(?:^|\.)\d+\.")


def floor(job: Job, log: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, float] | None:
    """Give the least time that the products of training could take on this machine, and its share of the time taken.

    Operations are 2 for each weight of the numbered layers' matrices and each token, forward; as many backward to what
    is below, and as many for the gradient of each weight that is trained: 6 where all of them are. They are divided by
    the rate of matrix products of the model's own shapes, measured here. Embeddings, head, attention scores and
    everything that is no product count nothing, nor do frozen blocks that were replayed. None where it would say
    little: short runs, several processes, no numbered layers, phases in which other blocks learn.
    """
    replayed = job.moving.frozen.replayed()
    matrices = [one for one in layer_matrices(job.moving.bare) if id(one) not in replayed]
    shapes = {(one.shape[0], one.shape[1]) for one in matrices}
    sizes = sorted(shapes, key=lambda shape: -shape[0] * shape[1])[:3]
    if seconds < LEAST or job.moving.world > 1 or not sizes or job.moving.phases:
        return None
    tokens = sum(record["tokens"] for record in log)
    step = max(1, min(job.inputs.recipe.machine.micro_tokens, tokens // max(1, len(log))))
    rate = product_rate(sizes, step, job.computing.device, _dtype(job.computing.numbers))
    least = operations(matrices, tokens) / rate
    return {"operations_per_second": rate, "tokens": tokens, "seconds": least, "share": least / seconds}


def layer_matrices(module: nn.Module) -> list[torch.nn.Parameter]:
    """Give the two-dimensional weights of the numbered layers, the lowest first."""
    return [parameter for name, parameter in module.named_parameters() if parameter.ndim == 2 and _BLOCK.search(name)]


def operations(matrices: Sequence[torch.nn.Parameter], tokens: int) -> float:
    """Count the operations of forward and backward passes over so many tokens, as `floor` says."""
    trained = [one.requires_grad for one in matrices]
    lowest = trained.index(True) if any(trained) else len(matrices)
    each = 0
    for number, one in enumerate(matrices):
        each += one.numel() * (2 + 2 * (number >= lowest) + 2 * trained[number])
    return float(each) * tokens


def product_rate(
    shapes: Sequence[tuple[int, int]], tokens: int, device: Any, dtype: torch.dtype, seconds: float = SECONDS
) -> float:
    """Measure operations a second of the three products of a layer: forward, and backward to input and weight."""
    import torch

    parts = []
    for wide, narrow in shapes:
        sizes = ((tokens, narrow), (wide, narrow), (tokens, wide))
        x, w, g = (torch.randn(size, device=device).to(dtype) for size in sizes)
        parts.append((x, w, g, 6.0 * tokens * wide * narrow))
    _round(parts, device)
    began, done = time.perf_counter(), 0.0
    while (spent := time.perf_counter() - began) < seconds or not done:
        done += _round(parts, device)
    return done / spent


def _round(parts: Sequence[tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]], device: Any) -> float:
    import torch

    for x, w, g, _ in parts:
        for first, second in ((x, w.t()), (g, w), (g.t(), x)):
            first @ second
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return sum(one[3] for one in parts)


def _dtype(numbers: str) -> torch.dtype:
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[numbers]


def device_memory_mib(device: Any) -> float | None:
    """Give the most memory that torch held on a GPU, in MiB; None elsewhere."""
    import torch

    return torch.cuda.max_memory_allocated(device) / 2**20 if torch.device(device).type == "cuda" else None
