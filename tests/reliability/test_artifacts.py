"""Checkpoints and published directories under kills: row T3 of the reliability plan, without training."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from artifact_help import EVERY_FILE, FILES, content, python, silent, tree, two_checkpoints, writer

from nlptl import artifacts
from nlptl.errors import BadInput


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return two_checkpoints(tmp_path)


RUN = """
    import sys
    from pathlib import Path
    import artifact_help as t
    from nlptl import artifacts
    run, last = Path(sys.argv[1]), int(sys.argv[2])
    found = artifacts.newest(run, print)
    step = 0 if found is None else artifacts.read_manifest(found).step
    while step < last:
        step += 1
        artifacts.save(run, step, t.writer(step), keep=2)
        artifacts.publish(run / "model", t.writer(step))
        print("saved", step, flush=True)
"""
POINTS = (
    *("stage:4", "written:4", "file:19", "file:21", "synced:20", "manifest:4", "manifest-synced:4", "renamed:4"),
    *("parent-synced:3", "temporary:3", "pointer:3", "prune:1", "pruned:3", "replaced:1", "manifest-synced:6"),
)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_of_saving_the_run_goes_on_from_a_whole_checkpoint(tmp_path: Path, point: str) -> None:
    killed = python(RUN, tmp_path, 9, NLPTL_FAULT=point)
    output, errors = killed.communicate(timeout=30)
    assert killed.returncode == -signal.SIGKILL, errors
    check_and_finish(tmp_path, output, last=9)


def test_killed_at_random_times_the_run_goes_on_from_a_whole_checkpoint(tmp_path: Path) -> None:
    times = random.Random(3)
    for _ in range(12):
        process = python(RUN, tmp_path, 10_000)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(times.uniform(0, 0.03))
        process.kill()
        output, errors = process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL, errors
        check(tmp_path, first + output)


def check(run: Path, output: str) -> None:
    """At least what was reported as saved is there, whole; nothing is left of what was not."""
    reported = max((int(line.split()[1]) for line in output.splitlines() if line.startswith("saved")), default=0)
    said: list[str] = []
    found = artifacts.newest(run, said.append)
    assert said == [], "a kill is never seen as damage"
    assert found is not None
    step = artifacts.read_manifest(found).step
    assert step is not None
    assert step >= reported
    assert {name: (found / name).read_bytes() for name in FILES} == {name: content(name, step) for name in FILES}
    assert (run / "checkpoints/latest").read_text() == f"{found.name}\n"
    assert [path for path in run.rglob(".*") if path.name.startswith((".staging", ".tmp", ".re"))] == []
    if reported:  # the model was published once: it is there, the old one or the new one
        assert artifacts.verify(run / "model") == []


def check_and_finish(run: Path, output: str, last: int) -> None:
    check(run, output)
    again = python(RUN, run, last)
    output, errors = again.communicate(timeout=30)
    assert again.returncode == 0, errors
    check(run, output)
    names = sorted(path.name for path in (run / "checkpoints").iterdir())
    assert names == ["latest", f"step-{last - 1:08d}", f"step-{last:08d}"]
    assert all(artifacts.verify(run / "checkpoints" / name) == [] for name in names[1:])
    assert tree(run / "model").keys() == set(EVERY_FILE)


def test_a_kill_half_way_through_deleting_is_not_seen_as_damage(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(folder: Path) -> None:
        (folder / "rng.json").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", half)
        with pytest.raises(KeyboardInterrupt):
            artifacts.save(run, 30, writer(30), keep=2)
    shutil.rmtree(run / "checkpoints/step-00000030")
    said: list[str] = []
    assert artifacts.newest(run, said.append) == run / "checkpoints/step-00000020"
    assert (said, artifacts.verify(run / "checkpoints/step-00000020")) == ([], [])
    assert not (run / "checkpoints/step-00000010").exists()


def test_every_byte_is_on_the_disk_before_its_name_is(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill cannot show a missing fsync, only a power cut could: look at the order of the calls."""
    events: list[str] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        events.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    def passed(name: str) -> None:
        events.append(name)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr("nlptl.artifacts.faults.point", passed)
    target = artifacts.save(run, 30, writer(30), keep=1)
    staging = target.with_name(f".staging-{target.name}")
    renamed = events.index("renamed")
    assert {str(staging / name) for name in ("", "sub", *EVERY_FILE)} <= set(events[:renamed])
    assert events.index(str(staging / artifacts.MANIFEST)) > max(events.index(str(staging / name)) for name in FILES)
    assert events[renamed + 1 : renamed + 3] == [str(target.parent), "parent-synced"]
    pointer = events[events.index("parent-synced") + 1 : events.index("pointer")]
    assert Path(pointer[0]).name.startswith(".tmp-")
    assert pointer[1:] == ["temporary", str(target.parent)]
    assert events.index("pointer") < events.index("prune"), "the old ones go last"


def test_the_pointer_is_put_right(run: Path) -> None:
    for damage in (b"", b"step-00000010\n", b"\xff"):
        (run / "checkpoints/latest").write_bytes(damage)
        assert artifacts.newest(run, silent) == run / "checkpoints/step-00000020"
        assert (run / "checkpoints/latest").read_text() == "step-00000020\n"


def test_no_other_process_pays_for_the_fault_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NLPTL_FAULT", "no such point")
    assert artifacts.verify(artifacts.save(tmp_path, 1, writer(1), keep=1)) == []


def test_a_published_directory_is_replaced_whole_and_a_foreign_one_never(tmp_path: Path) -> None:
    target = tmp_path / "model"
    artifacts.publish(target, writer(1))
    artifacts.publish(target, lambda folder: artifacts.write_text(folder / "only.txt", "x"))
    assert tree(target).keys() == {"only.txt", artifacts.MANIFEST}
    assert artifacts.verify(target) == []
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years")
    with pytest.raises(BadInput, match="not made by nlptl"):
        artifacts.publish(mine, writer(1))
    assert tree(mine) == {"thesis.txt": b"years"}


def test_a_replacement_that_fails_half_way_puts_the_old_directory_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model"
    artifacts.publish(target, writer(1))
    before = tree(tmp_path)

    def interrupt(name: str) -> None:
        if name == "replaced":
            raise KeyboardInterrupt

    monkeypatch.setattr("nlptl.artifacts.faults.point", interrupt)
    with pytest.raises(KeyboardInterrupt):
        artifacts.publish(target, writer(2))
    assert tree(tmp_path) == before


@pytest.mark.parametrize("error", [RuntimeError("in the middle"), KeyboardInterrupt()])
def test_what_fails_while_writing_changes_nothing(run: Path, error: BaseException) -> None:
    artifacts.publish(run / "model", writer(1))
    before = tree(run)

    def fail(folder: Path) -> None:
        (folder / "half").write_bytes(b"x")
        raise error

    with pytest.raises(type(error)):
        artifacts.publish(run / "model", fail)
    with pytest.raises(type(error)):
        artifacts.save(run, 30, fail, keep=1)
    assert tree(run) == before
