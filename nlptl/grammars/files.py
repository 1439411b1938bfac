"""Lark files that others wrote: read within bounds, and tried in a process of its own.

llguidance 1.9.1 takes minutes for some grammars and ends the process for others (a chain of 100,000 rules overflows its
stack), so the trial is in a child with a limit of time and memory.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from nlptl.errors import BadInput, Problem

LARGEST = 256 * 1024
"""Bytes; the grammar of SQL over 7 tables has 10,000."""
SECONDS = 2.0
MEGABYTES = 2048
_DIRECTIVE = re.compile(r"^\s*%(import|json|lark|regex)\b|:[^\"/\n]*%(json|lark|regex)\b", re.MULTILINE)
_TRIAL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({size}, {size}))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
sys.path[:] = {path!r}
from nlptl.grammars import matching
grammar = sys.stdin.buffer.read().decode()
from llguidance import LLMatcher
found = LLMatcher(matching.made_tokenizer([]), grammar, log_level=0, limits=matching.limits())
if not found.is_error():
    if not any(found.compute_bitmask()):
        print("no form can begin")
if found.is_error():
    print(found.get_error() or "it cannot be compiled")
"""


def read(path: Path) -> str:
    """Read a Lark file and try it. Raises BadInput."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise BadInput(str(path), f"the grammar cannot be read ({error.strerror})") from error
    if len(raw) > LARGEST:
        raise BadInput(str(path), f"the grammar is larger than {LARGEST // 1024} KiB")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(str(path), Problem("the grammar is not UTF-8", where=f"byte {error.start}")) from error
    if found := _DIRECTIVE.search(text):
        line = text.count("\n", 0, found.end()) + 1
        name = found[1] or found[2]
        fix = "write the rules out"
        raise BadInput(str(path), Problem(f"%{name} is not allowed in a grammar", where=f"line {line}", fix=fix))
    if problem := trial(text):
        raise BadInput(str(path), problem)
    return text


def trial(grammar: str) -> Problem | None:
    """Compile a grammar in a process of its own; say what is wrong with it."""
    code = _TRIAL.format(size=MEGABYTES << 20, path=sys.path)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], input=grammar.encode(), capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Problem(f"the grammar is not compiled within {SECONDS:g} s", fix="make it smaller")
    if done.returncode != 0:
        return Problem("compiling the grammar fails", fix="nest its rules less deeply, repeat less")
    said = done.stdout.decode("utf-8", "replace").strip()
    if not said:
        return None
    place = re.search(r"(\d+)\((\d+)\): (.*)", said)
    if place:
        return Problem(place[3], where=f"line {place[1]}, column {place[2]}")
    return Problem(said.splitlines()[0][:300])
