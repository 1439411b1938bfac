"""Compute the frozen bottom for a set of features, once: by this run, or by one before it that had the same to do."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl.computing import Computing
from nlptl.data.batches import evaluation_batches
from nlptl.frozen import files
from nlptl.frozen.replaying import Frozen, Store
from nlptl.tasks import Feature
from nlptl.version import __version__

if TYPE_CHECKING:
    import torch
    from torch import nn

    from nlptl.modules.bottom import Bottom

FILL_TOKENS = 2048
"""Padded tokens of a batch while a store is filled: what a layer hands on stays in a CPU's cache."""
TOLERANCES = {"fp32": 1e-4, "bf16": 3e-2, "fp16": 3e-2}
"""Largest difference of a few examples' loss with the bottom replayed, over its size if that is above 1."""
Loss = Callable[[Sequence[Feature], bool], float]


@dataclass(frozen=True)
class Filling:
    """How a set is filled."""

    forward: Callable[[Sequence[Feature]], object]
    """Run the model over a batch, as training or prediction does."""
    loss: Loss | None
    """Give a batch's loss without dropout, replayed or not: the replay is tried, not assumed. None: no try."""
    folder: Path
    budget: int
    """Bytes that all stores in the folder may take together."""
    computing: Computing
    say: Callable[[str], None]


def keep(frozen: Frozen, features: Sequence[Feature], filling: Filling) -> None:
    """Open the store of a set of features, after filling it if no run did before."""
    bottom = frozen.bottom
    if bottom is None or frozen.why or not features:
        return
    sample = _run(bottom, filling, evaluation_batches(features[:1], tokens=FILL_TOKENS)[0])
    whole = sample.shape[1] == len(features[0].input_ids)
    lengths = [len(one.input_ids) if whole else 1 for one in features]
    kept = _kept(sample, filling.computing)
    place = filling.folder / _key(bottom, features, filling.computing, (str(kept), whole))
    seconds = files.found(place)
    if seconds is None:
        size = sum(lengths) * sample.shape[-1] * kept.itemsize
        frozen.why = files.no_room(filling.folder, size, filling.budget)
        filling.computing.wait()
    if frozen.why:
        return
    if seconds is None:
        seconds = _fill(bottom, features, lengths, filling, place, (sample.shape[-1], kept))
    import torch

    try:
        rows = torch.from_file(str(place / files.DATA), size=sum(lengths) * sample.shape[-1], dtype=kept)
    except (OSError, RuntimeError):
        frozen.why = f"{place.name} was removed as soon as it was there; raise machine.frozen_gib"
        return
    starts = [0]
    for length in lengths[:-1]:
        starts.append(starts[-1] + length)
    frozen.stores.append(Store(features, starts, lengths, rows.view(-1, sample.shape[-1]), sample.dtype, seconds))
    if filling.loss is not None:
        _try(frozen, features, filling.loss, TOLERANCES[filling.computing.numbers])


def _try(frozen: Frozen, features: Sequence[Feature], loss: Loss, tolerance: float) -> None:
    """Compare the loss of a few features with and without replaying; where it differs, replay the last frozen block
    alone, and where that does not help, nothing.
    """
    assert frozen.bottom is not None
    chosen = sorted(features, key=lambda one: len(one.input_ids))[:: max(1, len(features) // 4)][:4]
    hits, saved = frozen.hits, frozen.saved_seconds
    theirs = loss(chosen, False)
    for frozen.bottom.whole in (False, True):
        ours = loss(chosen, True)
        if right := abs(ours - theirs) <= tolerance * max(1.0, abs(theirs)):
            break
    frozen.hits, frozen.saved_seconds = hits, saved
    if not right:
        frozen.stores.clear()
        frozen.why = f"with the bottom replayed a loss is {ours:.6g}, without {theirs:.6g}"


def _run(bottom: Bottom, filling: Filling, features: Sequence[Feature]) -> torch.Tensor:
    import torch

    with torch.no_grad(), filling.computing.forward():
        return bottom.compute(lambda: filling.forward(features))


def _kept(sample: torch.Tensor, computing: Computing) -> torch.dtype:
    """Choose what is stored: bf16 where the step itself computes in it, else what the bottom hands on."""
    import torch

    return torch.bfloat16 if computing.numbers == "bf16" else sample.dtype


def _key(bottom: Bottom, features: Sequence[Feature], computing: Computing, form: tuple[str, bool]) -> str:
    """Give the name of a store: everything that its bits depend on."""
    from importlib.metadata import version

    import torch

    found = hashlib.sha256()
    tools = {name: version(name) for name in ("torch", "transformers")}
    said = [__version__, tools, computing.numbers, *form, computing.device.type, torch.get_num_threads(), FILL_TOKENS]
    found.update(json.dumps([*said, len(bottom.blocks), bottom.settings]).encode())
    for module in (*bottom.before, *bottom.blocks):
        for name, tensor in module.state_dict().items():
            found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            found.update(_bytes(tensor))
        for rows in _untrimmed(module, features):
            found.update(_bytes(rows))
    for feature in features:
        found.update(json.dumps([list(feature.input_ids), list(feature.token_types or ())]).encode())
    return found.hexdigest()[:32]


def _bytes(tensor: torch.Tensor) -> memoryview:
    import torch

    array: Any = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
    return memoryview(array)


def _untrimmed(module: nn.Module, features: Sequence[Feature]) -> list[torch.Tensor]:
    """Give the rows that the features look up in a table that is trimmed and frozen: its state holds those of the
    training text alone.
    """
    import torch

    from nlptl.modules.embedding import TrimmedEmbedding

    ids = torch.tensor(sorted({token for feature in features for token in feature.input_ids}))
    return [part.rest[ids.to(part.rest.device)] for part in module.modules() if isinstance(part, TrimmedEmbedding)]


def _fill(
    bottom: Bottom, features: Sequence[Feature], lengths: Sequence[int], filling: Filling, place: Path,
    form: tuple[int, torch.dtype],
) -> float:  # fmt: skip
    """Compute the bottom for every feature, each process its share of the batches, into a file that then appears."""
    import torch

    width, kept = form
    computing, began = filling.computing, time.perf_counter()
    working = place.with_name(f"{place.name}.{_shared(computing)}.part")
    size = sum(lengths) * width
    if computing.main:
        files.make_room(filling.folder, size * kept.itemsize, filling.budget)
        files.allocate(working, size * kept.itemsize)
    computing.wait()
    rows = torch.from_file(str(working / files.DATA), shared=True, size=size, dtype=kept).view(-1, width)
    starts, at = {}, 0
    for feature, length in zip(features, lengths, strict=True):
        starts[id(feature)] = (at, length)
        at += length
    batches = evaluation_batches(features, tokens=FILL_TOKENS)
    accelerator = computing.accelerator
    for chosen in batches[accelerator.process_index :: accelerator.num_processes]:
        hidden = _run(bottom, filling, chosen).cpu()
        for number, feature in enumerate(chosen):
            start, length = starts[id(feature)]
            rows[start : start + length] = hidden[number, :length].to(kept)
    computing.wait()
    seconds = time.perf_counter() - began
    if computing.main:
        files.publish(working, place, seconds)
    computing.wait()
    what = f"{len(bottom.blocks)} frozen blocks computed once for {len(features)} inputs"
    filling.say(f"{what} in {seconds:.1f} s, {size * kept.itemsize / 2**20:.0f} MiB")
    return seconds


def _shared(computing: Computing) -> str:
    """Give a name that all processes of this run share and no other run has."""
    name = f"{os.getpid()}-{time.time_ns()}"
    if computing.accelerator.num_processes == 1:
        return name
    from accelerate.utils import broadcast_object_list

    return str(broadcast_object_list([name])[0])
