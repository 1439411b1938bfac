"""Texts that stand in the data more than once, within a split and in two of them, and whether their labels agree."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nlptl import labels, seeds
from nlptl.data import overlap
from nlptl.inspection.finding import Finding, RowAt, Table, agreeing, at, counted
from nlptl.inspection.gathering import Gathered
from nlptl.tasks import Row

MOST = 200_000
"""Rows of a split that are compared with each other; of more, a sample."""


@dataclass(frozen=True)
class Copies:
    """Findings, the table of overlaps, the rows whose texts have different labels, and what was sampled."""

    findings: Sequence[Finding]
    table: Table
    conflicting: frozenset[str]
    remarks: Sequence[str]


def copies(gathered: Gathered) -> Copies:
    """Look for equal and nearly equal texts (see `nlptl.data.overlap`) everywhere."""
    kept, remarks = sampled(gathered.rows)
    key = {split: [_key(row) for row in rows] for split, rows in kept.items()}
    conflicts, conflicting = _conflicts(kept, key)
    findings = [*conflicts]
    for split, rows in kept.items():
        findings += _within(split, rows, key[split], conflicting)
    table: list[list[str | int | float | None]] = []
    for first, second in itertools.combinations(kept, 2):
        exact, near = _across(kept[first], kept[second], key[first], key[second])
        findings += _reported(first, second, exact, near)
        share = round(100 * (len(exact) + len(near)) / max(1, len(kept[second])), 2)
        table.append([f"{second} in {first}", len(kept[second]), len(exact), len(near), share])
    head = ["rows of one split in another", "rows", "the same", "nearly the same", "% together"]
    return Copies(findings, Table("overlap", "Overlap of splits", head, table, remarks), conflicting, remarks)


def sampled(rows: Mapping[str, Sequence[Row]]) -> tuple[dict[str, Sequence[Row]], list[str]]:
    """Give at most MOST rows of each split, and say of which some were drawn."""
    found: dict[str, Sequence[Row]] = {}
    remarks = []
    for split, members in rows.items():
        found[split] = members
        if len(members) > MOST:
            drawn = sorted(seeds.stream(0, "look", split).sample(range(len(members)), MOST))
            found[split] = [members[number] for number in drawn]
            remarks.append(f"{split}: {MOST:,} of {len(members):,} rows were drawn and compared; there may be more")
    return found, remarks


def _key(row: Row) -> str:
    return "\x1f".join(overlap.normalise(part) for part in overlap.text_of(row).split("\x1f"))


def _gold(row: Row) -> tuple[str, ...]:
    return tuple(sorted(labels.of_row(row))) if {"label", "labels"} & set(row.values) else ()


def _conflicts(
    rows: Mapping[str, Sequence[Row]], key: Mapping[str, Sequence[str]]
) -> tuple[list[Finding], frozenset[str]]:
    """Find the texts that have different labels, wherever they stand."""
    seen: dict[str, list[tuple[str, Row]]] = defaultdict(list)
    for split, members in rows.items():
        for row, text in zip(members, key[split], strict=True):
            seen[text].append((split, row))
    groups = [group for group in seen.values() if len({_gold(row) for _, row in group}) > 1]
    if not groups:
        return [], frozenset()
    found = [
        at(row, f"{', '.join(_gold(row)) or 'no label'}; text {number}")
        for number, group in enumerate(groups, 1)
        for _, row in group
    ]
    inside = sum(len({split for split, _ in group}) == 1 for group in groups)
    what = f"{counted(len(groups), 'text')} ({counted(len(found), 'row')}) have different labels"
    where = f"{inside:,} of them within one split" if inside else "each in two splits or more"
    what += f"; {where}" if inside < len(groups) else ""
    fix = "decide for one label, or drop them: no model can be right on both"
    finding = Finding("conflicting_labels", "warning", what, fix, found)
    return [finding], frozenset(row.id for row in found)


def _within(split: str, rows: Sequence[Row], key: Sequence[str], conflicting: frozenset[str]) -> Iterator[Finding]:
    """Find later rows of a split that say what an earlier one says."""
    first: dict[str, Row] = {}
    exact, near = [], []
    for row, text in zip(rows, key, strict=True):
        earlier = first.setdefault(text, row)
        if earlier is not row and row.id not in conflicting:
            exact.append(at(row, f"the same as {earlier.id}"))
    distinct = list(first.values())
    # Questions on one passage have nearly all of their text in common, and are no copies.
    texts = [] if rows and "context" in rows[0].values else [overlap.text_of(row) for row in distinct]
    for number, group in enumerate(overlap.groups(texts)):
        if group != number:
            near.append(at(distinct[number], f"nearly the same as {distinct[group].id}"))
    for kind, found, said in (("duplicate_within", exact, "repeat"), ("near_duplicate_within", near, "nearly repeat")):
        if found:
            same = ", under the same label" if kind == "duplicate_within" and _gold(rows[0]) else ""
            what = f"{counted(len(found), 'row')} of {split} {agreeing(len(found), f'{said} another')} row of it{same}"
            fix = "drop them if they are one thing read twice: they count several times in training and scores"
            yield Finding(kind, "note", what, fix, found, f"split {split}")


def _across(
    first: Sequence[Row], second: Sequence[Row], first_key: Sequence[str], second_key: Sequence[str]
) -> tuple[list[RowAt], list[RowAt]]:
    """Give the rows of the second split that stand in the first: the same, and nearly the same."""
    known = dict(zip(reversed(first_key), reversed(first), strict=True))
    exact = [
        at(row, f"the same as {known[text].id}") for row, text in zip(second, second_key, strict=True) if text in known
    ]
    told = {row.id for row in exact}
    row_of = {row.id: row for row in second}
    near = {
        pair.second: at(row_of[pair.second], f"nearly the same as {pair.first}")
        for pair in overlap.overlap(first, [row for row in second if row.id not in told])
    }
    return exact, list(near.values())


def _reported(first: str, second: str, exact: Sequence[RowAt], near: Sequence[RowAt]) -> Iterator[Finding]:
    for kind, found, said in (
        ("duplicate_across", exact, "stand in"),
        ("near_duplicate_across", near, "nearly stand in"),
    ):
        if found:
            what = f"{counted(len(found), 'row')} of {second} {agreeing(len(found), said)} {first}"
            fix = "a run scores the other rows beside all; where the splits are yours, divide anew with 'pools'"
            yield Finding(kind, "warning", what, fix, found, f"split {second}")
