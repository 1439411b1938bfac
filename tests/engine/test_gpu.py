"""One GPU against the CPU of the same machine: the same losses, the same answers, the same model after reloading."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
import tiny
import torch

from nlptl import saved, state
from nlptl.computing import open_machine
from nlptl.job import Watch

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
Make = Callable[..., tiny.Tiny]
TRAIN = {"epochs": 1, "select": "last"}
"""One pass: small differences of a product have few steps to grow."""


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_gpu_takes_the_steps_that_the_cpu_takes(make: Make, family: str) -> None:
    """Dropout off, fp32: weights after the run differ by no more than products summed in another order bring."""
    one = make(family, still=True, train={**TRAIN, "learning_rate": 1e-4})
    here, there = (one.run(f"machine.device={device}", out=device) for device in ("cpu", "cuda"))
    assert tiny.largest_difference(tiny.weights(here.directory), tiny.weights(there.directory)) < 1e-3
    chosen = [[row["predicted"] for row in tiny.predictions(run.directory)] for run in (here, there)]
    assert chosen[0] == chosen[1]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_what_a_gpu_trained_answers_the_same_in_a_fresh_process(make: Make, family: str, precision: str) -> None:
    """The run ends with the reload gate, on the GPU; a wrong model would end it with an error."""
    found = make(family, train={**TRAIN, "precision": precision}).run("machine.device=cuda")
    assert (found.directory / "report.json").is_file()
    loaded = saved.load(found.directory, device="cpu", numbers="fp32")
    assert all(bool(one.isfinite().all()) for one in loaded.model.module.state_dict().values())


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("tuning", [{"kind": "freeze", "blocks": 1}, {"kind": "freeze", "all_but_head": True}])
def test_frozen_blocks_are_replayed_on_a_gpu(make: Make, tuning: dict[str, Any]) -> None:
    """With dropout above: what is drawn does not depend on whether blocks below are computed."""
    one = make(tuning=[tuning], train={**TRAIN, "epochs": 2})
    runs = [one.run("machine.device=cuda", f"machine.frozen={way}", out=way) for way in ("auto", "off")]
    hits = [run.report["training"]["frozen"]["hits"] for run in runs]
    assert hits[0] > 0 == hits[1]
    assert tiny.largest_difference(*(tiny.weights(run.directory) for run in runs)) < 1e-3


@pytest.mark.usefixtures("near_gate")
def test_the_same_run_twice_on_a_gpu_gives_the_same_bits(make: Make) -> None:
    one = make(train={**TRAIN, "epochs": 2})
    first, second = (tiny.outcome(one.run("machine.device=cuda", out=out).directory) for out in ("a", "b"))
    assert first == second


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("tuning", [{"kind": "full"}, {"kind": "freeze", "blocks": 1}])
def test_a_run_on_a_gpu_that_stopped_goes_on_with_the_same_bits(make: Make, tuning: dict[str, Any]) -> None:
    """Stopped after each third step; generators of the GPU are part of a checkpoint as well."""
    one = make(tuning=[tuning], train={**TRAIN, "epochs": 2})
    whole = one.run("machine.device=cuda", out="whole")
    for number in range(3, whole.report["training"]["steps"], 3):
        with pytest.raises(SystemExit):
            one.run("machine.device=cuda", out="pieces", watch=stop_after(number))
    pieces = one.run("machine.device=cuda", out="pieces")
    assert not pieces.found
    assert tiny.outcome(pieces.directory) == tiny.outcome(whole.directory)


def stop_after(step: int) -> Watch:
    """Give a watch that sends SIGTERM to this process at a step."""

    def look(taken: Any, total: int) -> None:
        if taken.number == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return Watch(step=look)


@pytest.mark.usefixtures("near_gate")
def test_a_process_may_use_one_device_after_the_other(make: Make) -> None:
    """Accelerate keeps the first device of a process: the second run would be on it, and nobody would know."""
    parts = make(train=TRAIN).parts()
    used = []
    for device in ("cpu", "cuda", "cpu", "cuda"):
        computing = open_machine(device, "fp32", 1)
        moving = state.build(
            parts.inputs.recipe, parts.opened, parts.fitted, parts.features, computing, 13, total=10
        )
        used.append((computing.device.type, next(moving.bare.parameters()).device.type))
    assert used == [("cpu", "cpu"), ("cuda", "cuda")] * 2
