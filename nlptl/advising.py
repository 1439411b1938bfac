"""From rows and a checkpoint to the facts that advice goes by, and from advice to a recipe that says it all."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nlptl import advice, backbone, kinds
from nlptl.advice import Advised, Facts
from nlptl.cards import DataCard
from nlptl.recipe import Recipe, Train
from nlptl.tasks import Row
from nlptl.unsaid import BESIDE, LEFT

LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "encoder_layers", "num_layers")
"""What configurations call the number of equal layers."""
LOOKED = 1000
"""Training rows whose length is looked at."""


def facts_of(plan: Recipe, card: DataCard, checkpoint: backbone.Checkpoint, rows: Sequence[Row]) -> Facts:
    """Look at the training rows and the checkpoint; weights are not loaded."""
    opened = backbone.open_checkpoint(checkpoint, max_tokens=plan.model.max_tokens, head_seed=0)
    languages = set(plan.data.languages or ())
    own = [row for row in rows if not languages or row.language in languages]
    trained = plan.data.train_rows or _count(plan, own)
    texts = [[text for name in plan.task.given if isinstance(text := row.values.get(name), str)]
             for row in own[:LOOKED]]  # fmt: skip
    parameters, body = _sizes(checkpoint)
    writes = plan.task.kind == "language" or (plan.task.kind == "parsing" and opened.family != "encoder")
    methods = [kind for kind in plan.tuning if kind.kind not in (*BESIDE, "auto")]
    found = {advice.method_of(kind.model_dump()) for kind in methods}
    return Facts(
        task=plan.task.kind, family=opened.family, rows=trained, classes=len(card.labels),
        characters=sum(map(len, itertools.chain(*texts))) / max(1, len(texts)),
        pairs=any(len(one) > 1 for one in texts), parameters=parameters, body=body,
        blocks=next((int(checkpoint.config[name]) for name in LAYERS if name in checkpoint.config), 0),
        head=writes or getattr(plan.task, "head", None) == "keep", unseen=_unseen(plan, card, own),
        method=next((one for one in ("head", "adapter", "body") if one in found), ""),
    )  # fmt: skip


def _count(plan: Recipe, rows: Sequence[Row]) -> int:
    """Count the rows that a run trains on, fewer of some languages where the recipe says so."""
    fewer = plan.data.language_rows or {}
    return sum(row.language not in fewer for row in rows) + sum(fewer.values())


def _unseen(plan: Recipe, card: DataCard, rows: Sequence[Row]) -> bool:
    """Say whether a language of the recipe's own card is scored that no training row has."""
    trained = {row.language for row in rows}
    asked = [card.languages if one.languages == "all" else one.languages or () for one in plan.evaluate]
    return bool(trained) and any(set(languages) - trained for languages in asked)


def _sizes(checkpoint: backbone.Checkpoint) -> tuple[int, int]:
    """Count the stored numbers, and those that are not a table over the vocabulary, from the heads of the files."""
    from safetensors import safe_open

    whole = body = 0
    vocabulary = checkpoint.root.config.get("vocab_size")
    for file in sorted(checkpoint.root.directory.glob("*.safetensors")):
        with safe_open(file, framework="np") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a mapping
                shape = tensors.get_slice(name).get_shape()
                size = 1
                for one in shape:
                    size *= one
                whole += size
                body += 0 if len(shape) == 2 and _is_table(shape, vocabulary) else size
    return whole, body


def _is_table(shape: Sequence[int], vocabulary: int | None) -> bool:
    """Say whether a matrix has a row for each word; some checkpoints round the number up."""
    return vocabulary is not None and vocabulary <= shape[0] < vocabulary + 256


def settled(
    plan: Recipe, card: DataCard, checkpoint: backbone.Checkpoint, rows: Sequence[Row]
) -> tuple[Recipe, tuple[str, ...]]:
    """Give the recipe with what `auto` takes in its place, and a line for each setting that it took; a recipe without
    `auto` is given back as it is.
    """
    if all(kind.kind != "auto" for kind in plan.tuning):
        return plan, ()
    facts = facts_of(plan, card, checkpoint, rows)
    said = plan.train.model_fields_set
    taken = {one.path: one for one in advice.advise(facts) if one.path == "tuning" or one.path[6:] not in said}
    made = [made_of(one) for one in taken["tuning"].value]
    tuning = [each for kind in plan.tuning for each in (made if kind.kind == "auto" else [kind])]
    values = {name: getattr(plan.train, name) for name in Train.model_fields if name in said or name in LEFT}
    values |= {path[6:]: one.value for path, one in taken.items() if path != "tuning"}
    fields = {name: getattr(plan, name) for name in Recipe.model_fields}
    whole = Recipe(**{**fields, "train": Train(**values), "tuning": tuple(tuning)})
    return whole, tuple(f"auto took {one.path}: {shown(one.value)} because: {one.why} ({one.source})"
                        for one in taken.values())  # fmt: skip


def made_of(section: Mapping[str, Any]) -> Any:
    """Make a kind of tuning of its settings."""
    return kinds.shelf("tuning")[section["kind"]](**section)


def shown(value: Any) -> str:
    """Write a value as it stands in a recipe."""
    if isinstance(value, list):
        return f"[{', '.join(shown(one) for one in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(one)}" for key, one in value.items()) + "}"
    return value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else json.dumps(value)


@dataclass(frozen=True)
class Held:
    """What is advised for a setting, held against what the recipe has."""

    path: str
    advised: str
    recipe: str
    """What stands there."""
    agrees: bool
    why: str
    source: str
    evidence: str


def held(plan: Recipe, card: DataCard, checkpoint: backbone.Checkpoint, rows: Sequence[Row]) -> tuple[str, list[Held]]:
    """Give the facts in a line, and what is advised beside what the recipe has. The tuning is advised whatever the
    recipe trains; the other settings go by what it trains.
    """
    facts = facts_of(plan, card, checkpoint, rows)
    (first, *_), (_, *others) = advice.advise(replace(facts, method="")), advice.advise(facts)
    return str(facts), [_held(plan, one) for one in (first, *others)]


def _held(plan: Recipe, one: Advised) -> Held:
    if one.path == "tuning":
        methods = [kind for kind in plan.tuning if kind.kind not in BESIDE]
        own, agrees = shown([_written(kind) for kind in methods]), methods == [made_of(each) for each in one.value]
    else:
        value = getattr(plan.train, one.path.partition(".")[2])
        own, agrees = shown(value), value == one.value
    return Held(one.path, shown(one.value), own, agrees, one.why, one.source, one.evidence)


def _written(kind: Any) -> dict[str, Any]:
    return {"kind": kind.kind, **kind.model_dump(mode="json", exclude_defaults=True)}


def told(facts: str, found: Sequence[Held]) -> Iterator[str]:
    """Give advice as lines."""
    yield f"\nadvice, by rule of thumb and not by trial, for: {facts}"
    for one in found:
        beside = "so has the recipe" if one.agrees else f"the recipe has {one.recipe}"
        yield f"  {one.path}: {one.advised}; {beside}"
        yield f"    why: {one.why}"
        yield f"    source: {one.source}"
        yield f"    evidence: {one.evidence}"
    yield "  tuning: [{kind: auto}] takes it; nlptl tune searches from there on the selecting split"
