"""Stages that mix: their names in a plan, what they are held against, what is refused, and the model that is used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mixing_help
import plans_help
import pytest
import tiny

from nlptl.errors import BadInput
from nlptl.plan import looking, reading, running
from nlptl.plans import Claim, Memory

Make = Callable[..., Path]


def later(folder: Path, checkpoint: Path, **stage: Any) -> Path:
    """Write the plan of `mixing_help` with a third stage."""
    path = mixing_help.plan(folder, checkpoint)
    tree = json.loads(path.read_text())
    tree["stages"].append({"name": "last", "take": "body", **stage})
    return plans_help.save(folder, tree)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, checkpoint: Make) -> Any:
    """Run a plan whose second stage rehearses the first's task beside another."""
    from nlptl import saved

    folder = tmp_path_factory.mktemp("mixed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved, "gate", tiny.near_gate)
        return running.run(mixing_help.plan(folder, checkpoint("bert")), out=folder / "runs")


def run_of(done: Any, name: str) -> Path:
    (step,) = [one for one in done.report["steps"] if one["name"] == name]
    found: Path = done.directory.parent / step["runs"][0]["run"]
    return found


def test_each_entry_has_its_gain_and_the_stage_before_is_scored_again(done: Any) -> None:
    names = ["a", "joint/a", "joint/b", "joint/a alone", "joint/b alone"]
    assert [one["name"] for one in done.report["steps"]] == names
    for one in done.report["gains"]:
        ours, alone = (
            [line["correct"] for line in tiny.predictions(run_of(done, name))]
            for name in (one["first"], f"{one['first']} alone")
        )
        assert one["value"] == pytest.approx((sum(ours) - sum(alone)) / 24)
    assert [one["first"] for one in done.report["gains"]] == ["joint/a", "joint/b"]
    assert [one["first"] for one in done.report["again"]] == ["a after joint/a"]
    assert run_of(done, "joint/a alone") == run_of(done, "a"), "the first stage is the control itself"
    steps = {one["name"]: one["steps"] for one in done.report["steps"]}
    assert steps["joint/a"] + steps["joint/b"] == steps["joint/a alone"] + steps["joint/b alone"]
    page = (done.directory / "report.html").read_text()
    assert "joint/a" in page
    assert "What was trained together" in page


def test_an_entry_goes_on_with_its_head_and_all_with_the_body(done: Any, checkpoint: Make) -> None:
    """What each began with is compared with what the stage before saved."""
    reports = [json.loads((run_of(done, f"joint/{name}") / "report.json").read_text()) for name in "ab"]
    assert {one["checkpoint"]["name"] for one in reports} == {str(run_of(done, "a"))}
    recipes = [(run_of(done, f"joint/{name}") / "recipe.yaml").read_text() for name in "ab"]
    assert ["head: keep" in one for one in recipes] == [True, False]
    assert ["head: new" in one for one in recipes] == [False, True]


def test_what_is_done_is_found(done: Any, near_gate: None) -> None:
    path = done.directory.parent.parent / "plan.yaml"
    again = running.run(path, out=done.directory.parent)
    assert again.found
    looked = looking.look(reading.check(path), out=done.directory.parent)
    assert all(finished for one in looked.steps for _, _, finished in one.runs)
    (mixed,) = looked.mixtures
    # 48 rows of each by 8: six steps each
    assert (mixed.steps, mixed.shares) == (12, {"joint/a": 0.5, "joint/b": 0.5})
    fresh = looking.look(reading.check(path), out=done.directory)
    assert [bool(one.runs[0][1]) for one in fresh.steps] == [True, False, False, True, True]


def test_one_task_of_the_model_is_used_by_its_name(done: Any, tmp_path: Path) -> None:
    run = run_of(done, "joint/a").parent
    texts = tmp_path / "texts.txt"
    texts.write_text("bada gin\n")
    said = tiny.warm("-m", "nlptl", "predict", str(run), str(texts), "--task", "b")
    assert said.returncode == 0, said.stderr
    assert set(json.loads(said.stdout)["probabilities"]) == {f"class{number}" for number in range(4)}
    none = tiny.warm("-m", "nlptl", "predict", str(run), str(texts))
    assert none.returncode == 2
    assert "2 tasks lies here: a, b" in none.stderr
    listed = tiny.warm("-m", "nlptl", "ls", str(run.parent))
    assert f"{run.name}/a" in listed.stdout
    assert f"{run.name}/b" in listed.stdout


def test_a_run_of_several_tasks_is_no_run_of_one(done: Any) -> None:
    from nlptl import compare, exporting, mixtures, saved
    from nlptl.replay import replay

    run = run_of(done, "joint/a").parent
    uses = (saved.load, compare.open_run, mixtures.check_one, lambda it: exporting.export(it, run / "x", merge=False))
    for use in uses:
        with pytest.raises(BadInput, match="one model of 2 tasks lies here: a, b"):
            use(run)  # type: ignore[operator]
    with pytest.raises(BadInput, match="has no task 'c'"):
        mixtures.folder_of(run, "c")
    with pytest.raises(BadInput, match="no run of several tasks"):
        mixtures.folder_of(run / "a", "a")
    with pytest.raises(BadInput, match="trained together with b"):
        replay(run / "a")


def test_a_task_of_a_mixture_is_not_taken_for_a_seed_of_it_alone(done: Any) -> None:
    from nlptl.compare import groups, open_run, settings

    mixed, alone = (open_run(run_of(done, name), letter) for name, letter in (("joint/b", "A"), ("joint/b alone", "B")))
    told = {leaf.path for leaf in settings.differing([mixed, alone])}
    assert {"trained together.with", "trained together.temperature"} <= told
    found, twice = groups.grouped([mixed, alone])
    assert (len(found), twice) == (2, [])


def test_names_in_a_plan(checkpoint: Make, tmp_path: Path) -> None:
    checked = reading.check(later(tmp_path, checkpoint("bert"), recipe="second.yaml", start="joint"))
    starts = {one.name: (one.start, one.take) for one in checked.plan.steps() if not one.control}
    assert starts == {
        "a": ("", "body"), "joint/a": ("a", "all"), "joint/b": ("a", "body"), "last": ("joint/a", "body"),
    }  # fmt: skip
    assert checked.plan.memories() == (
        Memory("a", "joint/a"), Memory("a", "last"), Memory("joint/a", "last"), Memory("joint/b", "last"),
    )  # fmt: skip
    assert checked.plan.claims() == (
        Claim("joint/a", "joint/a alone"), Claim("joint/b", "joint/b alone"), Claim("last", "last from scratch"),
    )  # fmt: skip
    named = reading.check(later(tmp_path, checkpoint("bert"), recipe="second.yaml", start="joint/b", take="all"))
    assert named.steps["last"].recipe.task.head == "keep"
    again = later(
        tmp_path, checkpoint("bert"), start="joint", take="all", temperature=1,
        mix=[{"name": "b", "recipe": "second.yaml"}, {"name": "a", "recipe": "first.yaml"}],
    )
    starts = {one.name: one.start for one in reading.check(again).plan.steps()}
    assert (starts["last/a"], starts["last/b"]) == ("joint/a", "joint/b")


ENTRY = {"name": "c", "recipe": "second.yaml"}


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        ({"recipe": "first.yaml"}, "stages[1].mix", "there is a recipe beside it"),
        ({"mix": None, "temperature": None}, "stages[1].recipe", "missing"),
        ({"mix": [ENTRY]}, "stages[1].mix", "one entry is no mixture"),
        ({"temperature": None}, "stages[1].temperature", "missing"),
        ({"temperature": 0}, "stages[1].temperature", "greater than 0"),
        ({"mix": None, "recipe": "first.yaml"}, "stages[1].temperature", "nothing to mix"),
        ({"mix": [ENTRY, ENTRY]}, "stages[1].mix[1].name", "stands here twice"),
        ({"mix": [ENTRY, ENTRY | {"name": "checkpoints"}]}, "stages[1].mix[1].name", "is a folder of every run"),
        ({"start": None, "take": None}, "stages[1].mix[0].take", "there is no start to take from"),
        ({"mix": [ENTRY, ENTRY | {"name": "d", "take": "all"}]}, "stages[1].mix[1].take", "the labels are not those"),
        ({"mix": [ENTRY, {"name": "d", "recipe": "third.yaml"}]}, "stages[1].mix[1].recipe", "neither a file"),
        ({"mix": [ENTRY, {"name": "d", "recipe": "second.yaml", "set": {"train.learning_rate": 1}}]},
         "stages[1].mix[1]", "train.learning_rate is 1.0 in 'd', 0.001 in 'c'"),
        ({"mix": [ENTRY, {"name": "d", "recipe": "second.yaml", "set": {"tuning": [{"kind": "lora"}]}}]},
         "stages[1].mix[1]", "there is one for all of a mixture"),
        ({"set": {"tuning": [{"kind": "unfreeze", "blocks": 1}]}}, "stages[1]", "'unfreeze' cannot be mixed"),
        ({"set": {"tuning": [{"kind": "auto"}]}}, "stages[1]", "'auto' cannot be mixed"),
        ({"set": {"data.target": {"split": "test"}}}, "stages[1]", "another domain (data.target) cannot be mixed in"),
        ({"heads": "one"}, "stages[1].mix[1]", "the labels of 'b' are not those of 'a'"),
        ({"heads": "two"}, "stages[1].heads", "each"),
        ({"mix": None, "recipe": "first.yaml", "temperature": None, "heads": "one"}, "stages[1].heads",
         "nothing to mix"),
        ({"set": {"train.epoch": 1}}, "train.epoch", "unknown key"),
        ({"set": {"seeds": [1]}}, "stages[1].set.seeds", "the plan's seeds"),
        ({"mix": [ENTRY, ENTRY | {"name": "d/e"}]}, "stages[1].mix[1].name", "a-z0-9"),
    ],
)  # fmt: skip
def test_a_bad_mixture_is_refused_with_its_place(
    changes: dict[str, Any], where: str, what: str, checkpoint: Make, tmp_path: Path
) -> None:
    path = mixing_help.plan(tmp_path, checkpoint("bert"), **changes)
    with pytest.raises(BadInput) as fault:
        reading.check(path)
    found = [one for one in fault.value.problems if what in str(one)]
    assert found, fault.value
    assert found[0].field == where
    assert found[0].where


@pytest.mark.parametrize(
    ("stage", "where", "what"),
    [
        ({"recipe": "second.yaml", "start": "joint", "take": "all"}, "stages[2].take", "has the heads of a and b"),
        ({"recipe": "second.yaml", "start": "joint/c"}, "stages[2].start", "neither an earlier stage"),
        ({"start": "joint", "take": "all", "temperature": 1, "mix": [ENTRY, ENTRY | {"name": "b"}]},
         "stages[2].mix[0].name", "has the heads of a and b"),
    ],
)  # fmt: skip
def test_a_bad_way_on_from_a_mixture_is_refused(
    stage: dict[str, Any], where: str, what: str, checkpoint: Make, tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as fault:
        reading.check(later(tmp_path, checkpoint("bert"), **stage))
    found = [one for one in fault.value.problems if what in str(one)]
    assert found, fault.value
    assert found[0].field == where


@pytest.mark.parametrize(
    "override", ["stages[1].temperature=3", "stages[1].mix[0].take=body", "stages[1].mix[1].set={train.epochs: 2}"]
)
def test_the_digest_covers_a_mixture(override: str, checkpoint: Make, tmp_path: Path) -> None:
    path = mixing_help.plan(tmp_path, checkpoint("bert"))

    def digest(*overrides: str) -> str:
        checked = reading.check(path, overrides)
        return running.digest(checked, running.gather(checked))

    assert digest() == digest("name=other")
    assert digest() != digest(override)


def test_several_processes_are_refused(checkpoint: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nlptl import mixing
    from nlptl.job import Watch

    entries = {name: mixing_help.inputs(tmp_path / "in", checkpoint("bert"), name) for name in "ab"}
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(BadInput, match="tasks are mixed on one process so far"):
        mixing.run_seed(mixing_help.mixture(entries), 13, tmp_path / "runs", Watch())
    assert not (tmp_path / "runs").exists()


def test_what_one_entry_is_trained_on_leaks_into_the_others_test(checkpoint: Make, tmp_path: Path) -> None:
    """Two cards of one made world: the rows of its test split are training rows of the other, under other ids."""
    import test_leaks as cards

    path = mixing_help.plan(tmp_path, checkpoint("bert"), start=None, take=None, mix=[
        {"name": "one", "recipe": "first.yaml"}, {"name": "two", "recipe": "second.yaml"},
    ])  # fmt: skip
    planted = cards.sentences(3, 7)
    for name, train, test in (("first", planted, []), ("second", [], planted)):
        own = cards.sentences(90, len(name))
        texts = {"train": [*own[:50], *train], "dev": own[50:70], "test": [*own[70:], *test]}
        tree = json.loads((tmp_path / f"{name}.yaml").read_text())
        card = cards.write_card(tmp_path, f"card_{name}_texts", texts)
        tree["data"] = {"card": str(card), "root": str(tmp_path)}
        tiny.write_recipe(tmp_path / f"{name}.yaml", tree)
    found = looking.look(reading.check(path), out=tmp_path / "runs").leaks
    assert {(one.trained, one.tested) for one in found.found} == {("joint/one", "joint/two")}
    assert len(found.found) == 3
    with pytest.raises(BadInput, match="3 rows of test of 'joint/two' stand in what 'joint/one' is trained on"):
        running.run(path, out=tmp_path / "runs")


def test_a_run_of_a_mixture_is_guarded_with_all_that_it_was_trained_on(done: Any, tmp_path: Path) -> None:
    from nlptl.plan import leaks

    path = done.directory.parent.parent / "plan.yaml"
    tree = json.loads(path.read_text())
    run = run_of(done, "joint/a").parent
    tree["stages"] = [{"name": "b", "recipe": "second.yaml", "start": str(run / "a"), "take": "body"}]
    checked = reading.check(plans_help.save(tmp_path, tree | {"stages": [
        one | {"recipe": str(path.parent / one["recipe"])} for one in tree["stages"]
    ]}))  # fmt: skip
    found = leaks.find(checked, running.gather(checked), opening=False)
    assert {str(run / "a"), str(run / "b")} <= set(found.texts)
    tree["stages"][0] |= {"start": str(run), "recipe": str(path.parent / "second.yaml")}
    with pytest.raises(BadInput, match="one model of 2 tasks lies here"):
        reading.check(plans_help.save(tmp_path, tree))


def test_languages_of_one_task_are_mixed_as_tasks_are(checkpoint: Make, tmp_path: Path, near_gate: None) -> None:
    """Made geography: one card, rows of two languages under the same items, one head for both."""
    body = checkpoint("xlm-roberta")
    tree = tiny.recipe_tree(body, Path("geography_classes")) | {"name": "geo"}
    tree["data"] = {"card": "geography_classes", "train_rows": 16}
    tiny.write_recipe(tmp_path / "geo.yaml", tree)
    mix = [
        {"name": code, "recipe": "geo.yaml",
         "set": {"data.languages": [code], "train.select": "last", "evaluate": [{"split": "dev", "languages": [code]}]}}
        for code in ("eng", "deu")
    ]  # fmt: skip
    stage = {"name": "both", "temperature": 1, "heads": "one", "mix": mix}
    plan = {"kind": "stages", "name": "geo_both", "seeds": [13], "control": "none", "stages": [stage]}
    finished = running.run(plans_help.save(tmp_path, plan), out=tmp_path / "runs")
    names = [one["scores"][0]["set"] for one in finished.report["steps"]]
    assert names == ["dev eng", "dev deu"]
    assert not finished.report["gains"]
