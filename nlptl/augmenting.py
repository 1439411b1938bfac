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

Fate = Literal["made", "unchanged", "emptied", "gold", "fails"]
FATES: Mapping[str, str] = {
    "made": "made",
    "unchanged": "had nothing to edit",
    "emptied": "dropped: no text was left",
    "gold": "dropped: an edit touched what the gold needs",
    "fails": "dropped: the changed query does not run",
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
    of: str = ""
    """The id of the copy of which this is one of several variants."""


@dataclass(frozen=True, slots=True)
class Augmented:
    """Rows with their copies behind each, and how many copies of each kind met which fate."""

    rows: Sequence[Row]
    counts: Mapping[str, Mapping[str, int]]
    pools: Sequence[Sequence[str]] = ()
    """Ids of the variants of one copy, of which an epoch takes one; copies that have no variants are not here."""


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
    pools: dict[str, list[str]] = {}
    for copy in copies(rows, augment, task, seed, ground):
        counts[copy.kind][copy.fate] += 1
        if copy.row is not None:
            made.setdefault(copy.parent.id, []).append(copy.row)
            if copy.of:
                pools.setdefault(copy.of, []).append(copy.row.id)
    found = [one for row in rows for one in (row, *made.get(row.id, ()))]
    taken, times = Counter(row.id for row in found).most_common(1)[0] if augment and found else ("", 1)
    if times > 1:
        what = f"a row of the data has the id {taken!r} of a copy"
        raise BadInput("augment", Problem(what, field="augment", fix="give the row another id"))
    return Augmented(found, counts, tuple(tuple(pool) for pool in pools.values() if len(pool) > 1))


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
            (one.kind, name, of, _varied(block, one, thing, task, (seed, "augment", one.kind, name)))
            for one, thing in zip(augment, opened, strict=True)
            for name, of in _names(one)
        ]
        for place, row in enumerate(block):
            for kind, name, of, edited in columns:
                copy = _fated(row, kind, f"~{kind}-{name}", edited[place], task)
                yield replace(copy, of=f"{row.id}~{kind}-{of}") if of else copy


def _names(kind: Augment) -> Iterator[tuple[str, str]]:
    """Yield (name, the copy that it is a variant of): `2` of none, or `2.1`, `2.2`, … of `2`."""
    for number in range(1, kind.copies + 1):
        if kind.variants == 1:
            yield str(number), ""
        else:
            yield from ((f"{number}.{one}", str(number)) for one in range(1, kind.variants + 1))


def noisy(rows: Sequence[Row], noise: Augment, number: int, task: Task, opened: Any) -> Noisy:
    """Give the rows of a test set under noise, with their own ids: the same noise for every run and seed, since it is
    drawn by the settings, the number of the copy and the row's id. A row whose copy would be dropped stays as it is.
    `opened` is what the kind's `open` gave.
    """
    counts = dict.fromkeys(FATES, 0)
    found = []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        edited = _varied(block, noise, opened, task, (0, "robust", noise.kind, str(number)))
        for row, one in zip(block, edited, strict=True):
            copy = _fated(row, noise.kind, "", one, task)
            counts[copy.fate] += 1
            found.append(copy.row or row)
    return Noisy(found, counts)


def _varied(
    rows: Sequence[Row], kind: Augment, opened: Any, task: Task, stream: tuple[int, str, str, str]
) -> list[Edits]:
    """Let a kind propose its edits of many rows, each drawn by its id."""
    asked = []
    for row in rows:
        columns = tuple(one for one in task.rewritable if isinstance(row.values.get(one), str))
        asked.append(Asked(row, columns, partial(_draw, stream, row.id)))
    return kind.vary(asked, opened)


def _draw(stream: tuple[int, str, str, str], row_id: str, column: str) -> random.Random:
    return seeds.stream(*stream, row_id, column)


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
    if not task.stands(new, row):
        return Copy(row, kind, made, "fails", None)
    return Copy(row, kind, made, "made", replace(new, id=row.id + mark))


def title(noise: Augment) -> str:
    """Name a kind with its settings: `typo (rate 0.1, by keyboard)`."""
    settings = noise.model_dump(mode="json", exclude={"kind", "copies", "variants"})
    return f"{noise.kind} ({', '.join(f'{name} {value}' for name, value in settings.items() if value is not None)})"


def told(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Say how many copies of each kind were made, and what became of the others."""
    said = []
    for kind, fates in counts.items():
        others = [f"{fates[fate]:,} {FATES[fate]}" for fate in FATES if fate != "made" and fates.get(fate)]
        said.append(", ".join([f"{kind} {fates['made']:,} copies", *others]))
    return "; ".join(said)
