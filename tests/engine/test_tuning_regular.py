"""Tunings that hold weights back or average them: each acts as its formula says, and moves nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tiny
import torch

from nlptl import memories
from nlptl.checks import check
from nlptl.errors import BadInput
from nlptl.job import Watch

Make = Callable[..., tiny.Tiny]
SOME = ("bert", "modernbert", "gpt2", "llama", "t5", "bart")
L2SP = {"kind": "l2sp", "body": 0.5, "head": 0.25}
EMA = {"kind": "average", "decay": 0.5, "begin": 0.0, "every": 1}
SWA = {"kind": "average", "decay": None, "begin": 0.3, "every": 2}
BARE = {"weight_decay": 0.0, "clip": None}


def shift(parts: tiny.Parts) -> dict[str, torch.Tensor]:
    """Move all weights from where they began by a known amount; give that, by name."""
    found = {}
    with torch.no_grad():
        for name, one in parts.moving.bare.named_parameters():
            by = torch.linspace(-0.02, 0.03, one.numel()).view_as(one)
            one += by
            found[name] = by
    return found


@pytest.mark.parametrize(
    ("family", "micro_tokens"), [*((family, 8192) for family in tiny.FAMILIES), *((family, 64) for family in SOME)]
)
def test_l2sp_adds_the_gradient_of_its_formula(make: Make, family: str, micro_tokens: int) -> None:
    """alpha (w - w0) for the body, beta w for the head, whatever the cut of the step."""
    machine = {"micro_tokens": micro_tokens}
    plain, held = (
        make(family, still=True, tuning=tuning, train=BARE, machine=machine).parts()
        for tuning in ([{"kind": "full"}], [L2SP])
    )
    head = held.inputs.recipe.task.attach(held.opened, held.fitted, "recipe").head
    before = held.tensors()
    shift(plain)
    moved = shift(held)
    (without,), (found,) = plain.gradients(), held.gradients()
    for name, one in found.items():
        pull = 0.25 * (before[name] + moved[name]) if name in head else 0.5 * moved[name]
        expected = without.get(name, torch.zeros_like(one)) + pull
        assert torch.allclose(one, expected, atol=2e-5, rtol=1e-4), name
    assert {name for name in head if name in found} == head


def test_l2sp_leaves_what_is_frozen_and_unused_rows_alone(make: Make) -> None:
    """The table is trimmed, and rows that no text uses lie at their start: no gradient would ever reach them."""
    parts = make(tuning=[L2SP], train=BARE).parts()
    assert parts.moving.trimmed is not None
    whole = parts.moving.trimmed.whole()
    unused = sorted(set(range(len(whole))) - set(parts.moving.trimmed.used.tolist()))
    parts.train(3)
    assert torch.equal(parts.moving.trimmed.whole()[unused], whole[unused])
    below = make(tuning=[L2SP, {"kind": "freeze", "blocks": 1}], train=BARE).parts()
    frozen = {name for name, one in below.moving.bare.named_parameters() if not one.requires_grad}
    before = below.tensors()
    below.train(2)
    assert frozen
    assert not frozen & below.moving.memories["l2sp"].keys()
    assert all(torch.equal(before[name], one) for name, one in below.tensors().items() if name in frozen)


def test_l2sp_pulls_what_reinit_drew_to_zero(make: Make) -> None:
    parts = make(tuning=[{"kind": "reinit", "blocks": 1}, L2SP], train=BARE).parts()
    memory = parts.moving.memories["l2sp"]
    zero = {name for name, start in memory.items() if not start.numel()}
    assert any("encoder.layer.1." in name for name in zero)
    assert not any("encoder.layer.0." in name for name in zero)


def test_l2sp_beside_weight_decay_is_refused_with_both_lines(make: Make) -> None:
    with pytest.raises(BadInput, match=r"train\.weight_decay: 'l2sp' at recipe\.yaml:1:\d+ asks otherwise") as problem:
        check(make(tuning=[L2SP]).recipe)
    assert "set train.weight_decay: 0.0" in str(problem.value)


def course(parts: tiny.Parts, count: int, total: int) -> list[dict[str, Any]]:
    """Take steps one after the other; give the weights after each, the table whole."""
    from nlptl import engine

    recipe, found = parts.inputs.recipe, []
    steps = engine.train(
        parts.moving, parts.verbs, parts.plans(count), total=total, settings=recipe.train, tuning=recipe.tuning,
        seed=13, micro_tokens=8192,
    )  # fmt: skip
    for _ in steps:
        found.append(now(parts))
    return found


def now(parts: tiny.Parts) -> dict[str, Any]:
    named = parts.tensors()
    trimmed = parts.moving.trimmed
    return named if trimmed is None else named | {"table": trimmed.whole().clone()}


def averaged(parts: tiny.Parts) -> dict[str, Any]:
    with memories.instead(parts.moving.bare, parts.inputs.recipe.tuning, parts.moving.memories):
        return now(parts)


ON_PAPER = [(EMA, [1 / 15, 2 / 15, 4 / 15, 8 / 15]), (SWA, [0, 0, 0, 0, 0.5, 0, 0.5])]


@pytest.mark.parametrize("family", ["bert", "llama", "bart"])
@pytest.mark.parametrize(("tuning", "shares"), ON_PAPER)
def test_average_is_the_mean_on_paper_and_training_does_not_see_it(
    make: Make, family: str, tuning: dict[str, Any], shares: list[float]
) -> None:
    """EMA: powers of the decay, scaled to sum to 1. SWA of 10 steps from 0.3 on, each second: steps 5 and 7."""
    count, train = len(shares), {"epochs": 2, "weight_decay": 0.1}
    plain = course(make(family, tuning=[{"kind": "full"}], train=train).parts(), count, 10)
    parts = make(family, tuning=[tuning], train=train).parts()
    seen = course(parts, count, 10)
    assert all(torch.equal(one[name], other[name]) for one, other in zip(plain, seen, strict=True) for name in one)
    found = averaged(parts)
    for name, one in found.items():
        expected = sum(share * step[name].double() for share, step in zip(shares, plain, strict=True))
        assert torch.allclose(one.double(), expected, atol=1e-6, rtol=1e-5), name
    assert all(torch.equal(one, seen[-1][name]) for name, one in now(parts).items()), "put back to the bit"


def test_average_before_its_first_weights_is_what_is_trained(make: Make) -> None:
    parts = make(tuning=[SWA]).parts()
    seen = course(parts, 2, 10)
    assert all(torch.equal(one, seen[-1][name]) for name, one in averaged(parts).items())


def test_average_leaves_what_is_frozen_to_the_bit(make: Make) -> None:
    parts = make(tuning=[EMA, {"kind": "freeze", "blocks": 1}]).parts()
    before = parts.tensors()
    course(parts, 3, 10)
    found = averaged(parts)
    frozen = {name for name, one in parts.moving.bare.named_parameters() if not one.requires_grad}
    assert frozen
    assert all(torch.equal(found[name], before[name]) for name in frozen)


class Crash(Exception):
    """Stands for whatever ends a process without a word."""


@pytest.mark.usefixtures("near_gate")
def test_the_mean_is_saved_and_a_stopped_run_goes_on_with_the_same_bits(make: Make) -> None:
    def look(taken: Any, total: int) -> None:
        if taken.number in (5, 8):
            raise Crash

    train = {"epochs": 2, "evaluate_every": 3, "select": "last", "weight_decay": 0.0}
    world = make(tuning=[L2SP, {"kind": "mixout", "rate": 0.5}, EMA], train=train, machine={"save_every": 2})
    whole = world.run(out="whole")
    for _ in range(2):
        with pytest.raises(Crash):
            world.run(out="pieces", watch=Watch(step=look))
    pieces = world.run(out="pieces", watch=Watch())
    assert tiny.outcome(pieces.directory) == tiny.outcome(whole.directory)
    parts = world.parts()
    course(parts, 12, 12)
    expected, saved = averaged(parts), tiny.weights(whole.directory)
    assert all(torch.equal(saved[name], one) for name, one in expected.items() if name in saved and "word" not in name)
    (table,) = (one for name, one in saved.items() if "word_embeddings" in name)
    assert torch.equal(table, expected["table"])


@pytest.mark.usefixtures("near_gate")
def test_two_processes_regularise_as_one_does(make: Make) -> None:
    """All that need no second pass of another kind, dropout on; ranks cut their shares differently."""
    tuning = [
        L2SP, {"kind": "smoothing", "rate": 0.1}, {"kind": "mixout", "rate": 0.5},
        {"kind": "adversarial", "epsilon": 0.5, "weight": 1.0}, EMA,
    ]  # fmt: skip
    world = make(tuning=tuning, train={"weight_decay": 0.0, "batch": 7, "select": "last"})
    alone = world.run(out="alone")
    done = world.command("--processes", "2", "machine.micro_tokens=100", out="two")
    assert done.returncode == 0, done.stderr
    (two,) = (world.folder / "two").iterdir()
    ours, theirs = (tiny.weights(each) for each in (alone.directory, two))
    seen = [name for name in ours if "key.bias" not in name]
    assert tiny.largest_difference({name: ours[name] for name in seen}, {name: theirs[name] for name in seen}) < 2e-5
