"""The texts of `data.target`: read without their gold, and drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nlptl import seeds, targets
from nlptl.cards import DataCard
from nlptl.data import batches
from nlptl.data import rows as reading
from nlptl.engine import Verbs
from nlptl.errors import BadInput, Problem
from nlptl.recipe import Recipe
from nlptl.tasks import Feature, Row


def gather(
    plan: Recipe, own: DataCard, rows: Mapping[str, Sequence[Row]], *, offline: bool
) -> tuple[list[Row], list[str]]:
    """Give the texts and warnings: of those that stand in a set that is scored, too. Raises BadInput for texts that the
    task cannot read.
    """
    target = plan.data.target
    if target is None:
        return [], []
    card = targets.card_of(plan, own)
    read = reading.rows(reading.load(card, target.split, None, plan.data.root, offline))
    found = [replace(row, values={name: row.values[name] for name in plan.task.given if name in row.values})
             for row in read]  # fmt: skip
    if problems := plan.task.check_rows(found, card, target.split)[:20]:
        raise BadInput(f"card {card.name}", problems)
    if not found:
        raise BadInput("data.target", Problem(f"split '{target.split}' of card {card.name} has no rows"))
    if target.rows is not None and target.rows > len(found):
        what = f"{target.rows} texts are asked for, the split has {len(found)}"
        raise BadInput("data.target.rows", Problem(what, field="data.target.rows"))
    texts = {tuple(sorted(row.values.items())) for row in found}
    warnings = []
    for name in (one.name for one in plan.evaluate):
        both = sum(tuple(sorted((key, row.values[key]) for key in plan.task.given if key in row.values)) in texts
                   for row in rows[name])  # fmt: skip
        if both:
            what = f"{both} rows of {name} are among its texts, seen unlabelled before they are scored"
            warnings.append(f"data.target: {what}")
    return found, warnings


def check_alone(plan: Recipe, *, together: bool) -> None:
    """Refuse several processes with BadInput."""
    if plan.data.target is not None and together:
        what = "texts of two domains are compared on one process so far: each would see a part of a step alone"
        raise BadInput("processes", Problem(what, fix="start it without --processes"))


def drawn(plan: Recipe, found: Sequence[Row], seed: int) -> Sequence[Row]:
    """Give the texts that a seed learns from: all, or `data.target.rows` of them."""
    wanted = plan.data.target.rows if plan.data.target is not None else None
    if wanted is None or wanted == len(found):
        return found
    return [found[number] for number in sorted(seeds.stream(seed, "target rows").sample(range(len(found)), wanted))]


def added(verbs: Verbs, features: Sequence[Feature], plan: Recipe, seed: int) -> Verbs:
    """Give the loop's verbs with one that names the unlabelled features of a step: as many as its batch has."""
    if not features:
        return verbs
    return replace(
        verbs, target=lambda step: batches.target_step(features, batch=plan.train.batch, seed=seed, step=step)
    )


def stamp(plan: Recipe, own: DataCard) -> str:
    """Give the sha256 of the target's card and data, nothing where there is no target."""
    if plan.data.target is None:
        return ""
    return reading.fingerprint(targets.card_of(plan, own), [plan.data.target.split], plan.data.root)
