"""The shelf of augmentations: how texts of training rows are varied. A kind a file; a recipe may name several.

An augmentation sees a text and gives edits of it; what may be edited, and what an edit does to the gold, the task says.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from nlptl.edits import Edit, Edits
from nlptl.records import Backbone, Row
from nlptl.strict import Value

if TYPE_CHECKING:
    from nlptl.tasks import Task


@dataclass(frozen=True)
class Ground:
    """What a kind may look at, once, before it varies anything."""

    rows: Sequence[Row]
    """The training rows, without copies."""
    task: Task
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

    kind: str

    rate: float = Field(gt=0, le=1)
    """Part of a text's words that is edited, at least one word of each text that has one."""

    copies: int = Field(ge=1, le=100)
    """Edited copies that are made of each training row, beside the row itself."""

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
