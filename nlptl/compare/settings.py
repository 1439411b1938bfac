"""What differs between runs, leaf by leaf: recipe, seed, data, checkpoint, versions, code, machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nlptl.compare.opening import Run

ABSENT = "absent"
PLUMBING = ("name", "machine", "nlptl")
SECTIONS = ("recipe", "seed", "data", "checkpoint", "versions", "code", "machine")


@dataclass(frozen=True)
class Leaf:
    """One place where runs differ; `values` is run -> value, "absent" where it has none."""

    section: str
    path: str
    values: Mapping[str, Any]


def differing(runs: Sequence[Run]) -> list[Leaf]:
    """Give every leaf in which the runs are not all alike, in the order of SECTIONS."""
    views = {run.letter: sections(run) for run in runs}
    found = []
    for section in SECTIONS:
        paths = dict.fromkeys(path for view in views.values() for path in view[section])
        for path in paths:
            values = {letter: view[section].get(path, ABSENT) for letter, view in views.items()}
            if len({json.dumps(value, sort_keys=True, default=str) for value in values.values()}) > 1:
                found.append(Leaf(section, path, values))
    return found


def sections(run: Run) -> dict[str, dict[str, Any]]:
    """Give all that is written down of a run as section -> path -> leaf."""
    plumbing = {key: run.recipe[key] for key in PLUMBING if key in run.recipe}
    root = run.recipe.get("data", {}).get("root")
    environment = run.environment
    around = {key: value for key, value in environment.items() if key not in ("versions", "git", "python")}
    return {
        "recipe": dict(leaves(experiment(run))),
        "seed": {"seed": run.report["seed"]},
        "data": {
            "card": run.data["card"],
            "sha256": run.data["sha256"],
            **dict(leaves({"rows": run.data.get("rows", {}), "training rows": run.report["rows"].get("train")})),
            **{f"ids of {name}": _ids(one.lines) for name, one in run.sets.items()},
        },
        "checkpoint": {"sha256": run.data["checkpoint"]["sha256"]},
        "versions": {"python": environment.get("python"), **environment.get("versions", {})},
        "code": dict(leaves({"git": environment.get("git")})),
        "machine": {
            **dict(leaves({**plumbing, "data": {"root": root}})),
            **dict(leaves(around)),
            "processes": run.report["training"].get("processes"),
        },
    }


def science(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Give the part of a recipe, as plain data, that can change its numbers; `nlptl.recipe.science` of one that need
    not be valid here.
    """
    tree = {key: value for key, value in recipe.items() if key not in (*PLUMBING, "seeds")}
    if isinstance(tree.get("data"), Mapping):
        tree["data"] = {key: value for key, value in tree["data"].items() if key != "root"}
    return tree


def experiment(run: Run) -> dict[str, Any]:
    """Give what `science` gives, and with which other tasks the run was trained together, if it was."""
    mixed = run.report.get("mixed")
    together = {key: mixed[key] for key in ("with", "temperature") if key in mixed} if mixed else {}
    return science(run.recipe) | ({"trained together": together} if together else {})


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield path -> leaf, as `tuning[0].kind`; a list of plain values is one leaf."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list) and any(isinstance(item, Mapping | list) for item in tree):
        for number, value in enumerate(tree):
            yield from leaves(value, f"{path}[{number}]")
    else:
        yield path, tree


def _ids(ids: Mapping[str, Any]) -> str:
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(ids)).encode("utf-8", "surrogatepass")).hexdigest()
