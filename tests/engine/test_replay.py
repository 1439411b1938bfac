"""A run done again from what it wrote down: equal to the bit, or what is not is found and named."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny

from nlptl.compare.opening import open_run
from nlptl.errors import BadInput
from nlptl.job import Watch
from nlptl.replay import matching, replay, surroundings


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let temporary folders lie in one of the test's own."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture(scope="module")
def world(checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tiny.Tiny]:
    """Give a folder with card, checkpoint and recipe, and a finished run below `runs`; all by relative paths."""
    folder = tmp_path_factory.mktemp("world")
    shutil.copytree(checkpoint("bert"), folder / "start")
    tiny.write_card(folder)
    recipe = tiny.recipe_tree(Path("start"), Path("tiny.yaml"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlptl.saved.gate", tiny.near_gate)
        patch.chdir(folder)
        made = tiny.Tiny(folder, tiny.write_recipe(folder / "recipe.yaml", recipe))
        made.run()
        patch.chdir(tiny.ROOT)
        yield made


def run_of(world: tiny.Tiny) -> Path:
    (directory,) = (world.folder / "runs").iterdir()
    return directory


def tree_of(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (tiny.sha256(path), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def copy_of(world: tiny.Tiny, place: Path) -> tiny.Tiny:
    return tiny.Tiny(Path(shutil.copytree(world.folder, place)), place / "recipe.yaml")


def test_a_replay_is_equal_and_leaves_no_trace(world: tiny.Tiny, temporary: Path) -> None:
    before, said = tree_of(world.folder), []
    done = replay(run_of(world), watch=Watch(say=said.append))
    assert done.found.equal
    # 5 metrics of test, 5 of dev, 3 + 1 + 5 of training and its evaluation, 5 fitted, 2 of rows, 2 of parameters
    # 24 rows of test, and the 24 of dev that chose the checkpoint
    assert done.found.compared == {"metrics": 28, "rows": 48, "steps": 6, "weights": 1}
    assert tree_of(world.folder) == before
    assert list(temporary.iterdir()) == []
    assert not done.kept
    # The working directory is another one, where the recipe's relative paths lead nowhere.
    assert f"note: relative paths of the recipe are meant from {world.folder.resolve()}" in said


def test_a_changed_prediction_is_found_by_the_command(
    world: tiny.Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from nlptl import cli

    run = run_of(copy_of(world, tmp_path / "copy"))
    lines = tiny.predictions(run)
    was = lines[3]["predicted"]
    lines[3]["predicted"] = "class0" if was != "class0" else "class1"
    (run / "predictions" / "test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(SystemExit) as end:
        cli.main(["replay", str(run), "--out", str(tmp_path / "fresh")])
    text = capsys.readouterr().out
    assert end.value.code == 1
    assert f'test: test/000003: {{"predicted": "{lines[3]["predicted"]}"}} -> {{"predicted": "{was}"}}' in text
    assert "NOT equal" in text
    kept = tmp_path / "fresh" / run.name
    assert f"replay: {kept}" in text
    assert tiny.sha256(kept / "model" / "model.safetensors") == tiny.sha256(run / "model" / "model.safetensors")


def change_weight(run: Path) -> None:
    """Move one weight by a hair, with a manifest that fits."""
    from nlptl.artifacts import manifest

    tensors = tiny.weights(run)
    tensors["classifier.bias"][0] += 2**-10
    from safetensors.torch import save_file

    save_file(tensors, run / "model" / "model.safetensors")
    (run / "model" / "MANIFEST.json").unlink()
    manifest.seal(run / "model", None)


def change_report(run: Path) -> None:
    report = json.loads((run / "report.json").read_text())
    report["evaluation"][0]["metrics"]["accuracy"] += 2**-50
    (run / "report.json").write_text(json.dumps(report))


def change_log(run: Path) -> None:
    lines = (run / "log.jsonl").read_text().splitlines()
    for number in (3, 4):
        record = json.loads(lines[number])
        lines[number] = json.dumps({**record, "loss": record["loss"] + 2**-30, "seconds": 99.0})
    (run / "log.jsonl").write_text("\n".join(lines) + "\n")


def drop_row(run: Path) -> None:
    lines = tiny.predictions(run)
    lines[2]["id"] = "test/999999"
    (run / "predictions" / "test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


CHANGES: dict[str, tuple[Callable[[Path], None], str, list[str]]] = {
    "weight": (change_weight, "weights", ["model.safetensors: 1 of 41 tensors differ, by 0.000977 at most"]),
    "metric": (change_report, "metrics", ["test.accuracy"]),
    "loss": (change_log, "steps", ["step 4", "step 5"]),
    "row": (drop_row, "rows", ["test: test/999999", "test: test/000002"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_was_changed_is_found(world: tiny.Tiny, tmp_path: Path, change: str) -> None:
    spoil, sort, expected = CHANGES[change]
    run, other = run_of(world), run_of(copy_of(world, tmp_path / "copy"))
    spoil(other)
    found = matching.match(open_run(run), open_run(other))
    assert not found.equal
    unlike = {name: [one.what for one in getattr(found, name)] for name in ("metrics", "rows", "steps", "weights")}
    assert unlike.pop(sort) == (expected if change != "row" else expected[::-1])
    assert not any(unlike.values())
    assert matching.match(open_run(run), open_run(run)).equal


def test_a_changed_byte_of_the_model_is_refused(world: tiny.Tiny, tmp_path: Path) -> None:
    run = run_of(copy_of(world, tmp_path / "copy"))
    path = run / "model" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"model\.safetensors"):
        replay(run)


def test_other_data_or_another_checkpoint_are_refused(world: tiny.Tiny, tmp_path: Path) -> None:
    made = copy_of(world, tmp_path / "copy")
    run, was = run_of(made), json.loads((run_of(made) / "data.json").read_text())
    tiny.write_card(made.folder, seed=2)
    with pytest.raises(BadInput) as told:
        replay(run)
    assert f"had sha256 {was['sha256']}, now it is " in str(told.value)
    shutil.copy(world.folder / "tiny.yaml", made.folder)
    config = made.folder / "start" / "config.json"
    config.write_text(config.read_text() + "\n")
    with pytest.raises(BadInput) as told:
        replay(run)
    assert f"checkpoint start had sha256 {was['checkpoint']['sha256']}, now it is " in str(told.value)
    (made.folder / "tiny.yaml").unlink()
    with pytest.raises(BadInput, match=r"data\.card"):
        replay(run)


def test_the_replay_never_lies_where_the_run_lies(world: tiny.Tiny, tmp_path: Path) -> None:
    run, before = run_of(world), tree_of(world.folder)
    for place in (run.parent, run, run / "again"):
        with pytest.raises(BadInput, match="never written to"):
            replay(run, out=place)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    with pytest.raises(BadInput, match="is not empty"):
        replay(run, out=tmp_path / "full")
    with pytest.raises(BadInput, match="no such directory"):
        replay(tmp_path / "nowhere")
    assert tree_of(world.folder) == before


def test_one_of_several_processes_may_not_start_it(world: tiny.Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "0")
    with pytest.raises(BadInput, match="one of several processes"):
        replay(run_of(world))


def remember(run: Path, **variables: str) -> Any:
    """Let a run remember variables of its environment."""
    told = json.loads((run / "environment.json").read_text())
    told["variables"] |= variables
    told["versions"]["torch"] = "0.0.1"
    (run / "environment.json").write_text(json.dumps(told))
    return open_run(run)


def test_versions_and_variables_that_are_not_the_runs_are_named(
    world: tiny.Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = remember(run_of(copy_of(world, tmp_path / "copy")), NLPTL_DATA=str(tmp_path), OMP_NUM_THREADS="3")
    monkeypatch.delenv("NLPTL_DATA", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    found = {one.what: (one.run, one.replay) for one in surroundings.changes(run)}
    assert found["versions.torch"][0] == "0.0.1"
    assert found["variables.OMP_NUM_THREADS"] == ("3", "1")
    plan = surroundings.plan_of(run)
    assert plan.variables == {"NLPTL_DATA": str(tmp_path)}
    assert "NLPTL_DATA" not in os.environ, "it is set for the replay alone"
    assert plan.overrides == (), "the recipe says how many threads: 1"


def test_threads_that_the_recipe_leaves_open_are_those_of_the_run(
    world: tiny.Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = run_of(copy_of(world, tmp_path / "copy"))
    text = (directory / "recipe.yaml").read_text()
    (directory / "recipe.yaml").write_text(text.replace("threads: 1", "threads: null"))
    run = remember(directory, OMP_NUM_THREADS="3")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert surroundings.plan_of(run).overrides == ("machine.threads=3",)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert surroundings.plan_of(run).overrides == ()


def test_a_run_of_two_processes_is_done_by_two_again(world: tiny.Tiny, tmp_path: Path) -> None:
    made = copy_of(world, tmp_path / "copy")
    run = run_of(made)
    report = json.loads((run / "report.json").read_text())
    report["training"]["processes"] = 2  # it had one; what two make of it is the same but for the last bits of sums
    (run / "report.json").write_text(json.dumps(report))
    said: list[str] = []
    done = replay(run, out=tmp_path / "fresh", watch=Watch(say=said.append))
    again = json.loads((done.directory / "report.json").read_text())
    assert again["training"]["processes"] == 2
    assert done.directory == tmp_path / "fresh" / run.name
    assert "note: with 2 processes, as the run had" in said
    assert not done.found.metrics or all("calibration" in one.what or "best" in one.what for one in done.found.metrics)


@pytest.mark.soak
def test_a_run_of_two_processes_is_equal_to_the_bit(world: tiny.Tiny, tmp_path: Path) -> None:
    made = copy_of(world, tmp_path / "copy")
    shutil.rmtree(made.folder / "runs")
    (made.folder / "runs").mkdir()
    tiny.write_recipe(made.recipe, tiny.recipe_tree(made.folder / "start", made.folder / "tiny.yaml"))
    done = made.command("--processes", "2", OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    again = tiny.python("-m", "nlptl", "replay", str(run_of(made)), "--json", OMP_NUM_THREADS="1")
    assert again.returncode == 0, again.stderr
    record = json.loads(again.stdout)
    assert record["equal"]
    assert record["found"]["compared"]["rows"] == 48
    assert "with 2 processes, as the run had" in record["notes"]
