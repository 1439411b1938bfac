"""The world as an SQLite database, written once into nlptl's cache and verified whenever it is used."""

from __future__ import annotations

import functools
import hashlib
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from nlptl import archives
from nlptl.errors import BadInput, Problem
from nlptl.geography.world import world

SCHEMA = """
CREATE TABLE country (name TEXT PRIMARY KEY, capital TEXT, continent TEXT, population INTEGER, area INTEGER);
CREATE TABLE border (country TEXT, neighbour TEXT);
CREATE TABLE river (name TEXT PRIMARY KEY, length INTEGER);
CREATE TABLE flows (river TEXT, country TEXT);
CREATE TABLE speaks (country TEXT, language TEXT);
"""


def script() -> str:
    """Give the SQL that makes the database: the same text everywhere."""
    return SCHEMA + "".join(f"{line}\n" for line in _inserts())


def _inserts() -> Iterator[str]:
    everything = world()
    for each in everything.countries.values():
        yield _insert("country", each.name, each.capital, each.continent, each.people, each.area)
        yield from (_insert("border", each.name, other) for other in each.neighbours)
        yield from (_insert("speaks", each.name, tongue) for tongue in each.languages)
    for river in everything.rivers.values():
        yield _insert("river", river.name, river.length)
        yield from (_insert("flows", river.name, country) for country in river.countries)


def _insert(table: str, *values: str | int) -> str:
    written = [str(each) if isinstance(each, int) else "'" + each.replace("'", "''") + "'" for each in values]
    return f"INSERT INTO {table} VALUES ({', '.join(written)});"


def digest() -> str:
    """Give the sha256 of the script, which names the file."""
    return hashlib.sha256(script().encode()).hexdigest()


def place() -> Path:
    """Give the database's file, made anew where it is absent or not what it should be.

    Its bytes depend on the version of SQLite, its contents do not: these are what is compared. Raises BadInput where
    nlptl's cache cannot be written.
    """
    found = _verified(archives.cache_folder())
    if not found.is_file():  # taken away since
        _verified.cache_clear()
        return _verified(archives.cache_folder())
    return found


@functools.lru_cache(maxsize=8)
def _verified(cache: Path) -> Path:
    path = cache / "made" / f"geography-{digest()[:16]}.sqlite"
    if not path.is_file() or _contents(path) != _expected():
        try:
            _write(path)
        except OSError as error:
            fix = "let $NLPTL_CACHE name a folder that can be written"
            raise BadInput(str(path), Problem(f"cannot be written: {error.strerror}", fix=fix)) from None
    return path


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript(script())
        content = made.serialize()
    temporary = path.with_name(f".tmp-{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


@functools.cache
def _expected() -> tuple[str, ...]:
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript(script())
        return tuple(made.iterdump())


def _contents(path: Path) -> tuple[str, ...]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as found:
            return tuple(found.iterdump())
    except sqlite3.Error:
        return ()
