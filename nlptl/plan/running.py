"""A plan becomes run directories and a report of its own. Whatever is done already is found and not done again."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nlptl import artifacts, backbone, launch, mixing, prepare, recipe, report, runs, strict
from nlptl.errors import BadInput
from nlptl.job import Watch
from nlptl.plan import leaks
from nlptl.plan.leaks import Leaks
from nlptl.plan.reading import CheckedPlan, check
from nlptl.plans import Mixed, Step
from nlptl.prepare import Inputs
from nlptl.runs import Result
from nlptl.version import __version__

LONGEST = 64
"""Signs of a run's name."""


@dataclass(frozen=True)
class Finished:
    """A finished plan: where its report lies and what it says."""

    directory: Path
    report: dict[str, Any]
    found: bool
    """True when all of it was there before and nothing was computed."""


def run(plan: str | Path | CheckedPlan, *, overrides: Sequence[str] = (), out: str | Path = "runs",
        offline: bool = False, watch: Watch | None = None) -> Finished:  # fmt: skip
    """Run a plan, its runs and its report below `out`; finished runs are found, begun ones go on.

    Raises BadInput for whatever the user can mend, with all problems at once, before a model is loaded.
    """
    from nlptl.plan import again, writing

    checked = plan if isinstance(plan, CheckedPlan) else check(plan, overrides)
    watch, place = watch or Watch(), Path(out)
    artifacts.check_place(place)
    watch.say("reading data and checkpoints")
    gathered = gather(checked, offline=offline)
    checked = settled(checked, gathered)
    for warning in dict.fromkeys(warning for one in gathered.values() for warning in one.warnings):
        watch.say(f"warning: {warning}")
    directory = place / f"{checked.plan.name}-{digest(checked, gathered)}"
    with artifacts.lock(directory) if launch.rank() == 0 else contextlib.nullcontext():
        try:
            found = _guard(checked, gathered, directory, offline, watch)
            results = _steps(checked, gathered, place, offline, watch)
        except BadInput:
            if launch.rank() == 0:
                artifacts.forget(directory)
            raise
        before = writing.finished(directory, results)
        if before is not None:
            watch.say(f"{directory} is finished; nothing to do")
            return Finished(directory, before, True)
        remembered = again.score(checked, results, gathered, directory, watch)
        report = writing.write(checked, results, remembered, found, gathered, directory, watch)
        return Finished(directory, report, False)


def _guard(checked: CheckedPlan, gathered: Mapping[str, Inputs], directory: Path, offline: bool, watch: Watch) -> Leaks:
    """Look for test texts that a run is trained on; stop there, with a list, unless the plan wants a report of it."""
    found = leaks.find(checked, gathered, opening=True, offline=offline)
    for one in found.unread:
        watch.say(f"warning: {one}")
    if found.found and checked.plan.on_leak == "stop":
        place = leaks.write(found, directory)
        raise leaks.refusal(checked, found, f"the whole list is {place}; ")
    for one in leaks.told(found):
        watch.say(f"warning: {one}")
    return found


def gather(checked: CheckedPlan, *, offline: bool = False) -> dict[str, Inputs]:
    """Read the data and the own checkpoint of every recipe, by its name in the plan."""
    return {name: prepare.gather(one, offline=offline) for name, one in checked.recipes.items()}


def settled(checked: CheckedPlan, gathered: Mapping[str, Inputs]) -> CheckedPlan:
    """Put what `auto` takes in its place in every step of a plan."""
    of = {step.name: gathered[step.recipe] for step in checked.plan.steps()}
    steps = {
        name: replace(one, recipe=prepare.with_recipe(of[name], one.recipe).recipe)
        for name, one in checked.steps.items()
    }
    return replace(checked, steps=steps)


def _steps(
    checked: CheckedPlan, gathered: Mapping[str, Inputs], out: Path, offline: bool, watch: Watch
) -> dict[tuple[str, int], Result]:
    """Run every step, seed by seed; give (step, seed) -> run. The steps of a mixture are one run."""
    results: dict[tuple[str, int], Result] = {}
    steps = checked.plan.steps()
    mixed = {name: one for one in checked.plan.mixtures() for name in one.members.values()}
    for number, step in enumerate(steps, 1):
        together = mixed.get(step.name)
        for seed in checked.plan.seeds if (step.name, checked.plan.seeds[0]) not in results else ():
            done = {key: one.directory for key, one in results.items()}
            if together is None:
                inputs = inputs_of(checked, step, gathered[step.recipe], start_of(step, done, seed), offline=offline)
                watch.say(f"{checked.plan.name}: step {number} of {len(steps)}, {step.name}, seed {seed}")
                results[step.name, seed] = runs.run_seed(inputs, seed, out, watch)
                continue
            which = f"steps {number} to {number + len(together.members) - 1} of {len(steps)}"
            watch.say(f"{checked.plan.name}: {which}, {together.name}, seed {seed}")
            mixture = mixture_of(checked, together, gathered, done, seed, offline=offline)
            found = mixing.run_seed(mixture, seed, out, watch)
            results |= {(together.members[name], seed): one for name, one in found.items()}
    return {(step.name, seed): results[step.name, seed] for step in steps for seed in checked.plan.seeds}


def start_of(step: Step, done: Mapping[tuple[str, int], Path], seed: int) -> Path | None:
    """Give the run that a step's seed goes on from: that of the same seed of an earlier step, or the one it names."""
    return done.get((step.start, seed), Path(step.start).expanduser()) if step.start else None


def inputs_of(checked: CheckedPlan, step: Step, inputs: Inputs, start: Path | None, *, offline: bool = False) -> Inputs:
    """Give what a step's seed reads: the recipe's rows, and the checkpoint that it goes on from."""
    plan = checked.steps[step.name].recipe
    if start is None:
        return replace(inputs, recipe=plan)
    before = str(artifacts.read_json(start / report.REPORT)["name"])
    longer = f"{plan.name}-after-{before}"
    section = plan.model.model_copy(update={"checkpoint": str(start)})
    name = longer if len(longer) <= LONGEST else plan.name
    plan = plan.model_copy(update={"model": section, "name": name})
    return replace(inputs, recipe=plan, checkpoint=backbone.inspect(str(start), offline=offline))


def mixture_of(
    checked: CheckedPlan, mixed: Mixed, gathered: Mapping[str, Inputs], done: Mapping[tuple[str, int], Path], seed: int,
    *, offline: bool = False,
) -> mixing.Mixture:  # fmt: skip
    """Give what a mixture of the plan reads for a seed; `done` has the runs that it may go on from."""
    steps = {step.name: step for step in checked.plan.steps()}
    entries = {}
    for name, own in mixed.members.items():
        step = steps[own]
        entries[name] = inputs_of(checked, step, gathered[step.recipe], start_of(step, done, seed), offline=offline)
    return mixing.Mixture(mixed.name, entries, mixed.temperature, mixed.heads)


def digest(checked: CheckedPlan, gathered: Mapping[str, Inputs]) -> str:
    """Give the 12 hexadecimal digits that name a plan's directory: over what each of its steps reads, and the seeds.

    Where recipes lie, how runs are called and all plumbing change nothing.
    """
    tree: dict[str, Any] = {"kind": checked.plan.kind, "seeds": list(checked.plan.seeds), "nlptl": __version__}
    names = {step.name for step in checked.plan.steps()}
    tree["steps"] = [
        {
            "name": step.name, "recipe": recipe.science(checked.steps[step.name].recipe),
            "start": step.start if step.start in names else backbone.inspect(step.start).sha256 if step.start else "",
            "data": gathered[step.recipe].fingerprint, "checkpoint": gathered[step.recipe].checkpoint.sha256,
        }
        for step in checked.plan.steps()
    ]  # fmt: skip
    if together := checked.plan.mixtures():
        tree["mixtures"] = [[one.name, dict(one.members), one.temperature, one.heads] for one in together]
    tree["claims"] = [[one.step, one.control] for one in checked.plan.claims()]
    text = json.dumps(tree, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def write_beginning(checked: CheckedPlan, directory: Path) -> None:
    """Write down what the plan is."""
    from nlptl.plan.page import PLAN

    artifacts.write_text(directory / PLAN, artifacts.redact(strict.dump(checked.plan)))
