"""Training rows and their edited copies: kinds propose, the task moves its gold or drops the copy, all is counted."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from nlptl import edits, seeds
from nlptl.augment import Asked, Augment, Ground
from nlptl.edits import Edits
from nlptl.errors import BadInput, Problem
from nlptl.tasks import Row, Task

Fate = Literal["made", "unchanged", "emptied", "gold"]
FATES: Mapping[str, str] = {
    "made": "made",
    "unchanged": "had nothing to edit",
    "emptied": "dropped: no text was left",
    "gold": "dropped: an edit touched what the gold needs",
}
"""What becomes of a copy."""
BLOCK = 512
"""Rows that are varied at once."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What became of one copy of a row."""

    parent: Row
    kind: str
    edits: Edits
    fate: Fate
    row: Row | None
    """The copy, where it was made."""


@dataclass(frozen=True, slots=True)
class Augmented:
    """Rows with their copies behind each, and how many copies of each kind met which fate."""

    rows: Sequence[Row]
    counts: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Noisy:
    """A test set under noise, row by row, and how many rows met which fate; all but those `made` are clean."""

    rows: Sequence[Row]
    counts: Mapping[str, int]


def augmented(
    rows: Sequence[Row], augment: Sequence[Augment], task: Task, seed: int, ground: Ground | None = None
) -> Augmented:
    """Give every row with its copies. Each copy depends on the seed, the kind, its number and the row's id alone."""
    counts = none(augment)
    made: dict[str, list[Row]] = {}
    for copy in copies(rows, augment, task, seed, ground):
        counts[copy.kind][copy.fate] += 1
        if copy.row is not None:
            made.setdefault(copy.parent.id, []).append(copy.row)
    found = [one for row in rows for one in (row, *made.get(row.id, ()))]
    taken, times = Counter(row.id for row in found).most_common(1)[0] if augment and found else ("", 1)
    if times > 1:
        what = f"a row of the data has the id {taken!r} of a copy"
        raise BadInput("augment", Problem(what, field="augment", fix="give the row another id"))
    return Augmented(found, counts)


def none(augment: Sequence[Augment]) -> dict[str, dict[str, int]]:
    """Give the counts of copies before any was made: kind -> fate -> 0."""
    return {one.kind: dict.fromkeys(FATES, 0) for one in augment}


def copies(
    rows: Sequence[Row], augment: Sequence[Augment], task: Task, seed: int, ground: Ground | None = None
) -> Iterator[Copy]:
    """Yield the copies of rows, row by row, those that are dropped too. `ground` is for kinds that open something."""
    opened = [None if ground is None else one.open(ground) for one in augment]
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        columns = [
            [(one.kind, number, _varied(block, one, thing, task, (seed, "augment", one.kind, number)))
             for number in range(1, one.copies + 1)]
            for one, thing in zip(augment, opened, strict=True)
        ]  # fmt: skip
        for place, row in enumerate(block):
            for kind, number, edited in (draw for kinds in columns for draw in kinds):
                yield _fated(row, kind, f"~{kind}-{number}", edited[place], task)


def noisy(rows: Sequence[Row], noise: Augment, number: int, task: Task, ground: Ground) -> Noisy:
    """Give the rows of a test set under noise, with their own ids: the same noise for every run and seed, since it is
    drawn by the settings, the number of the copy and the row's id. A row whose copy would be dropped stays as it is.
    """
    counts = dict.fromkeys(FATES, 0)
    opened, found = noise.open(ground), []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        edited = _varied(block, noise, opened, task, (0, "robust", noise.kind, number))
        for row, one in zip(block, edited, strict=True):
            copy = _fated(row, noise.kind, "", one, task)
            counts[copy.fate] += 1
            found.append(copy.row or row)
    return Noisy(found, counts)


def _varied(
    rows: Sequence[Row], kind: Augment, opened: Any, task: Task, stream: tuple[int, str, str, int]
) -> list[Edits]:
    """Let a kind propose its edits of many rows, each drawn by its id."""
    asked = []
    for row in rows:
        columns = tuple(one for one in task.rewritable if isinstance(row.values.get(one), str))
        asked.append(Asked(row, columns, partial(_draw, stream, row.id)))
    return kind.vary(asked, opened)


def _draw(stream: tuple[int, str, str, int], row_id: str, column: str) -> random.Random:
    seed, name, kind, number = stream
    return seeds.stream(seed, name, kind, number, row_id, column)


def _fated(row: Row, kind: str, mark: str, made: Edits, task: Task) -> Copy:
    """Apply edits; hand the copy to the task. `mark` goes behind the row's id."""
    copy = edits.rewritten(row, made)
    if copy is None:
        return Copy(row, kind, made, "emptied", None)
    if copy.values == row.values:
        return Copy(row, kind, made, "unchanged", None)
    new = task.realign(row, made)
    if new is None:
        return Copy(row, kind, made, "gold", None)
    return Copy(row, kind, made, "made", replace(new, id=row.id + mark))


def title(noise: Augment) -> str:
    """Name a kind with its settings: `typo (rate 0.1, by keyboard)`."""
    settings = noise.model_dump(mode="json", exclude={"kind", "copies"})
    return f"{noise.kind} ({', '.join(f'{name} {value}' for name, value in settings.items() if value is not None)})"


def told(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Say how many copies of each kind were made, and what became of the others."""
    said = []
    for kind, fates in counts.items():
        others = [f"{fates[fate]:,} {FATES[fate]}" for fate in FATES if fate != "made" and fates[fate]]
        said.append(", ".join([f"{kind} {fates['made']:,} copies", *others]))
    return "; ".join(said)
