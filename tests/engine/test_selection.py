"""Which weights a run ends with: the best on the split that the recipe names, the last, or those of an early stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tiny

from nlptl.errors import BadInput

Make = Callable[..., tiny.Tiny]
pytestmark = pytest.mark.usefixtures("near_gate")
ROWS = {"train": 48, "dev": 24, "other": 24, "test": 24}


def scores(result: Any, split: str) -> dict[str, float]:
    return next(one["metrics"] for one in result.report["evaluation"] if one["split"] == split)


@pytest.mark.parametrize("select", ["dev", "other"])
def test_the_named_split_chooses_the_checkpoint(make: Make, select: str) -> None:
    made = make(
        source={"rows": ROWS, "noise": 0.2}, evaluate=[{"split": "dev"}, {"split": "other"}],
        train={"epochs": 3, "learning_rate": 1e-2, "evaluate_every": 1, "select": select, "metric": "macro_f1"},
    )  # fmt: skip
    result = made.run()
    training = result.report["training"]
    history = {one["step"]: one["metrics"] for one in training["history"]}
    assert list(history) == list(range(1, 19)), "one evaluation a step"
    best = max(history.values(), key=lambda metrics: metrics["macro_f1"])["macro_f1"]
    first = next(step for step, metrics in history.items() if metrics["macro_f1"] == best)
    assert training["best_step"] == first < 18, "of equals the first; the last is not the best here"
    assert training["best_score"] == best
    # What was saved is what was best: the same rows give the same numbers again.
    assert scores(result, select) == history[first]
    assert scores(result, {"dev": "other", "other": "dev"}[select]) not in history.values()
    assert result.report["selected_on"] == select


def test_select_last_looks_at_no_split(make: Make) -> None:
    result = make(train={"epochs": 2, "select": "last"}).run()
    training = result.report["training"]
    assert training["best_step"] == training["steps"] == 12
    assert [one["metrics"] for one in training["history"]] == [{}, {}]
    assert result.report["rows"]["last"] == 0


def test_the_last_weights_are_those_after_the_last_step(make: Make) -> None:
    made = make(train={"epochs": 1, "select": "last"})
    directory = made.run().directory
    parts = made.parts()
    parts.train(6, total=6)
    assert tiny.largest_difference(tiny.weights(directory), parts.state_dict()) == 0


def test_early_stopping_waits_as_long_as_it_should(make: Make) -> None:
    made = make(train={"epochs": 2, "learning_rate": 1e-9, "evaluate_every": 2, "patience": 3})
    training = made.run().report["training"]
    assert (training["best_step"], training["steps"], training["planned_steps"]) == (2, 8, 12)
    assert training["stopped_early"]


def test_patience_starts_anew_with_each_better_score(make: Make) -> None:
    made = make(source={"noise": 0.2}, train={"epochs": 4, "learning_rate": 1e-2, "evaluate_every": 1, "patience": 4})
    training = made.run().report["training"]
    found = [one["metrics"]["accuracy"] for one in training["history"]]
    best, waited, expected = -1.0, 0, 0
    for step, value in enumerate(found, 1):
        best, waited = (value, 0) if value > best else (best, waited + 1)
        expected = step
        if waited == 4:
            break
    assert training["steps"] == expected < 24
    assert training["best_step"] == found.index(max(found)) + 1 > 1, "a later evaluation was better than the first"


def test_patience_without_a_split_is_refused(make: Make) -> None:
    with pytest.raises(BadInput, match="early stopping needs a split to look at"):
        make(train={"select": "last", "patience": 1}).run()
