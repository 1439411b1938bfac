"""The files of stores: each a folder that appears whole, with its checksum, within a budget of bytes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

DATA, INDEX = "hidden.bin", "index.json"
STALE = 24 * 3600
"""Seconds after which what an interrupted run was filling is removed."""


def found(place: Path) -> float | None:
    """Give the seconds that a whole store took, None where there is none; every byte is checked."""
    try:
        index = json.loads((place / INDEX).read_text(encoding="utf-8"))
        with (place / DATA).open("rb") as stream:
            whole = hashlib.file_digest(stream, "sha256").hexdigest() == index["sha256"]
    except (OSError, ValueError, KeyError):
        return None
    if not whole:
        return None
    os.utime(place / INDEX)
    return float(index["seconds"])


def no_room(folder: Path, size: int, budget: int) -> str:
    """Say why a store of so many bytes cannot be made; nothing where it can. All processes find the same."""
    if size > budget:
        return f"{size / 2**30:.2f} GiB would be stored, machine.frozen_gib allows {budget / 2**30:.2f}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # it holds what the user's texts say
        free = shutil.disk_usage(folder).free
    except OSError as fault:
        return f"{folder} cannot be written: {fault.strerror}"
    if not os.access(folder, os.W_OK):
        return f"{folder} cannot be written"
    return f"{size / 2**30:.2f} GiB would be stored, {free / 2**30:.2f} are free" if size * 1.1 > free else ""


def allocate(working: Path, size: int) -> None:
    """Make the file of a store that is being filled, with all its bytes taken on the disk."""
    working.mkdir(parents=True)
    with (working / DATA).open("wb") as stream:
        stream.truncate(size)
        if hasattr(os, "posix_fallocate"):  # a full disk is an error here, and would be a dead process in the map
            os.posix_fallocate(stream.fileno(), 0, size)


def publish(working: Path, place: Path, seconds: float) -> None:
    """Let a filled store appear whole; where another run was first, its store is the same and stays."""
    with (working / DATA).open("rb+") as stream:
        os.fsync(stream.fileno())
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    (working / INDEX).write_text(json.dumps({"sha256": digest, "seconds": seconds}), encoding="utf-8")
    if found(place) is None:
        shutil.rmtree(place, ignore_errors=True)
        with contextlib.suppress(OSError):
            working.rename(place)
    shutil.rmtree(working, ignore_errors=True)


def make_room(folder: Path, needed: int, budget: int) -> None:
    """Remove the stores that were used least lately until the new one fits; a run that reads one keeps its pages."""
    for working in folder.glob("*.part"):
        with contextlib.suppress(OSError):
            if time.time() - working.stat().st_mtime > STALE:
                shutil.rmtree(working)
    held = []
    for index in folder.glob(f"*/{INDEX}"):
        with contextlib.suppress(OSError):
            held.append((index.stat().st_mtime, (index.parent / DATA).stat().st_size, index.parent))
    held = [one for one in held if one[2].suffix != ".part"]
    total = sum(size for _, size, _ in held)
    for _, size, store in sorted(held):
        if total + needed <= budget:
            return
        shutil.rmtree(store, ignore_errors=True)
        total -= size
