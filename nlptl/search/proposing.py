"""What optuna is asked: a study made anew of the trials that ended, and whether one is worth going on with."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from nlptl import seeds
from nlptl.search.space import Dimension

if TYPE_CHECKING:
    import optuna

UNPRUNED = 4
"""Trials that are never stopped early, so that there is something to hold the later ones against."""

State = Literal["finished", "stopped", "failed", "begun"]


@dataclass(frozen=True)
class Trial:
    """One trial: the settings it tried, and the score at each evaluation."""

    number: int
    params: Mapping[str, Any]
    """What optuna drew, by path."""
    settings: Mapping[str, Any]
    """What the recipe was given of that."""
    state: State = "begun"
    scores: Mapping[int, float] = field(default_factory=dict)
    """By step."""
    seconds: float = 0.0
    why: str = ""
    """Why it failed."""

    @property
    def score(self) -> float | None:
        """Give the best score, that of the weights a run would keep."""
        return max(self.scores.values(), default=None)


def study(trials: Mapping[int, Trial], space: Sequence[Dimension], seed: int, number: int) -> optuna.Study:
    """Make optuna's study of the trials before `number`, and a sampler of its own for that one."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seeds.derive(seed, "tune", number) % 2**32, multivariate=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED),
    )
    states = {"finished": optuna.trial.TrialState.COMPLETE, "stopped": optuna.trial.TrialState.PRUNED}
    ranges = {each.path: _distribution(each) for each in space}
    for trial in (trials[key] for key in sorted(trials) if key < number):
        state = states.get(trial.state, optuna.trial.TrialState.FAIL)
        made.add_trial(
            optuna.trial.create_trial(
                state=state, value=trial.score if state != optuna.trial.TrialState.FAIL else None,
                params=dict(trial.params), distributions=ranges, intermediate_values=dict(trial.scores),
            )
        )  # fmt: skip
    return made


def _distribution(dimension: Dimension) -> Any:
    import optuna

    if dimension.choices:
        return optuna.distributions.CategoricalDistribution(dimension.choices)
    assert dimension.low is not None
    assert dimension.high is not None
    if isinstance(dimension.low, int) and isinstance(dimension.high, int):
        return optuna.distributions.IntDistribution(dimension.low, dimension.high, log=dimension.log)
    return optuna.distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def draw(asked: optuna.Trial, dimension: Dimension) -> Any:
    """Let optuna draw a value."""
    kind = _distribution(dimension)
    if dimension.choices:
        return asked.suggest_categorical(dimension.path, dimension.choices)
    suggest = asked.suggest_int if isinstance(dimension.low, int) else asked.suggest_float
    return suggest(dimension.path, kind.low, kind.high, log=kind.log)


def behind(others: Sequence[Any], scores: Mapping[int, float], step: int) -> bool:
    """Say whether a trial's best so far is below the median of what others had reached by that step (the rule of
    optuna's median pruner, which knows only one step at a time).
    """
    reached = [max(value for at, value in each.intermediate_values.items() if at <= step) for each in others
               if min(each.intermediate_values, default=step + 1) <= step]  # fmt: skip
    return len(reached) >= UNPRUNED and max(scores.values()) < statistics.median(reached)
