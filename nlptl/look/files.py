"""What `nlptl data --out` writes: the page, all as JSON, each table as CSV and JSON, the rows of every finding."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nlptl import artifacts
from nlptl.look import Looked
from nlptl.look.page import page


def write(found: Looked, folder: Path) -> Path:
    """Write all of it into a folder, which may be missing; give the page."""
    artifacts.check_place(folder)
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    for table in found.tables:
        artifacts.write_text(folder / "tables" / f"{table.name}.csv", as_csv(table.head, table.rows))
        artifacts.write_json(folder / "tables" / f"{table.name}.json", table.records())
    head = ["kind", "severity", "about", "count", "what", "fix"]
    lines = [[one.kind, one.severity, one.about, len(one.rows), one.what, one.fix] for one in found.findings]
    artifacts.write_text(folder / "findings.csv", as_csv(head, lines))
    rows = [[one.kind, one.about, row.id, row.place, row.note] for one in found.findings for row in one.rows]
    artifacts.write_text(folder / "rows.csv", as_csv(["kind", "about", "id", "place", "note"], rows))
    artifacts.write_json(folder / "data.json", found.record())
    artifacts.write_text(folder / "data.html", page(found))
    return folder / "data.html"


def as_csv(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Give CSV as RFC 4180 has it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
