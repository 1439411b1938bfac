"""What a training step takes of memory, estimated before one is taken, and gradient checkpointing where it would not
fit.

What autograd keeps of a micro-batch grows by the same number of bytes with each example of one length, so it is counted
on one example and on two of the largest micro-batch and continued in a line; nothing of that size is computed for it.
Gradients and Adam's moments are counted, weights are there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nlptl import backbone, engine
from nlptl.contradictions import TWO_PASSES
from nlptl.data import batches
from nlptl.errors import BadInput
from nlptl.recipe import Recipe
from nlptl.tasks import Feature
from nlptl.tuning import Tuning

MIB = 2**20
GAPS = 2.2
"""How much more of a CPU's memory a process may take than its tensors, for the gaps that the allocator leaves: up to
2.1 times was seen (benchmarks/results/step_memory.json). GPUs have an allocator of torch's own.
"""
WIDTHS = ("hidden_size", "d_model", "n_embd", "dim")
"""What configurations call the size of a hidden state."""
LOOKED = 200
"""Steps of an epoch whose micro-batches are compared; steps are shuffled, so the longest rows lie among all of them and
the limit of tokens is met early.
"""


@dataclass(frozen=True)
class Estimate:
    """Bytes of a step of one process."""

    weights: int
    learning: int
    """Gradients and the optimizer's moments."""
    kept: int
    """What autograd keeps of the largest micro-batch."""
    again: int
    """The same with gradient checkpointing."""
    work: int
    """Gradients of activations, on the way back."""
    examples: int
    tokens: int
    """The largest micro-batch: its examples, and its padded length."""

    def total(self, *, again: bool) -> int:
        """Give all of it, with gradient checkpointing or without."""
        return self.weights + self.learning + self.work + (self.again if again else self.kept)

    def __str__(self) -> str:
        """Say it in a line."""
        return (
            f"memory of a step, estimated: {self.total(again=False) / MIB:,.0f} MiB: weights "
            f"{self.weights / MIB:,.0f}, gradients and moments {self.learning / MIB:,.0f}, activations "
            f"{(self.kept + self.work) / MIB:,.0f} ({(self.again + self.work) / MIB:,.0f} with gradient "
            f"checkpointing) for {self.examples} rows of {self.tokens} tokens"
        )


@dataclass(frozen=True)
class Kept:
    """What autograd keeps of a forward pass, in bytes."""

    all: int
    largest: int
    """Tensor of it."""


def estimate(
    moving: engine.Trained, verbs: engine.Verbs, recipe: Recipe, features: Sequence[Feature], seed: int
) -> Estimate:
    """Estimate the largest step of the first epoch; the weights and the optimizer stay as they are."""
    share = _largest(moving, recipe, features, seed)
    blocks = max(1, moving.model.blocks)
    one, two = (_pass(moving, verbs, recipe, share[:count], seed) for count in (1, 2))
    count, length = len(share), max(_length(feature) for feature in share)
    kept = one.all + (two.all - one.all) * (count - 1) if count > 1 else one.all
    largest = one.largest * count
    hidden = _hidden(moving) * length * count * 4
    learning = sum(12 * each.numel() for group in moving.optimizer.param_groups for each in group["params"])
    weights = sum(each.numel() * each.element_size() for each in moving.bare.parameters())
    again = min(kept, blocks * hidden + kept // blocks)
    return Estimate(weights, learning, kept, again, 2 * largest, count, length)


def _length(feature: Feature) -> int:
    return len(feature.input_ids) + len(feature.decoder_ids)


def _largest(moving: engine.Trained, recipe: Recipe, features: Sequence[Feature], seed: int) -> list[Feature]:
    """Give the micro-batch that takes the most: by its padded tokens, and of equal ones by its length."""
    steps = batches.plan_epoch(features, batch=recipe.train.batch, seed=seed, epoch=0)
    steps.sort(key=lambda step: max(map(_length, step)), reverse=True)
    tokens = recipe.machine.micro_tokens
    shares = [
        share for step in steps[:LOOKED]
        for share in batches.micro_batches(step, tokens=tokens, rank=moving.rank, world=moving.world)
    ] or [[steps[0][0]]]  # fmt: skip
    found = max(shares, key=lambda share: (len(share) * max(map(_length, share)), max(map(_length, share))))
    return sorted(found, key=_length, reverse=True)


def _hidden(moving: engine.Trained) -> int:
    config: Any = backbone.transformer_of(moving.bare).config
    return int(next((getattr(config, name) for name in WIDTHS if hasattr(config, name)), 0))


def _pass(
    moving: engine.Trained, verbs: engine.Verbs, recipe: Recipe, features: Sequence[Feature], seed: int
) -> Kept:
    """Count what a forward pass over some features keeps, each piece of memory once, parameters left out."""
    import torch

    own = {each.untyped_storage().data_ptr() for each in moving.bare.parameters()}
    held: dict[int, Any] = {}

    def keep(tensor: Any) -> Any:
        place = tensor.untyped_storage().data_ptr()
        if place not in own and tensor.device == moving.computing.device:
            held[place] = tensor
        return tensor

    training, alone = moving.bare.training, replace(moving, module=moving.bare)
    moving.bare.train()
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[] if moving.computing.device.type == "cpu" else None))
        for kind in recipe.tuning:
            stack.enter_context(kind.during(moving.bare, moving.memories[kind.kind], seed=seed, step=1))
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            engine.micro_loss(alone, verbs, features, 1, recipe.tuning, seed)
    moving.bare.train(training)
    sizes = [each.untyped_storage().nbytes() for each in held.values()]
    return Kept(sum(sizes), max(sizes, default=0))


def settle(
    moving: engine.Trained, verbs: engine.Verbs, recipe: Recipe, features: Sequence[Feature], seed: int, *,
    say: Callable[[str], None],
) -> Estimate | None:  # fmt: skip
    """Estimate a step and turn gradient checkpointing on where it is `auto` and the step would not fit; say why.

    All processes do the same. None where nothing is to be decided.
    """
    machine = recipe.machine
    if machine.gradient_checkpointing != "auto":
        return None
    found = estimate(moving, verbs, recipe, features, seed)
    room = _room(moving, found, machine.memory_gib)
    if room is None or found.total(again=False) <= room:
        return found
    short = f"a step needs about {found.total(again=False) / MIB:,.0f} MiB, there are {room / MIB:,.0f} for it"
    why = _why_not(moving, recipe.tuning)
    if why:
        say(f"warning: {short}; gradient checkpointing stays off: {why}; lower machine.micro_tokens")
        return found
    say(f"gradient checkpointing is on: {short}, and with it about {found.total(again=True) / MIB:,.0f} MiB are needed")
    if found.total(again=True) > room:
        say("warning: that may be too much too; lower machine.micro_tokens, which changes no number")
    return found


def _why_not(moving: engine.Trained, tuning: Sequence[Tuning]) -> str:
    """Turn it on, or say why that cannot be."""
    from nlptl.modules import called_dropout, recomputing

    twice = next((kind.kind for kind in tuning if kind.kind in TWO_PASSES), None)
    if twice is not None:
        return f"'{twice}' makes two passes"
    noise = moving.noise
    if noise is not None:  # it watches what computes a block again, so it must come after
        called_dropout.remove(moving.bare)
    try:
        recomputing.enable(backbone.transformer_of(moving.bare))
    except BadInput as fault:
        return fault.problems[0].what
    finally:
        if noise is not None:
            called_dropout.install(moving.bare, noise)
    return ""


def _room(moving: engine.Trained, found: Estimate, budget: float | None) -> int | None:
    """Give the bytes that a step may take, the weights that are there included; None where that cannot be known."""
    if budget is not None:
        return int(budget * 2**30)
    free = _free(moving.computing.device)
    if free is None:
        return None
    import torch

    if moving.computing.device.type == "cpu":  # the processes of this machine share it
        free = int(free / GAPS / moving.world)
    if moving.world > 1:
        each = moving.computing.accelerator.gather(torch.tensor([free], device=moving.computing.device))
        free = int(each.min())
    return found.weights + free


def _free(device: Any) -> int | None:
    """Give the bytes of a device that are free for this process; None where it does not say."""
    import torch

    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    if device.type != "cpu":
        return None
    import psutil

    folder = Path("/sys/fs/cgroup")
    limits = (
        _left(folder / "memory.max", folder / "memory.current", folder / "memory.stat"),
        _left(*(folder / "memory" / f"memory.{name}" for name in ("limit_in_bytes", "usage_in_bytes", "stat"))),
    )
    return min([int(psutil.virtual_memory().available), *(one for one in limits if one is not None)])


def _left(limit: Path, used: Path, details: Path) -> int | None:
    """Give what a control group leaves, cached files that can go not counted; None where there is none, or no limit."""
    try:
        most, now, told = (file.read_text(encoding="ascii").split() for file in (limit, used, details))
    except OSError:
        return None
    if not (most[0].isdigit() and now[0].isdigit()):
        return None
    known = dict(zip(told[::2], told[1::2], strict=False))
    cached = int(known.get("total_inactive_file", known.get("inactive_file", "0")))
    return max(0, int(most[0]) - int(now[0]) + cached)
