"""`nlptl data` and `nlptl cards`: what is in a data set, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nlptl.doors.options import AsJson, Offline

if TYPE_CHECKING:
    from nlptl.inspection import Finding, Table

SHOWN = 5
"""Rows of a finding that the terminal shows."""
LINES = 30
"""Lines of a table that the terminal shows."""
WIDE, LICENCE = 60, 40
"""Signs of a long cell that the terminal shows; `--json` gives all."""


def data(
    card: Annotated[str, typer.Argument(metavar="CARD", help="A card's name, or the path of one.")],
    checkpoint: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose tokens are counted; absent: those of the shipped one.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="The window; absent: the longest that the checkpoint has.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the page, CSV and JSON into this folder.")] = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Say what should be known of a data set before training. Sizes, labels, lengths, copies, faults with their rows,
    and what can be scored without a checkpoint.
    """
    from nlptl import artifacts, look, terminal
    from nlptl.look import files

    if out is not None:
        artifacts.check_place(out)
    found = look.look(card, checkpoint=checkpoint, max_tokens=max_tokens, offline=offline, say=terminal.say)
    if as_json:
        terminal.show_json(found.record())
    else:
        print(f"{found.card.name}: {found.card.title}\n")
        for table in found.tables:
            print(f"{table.title}\n{_laid(table)}\n")
        for remark in found.remarks:
            print(remark)
        print(_told(found.findings))
    if out is not None:
        terminal.say(f"page: {files.write(found, out)}")


def cards(as_json: AsJson = False) -> None:
    """List the cards at hand. Those of ./data_cards and the shipped ones: task, languages, rows, licence, and whether
    the data lie here.
    """
    from dataclasses import asdict

    from nlptl import terminal
    from nlptl.look import listing

    found = listing.listed()
    if as_json:
        terminal.show_json([asdict(one) for one in found])
        return
    head = ["card", "task", "languages", "rows", "here", "licence"]
    lines = [
        [one.card, ", ".join(one.tasks), _few(one.languages), f"{one.rows:,}" if one.rows is not None else "?",
         _short(one.here, WIDE), _short(one.licence, LICENCE)]
        for one in found
    ]  # fmt: skip
    print(terminal.table(head, lines, left=(1, 2, 4, 5)))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _few(languages: Sequence[str]) -> str:
    return ", ".join(languages) if len(languages) <= 3 else f"{', '.join(languages[:2])} and {len(languages) - 2} more"


def _laid(table: Table) -> str:
    from nlptl import terminal

    lines = [["-" if cell is None else _cell(cell) for cell in row] for row in table.rows[:LINES]]
    more = [f"and {len(table.rows) - LINES} more; --out or --json gives all"] if len(table.rows) > LINES else []
    words = [column for column in range(len(table.head)) if any(isinstance(row[column], str) for row in table.rows)]
    return "\n".join([terminal.table(table.head, lines, left=words), *more, *table.remarks])


def _cell(cell: str | int | float) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _told(findings: Sequence[Finding]) -> str:
    """Tell the findings one below the other, faults first, with some of their rows."""
    if not findings:
        return "\nnothing was found"
    from nlptl.inspection import SEVERITIES

    counts = [(sum(one.severity == name for one in findings), name) for name in SEVERITIES]
    lines = ["", ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts)]
    for one in findings:
        lines += ["", f"{one.severity}: {one.kind}: {one.what}"]
        for row in one.rows[:SHOWN]:
            # The id tells the row; of a long place its end, with the line.
            place = row.place if len(row.place) <= WIDE // 2 else f"…{row.place[1 - WIDE // 2 :]}"
            lines.append(f"  {row.id} ({place}){': ' + row.note if row.note else ''}")
        lines += [f"  and {len(one.rows) - SHOWN:,} more"] if len(one.rows) > SHOWN else []
        lines.append(f"  -> {one.fix}")
    return "\n".join(lines)


COMMANDS: dict[str, Callable[..., None]] = {"data": data, "cards": cards}
"""Name -> command."""
