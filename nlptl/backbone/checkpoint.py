"""From a checkpoint's name to a directory that was looked through. Nothing is loaded yet, nothing is executed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlptl import screening
from nlptl.archives import sha256_of
from nlptl.errors import BadInput
from nlptl.screening import bad

HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*@[\w./-]+$", re.ASCII)
MANIFEST = "MANIFEST.json"
"""What a run writes beside the files of its model; it says nothing that they do not."""
WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
SETTINGS = "nlptl.json"
"""What nlptl must know of a model that it saved; of an adapter, what it was put into too."""


@dataclass(frozen=True)
class Checkpoint:
    """A local directory in the layout of the Hugging Face hub, looked through and found safe to load."""

    name: str
    """As the recipe writes it."""
    directory: Path
    config: Mapping[str, Any]
    sha256: str
    """Over the names and contents of weights, configuration and tokenizer: it stands in the run's digest."""
    keys: frozenset[str]
    """Names of the stored tensors, those of its base too."""
    base: Checkpoint | None = None
    """What an adapter was put into; None for whole weights."""

    @property
    def root(self) -> Checkpoint:
        """Give the checkpoint with whole weights at the bottom of it all: itself, or that of its base."""
        return self if self.base is None else self.base.root


def resolve(name: str, *, offline: bool = False) -> Path:
    """Give the local directory of a checkpoint: a package's, a directory (a run's `model/`), or a hub snapshot.

    Raises BadInput for what is no checkpoint's name and for what is not there.
    """
    if name.startswith("package:"):
        from nlptl import importers

        return importers.checkpoint(name, offline=offline)
    if re.match(r"^[a-z]+://", name, re.IGNORECASE):
        raise bad(name, "addresses are not accepted", "name a directory, package:DIST==VERSION or org/name@revision")
    path = Path(name).expanduser()
    if path.is_dir():
        return path / "model" if (path / "model" / "config.json").is_file() else path
    if name.startswith((".", "/", "~")) or path.exists():
        raise bad(
            name, "there is no such directory" if not path.exists() else "this is a file; a checkpoint is a directory"
        )
    if not name.isascii():
        raise bad(name, f"a hub id is plain ASCII; this one reads {name!a}", "type it again by hand")
    if not HUB_ID.match(name):
        raise bad(
            name,
            "neither a directory nor a hub id with its revision",
            "write ./directory, package:DIST==VERSION or org/name@revision",
        )
    return _from_hub(name, offline)


def _from_hub(name: str, offline: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repository, revision = name.rsplit("@", 1)
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=WANTED, local_files_only=offline))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as problem:
        first = str(problem).strip().splitlines()[0]
        fix = f"bring it where there is a network with: nlptl fetch {name}"
        raise bad(name, f"the hub does not give it ({first})", fix) from None


def inspect(name: str, *, offline: bool = False) -> Checkpoint:
    """Look through a checkpoint without loading it: what is in it, its sha256, and whether it is safe.

    Raises BadInput that names the file for pickled weights, remote code, missing shards and path traversal.
    """
    directory = resolve(name, offline=offline)
    config = screening.config_of(name, directory)
    base = _base(name, directory, offline)
    files = screening.weights_of(name, directory) if base is None else [directory / screening.ADAPTER[1]]
    keys = frozenset(key for file in files for key in screening.keys_of(name, file))
    if base is not None:
        keys = base.keys | {key.removeprefix(screening.WRAPPED) for key in keys}
    total = hashlib.sha256()
    others = {file for pattern in WANTED[1:] for file in directory.glob(pattern)} - {directory / MANIFEST}
    for file in [*files, *sorted(others)]:
        total.update(f"{file.name}\0".encode() + bytes.fromhex(sha256_of(file)))
    return Checkpoint(name, directory, config, total.hexdigest(), keys, base)


def _base(name: str, directory: Path, offline: bool) -> Checkpoint | None:
    """Look through what an adapter was put into, by the name and sha256 that were written down; None where the
    directory holds whole weights. Raises BadInput for an adapter that nlptl did not save, and for another base.
    """
    if not screening.holds_adapter(name, directory):
        return None
    told = screening.settings_of(name, directory / SETTINGS).get("base")
    if not isinstance(told, dict) or not {"checkpoint", "sha256"} <= told.keys():
        fix = "load it with peft, merge it (merge_and_unload) and save the whole model"
        raise bad(name, f"{directory} holds an adapter that nlptl did not save: {SETTINGS} names no base", fix)
    fix = "bring it back; where it still is, `nlptl export RUN FOLDER --merge` makes a model that needs no base"
    try:
        found = inspect(told["checkpoint"], offline=offline)
    except BadInput as problem:
        raise bad(name, f"its base {told['checkpoint']} is not to be had: {problem}", fix) from None
    if found.sha256 != told["sha256"]:
        raise bad(name, f"its base {told['checkpoint']} holds other bytes than when the adapter was trained", fix)
    return found
