"""A run that trained several tasks together, as it lies on the disk: a folder for each, which is a run's directory
itself, and `mixture.json`, which names them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nlptl import artifacts
from nlptl.errors import BadInput, Problem, did_you_mean

MIXTURE = "mixture.json"


def read(run: str | Path) -> dict[str, Any] | None:
    """Give what a run that mixed tasks says of itself, None for any other place. Raises BadInput where that is damaged.
    """
    place = Path(run).expanduser() / MIXTURE
    if not place.is_file():
        return None
    found: dict[str, Any] = artifacts.read_json(place)
    try:
        names = [str(one["name"]) for one in found["entries"]]
    except (KeyError, TypeError):
        names = []
    if not names or any(Path(name).name != name for name in names):
        raise BadInput(str(place), Problem("names no task, or what is none", fix="run the plan again in a new --out"))
    return found


def names_of(run: str | Path) -> list[str]:
    """Name the tasks of a run that mixed several; none for any other place."""
    found = read(run)
    return [] if found is None else [one["name"] for one in found["entries"]]


def name_of(directory: Path) -> str:
    """Give the name of a run's directory; of a task of a mixture with that of the mixture before it."""
    inside = (directory.parent / MIXTURE).is_file()
    return f"{directory.parent.name}/{directory.name}" if inside else directory.name


def check_one(run: str | Path) -> None:
    """Refuse with BadInput a run of several tasks where one model is wanted."""
    if names := names_of(run):
        first = Path(run) / names[0]
        what = f"one model of {len(names)} tasks lies here: {', '.join(names)}"
        fix = f"name one, such as {first}; `nlptl predict` takes --task {names[0]}"
        raise BadInput(str(run), Problem(what, fix=fix))


def folder_of(run: str | Path, task: str | None) -> Path:
    """Give the directory of one task of a run; without `task` that of the run. Raises BadInput for a task that it has
    not, and for a run of several where none is named.
    """
    if task is None:
        check_one(run)
        return Path(run)
    names = names_of(run)
    if not names:
        raise BadInput(str(run), Problem("this is no run of several tasks", field="task", fix="leave --task away"))
    if task not in names:
        fix = did_you_mean(task, names)
        raise BadInput(str(run), Problem(f"has no task '{task}'; it has {', '.join(names)}", field="task", fix=fix))
    return Path(run).expanduser() / task
