"""A table of a report, once: as HTML on the page, as CSV and as JSON beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nlptl import artifacts, pages

Kind = Literal["text", "long", "count", "points", "range", "gain", "number"]
"""`points` are scores from 0 to 1, shown times 100; `range` and `gain` are pairs of them, one key for each end in the
files (`gain` is shown with its sign); `long` is a text of the data.
"""
LONG = 300
"""Signs of a text that are shown at once; the rest opens."""
LONGEST = 5000
"""Signs of a text that the page holds at all."""


@dataclass(frozen=True)
class Column:
    """A column: its key in the files, its title on the page, what its values are."""

    key: str
    title: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """Values under columns. `name` is that of its files, `marks` colours rows (see `nlptl.pages.table`)."""

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    marks: Mapping[int, Literal["low", "high"]] = field(default_factory=dict)

    def html(self, first: int | None = None) -> pages.Markup:
        """Give the table, or its `first` rows, as HTML."""
        wide = [number for number, column in enumerate(self.columns) if column.kind == "long"]
        rows = [
            [SHOWN[column.kind](value) for column, value in zip(self.columns, row, strict=True)]
            for row in self.rows[:first]
        ]
        marks = {number: kind for number, kind in self.marks.items() if number < len(rows)}
        return pages.table([one.title for one in self.columns], rows, self.caption, marks=marks, wide=wide)

    def records(self) -> list[dict[str, Any]]:
        """Give the rows under the keys of their columns, pairs taken apart."""
        return [
            {
                key: value
                for column, cell in zip(self.columns, row, strict=True)
                for key, value in zip(_keys(column), _apart(column, cell), strict=True)
            }
            for row in self.rows
        ]

    def csv(self) -> str:
        """Give the table as CSV (RFC 4180), the keys in the first line."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow([key for column in self.columns for key in _keys(column)])
        writer.writerows(list(record.values()) for record in self.records())
        return text.getvalue()


def write(folder: Path, tables: Sequence[Table]) -> None:
    """Write each table as NAME.csv and NAME.json; files of tables that there were before are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {f"{table.name}.{ending}" for table in tables for ending in ("csv", "json")}
    for old in [*folder.glob("*.csv"), *folder.glob("*.json")]:
        if old.name not in names:
            old.unlink()
    for table in tables:
        artifacts.write_text(folder / f"{table.name}.csv", table.csv())
        content = {"caption": table.caption, "rows": table.records()}
        artifacts.write_json(folder / f"{table.name}.json", content)


PLAIN = ("loss", "perplexity")
"""Metrics that are no shares: they are shown as they are."""


def scored(metric: str, value: float) -> str:
    """Write a metric: in points of 100, but for those that are no shares."""
    return f"{value:.4g}" if metric in PLAIN else points(value)


def points(value: float) -> str:
    """Write a score from 0 to 1 in points of 100."""
    return f"{100 * value:.1f}"


def between(low: float, high: float) -> str:
    """Write an interval of scores in points of 100."""
    return f"{points(low)} to {points(high)}"


def _keys(column: Column) -> list[str]:
    return [f"{column.key}_low", f"{column.key}_high"] if column.kind in ("range", "gain") else [column.key]


def _apart(column: Column, cell: Any) -> list[Any]:
    if column.kind not in ("range", "gain"):
        return [cell]
    return [None, None] if cell is None else list(cell)


def long_text(text: str) -> pages.Markup:
    """Show a text of the data; of a long one the beginning, and the rest where it is asked for."""
    if len(text) <= LONG:
        return pages.shown(text)
    count = f"{len(text):,} signs"
    more = f"all of it ({count})" if len(text) <= LONGEST else f"the first {LONGEST:,} of {count}"
    return pages.shown(text, most=LONG) + pages.details(more, pages.shown(text, most=LONGEST))


SHOWN: Mapping[Kind, Callable[[Any], pages.Cell]] = {
    "text": lambda value: value,
    "long": lambda value: None if value is None else long_text(value),
    "count": lambda value: value,
    "points": lambda value: None if value is None else points(value),
    "range": lambda pair: None if pair is None else between(*pair),
    "gain": lambda pair: None if pair is None else f"{100 * pair[0]:+.1f} to {100 * pair[1]:+.1f}",
    "number": lambda value: None if value is None else f"{value:.4g}",
}
"""How a value of each kind is shown."""
