"""No room and unusable places: rows T5 and T6."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from artifact_help import silent, tree, two_checkpoints, writer

from nlptl import artifacts
from nlptl.errors import BadInput, OutOfSpace


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return two_checkpoints(tmp_path)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """Mount a memory disk; the test is skipped, with the reason, where that is not allowed."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a small disk here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_limit_on_file_size_leaves_the_old_file_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    artifacts.write_bytes(path, b"old")
    with file_limit(1000), pytest.raises(OutOfSpace) as caught:
        artifacts.write_bytes(path, bytes(5000))
    assert tree(tmp_path) == {"a.json": b"old"}
    text = str(caught.value)
    assert caught.value.exit_code == 5
    for part in (str(path), "5,000 bytes needed", "bytes free", "1,000 bytes here"):
        assert part in text


def test_a_limit_on_file_size_leaves_the_checkpoint_before(run: Path) -> None:
    with file_limit(1500), pytest.raises(OutOfSpace, match=r"step-00000030: no room: .* needed, .* free"):
        artifacts.save(run, 30, writer(30), keep=1)
    assert artifacts.newest(run, silent) == run / "checkpoints/step-00000020"


def test_what_does_not_fit_in_a_checkpoint_is_said_of_the_checkpoint(run: Path) -> None:
    with file_limit(1500), pytest.raises(OutOfSpace, match=r"/step-00000030: no room: 15,074 .* at most 1,500"):
        artifacts.save(run, 30, lambda folder: artifacts.write_bytes(folder / "a", bytes(4000)), keep=1)


def test_the_error_of_safetensors_is_understood(run: Path) -> None:
    def full(folder: Path) -> None:  # safetensors 0.8 raises its own class; checked by hand on a full disk
        raise Exception("Error while serializing: I/O error: No space left on device (os error 28)")

    with pytest.raises(OutOfSpace, match="step-00000030: no room: 70,000 bytes needed"):
        artifacts.save(run, 30, full, keep=1, estimate=70_000)
    assert artifacts.newest(run, silent) == run / "checkpoints/step-00000020"


def test_a_log_line_that_does_not_fit_leaves_no_torn_line(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    artifacts.append_line(log, {"step": 1})
    before = log.read_bytes()
    with file_limit(100), pytest.raises(OutOfSpace):
        artifacts.append_line(log, {"text": "x" * 500})
    assert log.read_bytes() == before


def test_without_room_for_the_estimate_nothing_is_begun(run: Path) -> None:
    before = tree(run)
    for make in (lambda: artifacts.save(run, 30, fail, keep=1, estimate=10**18), lambda: publish_huge(run / "model")):
        with pytest.raises(OutOfSpace, match="1,000,000,000,000,000,000 bytes needed"):
            make()
    assert tree(run) == before


def fail(folder: Path) -> None:
    raise AssertionError(f"{folder} was begun")


def publish_huge(target: Path) -> None:
    artifacts.publish(target, fail, estimate=10**18)


@needs_root
def test_a_full_disk_leaves_the_checkpoint_before_at_every_size(tmp_path: Path) -> None:
    pages = 4096
    files = {f"part-{number}": bytes(3 * pages) for number in range(10)}

    def write(folder: Path) -> None:
        for name, data in files.items():
            (folder / name).write_bytes(data)

    one = 3 * pages * len(files)
    refusals: list[str] = []
    free: list[int] = []
    for percent in (10, 25, 40, 55, 70, 85, 100, 110):
        room = one + 2 * pages + one * percent // 100
        with mounted(tmp_path / f"disk-{percent}", f"size={room // pages * pages}") as disk:
            good = artifacts.save(disk, 1, write, keep=1)
            with pytest.raises(OutOfSpace, match="bytes needed"):
                artifacts.space_for(disk, 3 * one)
            try:
                good = artifacts.save(disk, 2, write, keep=1)
            except OutOfSpace as error:
                refusals.append(str(error))
                free.append(shutil.disk_usage(disk).free)
            assert artifacts.newest(disk, silent) == good
    assert 6 <= len(refusals) <= 7, "at 85 % there is no room, at 110 % there is"
    for text, left in zip(refusals, free, strict=True):
        assert f"no room: {one:,} bytes needed, {left:,} bytes free" in text, "needed: the size of the last checkpoint"


def refusal(path: Path, **more: list[Path]) -> str:
    start = time.perf_counter()
    with pytest.raises(BadInput) as caught:
        artifacts.check_place(path, **more)
    assert time.perf_counter() - start < 1
    str(caught.value).encode()  # can be shown on any terminal
    return str(caught.value)


def test_unusable_output_folders_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").write_text("x")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "inside").mkdir()
    assert "root of the file system" in refusal(Path("/"))
    assert "home folder itself" in refusal(tmp_path)
    assert "home folder itself" in refusal(tmp_path / "inside" / "..")
    assert "is a file" in refusal(tmp_path / "file")
    assert "is a file" in refusal(tmp_path / "file" / "runs")
    assert "does not exist" in refusal(tmp_path / "typo" / "runs")
    assert "circle" in refusal(tmp_path / "circle")
    assert "300 bytes in one name" in refusal(tmp_path / ("n" * 300))
    assert "too long" in refusal(Path("/".join(["", "tmp", *["n" * 200] * 25])))
    assert "not UTF-8" in refusal(tmp_path / os.fsdecode(b"caf\xe9"))
    assert "zero byte" in refusal(tmp_path / "a\0b")
    assert "also an input" in refusal(tmp_path / "inside", inputs=[tmp_path / "file", tmp_path / "inside"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["circle", "file", "inside"]


def test_usable_output_folders_are_left_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for name in ("there", "new", "新しい"):
        artifacts.check_place(tmp_path / name, inputs=[tmp_path])
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


@needs_root
def test_a_read_only_disk_and_one_without_inodes_are_refused(tmp_path: Path) -> None:
    with mounted(tmp_path / "ro", "size=64k,ro") as disk:
        assert "Read-only file system" in refusal(disk / "runs")
        with pytest.raises(BadInput, match="Read-only"):
            artifacts.write_text(disk / "a", "x")
        with pytest.raises(BadInput, match="Read-only"), artifacts.lock(disk):
            pass
    with mounted(tmp_path / "inodes", "size=64k,nr_inodes=3") as disk:
        for number in range(2):
            (disk / str(number)).touch()
        assert "no inode" in refusal(disk / "runs")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "Permission denied" in refusal(tmp_path / "runs")
