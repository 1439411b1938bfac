"""What a plan will do, before it does: the whole tree of runs, and how small a gain it could show."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nlptl import evaluate, mixing, prepare, report, statistics
from nlptl.data import batches
from nlptl.errors import BadInput
from nlptl.plan import leaks, running, trying
from nlptl.plan.leaks import Leaks
from nlptl.plan.reading import CheckedPlan
from nlptl.plan.trying import ASSUMED
from nlptl.plans import Mixed, Step
from nlptl.prepare import Inputs
from nlptl.recipe import Recipe

DEVIATION = 0.01
"""Standard deviation of a gain from seed to seed, for the smallest visible gain: a guess, and it says so."""


@dataclass(frozen=True)
class LookedStep:
    """One step of a plan."""

    name: str
    recipe: str
    task: str
    card: str
    start: str
    take: str
    control: bool
    rows: Mapping[str, int]
    """By split; of `train` as many as a run trains on."""
    steps: int
    """Optimizer steps of a run at least: a row of several windows makes more. Of a task of a mixture those that it may
    expect to be drawn for."""
    runs: Sequence[tuple[int, str, bool]]
    """Seed, directory ("" where that is known only after what it goes on from), whether it is finished."""
    seconds: float | None
    """Of training a run, the mean of those that are finished; None where none is."""
    estimate: float | None
    """Where `seconds` are not known: those of a finished run of the same recipe, or of a few steps that were tried."""


@dataclass(frozen=True)
class LookedMixture:
    """What a stage mixes, and how."""

    name: str
    temperature: float
    steps: int
    """Optimizer steps of all its tasks together, at least."""
    shares: Mapping[str, float]
    """By step of the plan: the probability that a step is of that task."""


@dataclass(frozen=True)
class Looked:
    """A plan, looked through."""

    name: str
    directory: Path
    seeds: Sequence[int]
    steps: Sequence[LookedStep]
    mixtures: Sequence[LookedMixture]
    memories: Sequence[tuple[str, str]]
    """Earlier step, and the later one after which it is scored again."""
    smallest: Mapping[str, tuple[float | None, float | None]]
    """By claim and set: the least gain over an accuracy of 0.9 that the rows alone could show with power 0.8, and that
    rows and seeds could, if gains differ by a point from seed to seed.
    """
    minutes: float | None
    """Of training what is not finished; None where a recipe of it has no finished run and was not tried."""
    leaks: Leaks
    """Test texts that an earlier step is trained on."""
    on_leak: str
    warnings: Sequence[str]


def look(
    checked: CheckedPlan, *, out: Path = Path("runs"), offline: bool = False, tried: bool = False
) -> Looked:
    """Read all data, find what is finished. Raises BadInput for what `run` would refuse then.

    With `tried` a few steps are taken of each recipe without a finished run; a model is loaded for that alone.
    """
    gathered = running.gather(checked, offline=offline)
    checked = running.settled(checked, gathered)
    mixtures = [_mixture(checked, one, gathered) for one in checked.plan.mixtures()]
    drawn = {name: round(share * one.steps) for one in mixtures for name, share in one.shares.items()}
    places = _Places(checked, gathered, out)
    steps = [_step(checked, step, gathered[step.recipe], places, drawn.get(step.name)) for step in checked.plan.steps()]
    steps = _estimated(checked, steps, gathered, tried, drawn)
    warnings = dict.fromkeys(warning for one in gathered.values() for warning in one.warnings)
    return Looked(
        name=checked.plan.name,
        directory=out / f"{checked.plan.name}-{running.digest(checked, gathered)}",
        seeds=checked.plan.seeds,
        steps=steps,
        mixtures=mixtures,
        memories=[(one.earlier, one.later) for one in checked.plan.memories()],
        smallest=smallest(checked, gathered),
        minutes=_minutes(steps),
        leaks=leaks.find(checked, gathered, opening=False, offline=offline),
        on_leak=checked.plan.on_leak,
        warnings=tuple(warnings),
    )


def _mixture(checked: CheckedPlan, mixed: Mixed, gathered: Mapping[str, Inputs]) -> LookedMixture:
    """Look at what a stage mixes: the steps of each recipe by itself, and its share of their sum."""
    recipes = {step.name: step.recipe for step in checked.plan.steps()}
    own = [_own_steps(checked, gathered[recipes[name]], name) for name in mixed.members.values()]
    shares = dict(zip(mixed.members.values(), mixing.shares(own, mixed.temperature), strict=True))
    return LookedMixture(mixed.name, mixed.temperature, sum(own), shares)


def _own_steps(checked: CheckedPlan, inputs: Inputs, step: str) -> int:
    recipe = checked.steps[step].recipe
    return _steps(recipe, len(prepare.training_rows(inputs, recipe.seeds[0])))


def _step(checked: CheckedPlan, step: Step, inputs: Inputs, places: _Places, drawn: int | None) -> LookedStep:
    """Look at one step; `drawn`: how many steps one of a mixture may expect."""
    recipe = checked.steps[step.name].recipe
    rows = {split: len(found) for split, found in inputs.rows.items()}
    rows["train"] = len(prepare.training_rows(inputs, recipe.seeds[0]))
    runs, seconds = [], []
    for seed in checked.plan.seeds:
        directory = places.of(step, seed)
        finished = report.finished(directory) if directory is not None else None
        if finished is not None and directory is not None:
            places.done[step.name, seed] = directory
            seconds.append(float(finished["training"]["seconds"]))
        runs.append((seed, str(directory or ""), finished is not None))
    steps = _steps(recipe, rows["train"]) if drawn is None else drawn
    return LookedStep(
        step.name, recipe.name, recipe.task.kind, inputs.card.name, step.start, step.take if step.start else "",
        step.control, rows, steps, runs, sum(seconds) / len(seconds) if seconds else None, None,
    )  # fmt: skip


class _Places:
    """Where the runs of a plan lie, as far as that is known before they have run."""

    def __init__(self, checked: CheckedPlan, gathered: Mapping[str, Inputs], out: Path) -> None:
        self.checked, self.gathered, self.out = checked, gathered, out
        self.steps = {one.name: one for one in checked.plan.steps()}
        self.mixed = {own: (name, one) for one in checked.plan.mixtures() for name, own in one.members.items()}
        self.done: dict[tuple[str, int], Path] = {}
        """Runs that are finished."""

    def of(self, step: Step, seed: int) -> Path | None:
        """Give the directory of a run; None where what it goes on from has not run."""
        name, mixed = self.mixed.get(step.name, ("", None))
        together = [step] if mixed is None else [self.steps[own] for own in mixed.members.values()]
        if any(one.start in self.steps and (one.start, seed) not in self.done for one in together):
            return None
        if mixed is not None:
            mixture = running.mixture_of(self.checked, mixed, self.gathered, self.done, seed)
            return mixing.directory_of(mixture, seed, self.out) / name
        start = running.start_of(step, self.done, seed)
        one = running.inputs_of(self.checked, step, self.gathered[step.recipe], start)
        return self.out / f"{one.recipe.name}-{prepare.digest(one, seed)}"


def _steps(recipe: Recipe, rows: int) -> int:
    copies = 1 + sum(kind.copies for kind in recipe.augment)
    return recipe.train.epochs * batches.steps_per_epoch(rows * copies, recipe.train.batch)


def _estimated(
    checked: CheckedPlan, steps: Sequence[LookedStep], gathered: Mapping[str, Inputs], tried: bool,
    drawn: Collection[str],
) -> list[LookedStep]:
    """Give the steps with what a run of each takes: what one of another step with the same recipe took, or what a trial
    says.
    """
    recipes = {step.name: step.recipe for step in checked.plan.steps()}
    known = {recipes[one.name]: (one.seconds, one.steps) for one in steps if one.seconds is not None}
    found = []
    for one in steps:
        name = recipes[one.name]
        if tried and name not in known:
            attempted = trying.attempt(gathered[name])
            known[name] = attempted.seconds, attempted.steps
        seconds, taken = known.get(name, (None, one.steps))
        if seconds is not None and taken != one.steps and name in drawn:  # the same recipe, mixed and alone
            seconds *= one.steps / taken
        found.append(one if one.seconds is not None else replace(one, estimate=seconds))
    return found


def _minutes(steps: Sequence[LookedStep]) -> float | None:
    """Add up what is left; None where a run is left of which nothing is known."""
    seconds = 0.0
    for one in steps:
        left = sum(not finished for _, _, finished in one.runs)
        each = one.estimate if one.seconds is None else one.seconds
        if left and each is None:
            return None
        seconds += left * (each or 0.0)
    return seconds / 60


def smallest(checked: CheckedPlan, gathered: Mapping[str, Inputs]) -> dict[str, tuple[float | None, float | None]]:
    """Say for each claim and set how small a gain could be shown."""
    found: dict[str, tuple[float | None, float | None]] = {}
    recipes = {step.name: step.recipe for step in checked.plan.steps()}
    for claim in checked.plan.claims():
        inputs = gathered[recipes[claim.step]]
        for one in inputs.recipe.evaluate:
            for language, part in evaluate.by_language(inputs.rows[one.name], one.languages):
                rows = len(part)
                alone = statistics.smallest_detectable_difference(rows, ASSUMED)
                name = " ".join(part for part in (f"{claim.step},", one.name, language) if part)
                found[name] = alone, _with_seeds(alone, rows, len(checked.plan.seeds))
    return found


def _with_seeds(alone: float | None, rows: int, seeds: int) -> float | None:
    try:
        return None if alone is None else statistics.smallest_over_seeds(
            alone, seeds=seeds, deviation=DEVIATION, rows=rows
        )  # fmt: skip
    except BadInput:  # one seed, or one row, shows nothing of seeds
        return None
