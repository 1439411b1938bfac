"""Adapters on disk: what a run with one saves in place of whole weights, and how its model is put together again."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from nlptl.backbone.checkpoint import HUB_ID, SETTINGS, Checkpoint
from nlptl.screening import bad, settings_of


def base_of(module: Any, checkpoint: Checkpoint) -> dict[str, str] | None:
    """Give what must be known to open a model with an adapter again: the checkpoint that it was put into, by name and
    sha256, and what its class puts before the names of the body. None for a model without one.
    """
    from nlptl.modules import adapting

    body = _body(module)
    if not adapting.adapted(body):
        return None
    return {"checkpoint": _name(checkpoint), "sha256": checkpoint.sha256, "prefix": adapting.prefix_of(body)}


def _body(module: Any) -> Any:
    from transformers import PreTrainedModel

    return module if isinstance(module, PreTrainedModel) else module.body


def _name(checkpoint: Checkpoint) -> str:
    """Give the name by which it is found from anywhere: of a directory the whole path."""
    local = Path(checkpoint.name).expanduser().is_dir()
    return str(checkpoint.directory.resolve()) if local else checkpoint.name


def save_adapter(module: Any, folder: Path, checkpoint: Checkpoint) -> None:
    """Write the adapter with all that was trained beside it, in peft's format, and the configuration of the model."""
    from nlptl.modules import adapting

    body = _body(module)
    hub = HUB_ID.match(checkpoint.name)
    name, revision = checkpoint.name.rsplit("@", 1) if hub else (str(checkpoint.directory.resolve()), None)
    adapting.write(folder, body, name, revision)
    body.config.architectures = [type(body).__name__]
    body.config.save_pretrained(folder)
    if body.can_generate():
        body.generation_config.save_pretrained(folder)
    if body is not module:
        module.save_head(folder)


def put_in(checkpoint: Checkpoint, module: Any, outside: Collection[str], *, head: str, merged: bool) -> set[str]:
    """Put into a root's weights what adapters hold, the lowest first; give the names of parameters that came with them.

    `outside`: what is not of the body. It comes from the last adapter, where `head` keeps it; those below had heads of
    other tasks. Raises BadInput where they do not fit.
    """
    from nlptl.modules import adapting

    if checkpoint.base is None:
        return set()
    known = put_in(checkpoint.base, module, outside, head="new", merged=True)
    prefix = settings_of(checkpoint.name, checkpoint.directory / SETTINGS)["base"]["prefix"]
    without = outside if head == "new" else ()
    try:
        return known | adapting.put_back(module, checkpoint.directory, prefix, without=without, merge=merged)
    except (ValueError, TypeError, RuntimeError) as problem:
        what = f"its adapter does not fit {type(module).__name__}: {problem}"
        raise bad(checkpoint.name, what, "take a checkpoint with whole weights") from problem
