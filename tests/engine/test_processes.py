"""Several processes: the same weights to rounding, the same metrics to the last digit, each row once, nothing
silent.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

from nlptl.data import batches
from nlptl.errors import BadInput

Make = Callable[..., tiny.Tiny]
AWKWARD = {"train": 47, "dev": 23, "test": 1821}
"""1,821 is the size of SST-2's test split: no multiple of 2, 8 or 16."""
TRAIN = {"batch": 7, "epochs": 2, "learning_rate": 2e-3, "evaluate_every": 3, "select": "last"}


@pytest.fixture
def awkward(make: Make) -> tiny.Tiny:
    """Give a recipe on SST-2 with its whole test split, or on made rows of that number where the data are not here."""
    root = os.environ.get("NLPTL_DATA", "")
    if not (Path(root) / "sst2").is_dir():
        return make(source={"rows": AWKWARD}, train=TRAIN)
    return make(data={"card": "sst2", "train_rows": AWKWARD["train"]}, train=TRAIN, model={"max_tokens": 32})


def only(folder: Path) -> Path:
    (directory,) = folder.iterdir()
    return directory


def report(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    return found


def assert_same_run(first: Path, second: Path) -> None:
    """Hold two runs with different numbers of processes against each other, dropout on."""
    one, other = tiny.weights(first), tiny.weights(second)
    # Softmax does not see the bias of all keys: its gradient is rounding alone, and AdamW enlarges that.
    seen = [name for name in one if "key.bias" not in name]
    apart = tiny.largest_difference({name: one[name] for name in seen}, {name: other[name] for name in seen})
    assert apart < 2e-5, "a step moves a weight by up to 2e-3"
    told, said = report(first), report(second)
    assert [each["metrics"] for each in told["evaluation"]] != [{}]
    for each, its in zip(told["evaluation"], said["evaluation"], strict=True):
        exact = {name: value for name, value in each["metrics"].items() if name != "calibration_error"}
        assert exact == {name: value for name, value in its["metrics"].items() if name != "calibration_error"}
        assert each["metrics"]["calibration_error"] == pytest.approx(its["metrics"]["calibration_error"], abs=1e-3)
        assert each["tables"]["confusion"] == its["tables"]["confusion"]
    ours, theirs = tiny.predictions(first), tiny.predictions(second)
    expected = [f"test/{number:06d}" for number in range(1821)]
    assert tiny.ids_of(ours) == tiny.ids_of(theirs) == expected, "each row once, in the order of the data"
    assert [each["predicted"] for each in ours] == [each["predicted"] for each in theirs]


def test_two_processes_train_as_one_does_and_resume(
    awkward: tiny.Tiny, near_gate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, killed, refused with another number, taken up: the last two by torchrun, as users start them."""
    alone = awkward.run(out="alone")
    # Ranks have different numbers of micro-batches in some steps: they must not meet before the last.
    shares = [
        [len(batches.micro_batches(plan.features, tokens=100, rank=rank, world=2)) for rank in range(2)]
        for plan in awkward.parts().plans(14)
    ]
    assert any(one != other for one, other in shares)
    done = awkward.warm("machine.micro_tokens=100", out="two", ranks=2)
    assert done.returncode == 0, done.stderr
    two = only(awkward.folder / "two")
    assert report(two)["training"]["processes"] == 2
    assert two.name == alone.directory.name, "the number of processes is plumbing"
    assert_same_run(alone.directory, two)

    killed = awkward.command("--processes", "2", "machine.micro_tokens=100", out="killed", NLPTL_FAULT="pruned:2")
    assert killed.returncode == 128 + 9, killed.stderr
    with pytest.raises(BadInput, match="begun with 2 processes, it cannot go on with 1"):
        awkward.run(out="killed")
    assert not (only(awkward.folder / "killed") / "report.json").exists()
    again = awkward.command("--processes", "2", "machine.micro_tokens=100", out="killed")
    assert again.returncode == 0, again.stderr
    assert "going on after step 6 of 14" in again.stderr
    assert tiny.outcome(only(awkward.folder / "killed")) == tiny.outcome(two)


def test_three_processes_of_which_some_get_no_example(make: Make, near_gate: None) -> None:
    """Steps of two examples on three ranks: one rank is idle in every step, two in the last (an odd number of rows)."""
    made = make(source={"rows": {"train": 9, "dev": 2, "test": AWKWARD["test"]}}, train={**TRAIN, "batch": 2})
    alone = made.run(out="alone")
    assert alone.report["training"]["steps"] == 10
    done = made.warm(out="three", ranks=3)
    assert done.returncode == 0, done.stderr
    assert_same_run(alone.directory, only(made.folder / "three"))
    assert done.stdout.count("accuracy") <= 2, "one process speaks"


def launched(made: tiny.Tiny, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start through accelerate's own launcher."""
    line = ["-m", "accelerate.commands.accelerate_cli", "launch", "--cpu", *arguments]
    line += ["--mixed_precision", "no", "--num_machines", "1", "--dynamo_backend", "no", "-m", "nlptl"]
    return tiny.python(*line, "run", str(made.recipe), "--out", str(made.folder / "launched"))


def test_accelerate_launch_runs_one_process(make: Make, near_gate: None) -> None:
    made = make()
    done = launched(made, "--num_processes", "1")
    assert done.returncode == 0, done.stderr
    alone = made.run(out="alone")
    assert tiny.outcome(only(made.folder / "launched")) == tiny.outcome(alone.directory)


def test_accelerate_launch_that_starts_one_process_for_two_is_refused(make: Make) -> None:
    made = make()
    done = launched(made, "--num_processes", "2")
    assert done.returncode != 0
    assert "2 were asked for, 1 is here" in done.stderr
    assert not (made.folder / "launched").exists()


def test_the_number_of_processes_is_held_against_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from nlptl import launch

    monkeypatch.delenv("WORLD_SIZE", raising=False)
    launch.check_world()
    monkeypatch.setenv("NLPTL_PROCESSES", "2")
    with pytest.raises(BadInput, match="2 were asked for, 1 is here"):
        launch.check_world()
    monkeypatch.setenv("WORLD_SIZE", "2")
    launch.check_world()
