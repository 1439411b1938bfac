"""Freezing by name, blocks drawn anew, one rate of dropout: what should move does, the rest does not, to the bit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import tiny
import torch

from nlptl import backbone, kinds
from nlptl.checks import check
from nlptl.errors import BadInput
from nlptl.modules.dropout import ExampleDropout
from nlptl.tasks import Model

Make = Callable[..., tiny.Tiny]
SOME = ("bert", "modernbert", "gpt2", "llama", "t5", "bart")
"""An encoder, a decoder and a seq2seq model of either sort: with biases and without."""
every_family = pytest.mark.parametrize("family", tiny.FAMILIES)
some_families = pytest.mark.parametrize("family", SOME)
FUNCTIONS = ("llama", "smollm2", "qwen2", "qwen3", "bart", "mbart")
"""Families whose bodies drop by torch's function, not by modules."""
KEYS = ("key.bias", "k_proj.bias", "k_lin.bias")
"""Softmax does not see them: they move by rounding, if at all."""
ATTENTION = "(?i).*att(entio)?n.*"


def two_steps(make: Make, family: str, *tuning: dict[str, Any]) -> tuple[set[str], set[str], frozenset[str]]:
    """Give the names of the parameters that two steps moved, of those that they did not, and of the head's."""
    parts = make(family, tuning=list(tuning)).parts()
    head = parts.inputs.recipe.task.attach(parts.opened, parts.fitted, "recipe").head
    before = parts.tensors()
    parts.train(2)
    after = parts.tensors()
    seen = {name for name in before if not name.endswith(KEYS)}
    still = {name for name in seen if torch.equal(before[name], after[name])}
    return seen - still, still, head


def model_of(parts: tiny.Parts) -> Model:
    """Attach a head anew, as a run does before it tunes."""
    return backbone.with_depths(parts.inputs.recipe.task.attach(parts.opened, parts.fitted, "recipe"))


def tensors(model: Model) -> dict[str, torch.Tensor]:
    return {name: one.detach().clone() for name, one in model.module.named_parameters()}


def made(**section: Any) -> Any:
    return kinds.shelf("tuning")[section["kind"]](**section)


@some_families
def test_a_pattern_holds_what_it_matches_and_nothing_else(make: Make, family: str) -> None:
    import re

    whole, _, head = two_steps(make, family, {"kind": "full"})
    found, still, _ = two_steps(make, family, {"kind": "freeze", "pattern": ATTENTION})
    held = {name for name in found | still if re.fullmatch(ATTENTION, name) and name not in head}
    assert held
    assert held <= still
    assert found == whole - held
    assert head <= found


@every_family
def test_all_but_the_head_holds_the_whole_body(make: Make, family: str) -> None:
    found, _, head = two_steps(make, family, {"kind": "freeze", "all_but_head": True})
    assert found == head


def test_a_pattern_never_holds_the_head(make: Make) -> None:
    found, _, head = two_steps(make, "bert", {"kind": "freeze", "pattern": "classifier.*|.*embeddings.*"})
    assert head <= found


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("bert.encoder.layr.0.*", ["matches 0 of the", "nearest: bert.encoder.layer.0."]),
        ("classifier.*", ["matches 0 of the"]),
        ("layer.0", ["matches 0 of the", "'.*layer.0.*' would match 16"]),
        (".*", ["matches all", "all_but_head: true"]),
    ],
)
def test_a_pattern_that_matches_none_or_all_is_refused(make: Make, pattern: str, words: list[str]) -> None:
    with pytest.raises(BadInput) as problem:
        make(tuning=[{"kind": "freeze", "pattern": pattern}]).parts()
    assert not [word for word in words if word not in str(problem.value)], str(problem.value)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({}, "exactly one of"),
        ({"blocks": 1, "pattern": "x"}, "exactly one of"),
        ({"blocks": 0, "all_but_head": True}, "exactly one of"),
        ({"all_but_head": False}, "exactly one of"),
        ({"pattern": "layer.("}, "not a regular expression"),
    ],
)
def test_settings_of_freeze_that_say_nothing_or_too_much_are_refused(
    make: Make, section: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        check(make(tuning=[{"kind": "freeze", **section}]).recipe)


@every_family
def test_reinit_draws_the_top_block_alone(make: Make, family: str) -> None:
    """Every parameter in it, biases and norms as well; the same seed the same, another one another."""
    parts = make(family).parts()
    drawn = []
    for seed in (13, 13, 14):
        model = model_of(parts)
        with torch.no_grad():
            for one in model.module.parameters():  # or a bias that is drawn would be 0, as it is in a new checkpoint
                one += 0.25
        before, state = tensors(model), torch.get_rng_state()
        model = made(kind="reinit", blocks=1).apply(model, seed)
        assert torch.equal(torch.get_rng_state(), state)
        after = tensors(model)
        top = {name for name, depth in model.depths.items() if depth == model.blocks and name not in model.head}
        assert top
        assert {name for name in before if not torch.equal(before[name], after[name])} == top == model.drawn
        drawn.append(after)
    assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in drawn[0])
    random = {name for name in top if drawn[0][name].ndim > 1}
    assert random
    assert not [name for name in random if torch.equal(drawn[0][name], drawn[2][name])]
    assert all(set(drawn[0][name].tolist()) <= {0.0, 1.0} for name in top - random), "biases are 0, norms 1"


def test_reinit_draws_as_the_model_does(make: Make) -> None:
    """GPT-2 draws what ends in the residual stream narrower by the root of twice its depth, after all the rest."""
    model = made(kind="reinit", blocks=2).apply(model_of(make("gpt2").parts()), 13)
    wide = {name: float(one.std()) for name, one in tensors(model).items() if name in model.drawn and one.ndim > 1}
    for name, found in wide.items():
        assert found == pytest.approx(0.15 / math.sqrt(4) if "c_proj" in name else 0.15, rel=0.1), name


@some_families
def test_what_is_drawn_anew_learns_and_what_is_frozen_stays(make: Make, family: str) -> None:
    whole, _, _ = two_steps(make, family, {"kind": "full"})
    found, _, _ = two_steps(make, family, {"kind": "reinit", "blocks": 1})
    assert found == whole
    parts = make(family, tuning=[{"kind": "freeze", "blocks": 1}, {"kind": "reinit", "blocks": 1}]).parts()
    fresh = model_of(parts)
    parts.train(2)
    after = parts.tensors()
    low = [name for name, depth in fresh.depths.items() if depth <= 1 and name not in fresh.head]
    assert low
    assert not [name for name in low if not torch.equal(after[name], tensors(fresh)[name])]


def test_more_blocks_than_there_are_are_not_drawn(make: Make) -> None:
    with pytest.raises(BadInput, match="3 blocks are named, the checkpoint has 2"):
        make(tuning=[{"kind": "reinit", "blocks": 3}]).parts()


@pytest.mark.parametrize("section", [{"blocks": 1}, {"pattern": r".*layer\.1\.output\.dense\.weight"}])
def test_what_freeze_holds_is_not_drawn_anew_in_either_order(make: Make, section: dict[str, Any]) -> None:
    tuning = [{"kind": "freeze", **section}, {"kind": "reinit", "blocks": 2}]
    with pytest.raises(BadInput, match=r"freeze holds would be drawn anew, the first is 'bert\.encoder\.layer"):
        make(tuning=tuning).parts()
    with pytest.raises(BadInput, match=r"reinit draws anew would stay so, the first is 'bert\.encoder\.layer"):
        make(tuning=tuning[::-1]).parts()


def body_says(model: Model) -> torch.Tensor:
    """Give what the body computes of eight tokens, in training mode."""
    base: Any = backbone.transformer_of(model.module).base_model
    ids = torch.arange(3, 11)[None]
    second = {"decoder_input_ids": ids} if base.config.is_encoder_decoder else {}
    with torch.no_grad():
        found: torch.Tensor = base(input_ids=ids, **second).last_hidden_state
    return found


@every_family
def test_dropout_sets_what_the_body_drops(make: Make, family: str) -> None:
    """At 0 training computes what evaluation does, to the bit; at 0.5 two passes differ, in families without any."""
    parts = make(family).parts()
    before = tensors(model_of(parts))
    none, half = (made(kind="dropout", rate=rate).apply(model_of(parts), 13) for rate in (0.0, 0.5))
    none.module.eval()
    still = body_says(none)
    none.module.train()
    assert torch.equal(body_says(none), still)
    base: Any = backbone.transformer_of(half.module).base_model
    named = {name: part for name, part in base.named_modules() if name.endswith(("drop", "dropout"))}
    assert not [name for name, part in named.items() if getattr(part, "p", 0) != 0.5], "also where there was none"
    half.module.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        assert not torch.equal(body_says(half), body_says(half))
    assert all(torch.equal(one, before[name]) for name, one in tensors(half).items())


@every_family
def test_dropout_is_set_before_masks_belong_to_examples(make: Make, family: str) -> None:
    """The rate reaches the modules that draw in a run; every parameter that moves in full fine-tuning moves."""
    whole, _, _ = two_steps(make, family, {"kind": "full"})
    found, _, _ = two_steps(make, family, {"kind": "dropout", "rate": 0.25})
    assert found == whole
    losses = []
    for rate in (0.0, 0.25):
        parts = make(family, tuning=[{"kind": "dropout", "rate": rate}]).parts()
        base = backbone.transformer_of(parts.moving.bare).base_model
        rates = {part.p for part in base.modules() if isinstance(part, ExampleDropout)}
        assert rates == ({rate} if rate and family not in FUNCTIONS else set())
        losses.append([step.loss for step in parts.train(2)])
    assert losses[0] != losses[1]
