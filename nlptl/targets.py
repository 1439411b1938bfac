"""The unlabelled texts of the domain that a recipe adapts to: `data.target`. No torch here."""

from __future__ import annotations

from collections.abc import Iterator

from nlptl import cards
from nlptl.cards import DataCard
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.recipe import Recipe
from nlptl.strict import Read


def card_of(recipe: Recipe, own: DataCard) -> DataCard:
    """Give the card of the target texts. Raises BadInput where it is not there."""
    assert recipe.data.target is not None, "asked for by recipes that have one"
    if recipe.data.target.card is None:
        return own
    found = cards.find(recipe.data.target.card).value
    return own if found.name == own.name else found


def check(found: Read[Recipe], own: DataCard) -> Iterator[Problem]:
    """Yield what speaks against the target texts, and against what would look at their gold."""
    recipe, target = found.value, found.value.data.target
    for number, kind in enumerate(recipe.tuning):
        if kind.aligns and target is None:
            what = f"'{kind.kind}' learns from unlabelled texts of another domain, and none are named"
            yield found.problem(("tuning", number), what, "add data.target: {card: …, split: train}")
        if kind.aligns and recipe.task.kind != "classification":
            what = f"'{kind.kind}' compares what a classifier's head reads; task '{recipe.task.kind}' has none"
            yield found.problem(("tuning", number), what, "remove it, or continue pretraining on the target's text")
    if target is None:
        return
    if recipe.task.kind != "classification":
        what = f"domains are compared by what a classifier's head reads; task '{recipe.task.kind}' has none"
        yield found.problem(("data", "target"), what, "remove it")
    try:
        card = card_of(recipe, own)
    except BadInput as problem:
        yield from (found.problem(("data", "target", "card"), str(each)) for each in problem.problems)
        return
    if target.split not in card.splits:
        what = f"card '{card.name}' has no split '{target.split}'"
        yield found.problem(("data", "target", "split"), what, did_you_mean(target.split, list(card.splits)))
    if card is own and target.split == "train":
        yield found.problem(("data", "target"), "these are the rows that are trained on", "name another domain")
    for needed in recipe.task.columns:
        options = set(needed.split("|"))
        if options & set(recipe.task.given) and not options & set(card.columns):
            what = f"card '{card.name}' has no column {needed.replace('|', ' or ')}; it has {sorted(card.columns)}"
            yield found.problem(("data", "target", "card"), what)
    yield from _selection(found, own, card)


def _selection(found: Read[Recipe], own: DataCard, card: DataCard) -> Iterator[Problem]:
    """Refuse labels of the target's domain to choose the checkpoint, unless the recipe says so."""
    recipe = found.value
    assert recipe.data.target is not None
    if card is own and recipe.train.select == recipe.data.target.split and not recipe.train.oracle:
        what = f"the labels of '{recipe.train.select}', the target's own texts, would choose the checkpoint"
        yield found.problem(("train", "select"), what, "name a split of the source, or say train.oracle: true")


def oracle(recipe: Recipe, own: DataCard) -> bool:
    """Say whether labels of another domain than the source's chose the checkpoint."""
    target = recipe.data.target
    same = target is not None and card_of(recipe, own) is own and target.split == recipe.train.select
    return recipe.train.oracle and (same or foreign(recipe))


def foreign(recipe: Recipe) -> bool:
    """Say whether a set of another card, of those evaluated, chooses the checkpoint."""
    return any(one.card is not None and one.name == recipe.train.select for one in recipe.evaluate)
