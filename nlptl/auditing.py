"""A model trained without augmentation says which copies it would give another label than their rows have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nlptl import saved, strict
from nlptl.augmenting import Copy
from nlptl.errors import BadInput, Problem
from nlptl.recipe import Recipe
from nlptl.statistics import wilson


@dataclass(frozen=True)
class Audited:
    """What a model says of the copies of one kind, those alone whose rows it gets right."""

    copies: int
    flipped: int
    """Copies that it gets wrong."""
    rows: int
    """Rows that these copies are of."""
    share: float
    """Of flipped copies: the mean over rows."""
    low: float
    high: float
    """Its 95 % interval by Wilson, with as many trials as rows: copies of one row are not independent."""
    left_out: int
    """Copies of rows that it gets wrong."""


def audit(run: str, plan: Recipe, copies: Sequence[Copy]) -> dict[str, Audited]:
    """Let the model of a finished run judge copies; give kind -> what it says.

    Raises BadInput for a run of another task or card, and for one that was itself trained on copies.
    """
    _check(run, plan)
    loaded = saved.load(run)
    made = [copy for copy in copies if copy.row is not None]
    rows = {copy.parent.id: copy.parent for copy in made}
    rows |= {copy.row.id: copy.row for copy in made if copy.row is not None}
    predictions = loaded.predict_rows(list(rows.values()))
    scores = loaded.task.score(predictions, list(rows.values()), loaded.fitted)
    right = {name: value == 1.0 for name, value in zip(scores.row_ids, scores.per_example["correct"], strict=True)}
    kinds = dict.fromkeys(copy.kind for copy in copies)
    return {kind: _of([copy for copy in made if copy.kind == kind], right) for kind in kinds}


def _of(copies: Sequence[Copy], right: Mapping[str, bool]) -> Audited:
    flips: dict[str, list[bool]] = {}
    for copy in copies:
        if right[copy.parent.id] and copy.row is not None:
            flips.setdefault(copy.parent.id, []).append(not right[copy.row.id])
    judged = sum(len(one) for one in flips.values())
    flipped = sum(sum(one) for one in flips.values())
    if not flips:
        return Audited(0, 0, 0, 0.0, 0.0, 1.0, len(copies))
    share = sum(sum(one) / len(one) for one in flips.values()) / len(flips)
    between = wilson(round(share * len(flips)), len(flips))
    return Audited(judged, flipped, len(flips), share, between.low, between.high, len(copies) - judged)


def _check(run: str, plan: Recipe) -> None:
    task = saved.task_of(run)
    if task.kind != plan.task.kind:
        raise BadInput(run, Problem(f"its task is {task.kind}, the recipe's {plan.task.kind}"))
    place = Path(run) / "recipe.yaml"
    if not place.is_file():
        fix = "name a finished run's directory, not the model alone"
        raise BadInput(run, Problem("recipe.yaml is missing, so what it was trained on is not known", fix=fix))
    trained: Any = strict.load(place).data
    card = trained["data"]["card"]
    if card != plan.data.card:
        raise BadInput(run, Problem(f"it was trained on card {card}, the recipe's is {plan.data.card}"))
    if trained.get("augment"):
        what = "it was trained with augmentation, so it may have learnt to call flipped copies right"
        raise BadInput(run, Problem(what, fix="name a run of the recipe with augment=[]"))


def as_json(run: str, found: Mapping[str, Audited]) -> dict[str, Any]:
    """Give what an audit found as plain data."""
    return {"run": run, "kinds": {kind: asdict(one) for kind, one in found.items()}}


def told(run: str, found: Mapping[str, Audited]) -> list[str]:
    """Say what an audit found, a line for each kind."""
    lines = [f"{run} on copies of rows that it gets right:"]
    for kind, one in found.items():
        said = f"{one.flipped:,} of {one.copies:,} flipped, {one.share:.1%} ({one.low:.1%} to {one.high:.1%})"
        left = f"; {one.left_out:,} copies of rows that it gets wrong are left out" if one.left_out else ""
        lines.append(f"  {kind}: {said if one.copies else 'no copy to judge'}{left}")
    return lines
