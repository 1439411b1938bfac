"""Let one name stand for another of its class, and the gold say the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from nlptl import edits
from nlptl.augment import Asked, Augment, Ground
from nlptl.cards import DataCard
from nlptl.edits import Edit, Edits
from nlptl.errors import Problem
from nlptl.tasks import Row, Slot, Task

Written = Mapping[str, str]


@dataclass(frozen=True)
class Names:
    """What stands in the training rows by name."""

    task: Task
    card: DataCard
    known: Mapping[tuple[str, str], Sequence[Written]]
    """(language, class) -> each name once, as it is written in text and gold."""


class Entity(Augment):
    """Put another name of its class in the place of one: a city for a city in question and query, a person for a person
    in question, passage and answer. `rate` is the part of a row's names that is changed, at least one (of the data
    recombination of Jia and Liang 2016, arXiv:1606.03622, entities alone).
    """

    moves_gold: ClassVar[bool] = True

    kind: Literal["entity"]

    def check(self, task: Task, card: DataCard) -> list[Problem]:
        """Refuse tasks whose gold names nothing in the text."""
        if task.slotted:
            return []
        what = f"'entity' needs gold that names things of the text; that of task '{task.kind}' does not"
        return [Problem(what, fix="take neighbour, or synonym")]

    def open(self, ground: Ground) -> Names:
        """Gather the names of the training rows."""
        known: dict[tuple[str, str], dict[tuple[str, ...], dict[str, str]]] = {}
        for row in ground.rows:
            for slot in ground.task.slots(row, ground.card):
                names = known.setdefault((row.language, slot.sort), {})
                key, written = _key(slot.written), dict(slot.written)
                # Of several ways to write it the first of the alphabet: the order of rows changes nothing.
                names[key] = min(names.get(key, written), written, key=lambda one: sorted(one.items()))
        return Names(ground.task, ground.card, {sort: [one[key] for key in sorted(one)] for sort, one in known.items()})

    def vary(self, asked: Sequence[Asked], opened: Any) -> list[Edits]:
        """Edit every place of each name drawn."""
        return [self._edited(one, opened) for one in asked]

    def _edited(self, asked: Asked, names: Names) -> Edits:
        row, draw = asked.row, asked.draw("slots")
        slots = names.task.slots(row, names.card)
        there = {_key(slot.written) for slot in slots}
        able = []
        for slot in slots:
            others = names.known.get((row.language, slot.sort), ())
            if options := [one for one in others if _key(one) not in there and one.keys() >= slot.places.keys()]:
                able.append((slot, options))
        if not able:
            return {}
        made: dict[str, list[Edit]] = {}
        for slot, options in edits.drawn(draw, able, self.rate, len(slots)):
            other = draw.choice(options)
            if _key(other) in there:  # another name of the row was changed to it
                continue
            there.add(_key(other))
            changed = _changes(slot, other)
            if _holds(row, changed, slot, other, names):
                for column, found in changed.items():
                    made.setdefault(column, []).extend(found)
        return {column: sorted(found, key=lambda one: one.start) for column, found in made.items()}


def _key(written: Written) -> tuple[str, ...]:
    return tuple(written[column].casefold() for column in sorted(written))


def _changes(slot: Slot, other: Written) -> dict[str, list[Edit]]:
    return {
        column: [Edit(start, end, other[column], gold=True) for start, end in spans]
        for column, spans in slot.places.items()
    }


def _holds(row: Row, changed: Edits, slot: Slot, other: Written, names: Names) -> bool:
    """Say whether the changed row, read anew, has the other name in the place of the one."""
    copy = names.task.realign(row, changed)
    if copy is None:
        return False
    again = names.task.slots(copy, names.card)
    return any(one.sort == slot.sort and _key(one.written) == _key(other) for one in again)
