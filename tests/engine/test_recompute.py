"""Gradient checkpointing: the same gradients from less memory, dropout and all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tiny
import torch

from nlptl.checks import check
from nlptl.errors import BadInput

Make = Callable[..., tiny.Tiny]
ON = {"gradient_checkpointing": True}


def held(parts: tiny.Parts) -> int:
    """Give the numbers that a forward pass keeps for the way back, parameters left out."""
    kept: dict[int, int] = {}
    own = {one.data_ptr() for one in parts.moving.bare.parameters()}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in own and tensor.is_floating_point():
            kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    parts.moving.bare.train()
    if parts.moving.noise is not None:
        from nlptl.modules.dropout import Stream

        batch = parts.verbs.collate(parts.features[:8])
        sizes = [len(one.input_ids) for one in parts.features[:8]]
        streams = [Stream(sizes, batch.inputs["input_ids"].shape[1])]
        if "decoder_input_ids" in batch.inputs:
            streams.append(Stream([len(one.decoder_ids) for one in parts.features[:8]],
                                  batch.inputs["decoder_input_ids"].shape[1]))  # fmt: skip
        parts.moving.noise.begin(list(range(8)), streams)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        parts.verbs.loss(parts.moving.bare, parts.verbs.collate(parts.features[:8]))
    return sum(kept.values())


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_gradients_are_the_same_and_less_is_kept(make: Make, family: str) -> None:
    """Two steps with dropout on; modules that torch's own functions drop in draw from its generator, so without there.
    """
    still = family in ("llama", "smollm2", "qwen2", "qwen3", "bart", "mbart", "t5", "mt5", "modernbert")
    plain, again = (make(family, still=still, machine=machine).parts() for machine in ({}, ON))
    assert held(again) < held(plain)
    ours, theirs = again.gradients(2)[1], plain.gradients(2)[1]
    assert ours.keys() == theirs.keys()
    for name, one in ours.items():
        assert torch.allclose(one, theirs[name], atol=1e-6, rtol=1e-4), name


@pytest.mark.parametrize("tuning", [{"kind": "lora", "rank": 2, "dropout": 0.1}, {"kind": "freeze", "blocks": 1}])
def test_with_a_frozen_body_too(make: Make, tuning: dict[str, Any]) -> None:
    plain, again = (make(tuning=[tuning], machine=machine).parts() for machine in ({}, ON))
    ours, theirs = again.gradients(2)[1], plain.gradients(2)[1]
    assert ours.keys() == theirs.keys()
    for name, one in ours.items():
        assert torch.allclose(one, theirs[name], atol=1e-6, rtol=1e-4), name


@pytest.mark.usefixtures("near_gate")
def test_it_is_plumbing_and_nothing_of_it_is_saved(make: Make) -> None:
    world = make(train={"epochs": 1})
    ours, theirs = world.run("machine.gradient_checkpointing=true", out="on"), world.run(out="off")
    assert ours.directory.name == theirs.directory.name
    assert tiny.largest_difference(tiny.weights(ours.directory), tiny.weights(theirs.directory)) < 1e-5
    config = "model/config.json"
    assert (ours.directory / config).read_text() == (theirs.directory / config).read_text()


@pytest.mark.parametrize(
    "kind", [{"kind": "rdrop", "weight": 1.0}, {"kind": "adversarial", "epsilon": 1.0, "weight": 1.0}]
)
def test_two_passes_are_refused(make: Make, kind: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"'{kind['kind']}' at recipe.yaml:1:.* makes two passes"):
        check(make(tuning=[kind], machine=ON).recipe)
