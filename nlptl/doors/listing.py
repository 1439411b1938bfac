"""`nlptl ls`: the runs of a folder, and the checkpoints at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nlptl.doors.options import AsJson, Offline
from nlptl.errors import BadInput, Problem

if TYPE_CHECKING:
    from nlptl.at_hand import Listed

MODELS = "models"


def ls(
    folders: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FOLDER",
            help="A folder of runs. Or the word models, then folders with checkpoints of your own.",
        ),
    ] = None,
    hub: Annotated[
        str | None, typer.Option(metavar="QUERY", help="With models: ask the hub for names with this in them.")
    ] = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """List the runs of a folder with their scores, or, with the word models, the checkpoints at hand: what they are,
    size, languages, licence, and whether they are here.
    """
    named = folders or ["runs"]
    if named[0] == MODELS:
        _models([Path(name) for name in named[1:]], hub, offline, as_json)
    elif hub is not None or len(named) > 1:
        what = "--hub goes with the word models" if hub is not None else f"{len(named)} folders"
        raise BadInput("ls", Problem(what, fix="write nlptl ls FOLDER, or nlptl ls models [FOLDER]... --hub QUERY"))
    else:
        _runs(Path(named[0]), as_json)


def _runs(folder: Path, as_json: bool) -> None:
    """Print the runs below a folder: finished ones with their scores, the others with how far they are; of a run that
    trained several tasks together each of them.
    """
    from nlptl.terminal import say, show_json, table

    if not folder.is_dir() and folder != Path("runs"):
        raise BadInput(str(folder), Problem("there is no such folder", fix="name one that holds run directories"))
    here = sorted(folder.iterdir()) if folder.is_dir() else []
    below = [one for directory in here for one in (directory, *(directory / name for name in _tasks(directory)))]
    found = [_run_record(directory) for directory in below if (directory / "recipe.yaml").is_file()]
    if as_json:
        show_json(found)
    elif not found:
        say(f"no runs in {folder}")
    else:
        head = ["run", "state", "set", "metric", "score"]
        print(table(head, [["" if one[key] is None else str(one[key]) for key in head] for one in found]))


def _tasks(directory: Path) -> list[str]:
    """Name the tasks that a run trained together; none where it cannot be known."""
    from nlptl import mixtures

    try:
        return mixtures.names_of(directory)
    except BadInput:
        return []


def _run_record(directory: Path) -> dict[str, Any]:
    from nlptl import mixtures, report

    name = mixtures.name_of(directory)
    found: dict[str, Any] = {"run": name, "state": "finished", "set": None, "metric": None, "score": None}
    try:
        done = report.finished(directory)
    except BadInput:
        return found | {"state": "damaged"}
    if done is None:
        holder = directory.parent if mixtures.names_of(directory.parent) else directory
        latest = holder / "checkpoints" / "latest"
        step = latest.read_text(encoding="utf-8").strip().removeprefix("step-") if latest.is_file() else "0"
        return found | {"state": f"at step {int(step)}" if step.isdigit() else "damaged"}
    one = done["evaluation"][0]
    name = next(iter(one["metrics"]))
    return found | {"set": one["split"], "metric": name, "score": round(one["metrics"][name], 4)}


def _models(folders: Sequence[Path], hub: str | None, offline: bool, as_json: bool) -> None:
    from dataclasses import asdict

    from nlptl import archives, at_hand, terminal

    here = [*at_hand.packaged(), *at_hand.directories(folders), *at_hand.from_hub_cache()]
    if not as_json:
        print(_laid(here), flush=True)
    offered: list[Listed] | None = None
    problem: str | None = None
    forbidden = archives.is_offline(offline)
    if hub is not None and forbidden:
        problem = "the hub is not asked: the network is forbidden (--offline, NLPTL_OFFLINE or HF_HUB_OFFLINE)"
    elif hub is not None:
        terminal.say("asking the hub")
        try:
            offered = at_hand.on_hub(hub)
        except BadInput as fault:
            problem = f"{fault.subject} {fault.problems[0]}"
    if as_json:
        found: dict[str, object] = {"here": [asdict(one) for one in here]}
        if hub is not None:
            found |= {"hub": None if offered is None else [asdict(one) for one in offered], "problem": problem}
        terminal.show_json(found)
    elif offered is not None:
        print(f"\n{_laid(offered)}" if offered else f"\nthe hub has none whose name has {hub!r}")
    if problem is not None:
        terminal.say(problem)
        if not forbidden:
            raise typer.Exit(BadInput.exit_code)


def _laid(found: Sequence[Listed]) -> str:
    from nlptl import terminal

    head = ["checkpoint", "kind", "M parameters", "MB", "languages", "licence", "here"]
    lines = [
        [one.checkpoint, " ".join(filter(None, (one.family, one.architecture))) or "?", _millions(one.parameters),
         _millions(one.bytes), _few(one.languages), one.licence or "?", one.here]
        for one in found
    ]  # fmt: skip
    return terminal.table(head, lines)


def _millions(count: int | None) -> str:
    return "?" if count is None else f"{count / 1e6:,.1f}"


def _few(languages: Sequence[str]) -> str:
    if len(languages) > 3:
        return f"{', '.join(languages[:2])} and {len(languages) - 2} more"
    return ", ".join("many" if one == "mul" else one for one in languages) or "?"


COMMANDS: dict[str, Callable[..., None]] = {"ls": ls}
"""Name -> command."""
