"""What a look at data gives: findings, each with its rows, and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from nlptl.tasks import Row

Severity = Literal["fault", "warning", "note"]
"""`fault`: a run would be refused. `warning`: scores or models go wrong because of it. `note`: good to know."""
SEVERITIES: tuple[Severity, ...] = ("fault", "warning", "note")


@dataclass(frozen=True)
class RowAt:
    """A row and where it stands in the data, with what is to be said of it alone."""

    id: str
    place: str
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing that was found, with all its rows."""

    kind: str
    severity: Severity
    what: str
    """One sentence with the counts."""
    fix: str
    """What to do."""
    rows: Sequence[RowAt] = ()
    about: str = ""
    """The split or label that it concerns as a whole."""

    def record(self, most: int) -> dict[str, Any]:
        """Give it as plain values, with at most so many rows."""
        rows = [{"id": row.id, "place": row.place, "note": row.note} for row in self.rows[:most]]
        return {
            "kind": self.kind, "severity": self.severity, "what": self.what, "fix": self.fix, "about": self.about,
            "count": len(self.rows), "rows": rows,
        }  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Values under column names, the first column naming the row."""

    name: str
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | int | float | None]]
    remarks: Sequence[str] = field(default=())
    """What is said below it."""

    def records(self) -> list[dict[str, Any]]:
        """Give each row under the names of the columns."""
        return [dict(zip(self.head, row, strict=True)) for row in self.rows]


def at(row: Row, note: str = "") -> RowAt:
    """Name a row."""
    return RowAt(row.id, row.place, note)


def agreeing(number: int, said: str) -> str:
    """Make a phrase that begins with a plural verb ("stand in", "nearly stand in") fit the number of rows."""
    before = "nearly " if said.startswith("nearly ") else ""
    verb, _, rest = said.removeprefix(before).partition(" ")
    singular = {"have": "has", "are": "is"}.get(verb, f"{verb}s")
    return f"{before}{verb if number != 1 else singular} {rest}"


def counted(number: int, name: str) -> str:
    """Write "1 row", "2 rows"."""
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Sort by severity, the rest as it came."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
