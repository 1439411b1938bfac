"""`tuning: auto`: what it takes is written down, what is written is kept, and the run is that of the written recipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plans_help
import pytest
import tiny

from nlptl import advising, prepare, search, strict
from nlptl.checks import check
from nlptl.errors import BadInput
from nlptl.job import Watch
from nlptl.plan import looking, reading, running
from nlptl.unsaid import LEFT

Make = Callable[..., tiny.Tiny]
TAKEN = {
    "epochs": 20, "batch": 12, "learning_rate": 1e-4, "schedule": "linear", "warmup": 0.1, "weight_decay": 0.01,
    "clip": 1.0,
}  # fmt: skip
"""What is advised for 48 rows of three classes and a small body: 48 // 4 rows a step."""


def leave_out(file: Path, names: tuple[str, ...] = LEFT, **train: Any) -> Path:
    """Write `auto` into a recipe and leave settings of `train` unsaid."""
    tree = json.loads(file.read_text(encoding="utf-8"))
    kept = {name: value for name, value in tree["train"].items() if name not in names}
    return tiny.write_recipe(file, tree | {"tuning": [{"kind": "auto"}], "train": kept | train})


def gathered(recipe: Path) -> prepare.Inputs:
    return prepare.gather(check(recipe))


def test_it_is_the_recipe_written_out_by_hand(make: Make) -> None:
    world = make(train=TAKEN)
    written = gathered(world.recipe)
    auto = gathered(leave_out(world.recipe))
    assert auto.recipe == written.recipe
    assert prepare.digest(auto, 13) == prepare.digest(written, 13)
    assert written.taken == ()
    assert [line.split(": ")[0] for line in auto.taken] == ["auto took tuning", *(
        f"auto took train.{name}" for name in
        ("learning_rate", "epochs", "batch", "schedule", "warmup", "weight_decay", "clip")
    )]  # fmt: skip


def test_what_is_written_is_kept_even_where_it_is_the_stand_in(make: Make) -> None:
    world = make()
    left = tuple(name for name in LEFT if name not in ("epochs", "clip"))
    found = gathered(leave_out(world.recipe, left, epochs=1, clip=None)).recipe.train
    assert (found.epochs, found.clip, found.batch) == (1, None, 12)


@pytest.mark.usefixtures("near_gate")
def test_a_run_writes_down_what_was_taken_and_says_why(make: Make) -> None:
    world = make()
    said: list[str] = []
    leave_out(world.recipe, epochs=1)
    result = world.run(watch=Watch(say=said.append))
    assert any("auto took tuning: [{kind: full}] because: " in line for line in said)
    resolved = check(result.directory / "recipe.yaml").recipe
    assert [kind.kind for kind in resolved.tuning] == ["full"]
    assert (resolved.train.batch, resolved.train.epochs) == (12, 1)
    assert result.report["taken"] == [line for line in said if line.startswith("auto took")]
    assert "What auto took of these data, and why" in (result.directory / "report.html").read_text(encoding="utf-8")
    assert world.run().found


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_every_family_and_task_takes_something_that_trains(make: Make, family: str) -> None:
    for world, kind in (("topics", "classification"), ("questions", "qa"), ("commands", "parsing")):
        task = plans_help.task(kind)
        if family not in tiny.ENCODERS:
            task.pop("decoder", None)
        made = make(family, source={"world": world}, task=task, train={"select": "last"})
        leave_out(made.recipe, batch=8)
        assert made.parts().train(1)


def test_what_says_the_same_beside_it_is_refused_and_smoothing_is_not(make: Make) -> None:
    world = make()
    tree = json.loads(leave_out(world.recipe).read_text(encoding="utf-8"))
    tiny.write_recipe(world.recipe, tree | {"tuning": [{"kind": "auto"}, {"kind": "lora"}]})
    with pytest.raises(BadInput, match=r"tuning\[1\]: 'lora' says what 'auto' at recipe.yaml:1:\d+ is to choose"):
        check(world.recipe)
    tiny.write_recipe(world.recipe, tree | {"tuning": [{"kind": "smoothing", "rate": 0.1}, {"kind": "auto"}]})
    assert [kind.kind for kind in gathered(world.recipe).recipe.tuning] == ["smoothing", "full"]


def test_without_auto_nothing_may_be_left_out_and_precision_never(make: Make) -> None:
    world = make()
    tree = json.loads(world.recipe.read_text(encoding="utf-8"))
    del tree["train"]["epochs"]
    with pytest.raises(BadInput, match=r"train\.epochs: missing"):
        check(tiny.write_recipe(world.recipe, tree))
    del tree["train"]["precision"]
    with pytest.raises(BadInput, match=r"train\.precision: missing"):
        check(tiny.write_recipe(world.recipe, tree | {"tuning": [{"kind": "auto"}]}))


def test_plans_take_it_and_a_head_that_goes_on_is_known(make: Make, checkpoint: Any, tmp_path: Path) -> None:
    place = plans_help.write(tmp_path / "plan", checkpoint("bert"), seeds=(13,))
    leave_out(tmp_path / "plan" / "second.yaml")
    checked = reading.check(place)
    settled = running.settled(checked, running.gather(checked))
    assert {kind.kind for one in settled.steps.values() for kind in one.recipe.tuning} == {"full"}
    looked = looking.look(checked, out=tmp_path)
    assert {one.name: one.steps for one in looked.steps}["b"] == 20 * 48 // 12
    inputs = gathered(tmp_path / "plan" / "second.yaml")
    kept = inputs.recipe.model_copy(update={"task": inputs.recipe.task.starting("all")})
    assert advising.facts_of(kept, inputs.card, inputs.checkpoint, inputs.rows["train"]).head
    assert not advising.facts_of(inputs.recipe, inputs.card, inputs.checkpoint, inputs.rows["train"]).head


def test_a_recipe_within_a_plan_may_leave_out_the_same(make: Make, checkpoint: Any, tmp_path: Path) -> None:
    place = plans_help.write(tmp_path / "plan", checkpoint("bert"), seeds=(13,))
    tree = json.loads(leave_out(tmp_path / "plan" / "second.yaml").read_text(encoding="utf-8"))
    del tree["seeds"]
    plan = json.loads(place.read_text(encoding="utf-8"))
    plan["stages"][1]["recipe"] = tree
    read = reading.check(plans_help.save(place.parent, plan))
    written = strict.parse(strict.dump(read.plan), "written.yaml").data
    assert "epochs" not in written["stages"][1]["recipe"]["train"], "a stand-in is not what was said"
    tree["tuning"] = [{"kind": "full"}]
    with pytest.raises(BadInput, match="epochs: missing"):
        reading.check(plans_help.save(place.parent, plan))


def test_a_search_goes_on_from_what_it_took(make: Make) -> None:
    world = make()
    leave_out(world.recipe, epochs=1)
    space = search.read(["train.learning_rate=1e-4..1e-2"])
    found = search.search(world.recipe, space=space, trials=1, out=world.folder / "runs")
    assert found.recipe is not None
    best = check(found.recipe).recipe
    assert [kind.kind for kind in best.tuning] == ["full"]
    assert best.train.batch == 12


def test_advice_is_held_against_the_recipe(make: Make) -> None:
    inputs = gathered(make(train={"epochs": 2, "batch": 12}, tuning=[{"kind": "lora", "rank": 4}]).recipe)
    facts, found = advising.held(inputs.recipe, inputs.card, inputs.checkpoint, inputs.rows["train"])
    by_path = {one.path: one for one in found}
    assert "48 training rows, 3 classes" in facts
    assert (by_path["tuning"].advised, by_path["tuning"].recipe) == ("[{kind: full}]", "[{kind: lora, rank: 4}]")
    assert by_path["train.batch"].agrees
    assert (by_path["train.epochs"].advised, by_path["train.epochs"].recipe) == ("20", "2")
    assert by_path["train.learning_rate"].advised == "0.0002", "it goes by the adapter that the recipe has"
