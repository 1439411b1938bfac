"""What faults are planted into: the rows of a made world while they are changed, and which of them are still whole."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]
Place = tuple[str, int]
"""Split and number in it."""


@dataclass
class Ground:
    """The rows of a language while faults are put into them. `again` makes another row of a label at a place."""

    rows: dict[str, list[Values]]
    names: tuple[str, ...]
    fillers: Sequence[str]
    """Words that every class uses."""
    language: str
    again: Callable[[str, int, str], Values]
    rng: random.Random = field(default_factory=random.Random)
    used: set[Place] = field(default_factory=set)
    told: list[str] = field(default_factory=list)
    """Labels that a kind has taken for itself."""
    origin: dict[Place, Place] = field(default_factory=dict)
    """Copy -> the row that it is a copy of."""

    @property
    def first(self) -> str:
        """The split that is learnt from."""
        return next(iter(self.rows))

    @property
    def last(self) -> str:
        """The split that is scored."""
        return list(self.rows)[-1]

    def row(self, place: Place) -> Values:
        """Give the values at a place."""
        return self.rows[place[0]][place[1]]

    def all(self) -> list[Place]:
        """Give all places."""
        return [(split, number) for split, rows in self.rows.items() for number in range(len(rows))]

    def of(self, label: str, splits: Sequence[str] = ()) -> list[Place]:
        """Give the places of a label."""
        wanted = [place for place in self.all() if place[0] in splits or not splits]
        return [place for place in wanted if self.row(place).get("label") == label]

    def take(self, count: int, split: str = "") -> list[Place]:
        """Draw rows of a split (absent: the first) that no kind has, nor their class, and mark them."""
        wanted = split or self.first
        free = [
            (wanted, number)
            for number, row in enumerate(self.rows[wanted])
            if (wanted, number) not in self.used and row.get("label") not in self.told
        ]
        found = self.draw(free, count)
        self.used |= set(found)
        return found

    def draw(self, places: Sequence[Place], count: int) -> list[Place]:
        """Draw some of these places. ValueError where there are too few."""
        if len(places) < count:
            raise ValueError(f"{count} faulty rows do not fit, there is room for {len(places)}: make more rows")
        return sorted(self.rng.sample(places, count))

    def own_label(self) -> str:
        """Give a label that no other kind has."""
        free = [name for name in self.names if name not in self.told]
        if len(free) < 3:
            raise ValueError("faults of classes need more classes: each takes one, and two must stay whole")
        self.told.append(free[0])
        return free[0]

    def other_label(self, label: str) -> str:
        """Draw another label, which no kind has."""
        return self.rng.choice([name for name in self.names if name != label and name not in self.told])

    def some(self, count: int) -> str:
        """Give so many words that every class uses."""
        return " ".join(self.rng.choice(self.fillers) for _ in range(count))

    def insert(self, place: Place, word: str, column: str = "text") -> None:
        """Put a word between two words of a text."""
        words = self.row(place)[column].split()
        words.insert(self.rng.randint(1, len(words) - 1), word)
        self.row(place)[column] = " ".join(words)

    def relabel(self, place: Place, label: str) -> None:
        """Put another row, of this label, at a place."""
        self.rows[place[0]][place[1]] = self.again(place[0], place[1], label)

    def origins(self, copies: Sequence[Place]) -> list[Place]:
        """Give the rows that copies are copies of."""
        return [self.origin[copy] for copy in copies]
