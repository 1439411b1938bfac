"""Tunings that name what moves: that moves, and nothing else does, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tiny
import torch

from nlptl.checks import check
from nlptl.errors import BadInput

Make = Callable[..., tiny.Tiny]
BIASED = ("bert", "roberta", "distilbert", "electra", "xlm-roberta", "deberta-v3", "gpt2", "qwen2", "bart", "mbart")


def moved(make: Make, family: str, tuning: list[dict[str, Any]]) -> tuple[set[str], set[str], frozenset[str]]:
    """Take two steps; give the names of the parameters that moved, of those that did not, and of the head's."""
    parts = make(family, tuning=tuning).parts()
    head = parts.inputs.recipe.task.attach(parts.opened, parts.fitted, "recipe").head
    before = parts.tensors()
    parts.train(2)
    after = parts.tensors()
    still = {name for name in before if torch.equal(before[name], after[name])}
    return set(before) - still, still, head


@pytest.mark.parametrize("family", BIASED)
def test_bias_moves_every_bias_and_no_weight(make: Make, family: str) -> None:
    found, still, head = moved(make, family, [{"kind": "bias"}])
    assert head <= found
    assert {name.rpartition(".")[2] for name in found - head} == {"bias"}
    # A bias of all keys moves by rounding alone, if at all: softmax does not see it. BART's decoder answers one token.
    left = {name for name in still if name.endswith(".bias")}
    assert len(left) < len([name for name in found if name.endswith("bias")])
    assert not [name for name in left if "output.dense" in name or ".mlp." in name or "fc2" in name]


@pytest.mark.parametrize("family", ["bert", "modernbert", "llama", "qwen3", "t5", "bart", "gpt2", "deberta-v2"])
def test_norms_moves_normalisations_alone(make: Make, family: str) -> None:
    found, still, head = moved(make, family, [{"kind": "norms"}])
    assert head <= found
    said = {name.lower() for name in found - head}
    assert said
    assert all("norm" in name or "ln_" in name for name in said)
    assert not [name for name in still if ("norm" in name.lower() or "ln_" in name) and "embed" not in name.lower()]


def test_with_freeze_those_above_the_frozen_blocks_move(make: Make) -> None:
    found, _, head = moved(make, "bert", [{"kind": "freeze", "blocks": 1}, {"kind": "bias"}])
    inside = found - head
    assert inside
    assert all(name.startswith("bert.encoder.layer.1.") for name in inside if "layer" in name)


@pytest.mark.parametrize("family", ["llama", "t5"])
def test_a_model_without_biases_is_refused(make: Make, family: str) -> None:
    with pytest.raises(BadInput, match="no bias term"):
        make(family, tuning=[{"kind": "bias"}]).parts()


SECTIONS: dict[str, dict[str, Any]] = {
    "freeze": {"kind": "freeze", "blocks": 1}, "freeze.all_but_head": {"kind": "freeze", "all_but_head": True},
    "reinit": {"kind": "reinit", "blocks": 1}, "rdrop": {"kind": "rdrop", "weight": 1.0},
    "adversarial": {"kind": "adversarial", "epsilon": 1.0, "weight": 1.0}, "mixout": {"kind": "mixout", "rate": 0.5},
}  # fmt: skip


AGAINST = [
    ("full", "freeze"), ("full", "bias"), ("full", "norms"), ("bias", "norms"), ("bias", "reinit"), ("norms", "reinit"),
    ("freeze.all_but_head", "bias"), ("freeze.all_but_head", "norms"), ("freeze.all_but_head", "reinit"),
    ("adversarial", "rdrop"), ("full", "lora"), ("freeze", "lora"), ("bias", "ia3"), ("norms", "ia3"),
    ("lora", "reinit"), ("lora", "mixout"), ("lora", "ia3"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), AGAINST)
def test_what_contradicts_itself_is_refused_with_both_lines(make: Make, one: str, other: str) -> None:
    """In either order."""
    sections = [SECTIONS.get(name, {"kind": name}) for name in (one, other)]
    for tuning in (sections, sections[::-1]):
        with pytest.raises(BadInput) as problem:
            check(make(tuning=tuning).recipe)
        said = str(problem.value)
        assert f"'{other}' contradicts '{one}' at recipe.yaml:1:" in said
        assert f"tuning[{tuning.index(sections[1])}]" in said


@pytest.mark.parametrize("tuning", [[SECTIONS["freeze"], SECTIONS["reinit"]], [SECTIONS["freeze"], {"kind": "bias"}]])
def test_what_goes_together_is_not_refused(make: Make, tuning: list[dict[str, Any]]) -> None:
    check(make(tuning=tuning).recipe)
