"""What can be said of a recipe before data are read or a model is loaded: `nlptl check`. No torch here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from nlptl import cards, noise, scored_cards, targets, unsaid
from nlptl.cards import DataCard
from nlptl.contradictions import CONTRADICTIONS, INSIDE, TWO_PASSES
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.recipe import Recipe
from nlptl.strict import Document, Read, load, override
from nlptl.tuning import Tuning
from nlptl.version import __version__

CHECKPOINT = re.compile(r"^(package:[A-Za-z0-9._-]+==[\w.]+|[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*@[\w./-]+)$", re.ASCII)

@dataclass(frozen=True)
class Checked:
    """A recipe that holds together, with its card."""

    recipe: Recipe
    card: DataCard
    source: str
    """Where it was read: the path, for messages."""
    warnings: tuple[str, ...]


def check(path: str | Path, overrides: Sequence[str] = ()) -> Checked:
    """Read a recipe and its card and hold them against each other.

    Raises BadInput with every problem, each with its line; those of the card come with the card's lines.
    """
    return check_read(unsaid.read(opened(path, overrides)))


def opened(path: str | Path, overrides: Sequence[str] = ()) -> Document:
    """Read a recipe or a plan as it stands in its file, overrides applied; whether its keys are known is not asked."""
    place = find(str(path))
    if not place.exists() and place.suffix not in (".yaml", ".yml"):
        what = "no such file, and no shipped recipe of this name"
        raise BadInput(str(path), Problem(what, fix=did_you_mean(str(path), shipped())))
    document = override(load(place), overrides)
    check_version(document)
    return document


def check_version(document: Document) -> None:
    """Refuse a recipe that a later nlptl is needed for, before its new keys are called unknown."""
    needed = document.data.get("nlptl") if isinstance(document.data, dict) else None
    if isinstance(needed, str) and re.fullmatch(r"\d+(\.\d+)*", needed) and _numbers(needed) > _numbers(__version__):
        what = f"this recipe needs nlptl {needed} or later; this is {__version__}"
        raise BadInput(document.name, document.problem(("nlptl",), what, f"pip install 'nlptl>={needed}'"))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def check_read(found: Read[Recipe]) -> Checked:
    """Hold a recipe that was read against its card."""
    recipe = found.value
    problems = list(_checkpoint(found))
    card = None
    try:
        card = cards.find(recipe.data.card).value
        problems += _against_card(found, card)
        problems += _tunings(found, card)
    except BadInput as problem:
        problems += [
            found.problem(("data", "card"), str(one)) if problem.subject == recipe.data.card else _in_card(one, problem)
            for one in problem.problems
        ]
    problems += _own(found)
    if problems or card is None:
        raise BadInput(found.document.name, problems)
    return Checked(recipe, card, found.document.name, tuple(_warnings(recipe)))


def _in_card(one: Problem, problem: BadInput) -> Problem:
    """Show the card's whole path: recipe and card often have one name."""
    name = Path(problem.subject).name
    return replace(one, where=problem.subject + one.where.removeprefix(name)) if one.where.startswith(name) else one


def find(name: str) -> Path:
    """Give the file of a recipe: a path, or the name of one that ships with nlptl (`nlptl cp` lists them)."""
    path = Path(name)
    if path.exists() or (path.suffix in (".yaml", ".yml") and not (cards.shipped("recipes") / name).is_file()):
        shorter = name.removeprefix("recipes/")
        inside = cards.shipped("recipes") / shorter
        return inside if not path.exists() and inside.is_file() else path
    for candidate in (cards.shipped("recipes") / name, cards.shipped("recipes") / f"{name}.yaml"):
        if candidate.is_file():
            return candidate
    return path


def shipped() -> list[str]:
    """Name the recipes that ship with nlptl."""
    folder = cards.shipped("recipes")
    return sorted(file.relative_to(folder).with_suffix("").as_posix() for file in folder.rglob("*.yaml"))


def _checkpoint(found: Read[Recipe]) -> Iterator[Problem]:
    name = found.value.model.checkpoint
    if Path(name).expanduser().is_dir() or CHECKPOINT.match(name):
        return
    fix = "write package:DIST==VERSION, an existing directory, or org/name@revision"
    yield found.problem(("model", "checkpoint"), f"{name!a} is neither a directory here nor a checkpoint's name", fix)


def _against_card(found: Read[Recipe], card: DataCard) -> Iterator[Problem]:
    recipe = found.value
    for needed in recipe.task.columns:
        if not set(needed.split("|")) & set(card.columns):
            wanted = needed.replace("|", " or ")
            what = f"task '{recipe.task.kind}' needs the column {wanted}; card '{card.name}' has {sorted(card.columns)}"
            yield found.problem(("data", "card"), what)
    yield from _languages(found, card)
    splits = list(card.splits)
    if "train" not in splits:
        yield found.problem(("data", "card"), f"card '{card.name}' has no split 'train'; it has {splits}")
    select = recipe.train.select
    if select == "train":
        yield found.problem(
            ("train", "select"), "the training rows cannot choose the checkpoint", "name another split, or 'last'"
        )
    elif targets.foreign(recipe):
        if not recipe.train.oracle:
            what = f"the labels of '{select}', another domain, would choose the checkpoint"
            fix = "name a split of the recipe's card, or say train.oracle: true"
            yield found.problem(("train", "select"), what, fix)
    elif select != "last" and select not in splits:
        yield found.problem(
            ("train", "select"), f"card '{card.name}' has no split '{select}'", did_you_mean(select, [*splits, "last"])
        )
    for number, one in enumerate(recipe.evaluate):
        if one.card is None and one.split not in splits:
            yield found.problem(
                ("evaluate", number, "split"),
                f"card '{card.name}' has no split '{one.split}'",
                did_you_mean(one.split, splits),
            )
    yield from scored_cards.check(found, card)
    yield from targets.check(found, card)
    yield from _metric(found, card)
    yield from noise.problems(found, card)
    for one in recipe.task.check_card(card):
        yield found.problem(tuple(one.field.split(".")), one.what, one.fix)


def _languages(found: Read[Recipe], card: DataCard) -> Iterator[Problem]:
    """Find languages that the card has not, and those that could choose the checkpoint without saying so."""
    recipe = found.value
    trained = recipe.data.languages or card.languages
    places: list[tuple[tuple[str | int, ...], Sequence[str]]] = [
        (("data", "languages"), recipe.data.languages or ()),
        (("data", "language_rows"), tuple(recipe.data.language_rows or ())),
        (("train", "select_languages"), recipe.train.select_languages or ()),
    ]
    places += [
        (("evaluate", number, "languages"), one.languages or ())
        for number, one in enumerate(recipe.evaluate)
        if one.languages != "all" and one.card is None
    ]
    for where, languages in places:
        for language in languages:
            if language not in card.languages:
                what = f"card '{card.name}' has no language '{language}'"
                yield found.problem(where, what, did_you_mean(language, card.languages))
    for language in recipe.data.language_rows or ():
        if language in card.languages and language not in trained:
            what = f"'{language}' is not trained on: data.languages are {', '.join(trained)}"
            yield found.problem(("data", "language_rows"), what, "name it there too")
    others = [one for one in recipe.train.select_languages or () if one in card.languages and one not in trained]
    if others and not recipe.train.oracle:
        what = f"{', '.join(others)} would choose the checkpoint and is not trained on: no score would be zero-shot"
        yield found.problem(("train", "select_languages"), what, "leave it out, or say train.oracle: true")


def _tunings(found: Read[Recipe], card: DataCard) -> Iterator[Problem]:
    """Yield what tunings have against other sections; both lines are named."""
    recipe = found.value
    for number, kind in enumerate(recipe.tuning):
        for one in kind.check(recipe.task, card, recipe.train):
            asked = f"'{kind.kind}' at {found.where('tuning', number)} asks otherwise: "
            place: tuple[str | int, ...] = tuple(one.field.split(".")) if one.field else ("tuning", number)
            yield found.problem(place, (asked if one.field else "") + one.what, one.fix)


def _metric(found: Read[Recipe], card: DataCard) -> Iterator[Problem]:
    task, metric = found.value.task, found.value.train.metric
    possible = [name for name in task.metrics_of(card) if name not in task.errors]
    if metric is None or metric in possible:
        return
    what = f"on card '{card.name}' there is no metric '{metric}'"
    if metric in task.errors:
        what = f"{metric} falls as a model gets better, so no checkpoint is chosen by it"
    yield found.problem(("train", "metric"), what, did_you_mean(metric, possible))


def _own(found: Read[Recipe]) -> Iterator[Problem]:
    recipe = found.value
    if recipe.train.precision == "fp16" and recipe.machine.device == "cpu":
        yield found.problem(("train", "precision"), "fp16 cannot be trained on a CPU", "take bf16 or fp32")
    for number, kind in enumerate(recipe.tuning):
        if recipe.machine.gradient_checkpointing is True and kind.kind in TWO_PASSES:
            what = f"'{kind.kind}' at {found.where('tuning', number)} makes two passes, which draw their dropout apart"
            yield found.problem(("machine", "gradient_checkpointing"), what, "leave one of them out")
    yield from _twice(found, "tuning", "")
    yield from unsaid.problems(found)
    yield from _twice(found, "augment", "raise its copies")
    claims = {claim: number for number, kind in reversed(list(enumerate(recipe.tuning))) for claim in _claims(kind)}
    for one, other, why in CONTRADICTIONS:
        if one in claims and other in claims:
            first = found.where("tuning", claims[one])
            yield found.problem(
                ("tuning", claims[other]), f"'{other}' contradicts '{one}' at {first}: {why}", "remove one of them"
            )
    for one, other in INSIDE:
        if one in claims and other in claims and claims[one] > claims[other]:
            first = found.where("tuning", claims[other])
            what = f"'{one}' must stand before '{other}' at {first}, whose passes it is for"
            yield found.problem(("tuning", claims[one]), what, "move it up")
    if recipe.train.select == "last" and recipe.train.patience is not None:
        yield found.problem(
            ("train", "patience"), "early stopping needs a split to look at", "name one in train.select"
        )


def _twice(found: Read[Recipe], shelf: Literal["tuning", "augment"], fix: str) -> Iterator[Problem]:
    """Yield each kind that a list names again."""
    named = [kind.kind for kind in getattr(found.value, shelf)]
    for number, kind in enumerate(named):
        if kind in named[:number]:
            first = found.where(shelf, named.index(kind))
            yield found.problem((shelf, number), f"'{kind}' stands here twice, first at {first}", fix)


def _claims(kind: Tuning) -> list[str]:
    """Name a kind and those of its switches that are on."""
    return [kind.kind, *(f"{kind.kind}.{name}" for name, value in kind if value is True)]


def _warnings(recipe: Recipe) -> Iterator[str]:
    if recipe.train.select != "last" and any(one.name == recipe.train.select for one in recipe.evaluate):
        yield f"evaluate: '{recipe.train.select}' chose the checkpoint, so its score is optimistic"
    if recipe.train.warmup > 0.5:
        yield f"train.warmup: {recipe.train.warmup:.0%} of all steps rise to the learning rate; 0.06 to 0.1 is usual"
