"""The shelf of augmentations: how texts of training rows are varied. A kind a file; a recipe may name several.

An augmentation sees a text and gives edits of it; what may be edited, and what an edit does to the gold, the task says.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from nlptl.edits import Edit, Edits
from nlptl.records import Backbone, Row
from nlptl.strict import Value

if TYPE_CHECKING:
    from nlptl.cards import DataCard
    from nlptl.errors import Problem
    from nlptl.tasks import Task


@dataclass(frozen=True)
class Ground:
    """What a kind may look at, once, before it varies anything."""

    rows: Sequence[Row]
    """The training rows, without copies."""
    task: Task
    card: DataCard
    backbone: Callable[[str | None], Backbone]
    """Opens the recipe's checkpoint, or another by its name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A row of which a copy is wanted."""

    row: Row
    columns: tuple[str, ...]
    """Those that hold a text that may be edited."""
    draw: Callable[[str], random.Random]
    """Column -> its source of randomness, new each time."""


class Augment(Value):
    """Contract of an augmentation: it gives edits over the original characters, never a text."""

    moves_gold: ClassVar[bool] = False
    """Whether its edits change what the gold says, so that a copy asks for something else than its row."""

    kind: str

    rate: float = Field(gt=0, le=1)
    """Part of a text's words that is edited, at least one word of each text that has one."""

    copies: int = Field(ge=1, le=100)
    """Edited copies that are made of each training row, beside the row itself."""

    variants: int = Field(default=1, ge=1, le=1000)
    """Ways in which each copy is edited, of which every epoch takes another one until all were taken."""

    def check(self, task: Task, card: DataCard) -> list[Problem]:
        """Give every Problem that settings have with task and card; no data are read."""
        return []

    def checkpoints(self) -> tuple[str, ...]:
        """Name the checkpoints that it opens beside the recipe's own. By default none."""
        return ()

    def stamp(self) -> str:
        """Give a sha256 over the further files that it reads, for the run's digest. By default nothing."""
        return ""

    def open(self, ground: Ground) -> Any:
        """Open what varying needs, once. By default nothing."""
        return None

    def propose(self, text: str, draw: random.Random) -> Sequence[Edit]:
        """Give edits of a text, in order and without overlap; none where it has nothing to edit.

        `draw` is the only source of randomness.
        """
        raise AssertionError(f"augmentation kind '{self.kind}' has no verb `propose`")

    def vary(self, asked: Sequence[Asked], opened: Any) -> list[Edits]:
        """Give the edits of each row, by column; `opened` is what `open` gave. By default what `propose` gives for each
        text by itself; a kind that computes for many texts at once, or looks beyond a text, has its own.
        """
        return [
            {column: self.propose(one.row.values[column], one.draw(column)) for column in one.columns} for one in asked
        ]
