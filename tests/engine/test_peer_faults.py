"""Faults of programs like this one, in the loop: rows counted twice, masks that depend on batches, means of means.

Every test has two halves: with the guard the numbers are right; with the guard taken away the fault appears. So no
test passes because the fault was never there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import tiny
import torch

from nlptl import engine, evaluate, state
from nlptl.data import batches
from nlptl.modules import dropout
from nlptl.tasks import Partial

Make = Callable[..., tiny.Tiny]


def test_rows_that_two_processes_would_count_twice(make: Make) -> None:
    """Samplers pad the last batch with rows that were there already (HF's DistributedSampler); the mean then counts
    them twice. Here predictions are matched by id, and one too many or one too few stops the run.
    """
    parts = make().parts()
    task, rows = parts.inputs.recipe.task, parts.inputs.rows["test"][:23]
    features = task.encode(rows, parts.opened, parts.fitted, "predict")

    def by_two(share: Callable[[int], list[Any]]) -> list[Partial]:
        return [Partial(one.row_id, one.window, [0.0, 1.0, 2.0]) for rank in range(2) for one in share(rank)]

    dealt = [batches.evaluation_batches(features, tokens=150)[rank::2] for rank in range(2)]
    ours = by_two(lambda rank: [one for batch in dealt[rank] for one in batch])
    assert len(evaluate.predictions_of(task, rows, ours, parts.opened, parts.fitted)) == 23

    sampler = torch.utils.data.DistributedSampler(features, num_replicas=2, rank=0, shuffle=False)

    def peers(rank: int) -> list[Any]:
        sampler.rank = rank
        return [features[number] for number in sampler]

    theirs = by_two(peers)
    assert len(theirs) == 24, "the sampler of torch repeats a row"
    with pytest.raises(AssertionError, match="was computed twice"):
        evaluate.predictions_of(task, rows, theirs, parts.opened, parts.fitted)
    with pytest.raises(AssertionError, match="rows without their predictions"):
        evaluate.predictions_of(task, rows, ours[1:], parts.opened, parts.fitted)


def test_steps_are_dealt_out_once_each(make: Make) -> None:
    """Over any number of ranks and any budget, a step's examples are computed once."""
    features = make().parts().features
    for world, tokens in itertools.product((1, 2, 3, 5), (64, 200, 8192)):
        shares = [batches.micro_batches(features[:7], tokens=tokens, rank=rank, world=world) for rank in range(world)]
        dealt = [one.row_id for share in shares for batch in share for one in batch]
        assert sorted(dealt) == sorted(one.row_id for one in features[:7])
        sizes = [sum(len(batch) for batch in share) for share in shares]
        assert max(sizes) - min(sizes) <= 1


def gradient(made: tiny.Tiny, micro_tokens: int) -> dict[str, torch.Tensor]:
    (found,) = made.parts(f"machine.micro_tokens={micro_tokens}").gradients()
    return found


def test_masks_that_depend_on_micro_batches(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """With torch's own dropout the same step gives another gradient when it is cut otherwise."""
    made = make(train={"batch": 16, "clip": None})

    def difference() -> float:
        whole, cut = gradient(made, 8192), gradient(made, 100)
        scale = max(float(one.abs().max()) for one in whole.values())
        return tiny.largest_difference(whole, cut) / scale

    assert difference() < 1e-5
    monkeypatch.setattr(dropout, "install", lambda model, noise: 0)
    assert difference() > 0.01


def test_masks_that_depend_on_the_number_of_processes(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gradients of the shares of two ranks, added, are those of one process that has the whole step."""
    made = make(train={"batch": 16, "clip": None})

    def shares(world: int) -> dict[str, torch.Tensor]:
        """Compute a rank's sums one after the other, as `world` processes would side by side."""
        total: dict[str, torch.Tensor] = {}
        for rank in range(world):
            parts = made.parts()
            (plan,) = parts.plans(1)
            parts.moving.bare.train()
            for share in batches.micro_batches(plan.features, tokens=8192, rank=rank, world=world):
                loss = engine.micro_loss(parts.moving, parts.verbs, share, plan.number, (), 13)
                loss.total.backward()
            for name, one in parts.moving.bare.named_parameters():
                total[name] = total.get(name, torch.zeros_like(one)) + one.grad
        return total

    def difference() -> float:
        alone, together = shares(1), shares(2)
        return tiny.largest_difference(alone, together) / max(float(one.abs().max()) for one in alone.values())

    assert difference() < 1e-5
    monkeypatch.setattr(dropout, "install", lambda model, noise: 0)
    assert difference() > 0.01


def test_a_mean_of_means(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accumulation that averages the means of uneven micro-batches (fixed in transformers in 2024) weighs examples
    unequally; a sum and a count do not.
    """
    made = make(still=True, train={"batch": 15, "clip": None})
    whole, cut = gradient(made, 8192), gradient(made, 100)
    scale = max(float(one.abs().max()) for one in whole.values())
    assert tiny.largest_difference(whole, cut) / scale < 1e-5

    parts = made.parts()
    (plan,) = parts.plans(1)
    pieces = batches.micro_batches(plan.features, tokens=100)
    assert len({len(piece) for piece in pieces}) > 1, "micro-batches of unequal size"
    for piece in pieces:
        loss = parts.verbs.loss(parts.moving.bare.train(), parts.verbs.collate(piece))
        (loss.total / loss.count / len(pieces)).backward()
    means = {name: one.grad for name, one in parts.moving.bare.named_parameters()}
    assert tiny.largest_difference(whole, means) / scale > 0.01


def test_data_order_after_a_resume(make: Make, near_gate: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order drawn from a generator that starts anew gives the first rows twice and the last never."""
    parts = make(train={"epochs": 3}).parts()
    recipe = parts.inputs.recipe

    def order(done: int) -> list[tuple[int, list[str]]]:
        plans = batches.training_steps(parts.features, batch=recipe.train.batch, epochs=3, seed=13, done=done)
        return [(plan.number, [one.row_id for one in plan.features]) for plan in plans]

    whole = order(0)
    assert all(order(done) == whole[done:] for done in range(19))
    for epoch in range(3):
        seen = [row for _, rows in whole[epoch * 6 : epoch * 6 + 6] for row in rows]
        assert sorted(seen) == sorted(row.id for row in parts.rows), "each row once an epoch"
    assert whole[0][1] != whole[6][1], "another order in each epoch"


def test_the_head_stream_is_the_seeds_own() -> None:
    assert state.head_seed(13) != state.head_seed(14)
