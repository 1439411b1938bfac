"""Which database the predicted queries of a row, and of rows, are run on."""

from __future__ import annotations

import os
from collections.abc import Sequence

from nlptl.errors import BadInput, Problem
from nlptl.parses.settings import Forms
from nlptl.tasks import Row


def of_row(row: Row, fitted: Forms) -> str | None:
    """Give the database of a row, or the one that there was in training, where it is still there."""
    if fitted.language != "sql":
        return None
    named = row.values.get("database") or (fitted.databases[0] if len(fitted.databases) == 1 else None)
    return named if named is not None and (row.values.get("database") or os.path.isfile(named)) else None


def of_rows(rows: Sequence[Row], fitted: Forms) -> str | None:
    """Give the database of rows that name none, as those of a finished run. Raises BadInput where it is not there."""
    if fitted.language != "sql" or not fitted.databases or all(row.values.get("database") for row in rows):
        return None
    if len(fitted.databases) > 1 or not os.path.isfile(fitted.databases[0]):
        what = f"forms were run on {', '.join(fitted.databases[:3])}: without it they cannot be scored again"
        raise BadInput("database", Problem(what, fix="bring the file back to that place"))
    return fitted.databases[0]
