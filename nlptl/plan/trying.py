"""What a recipe will do and cost, before it does: `nlptl plan`. Costs are measured on a few real steps, not guessed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from nlptl import backbone, engine, prepare, report, state, statistics
from nlptl.checks import Checked
from nlptl.computing import open_machine
from nlptl.data import batches
from nlptl.job import peak_memory_mib
from nlptl.prepare import Inputs

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
    phases: Sequence[Mapping[str, Any]] = ()
    """What learns from which step on, with the steps and parameters of each phase; nothing where there is one."""
    warnings: Sequence[str] = ()
    """What a run would say of recipe and data before it starts."""


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
    ends = batches.epoch_ends(features, pools, batch=train.batch, epochs=train.epochs, seed=seed)
    moving, steps = state.build(recipe, opened, fitted, features, computing, seed, ends=ends), ends[-1]
    features = list(batches.drawn(features, pools, seed=seed, epoch=0))
    tokens = sum(feature.size for feature in features)
    told = moving.course.facts()
    per_token, memory = _try(inputs, fitted, opened, features, moving, steps)
    left = sum(not done for _, _, done in runs)
    return Planned(
        runs=runs,
        rows={split: len(found) for split, found in inputs.rows.items()},
        labels=prepare.label_counts(rows),
        tokens=tokens,
        cut=sum(bool(feature.cut) for feature in features),
        steps=steps,
        parameters=moving.parameters,
        trainable=moving.trainable,
        memory_mib=memory,
        seconds_per_step=per_token * tokens * recipe.train.epochs / steps,
        minutes=per_token * tokens * recipe.train.epochs * left / 60,
        smallest_difference={
            one.split: statistics.smallest_detectable_difference(len(inputs.rows[one.split]), ASSUMED)
            for one in recipe.evaluate
        },
        phases=told,
        warnings=inputs.warnings,
    )


def _try(
    inputs: Inputs, fitted: Any, opened: backbone.Opened, features: Sequence[Any], moving: engine.Trained, total: int
) -> tuple[float, float]:
    """Give seconds a token, over the whole run, and the peak memory, from a few steps of each phase."""
    recipe, course = inputs.recipe, moving.course
    batch, seed = recipe.train.batch, recipe.seeds[0]
    plans = list(islice(batches.training_steps(features, batch=batch, epochs=1, seed=seed), TRIED + 1))
    verbs = state.verbs(recipe.task, opened, fitted)
    per_token = 0.0
    for number, phase in enumerate(course.phases):
        moved = [replace(one, number=phase.first + place) for place, one in enumerate(plans[: course.steps(number)])]
        steps = engine.train(
            moving, verbs, moved, total=total, settings=recipe.train, tuning=recipe.tuning, seed=seed,
            micro_tokens=recipe.machine.micro_tokens,
        )  # fmt: skip
        next(steps)
        began = time.perf_counter()
        tried = list(steps)
        seconds = time.perf_counter() - began
        tokens = sum(step.tokens for step in tried)
        per_token += seconds / tokens * course.steps(number) / total if tried else 0.0
    return per_token, peak_memory_mib()
