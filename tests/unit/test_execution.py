"""Queries are read, run and remembered; what cannot be a database is refused with its first bytes."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nlptl import execution
from nlptl.errors import BadInput
from nlptl.execution import pool as pools
from nlptl.execution import statement


def make(place: Path, *lines: str) -> Path:
    with closing(sqlite3.connect(place)) as connection:
        connection.executescript(";".join(lines))
    return place


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make(
        tmp_path / "d.sqlite",
        "CREATE TABLE town (name TEXT, people INT, size REAL, flag BLOB)",
        "INSERT INTO town VALUES ('Ulm', 3, 1.5, x'00ff'), ('Bonn', 2, NULL, NULL)",
        "INSERT INTO town VALUES ('O''Neill', 9007199254740993, 9e999, x'')",
    )


@pytest.fixture
def pool() -> Iterator[execution.Pool]:
    made = execution.Pool()
    yield made
    made.close()


def test_values_come_back_as_sqlite_has_them(database: Path, pool: execution.Pool) -> None:
    outcome = pool.run(database, "SELECT * FROM town ORDER BY name")
    assert outcome.rows == (
        ("Bonn", 2, None, None),
        ("O'Neill", 2**53 + 1, float("inf"), b""),
        ("Ulm", 3, 1.5, b"\x00\xff"),
    )
    assert outcome.columns == ("name", "people", "size", "flag")
    assert outcome.ordered
    assert outcome.status == "rows"


def test_a_text_that_is_no_utf8_is_kept(tmp_path: Path, pool: execution.Pool) -> None:
    place = make(tmp_path / "d.sqlite", "CREATE TABLE t (a TEXT)", "INSERT INTO t VALUES (CAST(x'ff41' AS TEXT))")
    assert pool.run(place, "SELECT a FROM t").rows == (("\udcffA",),)


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        ("", "empty_query"),
        (" \n;; -- nothing\n/* at all */ ;", "empty_query"),
        ("SELECT name FROM town;", "rows"),
        ("\ufeffselect name FROM town ; -- and no more", "rows"),
        ("WITH t AS (SELECT 1 AS a) SELECT count(*) FROM t", "rows"),
        ("SELECT name FROM town WHERE name = 'a; DROP TABLE town'", "rows"),
        ("SELECT name FROM town WHERE name = \"Ulm\"", "rows"),
        ("SELECT name FROM town; SELECT 1", "refused"),
        ("EXPLAIN SELECT 1", "refused"),
        ("VALUES (1)", "refused"),
        ("drop table town", "refused"),
        ("WITH t AS (SELECT 1) DELETE FROM town", "refused"),
        ("SELECT random()", "refused"),
        ("SELECT name FROM pragma_table_info('town')", "refused"),
        ("SELECT mayor FROM town", "error"),
        ("SELECT FROM town", "error"),
        ("the answer is 42", "error"),
        ("```sql\nSELECT 1\n```", "error"),
        ("SELECT 1\0", "error"),
        ("SELECT '\udcff'", "error"),
        ("SELECT '" + "x" * 200_000 + "'", "too_large"),
    ],
)  # fmt: skip
def test_the_status(database: Path, pool: execution.Pool, sql: str, status: str) -> None:
    assert pool.run(database, sql).status == status


@pytest.mark.parametrize(
    ("sql", "fate"),
    [
        ("SELECT 1", "rows"),
        ("", "empty query"),
        ("SELECT FROM town", "does not parse"),
        ("SELECT (1", "does not parse"),
        ("SELECT 'x", "does not parse"),
        ("the answer is 42", "does not parse"),
        ("```sql\nSELECT 1\n```", "does not parse"),
        ("SELECT 1\0", "does not parse"),
        ("SELECT mayor FROM town", "does not run"),
        ("SELECT 1 FROM nowhere", "does not run"),
        ("SELECT abs(-9223372036854775808)", "does not run"),
        ("SELECT [syntax error] FROM town", "does not run"),
        ("DROP TABLE town", "refused"),
    ],
)
def test_the_fate(database: Path, pool: execution.Pool, sql: str, fate: str) -> None:
    assert execution.fate(pool.run(database, sql)) == fate


@pytest.mark.parametrize(
    ("sql", "ordered"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("SELECT a FROM t order\n/* x */ by a LIMIT 1", True),
        ("WITH t AS (SELECT 1 AS a) SELECT a FROM t ORDER BY a", True),
        ("SELECT a FROM t UNION SELECT b FROM u ORDER BY 1", True),
        ("SELECT a FROM t", False),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a)", False),
        ("SELECT sum(a) OVER (ORDER BY a) FROM t", False),
        ("SELECT 'ORDER BY' FROM t -- ORDER BY a", False),
        ('SELECT a AS "ORDER BY" FROM t', False),
        ("SELECT [order] FROM t GROUP BY a", False),
    ],
)
def test_order_is_seen_at_the_top_only(sql: str, ordered: bool) -> None:
    assert statement.look(sql).ordered is ordered


def test_a_query_is_run_once(database: Path, pool: execution.Pool) -> None:
    first = pool.run(database, "SELECT name FROM town")
    assert pool.run(database, "SELECT name FROM town") is first
    assert len(pool.processes()) == 1


def test_what_is_kept_is_bounded(database: Path, pool: execution.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "KEPT", 16 * 700)
    outcomes = [pool.run(database, f"SELECT {number}") for number in range(100)]
    assert pool._kept <= 16 * 700
    assert pool.run(database, "SELECT 99") is outcomes[99]
    assert pool.run(database, "SELECT 0") is not outcomes[0]


def test_a_changed_file_is_opened_anew(database: Path, pool: execution.Pool) -> None:
    assert pool.run(database, "SELECT count(*) FROM town").rows == ((3,),)
    make(database, "DELETE FROM town WHERE people < 9")
    assert pool.run(database, "SELECT count(*) FROM town").rows == ((1,),)


def test_only_so_many_processes_are_kept(tmp_path: Path, pool: execution.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "WORKERS", 2)
    places = [make(tmp_path / f"{n}.sqlite", "CREATE TABLE t (a)", f"INSERT INTO t VALUES ({n})") for n in range(4)]
    for _ in range(2):
        assert [pool.run(place, "SELECT a FROM t", seconds=1 + _).rows for place in places] == [
            ((n,),) for n in range(4)
        ]
        assert len(pool.processes()) == 2


def test_threads_may_share_a_pool(database: Path, pool: execution.Pool) -> None:
    wrong: list[int] = []

    def work(start: int) -> None:
        for number in range(start, start + 200):
            if pool.run(database, f"SELECT {number}").rows != ((number,),):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 100, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(pool.processes()) == 1


@pytest.mark.parametrize("name", ["a b?c#d%20.sqlite", "ünï\u202e.sqlite", "'\".sqlite", os.fsdecode(b"\xff.sqlite")])
def test_any_name_of_a_file_will_do(tmp_path: Path, pool: execution.Pool, name: str) -> None:
    place = make(tmp_path / "x", "CREATE TABLE t (a)").rename(tmp_path / name)
    assert pool.run(place, "SELECT count(*) FROM t").rows == ((0,),)


def refused(place: Path, pool: execution.Pool) -> str:
    with pytest.raises(BadInput) as caught:
        pool.run(place, "SELECT 1")
    assert str(place) in str(caught.value)
    return str(caught.value)


def test_a_missing_database_names_its_neighbours(database: Path, pool: execution.Pool) -> None:
    assert "databases there: d.sqlite" in refused(database.with_name("e.sqlite"), pool)
    assert "there is no folder" in refused(database.parent / "no" / "e.sqlite", pool)


def test_a_folder_is_no_database(tmp_path: Path, pool: execution.Pool) -> None:
    assert "Is a directory" in refused(tmp_path, pool)


@pytest.mark.parametrize("content", [b"", b"id,text\n1,a\n", b"SQLite format 3\0"])
def test_what_is_no_sqlite_file_shows_its_first_bytes(tmp_path: Path, pool: execution.Pool, content: bytes) -> None:
    place = tmp_path / "d.sqlite"
    place.write_bytes(content)
    assert (repr(content[:16]) if content else "it is empty") in refused(place, pool)


def test_a_damaged_file_is_found(database: Path, pool: execution.Pool) -> None:
    content = database.read_bytes()
    half = database.with_name("half.sqlite")
    half.write_bytes(content[: len(content) // 2])
    assert "SQLite cannot read it" in refused(half, pool)
    zeroed = database.with_name("zeroed.sqlite")
    zeroed.write_bytes(content[:4096] + b"\0" * (len(content) - 4096))
    assert "SQLite cannot read it" in refused(zeroed, pool)
    assert pool.processes() == []


def test_changes_that_wait_beside_the_file_are_not_overlooked(database: Path, pool: execution.Pool) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("DELETE FROM town")
        connection.commit()
        message = refused(database, pool)
        assert "d.sqlite-wal" in message
        assert "wal_checkpoint" in message
        link = database.with_name("link.sqlite")
        link.symlink_to(database)
        with pytest.raises(BadInput, match=r"d\.sqlite-wal"):
            pool.run(link, "SELECT 1")
    assert pool.run(database, "SELECT count(*) FROM town").rows == ((0,),)  # closing has written them into the file
    database.with_name("d.sqlite-journal").write_bytes(b"x" * 512)
    assert "rollback journal" in refused(database, pool)
