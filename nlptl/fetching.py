"""Bring what recipes, cards and checkpoints need into the cache: `nlptl fetch`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nlptl import backbone, cards, checks
from nlptl.data import rows
from nlptl.errors import BadInput
from nlptl.job import Watch


def fetch(name: str, watch: Watch) -> Iterator[str]:
    """Yield a line for each thing that is now here. `name` is a checkpoint, a card or a recipe."""
    if name.startswith("package:") or "@" in name:
        yield f"{name}: {backbone.resolve(name)}"
        return
    if checks.find(name).is_file() and not name.startswith("data_cards"):
        checked = checks.check(name)
        yield f"{checked.recipe.model.checkpoint}: {backbone.resolve(checked.recipe.model.checkpoint)}"
        card = checked.card
    else:
        try:
            card = cards.find(str(Path(name))).value
        except BadInput as problem:
            raise BadInput(name, problem.problems) from None
    for split in card.splits:
        watch.say(f"{card.name}: {split}")
        yield f"{card.name}: {split}, {len(rows.load(card, split))} rows"
