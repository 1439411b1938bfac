"""The page of a card's data."""

from __future__ import annotations

from nlptl import pages
from nlptl.inspection import SEVERITIES, Finding, Table, sizes
from nlptl.inspection.finding import counted
from nlptl.look import ROWS, Looked
from nlptl.version import __version__

BARS = 40
"""Labels that are drawn; the table has all."""


def page(found: Looked) -> str:
    """Give the page: what was found, then every table with its chart."""
    by_name = {table.name: table for table in found.tables}
    sections = [pages.Section("What was found", _findings(found))]
    for table in found.tables:
        parts = [*_charts(found, table), pages.table(table.head, table.rows, table.title)]
        parts += [pages.paragraph(remark, kind="quiet") for remark in table.remarks]
        sections.append(pages.Section(table.title, parts))
    if found.card.faults:
        known = [f"{fault.what}: {fault.remedy}" for fault in found.card.faults]
        sections.append(pages.Section("What the card itself says is wrong", [pages.items(known)]))
    total = sum(int(row[1] or 0) for row in by_name["sizes"].rows)
    lead = f"{found.card.title}: {total:,} rows in {len(found.card.splits)} splits, {', '.join(found.card.languages)}."
    foot = f"Made by nlptl {__version__} with: nlptl data {found.card.name}"
    return pages.page(f"Data: {found.card.name}", sections, lead=pages.paragraph(lead, kind="lead"), foot=foot)


def _findings(found: Looked) -> list[pages.Content]:
    counts = {one: sum(finding.severity == one for finding in found.findings) for one in SEVERITIES}
    if not found.findings:
        parts: list[pages.Content] = [pages.note("Nothing was found.", "success")]
    else:
        said = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())
        parts = [
            pages.paragraph(f"{said}. A fault stops a run; a warning can make scores wrong; a note is good to know.")
        ]
    for finding in found.findings:
        text = pages.Markup("<b>{}: {}</b><br>{}.<br>What to do: {}.").format(
            finding.severity, finding.kind, finding.what, finding.fix
        )
        parts.append(pages.note(text, "info" if finding.severity == "note" else "warning"))
        if finding.rows:
            parts.append(_rows(finding))
    return [*parts, *(pages.paragraph(remark, kind="quiet") for remark in found.remarks)]


def _rows(finding: Finding) -> pages.Markup:
    shown = finding.rows[:ROWS]
    more = f", the first {ROWS}" if len(finding.rows) > ROWS else ""
    caption = f"{finding.kind}: {counted(len(finding.rows), 'row')}{more}"
    body = [[row.id, row.place, pages.shown(row.note, most=200)] for row in shown]
    return pages.details(counted(len(finding.rows), "row"), pages.table(["row", "place", "note"], body, caption))


def _charts(found: Looked, table: Table) -> list[pages.Content]:
    if table.name == "labels":
        column = len(table.head) - 2
        drawn = [pages.Bar(str(row[0]), float(row[column] or 0), f"{row[column]} %") for row in table.rows[:BARS]]
        return [pages.bars(f"Labels, {table.head[column]}", drawn)]
    if table.name == "lengths" and found.lengths is not None:
        split, tokens = next(iter(found.lengths.tokens.items()))
        if tokens:
            edges, counts = sizes.bins(tokens)
            limit = found.lengths.window if found.lengths.window <= edges[-1] else None
            return [pages.histogram(f"Tokens of the rows of {split}", edges, counts, x="tokens", limit=limit)]
    if table.name == "baselines":
        bars = [
            pages.Bar(str(row[0]), float(row[2] or 0), f"{row[2]}", float(row[3] or 0), float(row[4] or 0))
            for row in table.rows
        ]
        return [pages.bars(table.head[2], bars, top=1.0)]
    return []
