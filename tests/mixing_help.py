"""Tiny mixtures for tests: made worlds, trained together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import plans_help
import tiny

WORLDS = {"classification": "topics", "qa": "questions", "parsing": "commands", "language": "topics"}


def inputs(folder: Path, checkpoint: Path, name: str, **changes: Any) -> Any:
    """Read an entry: `task` its kind, `rows` of training, `source` of the card, else keys of the recipe's `train`."""
    from nlptl import prepare
    from nlptl.checks import check

    folder.mkdir(parents=True, exist_ok=True)
    kind, tuning = changes.pop("task", "classification"), changes.pop("tuning", [{"kind": "full"}])
    source = {"world": WORLDS[kind], **changes.pop("source", {})}
    section = plans_help.task(kind) | changes.pop("settings", {})
    if kind == "parsing" and changes.pop("generates", False):
        section.pop("decoder")
    changes.pop("generates", None)
    tree = tiny.recipe_tree(checkpoint, tiny.write_card(folder, f"card_{name}", **source))
    tree |= {"name": name, "task": section, "tuning": tuning}
    tree["machine"] = tree["machine"] | changes.pop("machine", {})
    tree["train"] = tree["train"] | changes
    return prepare.gather(check(tiny.write_recipe(folder / f"{name}.yaml", tree)))


def mixture(entries: Mapping[str, Any], temperature: float = 1.0) -> Any:
    """Give the mixture."""
    from nlptl import mixing

    return mixing.Mixture("joint", dict(entries), temperature)


def plan(folder: Path, checkpoint: Path, **changes: Any) -> Path:
    """Write a plan whose second stage mixes the first's task with another; `changes` are keys of that stage."""
    path = plans_help.write(folder, checkpoint)
    mixed = {
        "name": "joint", "temperature": 2, "start": "a", "take": "body",
        "mix": [{"name": "a", "recipe": "first.yaml", "take": "all"}, {"name": "b", "recipe": "second.yaml"}],
    } | changes  # fmt: skip
    stages = [{"name": "a", "recipe": "first.yaml"}, {key: one for key, one in mixed.items() if one is not None}]
    tree = {"kind": "stages", "name": "tiny", "seeds": [13], "control": "from_scratch", "stages": stages}
    assert path == plans_help.save(folder, tree)
    return path
