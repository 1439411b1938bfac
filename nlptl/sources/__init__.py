"""The shelf of sources: how records are read from one file, one hub data set or one made world. A kind a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from nlptl.strict import Value


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in its source, before the card gives its columns their canonical names.

    `values` are strings exactly as written (no number, date or null is ever guessed), lists of them where the format
    has lists, or nested dicts where the format nests. `place` is `file:line` (1-based, the record's first line), or
    `file#n`.
    """

    values: dict[str, Any]
    place: str


@dataclass(frozen=True, slots=True)
class Part:
    """What a source is asked to read: a file of the card, or, for sources without files, a split by name."""

    split: str
    language: str
    path: Path | None
    """The verified local file or folder; None where the source needs none (`made`, `hub`)."""
    name: str
    """How messages call it: the path as the card writes it."""
    label: str | None = None
    """The label that every record of this file has, where the card says so (a file per label)."""
    offline: bool = False


class Source(Value):
    """Contract of a source: settings are fields, `records` is the verb."""

    databases: ClassVar[bool] = False
    """Whether it makes a SQLite file and gives its path in the column `database`. What a file of data says is no such
    path: a card names the database then."""

    kind: str

    def records(self, part: Part) -> Iterator[Record]:
        """Yield the records of `part` in the order of the file.

        Raises BadInput that names file and line for whatever cannot be read line-exact as strings.
        """
        raise AssertionError(f"source kind '{self.kind}' has no verb `records`")
