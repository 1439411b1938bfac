"""The cards whose splits a recipe scores beside those of its own: `evaluate: [{card: xquad, split: test}]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nlptl import cards
from nlptl.cards import DataCard
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.recipe import Evaluation, Recipe
from nlptl.strict import Read


def other_cards(recipe: Recipe) -> dict[str, DataCard]:
    """Give name of a set -> its card, for the sets of other cards. Raises BadInput where one is not there."""
    return {one.name: cards.find(one.card).value for one in recipe.evaluate if one.card is not None}


def check(found: Read[Recipe], own: DataCard) -> Iterator[Problem]:
    """Yield what speaks against scoring splits of other cards with a model of this task."""
    names: dict[str, str] = {}
    for number, one in enumerate(found.value.evaluate):
        if one.card is None:
            continue
        here = ("evaluate", number, "card")
        try:
            card = cards.find(one.card).value
        except BadInput as problem:
            yield from (found.problem(here, str(each)) for each in problem.problems)
            continue
        if card.name == own.name:
            yield found.problem(here, "this is the recipe's own card", "leave `card` out here")
        if names.setdefault(one.name, one.card) != one.card:
            yield found.problem(here, f"two cards have the file name '{Path(one.card).stem}'", "rename one of them")
        yield from _set(found, number, one, card)
        yield from (found.problem(here, each.what, each.fix) for each in _fits(found.value, card))


def _set(found: Read[Recipe], number: int, one: Evaluation, card: DataCard) -> Iterator[Problem]:
    """Find a split and languages that the other card has not."""
    if one.split not in card.splits:
        what = f"card '{card.name}' has no split '{one.split}'"
        yield found.problem(("evaluate", number, "split"), what, did_you_mean(one.split, list(card.splits)))
    for language in () if one.languages in (None, "all") else one.languages or ():
        if language not in card.languages:
            what = f"card '{card.name}' has no language '{language}'"
            fix = did_you_mean(language, card.languages)
            yield found.problem(("evaluate", number, "languages"), what, fix)


def _fits(recipe: Recipe, card: DataCard) -> Iterator[Problem]:
    task = recipe.task
    for needed in task.columns:
        if not set(needed.split("|")) & set(card.columns):
            what = f"task '{task.kind}' needs the column {needed.replace('|', ' or ')}; card '{card.name}' has"
            yield Problem(f"{what} {sorted(card.columns)}")
    yield from task.check_card(card)


def without(names: Sequence[str], others: Mapping[str, DataCard]) -> list[str]:
    """Give the names of the sets that are splits of the recipe's own card."""
    return sorted(name for name in names if name not in others)
