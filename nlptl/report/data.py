"""What is to be known of the data: licence, faults, what was cut, what stands in two splits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nlptl import pages
from nlptl.report.facts import Facts, Made
from nlptl.report.tables import Column, Table

SHOWN = 4
"""Warnings that stand on the page at once; more are folded."""


def data(facts: Facts) -> Made:
    """Give the card's words on the data, the warnings of the run, and the counts of cut and of shared rows."""
    known = facts.report["data"]
    pairs: dict[str, pages.Content] = {
        "data": known["title"],
        "licence": known["licence"],
        "citation": known["citation"],
        "languages": ", ".join(known["languages"]),
    }
    if known["homepage"]:
        pairs["homepage"] = known["homepage"]
    counts = cut_table(facts)
    parts: list[pages.Content] = [pages.facts(pairs)]
    warnings = facts.report["warnings"]
    parts += [pages.note(f"Warning: {one}", "warning") for one in warnings[:SHOWN]]
    if warnings[SHOWN:]:
        parts.append(pages.details(f"{len(warnings) - SHOWN} more warnings", pages.items(warnings[SHOWN:])))
    parts += [pages.note(one, "warning") for one in _overlaps(facts)]
    if not warnings:
        parts.append("The run had no warnings of its own on the data.")
    parts.append(counts.html())
    if taken := facts.report.get("taken"):
        parts += [pages.Markup("<h3>What auto took of these data, and why</h3>"), pages.items(taken)]
    if known["faults"]:
        faults = [f"{one['what']}: {one['remedy']}" for one in known["faults"]]
        parts += [pages.Markup("<h3>Known faults</h3>"), pages.items(faults)]
    return Made(parts, [counts])


def cut_table(facts: Facts) -> Table:
    """Count what the window cut off, and the rows that training has too."""
    report = facts.report
    rows: list[list[Any]] = [
        [split, report["rows"][split], cut["rows"], cut["tokens"], None] for split, cut in report["cut"].items()
    ]
    for one in facts.sets:
        cut = one.said.get("cut", {"rows": None, "tokens": None})
        rows.append([one.name, one.said["rows"], cut["rows"], cut["tokens"], one.said["overlap"]["rows"]])
    columns = [
        Column("set", "set"), Column("rows", "rows", "count"), Column("cut_rows", "longer than the window", "count"),
        Column("cut_tokens", "tokens cut off", "count"), Column("also_in_train", "rows also in train", "count"),
    ]  # fmt: skip
    return Table("cut", "Rows, and what of them the model did not see or had seen before", columns, rows)


def _overlaps(facts: Facts) -> Iterator[str]:
    for one in facts.sets:
        shared = one.said["overlap"]["rows"]
        if shared:
            yield (
                f"Warning: {shared:,} of {one.said['rows']:,} rows of {one.name} "
                f"{'stands' if shared == 1 else 'stand'} in the training split too, "
                "exactly or nearly."
            )
