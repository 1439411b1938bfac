"""Is there a usable place for the output, asked before any work is done."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nlptl.artifacts.files import TEMPORARY, free_bytes, nearest_existing
from nlptl.errors import BadInput, OutOfSpace, Problem

# Room below the output folder for `.staging-NAME`, `checkpoints/step-00000120/adapter_model.safetensors` and the like.
_NAME_BYTES = 255 - 32
_PATH_BYTES = 4096 - 256


def space_for(directory: Path, needed: int) -> None:
    """Refuse with OutOfSpace when fewer than `needed` bytes are free where `directory` is or will be."""
    free = free_bytes(directory)
    if free < needed:
        raise OutOfSpace(
            f"{directory}: no room: {needed:,} bytes needed, {free:,} bytes free; "
            "free some, or choose another folder for the runs"
        )


def check_place(path: Path, *, inputs: Sequence[Path] = ()) -> None:
    """Refuse with BadInput a folder that cannot take output: every fault that can be seen without making it.

    The folder may be missing, its parent may not (a mistyped path is not made). `inputs` must not be it. Symbolic links
    are followed; a file of a few bytes is written and removed.
    """
    problems = _name_problems(path)
    if not problems:
        problems = _place_problems(path, inputs)
    if problems:
        raise BadInput(f"output folder {os.fsencode(path).decode(errors='backslashreplace')}", problems)


def _name_problems(path: Path) -> list[Problem]:
    raw = os.fsencode(path.absolute())
    problems = []
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        problems.append(Problem(f"the name is not UTF-8 (byte {error.start})", fix="rename the folder"))
    if b"\0" in raw:
        problems.append(Problem("the name holds a zero byte", fix="choose another name"))
    longest = max(len(part) for part in raw.split(b"/"))
    if longest > _NAME_BYTES or len(raw) > _PATH_BYTES:
        what = f"too long: {longest} bytes in one name, {len(raw)} in all"
        problems.append(Problem(what, fix=f"at most {_NAME_BYTES} and {_PATH_BYTES}"))
    return problems


def _place_problems(path: Path, inputs: Sequence[Path]) -> list[Problem]:
    try:
        real = path.resolve()
    except (OSError, RuntimeError):
        return [Problem("its symbolic links run in a circle", fix="choose another folder")]
    if real == Path("/") or _is_home(real):
        where = "the root of the file system" if real == Path("/") else "your home folder itself"
        return [Problem(f"this is {where}", fix="choose a folder below it, such as 'runs'")]
    if any(real == each.resolve() for each in inputs):
        return [Problem("this is also an input, and inputs are never written to", fix="choose another folder")]
    there = nearest_existing(real)
    if not there.is_dir():
        return [Problem(f"{there} is a file, a folder is needed", fix="choose another folder, or move the file")]
    if there not in (real, real.parent):
        return [Problem(f"the folder {real.parent} does not exist", fix=f"mkdir -p {real.parent}")]
    return _writing_problems(there)


def _is_home(path: Path) -> bool:
    with suppress(RuntimeError, OSError):
        return path == Path.home().resolve()
    return False


def _writing_problems(folder: Path) -> list[Problem]:
    """Try it: modes, access lists and read-only mounts have no other sure test."""
    system = os.statvfs(folder)
    if system.f_files and not system.f_favail:
        return [Problem(f"no inode is free on the file system of {folder}", fix="remove some files there")]
    probe = folder / f"{TEMPORARY}{uuid.uuid4().hex}"
    try:
        probe.write_bytes(b"nlptl\n")
    except OSError as error:
        return [Problem(f"{folder} cannot be written to: {error.strerror}", fix="choose another folder")]
    finally:
        with suppress(OSError):
            probe.unlink()
    return []
