"""Packaged checkpoints: brought, and where their format is another one, converted once into an ordinary directory.

An importer is a module of this folder with `VERSION` and `convert(parts, target)`: it reads the files `parts` (name ->
path) and writes a directory in the layout of the Hugging Face hub into the empty folder `target`, always the same
bytes, or raises BadInput. Importers know one format each and nothing of the rest; `known.CHECKPOINTS` says which
checkpoint wants which. What is converted lies in the cache beside a list of its files' sha256 and is verified by it at
every use.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nlptl import archives
from nlptl.archives import Progress
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.importers.known import CHECKPOINTS, Known

Say = Callable[[str], None]
LISTING = "converted.sha256"
"""The list of a converted directory's files. No JSON, so that it is no part of the checkpoint's own sha256."""


def checkpoint(spec: str, *, offline: bool = False, progress: Progress | None = None, say: Say | None = None) -> Path:
    """Give the local folder of `package:DIST==VERSION`, in the layout of the Hugging Face hub.

    `say` is told of a conversion; absent: standard error. Raises BadInput for a name that is not known, for what cannot
    be brought, and for files that are damaged.
    """
    known = find(spec)
    if not known.importer:
        return archives.folder(known.archive, known.prefix, known.files, offline=offline, progress=progress)
    place = place_of(known)
    if _whole(place):
        return place
    with _alone(place):
        if not _whole(place):  # another process may have been as quick
            _convert(spec, known, place, offline, progress, say or _to_standard_error)
    return place


def find(spec: str) -> Known:
    """Give what is known of `package:DIST==VERSION`. Raises BadInput with the nearest name."""
    name = archives.release(spec)
    if name not in CHECKPOINTS:
        names = [f"package:{one}" for one in CHECKPOINTS]
        raise BadInput(f"checkpoint {spec}", Problem("no such packaged checkpoint", fix=did_you_mean(spec, names)))
    return CHECKPOINTS[name]


def place_of(known: Known) -> Path:
    """Give where a checkpoint lies, or will: another version of the importer or other parts lie elsewhere."""
    if not known.importer:
        return archives.folder_of(known.archive, known.prefix, known.files)
    version = importlib.import_module(f"nlptl.importers.{known.importer}").VERSION
    parts = sorted((name, part.archive.sha256, part.member, part.sha256) for name, part in known.parts.items())
    listing = hashlib.sha256(repr((known.importer, version, parts)).encode()).hexdigest()[:16]
    return archives.cache_folder() / "converted" / f"{known.archive.package.replace('==', '-')}-{listing}"


def is_here(known: Known) -> bool:
    """Say whether a checkpoint lies ready in the cache. Contents are not checked."""
    place = place_of(known)
    return (place / (LISTING if known.importer else "config.json")).is_file()


def _convert(spec: str, known: Known, place: Path, offline: bool, progress: Progress | None, say: Say) -> None:
    importer = importlib.import_module(f"nlptl.importers.{known.importer}")
    parts = {
        name: archives.member(part.archive, part.member, part.sha256, offline=offline, progress=progress)
        for name, part in known.parts.items()
    }
    say(f"converting {spec} ({known.title}), once")
    began = time.monotonic()
    staged = place.with_name(f".staging-{uuid.uuid4().hex}")
    try:
        staged.mkdir(parents=True)
        importer.convert(parts, staged)
        _list(staged)
        archives.swap(staged, place)
    except OSError as error:
        raise archives.unwritable(f"checkpoint {spec}", error) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    for part in parts.values():  # the archive has them still
        with suppress(OSError):
            part.unlink()
    size = sum(file.stat().st_size for file in place.iterdir())
    say(f"converted in {time.monotonic() - began:.0f} s; {size / 1e6:,.0f} MB in {place}")


def _list(folder: Path) -> None:
    """Write the list of a folder's files, as sha256sum does."""
    lines = [f"{archives.sha256_of(file)}  {file.name}\n" for file in sorted(folder.iterdir())]
    (folder / LISTING).write_bytes("".join(lines).encode())


def _whole(place: Path) -> bool:
    """Say whether a folder has the files of its list, unchanged, and no other that would be read."""
    try:
        lines = (place / LISTING).read_text(encoding="utf-8").splitlines()
        listed = {name: sha256 for sha256, _, name in (line.partition("  ") for line in lines)}
        there = {file.name for file in place.iterdir()} - {LISTING}
    except (OSError, ValueError):
        return False
    return there == set(listed) != set() and all(archives.verified(place / name, one) for name, one in listed.items())


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Let one process convert while the others wait; where there are no locks, all convert, and the last one stays."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(place.with_name(f".{place.name}.lock"), os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise archives.unwritable(f"package {place.name}", error) from error
    try:
        with suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _to_standard_error(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


__all__ = ["CHECKPOINTS", "Known", "checkpoint", "find", "is_here", "place_of"]
