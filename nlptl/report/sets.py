"""What there is to see in one scored set: labels, confusions, calibration, slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from nlptl import metrics, pages
from nlptl.report import calibration
from nlptl.report.facts import Facts, Made, Scored
from nlptl.report.slices import LEAST, Slice, by_label, slices
from nlptl.report.tables import Column, Table, between, points

SMALL = 12
"""Labels up to which the whole confusion matrix stands on the page; of more, the most confused pairs."""
PAIRS, WEAKEST = 20, 15


def labels(one: Scored) -> Made:
    """Give precision, recall and F1 of each label; of many, the weakest first."""
    by = one.said["tables"].get("by_label")
    if not by:
        return Made()
    table = label_table(one)
    parts: list[pages.Content] = []
    if len(table.rows) > WEAKEST:
        parts += [
            f"The {WEAKEST} labels of the lowest F1:", table.html(WEAKEST),
            pages.details(f"All {len(table.rows)} labels", table.html()),
        ]  # fmt: skip
    else:
        parts.append(table.html())
    return Made([*parts, _chance(len(table.rows))], [table])


def label_table(one: Scored) -> Table:
    """Give each label's scores, the share that was found with its interval and held against the other labels."""
    by = one.said["tables"]["by_label"]
    found = {part.name: part for part in by_label(one.rows, list(by))}
    names = list(by) if len(by) <= WEAKEST else sorted(by, key=lambda name: (by[name]["f1"], name))
    rows: list[list[Any]] = []
    marks: dict[int, Literal["low", "high"]] = {}
    for number, name in enumerate(names):
        part = found.get(name)
        score = (part.score.low, part.score.high) if part else None
        values = by[name]
        rows.append(
            [name, values["support"], values["recall"] if part else None, score, values["precision"], values["f1"],
             _against(part)]
        )  # fmt: skip
        if part and part.mark:
            marks[number] = part.mark
    columns = [
        Column("label", "label"), Column("rows", "rows", "count"), Column("found", "found (recall)", "points"),
        Column("found_interval", "95 % interval", "range"), Column("precision", "precision", "points"),
        Column("f1", "F1", "points"), Column("against", "against the others"),
    ]  # fmt: skip
    return Table(f"labels-{one.name}", f"Labels of {one.name}", columns, rows, marks)


def confusions(one: Scored) -> Made:
    """Give the confusion matrix, or of many labels, and where a row has several, the most confused pairs."""
    tables = one.said["tables"]
    names = tables.get("labels", ())
    if not names:
        return Made()
    pairs = pair_table(one)
    matrix: Sequence[Sequence[int]] = tables.get("confusion", ())
    parts: list[pages.Content] = []
    if matrix and len(names) <= SMALL:
        parts.append(pages.matrix(names, matrix, f"Rows of {one.name} by gold and predicted label"))
    if pairs.rows:
        parts.append(pairs.html(PAIRS if len(names) > SMALL or not matrix else 5))
    else:
        parts.append("No label was taken for another.")
    found = [pairs]
    if matrix:
        columns = [Column("gold", "gold"), *(Column(name, name, "count") for name in names)]
        lines = [[name, *line] for name, line in zip(names, matrix, strict=True)]
        found.append(Table(f"confusion-{one.name}", f"Rows of {one.name} by gold and predicted label", columns, lines))
    return Made(parts, found)


def pair_table(one: Scored) -> Table:
    """Count how often a label that was missed met one that was given wrongly."""
    counts = Counter(
        (gold, said)
        for row in one.rows
        for gold in row.gold
        if gold not in row.said
        for said in row.said
        if said not in row.gold
    )
    whole = Counter(name for row in one.rows for name in row.gold)
    rows = [
        [gold, said, times, times / whole[gold]]
        for (gold, said), times in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    columns = [
        Column("gold", "gold"), Column("predicted", "taken for"), Column("rows", "rows", "count"),
        Column("share", "of 100 rows of that label", "points"),
    ]  # fmt: skip
    return Table(f"confused-{one.name}", f"Labels that were taken for others most often ({one.name})", columns, rows)


def reliability(facts: Facts, one: Scored) -> Made:
    """Give the reliability diagram, the histogram of probabilities, and what a temperature would change."""
    chances, right = calibration.decisions(one.rows)
    if not chances:
        return Made()
    bins = calibration.bins(chances, right)
    table = _bin_table(one, bins)
    error = metrics.calibration_error(chances, right)
    interval = one.said["intervals"].get("calibration_error")
    sure, good = sum(chances) / len(chances), sum(right) / len(right)
    what = "the label was there" if one.rows[0].several else "it was right"
    beyond = "surer than it should be" if sure > good else "less sure than it could be"
    beyond = "as sure as it should be" if points(sure) == points(good) else beyond
    text = (
        f"Calibration error {points(error)}{f' ({between(*interval)})' if interval else ''}: the mean distance between "
        f"probability and outcome, over bins. The mean probability is {points(sure)}, and {what} in {points(good)} of "
        f"100 {'decisions' if one.rows[0].several else 'rows'}: on the whole the model is {beyond}."
    )
    edges = [item.low for item in bins] + [1.0]
    charts = [
        pages.reliability(f"Reliability on {one.name}", bins),
        pages.histogram("How sure it is", edges, [item.count for item in bins], x="probability", y="decisions"),
    ]
    parts: list[pages.Content] = [text, pages.beside(*charts), pages.details("The bins", table.html())]
    cooled = _cooled(facts, one, error)
    return Made([*parts[:1], *cooled, *parts[1:]], [table])


def _bin_table(one: Scored, bins: Sequence[pages.Bin]) -> Table:
    columns = [
        Column("from", "from", "points"), Column("to", "to", "points"), Column("decisions", "decisions", "count"),
        Column("probability", "mean probability", "points"), Column("right", "came true", "points"),
        Column("interval", "95 % interval", "range"),
    ]  # fmt: skip
    rows = [
        [item.low, item.high, item.count, item.confidence, item.right, (item.right_low, item.right_high)]
        for item in bins
        if item.count
    ]
    return Table(f"reliability-{one.name}", f"Decisions of {one.name} by their probability", columns, rows)


def _cooled(facts: Facts, one: Scored, before: float) -> list[pages.Content]:
    """Say what dividing the logits by the temperature that suits the selecting split would do to the error."""
    best = calibration.temperature(facts.selection) if facts.selection else None
    if best is None:
        return []
    again = []
    for row in one.rows:
        chances = calibration.cooled(row.chances, best, several=row.several)
        again += list(chances.values()) if row.several else [chances[row.said[0]]]
    after = metrics.calibration_error(again, calibration.decisions(one.rows)[1])
    return [
        f"Logits divided by {best:.2f}, the temperature that suits {facts.report['selected_on']} best, would change "
        f"the calibration error from {points(before)} to {points(after)}. The predictions of this run are as they were."
    ]


def parts_of(one: Scored) -> Made:
    """Give the slices by language, length and whether training saw the row."""
    found = slices(one.rows)
    if not found:
        return Made(["There is nothing to cut this set by."])
    rows = [
        [
            part.name,
            part.kind,
            part.score.n,
            part.score.value,
            (part.score.low, part.score.high),
            _against(part),
        ]
        for part in found
    ]
    marks = {number: part.mark for number, part in enumerate(found) if part.mark}
    columns = [
        Column("slice", "rows that are"), Column("by", "by"), Column("rows", "rows", "count"),
        Column("right", "right", "points"), Column("interval", "95 % interval", "range"),
        Column("against", "against the rest"),
    ]  # fmt: skip
    whole = "A row counts as right when all its labels are. " if one.rows[0].several else ""
    table = Table(f"slices-{one.name}", f"Share of rows that are right ({one.name})", columns, rows, marks)
    return Made(
        [whole + "Length is counted in tokens, before a text is cut.", table.html(), _chance(len(rows))], [table]
    )


def _against(part: Slice | None) -> str:
    if part is None or part.rest is None:
        return "no rows"
    if min(part.score.n, part.rest.n) < LEAST:
        return "too few rows to tell"
    words = {"low": "below", "high": "above", None: "cannot be told apart"}[part.mark]
    return f"{words} ({points(part.rest.value)})"


def _chance(count: int) -> pages.Markup:
    return pages.paragraph(
        "Coloured rows differ from the rest beyond the 95 % interval of the difference. One in twenty that "
        f"do not differ is coloured by chance; there are {count} here.",
        kind="quiet",
    )
