"""T5's and BART's dropout, which their code calls as a function, changes nothing when a step is cut otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
import torch

from nlptl import engine
from nlptl.data import batches
from nlptl.modules import called_dropout


def parser(folder: Path, family: str) -> tiny.Tiny:
    """Give a recipe that writes forms: the decoder's tokens are as many as each form has."""
    card = tiny.write_card(folder, world="commands", rows={"train": 24, "dev": 8, "test": 8})
    start = tiny.save_checkpoint(folder / family, family, {})
    tree = tiny.recipe_tree(start, card) | {
        "task": {"kind": "parsing", "form_tokens": 24}, "train": tiny.TRAIN | {"batch": 12, "clip": None},
        "tuning": [{"kind": "dropout", "rate": 0.3}],
    }  # fmt: skip
    return tiny.Tiny(folder, tiny.write_recipe(folder / "recipe.yaml", tree))


def by_shares(made: tiny.Tiny, world: int) -> dict[str, torch.Tensor]:
    """Add up what each of `world` ranks would compute of a step."""
    total: dict[str, torch.Tensor] = {}
    for rank in range(world):
        parts = made.parts()
        (plan,) = parts.plans(1)
        parts.moving.bare.train()
        for share in batches.micro_batches(plan.features, tokens=120, rank=rank, world=world):
            engine.micro_loss(parts.moving, parts.verbs, share, plan.number, (), 13).total.backward()
        for name, one in parts.moving.bare.named_parameters():
            total[name] = total.get(name, torch.zeros_like(one)) + one.grad
    return total


def apart(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    return tiny.largest_difference(first, second) / max(float(one.abs().max()) for one in first.values())


@pytest.mark.parametrize("family", ["t5", "bart"])
def test_masks_of_a_writer_belong_to_the_example(
    tmp_path: Path, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = parser(tmp_path, family)
    alone = by_shares(made, 1)
    assert apart(alone, by_shares(made, 2)) < 1e-5
    assert apart(alone, by_shares(made, 3)) < 1e-5
    monkeypatch.setattr(called_dropout, "install", lambda model, noise: 0)
    assert apart(by_shares(made, 1), by_shares(made, 2)) > 0.01
