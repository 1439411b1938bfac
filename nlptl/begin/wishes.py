"""What the user says, and what is answered: the values that the steps of `nlptl init` hand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Split = Literal["train", "dev", "test"]


@dataclass(frozen=True)
class Wishes:
    """What the options say; None: it is guessed."""

    task: str | None = None
    text: str | None = None
    text_pair: str | None = None
    label: tuple[str, ...] = ()
    language: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None
    separator: str | None = None
    bands: str | None = None
    checkpoint: str | None = None
    name: str | None = None
    out: Path = Path()


@dataclass(frozen=True)
class Said:
    """One guess, as it is printed and written."""

    what: str
    value: str
    reason: str
    option: str = ""
    """What overrules it."""


@dataclass(frozen=True)
class Begun:
    """What `nlptl init` made."""

    card: Path
    recipe: Path
    guesses: tuple[Said, ...]
    rows: Mapping[str, int]
    notes: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """Give all of it as plain data."""
        return {
            "card": str(self.card),
            "recipe": str(self.recipe),
            "rows": dict(self.rows),
            "guesses": [vars(one) for one in self.guesses],
            "notes": list(self.notes),
        }
