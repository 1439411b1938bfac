"""From a plan's file to a plan that holds together, with all its recipes. No torch here: `nlptl check` asks this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nlptl import artifacts, checks, kinds, mixtures, strict, unsaid
from nlptl.checks import Checked
from nlptl.errors import BadInput, NlptlError, Problem, did_you_mean
from nlptl.plan import mixed
from nlptl.plans import Asked, Inlined, Plan, Step
from nlptl.report import REPORT
from nlptl.strict import Document, Read

SHOWN = 30
"""Labels of a table of differences."""


@dataclass(frozen=True)
class CheckedPlan:
    """A plan that holds together."""

    plan: Plan
    recipes: Mapping[str, Checked]
    """By name of the Asked, with the plan's seeds."""
    steps: Mapping[str, Checked]
    """By name of the Step: the recipe that it runs, its head as `take` wants it. The checkpoint of one that goes on
    from another is known once that has run.
    """
    source: str
    warnings: tuple[str, ...]


def is_plan(name: str | Path) -> bool:
    """Say whether a file is a plan, by its key `kind`. What cannot be read is none: whoever reads it says why."""
    try:
        data = strict.load(checks.find(str(name))).data
    except NlptlError:
        return False
    return isinstance(data, dict) and "kind" in data


def model() -> Any:
    """Give the type of all plans."""
    return kinds.one_of("plans")


def check(path: str | Path, overrides: Sequence[str] = ()) -> CheckedPlan:
    """Read a plan and its recipes, and hold them against each other and against their cards.

    Raises BadInput with every problem, each with the line where it stands.
    """
    document = checks.opened(path, overrides)
    found: Read[Plan] = strict.validate(document, model())
    plan = found.value
    problems = list(plan.check(found))
    recipes: dict[str, Checked] = {}
    for asked in plan.asked():
        try:
            recipes[asked.name] = _recipe(found, asked)
        except BadInput as fault:
            problems += fault.problems
    steps = {}
    for step in plan.steps() if not problems else ():
        one = _starting(found, step, recipes, {other.name: other for other in plan.steps()})
        if isinstance(one, Problem):
            problems.append(one)
        else:
            steps[step.name] = one
    for each in plan.mixtures() if not problems else ():
        problems += mixed.problems(found, each, recipes)
    if problems:
        raise BadInput(document.name, list(dict.fromkeys(problems)))
    warnings = dict.fromkeys(warning for one in recipes.values() for warning in one.warnings)
    return CheckedPlan(plan, recipes, steps, document.name, tuple(warnings))


def _recipe(found: Read[Plan], asked: Asked) -> Checked:
    """Read one recipe of the plan, with what the plan changes of it."""
    if isinstance(asked.recipe, Inlined):
        document = _within(found.document, (*asked.path, "recipe"))
    else:
        document = _file(found, asked)
        checks.check_version(document)
    if "seeds" in asked.set:
        what = "the plan's seeds are those of every stage"
        place = asked.places.get("seeds", (*asked.path, "set", "seeds"))
        raise BadInput(found.document.name, found.problem(place, what))
    for way, value in asked.set.items():
        place = asked.places.get(way, (*asked.path, "set", way))
        document = strict.put(document, way, value, found.where(*place))
    document = strict.put(document, "seeds", list(found.value.seeds), found.where("seeds"))
    return checks.check_read(unsaid.read(document))


def _within(document: Document, path: strict.Path) -> Document:
    """Give a part of a document as a document of its own, with its places."""
    data = document.data
    for part in path:
        data = data[part]
    below = {known[len(path) :]: at for known, at in document.places.items() if known[: len(path)] == path}
    return Document(document.name, data, below)


def _file(found: Read[Plan], asked: Asked) -> Document:
    """Find a recipe beside the plan, or among the shipped ones."""
    name = str(asked.recipe)
    beside = checks.find(found.document.name).parent / name
    place = beside if beside.is_file() else checks.find(name)
    if not place.is_file():
        what = f"'{name}' is neither a file (seen from the plan's folder) nor a shipped recipe"
        problem = found.problem((*asked.path, "recipe"), what, did_you_mean(name, checks.shipped()))
        raise BadInput(found.document.name, problem)
    document = strict.load(place)
    if isinstance(document.data, dict) and "kind" in document.data:
        problem = found.problem((*asked.path, "recipe"), f"'{name}' is a plan, not a recipe", "name a recipe")
        raise BadInput(found.document.name, problem)
    return document


def _starting(
    found: Read[Plan], step: Step, recipes: Mapping[str, Checked], steps: Mapping[str, Step]
) -> Checked | Problem:
    """Give the recipe of a step with its head as `take` wants it, or say why it cannot go on from there."""
    own = recipes[step.recipe]
    if not step.start:
        return own
    before = steps.get(step.start)
    try:
        start = _start_of_run(step.start) if before is None else _start_of_step(before, recipes, steps)
    except BadInput as fault:
        return found.problem((*step.path, "start"), "; ".join(str(one) for one in fault.problems))
    if start.checkpoint != own.recipe.model.checkpoint:
        what = f"'{step.start}' began with {start.checkpoint}, this recipe with {own.recipe.model.checkpoint}"
        fix = "set model.checkpoint to the same: the gain is over that checkpoint"
        return found.problem((*step.path, "start"), what, fix)
    if why := _take(step, own, start):
        return found.problem((*step.path, "take"), why, "write take: body for a new head")
    task = own.recipe.task.starting(step.take)
    if isinstance(task, str):
        return found.problem((*step.path, "take"), task)
    return replace(own, recipe=own.recipe.model_copy(update={"task": task}))


@dataclass(frozen=True)
class _Start:
    """What is known of a run that another goes on from, before it has run."""

    name: str
    checkpoint: str
    """The first of the line."""
    task: str
    labels: tuple[str, ...]


def _start_of_step(step: Step, recipes: Mapping[str, Checked], steps: Mapping[str, Step]) -> _Start:
    one = recipes[step.recipe]
    return _Start(step.name, one.recipe.model.checkpoint, one.recipe.task.kind, tuple(one.card.labels))


def _start_of_run(place: str) -> _Start:
    """Read what a finished run says of itself. Raises BadInput where there is none."""
    directory = Path(place).expanduser()
    mixtures.check_one(directory)
    if not (directory / REPORT).is_file() or not (directory / "model").is_dir():
        raise BadInput(place, Problem(f"no finished run lies in {place}", fix="`nlptl ls` lists the finished ones"))
    report = artifacts.read_json(directory / REPORT)
    try:
        name, fitted = report["checkpoint"]["name"], report["fitted"]
        labels = tuple(fitted.get("names", ()))
        kind = str(report["task"])
    except (KeyError, TypeError, AttributeError):
        raise BadInput(place, Problem(f"{REPORT} in {place} is no run's", fix="`nlptl ls` lists runs")) from None
    if (Path(name).expanduser() / REPORT).is_file() and Path(name).resolve() != directory.resolve():
        name = _start_of_run(name).checkpoint
    return _Start(place, name, kind, labels)


def _take(step: Step, own: Checked, start: _Start) -> str:
    """Say why a head cannot be taken over; "" where it can."""
    if step.take == "body":
        return ""
    if start.task != own.recipe.task.kind:
        return f"take: all, but '{start.name}' is of the task '{start.task}', this one of '{own.recipe.task.kind}'"
    theirs, ours = set(start.labels), set(own.card.labels)
    if not theirs or not ours or theirs == ours:  # labels that only the rows say are compared when they are read
        return ""
    return "\n".join(
        [f"take: all, but the labels are not those of '{start.name}'", *_table(step, start, own.card.labels)]
    )


def _table(step: Step, start: _Start, labels: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table of labels by name: who has which."""
    every = list(dict.fromkeys([*start.labels, *labels]))
    differing = [one for one in every if (one in start.labels) != (one in labels)]
    both = len(every) - len(differing)
    wide = max(len(one) for one in [*differing[:SHOWN], "label"])
    yield f"      {'label':<{wide}}  {start.name}  {step.name}"
    for one in differing[:SHOWN]:
        sides = ((start.name, start.labels), (step.name, labels))
        marks = [("yes" if one in side else "-").ljust(len(name)) for name, side in sides]
        yield f"      {one:<{wide}}  {'  '.join(marks)}".rstrip()
    if len(differing) > SHOWN:
        yield f"      and {len(differing) - SHOWN} more"
    yield f"      {both} labels are in both"
