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
from nlptl.screening import bad

HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*@[\w./-]+$", re.ASCII)
MANIFEST = "MANIFEST.json"
"""What a run writes beside the files of its model; it says nothing that they do not."""
WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]


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
    """Names of the stored tensors."""


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
    files = screening.weights_of(name, directory)
    keys = frozenset(key for file in files for key in screening.keys_of(name, file))
    total = hashlib.sha256()
    others = {file for pattern in WANTED[1:] for file in directory.glob(pattern)} - {directory / MANIFEST}
    for file in [*files, *sorted(others)]:
        total.update(f"{file.name}\0".encode() + bytes.fromhex(sha256_of(file)))
    return Checkpoint(name, directory, config, total.hexdigest(), keys)
