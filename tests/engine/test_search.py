"""The search for settings: what it tries, what it never reads, and that it goes on where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

from nlptl import search
from nlptl.checks import check
from nlptl.data import rows as reading
from nlptl.errors import BadInput
from nlptl.job import Watch
from nlptl.search import Dimension, proposing, running, space

Make = Callable[..., tiny.Tiny]
RATES = [Dimension("train.learning_rate", 1e-4, 1e-1, log=True)]
TRAIN = {"epochs": 2, "evaluate_every": 3}


def searched(world: tiny.Tiny, trials: int, out: str, **more: Any) -> search.Found:
    return search.search(world.recipe, space=RATES, trials=trials, out=world.folder / out, **more)


def essence(found: search.Found) -> list[Any]:
    return [(one.number, one.params, one.scores, one.state) for one in found.trials]


@pytest.mark.parametrize(
    ("given", "dimension"),
    [
        ("train.learning_rate=1e-5..1e-3", Dimension("train.learning_rate", 1e-5, 1e-3, log=True)),
        ("tuning[0].rate=0.1..0.9", Dimension("tuning[0].rate", 0.1, 0.9)),
        ("tuning[0].rate=0..0.5", Dimension("tuning[0].rate", 0.0, 0.5)),
        ("tuning[0].blocks=0..6", Dimension("tuning[0].blocks", 0, 6)),
        ("train.batch=8..256", Dimension("train.batch", 8, 256, log=True)),
        ("tuning[0].rank=4,8,16", Dimension("tuning[0].rank", choices=(4, 8, 16))),
        ("train.schedule=linear,cosine", Dimension("train.schedule", choices=("linear", "cosine"))),
        ("train.clip=null,1.0", Dimension("train.clip", choices=(None, 1.0))),
    ],
)
def test_a_range_or_choices_are_read_and_written_again(given: str, dimension: Dimension) -> None:
    assert search.read([given]) == [dimension]
    assert search.read([str(dimension)]) == [dimension]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["train.batch"], "has no path and values"), (["train.batch=8"], "two different choices or more"),
        (["train.batch=8,8"], "two different choices or more"), (["train.batch=9..8"], "range from 9 to 8 is empty"),
        (["train.batch=a..b"], "'a' is no number"), (["x=1.._"], "'_' is no number"),
        (["x=1..2", "x=1,2"], "stands here twice"),
    ],
)  # fmt: skip
def test_what_is_neither_is_refused(given: list[str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        search.read(given)


def test_what_is_usually_searched_goes_by_the_recipe(make: Make) -> None:
    def usual(*tuning: dict[str, Any]) -> list[str]:
        return [str(one) for one in space.usual(check(make(tuning=list(tuning)).recipe).recipe, 6)]

    assert usual({"kind": "full"}) == ["train.learning_rate=0.000125..0.008"]
    assert usual({"kind": "freeze", "blocks": 1})[1:] == ["tuning[0].blocks=0..6"]
    assert usual({"kind": "freeze", "all_but_head": True})[1:] == []
    assert usual({"kind": "lora"}, {"kind": "decay", "factor": 0.9})[1:] == [
        "tuning[0].rank=4,8,16,32", "tuning[1].factor=0.6..1"
    ]  # fmt: skip
    assert usual({"kind": "reinit", "blocks": 1})[1:] == ["tuning[0].blocks=1..3"]


@pytest.mark.parametrize(("family", "blocks"), [("bert", 2), ("gpt2", 2), ("distilbert", 2), ("t5", 4), ("bart", 4)])
def test_the_configuration_says_how_many_blocks_there_are(
    checkpoint: Callable[..., Path], family: str, blocks: int
) -> None:
    assert running._blocks(json.loads((checkpoint(family) / "config.json").read_text())) == blocks


def test_the_best_is_found_and_written_as_a_recipe_to_run(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the test split is not read."""
    read: list[str] = []
    load = reading.load

    def seen(card: Any, split: str, *rest: Any) -> Any:
        read.append(split)
        return load(card, split, *rest)

    monkeypatch.setattr(reading, "load", seen)
    world = make(train=TRAIN)
    found = searched(world, 5, "runs")
    assert set(read) == {"train", "dev"}
    assert [one.number for one in found.trials] == [0, 1, 2, 3, 4]
    assert len({one.params["train.learning_rate"] for one in found.trials}) == 5, "each draws for itself"
    assert all(1e-4 <= one.params["train.learning_rate"] <= 1e-1 for one in found.trials)
    done = [one for one in found.trials if one.state == "finished"]
    assert found.best is not None
    assert found.best.score == max(one.score or 0 for one in done)
    assert (found.metric, found.split, found.rows) == ("accuracy", "dev", 24)
    assert found.recipe is not None
    own, best = check(world.recipe).recipe, check(found.recipe).recipe
    assert best.train.learning_rate == found.best.settings["train.learning_rate"]
    assert best.name == "tiny_tuned"
    assert best.evaluate == own.evaluate
    changed = {"train": own.train.model_copy(update={"learning_rate": best.train.learning_rate}), "name": best.name}
    assert best == own.model_copy(update=changed)
    assert not list(found.directory.glob("trial-*")), "weights of trials are not kept"


def test_a_trial_scores_what_a_run_of_its_settings_scores(make: Make) -> None:
    world = make(train=TRAIN)
    (trial,) = searched(world, 1, "runs").trials
    run = world.run(f"train.learning_rate={trial.settings['train.learning_rate']}", "evaluate=[{split: dev}]")
    assert trial.score == pytest.approx(run.score("dev"), abs=1e-12)


class Enough(Exception):
    """What stops a search in the middle of a trial."""


@pytest.mark.parametrize("after", [0, 4, 7])
def test_a_search_that_was_stopped_goes_on_to_the_same_trials(make: Make, after: int) -> None:
    world = make(train=TRAIN)
    whole = searched(world, 4, "whole")
    steps = 0

    def step(one: Any, total: int) -> None:
        nonlocal steps
        steps += 1
        if steps == 12 + after:
            raise Enough

    with pytest.raises(Enough):
        searched(world, 4, "parts", watch=Watch(step=step))
    said: list[str] = []
    again = searched(world, 4, "parts", watch=Watch(say=said.append))
    assert essence(again) == essence(whole)
    assert any(words.startswith("trial 1 of 4") for words in said) == (after == 0), "step 12 is the first trial's last"
    assert essence(searched(world, 4, "parts")) == essence(whole), "found, not made again"
    assert essence(searched(world, 2, "fewer")) == essence(whole)[:2]


def test_another_seed_or_space_is_another_search(make: Make) -> None:
    world = make(train=TRAIN | {"epochs": 1})
    first = searched(world, 1, "runs")
    other = searched(world, 1, "runs", seed=1)
    wider = search.search(world.recipe, space=search.read(["train.learning_rate=1e-4..1"]), trials=1,
                          out=world.folder / "runs")  # fmt: skip
    assert len({one.directory for one in (first, other, wider)}) == 3
    assert first.trials[0].params != other.trials[0].params


def test_time_that_is_spent_begins_no_trial(make: Make) -> None:
    found = searched(make(train=TRAIN), 3, "runs", minutes=0.0)
    assert found.trials == []
    assert (found.best, found.recipe) == (None, None)


def test_a_trial_behind_the_median_of_those_before_is_stopped() -> None:
    """By hand: what four others had reached by step 4 is 0.2, 0.4, 0.6, 0.8, so the median is 0.5."""
    import optuna

    others = [
        optuna.trial.create_trial(state=optuna.trial.TrialState.COMPLETE, value=9.0,
                                  intermediate_values={2: one - 0.1, 4: one, 6: 9.0})
        for one in (0.2, 0.4, 0.6, 0.8)
    ]  # fmt: skip
    assert proposing.behind(others, {2: 0.1, 4: 0.49}, 4)
    assert not proposing.behind(others, {2: 0.1, 4: 0.51}, 4)
    assert not proposing.behind(others, {2: 0.51, 4: 0.1}, 4), "its best so far counts"
    assert not proposing.behind(others[:3], {4: 0.0}, 4), "three are too few"
    assert not proposing.behind(others, {1: 0.0}, 1), "none had been looked at by then"


def test_stopped_trials_are_never_the_best(make: Make) -> None:
    world = make(train=TRAIN)
    found = searched(world, 8, "runs")
    states = {one.state for one in found.trials}
    assert "stopped" in states, "half of eight trials cannot all be above the median"
    stopped = [one for one in found.trials if one.state == "stopped"]
    assert all(len(one.scores) <= 4 for one in stopped)
    assert found.best is not None
    assert found.best.state == "finished"


def test_a_stopped_trial_is_not_the_best_even_where_it_stood_highest(make: Make) -> None:
    """As where the median of those before it was higher still, at that step."""
    world = make(train=TRAIN)
    found = searched(world, 2, "runs")
    last = json.loads((found.directory / "trials.jsonl").read_text().splitlines()[-1])
    with (found.directory / "trials.jsonl").open("a") as file:
        file.write(json.dumps(last | {"state": "stopped", "scores": {"3": 0.999}}) + "\n")
    again = searched(world, 2, "runs")
    assert [one.state for one in again.trials] == ["finished", "stopped"]
    assert again.best is not None
    assert again.best.number == 0


def test_a_rate_that_blows_up_is_a_failed_trial(make: Make) -> None:
    world = make(train=TRAIN | {"clip": None, "schedule": "constant"})
    found = search.search(world.recipe, space=search.read(["train.learning_rate=9.0,10.0"]), trials=2,
                          out=world.folder / "runs")  # fmt: skip
    assert len(found.trials) == 2
    for one in found.trials:
        assert (one.state == "failed") == bool(one.why)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--over", "train.learning_rat=1..2"], "unknown key"),
        (["--over", "train.batch=0..8"], "train.batch"),
        (["train.select=last"], "a search needs a split to judge by"),
    ],
)
def test_what_the_recipe_does_not_take_is_told_before_anything_runs(
    make: Make, arguments: list[str], words: str
) -> None:
    world = make()
    done = tiny.warm("-m", "nlptl", "tune", str(world.recipe), *arguments, "--out", str(world.folder / "runs"))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (world.folder / "runs").exists()


def test_the_command_prints_trials_and_what_to_run(make: Make) -> None:
    world = make(train=TRAIN)
    line = ["-m", "nlptl", "tune", str(world.recipe), "--trials", "2", "--out", str(world.folder / "runs")]
    done = tiny.warm(*line, "--over", "train.learning_rate=1e-4..1e-2")
    assert done.returncode == 0, done.stderr
    assert "dev accuracy" in done.stdout
    assert "The best of 2 on 24 rows: its score is optimistic" in done.stdout
    assert "run it, test split and all: nlptl run " in done.stdout
    again = tiny.warm(*line, "--over", "train.learning_rate=1e-4..1e-2", "--json")
    told = json.loads(again.stdout)
    assert [one["state"] for one in told["trials"]] == ["finished", "finished"]
    assert told["space"] == ["train.learning_rate=0.0001..0.01"]
