"""Take a few named files out of an archive that nobody vouches for.

Names in the archive are only compared, never used as paths, so no entry can be written where it likes; links are not
followed; sizes are added up from what the archive declares before a byte is unpacked, and hold while unpacking.
"""

from __future__ import annotations

import errno
import hashlib
import tarfile
import tempfile
import uuid
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO

from nlptl.errors import BadInput, OutOfSpace, Problem

MOST_MEMBERS = 100_000
MOST_BYTES = 8 << 30
"""Of one archive, unpacked."""
MOST_RATIO = 300
"""Unpacked to packed, for archives that unpack to more than SMALL; text packs about 4 to 10 times, weights hardly."""
SMALL = 64 << 20
_CHUNK = 1 << 20

Wanted = Mapping[str, tuple[Path, str]]


def unpack(archive: Path, wanted: Wanted, subject: str) -> None:
    """Write each wanted member (name -> target, sha256) to its target, whole and verified or not at all."""
    for name in wanted:
        _check_name(name, subject)
    try:
        with archive.open("rb") as file:
            _unpack(file, wanted, subject)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise BadInput(subject, f"the archive is damaged: {error}") from error
    except OSError as error:
        raise unwritable(subject, error) from error


def unwritable(subject: str, error: OSError) -> BadInput | OutOfSpace:
    """Say what keeps the cache from being written: a full disk, or the place."""
    where = error.filename or "the cache"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutOfSpace(f"{subject}: no room for {where}; free some, or set $NLPTL_CACHE to another disk")
    fix = "set $NLPTL_CACHE to a folder that can be written"
    return BadInput(subject, Problem(f"{where} cannot be written: {error.strerror or error}", fix=fix))


def _check_name(name: str, subject: str) -> None:
    for part in name.split("!"):
        path = PurePosixPath(part)
        if not part or path.is_absolute() or ".." in path.parts or "\\" in part or "\0" in part:
            raise BadInput(
                subject,
                Problem(f"{name!a} is not the name of a file in an archive", fix="no '..', no '\\', no leading '/'"),
            )


def _unpack(file: IO[bytes], wanted: Wanted, subject: str) -> None:
    """Take out the plain members, and for `outer!inner` unpack `outer` for a moment and go on in it."""
    here: dict[str, tuple[Path, str] | None] = {}
    nested: dict[str, dict[str, tuple[Path, str]]] = defaultdict(dict)
    for name, target in wanted.items():
        outer, _, inner = name.partition("!")
        here.setdefault(outer, None if inner else target)
        if inner:
            nested[outer][inner] = target
    packed = file.seek(0, 2)
    file.seek(0)
    is_zip = zipfile.is_zipfile(file)
    file.seek(0)
    with tempfile.TemporaryDirectory() as scratch:
        found = (
            _from_zip(file, here, packed, subject, Path(scratch))
            if is_zip
            else _from_tar(file, here, packed, subject, Path(scratch))
        )
        if missing := sorted(set(here) - set(found)):
            raise BadInput(subject, [Problem(f"has no file {name!a}") for name in missing])
        for outer, inside in nested.items():
            with found[outer].open("rb") as inner_file:
                _unpack(inner_file, inside, f"{outer} of {subject}")


def _from_zip(
    file: IO[bytes], here: Mapping[str, tuple[Path, str] | None], packed: int, subject: str, scratch: Path
) -> dict[str, Path]:
    found = {}
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        _check_totals(len(members), sum(member.file_size for member in members), packed, subject)
        for member in members:
            if member.filename in here and member.filename not in found:
                if (member.external_attr >> 16) & 0o170000 == 0o120000 or member.is_dir():
                    raise BadInput(subject, f"{member.filename!a} is a link or a folder, a file is needed")
                with archive.open(member) as stream:
                    found[member.filename] = _write(
                        stream, member.file_size, here[member.filename], subject, scratch, member.filename
                    )
    return found


def _from_tar(
    file: IO[bytes], here: Mapping[str, tuple[Path, str] | None], packed: int, subject: str, scratch: Path
) -> dict[str, Path]:
    """Read a tar as a stream: it has no list of contents, so the totals are checked as the headers come."""
    found = {}
    members = total = 0
    with tarfile.open(fileobj=file, mode="r|*") as archive:
        for member in archive:
            members, total = members + 1, total + member.size
            _check_totals(members, total, packed, subject)
            if member.name in here and member.name not in found:
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is None:
                    raise BadInput(subject, f"{member.name!a} is a link or a folder, a file is needed")
                found[member.name] = _write(stream, member.size, here[member.name], subject, scratch, member.name)
    return found


def _check_totals(members: int, size: int, packed: int, subject: str) -> None:
    if members > MOST_MEMBERS:
        raise BadInput(subject, f"refused: it says that it holds more than {MOST_MEMBERS:,} files")
    if size > MOST_BYTES or (size > SMALL and size > MOST_RATIO * packed):
        raise BadInput(subject, f"refused: it says that its {packed:,} bytes unpack to {size:,} bytes or more")


def _write(
    stream: IO[bytes], size: int, target: tuple[Path, str] | None, subject: str, scratch: Path, name: str
) -> Path:
    """Copy one member, no more than its declared size: to its verified target, or to scratch on the way to what it
    holds.
    """
    place, sha256 = target or (scratch / uuid.uuid4().hex, "")
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".tmp-{uuid.uuid4().hex}")
    digest, written = hashlib.sha256(), 0
    try:
        with temporary.open("xb") as output:
            while chunk := stream.read(_CHUNK):
                written += len(chunk)
                if written > size:
                    raise BadInput(
                        subject, f"refused: {name!a} unpacks to more than the {size:,} bytes that it declares"
                    )
                digest.update(chunk)
                output.write(chunk)
        if target is not None and digest.hexdigest() != sha256:
            raise BadInput(subject, f"{name!a} has sha256 {digest.hexdigest()}, wanted {sha256}")
        temporary.replace(place)
    finally:
        with suppress(OSError):
            temporary.unlink()
    return place
