"""`nlptl init`: from a file of one's own to a card and a recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nlptl.doors.options import AsJson

if TYPE_CHECKING:
    from nlptl.begin import Begun

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help="csv, tsv, jsonl, SQuAD json, a folder; also train=FILE dev=FILE test=FILE."),
]


def init(
    files: Files,
    dev: Annotated[list[str] | None, typer.Option(help="File that chooses the checkpoint.")] = None,
    test: Annotated[list[str] | None, typer.Option(help="File that is scored.")] = None,
    task: Annotated[str | None, typer.Option(help="classification or qa; absent: told by the file.")] = None,
    text: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of texts.")] = None,
    text_pair: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of second texts.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="The label; several times for columns of 0 and 1.")
    ] = None,
    separator: Annotated[str | None, typer.Option(help="What stands between several labels of a row.")] = None,
    bands: Annotated[str | None, typer.Option(help="Labels of ratings, such as negative=..2,positive=4..")] = None,
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="ISO 639-3, such as eng; und if unknown.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="tab, comma, semicolon or pipe.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Python's name of it, such as cp1252.")] = None,
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Does the first row name columns?")
    ] = None,
    checkpoint: Annotated[str | None, typer.Option(help="What the recipe starts from.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of card and recipe; absent: the file's.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for both.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Look at data of your own and write card and recipe. What is guessed is printed, and options overrule it."""
    from nlptl import terminal
    from nlptl.begin import Wishes, begin

    wishes = Wishes(
        task=task, text=text, text_pair=text_pair, label=tuple(label or ()), language=language, delimiter=delimiter,
        encoding=encoding, header=header, separator=separator, bands=bands, checkpoint=checkpoint, name=name, out=out,
    )  # fmt: skip
    begun = begin(files, dev or (), test or (), wishes, say=terminal.say)
    if as_json:
        terminal.show_json(begun.as_record())
        return
    _show(begun)


def _show(begun: Begun) -> None:
    from nlptl import terminal

    wide = max(len(one.what) for one in begun.guesses)
    for one in begun.guesses:
        option = f" [{one.option}]" if one.option else ""
        print(f"{one.what.ljust(wide)}  {one.value}: {one.reason}{option}")
    print(f"{'rows'.ljust(wide)}  " + ", ".join(f"{split} {count:,}" for split, count in begun.rows.items()))
    print(f"\ncard:   {begun.card}\nrecipe: {begun.recipe}\nnext:   nlptl run {begun.recipe}")
    for note in begun.notes:
        terminal.say(f"note: {note}")


COMMANDS: dict[str, Callable[..., None]] = {"init": init}
"""Name -> command."""
