"""What became of predicted forms: by outcome, by length, by whether the query was seen, and where match and execution
disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nlptl import pages
from nlptl.report.facts import Made, Scored, title_of
from nlptl.report.tables import Column, Table
from nlptl.statistics import wilson

PARTS = {"by_pieces": "length of the gold form", "by_query": "what training has"}


def forms(one: Scored) -> Made:
    """Give the tables of a parsing run; nothing for other tasks."""
    found = one.said["tables"]
    if "outcomes" not in found:
        return Made()
    tables = [_outcomes(one, found["outcomes"])]
    if "execution" in found:
        tables.append(_agreement(one, found["execution"]))
    tables += [_parts(one, key, found[key]) for key in PARTS if found.get(key)]
    parts: list[pages.Content] = [table.html() for table in tables]
    return Made(parts, tables)


def _outcomes(one: Scored, counts: Mapping[str, int]) -> Table:
    rows = sum(counts.values())
    lines = [[name, count, count / rows] for name, count in counts.items()]
    columns = [Column("outcome", "outcome"), Column("rows", "rows", "count"), Column("share", "of 100", "points")]
    return Table(f"outcomes-{one.name}", f"What became of the forms of {one.name}", columns, lines)


def _agreement(one: Scored, counts: Mapping[str, int]) -> Table:
    columns = [Column("rows_that", "rows"), Column("rows", "how many", "count")]
    caption = f"Where the form and what it gives agree, and where they do not ({one.name})"
    return Table(f"execution-{one.name}", caption, columns, [[name, count] for name, count in counts.items()])


def _parts(one: Scored, key: str, parts: Mapping[str, Mapping[str, Any]]) -> Table:
    """Give every metric of each part, the main one with its interval."""
    others = [name for name in next(iter(parts.values())) if name not in ("rows", one.metric)]
    lines = []
    for name, values in parts.items():
        between = wilson(round(values[one.metric] * values["rows"]), values["rows"])
        main = [values[one.metric], (between.low, between.high)]
        lines.append([name, values["rows"], *main, *(values[other] for other in others)])
    columns = [
        Column("part", PARTS[key]), Column("rows", "rows", "count"), Column(one.metric, title_of(one.metric), "points"),
        Column("interval", "95 % interval", "range"), *(Column(name, title_of(name), "points") for name in others),
    ]  # fmt: skip
    return Table(f"{key}-{one.name}", f"Scores by {PARTS[key]} ({one.name})", columns, lines)
