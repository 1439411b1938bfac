"""Run queries: one worker kept per database, each query executed once."""

from __future__ import annotations

import atexit
import os
import threading
from collections import OrderedDict
from pathlib import Path

from nlptl.errors import BadInput, Problem
from nlptl.execution.outcomes import Outcome
from nlptl.execution.statement import look
from nlptl.execution.worker import Dead, Worker

SECONDS = 2.0
"""How long a query may take. Ordinary ones take less than a thousandth of that."""
WORKERS = 32
"""How many databases are kept open at once; the one not used for longest is closed for another."""
KEPT = 8_000_000
"""Bytes of outcomes (about) that a pool keeps."""
MAGIC = b"SQLite format 3\0"

Identity = tuple[str, int, int, int]


class Pool:
    """Workers by database, and what queries gave. Safe for threads: queries on one database wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: OrderedDict[Identity, _Slot] = OrderedDict()
        self._outcomes: OrderedDict[tuple[Identity, str, float], Outcome] = OrderedDict()
        self._kept = 0

    def run(self, database: Path, sql: str, *, seconds: float = SECONDS) -> Outcome:
        """Run one query on a SQLite file, which cannot come to harm; see `nlptl.execution.run`."""
        seen = look(sql)
        identity = identify(database)
        if seen.stopped is not None:
            return seen.stopped
        key = (identity, sql, seconds)
        outcome = None
        while outcome is None:
            with self._lock:
                if (known := self._outcomes.get(key)) is not None:
                    self._outcomes.move_to_end(key)
                    return known
                slot = self._slot(identity, database)
            outcome = slot.ask(sql, seconds, seen.ordered)
        with self._lock:
            self._keep(key, outcome)
        return outcome

    def close(self) -> None:
        """Kill every process, and forget what queries gave."""
        with self._lock:
            slots = list(self._slots.values())
            self._slots.clear()
            self._outcomes.clear()
            self._kept = 0
        for slot in slots:
            slot.close()

    def processes(self) -> list[int]:
        """Give the numbers of the processes that run now."""
        with self._lock:
            return [slot.worker.pid for slot in self._slots.values() if slot.worker and slot.worker.alive]

    def forget(self) -> None:
        """Let go of the workers of the process that this one was forked from, without ending them."""
        for slot in self._slots.values():
            if slot.worker is not None:
                slot.worker.forget()

    def _slot(self, identity: Identity, database: Path) -> _Slot:
        slot = self._slots.setdefault(identity, _Slot(database))
        self._slots.move_to_end(identity)
        for key in list(self._slots)[: max(0, len(self._slots) - WORKERS)]:
            if self._slots[key].close(wait=False):  # one that answers another thread just now stays for the time being
                del self._slots[key]
        return slot

    def _keep(self, key: tuple[Identity, str, float], outcome: Outcome) -> None:
        size = _weight(key, outcome)
        if size > KEPT // 16 or key in self._outcomes:
            return
        self._outcomes[key] = outcome
        self._kept += size
        while self._kept > KEPT:
            self._kept -= _weight(*self._outcomes.popitem(last=False))


class _Slot:
    """The place of one database's worker, which is started when it is needed and again when it was killed."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.lock = threading.Lock()
        self.worker: Worker | None = None
        self.closed = False

    def ask(self, sql: str, seconds: float, ordered: bool) -> Outcome | None:
        """Run one query; None if this place was closed meanwhile, and the pool has another one."""
        with self.lock:
            for _ in range(2):  # a process that dies under a query may have been killed by a stranger: once more
                if self.closed:
                    return None
                if self.worker is None or not self.worker.alive:
                    self._drop()
                    self.worker = Worker(self.database)
                try:
                    return self.worker.ask(sql, seconds, ordered)
                except Dead:
                    continue
            return Outcome("error", message="the process that ran it died, twice")

    def close(self, wait: bool = True) -> bool:
        """End the worker for good; say whether that was done (without `wait`: unless it is busy)."""
        if not self.lock.acquire(blocking=wait):
            return False
        try:
            self.closed = True
            self._drop()
        finally:
            self.lock.release()
        return True

    def _drop(self) -> None:
        if self.worker is not None:
            self.worker.close()
            self.worker = None


def identify(database: Path) -> Identity:
    """Give what a database is known by: its path, size, time of change and inode.

    Raises BadInput if it is missing, no SQLite file, cut short, or if changes to it wait in a file beside it.
    """
    path = Path(os.path.abspath(database))
    try:
        status = path.stat()
    except OSError as error:
        raise BadInput(f"database {database}", Problem(error.strerror or str(error), fix=_others(path))) from error
    identity = (str(path), status.st_size, status.st_mtime_ns, status.st_ino)
    _look_beside(Path(os.path.realpath(path)))  # where SQLite looks for them
    if identity not in _SOUND:
        _look_inside(path, database)
        _SOUND.add(identity)
    return identity


_SOUND: set[Identity] = set()


def _look_inside(path: Path, database: Path) -> None:
    """Read the first bytes: https://sqlite.org/fileformat2.html, section 1.3."""
    try:
        with open(path, "rb") as file:
            head = file.read(100)
    except OSError as error:
        raise BadInput(f"database {database}", Problem(error.strerror or str(error))) from error
    if len(head) < 100 or not head.startswith(MAGIC):
        what = f"not a SQLite file: it begins with {head[:16]!r}" if head else "not a SQLite file: it is empty"
        raise BadInput(f"database {database}", Problem(what, fix=f"a SQLite file begins with {MAGIC!r}"))


def _look_beside(path: Path) -> None:
    """Refuse a database whose newest state is not in its own file; reading it would need writing."""
    for suffix, name in (("-wal", "a write-ahead log"), ("-journal", "a rollback journal")):
        beside = path.with_name(path.name + suffix)
        try:
            size = beside.stat().st_size
        except OSError:
            continue
        if size:
            what = f"changes wait in {name} of {size:,} bytes, {beside.name}"
            fix = f'write them into it: sqlite3 "{path}" "PRAGMA wal_checkpoint(TRUNCATE)"; then close what has it open'
            raise BadInput(f"database {path}", Problem(what, fix=fix))


def _others(path: Path) -> str:
    try:
        near = sorted(entry.name for entry in path.parent.iterdir() if entry.suffix in (".sqlite", ".db", ".sqlite3"))
    except OSError:
        return f"there is no folder {path.parent}"
    return f"databases there: {', '.join(near[:5])}" if near else "there is no database in that folder"


def _weight(key: tuple[Identity, str, float], outcome: Outcome) -> int:
    values = sum(16 + (len(value) if isinstance(value, str | bytes) else 8) for row in outcome.rows for value in row)
    return 500 + len(key[1]) + len(outcome.message) + values


_POOL = Pool()
_ABANDONED: list[Pool] = []


def run(database: Path, sql: str, *, seconds: float = SECONDS) -> Outcome:
    """Run one query on a SQLite file in a child process that can do no harm, with this process's pool.

    The same query on the same file is executed once. After `seconds` it is killed, whatever it does (the start of a
    process, some 0.05 seconds, comes before). Raises BadInput for a database that cannot be used.
    """
    return _POOL.run(database, sql, seconds=seconds)


def close() -> None:
    """End this process's workers; the next query starts one again."""
    _POOL.close()


def _after_fork() -> None:
    """Begin anew in a forked process: the workers are its parent's, and a lock may be held by nobody."""
    global _POOL
    _POOL.forget()
    _ABANDONED.append(_POOL)  # kept, since the end of a Popen object warns of a process that runs
    _POOL = Pool()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
