"""Further databases with the same schema and other contents, so that a wrong query is not right by luck.

The idea is the test suite of Zhong et al. 2020 (arXiv:2010.02840); how contents are changed is ours, and is chosen so
that two queries which mean the same still agree. Every value is replaced by a one-to-one map that belongs to its
domain (`contents.domains`): joins, keys, duplicates and what depends on what are as before. Rows are left out with
all that mention them. What changes is who is the largest, how many there are, and what belongs to whom.
"""

from __future__ import annotations

import os
import random
import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from nlptl import archives, seeds
from nlptl.errors import BadInput, Problem
from nlptl.execution import contents, rows
from nlptl.execution.contents import Column, Contents, Table, quoted
from nlptl.execution.outcomes import Row, Value
from nlptl.execution.pool import identify

VERSION = 1
"""Of this generator; another one makes other databases, and results are not comparable."""
COUNT = 5
"""How many further databases a score uses."""
SEED = 0
JITTER = 0.08
"""How far a number moves, relative to itself; half of them move, so that numbers in queries still occur."""
STILL = 20
"""Whole numbers up to this, counts and codes, do not move; they only change places."""

Maps = dict[Column, dict[Value, Value]]


def perturbed(database: Path, number: int, seed: int = SEED) -> Path:
    """Give the `number`-th further database of a SQLite file, made once and kept in nlptl's cache.

    Even numbers give names to others: what was said of Texas is now said of Iowa, in all tables alike. Odd ones leave
    names that tie tables together where they are, so that a query with two names still finds something; every other
    one of these (`_gentle`) leaves rows and the order of numbers about as they are, for a query with a name and a
    number. Raises BadInput for a database that cannot be used.
    """
    identify(database)
    sha256 = archives.sha256_of(database)
    place = archives.cache_folder() / "perturbed" / sha256 / f"v{VERSION}-{seed}-{number}.sqlite"
    if not place.is_file():
        try:
            _write(_changed(contents.read(database), number, seed, sha256), place)
        except (sqlite3.Error, OSError, UnicodeError) as error:
            what = f"no database with other contents can be made of it ({error})"
            raise BadInput(f"database {database}", Problem(what, fix=f"is {place.parent} writable?")) from error
    return place


def _changed(found: Contents, number: int, seed: int, sha256: str) -> tuple[Contents, dict[str, list[Row]]]:
    """Give the changed contents, and by table the rows that may be added where no rule of the schema forbids it."""
    group = contents.domains(found)
    if not _gentle(number):
        found = rows.leave_out(found, group, seeds.stream(seed, "perturb rows", sha256, number))
    maps = _maps(found, group, number, seeds.stream(seed, "perturb values", sha256, number))
    tables = tuple(
        Table(table.name, table.columns, tuple(_mapped(table, row, maps) for row in table.rows), table.points)
        for table in found.tables
    )
    rng = seeds.stream(seed, "perturb more", sha256, number)
    return Contents(tables, found.making, found.finishing), {
        table.name: rows.more(table, group, rng) for table in tables
    }


def _gentle(number: int) -> bool:
    return number % 4 == 3


def _mapped(table: Table, row: Row, maps: Maps) -> Row:
    return tuple(maps[table.name, name].get(value, value) for name, value in zip(table.columns, row, strict=True))


def _maps(found: Contents, group: dict[Column, int], number: int, rng: random.Random) -> Maps:
    """Draw one map per domain: values change places with those of the same kind that occur in the same columns.

    So each column keeps its different values, and what a query names is still there; numbers that several things share
    change places among themselves, so that the largest is not tied if it was not. Numbers of a column by itself
    move a little besides, unless they name the rows. What stays says `perturbed`.
    """
    values = found.values()
    tables = {table.name: table for table in found.tables}
    naming = {(table.name, name) for table in found.tables for name in contents.unique(table)}
    members: dict[int, list[Column]] = defaultdict(list)
    for column, domain in group.items():
        members[domain].append(column)
    maps: Maps = {}
    for columns in members.values():
        alone = len(columns) == 1
        tied = contents.tied(tables[columns[0][0]], columns[0][1]) if alone else set()
        drawn: dict[Value, Value] = {}
        if number % 2 == 0 or alone:
            drawn = _permuted(columns, values, tied, rng)
        if _gentle(number):
            drawn = {value: value if isinstance(value, int | float) else new for value, new in drawn.items()}
        # Whole numbers that differ in every row and count up name the rows: they may change places, but not move.
        if alone and not (columns[0] in naming and _counts_up(values[columns[0]])):
            drawn = _moved(drawn, tied, rng)
        maps.update(dict.fromkeys(columns, drawn))
    return maps


def _permuted(
    columns: list[Column], values: dict[Column, set[Value]], tied: set[Value], rng: random.Random
) -> dict[Value, Value]:
    kin: dict[tuple[object, ...], list[Value]] = defaultdict(list)
    for value in sorted(set().union(*(values[column] for column in columns)), key=_order):
        kin[type(value), value in tied, *(value in values[column] for column in columns)].append(value)
    drawn: dict[Value, Value] = {}
    for alike in kin.values():
        drawn.update(zip(alike, rng.sample(alike, len(alike)), strict=True))
    return drawn


def _order(value: Value) -> tuple[str, str]:
    return type(value).__name__, repr(value)


def _moved(drawn: dict[Value, Value], tied: set[Value], rng: random.Random) -> dict[Value, Value]:
    """Move half of the numbers by up to 8 percent; one that would meet another stays, and so do those of several."""
    taken = set(drawn.values())
    for value, new in drawn.items():
        small = isinstance(new, int) and abs(new) <= STILL
        if not isinstance(new, int | float) or small or value in tied or rng.random() < 0.5:
            continue
        scaled = new * (1 + rng.uniform(-JITTER, JITTER))
        moved = round(scaled) if isinstance(new, int) else float(f"{scaled:.6g}")
        if moved not in taken and abs(moved) < 1 << 62:
            taken.add(moved)
            drawn[value] = moved
    return drawn


def _counts_up(values: Iterable[Value]) -> bool:
    """Say whether values are whole numbers without large gaps, as numbers of rows are."""
    whole = [value for value in values if isinstance(value, int)]
    return bool(whole) and max(whole) - min(whole) < 3 * len(whole)


def _write(changed: tuple[Contents, dict[str, list[Row]]], place: Path) -> None:
    """Make the file beside its place and put it there when it is whole."""
    made, added = changed
    temporary = place.with_name(f".tmp-{uuid.uuid4().hex}")
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            for line in ("journal_mode=OFF", "synchronous=OFF", "ignore_check_constraints=1", "foreign_keys=0"):
                connection.execute(f"PRAGMA {line}").fetchall()
            connection.execute("BEGIN")
            connection.set_authorizer(_only_make)
            for sql in made.making:
                connection.execute(sql)
            for table in made.tables:
                _insert(connection, table, table.rows, "INSERT")
                _insert(connection, table, added[table.name], "INSERT OR IGNORE")
            for sql in made.finishing:
                connection.execute(sql)
            connection.set_authorizer(None)
            connection.execute("COMMIT")
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.replace(place)  # two processes at once make the same bytes
    finally:
        with suppress(OSError):
            temporary.unlink()


def _only_make(action: int, *_: str | None) -> int:
    """Let a schema that others wrote make its tables, and nothing that reaches beyond the file or computes."""
    far = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_CREATE_VTABLE, sqlite3.SQLITE_SELECT)
    return sqlite3.SQLITE_DENY if action in far else sqlite3.SQLITE_OK


def _insert(connection: sqlite3.Connection, table: Table, found: Iterable[Row], verb: str) -> None:
    names = ", ".join(map(quoted, table.columns))
    marks = ", ".join("?" for _ in table.columns)
    connection.executemany(f"{verb} INTO {quoted(table.name)} ({names}) VALUES ({marks})", found)
