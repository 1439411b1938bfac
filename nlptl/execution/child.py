"""The process that runs queries on one SQLite file: `python -I -S child.py URI PARENT`. Run by path, never imported.

Frames on stdin and stdout: four bytes of length (big endian), then JSON. First it says `{"ready": true}` or
`{"broken": why}`. A request is `{"sql", "seconds", "rows", "bytes"}`, an answer `{"status", …}`. It cannot write a byte
into any file, open another one, start a process, or go on for long: its own alarm ends it whatever SQLite does, so
none is left behind when the parent dies in the midst of a query. Standard library only, and all of it imported here.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import sqlite3
import struct
import sys
import time
from typing import Any

try:
    import resource
except ImportError:  # a platform without limits: the parent's kill and SQLite's own limits remain
    resource = None  # type: ignore[assignment]

MEMORY = 1 << 29
"""Bytes of address space, Python included; SQLite's own heap gets a quarter of it."""
CHECKED = 1 << 24
"""A database up to this many bytes is checked as a whole at the start."""
WATCH = 5.0
"""Seconds between looks at whether the parent still lives, while there is nothing to do."""

_CALLED = """
avg count group_concat max median min string_agg sum total cume_dist dense_rank first_value lag last_value lead
nth_value ntile percent_rank rank row_number json_group_array json_group_object
char concat concat_ws format glob hex instr length like lower ltrim octet_length printf quote replace rtrim soundex
substr substring trim unhex unicode upper
abs acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow power
radians round sign sin sinh sqrt tan tanh trunc
coalesce if ifnull iif likelihood likely nullif typeof unlikely
current_date current_time current_timestamp date datetime julianday strftime time timediff unixepoch
-> ->> json json_array json_array_length json_error_position json_extract json_object json_quote json_type json_valid
"""
FUNCTIONS = frozenset(_CALLED.split())
"""What a query may call. Left out on purpose: chance (`random`), files (`load_extension`, `readfile`), the library's
own state (`changes`, `sqlite_version`), full-text and R-tree functions."""


def main(uri: str, parent: int) -> None:
    """Open the database, say so, and answer until the parent goes."""
    _limit_process()
    try:
        connection, tables = _open(uri)
    except (sqlite3.Error, MemoryError) as error:
        _send({"broken": str(error) or type(error).__name__})
        return
    guard = Guard(tables)
    guard.watch(connection)
    _close_the_door()
    _send({"ready": True})
    while (request := _receive(parent)) is not None:
        _send(_answer(connection, guard, request))


class Guard:
    """What SQLite asks before and during a query: may it, and must it stop?"""

    def __init__(self, tables: frozenset[str]) -> None:
        self.tables = tables
        self.reason = ""
        self.deadline = math.inf

    def watch(self, connection: sqlite3.Connection) -> None:
        """Set the callbacks; the second is called once in 2,000 steps of SQLite's machine (some 20 microseconds)."""
        connection.set_authorizer(self.allow)
        connection.set_progress_handler(lambda: int(time.monotonic() > self.deadline), 2000)

    def allow(self, action: int, first: str | None, second: str | None, base: str | None, _: str | None) -> int:
        """Allow SELECT, recursion, the columns of this database's own tables, and functions of the list."""
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            # A common table expression of which no column is used is named here too, with no column and no database.
            if (base == "main" or not second) and self._readable(first or "", bool(second)):
                return sqlite3.SQLITE_OK
            self.reason = f"table {first} is not one of the database"
        elif action == sqlite3.SQLITE_FUNCTION:
            if (second or "").lower() in FUNCTIONS:
                return sqlite3.SQLITE_OK
            self.reason = f"function {second} is not allowed"
        else:
            self.reason = self.reason or f"it does more than read the database's own tables (SQLite's action {action})"
        return sqlite3.SQLITE_DENY

    def _readable(self, table: str, column: bool) -> bool:
        if column:
            return table.lower() in self.tables
        return not table.lower().startswith(("pragma_", "dbstat", "sqlite_dbpage", "sqlite_stmt"))


def _limit_process() -> None:
    """Take from this process what it does not need. A limit that the platform lacks or refuses is skipped."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for name, most in {"FSIZE": 0, "CORE": 0, "NPROC": 0, "AS": MEMORY, "DATA": MEMORY, "NOFILE": 16}.items():
        _limit(name, most)


def _limit(name: str, most: int, *, hard: bool = True) -> None:
    number = getattr(resource, f"RLIMIT_{name}", None)
    if resource is None or number is None:
        return
    ceiling = resource.getrlimit(number)[1]
    if ceiling != resource.RLIM_INFINITY:
        most = min(most, ceiling)
    try:
        resource.setrlimit(number, (most, most if hard else ceiling))
    except (ValueError, OSError):  # macOS does not take every limit on memory
        return


def _close_the_door() -> None:
    """Forbid any further open file: every number below the first free one is taken."""
    free = os.dup(0)
    os.close(free)
    _limit("NOFILE", free)


def _open(uri: str) -> tuple[sqlite3.Connection, frozenset[str]]:
    """Open the file as one that cannot change, and give the names of its tables and views in lower case.

    Nothing beside the file is looked for or made (journal, WAL): the parent has seen that there is none.
    """
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, cached_statements=0)
    connection.text_factory = lambda value: value.decode("utf-8", "surrogateescape")
    heap = f"hard_heap_limit={MEMORY // 4}"
    for setting in ("query_only=1", "trusted_schema=0", "temp_store=2", "mmap_size=0", heap):
        connection.execute(f"PRAGMA {setting}").fetchall()
    if (quotes := getattr(sqlite3, "SQLITE_DBCONFIG_DQS_DML", None)) is not None:
        # A text in double quotes, as GeoQuery has them. Before Python 3.12 it is as the library was built: mostly so.
        connection.setconfig(quotes, True)  # type: ignore[attr-defined]
    tables = {str(name).lower() for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
    if pages * int(connection.execute("PRAGMA page_size").fetchone()[0]) <= CHECKED:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(str(found).replace("\n", " "))
    for name, most in LIMITS.items():
        connection.setlimit(getattr(sqlite3, f"SQLITE_LIMIT_{name}"), most)
    return connection, frozenset(tables | {"sqlite_master", "sqlite_schema"})


LIMITS = {
    "LENGTH": 1_000_000, "SQL_LENGTH": 100_000, "EXPR_DEPTH": 500, "COMPOUND_SELECT": 100, "VDBE_OP": 100_000,
    "FUNCTION_ARG": 100, "ATTACHED": 0, "LIKE_PATTERN_LENGTH": 1000, "VARIABLE_NUMBER": 0, "TRIGGER_DEPTH": 1,
    "WORKER_THREADS": 0,
}  # fmt: skip
"""SQLite's own limits, https://sqlite.org/limits.html: no value above 1 MB, so no bomb of printf, hex or replace."""


def _answer(connection: sqlite3.Connection, guard: Guard, request: dict[str, Any]) -> dict[str, Any]:
    """Run one query under its deadline."""
    guard.reason, guard.deadline = "", time.monotonic() + request["seconds"]
    _set_alarm(request["seconds"] + 0.3)
    cursor = connection.cursor()
    try:
        return _rows(cursor.execute(request["sql"]), request["rows"], request["bytes"])
    except MemoryError:
        return {"status": "too_large", "message": "out of the memory that a query may use"}
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        return _failure(error, guard)
    finally:
        cursor.close()
        guard.deadline = math.inf
        _set_alarm(0)


def _set_alarm(seconds: float) -> None:
    """Let the kernel end this process after so long; 0: not. The limit of CPU time says the same in another clock."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    if resource is not None and seconds:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit("CPU", math.ceil(used.ru_utime + used.ru_stime + seconds) + 1, hard=False)


def _rows(cursor: sqlite3.Cursor, most: int, most_bytes: int) -> dict[str, Any]:
    """Give a query's rows as JSON has them, or nothing at all if they are too many."""
    rows: list[list[Any]] = []
    size = 0
    for row in cursor:
        size += 8 + sum(map(_size, row))
        if len(rows) == most or size > most_bytes:
            return {"status": "too_large", "message": f"more than {most:,} rows or {most_bytes:,} bytes"}
        rows.append([_plain(value) for value in row])
    return {"status": "rows", "rows": rows, "columns": [name[:200] for name, *_ in cursor.description or ()]}


def _size(value: Any) -> int:
    """Give about the bytes that a value takes in the parent."""
    if isinstance(value, str):
        return 8 + len(value) * (1 if value.isascii() else 4)
    return 8 + len(value) if isinstance(value, bytes) else 8


def _plain(value: Any) -> Any:
    """Map what JSON lacks: bytes to `{"hex"}`, infinities to `{"float"}`."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def _failure(error: Exception, guard: Guard) -> dict[str, Any]:
    """Name what stopped a query."""
    code = getattr(error, "sqlite_errorcode", None)
    message = str(error)[:300]
    if guard.reason:
        return {"status": "refused", "message": guard.reason}
    if code == sqlite3.SQLITE_INTERRUPT:
        return {"status": "timeout", "message": "stopped at its deadline"}
    if code == sqlite3.SQLITE_TOOBIG:
        return {"status": "too_large", "message": message}
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return {"status": "broken", "message": message}
    if "one statement at a time" in message:
        return {"status": "refused", "message": "several statements; one SELECT is allowed"}
    return {"status": "error", "message": message}


def _receive(parent: int) -> dict[str, Any] | None:
    """Give the next request, or None when the parent has closed the pipe or is gone."""
    while not select.select([0], [], [], WATCH)[0]:
        if os.getppid() != parent:
            return None
    head = _read(4)
    if head is None:
        return None
    body = _read(struct.unpack(">I", head)[0])
    found: dict[str, Any] | None = None if body is None else json.loads(body)
    return found


def _read(count: int) -> bytes | None:
    parts: list[bytes] = []
    while count:
        part = os.read(0, count)
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _send(answer: dict[str, Any]) -> None:
    body = json.dumps(answer, allow_nan=False).encode("ascii")
    view: memoryview = memoryview(struct.pack(">I", len(body)) + body)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]))
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)
