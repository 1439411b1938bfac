"""What a recipe will do and cost, before it does: `nlptl plan`. Costs are measured on a few real steps, not guessed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from nlptl import backbone, engine, phases, prepare, report, state, statistics, step_memory, unlabelled
from nlptl.advising import Held, held
from nlptl.checks import Checked
from nlptl.computing import open_machine
from nlptl.data import batches
from nlptl.job import peak_memory_mib
from nlptl.prepare import Inputs
from nlptl.recipe import Recipe

TRIED = 4
"""Steps that are timed, after one that warms up."""
ASSUMED = 0.9
"""Accuracy at which the smallest visible difference is given: near 1 smaller ones show, near 0.5 none so small."""


@dataclass(frozen=True)
class Planned:
    """One recipe, looked through and tried out."""

    runs: Sequence[tuple[int, Path, bool]]
    """Seed, directory, whether it is finished."""
    rows: dict[str, int]
    labels: dict[str, int]
    """Rows of the training split by label."""
    tokens: int
    """Of the training rows, once."""
    cut: int
    """Training rows that are longer than the window."""
    steps: int
    parameters: int
    trainable: int
    memory_mib: float
    """Peak of this process while it tried the steps."""
    seconds_per_step: float
    minutes: float
    """Of all runs that are not finished, training alone."""
    smallest_difference: dict[str, float | None]
    """By split: the least gain over an accuracy of 0.9 that a paired test would find with power 0.8."""
    phases: Sequence[str] = ()
    """What learns when, a line a phase; empty where the same learns all the time."""
    warnings: Sequence[str] = ()
    """What a run would say of recipe and data before it starts."""
    facts: str = ""
    """What advice goes by."""
    advice: Sequence[Held] = ()
    """What is advised beside what the recipe has."""
    step_memory: Sequence[str] = ()
    """What a step is estimated to take, and what came of it."""
    taken: Sequence[str] = ()
    """What `auto` took."""


@dataclass(frozen=True)
class Tried:
    """What a few steps of a run tell of all of them; the fields are those of Planned."""

    labels: dict[str, int]
    tokens: int
    cut: int
    steps: int
    parameters: int
    trainable: int
    memory_mib: float
    seconds: float
    """Of all steps of one run, training alone."""
    phases: Sequence[str]
    step_memory: Sequence[str]


def plan(checked: Checked, *, out: Path = Path("runs"), offline: bool = False) -> Planned:
    """Read the data, open the model, take a few steps and throw them away.

    Raises BadInput for everything that `run` would refuse.
    """
    inputs = prepare.gather(checked, offline=offline)
    recipe = inputs.recipe
    runs = []
    for seed in recipe.seeds:
        directory = out / f"{recipe.name}-{prepare.digest(inputs, seed)}"
        runs.append((seed, directory, report.finished(directory) is not None))
    tried = attempt(inputs)
    facts, advised = held(recipe, inputs.card, inputs.checkpoint, inputs.rows["train"])
    left = sum(not done for _, _, done in runs)
    return Planned(
        runs=runs,
        rows={split: len(found) for split, found in inputs.rows.items()}
        | ({"unlabelled": len(inputs.target)} if inputs.target else {}),
        labels=tried.labels,
        tokens=tried.tokens,
        cut=tried.cut,
        steps=tried.steps,
        parameters=tried.parameters,
        trainable=tried.trainable,
        memory_mib=tried.memory_mib,
        seconds_per_step=tried.seconds / tried.steps,
        minutes=tried.seconds * left / 60,
        smallest_difference={
            one.name: statistics.smallest_detectable_difference(len(inputs.rows[one.name]), ASSUMED)
            for one in recipe.evaluate
        },
        phases=tried.phases,
        warnings=inputs.warnings, facts=facts, advice=advised, taken=inputs.taken,
        step_memory=tried.step_memory,
    )  # fmt: skip


def attempt(inputs: Inputs) -> Tried:
    """Open the model of the recipe's first seed, take a few steps and throw them away."""
    recipe = inputs.recipe
    seed = recipe.seeds[0]
    rows = prepare.training_rows(inputs, seed)
    fitted = recipe.task.fit(rows, inputs.card)
    opened = backbone.open_checkpoint(
        inputs.checkpoint, max_tokens=recipe.model.max_tokens, head_seed=state.head_seed(seed)
    )
    copied = prepare.augmented_rows(inputs, seed)
    features = recipe.task.encode(copied.rows, opened, fitted, "train")
    computing = open_machine(recipe.machine.device, recipe.train.precision, recipe.machine.threads)
    train, pools = recipe.train, copied.pools
    (*_, steps) = batches.epoch_ends(features, pools, batch=train.batch, epochs=train.epochs, seed=seed)
    target = recipe.task.encode(unlabelled.drawn(recipe, inputs.target, seed), opened, fitted, "predict")
    moving = state.build(recipe, opened, fitted, [*features, *target], computing, seed, total=steps)
    features = list(batches.drawn(features, pools, seed=seed, epoch=0))
    said: list[str] = []
    verbs = unlabelled.added(state.verbs(recipe.task, opened, fitted), target, recipe, seed)
    step = step_memory.settle(moving, verbs, recipe, features, seed, say=said.append)
    tokens = sum(feature.size for feature in features)
    per_token, memory = _try(recipe, verbs, features, moving, steps)
    return Tried(
        labels=prepare.label_counts(rows), tokens=tokens, cut=sum(bool(feature.cut) for feature in features),
        steps=steps, parameters=moving.parameters, trainable=moving.trainable, memory_mib=memory,
        seconds=per_token * tokens * recipe.train.epochs, phases=_phases(moving, steps),
        step_memory=[*([str(step)] if step else []), *said],
    )  # fmt: skip


def _phases(moving: engine.Trained, steps: int) -> list[str]:
    """Say what learns when, and that the steps that are tried are those of the last phase at most."""
    said = [f"{one['said']}: {one['steps']} steps" for one in phases.facts(moving, steps)]
    note = "time and memory are measured with all of it open; phases in which less learns take less"
    return [*said, note] if said else []


def _try(
    recipe: Recipe, verbs: engine.Verbs, features: Sequence[Any], moving: engine.Trained, total: int
) -> tuple[float, float]:
    """Give seconds a token and the peak memory, from a few steps."""
    plans = list(
        islice(batches.training_steps(features, batch=recipe.train.batch, epochs=1, seed=recipe.seeds[0]), TRIED + 1)
    )
    steps = engine.train(
        moving, verbs, plans, total=total, settings=recipe.train, tuning=recipe.tuning, seed=recipe.seeds[0],
        micro_tokens=recipe.machine.micro_tokens,
    )  # fmt: skip
    next(steps)
    began = time.perf_counter()
    tried = list(steps)
    seconds = time.perf_counter() - began
    if not tried:
        return 0.0, peak_memory_mib()
    return seconds / sum(step.tokens for step in tried), peak_memory_mib()
