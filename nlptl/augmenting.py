"""Training rows and their edited copies: kinds propose, the task moves its gold or drops the copy, all is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from nlptl import edits, seeds
from nlptl.augment import Augment
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


def augmented(rows: Sequence[Row], augment: Sequence[Augment], task: Task, seed: int) -> Augmented:
    """Give every row with its copies. Each copy depends on the seed, the kind, its number and the row's id alone."""
    counts: dict[str, dict[str, int]] = {one.kind: dict.fromkeys(FATES, 0) for one in augment}
    found: list[Row] = []
    for row in rows:
        found.append(row)
        for copy in copies(row, augment, task, seed):
            counts[copy.kind][copy.fate] += 1
            found += [copy.row] if copy.row is not None else []
    taken, times = Counter(row.id for row in found).most_common(1)[0] if augment and found else ("", 1)
    if times > 1:
        what = f"a row of the data has the id {taken!r} of a copy"
        raise BadInput("augment", Problem(what, field="augment", fix="give the row another id"))
    return Augmented(found, counts)


def copies(row: Row, augment: Sequence[Augment], task: Task, seed: int) -> Iterator[Copy]:
    """Yield the copies of a row, those that are dropped too."""
    for one in augment:
        for number in range(1, one.copies + 1):
            made: dict[str, Sequence[edits.Edit]] = {}
            for column in task.rewritable:
                text = row.values.get(column)
                if isinstance(text, str):
                    draw = seeds.stream(seed, "augment", one.kind, number, row.id, column)
                    made[column] = one.propose(text, draw)
            yield _fated(row, one.kind, number, made, task)


def _fated(row: Row, kind: str, number: int, made: Edits, task: Task) -> Copy:
    """Apply edits; hand the copy to the task."""
    copy = edits.rewritten(row, made)
    if copy is None:
        return Copy(row, kind, made, "emptied", None)
    if copy.values == row.values:
        return Copy(row, kind, made, "unchanged", None)
    new = task.realign(row, made)
    if new is None:
        return Copy(row, kind, made, "gold", None)
    return Copy(row, kind, made, "made", replace(new, id=f"{row.id}~{kind}-{number}"))


def told(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Say how many copies of each kind were made, and what became of the others."""
    said = []
    for kind, fates in counts.items():
        others = [f"{fates[fate]:,} {FATES[fate]}" for fate in FATES if fate != "made" and fates[fate]]
        said.append(", ".join([f"{kind} {fates['made']:,} copies", *others]))
    return "; ".join(said)
