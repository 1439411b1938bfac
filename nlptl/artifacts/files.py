"""Atomic writes: after a crash at any moment a file has its old content or its new one, never half of it."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from nlptl.artifacts import faults
from nlptl.errors import BadInput, OutOfSpace, Problem

TEMPORARY = ".tmp-"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_USERS_FAULT = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all, and onto the disk.

    Raises OutOfSpace, or BadInput where the place cannot be written; the old file stays as it was.
    """
    # A short name of its own: a suffix on a long name would be too long for the file system.
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
    with placing(path), room(path, lambda: len(data)):
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            faults.point("temporary")
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, line ends as they are; see `write_bytes`."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON that people can read, keys in their order; NaN and infinity are a ValueError."""
    try:
        data = to_json(value, indent=2) + b"\n"
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    write_bytes(path, data)


def read_json(path: Path) -> Any:
    """Give the value in a JSON file; BadInput names the file when it is missing, damaged or holds NaN."""
    try:
        return from_json(path.read_bytes())
    except FileNotFoundError:
        raise BadInput(str(path), "no such file") from None
    except OSError as error:
        raise BadInput(str(path), f"cannot be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise BadInput(str(path), Problem(f"is not whole JSON: {error.msg}", where=where)) from None
    except (ValueError, RecursionError) as error:
        raise BadInput(str(path), f"is damaged: {error}") from None


def to_json(value: object, *, indent: int | None = None) -> bytes:
    """Give JSON as UTF-8; text stays readable in any script."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate, such as a path that is not UTF-8: escape everything
        return json.dumps(value, allow_nan=False, indent=indent).encode()


def from_json(data: bytes) -> Any:
    """Parse JSON; ValueError for anything that is not JSON, also for NaN, which Python would take."""
    return json.loads(data.decode(), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def sync_folder(folder: Path) -> None:
    """Put a directory's list of names onto the disk; a rename is not durable before this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def room(path: Path, needed: Callable[[], int]) -> Iterator[None]:
    """Turn a full disk, quota or file-size limit into OutOfSpace that says the bytes needed at `path` and free."""
    try:
        yield
    except Exception as error:
        number = _system_error(error)
        if number in _NO_ROOM:
            raise OutOfSpace(_no_room(path, needed(), number)) from error
        raise


@contextmanager
def placing(path: Path) -> Iterator[None]:
    """Turn the refusals that come of the place itself (read-only, no folder, too long a name) into BadInput."""
    try:
        yield
    except OSError as error:
        if error.errno in _USERS_FAULT:
            raise BadInput(str(path), f"cannot be written: {error.strerror}") from error
        raise


def _system_error(error: BaseException) -> int | None:
    """Give the errno; safetensors (Rust) has its own exception, with the number in the text only."""
    if isinstance(error, OSError):
        return error.errno
    if isinstance(error, OutOfSpace) and error.__cause__ is not None:
        return _system_error(error.__cause__)  # of one file: said anew for the directory that it belongs to
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else None


def _no_room(path: Path, needed: int, number: int | None) -> str:
    text = f"{path}: no room: {needed:,} bytes needed, {free_bytes(path):,} bytes free"
    if number == errno.EFBIG:
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        return f"{text}; a file may have at most {limit:,} bytes here (ulimit -f)"
    if number == errno.EDQUOT:
        return f"{text}, but the user's quota is used up"
    return f"{text}; free some, or choose another folder for the runs"


def free_bytes(path: Path) -> int:
    """Give the bytes that this user may still write where `path` is or will be."""
    return shutil.disk_usage(nearest_existing(path)).free


def nearest_existing(path: Path) -> Path:
    """Give `path` or the nearest folder above it that exists."""
    path = path.absolute()
    return next((place for place in (path, *path.parents) if os.path.lexists(place)), Path("/"))
