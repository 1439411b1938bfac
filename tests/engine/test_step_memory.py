"""Memory of a step: the estimate against what autograd keeps, and gradient checkpointing where a step would not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tiny
import torch

from nlptl import engine, step_memory
from nlptl.data import batches

Make = Callable[..., tiny.Tiny]
LITTLE = {"memory_gib": 1e-6}


def settle(parts: tiny.Parts) -> tuple[step_memory.Estimate | None, list[str]]:
    said: list[str] = []
    found = step_memory.settle(parts.moving, parts.verbs, parts.inputs.recipe, parts.features, 13, say=said.append)
    return found, said


def really_kept(parts: tiny.Parts) -> int:
    """Count what the largest micro-batch of the first epoch keeps, by running it whole."""
    train, own = parts.inputs.recipe.train, {one.untyped_storage().data_ptr() for one in parts.moving.bare.parameters()}
    most = 0
    parts.moving.bare.train()
    for step in batches.plan_epoch(parts.features, batch=train.batch, seed=13, epoch=0):
        held: dict[int, Any] = {}

        def keep(tensor: torch.Tensor, held: dict[int, Any] = held) -> torch.Tensor:
            if tensor.untyped_storage().data_ptr() not in own:
                held[tensor.untyped_storage().data_ptr()] = tensor
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            engine.micro_loss(parts.moving, parts.verbs, step, 1, parts.inputs.recipe.tuning, 13)
        most = max(most, sum(one.untyped_storage().nbytes() for one in held.values()))
    return most


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_what_is_kept_is_estimated_from_two_examples(make: Make, family: str) -> None:
    parts = make(family).parts()
    found, said = settle(parts)
    assert found is not None
    assert not said
    assert found.kept == pytest.approx(really_kept(parts), rel=0.1)


def test_gradients_and_moments_are_counted(make: Make) -> None:
    parts = make(tuning=[{"kind": "freeze", "all_but_head": True}]).parts()
    found, _ = settle(parts)
    assert found is not None
    head = sum(one.numel() for one in parts.moving.bare.parameters() if one.requires_grad)
    assert found.learning == 12 * head, "a gradient and two moments of four bytes"


@pytest.mark.parametrize(
    "tuning", [{"kind": "full"}, {"kind": "lora", "rank": 2, "dropout": 0.1}, {"kind": "freeze", "blocks": 1}]
)
@pytest.mark.parametrize("family", ["bert", "bart", "gpt2"])
def test_it_is_turned_on_only_where_a_step_would_not_fit(make: Make, family: str, tuning: dict[str, Any]) -> None:
    roomy, tight = (make(family, tuning=[tuning], machine=one).parts() for one in ({"memory_gib": 100.0}, LITTLE))
    assert settle(roomy)[1] == []
    said = settle(tight)[1]
    assert said[0].startswith("gradient checkpointing is on: a step needs about ")
    layers = [one for one in tight.moving.bare.modules() if getattr(one, "gradient_checkpointing", False)]
    assert layers
    ours, theirs = tight.gradients(2)[1], roomy.gradients(2)[1]
    assert ours.keys() == theirs.keys()
    for name, one in ours.items():
        assert torch.allclose(one, theirs[name], atol=1e-6, rtol=1e-4), name


def test_two_passes_leave_it_off_and_say_so(make: Make) -> None:
    parts = make(tuning=[{"kind": "rdrop", "weight": 1.0}], machine=LITTLE).parts()
    _, said = settle(parts)
    assert len(said) == 1
    assert "stays off: 'rdrop' makes two passes" in said[0]
    assert parts.train(1)


@pytest.mark.usefixtures("near_gate")
def test_a_run_says_it_and_comes_to_the_same(make: Make) -> None:
    from nlptl.job import Watch

    world, said = make(), []
    ours = world.run("machine.memory_gib=0.000001", out="on", watch=Watch(say=said.append))
    theirs = world.run("machine.gradient_checkpointing=false", out="off")
    assert any(line.startswith("gradient checkpointing is on") for line in said)
    assert ours.directory.name == theirs.directory.name
    assert tiny.largest_difference(tiny.weights(ours.directory), tiny.weights(theirs.directory)) < 1e-5
