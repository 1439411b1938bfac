"""The rows that are wrong, those of which the model was surest first: with their texts, answers in their context, and
queries beside their rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nlptl import artifacts, pages
from nlptl.report.examples import Example, joined
from nlptl.report.facts import Facts, Made, Scored
from nlptl.report.tables import Column, Table, long_text, points

PERCENT = "\N{NO-BREAK SPACE}%"
WORST = 20
AROUND = 120
"""Signs of a context that are shown on either side of an answer."""
ROWS = 3
"""Rows of a query's result that are shown."""


def errors(facts: Facts, one: Scored) -> Made:
    """Give the wrong rows of which the model was surest, with their texts."""
    if foreseen := _foreseen(one):
        return _least(facts, one, foreseen)
    wrong = sorted((row for row in one.rows if not row.right), key=lambda row: (-row.mistake[0], row.id))
    if not wrong:
        return Made([f"No row of {one.name} is wrong."])
    columns = [
        Column("id", "row"), Column("gold", "gold"), Column("predicted", "predicted"),
        Column("mistake", "surest mistake"), Column("sureness", "how sure", "points"), Column("text", "text", "long"),
    ]  # fmt: skip
    rows = [
        [row.id, ", ".join(row.gold), ", ".join(row.said), row.mistake[1], row.mistake[0],
         _text(one, row)]
        for row in wrong[:WORST]
    ]  # fmt: skip
    table = Table(f"errors-{one.name}", f"The surest errors of {one.name}", columns, rows)
    sure = "These are those of which the model was surest: look here for wrong gold first."
    first = sure if wrong[0].chances else f"These are the first {len(rows)}." if len(wrong) > len(rows) else ""
    intro = f"{len(wrong):,} of {len(one.rows):,} rows are wrong. {first}".strip()
    parts: list[pages.Content] = [intro]
    if facts.no_texts:
        parts.append(pages.note(f"The texts are not shown: {facts.no_texts}"))
    shown = [_error(row, _text(one, row)) + _evidence(one, row) for row in wrong[:WORST]]
    return Made([*parts, pages.items(shown, kind="cards")], [table])


def _foreseen(one: Scored) -> dict[str, float]:
    """Give the perplexity of each row where texts are their own gold; nothing elsewhere."""
    if "perplexity" not in one.said["metrics"]:
        return {}
    numbers = {row.id: row.said[0] for row in one.rows if row.said}
    return {row_id: float(said) for row_id, said in numbers.items() if said.replace(".", "").isdigit()}


def _least(facts: Facts, one: Scored, foreseen: Mapping[str, float]) -> Made:
    """Give the texts that were foreseen least: those with the largest perplexity."""
    ordered = sorted((row for row in one.rows if row.id in foreseen), key=lambda row: (-foreseen[row.id], row.id))
    columns = [Column("id", "row"), Column("perplexity", "perplexity", "number"), Column("text", "text", "long")]
    rows = [[row.id, foreseen[row.id], _text(one, row)] for row in ordered[:WORST]]
    table = Table(f"errors-{one.name}", f"The texts of {one.name} that were foreseen least", columns, rows)
    hidden = [pages.note(f"The texts are not shown: {facts.no_texts}")] if facts.no_texts else []
    return Made([*hidden, table.html()], [table])


def _error(row: Example, text: str | None) -> pages.Markup:
    """Show a wrong row: its text, its gold, what was predicted and how surely; with several labels, which mistake was
    the surest.
    """
    sure, name = row.mistake
    given = "given" if name in row.said else "missed"
    how = f"{points(sure)}{PERCENT}"
    last = f" ({name} {given}, {how})" if row.several else f" ({how})" if row.chances else ""
    labels = pages.Markup(
        '<p>gold <b>{}</b>, predicted <b>{}</b>{} <span class="quiet">row <code>{}</code></span></p>'
    ).format(pages.shown(_few(row.gold)), pages.shown(_few(row.said)), pages.shown(last), pages.shown(row.id))
    return labels if text is None else pages.Markup("<div>{}</div>").format(long_text(text)) + labels


def _text(one: Scored, row: Example) -> str | None:
    return artifacts.redact(joined(one.texts[row.id])) if row.id in one.texts else None


def _few(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "none"


def _evidence(one: Scored, row: Example) -> pages.Markup:
    """Show the predicted answer where it stands in its context, and what a predicted query gives."""
    parts = [_in_context(one, row)] if row.span is not None else []
    if row.result is not None:
        parts.append(_result(row.result))
    return pages.Markup("").join(parts)


def _in_context(one: Scored, row: Example) -> pages.Markup:
    context = next((text for name, text in one.texts.get(row.id, ()) if name == "context"), None)
    if context is None or row.span is None:
        return pages.Markup("")
    start, end = row.span
    before = ("…" if start > AROUND else "") + context[max(0, start - AROUND) : start]
    after = context[end : end + AROUND] + ("…" if end + AROUND < len(context) else "")
    shown = [pages.shown(artifacts.redact(part)) for part in (before, context[start:end], after)]
    return pages.Markup('<p class="quiet">predicted there: {}<mark>{}</mark>{}</p>').format(*shown)


def _result(result: Any) -> pages.Markup:
    """Give the first rows of what a query gave, or why it gave none."""
    if result["fate"] != "rows":
        why = f": {result['message']}" if result.get("message") else ""
        return pages.Markup('<p class="quiet">{}{}</p>').format(result["fate"], pages.shown(artifacts.redact(why)))
    cells = ["; ".join("NULL" if value is None else str(value) for value in line) for line in result["rows"][:ROWS]]
    count = f"{result['count']:,} row{'' if result['count'] == 1 else 's'}"
    more = " …" if result["count"] > ROWS else ""
    listed = pages.shown(artifacts.redact(" | ".join(cells) + more))
    return pages.Markup('<p class="quiet">it gives {}: {}</p>').format(count, listed)
