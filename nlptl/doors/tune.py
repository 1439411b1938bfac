"""`nlptl tune`: a search for settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nlptl.doors.options import AsJson, Offline, Out
from nlptl.errors import BadInput, Problem

if TYPE_CHECKING:
    from nlptl.search import Found

SHOWN = 10


def tune(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A file with a recipe, or a shipped one.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Overrides.")] = None,
    over: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH=LOW..HIGH", help="A range, or choices A,B,C. Absent: what is usually searched."),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Trials in all, those of an earlier call included.")] = 20,
    minutes: Annotated[float | None, typer.Option(min=0, help="Begin no trial that would end later.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the search; the runs have the recipe's first seed.")] = 0,
    out: Out = Path("runs"),
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Search settings of a recipe by trials on its training split, judged by its selecting split; the test split is
    not read. The best settings are written as a recipe, to be run.
    """
    import importlib.util

    if importlib.util.find_spec("optuna") is None:
        fix = "pip install 'nlptl[tune]'"
        raise BadInput("tune", Problem("optuna, which proposes the trials, is not installed", fix=fix))
    from nlptl import search, terminal

    with terminal.watch(quiet=False) as watch:
        found = search.search(
            recipe, overrides=overrides or (), space=search.read(over or ()), trials=trials, minutes=minutes,
            seed=seed, out=out, offline=offline, watch=watch,
        )  # fmt: skip
    if as_json:
        terminal.show_json(_record(found))
        return
    print("\n".join(_told(found)))


def _record(found: Found) -> dict[str, Any]:
    trials = [{**asdict(one), "score": one.score} for one in found.trials]
    best = None if found.best is None else found.best.number
    return {**asdict(found), "space": [str(one) for one in found.space], "trials": trials, "best": best}


def _told(found: Found) -> Iterator[str]:
    """Give the lines of a search: the best trials, and what may be said of them."""
    from nlptl import terminal

    paths = [one.path for one in found.space]
    ordered = sorted(found.trials, key=lambda one: (one.score is None, -(one.score or 0), one.number))
    rows = [
        [str(one.number + 1), *(_setting(one.settings[path]) for path in paths),
         "" if one.score is None else f"{one.score:.4f}", one.state, f"{one.seconds:.0f}"]
        for one in ordered[:SHOWN]
    ]  # fmt: skip
    yield terminal.table(["trial", *paths, f"{found.split} {found.metric}", "state", "seconds"], rows)
    if len(ordered) > SHOWN:
        yield f"and {len(ordered) - SHOWN} more in {found.directory / 'trials.jsonl'}"
    if found.best is None or found.recipe is None:
        yield "no trial was finished: there is no best recipe"
        return
    yield ""
    words = f"The best of {len(found.trials)} on {found.rows} rows: its score is optimistic, since it was chosen by it."
    if found.visible is not None:
        words += f" Trials less than {100 * found.visible:.1f} points below it cannot be told from it on so many rows."
    yield words
    yield f"recipe: {found.recipe}"
    yield f"run it, test split and all: nlptl run {found.recipe}"


def _setting(value: Any) -> str:
    """Give a setting as a recipe has it."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


COMMANDS: dict[str, Callable[..., None]] = {"tune": tune}
"""Name -> command."""
