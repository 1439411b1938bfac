"""Every file of a checkpoint damaged in every way: row T4."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from artifact_help import EVERY_FILE, FILES, silent, two_checkpoints, writer

from nlptl import artifacts
from nlptl.errors import NoCheckpoint


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return two_checkpoints(tmp_path)


def flip(data: bytes, seed: int) -> bytes:
    place = random.Random(seed).randrange(8 * len(data))
    changed = bytearray(data)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "0 bytes": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "a byte less": lambda data: data[:-1],
    "a byte more": lambda data: data + b"\n",
    "zeros": lambda data: bytes(len(data)),
    **{f"bit flip {seed}": lambda data, seed=seed: flip(data, seed) for seed in range(8)},
}


def assert_seen(run: Path, name: str) -> None:
    """The damage to `name` in step 20 is said, step 10 takes over, and nothing is good when that is damaged too."""
    said: list[str] = []
    assert artifacts.newest(run, said.append) == run / "checkpoints/step-00000010"
    assert len(said) == 1
    assert "step-00000020" in said[0]
    assert f" {name}: " in said[0]


@pytest.mark.parametrize("name", EVERY_FILE)
def test_every_damage_to_a_file_is_seen_and_named(run: Path, name: str) -> None:
    path = run / "checkpoints/step-00000020" / name
    good = path.read_bytes()
    for damage in DAMAGE.values():
        path.write_bytes(damage(good))
        assert_seen(run, name)
    path.unlink()
    assert_seen(run, name)
    path.symlink_to(run / "checkpoints/step-00000010" / name)
    assert_seen(run, name)
    path.unlink()
    path.write_bytes(good)
    assert artifacts.newest(run, silent) == run / "checkpoints/step-00000020"


@pytest.mark.parametrize("name", EVERY_FILE)
def test_a_file_of_another_run_or_step_is_seen(run: Path, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    other = artifacts.save(tmp_path_factory.mktemp("other"), 20, writer(20, "other run"), keep=1)
    for source in (other, run / "checkpoints/step-00000010"):
        shutil.copy(source / name, run / "checkpoints/step-00000020" / name)
        said: list[str] = []
        assert artifacts.newest(run, said.append) == run / "checkpoints/step-00000010"
        # A foreign manifest accuses the files that it does not know; else the file itself is named.
        assert (" model.safetensors: " if name == artifacts.MANIFEST else f" {name}: ") in said[0]


def test_two_swapped_files_are_both_named(run: Path) -> None:
    folder = run / "checkpoints/step-00000020"
    first, second = folder / FILES[0], folder / FILES[3]
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    said: list[str] = []
    artifacts.newest(run, said.append)
    assert f"{FILES[0]}: " in said[0]
    assert f"{FILES[3]}: " in said[0]


def test_a_directory_of_another_step_is_seen(run: Path) -> None:
    shutil.copytree(run / "checkpoints/step-00000010", run / "checkpoints/step-00000030")
    said: list[str] = []
    assert artifacts.newest(run, said.append) == run / "checkpoints/step-00000020"
    assert "is that of step 10" in said[0]


def test_the_message_gives_the_sha256_that_was_expected_and_the_one_found(run: Path) -> None:
    folder = run / "checkpoints/step-00000020"
    entry = next(entry for entry in artifacts.read_manifest(folder).files if entry.name == FILES[0])
    (folder / FILES[0]).write_bytes(bytes(entry.size))
    output = subprocess.run(["sha256sum", folder / FILES[0]], capture_output=True, text=True, check=True).stdout
    assert artifacts.verify(folder) == [f"{FILES[0]}: sha256 is {output.split()[0]}, should be {entry.sha256}"]


def test_an_added_file_is_a_fault_and_a_dot_file_is_not(run: Path) -> None:
    folder = run / "checkpoints/step-00000020"
    (folder / ".DS_Store").write_bytes(b"x")
    assert artifacts.verify(folder) == []
    (folder / "adapter_config.json").write_bytes(b"{}")
    assert artifacts.verify(folder) == ["adapter_config.json: not in the manifest"]


def test_what_is_not_a_plain_file_is_a_fault_and_is_not_opened(
    run: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = run / "checkpoints/step-00000020/rng.json"
    path.rename(tmp_path_factory.mktemp("outside") / "rng.json")
    path.symlink_to(next(tmp_path_factory.getbasetemp().glob("outside*/rng.json")))  # the right bytes, for now
    assert artifacts.verify(path.parent) == ["rng.json: not a plain file"]
    path.unlink()
    os.mkfifo(path)  # opening it would wait for ever
    assert artifacts.verify(path.parent) == ["rng.json: not a plain file"]


def test_a_manifest_cannot_point_out_of_its_directory(run: Path) -> None:
    manifest = artifacts.read_manifest(run / "checkpoints/step-00000020")
    first, *rest = manifest.files
    from nlptl.artifacts.manifest import _render

    evil = artifacts.Manifest(
        manifest.nlptl, 20, (artifacts.Entry("../step-00000010/rng.json", first.size, first.sha256), *rest)
    )
    (run / "checkpoints/step-00000020" / artifacts.MANIFEST).write_bytes(_render(evil))
    assert "../step-00000010/rng.json: missing" in artifacts.verify(run / "checkpoints/step-00000020")


def test_no_good_checkpoint_is_an_error_and_no_checkpoint_is_none(run: Path, tmp_path: Path) -> None:
    assert artifacts.newest(tmp_path / "new", silent) is None
    said: list[str] = []
    for step in (10, 20):
        (run / f"checkpoints/step-{step:08d}/rng.json").unlink()
    with pytest.raises(NoCheckpoint) as caught:
        artifacts.newest(run, said.append)
    assert caught.value.exit_code == 4
    assert len(said) == 2
    shutil.rmtree(run / "checkpoints/step-00000010")
    shutil.rmtree(run / "checkpoints/step-00000020")
    with pytest.raises(NoCheckpoint):  # the pointer remembers that there was one
        artifacts.newest(run, silent)


def test_after_a_fall_back_the_good_one_is_not_pruned_in_favour_of_a_damaged_one(run: Path) -> None:
    artifacts.save(run, 40, writer(40), keep=3)
    (run / "checkpoints/step-00000040/rng.json").unlink()
    assert artifacts.newest(run, silent) == run / "checkpoints/step-00000020"
    artifacts.save(run, 30, writer(30), keep=1)
    assert artifacts.newest(run, silent) == run / "checkpoints/step-00000030"
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"latest", "step-00000030"}


def test_a_damaged_checkpoint_is_replaced_when_its_step_comes_again(run: Path) -> None:
    (run / "checkpoints/step-00000020/rng.json").unlink()
    assert artifacts.verify(artifacts.save(run, 20, writer(20), keep=2)) == []
