"""Hostile SQL does no harm (T14): the file keeps its bytes, nothing appears beside it, 2.2 seconds are the end."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from nlptl import execution

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a database of two tables, alone in its folder."""
    place = tmp_path_factory.mktemp("victim") / "d.sqlite"
    connection = sqlite3.connect(place)
    connection.executescript("CREATE TABLE t (a int, b text); CREATE TABLE u (a int, c real); CREATE INDEX i ON t (a);")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(i, f"name {i}") for i in range(500)])
    connection.executemany("INSERT INTO u VALUES (?, ?)", [(i, i / 7) for i in range(500)])
    connection.commit()
    connection.close()
    return place


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    execution.close()


ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"
ONE_STEP = "SELECT instr(printf('%0900000d', 1), printf('%0450000d', 1) || 'x')"
"""One step of SQLite's machine that compares 4e11 bytes: no progress handler is called, only the kill ends it."""
MEGA = "hex(hex(hex(hex(hex(hex(hex(hex(hex('abcdefghij'))))))))) "
DOUBLED = (
    "WITH x0 AS (SELECT 1 AS a), "
    + ", ".join(f"x{n} AS (SELECT p.a FROM x{n - 1} p, x{n - 1} q)" for n in range(1, 40))
    + " SELECT count(*) FROM x39"
)
"""Each name stands for two of the one before: 2^39 of the first."""
WIDE = f'WITH w AS (SELECT 1 AS "{"n" * 90_000}") SELECT * FROM {", ".join(f"w w{n}" for n in range(60))}'
HOSTILE = [
    ("DROP TABLE t", {"refused"}),
    ("DELETE FROM t", {"refused"}),
    ("UPDATE t SET a = 0", {"refused"}),
    ("INSERT INTO t VALUES (1, 'x')", {"refused"}),
    ("REPLACE INTO t VALUES (1, 'x')", {"refused"}),
    ("ATTACH DATABASE '{new}' AS other", {"refused"}),
    ("DETACH DATABASE main", {"refused"}),
    ("PRAGMA journal_mode = WAL", {"refused"}),
    ("SELECT * FROM pragma_journal_mode('WAL')", {"refused"}),
    ("VACUUM INTO '{new}'", {"refused"}),
    ("VACUUM", {"refused"}),
    ("SELECT 1; DROP TABLE t", {"refused"}),
    ("SELECT 1 /* ; */ -- ;\n; DELETE FROM t --", {"refused"}),
    ("/* SELECT */ -- SELECT\n DROP TABLE t", {"refused"}),
    ("WITH x AS (SELECT 1) DELETE FROM t", {"refused"}),
    ("WITH x AS (SELECT 1) INSERT INTO t SELECT 1, 'x'", {"refused"}),
    ("SELECT load_extension('{new}')", {"refused"}),
    ("SELECT writefile('{new}', 'x')", {"error", "refused"}),
    ("SELECT readfile('/etc/passwd')", {"error", "refused"}),
    ("SELECT fts3_tokenizer('x', x'00')", {"error", "refused"}),
    ("CREATE VIRTUAL TABLE v USING fts5(x)", {"refused"}),
    ("CREATE TEMP TABLE v AS SELECT * FROM t", {"refused"}),
    ("EXPLAIN SELECT 1", {"refused"}),
    ("BEGIN EXCLUSIVE", {"refused"}),
    ("SAVEPOINT s", {"refused"}),
    ("REINDEX", {"refused"}),
    ("ANALYZE", {"refused"}),
    ("ALTER TABLE t RENAME TO v", {"refused"}),
    ("SELECT randomblob(1000000000)", {"refused"}),
    ("SELECT zeroblob(1000000000)", {"refused"}),
    ("SELECT * FROM generate_series(1, 1e12)", {"error", "refused"}),
    ("SELECT * FROM json_each('[' || replace(hex(printf('%90000d', 1)), '20', '1,') || '1]')", {"refused"}),
    (f"{ENDLESS} SELECT count(*) FROM r", {"timeout"}),
    (f"{ENDLESS} SELECT n FROM r", {"too_large"}),
    (f"{ENDLESS} SELECT n FROM r ORDER BY n DESC", {"timeout", "too_large"}),
    (f"{ENDLESS} SELECT group_concat(n) FROM r", {"timeout", "too_large"}),
    (f"{ENDLESS} SELECT json_group_array(n) FROM r", {"timeout", "too_large"}),
    ("SELECT count(*) FROM t a, t b, t c, t d WHERE a.a + b.a + c.a + d.a = -1", {"timeout"}),
    ("SELECT * FROM t a, t b", {"too_large"}),
    ("SELECT DISTINCT a.b || b.b || c.b FROM t a, t b, t c ORDER BY 1", {"timeout", "too_large"}),
    ("SELECT length(group_concat(a.b || b.b || c.b)) FROM t a, t b, t c", {"timeout", "too_large"}),
    ("SELECT printf('%1000000000d', 1)", {"rows", "too_large"}),
    ("SELECT sum(length(printf('%.*c', 900000, 'x'))) FROM t a, t b, t c", {"timeout", "too_large"}),
    (f"SELECT length(replace({MEGA}, '3', {MEGA}))", {"rows", "too_large"}),
    (f"SELECT length({MEGA} || {MEGA} || {MEGA}) FROM t a, t b, t c WHERE a.a < 0", {"rows", "too_large", "timeout"}),
    ("SELECT printf('%0900000d', 1) LIKE '" + "%0" * 499 + "%x'", {"rows", "timeout"}),
    ("SELECT printf('%0900000d', 1) GLOB '" + "*0" * 499 + "*x'", {"rows", "timeout"}),
    (ONE_STEP, {"timeout"}),
    ("SELECT " + "(" * 5000 + "1" + ")" * 5000, {"error"}),
    ("SELECT 1" + " + 1" * 20_000, {"error"}),
    ("SELECT 1 WHERE 1 IN (" + "1," * 45_000 + "1)", {"rows", "error", "too_large"}),
    (" UNION ".join(["SELECT 1"] * 5000), {"error"}),
    ("SELECT '" + "x" * 3_000_000 + "'", {"too_large"}),
    ("SELECT " + "9" * 5000, {"rows", "error"}),
    (DOUBLED, {"timeout", "too_large", "error"}),
    ("SELECT count(*) FROM " + ", ".join(f"t x{n}" for n in range(63)), {"timeout"}),
    ("SELECT count(*) FROM " + ", ".join(f"t x{n}" for n in range(200)), {"error"}),
    (WIDE, {"too_large", "rows", "error"}),
    ("SELECT 1\0; DROP TABLE t", {"error"}),
    ("SELECT '\ud800'", {"error"}),
    ("SELECT '\ufffe\U0010ffff\u202e'", {"rows"}),
    ("SELECT json_extract('" + "[" * 3000 + "]" * 3000 + "', '$[0]')", {"rows", "error"}),
    ("SELECT abs(-9223372036854775808)", {"error"}),
    ("SELECT * FROM sqlite_master WHERE sql LIKE '%t%'", {"rows"}),
    ("SELECT * FROM dbstat", {"error", "refused"}),
    ("SELECT * FROM sqlite_dbpage", {"error", "refused"}),
]  # fmt: skip


def state(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


NUMBERS = itertools.count()


def harmless(database: Path, sql: str, known: set[str]) -> execution.Outcome:
    """Run a query and look whether anything but an outcome came of it."""
    own = psutil.Process()
    execution.run(database, f"SELECT {next(NUMBERS)}")  # starts the process if the last query ended it
    before, memory, start = state(database.parent), own.memory_info().rss, time.monotonic()
    outcome = execution.run(database, sql)
    took = time.monotonic() - start
    assert outcome.status in known, outcome
    assert took <= 2.2, f"{took:.2f} s"
    assert own.memory_info().rss - memory < 50e6
    assert state(database.parent) == before
    return outcome


def name_of(sql: str) -> str:
    return ascii(sql)[1:50]


def quick(known: set[str]) -> bool:
    return "timeout" not in known


@pytest.mark.parametrize(
    ("sql", "known"), [case for case in HOSTILE if quick(case[1])], ids=[name_of(s) for s, k in HOSTILE if quick(k)]
)
def test_it_is_refused_or_ends_at_once(database: Path, sql: str, known: set[str]) -> None:
    new = database.parent / "new.sqlite"
    outcome = harmless(database, sql.replace("{new}", str(new)), known)
    assert outcome.seconds < 1


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param(sql, marks=() if place % 4 == 0 else pytest.mark.soak, id=name_of(sql))
        for place, (sql, known) in enumerate(case for case in HOSTILE if not quick(case[1]))
    ],
)
def test_it_is_stopped_in_time(database: Path, sql: str) -> None:
    harmless(database, sql, dict(HOSTILE)[sql])
    assert execution.run(database, "SELECT count(*) FROM t").rows == ((500,),)


def test_a_timeout_by_the_kill_is_followed_by_a_fresh_worker(database: Path) -> None:
    pool = execution.Pool()
    try:
        assert pool.run(database, "SELECT count(*) FROM u").rows == ((500,),)
        (first,) = pool.processes()
        start = time.monotonic()
        outcome = pool.run(database, ONE_STEP, seconds=0.3)
        assert (outcome.status, outcome.message) == ("timeout", "killed after 0.3 seconds")
        assert time.monotonic() - start < 0.6
        assert pool.processes() == []
        assert pool.run(database, "SELECT sum(a) FROM u").rows == ((124750,),)
        assert first not in pool.processes()
    finally:
        pool.close()


def test_a_worker_that_somebody_kills_is_replaced(database: Path) -> None:
    pool = execution.Pool()
    try:
        for number in range(3):
            assert pool.run(database, f"SELECT {number}").rows == ((number,),)
            os.kill(pool.processes()[0], signal.SIGKILL)
    finally:
        pool.close()


def test_no_process_stays_after_closing(database: Path) -> None:
    pool = execution.Pool()
    pool.run(database, "SELECT 1")
    (number,) = pool.processes()
    pool.close()
    assert not psutil.pid_exists(number)


def alive(process: psutil.Process) -> bool:
    """Say whether a process runs; one that only waits for somebody to read its end does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("sql", ["SELECT 1", ONE_STEP], ids=["idle", "busy"])
def test_a_killed_parent_leaves_no_child(database: Path, sql: str) -> None:
    code = (
        "import sys, threading, time; from pathlib import Path; from nlptl import execution\n"
        "pool = execution.Pool(); pool.run(Path(sys.argv[1]), 'SELECT 2'); print(pool.processes()[0], flush=True)\n"
        "threading.Thread(target=pool.run, args=(Path(sys.argv[1]), sys.argv[2])).start(); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, database, sql], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout is not None
    with parent.stdout:
        child = psutil.Process(int(parent.stdout.readline()))
    time.sleep(0.3)
    parent.kill()
    parent.wait()
    limit = time.monotonic() + 4
    while alive(child) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not alive(child)


def test_the_end_of_the_program_ends_its_workers(database: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from nlptl import execution; from nlptl.execution import pool\n"
        "execution.run(Path(sys.argv[1]), 'SELECT 2'); print(pool._POOL.processes()[0])"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(database)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stderr == ""
    assert not psutil.pid_exists(int(done.stdout))


def test_a_forked_process_has_workers_of_its_own(database: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from nlptl import execution; from nlptl.execution import pool\n"
        "db = Path(sys.argv[1]); execution.run(db, 'SELECT 2'); (mine,) = pool._POOL.processes()\n"
        "pool._POOL._lock.acquire()  # as another thread may just now\n"
        "if (child := os.fork()) == 0:\n"
        "    assert execution.run(db, 'SELECT 3').rows == ((3,),); assert pool._POOL.processes() != [mine]\n"
        "    execution.close(); os._exit(7)\n"
        "pool._POOL._lock.release(); assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7\n"
        "assert execution.run(db, 'SELECT 4').rows == ((4,),); assert pool._POOL.processes() == [mine]"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(database)], cwd=ROOT, check=True, timeout=30)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_can_do_little(database: Path) -> None:
    os.environ["NLPTL_CANARY"] = "1"
    pool = execution.Pool()
    try:
        pool.run(database, "SELECT 1")
        process = psutil.Process(pool.processes()[0])
        assert process.environ() == {}
        limits = {
            name: process.rlimit(getattr(psutil, f"RLIMIT_{name}"))[1] for name in ("FSIZE", "NPROC", "AS", "CORE")
        }
        assert limits == {"FSIZE": 0, "NPROC": 0, "AS": 1 << 29, "CORE": 0}
        assert process.rlimit(psutil.RLIMIT_NOFILE)[1] == process.num_fds()
        assert os.getsid(process.pid) == process.pid
        with open(f"/proc/{process.pid}/fdinfo/3") as file:
            flags = next(line.split()[1] for line in file if line.startswith("flags"))
        assert int(flags, 8) & os.O_ACCMODE == os.O_RDONLY
    finally:
        pool.close()
        del os.environ["NLPTL_CANARY"]


SANE = ["t.a", "t.b", "u.a", "u.c", "1", "-1", "'x'", "NULL", "9e999", "x'00'", '"t"."b"', "''", "1e308", "7"]
ODD = ["*", ";", "--", "/*", "'", "r.n", "?", ")", "\0", "random()", "load_extension('x')", "zeroblob(1000000000)"]
JOINED = ["+", "||", "*", "/", "%", "<<", "AND", "LIKE", "IS", "=", ">", "GLOB", "OR NOT"]
CALLED = ["max({0}, {1})", "printf('%{0}d', {1})", "replace({0}, {1}, {0})", "hex({0} || {1})", "coalesce({0}, {1})"]


def grown(rng: random.Random, depth: int = 0) -> str:
    """Give a value's expression from a small grammar, sane and now and then insane."""
    if depth > 3 or rng.random() < 0.3:
        return rng.choice(ODD if rng.random() < 0.01 else SANE)
    one, two = grown(rng, depth + 1), grown(rng, depth + 1)
    return rng.choice(
        [
            f"({one} {rng.choice(JOINED)} {two})",
            rng.choice(CALLED).format(one, two),
            f"(SELECT {one} FROM {rng.choice(['t', 'u', 't y', 't x, u y', 'sqlite_master'])} WHERE {two})",
            f"CASE WHEN {one} THEN {two} END",
            f"CAST({one} AS {rng.choice(['INT', 'BLOB', 'TEXT'])})",
            f"({one} IN (SELECT {two} FROM u x))",
        ]
    )


def statement(rng: random.Random) -> str:
    """Give a statement from a small grammar: mostly SELECT, some broken, some hostile."""
    start = rng.choice(
        ["SELECT", "SELECT DISTINCT", f"{ENDLESS} SELECT", "WITH x AS (SELECT 1) SELECT", "/* ; */ SELECT"]
    )
    tables = rng.choice(
        ["t, u", "t JOIN u ON t.a = u.a", "t, u, t x, u y", "t NATURAL JOIN u", "t LEFT JOIN u", "u, t, r"]
    )
    query = f"{start} {grown(rng)}, {grown(rng)} FROM {tables}"
    if rng.random() < 0.5:
        query += f" WHERE {grown(rng)}"
    if rng.random() < 0.3:
        query += f" GROUP BY {grown(rng)} HAVING {grown(rng)}"
    if rng.random() < 0.3:
        query += f" ORDER BY {grown(rng)} LIMIT {rng.choice(['1', '7', '-1', '1e99', grown(rng)])}"
    if rng.random() < 0.1:
        query += rng.choice(["; DROP TABLE t", " UNION ALL " + query, "\0", ";;", " FOR UPDATE", "; VACUUM INTO 'x'"])
    if rng.random() < 0.1:
        query = (
            rng.choice(["DELETE FROM t WHERE ", "CREATE TABLE z AS ", "INSERT INTO t ", "PRAGMA x = ", "ATTACH "])
            + query
        )
    return query


ALL = {"rows", "refused", "error", "timeout", "too_large", "empty_query"}


def test_generated_queries_do_no_harm(database: Path) -> None:
    rng = random.Random(0)
    for sql in [statement(rng) for _ in range(40)]:
        before = state(database.parent)
        outcome = execution.run(database, sql, seconds=0.1)
        assert outcome.status in ALL
        assert state(database.parent) == before


@pytest.mark.soak
def test_500_generated_queries_do_no_harm(database: Path) -> None:
    rng = random.Random(1)
    seen = Counter(harmless(database, statement(rng), ALL).status for _ in range(500))
    assert min(seen[status] for status in ("rows", "refused", "error", "timeout", "too_large")) >= 5
