"""The tables and columns of a database, as far as a query can name them without quotation marks."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nlptl.errors import BadInput

AGGREGATES = frozenset({"avg", "count", "max", "min", "sum"})
FUNCTIONS = frozenset({"abs", "lower", "round", "upper"})
KEYWORDS = frozenset({
    "all", "and", "as", "asc", "between", "by", "desc", "distinct", "except", "exists", "from", "group",
    "having", "in", "inner", "intersect", "is", "join", "left", "like", "limit", "not", "null", "on", "or",
    "order", "outer", "select", "union", "where",
})  # fmt: skip
"""What the grammar of SQL has, less functions."""
_MORE = frozenset({
    "case", "cast", "collate", "create", "cross", "default", "delete", "drop", "else", "end", "escape",
    "full", "glob", "if", "index", "insert", "into", "isnull", "natural", "notnull", "offset", "primary",
    "references", "right", "set", "table", "then", "to", "transaction", "unique", "update", "using", "values",
    "when", "with", "alter", "check", "commit", "constraint", "foreign", "add", "deferrable", "autoincrement",
    "returning", "nothing",
})  # fmt: skip
RESERVED = KEYWORDS | AGGREGATES | FUNCTIONS | _MORE
"""Words that cannot be names: the grammar's own, and SQLite's that its parser does not also take as names.

Source: sqlite.org/lang_keywords.html.
"""
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True)
class Schema:
    """What a database has: lower-case table names -> lower-case column names; names that need marks are left out."""

    tables: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...] = ()
    """Names that SQL cannot write without quotation marks, as `table` or `table.column`."""

    @property
    def columns(self) -> frozenset[str]:
        """All columns of all tables."""
        return frozenset(column for columns in self.tables.values() for column in columns)


def is_plain(name: str) -> bool:
    """Say whether SQL can write this name without quotation marks."""
    return bool(_PLAIN.fullmatch(name)) and name.lower() not in RESERVED


def schema(tables: Mapping[str, tuple[str, ...] | list[str]]) -> Schema:
    """Make a schema of names as they are written; names are compared in lower case, as SQLite does."""
    left_out = [name for name in tables if not is_plain(name)]
    left_out += [f"{name}.{column}" for name in tables for column in tables[name] if not is_plain(column)]
    kept = {
        name.lower(): tuple(column.lower() for column in columns if is_plain(column))
        for name, columns in tables.items()
        if is_plain(name)
    }
    return Schema({name: columns for name, columns in kept.items() if columns}, tuple(left_out))


def schema_of(database: Path) -> Schema:
    """Read the tables, views and columns of an SQLite file, without writing to it. Raises BadInput."""
    if not database.is_file():
        raise BadInput(str(database), "there is no such database file")
    try:
        connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            found = _read(connection)
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise BadInput(str(database), f"cannot be read as an SQLite database ({error})") from error
    if not found.tables:
        raise BadInput(str(database), "the database has no table that a query could name")
    return found


def _read(connection: sqlite3.Connection) -> Schema:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
        " AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name"
    ).fetchall()
    tables = {}
    for (name,) in names:
        quoted = '"' + name.replace('"', '""') + '"'
        tables[name] = [row[1] for row in connection.execute(f"PRAGMA table_info({quoted})")]
    return schema(tables)
