"""Compute the frozen bottom for a set of features, once: by this run, or by one before it that had the same to do."""

from __future__ import annotations

import hashlib
import itertools
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
    later: Sequence[int] = ()
    """Numbers of lowest blocks whose output is wanted after this bottom's: kept in the same pass, where there is room.
    """


@dataclass(frozen=True)
class _Level:
    """What block `blocks`, counted from 1, hands on for a set of features, as it is stored."""

    blocks: int
    lengths: Sequence[int]
    """Rows of each feature: its tokens, or 1 where that block computes the first token alone."""
    width: int
    numbers: torch.dtype
    """What it hands on."""
    kept: torch.dtype
    """What the file holds."""
    place: Path

    @property
    def size(self) -> int:
        return sum(self.lengths) * self.width * self.kept.itemsize


def keep(frozen: Frozen, features: Sequence[Feature], filling: Filling) -> None:
    """Open the store of a set of features, after filling it if no run did before."""
    bottom = frozen.bottom
    if bottom is None or frozen.why or not features:
        return
    level, *later = _levels(bottom, features, filling)
    seconds = files.found(level.place)
    if seconds is None:
        frozen.why = files.no_room(filling.folder, level.size, filling.budget)
        also = [] if frozen.why else _with_room(level, later, filling)
        filling.computing.wait()
        if frozen.why:
            return
        seconds = _fill(bottom, features, [level, *also], filling)
        frozen.made |= {one.place.name for one in (level, *also)}
        _open(frozen, features, level, (seconds, seconds))
    else:
        _open(frozen, features, level, (seconds, 0.0 if level.place.name in frozen.made else seconds))
    if not frozen.why and filling.loss is not None:
        _try(frozen, features, filling.loss, TOLERANCES[filling.computing.numbers])


def _levels(bottom: Bottom, features: Sequence[Feature], filling: Filling) -> list[_Level]:
    """Describe the store of this bottom, and those of the shorter ones that come after it."""
    own = len(bottom.blocks)
    wanted = list(dict.fromkeys([own, *(min(one, own) for one in filling.later)]))
    sample = _run(bottom, filling, evaluation_batches(features[:1], tokens=FILL_TOKENS)[0], wanted)
    found = []
    for blocks, hidden in zip(wanted, sample, strict=True):
        whole = hidden.shape[1] == len(features[0].input_ids)
        kept = _kept(hidden, filling.computing)
        name = _key(bottom, blocks, features, filling.computing, (str(kept), whole))
        lengths = [len(one.input_ids) if whole else 1 for one in features]
        found.append(_Level(blocks, lengths, hidden.shape[-1], hidden.dtype, kept, filling.folder / name))
    return found


def _with_room(level: _Level, later: Sequence[_Level], filling: Filling) -> list[_Level]:
    """Choose the later stores that are not there and fit beside this one."""
    chosen, size = [], level.size
    for one in later:
        if files.found(one.place) is None and not files.no_room(filling.folder, size + one.size, filling.budget):
            chosen.append(one)
            size += one.size
    return chosen


def _open(frozen: Frozen, features: Sequence[Feature], level: _Level, seconds: tuple[float, float]) -> None:
    """Map a store that lies there; `seconds`: what its blocks take, and what this run or another spent on it."""
    import torch

    try:
        rows = torch.from_file(
            str(level.place / files.DATA), size=sum(level.lengths) * level.width, dtype=level.kept
        )
    except (OSError, RuntimeError):
        frozen.why = f"{level.place.name} was removed as soon as it was there; raise machine.frozen_gib"
        return
    starts = [0]
    for length in level.lengths[:-1]:
        starts.append(starts[-1] + length)
    rows = rows.view(-1, level.width)
    frozen.stores.append(Store(features, starts, level.lengths, rows, level.numbers, *seconds))


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


def _run(bottom: Bottom, filling: Filling, features: Sequence[Feature], levels: Sequence[int]) -> list[torch.Tensor]:
    import torch

    with torch.no_grad(), filling.computing.forward():
        return bottom.compute(lambda: filling.forward(features), levels)


def _kept(sample: torch.Tensor, computing: Computing) -> torch.dtype:
    """Choose what is stored: bf16 where the step itself computes in it, else what the bottom hands on."""
    import torch

    return torch.bfloat16 if computing.numbers == "bf16" else sample.dtype


def _key(
    bottom: Bottom, blocks: int, features: Sequence[Feature], computing: Computing, form: tuple[str, bool]
) -> str:
    """Give the name of a store: everything that its bits depend on."""
    from importlib.metadata import version

    import torch

    found = hashlib.sha256()
    tools = {name: version(name) for name in ("torch", "transformers")}
    said = [__version__, tools, computing.numbers, *form, computing.device.type, torch.get_num_threads(), FILL_TOKENS]
    found.update(json.dumps([*said, blocks, bottom.settings]).encode())
    for module in (*bottom.before, *bottom.blocks[:blocks]):
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


def _fill(bottom: Bottom, features: Sequence[Feature], levels: Sequence[_Level], filling: Filling) -> float:
    """Compute the bottom for every feature, each process its share of the batches, into files that then appear: the
    highest level's first. Give the seconds.
    """

    computing, began = filling.computing, time.perf_counter()
    shared, size = _shared(computing), sum(level.size for level in levels)
    working = [level.place.with_name(f"{level.place.name}.{shared}.part") for level in levels]
    if computing.main:
        files.make_room(filling.folder, size, filling.budget)
        for folder, level in zip(working, levels, strict=True):
            files.allocate(folder, level.size)
    computing.wait()
    rows = [_rows(folder, level) for folder, level in zip(working, levels, strict=True)]
    starts = [[0, *itertools.accumulate(level.lengths)] for level in levels]
    numbers = {id(feature): number for number, feature in enumerate(features)}
    batches = evaluation_batches(features, tokens=FILL_TOKENS)
    accelerator = computing.accelerator
    for chosen in batches[accelerator.process_index :: accelerator.num_processes]:
        found = _run(bottom, filling, chosen, [level.blocks for level in levels])
        for level, place, begin, hidden in zip(levels, rows, starts, found, strict=True):
            hidden = hidden.cpu().to(level.kept)
            for number, feature in enumerate(chosen):
                start, length = begin[numbers[id(feature)]], level.lengths[numbers[id(feature)]]
                place[start : start + length] = hidden[number, :length]
    computing.wait()
    seconds = time.perf_counter() - began
    if computing.main:
        for folder, level in zip(working, levels, strict=True):
            files.publish(folder, level.place, seconds * level.blocks / levels[0].blocks)
    computing.wait()
    which = " and ".join(str(level.blocks) for level in levels)
    what = f"{which} frozen blocks computed once for {len(features)} inputs"
    filling.say(f"{what} in {seconds:.1f} s, {size / 2**20:.0f} MiB")
    return seconds


def _rows(folder: Path, level: _Level) -> torch.Tensor:
    """Map the file of a store that is being filled, [rows, H]."""
    import torch

    size = sum(level.lengths) * level.width
    return torch.from_file(str(folder / files.DATA), shared=True, size=size, dtype=level.kept).view(-1, level.width)


def _shared(computing: Computing) -> str:
    """Give a name that all processes of this run share and no other run has."""
    name = f"{os.getpid()}-{time.time_ns()}"
    if computing.accelerator.num_processes == 1:
        return name
    from accelerate.utils import broadcast_object_list

    return str(broadcast_object_list([name])[0])
