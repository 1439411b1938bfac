"""The checkpoints at hand: packaged ones, directories, the hub's cache; and what the hub offers: `nlptl ls models`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlptl import importers, screening, strict
from nlptl.errors import BadInput, Problem

MOST = 20
"""Checkpoints of the hub that are listed, those first that are downloaded most."""
_FRONT = re.compile(r"\A---\r?\n(.*?)\r?\n---", re.DOTALL)
_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2}


@dataclass(frozen=True)
class Listed:
    """A checkpoint in a word each; None or nothing where it is not known."""

    checkpoint: str
    """As a recipe writes it."""
    title: str
    architecture: str | None
    """transformers' `model_type`."""
    family: str | None
    """`encoder`, `decoder` or `seq2seq`; said of packaged ones."""
    parameters: int | None
    bytes: int | None
    """On this disk, or of the weights on the hub."""
    languages: tuple[str, ...]
    licence: str | None
    here: str
    """`yes`, `no` (what is downloaded), or what is wrong with it."""


def packaged() -> list[Listed]:
    """List those that ship in Python distributions, whether or not they are in the cache."""
    return [
        Listed(
            f"package:{name}", one.title, one.architecture, one.family, one.parameters, one.bytes, one.languages,
            one.licence, "yes" if importers.is_here(one) else f"no: {one.archive_bytes / 1e6:,.0f} MB to fetch",
        )
        for name, one in importers.CHECKPOINTS.items()
    ]  # fmt: skip


def directories(folders: Sequence[Path]) -> list[Listed]:
    """List the checkpoints in folders: a folder is one, or a run, or holds some. Raises BadInput where none is."""
    found: list[Listed] = []
    for folder in folders:
        below = sorted(folder.iterdir()) if folder.is_dir() else []
        ones = [one for one in (folder, *below) if one.is_dir() and _model_of(one)]
        if not ones:
            what = "holds no checkpoint" if folder.is_dir() else "there is no such folder"
            raise BadInput(str(folder), Problem(what, fix="name a checkpoint's directory, a run, or a folder of them"))
        found += [_directory(one, str(one) if one.is_absolute() else f"./{one}") for one in ones]
    return found


def from_hub_cache() -> list[Listed]:
    """List what the hub's own cache holds, a line a revision."""
    from huggingface_hub import constants, scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except CacheNotFound:
        return []
    return [
        _directory(Path(revision.snapshot_path), f"{one.repo_id}@{revision.commit_hash}")
        for one in sorted(repositories, key=lambda one: one.repo_id)
        if one.repo_type == "model"
        for revision in sorted(one.revisions, key=lambda revision: revision.commit_hash)
        if (Path(revision.snapshot_path) / "config.json").is_file()
    ]


def on_hub(query: str) -> list[Listed]:
    """Ask the hub for checkpoints whose name has `query` and whose weights are safetensors.

    Raises BadInput when the hub cannot be reached.
    """
    import logging

    from huggingface_hub import HfApi
    from huggingface_hub.utils.logging import set_verbosity

    set_verbosity(logging.ERROR)  # it tells of each of its five attempts
    wanted: list[Any] = ["cardData", "config", "safetensors", "sha", "tags"]
    try:
        offers = list(
            HfApi().list_models(search=query, filter="safetensors", sort="downloads", limit=MOST, expand=wanted)
        )
    except Exception as error:  # of the connection, of the proxy, of the hub: their kinds are many
        what = f"cannot be reached: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise BadInput("the hub", Problem(what, fix="see HF_ENDPOINT, HTTPS_PROXY and the network")) from error
    return [_offer(one) for one in offers]


def _offer(one: Any) -> Listed:
    card = one.card_data.to_dict() if one.card_data is not None else {}
    stored = one.safetensors.parameters if one.safetensors is not None else {}
    size = sum(_BYTES.get(kind, 1) * count for kind, count in stored.items())
    return Listed(
        f"{one.id}@{one.sha}", one.id.rpartition("/")[2], (one.config or {}).get("model_type"), None,
        sum(stored.values()) or None, size or None, _texts(card.get("language")), _licence(card), "no",
    )  # fmt: skip


def _model_of(folder: Path) -> Path | None:
    """Give the directory of the checkpoint that a folder is: its own, or a run's `model`."""
    return next((one for one in (folder, folder / "model") if (one / "config.json").is_file()), None)


def _directory(folder: Path, name: str) -> Listed:
    place = _model_of(folder) or folder
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    card = _card(place / "README.md")
    try:
        config = screening.config_of(name, place)
        parameters = sum(count for file in screening.weights_of(name, place) for count in _counts(name, file))
    except BadInput as fault:
        return Listed(name, folder.name, None, None, None, size, (), _licence(card), f"faulty: {fault.problems[0]}")
    return Listed(
        name, folder.name, config.get("model_type"), None, parameters, size, _texts(card.get("language")),
        _licence(card), "yes",
    )  # fmt: skip


def _counts(name: str, file: Path) -> Iterator[int]:
    from safetensors import safe_open

    keys = screening.keys_of(name, file)
    with safe_open(file, framework="np") as tensors:
        yield from (math.prod(tensors.get_slice(key).get_shape()) for key in keys)


def _card(path: Path) -> dict[str, Any]:
    """Read what a model card says before its text; nothing where it cannot be read. YAML 1.2: `no` is Norwegian."""
    try:
        front = _FRONT.match(path.read_text(encoding="utf-8"))
        found = strict.parse(front[1], path.name).data if front else {}
    except (OSError, ValueError, BadInput):
        return {}
    return found if isinstance(found, dict) else {}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else (str(value),) if value else ()


def _licence(card: dict[str, Any]) -> str | None:
    found = card.get("license_name") or card.get("license")
    return ", ".join(_texts(found)) or None
