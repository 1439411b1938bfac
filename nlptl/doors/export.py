"""`nlptl export`: a run's model as a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nlptl.doors.options import AsJson


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A finished run's directory, or a model that it saved.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write; new, empty, or exported before.")],
    merge: Annotated[
        bool, typer.Option("--merge", help="Add what an adapter does to the weights: a plain checkpoint, without peft.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the model of a run to a folder of its own, and let a fresh process load it: it must answer as the run's
    own model does.
    """
    from nlptl import exporting, terminal

    with terminal.watch(quiet=as_json) as watch:
        found = exporting.export(run, folder, merge=merge, say=watch.say)
    if as_json:
        terminal.show_json({**asdict(found), "folder": str(found.folder)})
        return
    print("\n".join(exporting.told(found)))


COMMANDS: dict[str, Callable[..., None]] = {"export": export}
"""Name -> command."""
