"""Findings about the rows of a card: what one should know before anything is trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nlptl import labels
from nlptl.inspection import characters, classes, copies, gathering, languages, learnt, pairs, tells
from nlptl.inspection.finding import SEVERITIES, Finding, RowAt, Severity, Table, ranked
from nlptl.inspection.gathering import Gathered, gather

__all__ = [
    "SEVERITIES",
    "Finding",
    "Gathered",
    "Inspected",
    "RowAt",
    "Severity",
    "Table",
    "gather",
    "inspect",
    "ranked",
]


@dataclass(frozen=True)
class Inspected:
    """All that rows alone tell."""

    findings: Sequence[Finding]
    tables: Sequence[Table]
    remarks: Sequence[str]


def inspect(gathered: Gathered) -> Inspected:
    """Look for everything that needs neither a checkpoint nor a task."""
    told = languages.of_rows(gathered)
    twice = copies.copies(gathered)
    findings = [*gathering.refusals(gathered), *characters.strange(gathered), *languages.strangers(gathered, told)]
    findings += twice.findings
    tables = [twice.table, languages.table(gathered, told)]
    remarks = list(twice.remarks)
    if {"label", "labels"} & set(gathered.card.columns):
        empty = [row.id for one in findings if one.kind in ("punctuation_only", "very_short") for row in one.rows]
        more, table, said = _labelled(gathered, twice.conflicting.union(empty))
        findings += more
        tables.insert(0, table)
        remarks += said
    for split, rows in gathered.rows.items():
        findings += tells.boilerplate(rows, gathered.columns, split)
        findings += tells.truncated(rows, gathered.columns, split)
    findings += learnt.shifted(gathered.rows, gathered.train)
    if "text_pair" in gathered.columns:
        for split, rows in gathered.rows.items():
            findings += pairs.equal_parts(rows, split)
            findings += pairs.swapped_parts(rows, split)
    return Inspected(findings, tables, remarks)


def _labelled(gathered: Gathered, undoubted: frozenset[str]) -> tuple[list[Finding], Table, list[str]]:
    """Look at labels, and at what tells them, in the rows whose labels are known."""
    known = classes.known(gathered)
    train, columns = known[gathered.train], gathered.columns
    findings = [*classes.written(gathered), *classes.spread(gathered, known)]
    findings += tells.leaking_words(train, columns, gathered.train)
    findings += tells.label_names(train, columns, gathered.train)
    findings += tells.lengths(train, columns, gathered.train)
    findings += tells.numbers(train, columns, gathered.train)
    remarks: list[str] = []
    if gathered.card.several:
        remarks.append("flipped labels are looked for where a row has one label")
    elif len({labels.of_row(row)[0] for row in train}) > 1:
        more, remarks = learnt.doubted(train, undoubted, gathered.train)
        findings += more
    return findings, classes.balance(gathered, known), remarks
