"""Tables: plain ones, and counts as a heat table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from nlptl.pages.markup import Content, Markup, attribute, escape, join, plain

Cell = str | int | float | None
"""A text (escaped unless Markup), a number (an int with thousands set apart, a float as Python writes it), or
nothing.
"""
NOTHING = "\N{EN DASH}"
_NUMBER = re.compile(r"[<+\-\u2212]?\d[\d,.]*( |$)")
LEVELS = (0.0, 0.05, 0.25, 0.6)
"""Shares of a row from which a cell has heat 1, 2, 3 and 4."""
POINTS = (0.5, 2.0, 5.0, 10.0)
"""The same for gains and losses in points."""


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    caption: str,
    *,
    marks: Mapping[int, Literal["low", "high"]] | None = None,
    wide: Sequence[int] = (),
) -> Markup:
    """Give a table whose first column heads its rows. Columns of numbers (or of texts that begin with a digit, such as
    "86.4 (84.1 to 88.5)") stand to the right; `wide` ones hold long texts; `marks` colours rows by their number, and
    a cell of such a row must say the same in words.
    """
    for row in rows:
        assert len(row) == len(head), f"{caption}: a row of {len(row)} cells below {len(head)} titles"
    right = {column for column in range(1, len(head)) if column not in wide and _numeric([row[column] for row in rows])}
    classes = {column: ' class="n"' for column in right} | {column: ' class="w"' for column in wide}
    titles = join(
        Markup('<th scope="col"{}>{}</th>').format(Markup(classes.get(number, "")), plain(title))
        for number, title in enumerate(head)
    )
    lines = []
    for number, row in enumerate(rows):
        cells = join(_cell(column, cell, Markup(classes.get(column, ""))) for column, cell in enumerate(row))
        kind = (marks or {}).get(number)
        opening = Markup('<tr class="{}">').format(kind) if kind else Markup("<tr>")
        lines.append(opening + cells + Markup("</tr>"))
    return _framed(caption, Markup("<thead><tr>{}</tr></thead><tbody>{}</tbody>").format(titles, join(lines)), "")


def matrix(
    labels: Sequence[str],
    counts: Sequence[Sequence[int]],
    caption: str,
    *,
    down: str = "gold",
    across: str = "predicted",
) -> Markup:
    """Give counts as a heat table: colour by the share of the row, the diagonal apart from the rest."""
    titles = join(Markup('<th scope="col" class="n">{}</th>').format(plain(label)) for label in labels)
    corner = Markup('<th scope="col">{}</th>').format(f"{down} ↓ {across} →")
    lines = []
    for number, (label, line) in enumerate(zip(labels, counts, strict=True)):
        whole = sum(line) or 1
        cells = join(
            Markup('<td class="{}">{}</td>').format(_heat(count, whole, number == column), f"{count:,}")
            for column, count in enumerate(line)
        )
        lines.append(Markup('<tr><th scope="row">{}</th>{}</tr>').format(plain(label), cells))
    body = Markup("<thead><tr>{}{}</tr></thead><tbody>{}</tbody>").format(corner, titles, join(lines))
    return _framed(caption, body, "heat")


def gains(
    down: Sequence[str],
    across: Sequence[str],
    values: Sequence[Sequence[tuple[float, str] | None]],
    caption: str,
    *,
    corner: str,
) -> Markup:
    """Give signed points, each with its text, as a heat table: one colour for gains, another for losses."""
    titles = join(Markup('<th scope="col" class="n">{}</th>').format(plain(name)) for name in across)
    lines = []
    for name, line in zip(down, values, strict=True):
        cells = join(
            Markup('<td class="{}">{}</td>').format(_sign(one[0]) if one else "z", plain(one[1]) if one else NOTHING)
            for one in line
        )
        lines.append(Markup('<tr><th scope="row">{}</th>{}</tr>').format(plain(name), cells))
    head = Markup("<thead><tr><th scope=\"col\">{}</th>{}</tr></thead>").format(plain(corner), titles)
    return _framed(caption, Markup("{}<tbody>{}</tbody>").format(head, join(lines)), "heat")


def _framed(caption: str, body: Markup, kind: str) -> Markup:
    # A region that can be scrolled must be reached with the keyboard.
    opening = Markup('<table class="{}">').format(kind) if kind else Markup("<table>")
    return Markup(
        '<div class="scroll" role="group" tabindex="0" aria-label={}>{}<caption>{}</caption>{}</table></div>'
    ).format(attribute(caption), opening, plain(caption), body)


def _cell(column: int, cell: Cell, kind: Markup) -> Markup:
    if column == 0:
        return Markup('<th scope="row"{}>{}</th>').format(kind, _breakable(_shown(cell)))
    return Markup("<td{}>{}</td>").format(kind, _shown(cell))


def _breakable(text: Content) -> Content:
    """Let a long name of words with underscores break between them."""
    return text if isinstance(text, Markup) else Markup(str(escape(text)).replace("_", "_<wbr>"))


def _shown(cell: Cell) -> Content:
    if cell is None:
        return NOTHING
    if isinstance(cell, int):
        return f"{cell:,}"
    return plain(cell) if isinstance(cell, str) else repr(cell)


def _numeric(cells: Sequence[Cell]) -> bool:
    """Tell whether every cell that says something is a number or begins like one."""
    said = [cell for cell in cells if cell not in (None, "", NOTHING)]
    return bool(said) and all(not isinstance(cell, str) or _NUMBER.match(cell) for cell in said)


def _heat(count: int, whole: int, diagonal: bool) -> str:
    level = sum(count / whole > least for least in LEVELS)
    return f"{'r' if diagonal else 'w'}{level}" if level else "z"


def _sign(points: float) -> str:
    level = sum(abs(points) > least for least in POINTS)
    return f"{'r' if points > 0 else 'w'}{level}" if level else "z"
