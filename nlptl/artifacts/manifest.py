"""The manifest of a directory: name, size and SHA-256 of every file in it, sealed, so that no damage goes unseen."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from nlptl.artifacts import faults
from nlptl.artifacts.files import from_json, sync_folder, to_json
from nlptl.errors import BadInput
from nlptl.version import __version__

MANIFEST = "MANIFEST.json"


@dataclass(frozen=True)
class Entry:
    """One file; `name` is relative to the directory, with slashes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a directory held when it was finished; `nlptl` is the version that wrote it, `step` that of a checkpoint."""

    nlptl: str
    step: int | None
    files: tuple[Entry, ...]


def step_name(step: int) -> str:
    """Give the name of the directory of a step's checkpoint."""
    return f"step-{step:08d}"


def seal(directory: Path, step: int | None) -> Manifest:
    """Put every file of `directory` onto the disk, then write the manifest, last."""
    names = _names(directory)
    odd = [name for name, mode in names.items() if not stat.S_ISREG(mode)]
    assert not odd, f"only plain files may be saved, not {odd}"
    assert MANIFEST not in names, f"{MANIFEST} is not for others to write"
    manifest = Manifest(__version__, step, tuple(_store(directory, name) for name in sorted(names)))
    with (directory / MANIFEST).open("xb") as file:
        file.write(_render(manifest))
        file.flush()
        faults.point("manifest")
        os.fsync(file.fileno())
    for folder in {(directory / name).parent for name in names} | {directory}:
        sync_folder(folder)
    return manifest


def _store(directory: Path, name: str) -> Entry:
    faults.point("file")
    with (directory / name).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
        size = os.fstat(file.fileno()).st_size
    faults.point("synced")
    return Entry(name, size, digest)


def verify(directory: Path) -> list[str]:
    """Give every difference between a directory and its manifest, the file's name first; an empty list is good news.

    Every byte is read. A file that the manifest does not name is a fault too (one more configuration can change what a
    library loads), unless its name begins with a dot.
    """
    try:
        manifest = _parse((directory / MANIFEST).read_bytes())
        found = _names(directory)
    except OSError as error:
        return [f"{MANIFEST}: {'missing' if isinstance(error, FileNotFoundError) else f'unreadable ({error})'}"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return [f"{MANIFEST}: damaged ({error})"]
    faults_found = [fault for entry in manifest.files for fault in _faults(directory, entry, found)]
    known = {entry.name for entry in manifest.files} | {MANIFEST}
    faults_found += [f"{name}: not in the manifest" for name in sorted(found) if _counts(name) and name not in known]
    if manifest.step is not None and directory.name.startswith("step-") and directory.name != step_name(manifest.step):
        faults_found.append(f"{MANIFEST}: is that of step {manifest.step}")
    return faults_found


def read_manifest(directory: Path) -> Manifest:
    """Give the manifest alone, the files unread; BadInput when it is missing or damaged."""
    path = directory / MANIFEST
    try:
        return _parse(path.read_bytes())
    except OSError as error:
        raise BadInput(str(path), f"cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(str(path), f"is damaged: {error}") from None


def _faults(directory: Path, entry: Entry, found: dict[str, int]) -> list[str]:
    # Only names that the listing gave are opened: a manifest cannot point out of its directory.
    if entry.name not in found:
        return [f"{entry.name}: missing"]
    if not stat.S_ISREG(found[entry.name]):
        return [f"{entry.name}: not a plain file"]
    try:
        with (directory / entry.name).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != entry.size:
                return [f"{entry.name}: {size:,} bytes, should be {entry.size:,}"]
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return [f"{entry.name}: unreadable ({error.strerror})"]
    return [] if digest == entry.sha256 else [f"{entry.name}: sha256 is {digest}, should be {entry.sha256}"]


def _counts(name: str) -> bool:
    return not name.rpartition("/")[2].startswith(".")


def _names(directory: Path) -> dict[str, int]:
    """List what is below `directory`, directories aside, links not followed, with its mode."""
    found: dict[str, int] = {}
    folders = [directory]
    while folders:
        for path in folders.pop().iterdir():
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                folders.append(path)
            else:
                found[path.relative_to(directory).as_posix()] = mode
    return found


def _render(manifest: Manifest) -> bytes:
    body = {"format": 1, **asdict(manifest)}
    return to_json({**body, "seal": hashlib.sha256(to_json(body)).hexdigest()}, indent=1) + b"\n"


def _parse(data: bytes) -> Manifest:
    """Read a manifest; ValueError unless it is byte for byte what was written, whatever the damage."""
    value = from_json(data)
    if value["format"] != 1:
        raise ValueError(f"format {value['format']!r} is not known to nlptl {__version__}")
    files = tuple(Entry(str(each["name"]), int(each["size"]), str(each["sha256"])) for each in value["files"])
    step = value["step"]
    manifest = Manifest(str(value["nlptl"]), None if step is None else int(step), files)
    if _render(manifest) != data:
        raise ValueError("changed after it was written")
    return manifest
