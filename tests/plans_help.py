"""Tiny plans for tests: two made worlds, one after the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import contract.shelves as shelves
import tiny


def write(folder: Path, checkpoint: Path, *, seeds: tuple[int, ...] = (13, 14), **changes: Any) -> Path:
    """Write a plan with two recipes beside it; `changes` are keys of its second stage, None for none."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in (("first", {"seed": 1}), ("second", {"seed": 2, "classes": 4})):
        tree = tiny.recipe_tree(checkpoint, tiny.write_card(folder, f"card_{name}", **source)) | {"name": name}
        tiny.write_recipe(folder / f"{name}.yaml", tree)
    second = {"name": "b", "recipe": "second.yaml", "start": "a", "take": "body"} | changes
    stages = [{"name": "a", "recipe": "first.yaml"}, {key: one for key, one in second.items() if one is not None}]
    return save(
        folder, {"kind": "stages", "name": "tiny", "seeds": list(seeds), "control": "from_scratch", "stages": stages}
    )


def save(folder: Path, tree: dict[str, Any]) -> Path:
    """Write a plan, a key a line."""
    path = folder / "plan.yaml"
    path.write_text(json.dumps(tree, indent=1), encoding="utf-8")
    return path


def task(kind: str) -> dict[str, Any]:
    """Give the fewest settings of a task."""
    return shelves.least("tasks", kind)
