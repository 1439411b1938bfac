"""Variants of copies: an epoch takes one of each, which one depends on seed, epoch and ids, and a store has all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import tiny

from nlptl.data import batches
from nlptl.tasks import Feature

Make = Callable[..., tiny.Tiny]
SWAPS: list[dict[str, Any]] = [{"kind": "swap", "rate": 0.3, "copies": 1, "variants": 3}]


def features(*ids: str) -> list[Feature]:
    return [Feature(one, [1, 2, 3]) for one in ids]


def test_every_variant_is_taken_before_one_comes_again() -> None:
    pools = [[f"r{row}~1.{one}" for one in (1, 2, 3)] for row in range(40)]
    every = features(*(f"r{row}" for row in range(40)), *(one for pool in pools for one in pool))
    epochs = [[one.row_id for one in batches.drawn(every, pools, seed=5, epoch=epoch)] for epoch in range(6)]
    assert [len(one) for one in epochs] == [80] * 6
    for pool in pools:
        taken = [next(one for one in pool if one in epoch) for epoch in epochs]
        assert sorted(taken[:3]) == sorted(taken[3:]) == pool
        assert taken[:3] == taken[3:]
    firsts = Counter(one[-1] for one in epochs[0] if "~" in one)
    assert min(firsts.values()) >= 5, "the first epoch has some of each"
    other = [one.row_id for one in batches.drawn(every, pools, seed=6, epoch=0)]
    assert other != epochs[0]
    again = [one.row_id for one in batches.drawn(every[::-1], pools[::-1], seed=5, epoch=0)]
    assert again[::-1] == epochs[0], "the order of rows draws nothing else"
    assert batches.drawn(every, (), seed=5, epoch=0) is every


def test_epochs_that_differ_in_windows_have_their_own_ends() -> None:
    every = [*features("a", "b"), *features("a~1.1"), *features("a~1.2", "a~1.2", "a~1.2")]
    pools = [("a~1.1", "a~1.2")]
    ends = batches.epoch_ends(every, pools, batch=2, epochs=4, seed=3)
    sizes = [len(batches.drawn(every, pools, seed=3, epoch=epoch)) for epoch in range(4)]
    assert sorted(sizes) == [3, 3, 5, 5]
    assert ends == [sum(-(-size // 2) for size in sizes[: epoch + 1]) for epoch in range(4)]
    whole = list(batches.training_steps(every, batch=2, epochs=4, seed=3, pools=pools))
    assert [step.number for step in whole] == list(range(1, ends[-1] + 1))
    assert [sum(step.epoch == epoch for step in whole) for epoch in range(4)] == [-(-size // 2) for size in sizes]
    for done in range(ends[-1]):
        rest = list(batches.training_steps(every, batch=2, epochs=4, seed=3, pools=pools, done=done))
        assert rest == whole[done:]


def test_a_run_has_the_steps_of_one_variant_and_the_store_has_the_pool(
    make: Make, near_gate: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("NLPTL_FROZEN", str(tmp_path / "frozen"))
    world = make(
        augment=SWAPS, tuning=[{"kind": "freeze", "blocks": 1}], data={"train_rows": 24},
        train={"epochs": 2, "select": "last"},
    )  # fmt: skip
    report = world.run().report
    training, frozen = report["training"], report["training"]["frozen"]
    assert sum(training["augment"]["swap"].values()) == 72
    pooled = world.parts().features
    several = {one.row_id.rsplit(".", 1)[0] for one in pooled if "~" in one.row_id}
    each = 24 + len(several)
    assert training["steps"] == 2 * -(-each // 8)
    assert len(pooled) > each
    assert frozen["hits"] == 2 * each
    assert frozen["bytes"] == sum(len(one.input_ids) for one in pooled) * 32 * 4, "each variant once"
    off = world.run("machine.frozen=off", out="off").report
    assert off["evaluation"][0]["metrics"] == report["evaluation"][0]["metrics"]


def test_one_variant_keeps_the_names_and_the_digest_that_there_were(make: Make) -> None:
    from nlptl import prepare
    from nlptl.checks import check
    from nlptl.recipe import science

    plain = [SWAPS[0] | {"variants": 1}]
    recipe = check(make(augment=plain).recipe).recipe
    assert science(recipe)["augment"] == [{"kind": "swap", "rate": 0.3, "copies": 1}]
    assert science(check(make(augment=SWAPS).recipe).recipe)["augment"] == SWAPS
    inputs = prepare.gather(check(make(augment=[SWAPS[0] | {"copies": 2}]).recipe))
    found = prepare.augmented_rows(inputs, 13)
    names = {f"swap-{copy}.{variant}" for copy in (1, 2) for variant in (1, 2, 3)}
    assert {row.id.split("~")[1] for row in found.rows if "~" in row.id} == names
    assert len(found.pools) > 48, "each of the two copies of a row has a pool of its own"
    assert all(len(pool) > 1 and len({one.rsplit(".", 1)[0] for one in pool}) == 1 for pool in found.pools)
    names = {row.id for row in found.rows}
    assert {one for pool in found.pools for one in pool} <= names
