"""What a recipe asks of augmentation, held against itself and its card: where it trains, and where it is noise."""

from __future__ import annotations

from collections.abc import Iterator

from nlptl import kinds
from nlptl.augment import Augment
from nlptl.cards import DataCard
from nlptl.errors import Problem, did_you_mean
from nlptl.recipe import Recipe
from nlptl.strict import Read


def problems(found: Read[Recipe], card: DataCard) -> Iterator[Problem]:
    """Yield every Problem of `augment` and `robust`."""
    yield from _noise(found)
    yield from _augments(found, card)


def _noise(found: Read[Recipe]) -> Iterator[Problem]:
    """Find noise that is only named and has no settings, and noise that is no noise or stands in a list twice."""
    augment = [one.kind for one in found.value.augment]
    for number, asked in enumerate(found.value.evaluate):
        for place, one in enumerate(asked.robust):
            where = ("evaluate", number, "robust", place)
            if isinstance(one, str) and one not in augment:
                known = kinds.shelf("augment")
                fix = "write such as {kind: swap, rate: 0.1, copies: 1}" if one in known else did_you_mean(one, known)
                yield found.problem(where, f"'{one}' does not stand under augment, so it has no settings here", fix)
            elif one in asked.robust[:place]:
                yield found.problem(where, "stands here twice", "remove it; `copies` scores several noisy sets")
            elif (kinds.shelf("augment")[one] if isinstance(one, str) else one).moves_gold:
                name = one if isinstance(one, str) else one.kind
                what = f"'{name}' asks for other gold, so it is no noise on these rows"
                yield found.problem(where, what, "remove it")
            elif not isinstance(one, str) and one.variants > 1:
                fix = "remove it; `copies` scores several noisy sets"
                yield found.problem((*where, "variants"), "an evaluated set has no epochs to draw variants for", fix)


def _augments(found: Read[Recipe], card: DataCard) -> Iterator[Problem]:
    """Yield what kinds of augmentation have against task and card, where they train and where they are noise."""
    recipe = found.value
    named: list[tuple[tuple[str | int, ...], Augment]] = [
        (("augment", number), kind) for number, kind in enumerate(recipe.augment)
    ]
    for number, asked in enumerate(recipe.evaluate):
        named += [(("evaluate", number, "robust", place), one) for place, one in enumerate(asked.robust)
                  if not isinstance(one, str)]  # fmt: skip
    for where, kind in named:
        for one in kind.check(recipe.task, card):
            yield found.problem((*where, *one.field.split(".")) if one.field else where, one.what, one.fix)
