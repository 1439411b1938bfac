"""Items: what is asked, of what, in which way; and their splits. An item is the same in every language."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nlptl import seeds
from nlptl.geography import described, plain
from nlptl.geography.template import Args, Template, Truth
from nlptl.geography.world import world

WAYS = 3
"""Ways to ask each question, in each language."""
SPLITS = ("train", "dev", "test", "test_compositional")
PART = 0.15
"""Share of what a template can be asked of that dev gets, and test; nothing of fewer than FEWEST."""
FEWEST = 4
Holdout = Literal["combinations", "depth"]


@dataclass(frozen=True)
class Item:
    """One question in no language yet. `way` is which of the three wordings; `answered`: there is something to find."""

    template: Template
    args: Args
    way: int
    answered: bool


@functools.cache
def templates() -> Mapping[str, Template]:
    """Give every template by its name."""
    return {each.name: each for each in (*described.templates(), *plain.templates())}


@functools.cache
def truth(name: str, args: Args) -> Truth | None:
    """Give what is true; None where the template cannot be asked of this."""
    return templates()[name].truth(world(), args)


@functools.cache
def askable(name: str) -> Sequence[Args]:
    """Give all that a template can be asked of."""
    return [args for args in templates()[name].args(world()) if truth(name, args) is not None]


def held_out(template: Template, holdout: Holdout) -> bool:
    """Say whether a template is kept from training."""
    return template.words in described.ASKED and described.held_out(template.words, template.described, holdout)


def _parts(count: int) -> tuple[int, int]:
    """Give how many of a template's instances dev and test get."""
    part = max(1, round(count * PART)) if count >= FEWEST else 0
    return part, part


def instances(template: Template, seed: int, holdout: Holdout, answered: bool) -> dict[str, list[Args]]:
    """Deal out what a template can be asked of, with an answer or without: no query stands in two splits, and what dev
    and test ask, training asks of something else.
    """
    found = [args for args in askable(template.name) if bool(truth(template.name, args)) == answered]
    seeds.stream(seed, "geography", "split", template.name, str(answered)).shuffle(found)
    if held_out(template, holdout):
        return {"test_compositional": found}
    dev, test = _parts(len(found))
    return {"dev": found[:dev], "test": found[dev : dev + test], "train": found[dev + test :]}


@functools.lru_cache(maxsize=8)
def pool(seed: int, holdout: Holdout, split: str, answered: bool) -> Sequence[Item]:
    """Give every item of a split in its order: the classes take turns, and within a class its templates.

    A split of n rows is therefore the beginning of every longer one.
    """
    classes: dict[str, list[Iterator[Item]]] = {}
    for template in templates().values():
        dealt = instances(template, seed, holdout, answered).get(split, [])
        items = _items(template, dealt, seed, answered)
        if items:
            classes.setdefault(template.label, []).append(iter(items))
    for label in classes:
        seeds.stream(seed, "geography", "turns", split, label).shuffle(classes[label])
    return list(_turns([_turns(each) for each in classes.values()]))


def _items(template: Template, dealt: Sequence[Args], seed: int, answered: bool) -> list[Item]:
    found = [Item(template, args, way, answered) for args in dealt for way in range(WAYS)]
    seeds.stream(seed, "geography", "items", template.name, str(answered)).shuffle(found)
    return found


def _turns(each: Sequence[Iterator[Item]]) -> Iterator[Item]:
    for several in itertools.zip_longest(*each):
        yield from (item for item in several if item is not None)


def sizes(seed: int, holdout: Holdout) -> Mapping[str, tuple[int, int]]:
    """Give split -> how many different questions there are with an answer, and how many without, in each language."""
    return {split: (len(pool(seed, holdout, split, True)), len(pool(seed, holdout, split, False))) for split in SPLITS}


def chosen(seed: int, holdout: Holdout, split: str, rows: int, unanswered: float) -> list[Item]:
    """Give a split of so many rows, a share of them without an answer. ValueError where there are fewer."""
    pools = {answered: iter(pool(seed, holdout, split, answered)) for answered in (True, False)}
    found = []
    for number in range(rows):
        answered = int((number + 1) * unanswered) == int(number * unanswered)
        item = next(pools[answered], None)
        if item is None:
            most = len(pool(seed, holdout, split, answered))
            sort = "" if not unanswered else " with an answer" if answered else " without an answer"
            raise ValueError(f"{split}: there are {most:,} different questions{sort}, {rows:,} rows need more")
        found.append(item)
    return found
