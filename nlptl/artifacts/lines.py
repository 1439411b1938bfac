"""Logs of JSON lines: appended while a run goes, cut back to the checkpoint when it goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nlptl.artifacts.files import from_json, placing, room, to_json, write_bytes
from nlptl.errors import BadInput, Problem

Record = dict[str, Any]


def append_line(path: Path, value: Record) -> None:
    """Add one record. A last line that a crash left torn is cut first; a failed write leaves no torn line.

    Not synced to the disk: the checkpoint is the truth, and `truncate_log` makes the log follow it.
    """
    data = to_json(value) + b"\n"
    with placing(path), room(path, lambda: len(data)):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            _append(descriptor, data)
        finally:
            os.close(descriptor)


def _append(descriptor: int, data: bytes) -> None:
    size = os.fstat(descriptor).st_size
    whole = _end_of_last_line(descriptor, size)
    if whole < size:
        os.ftruncate(descriptor, whole)
    rest = memoryview(data)
    try:
        while rest:  # a disk that fills up takes a part first and refuses the next
            rest = rest[os.write(descriptor, rest) :]
    except BaseException:
        os.ftruncate(descriptor, whole)
        raise


def _end_of_last_line(descriptor: int, size: int, block: int = 65_536) -> int:
    """Give the position after the last line end: `size` in the usual case, after reading one byte."""
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return size
    while size > 0:
        start = max(0, size - block)
        found = os.pread(descriptor, size - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        size = start
    return 0


def read_lines(path: Path) -> list[Record]:
    """Give all whole records; none when there is no file. BadInput names the line that is damaged."""
    return [record for _, record in _whole_lines(path)]


def truncate_log(path: Path, keep: Callable[[Record], bool]) -> None:
    """Drop the records that `keep` refuses and a torn last line; atomic, the kept lines byte for byte."""
    if path.exists():
        write_bytes(path, b"".join(line + b"\n" for line, record in _whole_lines(path) if keep(record)))


def _whole_lines(path: Path) -> list[tuple[bytes, Record]]:
    try:
        # Only at \n: a text may hold other characters that str.splitlines takes for line ends.
        *lines, _torn = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return [(line, _record(line, f"{path}:{number}")) for number, line in enumerate(lines, 1)]


def _record(line: bytes, where: str) -> Record:
    try:
        value = from_json(line)
    except (ValueError, RecursionError) as error:
        raise BadInput("log", Problem(f"is damaged: {error}", where=where, fix="delete the line")) from None
    if not isinstance(value, dict):
        raise BadInput("log", Problem("is not a record", where=where, fix="delete the line"))
    return value
