"""`nlptl report`: the page of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from nlptl.doors.options import AsJson


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A finished run's directory, or a plan's.")],
    out: Annotated[Path | None, typer.Option(help="Write the page alone, to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the page and the tables of a finished run again. `run` wrote both at its end; the texts of the errors are
    read from the data anew.
    """
    from nlptl import mixtures, terminal
    from nlptl.mixing import page as of_mixture
    from nlptl.plan import page as of_plan
    from nlptl.report import make_again

    if (Path(run) / of_plan.PLAN).is_file():
        page = of_plan.write(Path(run), out)
    elif mixtures.names_of(run):
        page = of_mixture.write(Path(run), out)
    else:
        page = make_again(run, out)
    if as_json:
        terminal.show_json({"page": str(page)})
    else:
        print(page)


COMMANDS: dict[str, Callable[..., None]] = {"report": report}
"""Name -> command."""
