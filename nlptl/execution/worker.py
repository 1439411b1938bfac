"""One process per database, as the parent sees it: start, ask, kill."""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote_from_bytes

from nlptl.errors import BadInput, Problem
from nlptl.execution.outcomes import Outcome, Status, Value

ROWS = 10_000
"""More rows than this are `too_large`."""
BYTES = 2_000_000
"""More bytes of rows than this are `too_large`; eight for each value, and the length of texts and bytes."""
FRAME = 8 * BYTES
"""No answer is longer: JSON writes a letter in six bytes at most where four are counted."""
START = 20.0
"""Seconds that a process may take to start; 0.05 is usual, but a machine may be busy."""
GRACE = 0.1
"""Seconds before its end at which a query is asked to stop; it is killed at its end."""

_CHILD = Path(__file__).with_name("child.py")
_ENDED_BY_TIME = frozenset({-signal.SIGALRM, -signal.SIGXCPU}) if sys.platform != "win32" else frozenset[int]()


class Dead(Exception):
    """The process is gone, and nobody says why."""


class _Late(Exception):
    """The answer did not come in time."""


class Worker:
    """A running process that has one database open. Not for two threads at once: whoever holds it locks."""

    def __init__(self, database: Path) -> None:
        """Start the process. Raises BadInput when SQLite finds the file broken."""
        if sys.platform == "win32":
            raise BadInput("execution of SQL", Problem("it needs Linux or macOS", fix="score by match alone"))
        self.database = database
        self._killed = False
        uri = f"file:{quote_from_bytes(os.fsencode(database.absolute()))}?mode=ro&immutable=1"
        self._process = _start(database, uri)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        self._greet()

    def _greet(self) -> None:
        try:
            greeting = self._receive(time.monotonic() + START)
        except (Dead, _Late) as error:
            self.close()
            raise _unstarted(self.database, f"status {self._process.returncode}") from error
        if "broken" in greeting:
            self.close()
            raise _broken(self.database, greeting["broken"])

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process can still be asked."""
        return not self._killed and self._process.poll() is None

    def ask(self, sql: str, seconds: float, ordered: bool) -> Outcome:
        """Run one query. Raises Dead if the process went away meanwhile, BadInput if the file turned out broken.

        Whatever the query does, this is back after `seconds`; the process may be dead by then.
        """
        started = time.monotonic()
        limit = started + seconds
        try:
            self._send({"sql": sql, "seconds": max(seconds - GRACE, seconds / 2), "rows": ROWS, "bytes": BYTES}, limit)
            answer = self._receive(limit)
        except _Late:
            self._kill()  # and whoever closes this waits for its end, which takes long on a busy machine
            return Outcome("timeout", seconds=time.monotonic() - started, message=f"killed after {seconds:g} seconds")
        except Dead:
            self.close()
            if self._process.returncode in _ENDED_BY_TIME:
                return Outcome("timeout", seconds=time.monotonic() - started, message="ended by its own alarm")
            raise
        if answer["status"] == "broken":
            self.close()
            raise _broken(self.database, answer["message"])
        return Outcome(
            cast(Status, answer["status"]),
            tuple(tuple(map(_value, row)) for row in answer.get("rows", ())),
            tuple(answer.get("columns", ())),
            ordered,
            time.monotonic() - started,
            answer.get("message", ""),
        )

    def close(self) -> None:
        """Kill the process and wait for its end; it holds nothing that could be lost."""
        self._kill()
        self._process.wait()
        self.forget()

    def _kill(self) -> None:
        self._killed = True
        with suppress(ProcessLookupError):
            self._process.kill()

    def forget(self) -> None:
        """Close this side of the pipes only: what a forked process does with its parent's workers."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _send(self, request: dict[str, Any], limit: float) -> None:
        body = json.dumps(request).encode("ascii")
        view = memoryview(struct.pack(">I", len(body)) + body)
        while view:
            _wait(self._in, select.POLLOUT, limit)
            try:
                view = view[os.write(self._in, view) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Dead from error

    def _receive(self, limit: float) -> dict[str, Any]:
        size = struct.unpack(">I", self._read(4, limit))[0]
        if size > FRAME:
            raise Dead
        found: dict[str, Any] = json.loads(self._read(size, limit))
        return found

    def _read(self, count: int, limit: float) -> bytes:
        parts = []
        while count:
            _wait(self._out, select.POLLIN, limit)
            part = os.read(self._out, min(count, 1 << 20))
            if not part:
                raise Dead
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _start(database: Path, uri: str) -> subprocess.Popen[bytes]:
    """Start the program in a session of its own, with an empty environment and nothing open but the two pipes."""
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_CHILD), uri, str(os.getpid())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={}, cwd="/", bufsize=0, close_fds=True, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise _unstarted(database, str(error)) from error


def _unstarted(database: Path, why: str) -> BadInput:
    fix = f"try by hand: {sys.executable} -I -S -c 'import sqlite3'"
    return BadInput(f"database {database}", Problem(f"the process that runs queries did not start ({why})", fix=fix))


def _wait(number: int, event: int, limit: float) -> None:
    """Wait until a pipe can be used (or is closed: reading or writing will tell), at most until `limit`."""
    poll = select.poll()
    poll.register(number, event)
    if not poll.poll(max(0.0, limit - time.monotonic()) * 1000):
        raise _Late


def _value(found: Any) -> Value:
    """Undo what the process did to values that JSON lacks."""
    if isinstance(found, dict):
        return bytes.fromhex(found["hex"]) if "hex" in found else float(found["float"])
    return cast(Value, found)


def _broken(database: Path, message: str) -> BadInput:
    what = f"SQLite cannot read it ({message})"
    return BadInput(f"database {database}", Problem(what, fix="bring the file again, or try: PRAGMA integrity_check"))
