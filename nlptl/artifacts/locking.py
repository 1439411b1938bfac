"""One process works in a run directory."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from nlptl.artifacts.files import from_json, placing, room, to_json
from nlptl.errors import BadInput, Locked

LOCK = ".lock"
_held: set[int] = set()


def _close_in_child() -> None:
    # A forked worker of the data loader must not keep the lock of a holder that was killed.
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)


@contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Hold `directory`, made if missing; Locked names who does when another does. Rank 0 alone asks.

    The kernel gives the lock back when its holder dies, however it dies, so the file itself is never removed: it says
    who holds the lock or held it last.
    """
    descriptor = _open(directory)
    owner = os.getpid()
    try:
        while not _take(descriptor, directory):
            os.close(descriptor)
            descriptor = _open(directory)
        _held.add(descriptor)
        try:
            yield
        finally:
            if os.getpid() == owner:  # not in a child that was forked inside the block
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        if os.getpid() == owner:
            _held.discard(descriptor)
            os.close(descriptor)


def forget(directory: Path) -> None:
    """Remove a directory in which nothing but the lock is; the caller holds it. For a run that was refused at once."""
    if os.listdir(directory) == [LOCK]:
        (directory / LOCK).unlink()
        directory.rmdir()


def _open(directory: Path) -> int:
    with placing(directory), room(directory, lambda: 4096):
        directory.mkdir(parents=True, exist_ok=True)
        return os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o666)


def _take(descriptor: int, directory: Path) -> bool:
    """Take the lock; False when the file is no longer the one in the directory, since its holder has `forgotten` it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Locked(f"{directory}: {_describe(descriptor)}") from None
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise BadInput(str(directory), "this file system has no file locks; choose another folder") from None
        raise
    if os.fstat(descriptor).st_nlink == 0:
        return False
    with room(directory, lambda: 4096):
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        data = to_json({"pid": os.getpid(), "host": socket.gethostname(), "started": started}) + b"\n"
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, data, 0)
    return True


def _describe(descriptor: int) -> str:
    """Say who holds the lock; waits a little, since a holder that has just won has yet to write its name."""
    for _ in range(40):
        holder = _holder(descriptor)
        if holder is not None:
            return (
                f"process {holder['pid']} on {holder['host']} has worked here since {holder['started']}; "
                "wait for it, or stop it"
            )
        time.sleep(0.05)
    return "another process works here; wait for it, or stop it"


def _holder(descriptor: int) -> dict[str, Any] | None:
    try:
        holder = from_json(os.pread(descriptor, 4096, 0))
        pid, host = int(holder["pid"]), str(holder["host"])
        str(holder["started"])
    except (ValueError, KeyError, TypeError):
        return None
    if host == socket.gethostname() and not _alive(pid):
        return None  # what a killed holder left; the new one has not written yet
    return {"pid": pid, "host": host, "started": holder["started"]}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
