"""Directories that are whole and verified or do not exist: a run's checkpoints, and its final model."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nlptl.artifacts import faults
from nlptl.artifacts.files import TEMPORARY, placing, room, sync_folder, write_text
from nlptl.artifacts.manifest import MANIFEST, read_manifest, seal, step_name, verify
from nlptl.artifacts.places import space_for
from nlptl.errors import BadInput, NoCheckpoint

FOLDER = "checkpoints"
POINTER = "latest"
# What a crash may leave beside a directory X, each the prefix of X's own name.
_STAGING = ".staging-"
_REPLACED = ".replaced-"
_REMOVED = ".removed-"


def save(run: Path, step: int, write: Callable[[Path], None], keep: int, *, estimate: int = 0) -> Path:
    """Make the checkpoint of `step` from the files that `write` puts into the folder it is given; give its directory.

    Afterwards only the newest `keep` are left. Raises OutOfSpace, before anything is written when there is no room for
    `estimate` bytes; whatever fails, the checkpoints before stay good. The caller holds the run's lock.
    """
    assert keep >= 1, "the newest checkpoint is never removed"
    assert 0 <= step < 10**8
    folder = run / FOLDER
    target = folder / step_name(step)
    with placing(target), room(target, lambda: estimate):
        folder.mkdir(parents=True, exist_ok=True)
    space_for(target, estimate)
    _build(target, write, step, max(estimate, _last_size(folder)))
    faults.point("parent-synced")
    write_text(folder / POINTER, f"{target.name}\n")
    faults.point("pointer")
    _prune(folder, step, keep)
    faults.point("pruned")
    return target


def publish(target: Path, write: Callable[[Path], None], *, estimate: int = 0) -> None:
    """Make the directory `target` from the files that `write` puts into the folder it is given: all of it or nothing.

    A directory that was published before is replaced, and is gone only when the new one is in its place; any other that
    is not empty is BadInput.
    """
    _recover_one(target)
    if target.exists() and not (target / MANIFEST).is_file() and (not target.is_dir() or any(target.iterdir())):
        raise BadInput(str(target), "is there already and was not made by nlptl; choose another name, or remove it")
    space_for(target, estimate)
    _build(target, write, None, estimate)


def newest(run: Path, say: Callable[[str], None]) -> Path | None:
    """Give the newest checkpoint of which every byte is right, or None when there never was one.

    Says which are damaged and how. Clears away what a crash left: the caller holds the run's lock. Raises NoCheckpoint
    when there were checkpoints and none is good.
    """
    folder = run / FOLDER
    recover(run)
    recover(folder)
    candidates = sorted(_steps(folder).items(), reverse=True)
    for _, path in candidates:
        found = verify(path)
        if not found:
            _point_to(path)
            return path
        say(f"{path} is damaged and not used: {'; '.join(found)}")
    if candidates or (folder / POINTER).exists():
        raise NoCheckpoint(
            f"{folder}: there were checkpoints and none is good ({len(candidates)} damaged); "
            "restore one from a copy, or remove the run directory to start anew"
        )
    return None


def recover(folder: Path) -> None:
    """Bring `folder` back to order after a crash: the half-made goes, what was being replaced returns."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith(_REPLACED):
            _recover_one(folder / path.name.removeprefix(_REPLACED))
        elif path.name.startswith((_STAGING, _REMOVED, TEMPORARY)):
            _delete(path)


def _recover_one(target: Path) -> None:
    replaced = target.with_name(_REPLACED + target.name)
    if replaced.exists() and not target.exists():
        replaced.rename(target)
    _delete(replaced)
    _delete(target.with_name(_STAGING + target.name))


def _build(target: Path, write: Callable[[Path], None], step: int | None, estimate: int) -> None:
    staging = target.with_name(_STAGING + target.name)
    staged = 0
    with room(target, lambda: max(estimate, staged)):
        try:
            _delete(staging)
            with placing(target):
                staging.mkdir()
            faults.point("stage")
            write(staging)
            faults.point("written")
            seal(staging, step)
            faults.point("manifest-synced")
            _swap_in(staging, target)
        except BaseException:
            with suppress(OSError):
                staged = _size(staging)
                _recover_one(target)
            raise
        sync_folder(target.parent)


def _swap_in(staging: Path, target: Path) -> None:
    replaced = target.with_name(_REPLACED + target.name)
    if target.exists():
        target.rename(replaced)
        faults.point("replaced")
    staging.rename(target)
    faults.point("renamed")
    _delete(replaced)


def _prune(folder: Path, step: int, keep: int) -> None:
    """Keep the newest `keep` up to `step`, which is verified. Later ones are those that were found damaged: they go."""
    steps = _steps(folder)
    kept = sorted((each for each in steps if each <= step), reverse=True)[:keep]
    for each in sorted(steps.keys() - set(kept)):
        # Renamed first: what is half deleted must not look like a damaged checkpoint.
        removed = steps[each].rename(folder / (_REMOVED + steps[each].name))
        faults.point("prune")
        _delete(removed)


def _steps(folder: Path) -> dict[int, Path]:
    if not folder.is_dir():
        return {}
    return {int(path.name[5:]): path for path in folder.iterdir() if re.fullmatch(r"step-\d{8}", path.name, re.ASCII)}


def _point_to(path: Path) -> None:
    pointer = path.with_name(POINTER)
    if not pointer.is_file() or pointer.read_bytes() != f"{path.name}\n".encode():
        write_text(pointer, f"{path.name}\n")


def _last_size(folder: Path) -> int:
    """Give the size of the last checkpoint, the best guess at the next one's; 0 when there is none to go by."""
    for _, path in sorted(_steps(folder).items(), reverse=True):
        with suppress(BadInput):
            return sum(entry.size for entry in read_manifest(path).files)
    return 0


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
