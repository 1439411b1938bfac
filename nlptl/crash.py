"""What becomes of an error that nobody expected: a report file and one line, never a traceback on the screen."""

from __future__ import annotations

import json
import os
import re
import shlex
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from nlptl import artifacts

MEMORY_WORDS = re.compile(
    r"out of memory|can't allocate memory|not enough memory|cannot allocate memory", re.IGNORECASE
)

PEER_WORDS = re.compile(r"connection (closed|reset) by (remote )?peer|broken pipe|application timeout", re.IGNORECASE)


def report(fault: BaseException, arguments: Sequence[str]) -> str:
    """Write what is known of a fault to a file in the working directory; give the lines that ask for it.

    Secrets are hidden. Where the working directory takes no file, the system's folder for temporary ones does.
    """
    trace = "".join(traceback.format_exception(fault))
    text = "\n".join(
        [
            "nlptl stopped at a fault of its own. Please read this file through before you send it.",
            f"command: nlptl {shlex.join(arguments)}",
            f"environment: {json.dumps(artifacts.environment(), indent=2)}",
            trace,
        ]
    )
    place = _write(f"nlptl-fault-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt", artifacts.redact(text))
    first = (str(fault).strip().splitlines() or [""])[0]
    said = artifacts.redact(f"a fault of nlptl: {type(fault).__name__}: {first[:300]}")
    where = f"please report it with the file {place}" if place else f"it could not be written to a file:\n{trace}"
    return f"{said}\n  {where}"


def _write(name: str, text: str) -> Path | None:
    for folder in (Path.cwd(), Path(tempfile.gettempdir())):
        try:
            (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return folder / name
    return None


def is_out_of_memory(fault: BaseException) -> bool:
    """Say whether memory ran out: Python's own error, or one of torch's, which are RuntimeErrors told by their text."""
    return isinstance(fault, MemoryError) or (isinstance(fault, RuntimeError) and bool(MEMORY_WORDS.search(str(fault))))


def is_lost_peer(fault: BaseException) -> bool:
    """Say whether another process of the same run has gone: that one says why."""
    return isinstance(fault, RuntimeError) and bool(PEER_WORDS.search(str(fault)))
