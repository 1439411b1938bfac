"""Predict the lines of a file or of standard input, in their order, a large piece at a time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from nlptl import mixtures, saved
from nlptl.computing import Numbers
from nlptl.errors import BadInput, Problem
from nlptl.job import Watch
from nlptl.tasks import Row, Task

PIECE = 20_000
"""Inputs that are sorted by length together; memory is bounded by it."""
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One input line: where it stands, what it holds, and the id that its prediction carries."""

    place: str
    given: Any
    """A text, or an object with the task's columns."""
    id: Any


def predict_lines(
    run: str,
    source: str,
    target: TextIO,
    *,
    task: str | None = None,
    device: str = "auto",
    numbers: Numbers | None = None,
    watch: Watch | None = None,
) -> int:
    """Write one JSON line for each input line; give their number.

    A file whose name ends in `.jsonl`, or whose first line starts with `{`, holds JSON objects with `text`
    (`text_pair`, `id`); any other holds a text a line. `task` names one task of a run that was trained on several.
    Raises BadInput with every line of the first piece that is neither, before the model is opened.
    """
    folder = mixtures.folder_of(run, task)
    kind = saved.task_of(folder)
    lines = _lines(source)
    rows = _rows(kind, list(islice(lines, PIECE)), source)
    loaded = saved.load(folder, device=device, numbers=numbers) if rows else None
    as_ascii = not (target.encoding or "utf-8").lower().startswith("utf")
    seen = watch or Watch()
    total = 0
    while rows and loaded is not None:
        done = 0

        def count(more: int, before: int = total, size: int = len(rows)) -> None:
            nonlocal done
            done += more
            seen.work("predict", before + done, before + size)

        found = loaded.predict_rows([row for _, row in rows], seen=count)
        for (line, _), said in zip(rows, found, strict=True):
            record = {"id": line.id, "predicted": said.value, **said.detail}
            target.write(json.dumps(record, ensure_ascii=as_ascii) + "\n")
        target.flush()
        total += len(rows)
        rows = _rows(kind, list(islice(lines, PIECE)), source)
    return total


def _lines(source: str) -> Iterator[Line]:
    """Yield the lines of a file or of standard input, empty ones too where they are texts."""
    name = "standard input" if source == "-" else source
    if source != "-" and not Path(source).is_file():
        fix = "name a file of texts or JSON lines, or - for standard input"
        raise BadInput(source, Problem("there is no such file", fix=fix))
    stream = sys.stdin.buffer if source == "-" else Path(source).open("rb")  # noqa: SIM115 - closed below
    as_json = source.endswith(".jsonl")
    total = 0
    try:
        for number, raw in enumerate(stream, 1):
            place = f"{name}:{number}"
            text = _decoded(raw, number, name)
            as_json = as_json or (number == 1 and text.startswith("{"))
            if as_json and not text.strip():
                continue
            given = _object(text, place) if as_json else text
            yield Line(place, given, given.get("id", total) if isinstance(given, dict) else total)
            total += 1
    finally:
        if source != "-":
            stream.close()


def _decoded(raw: bytes, number: int, name: str) -> str:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as problem:
        what = f"byte 0x{raw[problem.start]:02x} at position {problem.start + 1} of the line is not UTF-8"
        fix = "convert it, such as with: iconv -f latin1 -t utf-8"
        raise BadInput(name, Problem(what, f"{name}:{number}", fix=fix)) from None


def _object(text: str, place: str) -> Any:
    """Give the object on a line, or the Problem that it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as problem:
        return Problem(f"not JSON: {problem}", place)
    return (
        found if isinstance(found, dict) else Problem("no JSON object", place, fix="write one on each line")
    )


def _rows(task: Task, lines: list[Line], source: str) -> list[tuple[Line, Row]]:
    """Give each line with its row, under an id of its own: those that were given may be the same."""
    rows, problems = [], []
    for number, line in enumerate(lines):
        try:
            if isinstance(line.given, Problem):
                raise BadInput(source, line.given)
            row = task.row_of(line.given, number)
            _check_texts(row, task)
        except BadInput as fault:
            problems += [replace(one, where=line.place) for one in fault.problems]
        else:
            rows.append((line, replace(row, id=str(number))))
    problems += _unlike([row for _, row in rows], [line.place for line, _ in rows], task)
    if problems:
        more = [Problem(f"and {len(problems) - SHOWN} more")] if len(problems) > SHOWN else []
        raise BadInput("standard input" if source == "-" else source, [*problems[:SHOWN], *more])
    return rows


def _check_texts(row: Row, task: Task) -> None:
    for name in task.given:
        value = row.values.get(name, "")
        if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise BadInput("", Problem("half of a surrogate pair is no character", field=name, fix="mend the encoding"))
        if name in row.values and not isinstance(value, str | list | dict):
            raise BadInput("", Problem(f"a text is needed (got {value!r:.60})", field=name))


def _unlike(rows: list[Row], places: list[str], task: Task) -> list[Problem]:
    """Name the rows that have other columns than the first: some with a pair, some without cannot be one batch."""
    columns = [sorted(set(task.given) & set(row.values)) for row in rows]
    return [
        Problem(f"has {' and '.join(own)}, the first line has {' and '.join(columns[0])}", place)
        for own, place in zip(columns, places, strict=True)
        if own != columns[0]
    ]
