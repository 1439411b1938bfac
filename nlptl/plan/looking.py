"""What a plan will do, before it does: the whole tree of runs, and how small a gain it could show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nlptl import evaluate, prepare, report, statistics
from nlptl.data import batches
from nlptl.errors import BadInput
from nlptl.plan import leaks, running, trying
from nlptl.plan.leaks import Leaks
from nlptl.plan.reading import CheckedPlan
from nlptl.plan.trying import ASSUMED
from nlptl.plans import Step
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
    """Optimizer steps of a run at least: a row of several windows makes more."""
    runs: Sequence[tuple[int, str, bool]]
    """Seed, directory ("" where that is known only after what it goes on from), whether it is finished."""
    seconds: float | None
    """Of training a run, the mean of those that are finished; None where none is."""
    estimate: float | None
    """Where `seconds` are not known: those of a finished run of the same recipe, or of a few steps that were tried."""


@dataclass(frozen=True)
class Looked:
    """A plan, looked through."""

    name: str
    directory: Path
    seeds: Sequence[int]
    steps: Sequence[LookedStep]
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
    done: dict[tuple[str, int], Path] = {}
    steps = [_step(checked, step, gathered[step.recipe], out, done) for step in checked.plan.steps()]
    steps = _estimated(checked, steps, gathered, tried)
    warnings = dict.fromkeys(warning for one in gathered.values() for warning in one.warnings)
    return Looked(
        name=checked.plan.name,
        directory=out / f"{checked.plan.name}-{running.digest(checked, gathered)}",
        seeds=checked.plan.seeds,
        steps=steps,
        memories=[(one.earlier, one.later) for one in checked.plan.memories()],
        smallest=smallest(checked, gathered),
        minutes=_minutes(steps),
        leaks=leaks.find(checked, gathered, opening=False, offline=offline),
        on_leak=checked.plan.on_leak,
        warnings=tuple(warnings),
    )


def _step(checked: CheckedPlan, step: Step, inputs: Inputs, out: Path, done: dict[tuple[str, int], Path]) -> LookedStep:
    """Look at one step; note in `done` which of its runs are finished."""
    recipe = checked.steps[step.name].recipe
    rows = {split: len(found) for split, found in inputs.rows.items()}
    rows["train"] = len(prepare.training_rows(inputs, recipe.seeds[0]))
    runs, seconds = [], []
    for seed in checked.plan.seeds:
        directory = _directory(checked, step, inputs, out, done, seed)
        finished = report.finished(directory) if directory is not None else None
        if finished is not None and directory is not None:
            done[step.name, seed] = directory
            seconds.append(float(finished["training"]["seconds"]))
        runs.append((seed, str(directory or ""), finished is not None))
    return LookedStep(
        step.name, recipe.name, recipe.task.kind, inputs.card.name, step.start, step.take if step.start else "",
        step.control, rows, _steps(recipe, rows["train"]), runs, sum(seconds) / len(seconds) if seconds else None, None,
    )  # fmt: skip


def _directory(
    checked: CheckedPlan, step: Step, inputs: Inputs, out: Path, done: Mapping[tuple[str, int], Path], seed: int
) -> Path | None:
    """Give the directory of a run; None where what it goes on from has not run."""
    names = {one.name for one in checked.plan.steps()}
    if step.start in names and (step.start, seed) not in done:
        return None
    one = running.inputs_of(checked, step, inputs, running.start_of(step, done, seed))
    return out / f"{one.recipe.name}-{prepare.digest(one, seed)}"


def _steps(recipe: Recipe, rows: int) -> int:
    copies = 1 + sum(kind.copies for kind in recipe.augment)
    return recipe.train.epochs * batches.steps_per_epoch(rows * copies, recipe.train.batch)


def _estimated(
    checked: CheckedPlan, steps: Sequence[LookedStep], gathered: Mapping[str, Inputs], tried: bool
) -> list[LookedStep]:
    """Give the steps with what a run of each takes: what one of another step with the same recipe took, or what a trial
    says.
    """
    recipes = {step.name: step.recipe for step in checked.plan.steps()}
    known = {recipes[one.name]: one.seconds for one in steps if one.seconds is not None}
    found = []
    for one in steps:
        name = recipes[one.name]
        if tried and name not in known:
            known[name] = trying.attempt(gathered[name]).seconds
        found.append(one if one.seconds is not None else replace(one, estimate=known.get(name)))
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
