"""The tables of a SQLite file as lists, and which of their columns hold the same things."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from urllib.parse import quote_from_bytes

from nlptl.execution.outcomes import Row, Value

Column = tuple[str, str]
"""A table's name and a column's."""
SHARED = 0.5
"""Two columns of text are one domain when the smaller shares this much of its values with the larger."""
SHARED_NUMBERS = 0.9
"""The same for whole numbers, which meet by chance more easily."""


@dataclass(frozen=True)
class Table:
    """One table: its rows, in the order of the file, and where it points to."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    points: tuple[tuple[str, Column], ...]
    """Declared foreign keys: own column, and the column that it points to."""

    def values(self, column: str) -> list[Value]:
        """Give a column's values that are not NULL."""
        place = self.columns.index(column)
        return [row[place] for row in self.rows if row[place] is not None]


@dataclass(frozen=True)
class Contents:
    """A whole database: its tables, and the statements that make its schema (tables first)."""

    tables: tuple[Table, ...]
    making: tuple[str, ...]
    finishing: tuple[str, ...]
    """Statements of views and triggers, which must not act while rows are put in."""

    def values(self) -> dict[Column, set[Value]]:
        """Give each column's different values."""
        return {(table.name, name): set(table.values(name)) for table in self.tables for name in table.columns}


def read(database: Path) -> Contents:
    """Read all ordinary tables of a SQLite file; virtual ones are left out. Nothing of it is executed but SELECT."""
    uri = f"file:{quote_from_bytes(bytes(database.absolute()))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        connection.text_factory = lambda value: value.decode("utf-8", "surrogateescape")
        schema = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        ).fetchall()
        virtual = {name for kind, name, sql in schema if kind == "table" and sql.upper().startswith("CREATE VIRTUAL")}
        names = [name for kind, name, _ in schema if kind == "table" and name not in virtual]
        tables = tuple(_table(connection, name) for name in names)
    making = [sql for kind, name, sql in schema if kind == "table" and name not in virtual]
    making += [sql for kind, _, sql in schema if kind == "index"]
    return Contents(tables, tuple(making), tuple(sql for kind, _, sql in schema if kind in ("view", "trigger")))


def quoted(name: str) -> str:
    """Give a table's or column's name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def _table(connection: sqlite3.Connection, name: str) -> Table:
    # hidden: 1 of a virtual table, 2 and 3 computed from others; none of them can be written.
    info = connection.execute(f"PRAGMA table_xinfo({quoted(name)})").fetchall()
    columns = tuple(str(column[1]) for column in info if not column[6])
    rows = connection.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(name)}").fetchall()
    keys = connection.execute(f"PRAGMA foreign_key_list({quoted(name)})").fetchall()
    points = tuple((str(key[3]), (str(key[2]), str(key[4] or key[3]))) for key in keys)
    return Table(name, columns, tuple(rows), points)


def domains(contents: Contents) -> dict[Column, int]:
    """Number the sets of columns that hold the same things, so that a value is the same thing wherever it stands.

    One domain are columns of text with one name that have a value in common, columns that share most of their values,
    and columns that a foreign key ties together.
    """
    values = contents.values()
    kinds = {column: _kind(found) for column, found in values.items()}
    group = {column: number for number, column in enumerate(values)}
    tied = {frozenset(pair) for pair in _keys(contents, values)}
    for one, two in combinations(values, 2):
        near = kinds[one] is not None and kinds[one] is kinds[two] and _alike(one, two, values, kinds[one] is str)
        if group[one] != group[two] and (near or frozenset((one, two)) in tied):
            old, new = group[two], group[one]
            group = {column: new if number == old else number for column, number in group.items()}
    return group


def _kind(values: set[Value]) -> type | None:
    """Give the one type of all values, if it is text or whole numbers: what names things."""
    kinds = set(map(type, values))
    return kinds.pop() if len(kinds) == 1 and kinds <= {str, int} else None


def _keys(contents: Contents, values: Mapping[Column, set[Value]]) -> list[tuple[Column, Column]]:
    """Give the foreign keys in the spelling of the tables themselves; SQL does not care about case, we must."""
    spelling = {(table.lower(), column.lower()): (table, column) for table, column in values}
    found = []
    for table in contents.tables:
        for own, (other, column) in table.points:
            ends = [spelling.get((name.lower(), part.lower())) for name, part in ((table.name, own), (other, column))]
            if ends[0] is not None and ends[1] is not None:
                found.append((ends[0], ends[1]))
    return found


def _alike(one: Column, two: Column, values: Mapping[Column, set[Value]], text: bool) -> bool:
    first, second = values[one], values[two]
    common, least = len(first & second), min(len(first), len(second))
    if text:
        return common > 0 and (one[1].lower() == two[1].lower() or (least > 1 and common >= SHARED * least))
    return least > 2 and common >= SHARED_NUMBERS * least


def unique(table: Table) -> list[str]:
    """Name the columns whose values are all there and all different, so that one names the row."""
    return [name for name in table.columns if table.rows and len(set(table.values(name))) == len(table.rows)]


def tied(table: Table, column: str) -> set[Value]:
    """Give the numbers of a column that several things share: no text of the table is the same in all their rows.

    A river's length stands in a row for each state it runs through; it is one thing's number all the same. A text that
    is the same in all rows of the table names nothing.
    """
    place = table.columns.index(column)
    texts = [table.columns.index(name) for name in table.columns if name != column and _names(table.values(name))]
    seen: dict[Value, tuple[int, list[set[Value]]]] = {}
    for row in table.rows:
        if isinstance(row[place], int | float):
            count, others = seen.get(row[place]) or (0, [set[Value]() for _ in texts])
            for known, text in zip(others, texts, strict=True):
                known.add(row[text])
            seen[row[place]] = (count + 1, others)
    return {value for value, (count, others) in seen.items() if count > 1 and all(len(known) > 1 for known in others)}


def _names(values: list[Value]) -> bool:
    return len(set(values)) > 1 and _kind(set(values)) is str
