"""Predict the lines of a file or of standard input, in their order, a large piece at a time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from nlptl import saved
from nlptl.computing import Numbers
from nlptl.errors import BadInput, Problem
from nlptl.job import Watch

PIECE = 20_000
"""Inputs that are sorted by length together; memory is bounded by it."""


def predict_lines(
    run: str,
    source: str,
    target: TextIO,
    *,
    device: str = "auto",
    numbers: Numbers | None = None,
    watch: Watch | None = None,
) -> int:
    """Write one JSON line for each input line; give their number.

    A file whose name ends in `.jsonl`, or whose first line starts with `{`, holds JSON objects with `text`
    (`text_pair`, `id`); any other holds a text a line. Raises BadInput with file and line for a line that is neither.
    """
    inputs = _inputs(source)
    first = list(islice(inputs, PIECE))
    loaded = saved.load(run, device=device, numbers=numbers)
    seen = watch or Watch()
    total = 0
    while first:
        done = 0

        def count(more: int, before: int = total, size: int = len(first)) -> None:
            nonlocal done
            done += more
            seen.work("predict", before + done, before + size)

        for given, said in zip(first, loaded.predict(first, seen=count), strict=True):
            number = given.get("id", total) if isinstance(given, dict) else total
            target.write(json.dumps({"id": number, "predicted": said.value, **said.detail}, ensure_ascii=False) + "\n")
            total += 1
        first = list(islice(inputs, PIECE))
    return total


def _inputs(source: str) -> Iterator[Any]:
    name = "standard input" if source == "-" else source
    if source != "-" and not Path(source).is_file():
        raise BadInput(
            source, Problem("there is no such file", fix="name a file of texts or JSON lines, or - for standard input")
        )
    stream = sys.stdin.buffer if source == "-" else Path(source).open("rb")  # noqa: SIM115 - closed below
    as_json = source.endswith(".jsonl")
    try:
        for number, raw in enumerate(stream, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as problem:
                raise BadInput(
                    name, Problem(f"byte {problem.start + 1} of the line is not UTF-8", f"{name}:{number}")
                ) from None
            as_json = as_json or (number == 1 and line.startswith("{"))
            yield _object(line, f"{name}:{number}") if as_json else line
    finally:
        if source != "-":
            stream.close()


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as problem:
        raise BadInput(where, Problem(f"no JSON: {problem}", where)) from None
    if not isinstance(found, dict):
        raise BadInput(where, Problem("no JSON object", where, fix='write {"text": "…"} on each line'))
    return found
