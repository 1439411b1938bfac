"""Plans: what is done is found, a killed one goes on, gains are what the predictions say, bad ones are refused."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import plans_help
import pytest
import tiny
from scipy import stats

from nlptl import statistics
from nlptl.errors import BadInput
from nlptl.plan import again, looking, page, reading, running

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, checkpoint: Make) -> Any:
    """Run the tiny plan once, two seeds."""
    from nlptl import saved

    folder = tmp_path_factory.mktemp("plan")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved, "gate", tiny.near_gate)
        return running.run(plans_help.write(folder, checkpoint("bert")), out=folder / "runs")


def step_of(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in report["steps"] if one["name"] == name]
    return found


def runs_of(done: Any, name: str) -> list[Path]:
    return [done.directory.parent / one["run"] for one in step_of(done.report, name)["runs"]]


def test_each_seed_goes_on_from_the_run_of_the_same_seed(done: Any) -> None:
    for first, second, scratch in zip(
        runs_of(done, "a"), runs_of(done, "b"), runs_of(done, "b from scratch"), strict=True
    ):
        reports = [json.loads((one / "report.json").read_text()) for one in (first, second, scratch)]
        assert len({one["seed"] for one in reports}) == 1
        assert reports[1]["checkpoint"]["name"] == str(first)
        assert reports[2]["checkpoint"] == reports[0]["checkpoint"]
        steps = [one["training"]["steps"] for one in reports]
        assert steps[1] == steps[2], "the same budget"
        rows = [[one["id"] for one in tiny.predictions(place)] for place in (second, scratch)]
        assert rows[0] == rows[1]


def test_the_body_that_a_stage_begins_with_is_the_one_of_the_stage_before(checkpoint: Make, tmp_path: Path) -> None:
    from nlptl import backbone, prepare, state

    path = plans_help.write(tmp_path, checkpoint("bert"))
    checked = reading.check(path)
    first = tiny.Tiny(tmp_path, tmp_path / "first.yaml").parts("train.learning_rate=1e-2")
    first.train(3)
    (tmp_path / "run").mkdir()
    first.save(tmp_path / "run" / "model")
    (tmp_path / "run" / "report.json").write_text('{"name": "first"}')
    gathered = running.gather(checked)
    step = checked.plan.steps()[1]
    inputs = running.inputs_of(checked, step, gathered[step.recipe], tmp_path / "run")
    opened = backbone.open_checkpoint(inputs.checkpoint, max_tokens=48, head_seed=state.head_seed(13))
    fitted = inputs.recipe.task.fit(prepare.training_rows(inputs, 13), inputs.card)
    model = inputs.recipe.task.attach(opened, fitted, "recipe")
    trained = tiny.weights(tmp_path / "run")
    begun = {name: tensor for name, tensor in model.module.state_dict().items() if name not in model.head}
    assert begun
    assert all(bool((trained[name] == tensor).all()) for name, tensor in begun.items())
    assert model.module.config.num_labels == 4


def test_a_gain_is_what_the_predictions_say(done: Any) -> None:
    """Means, row error and seed error by numpy, degrees of freedom by hand; p and interval by scipy."""
    (gain,) = done.report["gains"]
    right = numpy.array(
        [
            [[one["correct"] for one in tiny.predictions(run)] for run in runs_of(done, name)]
            for name in ("b", "b from scratch")
        ]
    )
    gaps = right[0] - right[1]
    value = gaps.mean()
    rows, seeds = stats.sem(gaps.mean(0)) ** 2, stats.sem(gaps.mean(1)) ** 2
    assert gain["value"] == pytest.approx(value)
    assert gain["scores"] == pytest.approx(right[0].mean(1).tolist())
    assert gain["against"] == pytest.approx(right[1].mean(1).tolist())
    if rows + seeds:
        error, freedoms = math.sqrt(rows + seeds), (gaps.shape[1] - 1, gaps.shape[0] - 1)

        def critical(level: float) -> float:
            """Cochran 1964."""
            return float(numpy.average(stats.t.ppf(level, freedoms), weights=[rows, seeds]))

        half = critical(0.975) * error
        assert (gain["low"], gain["high"]) == pytest.approx((value - half, value + half))
        assert critical(1 - gain["p"] / 2) * error == pytest.approx(abs(value), abs=1e-9)
    assert gain["outcome"] == ("better" if gain["low"] > 0 else "worse" if gain["high"] < 0 else "open")


def test_what_is_done_is_found(done: Any, near_gate: None) -> None:
    before = {file: file.stat().st_mtime_ns for file in done.directory.parent.rglob("*") if file.name != ".lock"}
    once_more = running.run(done.directory.parent.parent / "plan.yaml", out=done.directory.parent)
    assert once_more.found
    assert once_more.report == done.report
    after = {file: file.stat().st_mtime_ns for file in done.directory.parent.rglob("*") if file.name != ".lock"}
    assert after == before


def test_the_plan_is_shown_with_what_is_done(done: Any, tmp_path: Path) -> None:
    checked = reading.check(done.directory.parent.parent / "plan.yaml")
    here, fresh = looking.look(checked, out=done.directory.parent), looking.look(checked, out=tmp_path)
    assert here.directory == done.directory
    assert [[finished for _, _, finished in one.runs] for one in here.steps] == [[True, True]] * 3
    assert [[bool(place) for _, place, _ in one.runs] for one in fresh.steps] == [[True] * 2, [False] * 2, [True] * 2]
    assert [one.steps for one in here.steps] == [step["steps"] for step in done.report["steps"]]
    rows, both = here.smallest["b, test"]
    assert rows is None or both is None or both > rows


def test_the_earlier_head_stands_on_the_later_body(done: Any) -> None:
    first, second = runs_of(done, "a")[0], runs_of(done, "b")[0]
    loaded, kept = again.reattached(first, second)
    found = loaded.model.module.state_dict()
    ours, theirs = tiny.weights(first), tiny.weights(second)
    assert not kept
    for name, tensor in found.items():
        source = ours if name in loaded.model.head else theirs
        assert bool((tensor == source[name]).all()), name
    (record,) = done.report["again"]
    assert record["against"] == pytest.approx(
        [sum(one["correct"] for one in tiny.predictions(run)) / 24 for run in runs_of(done, "a")]
    )


def test_the_page_shows_each_number_with_its_rows_and_interval(done: Any) -> None:
    text = (done.directory / "report.html").read_text()
    (gain,) = done.report["gains"]
    assert f"{100 * gain['low']:+.1f} to {100 * gain['high']:+.1f}" in text
    assert gain["words"] in text.replace("&#39;", "'")
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert {file.name for file in (done.directory / "tables").iterdir()} == {
        f"{name}.{ending}" for name in ("gains", "scores", "again", "runs") for ending in ("csv", "json")
    }
    assert page.write(done.directory).read_text() == text


def test_a_killed_plan_goes_on(done: Any, tmp_path: Path, near_gate: None) -> None:
    """Killed with SIGKILL while its second step runs; what was finished is not done again, and all ends alike."""
    path = done.directory.parent.parent / "plan.yaml"
    line = [sys.executable, "-m", "nlptl", "run", str(path), "seeds=[13]", "--out", str(tmp_path / "runs")]
    environment = {**os.environ, "PYTHONPATH": str(tiny.ROOT)}
    with subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment) as child:
        assert child.stderr is not None
        for told in child.stderr:
            if "step 2 of 3" in told:
                os.kill(child.pid, signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    (first,) = [one for one in (tmp_path / "runs").glob("first-*") if (one / "report.json").is_file()]
    written = (first / "report.json").stat().st_mtime_ns
    going_on = running.run(path, overrides=["seeds=[13]"], out=tmp_path / "runs")
    assert (first / "report.json").stat().st_mtime_ns == written
    for name in ("a", "b", "b from scratch"):
        (one,), (other, _) = runs_of(going_on, name), runs_of(done, name)
        assert one.name == other.name, "where the runs lie changes no digest"
        assert tiny.outcome(one) == tiny.outcome(other)
    (gain,), (both,) = going_on.report["gains"], done.report["gains"]
    assert gain["scores"] == both["scores"][:1]
    assert "one seed" in (going_on.directory / "report.html").read_text()


def digest_of(path: Path, *overrides: str) -> str:
    checked = reading.check(path, overrides)
    return running.digest(checked, running.gather(checked))


@pytest.mark.parametrize(
    "override",
    ["seeds=[13]", "control=none", "stages[1].set={train.epochs: 2}", "stages[0].set={data.train_rows: 40}",
     "stages[1].set={tuning: [{kind: full}, {kind: dropout, rate: 0.2}]}", "stages[1].name=c"],
)  # fmt: skip
def test_the_digest_covers_what_matters(override: str, checkpoint: Make, tmp_path: Path) -> None:
    path = plans_help.write(tmp_path, checkpoint("bert"))
    assert digest_of(path) == digest_of(path, "name=other", "stages[0].set={name: another}")
    assert digest_of(path) != digest_of(path, override)


@pytest.mark.parametrize(
    ("override", "where", "what"),
    [
        ("stages[1].start=z", "stages[1].start", "neither an earlier stage nor a run's directory"),
        ("stages[0].start=b", "stages[0].start", "'b' comes later"),
        ("stages[1].start=b", "stages[1].start", "is this stage itself"),
        ("stages[1].take=null", "stages[1].take", "missing"),
        ("stages[1].start=null", "stages[1].take", "there is no start to take from"),
        ("stages[1].name=a", "stages[1].name", "stands here twice"),
        ("stages[1].recipe=third.yaml", "stages[1].recipe", "neither a file"),
        ("stages[1].recipe=plan.yaml", "stages[1].recipe", "is a plan, not a recipe"),
        ("stages[1].set={train.epoch: 2}", "train.epoch", "unknown key"),
        ("stages[1].set={seeds: [1]}", "stages[1].set.seeds", "the plan's seeds"),
        ("stages[1].set={a b: 1}", "", "is no path"),
        ("stages[1].set={task.head: keep}", "stages[1].take", "contradicts task.head: keep"),
        ("stages[1].take=all", "stages[1].take", "the labels are not those of 'a'"),
        ("seeds=[3, 3]", "seeds", "names one twice"),
        ("kind=stage", "kind", "stages"),
        ("stages=[]", "stages", "must have 1 item or more"),
        ("control=null", "control", "from_scratch"),
    ],
)
def test_a_bad_plan_is_refused_with_its_place(
    override: str, where: str, what: str, checkpoint: Make, tmp_path: Path
) -> None:
    path = plans_help.write(tmp_path, checkpoint("bert"))
    with pytest.raises(BadInput) as fault:
        reading.check(path, [override])
    found = [one for one in fault.value.problems if what in str(one)]
    assert found, fault.value
    assert found[0].field == where
    assert found[0].where


def test_a_fault_in_the_file_of_the_plan_is_told_with_its_line(checkpoint: Make, tmp_path: Path) -> None:
    path = plans_help.write(tmp_path, checkpoint("bert"), set={"train.epochs": 0}, start="aa")
    with pytest.raises(BadInput) as fault:
        reading.check(path)
    lines = path.read_text().splitlines()
    places = [one.where.split(":") for one in fault.value.problems]
    assert {one[0] for one in places} == {"plan.yaml"}
    assert {lines[int(one[1]) - 1].strip().split('"')[1] for one in places} == {"start", "train.epochs"}


def test_labels_that_differ_are_shown_as_a_table(checkpoint: Make, tmp_path: Path) -> None:
    path = plans_help.write(tmp_path, checkpoint("bert"), take="all")
    with pytest.raises(BadInput) as fault:
        reading.check(path)
    table = [line.split() for line in str(fault.value).splitlines()]
    assert ["label", "a", "b"] in table
    assert ["class3", "-", "yes"] in table
    assert "3 labels are in both" in str(fault.value)


def test_all_is_taken_where_the_labels_are_the_same(checkpoint: Make, tmp_path: Path) -> None:
    path = plans_help.write(tmp_path, checkpoint("bert"), take="all", recipe="first.yaml")
    checked = reading.check(path)
    assert checked.steps["b"].recipe.task.head == "keep"
    assert checked.steps["b from scratch"].recipe.task.head == "auto"


def test_another_checkpoint_is_no_control(checkpoint: Make, tmp_path: Path) -> None:
    path = plans_help.write(tmp_path, checkpoint("bert"), set={"model.checkpoint": str(checkpoint("gpt2"))})
    with pytest.raises(BadInput, match="began with"):
        reading.check(path)


def test_a_recipe_may_stand_in_the_plan(checkpoint: Make, tmp_path: Path) -> None:
    path = plans_help.write(tmp_path, checkpoint("bert"))
    tree = json.loads((tmp_path / "second.yaml").read_text())
    del tree["seeds"]
    plan = json.loads(path.read_text())
    plan["stages"][1]["recipe"] = tree
    before = digest_of(path)
    assert digest_of(plans_help.save(tmp_path, plan)) == before, "where a recipe lies changes nothing"
    plan["stages"][1]["recipe"] = tree | {"seeds": [1]}
    with pytest.raises(BadInput, match="seeds"):
        reading.check(plans_help.save(tmp_path, plan))


def test_a_run_that_lies_here_can_be_gone_on_from(done: Any, checkpoint: Make, tmp_path: Path) -> None:
    path = plans_help.write(tmp_path, checkpoint("bert"), start=str(runs_of(done, "a")[0]))
    checked = reading.check(path)
    looked = looking.look(checked, out=tmp_path)
    assert all(place for _, place, _ in looked.steps[1].runs), "known at once"
    with pytest.raises(BadInput, match="no finished run"):
        reading.check(path, [f"stages[1].start={json.dumps(str(tmp_path))}"])


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_any_task_goes_on_from_any(family: str, checkpoint: Make, tmp_path: Path) -> None:
    """Each task trains a step on the body that each other task saved."""
    worlds = {"classification": "topics", "qa": "questions", "parsing": "commands"}
    worlds |= {} if family == "t5" else {"language": "topics"}
    for first in worlds:
        begun = _parts(tmp_path / first, checkpoint(family), first, worlds[first], family, None)
        begun.train(1)
        begun.save(tmp_path / first / "model")
        for second in worlds:
            place = tmp_path / f"{first}-{second}"
            parts = _parts(place, tmp_path / first / "model", second, worlds[second], family, "body")
            assert math.isfinite(parts.train(1)[0].loss)


def _parts(place: Path, start: Path, task: str, world: str, family: str, take: Any) -> tiny.Parts:
    from nlptl.checks import check

    section = dict(plans_help.task(task))
    if task == "parsing" and family != "bert":
        section.pop("decoder")
    place.mkdir(exist_ok=True)
    tree = tiny.recipe_tree(start, tiny.write_card(place, world=world)) | {"task": section}
    recipe = tiny.write_recipe(place / "recipe.yaml", tree)
    if take:
        starting = check(recipe).recipe.task.starting(take)
        assert not isinstance(starting, str)
        tree["task"] = starting.model_dump(mode="json")
        tiny.write_recipe(recipe, tree)
    return tiny.Tiny(place, recipe).parts()


def test_paired_over_seeds_is_the_paired_t_test_where_rows_say_nothing() -> None:
    """scipy's ttest_rel, on made numbers."""
    ours, theirs = [0.81, 0.84, 0.79, 0.88], [0.78, 0.80, 0.80, 0.83]
    gaps = [a - b for a, b in zip(ours, theirs, strict=True)]
    found = statistics.paired_over_seeds(gaps, row_error=0.0, rows=100, row_freedom=99)
    expected = stats.ttest_rel(ours, theirs)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_paired_over_seeds_holds_its_level() -> None:
    """Where there is no gain, at most 5 % of plans with three seeds claim one; the percentile bootstrap over three
    seeds and the rows claims many more (pigeonhole bootstrap, Owen 2007).
    """
    draw = numpy.random.default_rng(0)
    plans, seeds, rows = 400, 3, 60
    claimed = boot = 0
    for _ in range(plans):
        gaps = draw.normal(0, 0.5, (seeds, 1)) + draw.normal(0, 1, (1, rows)) + draw.normal(0, 1, (seeds, rows))
        found = statistics.paired_over_seeds(
            gaps.mean(1).tolist(), row_error=float(stats.sem(gaps.mean(0))), rows=rows, row_freedom=rows - 1
        )
        claimed += found.low > 0 or found.high < 0
        again_seeds, again_rows = draw.integers(seeds, size=(200, seeds)), draw.integers(rows, size=(200, rows))
        means = gaps[again_seeds[:, :, None], again_rows[:, None, :]].mean((1, 2))
        low, high = numpy.quantile(means, [0.025, 0.975])
        boot += low > 0 or high < 0
    assert claimed / plans <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / plans)
    assert boot > 2 * claimed


def test_the_smallest_gain_is_found_with_the_power_it_promises() -> None:
    """Simulated: a gain of that size is claimed in 0.8 of the plans, by little more or less."""
    draw = numpy.random.default_rng(1)
    plans, seeds, rows, error = 4000, 5, 400, 0.01
    alone = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * error
    gain = statistics.smallest_over_seeds(alone, seeds=seeds, deviation=0.02, rows=rows)
    shift, spread = draw.normal(0, error, plans), draw.normal(0, 0.02, (plans, seeds))
    claimed = 0
    for number in range(plans):
        gaps = (gain + shift[number] + spread[number]).tolist()
        claimed += statistics.paired_over_seeds(gaps, row_error=error, rows=rows, row_freedom=rows - 1).low > 0
    assert claimed / plans == pytest.approx(0.8, abs=0.08)
    assert statistics.smallest_over_seeds(alone, seeds=10**6, deviation=0.02, rows=10**6) == pytest.approx(
        alone, rel=1e-3
    )
