"""What the recipes of a mixture must have in common: there is one body, and one optimizer moves it. No torch here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nlptl.checks import Checked
from nlptl.errors import Problem
from nlptl.plans import Mixed, Plan
from nlptl.recipe import Recipe
from nlptl.strict import Read
from nlptl.tuning import Tuning

SHARED = (
    "learning_rate", "schedule", "warmup", "weight_decay", "clip", "precision", "evaluate_every", "patience",
)  # fmt: skip
"""Keys of `train` that are of the optimizer, of which there is one, or of the run; the others are each task's own."""


def problems(found: Read[Plan], mixed: Mixed, recipes: Mapping[str, Checked]) -> Iterator[Problem]:
    """Yield what keeps recipes from being trained together, at the entry that differs from the first."""
    plans = {name: recipes[step].recipe for name, step in mixed.members.items()}
    (first, held), *others = plans.items()
    for kind in held.tuning:
        if why := _alone(kind):
            yield found.problem(mixed.path, f"tuning '{kind.kind}' cannot be mixed: {why}", "take another tuning")
    if any(plan.data.target is not None for plan in plans.values()):
        yield found.problem(mixed.path, "texts of another domain (data.target) cannot be mixed in", "leave them out")
    for place, (name, plan) in enumerate(others, 1):
        path = (*mixed.path, "mix", place)
        for key, ours, theirs in _differing(held, plan):
            sides = f"{key} is {_told(theirs)} in '{name}', {_told(ours)} in '{first}'"
            what = f"{sides}: there is one for all of a mixture"
            yield found.problem(path, what, f"write `set: {{{key}: …}}` beside `mix`")
        if mixed.heads == "one" and (why := _two_tasks(recipes[mixed.members[first]], recipes[mixed.members[name]])):
            what = f"heads: one, but {why} of '{name}' are not those of '{first}'"
            yield found.problem(path, what, "write heads: each")


def _differing(first: Recipe, other: Recipe) -> Iterator[tuple[str, Any, Any]]:
    """Yield key, value and value of what must be the same and is not."""
    if first.model.checkpoint != other.model.checkpoint:
        yield "model.checkpoint", first.model.checkpoint, other.model.checkpoint
    if first.tuning != other.tuning:
        ours, theirs = ([one.model_dump(mode="json") for one in each.tuning] for each in (first, other))
        yield "tuning", ours, theirs
    for key in SHARED:
        if getattr(first.train, key) != getattr(other.train, key):
            yield f"train.{key}", getattr(first.train, key), getattr(other.train, key)
    if (first.train.select == "last") != (other.train.select == "last"):
        yield "train.select", first.train.select, other.train.select


def _two_tasks(first: Checked, other: Checked) -> str:
    """Say what keeps two recipes from having one head; nothing where they may."""
    if first.recipe.task != other.recipe.task:
        return "the settings of `task`"
    return "" if set(first.card.labels) == set(other.card.labels) else "the labels"


def _alone(kind: Tuning) -> str:
    """Say why a tuning cannot be shared by several heads; nothing where it can."""
    if kind.kind == "auto":
        return "what it takes suits one task, and the tasks share one"
    if kind.aligns:
        return "its target texts are of one task"
    if kind.remembers:
        return "what it keeps of the weights is of one task's steps"
    if type(kind).phases is not Tuning.phases:
        return "its phases are of one task's steps"
    return ""


def _told(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
