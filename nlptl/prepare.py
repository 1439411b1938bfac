"""From a checked recipe to inputs that were read, fingerprinted and looked through, still without a model."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nlptl import advising, artifacts, augmenting, backbone, recipe, scored_cards, seeds, unlabelled
from nlptl.augment import Ground
from nlptl.cards import DataCard
from nlptl.checks import Checked
from nlptl.data import batches, suspicions
from nlptl.data import rows as reading
from nlptl.errors import BadInput, Problem
from nlptl.recipe import Evaluation, Recipe
from nlptl.tasks import Row, Task
from nlptl.version import __version__

SHOWN = 20


@dataclass(frozen=True)
class Inputs:
    """All that a run reads, and what stands in its digest."""

    recipe: Recipe
    card: DataCard
    checkpoint: backbone.Checkpoint
    rows: Mapping[str, Sequence[Row]]
    """By set: `train`, the selecting one, and those to evaluate; each with the languages that the recipe names."""
    fingerprint: str
    """sha256 over the card and the data."""
    warnings: tuple[str, ...]
    others: Mapping[str, backbone.Checkpoint] = field(default_factory=dict)
    """The checkpoints that kinds of augmentation open beside, by name."""
    stamp: str = ""
    """sha256 over what they read beside; nothing where they read nothing."""
    target: Sequence[Row] = ()
    """Texts of `data.target`, without their gold."""
    taken: tuple[str, ...] = ()
    """What `auto` took, and why, a line a setting."""

    def card_of(self, asked: Evaluation) -> DataCard:
        """Give the card that a set is of."""
        return self.card if asked.card is None else scored_cards.other_cards(self.recipe)[asked.name]


def gather(checked: Checked, *, offline: bool = False) -> Inputs:
    """Read data and checkpoint. Raises BadInput with every faulty row (the first 20 shown) before a model is loaded."""
    plan, card = checked.recipe, checked.card
    checkpoint = backbone.inspect(plan.model.checkpoint, offline=offline)
    rows: dict[str, Sequence[Row]] = {}
    others_of, splits = scored_cards.other_cards(plan), {one.name: one.split for one in plan.evaluate}
    problems: list[Problem] = []
    for name, languages in _needed(plan).items():
        chosen, of = None if languages is None else sorted(languages), others_of.get(name, card)
        split = splits[name] if name in others_of else name
        rows[name] = reading.rows(reading.load(of, split, chosen, plan.data.root, offline))
        problems += plan.task.check_rows(rows[name], of, name)
    for split, languages in _needed(plan).items():
        there = {row.language for row in rows[split]}
        lacking = sorted((languages or set()) - there) if there else ["any language"]
        where = others_of.get(split, card).name
        problems += [Problem(f"split '{split}' has no rows of {language}", where) for language in lacking]
    problems += [] if problems else suspicions.unseen_labels(rows)
    if problems:
        more = [Problem(f"and {len(problems) - SHOWN} more")] if len(problems) > SHOWN else []
        raise BadInput(f"card {card.name}", [*problems[:SHOWN], *more])
    plan, taken = advising.settled(plan, card, checkpoint, rows["train"])
    own = {name: rows[name] for name in scored_cards.without(list(rows), others_of)}
    found = [*plan.task.doubts(own, card), *_conflicts(rows, plan.task), *suspicions.suspicions(rows, plan.task.given)]
    warnings = [*checked.warnings, *found, *_rare(plan, rows)]
    names = {name for kind in recipe.all_noise(plan) for name in kind.checkpoints()}
    others = {name: backbone.inspect(name, offline=offline) for name in sorted(names)}
    target, told = unlabelled.gather(plan, card, rows, offline=offline)
    return Inputs(
        plan, card, checkpoint, rows, fingerprint_of_rows(plan, card, sorted(rows)), (*warnings, *told),
        others, _stamp(plan, others) + unlabelled.stamp(plan, card), target, taken,
    )  # fmt: skip


def with_recipe(inputs: Inputs, plan: Recipe) -> Inputs:
    """Give the inputs of another recipe over the same rows, with what `auto` takes in its place."""
    plan, taken = advising.settled(plan, inputs.card, inputs.checkpoint, inputs.rows["train"])
    return replace(inputs, recipe=plan, taken=taken or inputs.taken)


def fingerprint_of_rows(plan: Recipe, card: DataCard, names: Sequence[str]) -> str:
    """Give the sha256 that stands for all rows of a run: those of its own card and of the others that it scores."""
    others = scored_cards.other_cards(plan)
    own = reading.fingerprint(card, scored_cards.without(names, others), plan.data.root)
    if not others:  # a run that scores its own card alone keeps the digest that it had before there was such a key
        return own
    splits = {one.name: one.split for one in plan.evaluate}
    told = [reading.fingerprint(each, [splits[name]], plan.data.root) for name, each in sorted(others.items())]
    return hashlib.sha256("\n".join([own, *told]).encode()).hexdigest()


def _stamp(plan: Recipe, others: Mapping[str, backbone.Checkpoint]) -> str:
    """Give a sha256 over the files that kinds of augmentation read beside the recipe's own."""
    stamps = [one.sha256 for one in others.values()] + [kind.stamp() for kind in recipe.all_noise(plan)]
    return hashlib.sha256("\n".join(stamps).encode()).hexdigest() if any(stamps) else ""


def look_ahead(inputs: Inputs, seed: int) -> None:
    """Raise BadInput for what only rows, task and checkpoint together show, while nothing is written and no model
    loaded.
    """
    plan, folder = inputs.recipe, inputs.checkpoint.directory
    if (folder / artifacts.MANIFEST).is_file() and (faults := artifacts.verify(folder)):
        raise BadInput(f"checkpoint {inputs.checkpoint.name}", [Problem(fault) for fault in faults])
    plan.task.fit(training_rows(inputs, seed), inputs.card)
    opened = backbone.open_checkpoint(inputs.checkpoint, max_tokens=plan.model.max_tokens, head_seed=0)
    if opened.family not in plan.task.families:
        what = f"{inputs.checkpoint.name} is of the family '{opened.family}'; task '{plan.task.kind}' works with"
        raise BadInput("model.checkpoint", Problem(f"{what} {', '.join(plan.task.families)}", field="model.checkpoint"))
    if problems := plan.task.check_backbone(opened):
        raise BadInput(f"checkpoint {inputs.checkpoint.name}", problems)


def _needed(plan: Recipe) -> dict[str, set[str] | None]:
    """Give split -> languages to read (None: all)."""
    needed: dict[str, set[str] | None] = {"train": None if plan.data.languages is None else set(plan.data.languages)}
    if plan.train.select != "last":
        chosen = plan.train.select_languages
        needed[plan.train.select] = needed["train"] if chosen is None else set(chosen)
    for one in plan.evaluate:
        asked = None if one.languages in (None, "all") else set(one.languages or ())
        before = needed.get(one.name, set())
        needed[one.name] = None if before is None or asked is None else before | asked
    return needed


def _rare(plan: Recipe, rows: Mapping[str, Sequence[Row]]) -> list[str]:
    """Warn of evaluations that are further apart than the run is long."""
    every = plan.train.evaluate_every or 0
    copies = 1 + sum(one.copies for one in plan.augment)
    examples = copies * (plan.data.train_rows or len(rows["train"]))
    steps = plan.train.epochs * batches.steps_per_epoch(examples, plan.train.batch)
    return [f"train.evaluate_every: {every}, but the run has {steps} steps: it is evaluated once"] * (every > steps)


def _conflicts(rows: Mapping[str, Sequence[Row]], task: Task) -> list[str]:
    """Warn of training rows of one text that have different gold."""
    seen: dict[str, tuple[str, str]] = {}
    found = []
    for row in rows["train"]:
        text = repr([row.values.get(key) for key in task.given])
        gold = repr([row.values.get(key) for key in task.gold_columns()])
        first = seen.setdefault(text, (gold, row.id))
        if first[0] != gold:
            found.append(f"{first[1]} and {row.id}")
    return (
        [f"{len(found)} pairs of training rows have one text and different labels: {'; '.join(found[:5])}"]
        if found
        else []
    )


def training_rows(inputs: Inputs, seed: int) -> list[Row]:
    """Give the rows that a seed trains on, without copies: all, or `data.train_rows` of them."""
    return chosen_rows(inputs.recipe, inputs.rows["train"], seed)


def augmented_rows(inputs: Inputs, seed: int) -> augmenting.Augmented:
    """Give the rows that a seed trains on, with their copies."""
    plan = inputs.recipe
    return augmenting.augmented(training_rows(inputs, seed), plan.augment, plan.task, seed, ground(inputs, seed))


def ground(inputs: Inputs, seed: int) -> Ground:
    """Give what kinds of augmentation may look at."""
    known = {**inputs.others, inputs.recipe.model.checkpoint: inputs.checkpoint}
    return ground_of(inputs.recipe, inputs.card, training_rows(inputs, seed), known)


def ground_of(
    plan: Recipe, card: DataCard, rows: Sequence[Row], known: Mapping[str, backbone.Checkpoint] | None = None, *,
    offline: bool = False,
) -> Ground:  # fmt: skip
    """Give what kinds of augmentation may look at; checkpoints that are not known are looked for when one is opened."""

    def opened(name: str | None) -> backbone.Opened:
        wanted = name or plan.model.checkpoint
        found = (known or {}).get(wanted) or backbone.inspect(wanted, offline=offline)
        return backbone.open_checkpoint(found, max_tokens=plan.model.max_tokens, head_seed=0)

    return Ground(rows, plan.task, card, opened)


def chosen_rows(plan: Recipe, rows: Sequence[Row], seed: int) -> list[Row]:
    """Give rows of the training split: all, or `data.train_rows` of them drawn by the stream "rows", in their order; of
    a language that `data.language_rows` names, as many as it says.
    """
    languages = plan.data.languages
    found = [row for row in rows if languages is None or row.language in languages]
    found = _of_languages(plan, found, seed)
    wanted, batch = plan.data.train_rows, plan.train.batch
    if batch > (wanted or len(found)):
        what = f"{batch} examples make a step, there are {wanted or len(found)} training rows"
        raise BadInput("train.batch", Problem(what, field="train.batch", fix="take a smaller batch"))
    if wanted is None or wanted == len(found):
        return found
    if wanted > len(found):
        raise BadInput("data.train_rows", f"{wanted} are asked for, the training split has {len(found)}")
    chosen = sorted(seeds.stream(seed, "rows").sample(range(len(found)), wanted))
    return [found[number] for number in chosen]


def _of_languages(plan: Recipe, rows: Sequence[Row], seed: int) -> list[Row]:
    """Draw the rows of each language that is to have fewer, by a stream of its own: others' numbers change nothing."""
    left_out: set[str] = set()
    for language, wanted in (plan.data.language_rows or {}).items():
        own = [row.id for row in rows if row.language == language]
        if wanted > len(own):
            what = f"{wanted} rows of {language} are asked for, the training split has {len(own)}"
            raise BadInput("data.language_rows", Problem(what, field="data.language_rows"))
        kept = set(seeds.stream(seed, "rows", language).sample(range(len(own)), wanted))
        left_out |= {one for number, one in enumerate(own) if number not in kept}
    return [row for row in rows if row.id not in left_out]


def selecting_rows(inputs: Inputs) -> list[Row]:
    """Give the rows that choose the checkpoint: the selecting split, in the languages of the training data alone, or in
    those that `train.select_languages` names.
    """
    plan = inputs.recipe
    languages = plan.train.select_languages or plan.data.languages
    return [row for row in inputs.rows[plan.train.select] if languages is None or row.language in languages]


def digest(inputs: Inputs, seed: int) -> str:
    """Name the run of one seed (see `nlptl.recipe.digest`). Where a run that it goes on from lies changes nothing: the
    sha256 stands for it.
    """
    plan = inputs.recipe
    if (inputs.checkpoint.directory / backbone.MANIFEST).is_file():
        plan = plan.model_copy(update={"model": plan.model.model_copy(update={"checkpoint": "a run"})})
    checkpoint = inputs.checkpoint.sha256 + inputs.stamp
    return recipe.digest(plan, seed=seed, data=inputs.fingerprint, checkpoint=checkpoint, version=__version__)


def label_counts(rows: Sequence[Row]) -> dict[str, int]:
    """Count rows by label; nothing where rows have none."""
    each = (row.values.get("labels", [row.values["label"]] if "label" in row.values else []) for row in rows)
    counts = Counter(label for labels in each for label in labels)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0]))))


def fingerprint_of(inputs: Inputs) -> dict[str, Any]:
    """Give what `data.json` of a run says."""
    return {
        "card": inputs.card.name,
        "sha256": inputs.fingerprint,
        "checkpoint": {"name": inputs.checkpoint.name, "sha256": inputs.checkpoint.sha256},
        "rows": {split: len(rows) for split, rows in inputs.rows.items()},
    } | ({"target": {"texts": len(inputs.target)}} if inputs.target else {})
