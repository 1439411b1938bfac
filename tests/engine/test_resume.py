"""Resume is continue: stopped or killed anywhere and started again, a run ends with the same bits."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import tiny

import nlptl
from nlptl import artifacts
from nlptl.job import Watch

Make = Callable[..., tiny.Tiny]
STEPS = 12
TRAIN = {"epochs": 2, "evaluate_every": 4, "learning_rate": 3e-3, "weight_decay": 0.1, "select": "last"}
"""The last weights are compared, not the best, so that every step of a run is in them."""
BEST = {"evaluate_every": 2, "select": "dev", "metric": "macro_f1", "schedule": "constant", "patience": 4}
VARIANTS: dict[str, dict[str, Any]] = {
    "trimmed": {"tuning": [{"kind": "full"}]},
    "freeze": {"tuning": [{"kind": "freeze", "blocks": 1}]},
    "augment": {
        "augment": [{"kind": "swap", "rate": 0.2, "copies": 1, "variants": 3}], "data": {"train_rows": 24},
    },
    "decay": {"tuning": [{"kind": "full"}, {"kind": "decay", "factor": 0.7}], "task": {"weights": "balanced"}},
    "several": {"source": {"world": "several"}, "train": {**TRAIN, "batch": 7, "epochs": 1}},
    "best": {"source": {"rows": {"train": 48, "dev": 48, "test": 24}}, "train": {**TRAIN, **BEST}},
}


class Crash(Exception):
    """Stands for whatever ends a process without a word."""


def crash_at(step: int) -> Watch:
    """Give a watch that raises after a step, before its checkpoint."""

    def look(taken: Any, total: int) -> None:
        if taken.number == step:
            raise Crash

    return Watch(step=look)


def stop_after(step: int) -> Watch:
    """Give a watch that sends SIGTERM to this process at a step: a checkpoint is written, then the run ends."""

    def look(taken: Any, total: int) -> None:
        if taken.number == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return Watch(step=look)


def made(make: Make, variant: str = "trimmed") -> tiny.Tiny:
    return make(**{"train": TRAIN, **VARIANTS[variant]})


@dataclass(frozen=True)
class Whole:
    """What an uninterrupted run ended with."""

    outcome: dict[str, Any]
    training: dict[str, Any]
    log: list[int]


WHOLE: dict[str, Whole] = {}


def whole_run(one: tiny.Tiny, variant: str = "trimmed") -> Whole:
    """Run without a stop, once a variant: where a run lies is no part of its outcome."""
    if variant not in WHOLE:
        done = one.run(out="whole")
        assert variant != "best" or 2 < done.report["training"]["best_step"] < STEPS, "neither the first nor the last"
        WHOLE[variant] = Whole(tiny.outcome(done.directory), done.report["training"], logged(done.directory))
    return WHOLE[variant]


def logged(directory: Any) -> list[int]:
    return [record["number"] for record in artifacts.read_lines(directory / "log.jsonl")]


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("variant", VARIANTS)
def test_stopped_after_every_step(make: Make, variant: str) -> None:
    """One run in as many pieces as it has steps."""
    one = made(make, variant)
    whole = whole_run(one, variant)
    steps = whole.training["steps"]
    assert steps == (STEPS if variant != "several" else 7)
    for step in range(1, steps + 1):
        with pytest.raises(SystemExit) as caught:
            one.run("machine.save_every=5", out="pieces", watch=stop_after(step))
        assert caught.value.code == 143
    pieces = one.run(out="pieces")
    assert not pieces.found
    assert tiny.outcome(pieces.directory) == whole.outcome
    assert pieces.report["training"]["best_step"] == whole.training["best_step"]
    assert logged(pieces.directory) == whole.log == list(range(1, steps + 1))
    trimmed = one.parts().moving.trimmed
    assert (trimmed is None) == (variant == "freeze")


@pytest.mark.usefixtures("near_gate")
def test_crashed_at_every_step(make: Make) -> None:
    """Each crash costs the steps since the last checkpoint, which are taken again; their log lines are not kept."""
    one = made(make, "best")
    whole = whole_run(one, "best")
    for step in range(1, STEPS + 1):
        with pytest.raises(Crash):
            one.run("machine.save_every=3", out="pieces", watch=crash_at(step))
    pieces = one.run(out="pieces")
    assert tiny.outcome(pieces.directory) == whole.outcome
    assert logged(pieces.directory) == list(range(1, STEPS + 1))


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("step", [1, 6, 7, 11])
def test_crashed_once_and_taken_up(make: Make, step: int) -> None:
    one = made(make)
    whole = whole_run(one)
    with pytest.raises(Crash):
        one.run("machine.save_every=1", out=f"cut{step}", watch=crash_at(step))
    said: list[str] = []
    again = one.run(out=f"cut{step}", watch=Watch(say=said.append))
    assert tiny.outcome(again.directory) == whole.outcome
    assert (f"going on after step {step - 1} of {STEPS}" in said) == (step > 1)


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("when", ["evaluate dev", "evaluate test"])
def test_crashed_in_an_evaluation(make: Make, when: str) -> None:
    """`evaluate dev`: at step 2, before the checkpoint of that step. `evaluate test`: after training."""
    one = made(make, "best")
    whole = whole_run(one, "best")

    def work(name: str, done: int, total: int) -> None:
        if name == when:
            raise Crash

    with pytest.raises(Crash):
        one.run("machine.save_every=3", out="cut", watch=Watch(work=work))
    again = one.run(out="cut")
    assert tiny.outcome(again.directory) == whole.outcome


def test_crashed_between_model_and_report(make: Make, near_gate: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from nlptl import report

    one = made(make)
    whole = whole_run(one)

    def crash(*_: Any) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(report, "write", crash)
        with pytest.raises(Crash):
            one.run(out="cut")
    again = one.run(out="cut")
    assert tiny.outcome(again.directory) == whole.outcome


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("fault", ["written:2", "prune:2"])
def test_killed_in_earnest(make: Make, fault: str) -> None:
    """`kill -9` of a process of its own: while a checkpoint is staged, and while old ones are removed."""
    one = made(make)
    whole = whole_run(one)
    killed = one.warm("machine.save_every=2", out="cut", NLPTL_FAULT=fault)
    assert killed.returncode == -signal.SIGKILL
    again = one.run("machine.save_every=2", out="cut")
    assert not again.found
    assert tiny.outcome(again.directory) == whole.outcome
    left = [path.name for path in again.directory.rglob("*") if path.name.startswith((".staging", ".replaced"))]
    assert not left


@pytest.mark.usefixtures("near_gate")
def test_a_finished_run_is_found_and_not_touched(make: Make) -> None:
    one = made(make)
    first = one.run()
    before = {path: path.stat().st_mtime_ns for path in first.directory.rglob("*") if path.is_file()}
    for _ in range(2):  # by the function that users call, which no module of its name may hide
        (again,) = nlptl.run(one.recipe, out=one.folder / "runs")
        assert again.found
    assert again.report == first.report
    assert {path: path.stat().st_mtime_ns for path in first.directory.rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("near_gate")
def test_what_is_compared_can_differ(make: Make) -> None:
    """The control of this file: without the optimizer's moments the same crash ends with other bits."""
    from safetensors.torch import load_file, save_file

    one = made(make)
    whole = whole_run(one)
    with pytest.raises(SystemExit):
        one.run(out="cut", watch=stop_after(6))
    (moments,) = (one.folder / "cut").rglob("step-00000006/optimizer.safetensors")
    tensors = load_file(moments)
    save_file({name: one * 0 if name.endswith("exp_avg") else one for name, one in tensors.items()}, moments)
    from nlptl.artifacts import manifest

    (moments.parent / artifacts.MANIFEST).unlink()
    manifest.seal(moments.parent, 6)
    again = one.run(out="cut")
    assert tiny.outcome(again.directory)["weights"] != whole.outcome["weights"]
