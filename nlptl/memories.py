"""What tunings remember of a run: written into checkpoints, taken up again, and put in place of the trained weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl.tuning import Tuning

if TYPE_CHECKING:
    from torch import nn

    from nlptl.tuning import Memory

FILE = "memory.safetensors"


def write(folder: Path, tuning: Sequence[Tuning], memories: Mapping[str, Memory]) -> None:
    """Write the memories that change over the run; no file where there are none."""
    from safetensors.torch import save_file

    held = {
        f"{kind.kind}/{name}": tensor.detach().cpu().contiguous()
        for kind in tuning
        if kind.remembers
        for name, tensor in memories[kind.kind].items()
    }
    if held:
        save_file(held, folder / FILE)


def read(folder: Path, memories: Mapping[str, Memory]) -> None:
    """Fill memories with what a checkpoint holds of them."""
    import torch
    from safetensors.torch import load_file

    if not (folder / FILE).exists():
        return
    for key, tensor in load_file(folder / FILE).items():
        kind, name = key.split("/", 1)
        with torch.no_grad():
            memories[kind][name].copy_(tensor)


@contextlib.contextmanager
def instead(module: nn.Module, tuning: Sequence[Tuning], memories: Mapping[str, Memory]) -> Iterator[None]:
    """Put what tunings evaluate and keep in place of the trained weights within this context (averages, say)."""
    own: dict[str, Any] = {}
    for kind in tuning:
        for name, tensor in kind.instead(module, memories[kind.kind]).items():
            own[name] = _put(module, name, tensor)
    try:
        yield
    finally:
        for name, tensor in own.items():
            _put(module, name, tensor)


def _put(module: nn.Module, name: str, value: Any) -> Any:
    """Set a parameter, or a number that a module counts with, by its name; give what it was."""
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    held = getattr(owner, leaf)
    if isinstance(held, float):
        setattr(owner, leaf, float(value))
        return held
    before = held.detach().clone()
    held.data.copy_(value)
    return before
