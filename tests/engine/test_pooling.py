"""What a classifier reads is what docs/families.md says: a change at that token alone changes the logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cells
import pytest
import tiny
import torch

from nlptl.modules import first_token
from nlptl.tasks import Row

TEXTS = ["bado rik mena tolu sona", "rik", "vani pike dera"]


def read_at(family: str, ids: list[int], length: int, tokenizer: Any) -> int:
    """Give the one place that the table of families names."""
    pooling = cells.POOLING[family]
    if pooling == "end":
        return max(place for place, one in enumerate(ids) if one == tokenizer.eos_token_id)
    return length - 1 if pooling == "last" else 0


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_one_token_is_read(family: str, make: Callable[..., tiny.Tiny]) -> None:
    parts = make(family).parts()
    module = parts.moving.bare.eval()
    first_token.restore(module)
    rows = [Row(str(place), {"text": text}, "") for place, text in enumerate(TEXTS)]
    features = parts.inputs.recipe.task.encode(rows, parts.opened, parts.fitted, "predict")
    inputs = parts.verbs.collate(features).inputs
    width = inputs["input_ids"].shape[1]
    place = [width]  # of what is changed; the width is nowhere

    def change(_: Any, __: Any, made: Any) -> Any:
        if place[0] < width:
            made[0][:, place[0]] += 1.0
        return made

    # BERT's pooler stands inside of its body.
    hook = (module.base_model.encoder if family == "bert" else module.base_model).register_forward_hook(change)
    with torch.no_grad():
        before = module(**inputs).logits
        changes = []
        for place[0] in range(width):
            changes.append((module(**inputs).logits - before).abs().amax(1) > 1e-4)
    hook.remove()
    for row, one in enumerate(features):
        found = [number for number in range(width) if changes[number][row]]
        expected = read_at(family, list(one.input_ids), len(one.input_ids), parts.opened.tokenizer)
        assert found == [expected]
