"""Every kind of task, on a made world of its own: the verbs of the contract, and the digest of a recipe."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import shelves
import tiny
import torch

from nlptl import kinds, prepare, recipe, strict
from nlptl.checks import check
from nlptl.evaluate import predictions_of
from nlptl.recipe import Recipe
from nlptl.saved import difference
from nlptl.tasks import Batch, Fitted, Task

Make = Callable[..., tiny.Tiny]
WORLDS = {
    "classification": ("topics", "several", "pairs"), "qa": ("questions",), "parsing": ("commands",),
    "language": ("topics",),
}  # fmt: skip
"""The made worlds that a task can learn. A task that is missing here has no contract test, and that is a failure."""
CASES = [(kind, world) for kind in kinds.shelf("tasks") for world in WORLDS[kind]]
every_case = pytest.mark.parametrize(("kind", "world"), CASES)


@pytest.fixture
def parts(kind: str, world: str, make: Make) -> tiny.Parts:
    return make(source={"world": world}, task=shelves.least("tasks", kind)).parts()


def task_of(parts: tiny.Parts) -> Any:
    return parts.inputs.recipe.task


def partials(parts: tiny.Parts, rows: Any, size: int = 1000) -> list[Any]:
    """Decode rows in batches of so many features."""
    task, module = task_of(parts), parts.moving.bare.eval()
    features = task.encode(rows, parts.opened, parts.fitted, "predict")
    found = []
    with torch.inference_mode():
        for start in range(0, len(features), size):
            batch = task.collate(features[start : start + size], parts.opened, parts.fitted)
            found += task.decode(module, Batch(batch.features, batch.inputs, {}), parts.opened, parts.fitted)
    return found


@pytest.mark.parametrize("kind", kinds.shelf("tasks"))
def test_a_task_has_every_verb(kind: str) -> None:
    found = kinds.shelf("tasks")[kind]
    assert found.__bases__ == (Task,)
    needed = {name for name, value in vars(Task).items() if "has no verb" in _source(value)}
    assert needed, "the contract refuses verbs that are missing"
    assert not [name for name in needed if getattr(found, name) is getattr(Task, name)]
    assert found.columns
    assert found.given
    assert found.families


def _source(value: Any) -> str:
    import inspect

    return inspect.getsource(value) if inspect.isfunction(value) else ""


@every_case
def test_what_is_fitted_survives_json(parts: tiny.Parts, kind: str, world: str) -> None:
    assert isinstance(parts.fitted, Fitted)
    saved = json.loads(json.dumps(parts.fitted.model_dump(mode="json")))
    assert task_of(parts).restore(saved) == parts.fitted


@every_case
def test_features_carry_rows_and_no_gold_where_it_is_not_asked_for(parts: tiny.Parts, kind: str, world: str) -> None:
    task = task_of(parts)
    for purpose in ("train", "predict"):
        features = task.encode(parts.rows, parts.opened, parts.fitted, purpose)
        assert {one.row_id for one in features} <= {row.id for row in parts.rows}
        assert max(len(one.input_ids) for one in features) <= parts.opened.max_tokens
        assert all((one.target is None) == (purpose == "predict") for one in features)
    by_row: dict[str, list[int]] = {}
    for one in features:
        by_row.setdefault(one.row_id, []).append(one.window)
    assert all(windows == list(range(len(windows))) for windows in by_row.values())
    assert set(by_row) == {row.id for row in parts.rows}


@every_case
def test_encoding_many_rows_is_encoding_each(parts: tiny.Parts, kind: str, world: str) -> None:
    task = task_of(parts)
    together = task.encode(parts.rows, parts.opened, parts.fitted, "train")
    alone = [one for row in parts.rows for one in task.encode([row], parts.opened, parts.fitted, "train")]
    assert together == alone
    assert task.encode([], parts.opened, parts.fitted, "train") == []


@every_case
def test_a_loss_is_a_sum_and_a_count(parts: tiny.Parts, kind: str, world: str) -> None:
    module = parts.moving.bare.eval()
    losses = [parts.verbs.loss(module, parts.verbs.collate(chosen)) for chosen in _cuts(parts.features[:7])]
    whole, first, second = ((one.total.item(), one.count.item()) for one in losses)
    assert whole[0] == pytest.approx(first[0] + second[0], rel=1e-5)
    assert whole[1] == pytest.approx(first[1] + second[1])
    assert losses[0].total.requires_grad
    assert not losses[0].count.requires_grad


def _cuts(features: Any) -> Iterator[Any]:
    yield features
    yield features[:2]
    yield features[2:]


@every_case
def test_decoding_does_not_depend_on_batches(parts: tiny.Parts, kind: str, world: str) -> None:
    task = task_of(parts)
    whole, alone = partials(parts, parts.rows), partials(parts, parts.rows, size=1)
    assert [(one.row_id, one.window) for one in whole] == [(one.row_id, one.window) for one in alone]
    for one, other in zip(whole, alone, strict=True):
        assert difference(one.values, other.values) <= 1e-4
    mixed = random.Random(1).sample(alone, len(alone))
    made = predictions_of(task, parts.rows, mixed, parts.opened, parts.fitted)
    assert [one.row_id for one in made] == [row.id for row in parts.rows]
    json.dumps([(one.value, dict(one.detail)) for one in made], allow_nan=False)


@every_case
def test_scores_match_by_id_and_gold_is_perfect(parts: tiny.Parts, kind: str, world: str) -> None:
    task = task_of(parts)
    gold = [task.gold(row, parts.fitted) for row in parts.rows]
    scores = task.score(gold, parts.rows, parts.fitted)
    assert tuple(scores.metrics) == task.metrics_of(parts.inputs.card)
    assert next(iter(scores.metrics.values())) == 1.0
    assert set(scores.per_example["correct"]) == {1.0}
    given = predictions_of(task, parts.rows, partials(parts, parts.rows), parts.opened, parts.fitted)
    first = task.score(given, parts.rows, parts.fitted)
    mixed = random.Random(2).sample(given, len(given))
    assert task.score(mixed, parts.rows, parts.fitted) == first
    assert next(iter(first.metrics.values())) < 1.0, "an untrained model does not know"
    assert list(first.row_ids) == [row.id for row in parts.rows]
    assert all(len(values) == len(parts.rows) for values in first.per_example.values())
    intervals = task.intervals(given, parts.rows, parts.fitted, 13)
    for name, (low, high) in intervals.items():
        assert low <= first.metrics[name] <= high
    gap = task.difference(gold, given, parts.rows, parts.fitted, 13)
    assert gap.value == pytest.approx(1.0 - next(iter(first.metrics.values())))


@every_case
def test_calibration_changes_what_is_fitted_alone(parts: tiny.Parts, kind: str, world: str) -> None:
    task = task_of(parts)
    given = predictions_of(task, parts.rows, partials(parts, parts.rows), parts.opened, parts.fitted)
    before = copy.deepcopy(given)
    found = task.calibrate(given, parts.rows, parts.fitted)
    assert type(found) is type(parts.fitted)
    assert given == before
    assert task.restore(found.model_dump(mode="json")) == found
    metric = next(iter(task.metrics_of(parts.inputs.card)))
    again = predictions_of(task, parts.rows, partials(parts, parts.rows), parts.opened, found)
    gained = [task.score(one, parts.rows, parts.fitted).metrics[metric] for one in (given, again)]
    assert gained[1] >= gained[0], "on the rows that it was chosen on it cannot lose"


@every_case
def test_rows_of_users_and_of_cards_are_one(parts: tiny.Parts, kind: str, world: str) -> None:
    task, row = task_of(parts), parts.rows[0]
    given = {name: row.values[name] for name in task.given if name in row.values}
    made = task.row_of({**given, "id": "mine"}, 0)
    assert made.id == "mine"
    one, other = (task.encode([each], parts.opened, parts.fitted, "predict") for each in (row, made))
    assert [each.input_ids for each in one] == [each.input_ids for each in other]


@every_case
def test_witnesses_are_numbers_that_json_can_hold(parts: tiny.Parts, kind: str, world: str) -> None:
    task, module = task_of(parts), parts.moving.bare.eval()
    features = task.encode(parts.rows[:4], parts.opened, parts.fitted, "predict")
    batch = task.collate(features, parts.opened, parts.fitted)
    with torch.inference_mode():
        found = task.witness(module, Batch(batch.features, batch.inputs, {}), parts.opened, parts.fitted)
    assert len(found) == len(features)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


PLUMBING = ("name", "seeds", "machine", "data.root", "nlptl")


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield (path, value) of everything in a tree of plain data that holds nothing itself."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from leaves(value, (*path, key))
    if not isinstance(tree, dict | list) or not tree:
        yield path, tree


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Give a tree with another value at a path."""
    if not path:
        return value
    changed = copy.copy(tree)
    changed[path[0]] = replaced(tree[path[0]], path[1:], value)
    return changed


def changed_value(path: tuple[Any, ...], value: Any) -> Any:
    """Give another value that the leaf takes."""
    absent = {
        "languages": ["eng"], "train_rows": 20, "root": "/elsewhere", "metric": "macro_f1", "evaluate_every": 3,
        "patience": 2, "nlptl": "0.1", "threads": 2, "save_every": 2, "clip": 0.5, "pattern": ".*bias",
        "external": [{"metric": "x", "runs_code": True}], "robust": ["typo"],
        "blocks": 1, "alpha": 4.0, "language_rows": {"eng": 5}, "select_languages": ["eng"],
        "checkpoint": "./other", "directory": "./words", "until": 0.25, "epochs": 2.0,
        "card": "other", "target": {"card": "other", "split": "train"}, "memory_gib": 4.0,
    }  # fmt: skip
    words = {
        "schedule": "cosine", "precision": "bf16", "device": "auto", "attention": "eager", "long": "windows",
        "frozen": "off", "targets": "attention", "gradient_checkpointing": True,
    }  # fmt: skip
    key = next(one for one in reversed(path) if isinstance(one, str))
    if value is None or value == []:
        return absent[key]
    if key in words:
        return words[key]
    if key in ("weights", "head") and isinstance(value, str):
        return {"weights": "balanced", "head": "new"}[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return f"{value}x"
    return value + 1 if isinstance(value, int) else value * 0.5 or 0.25


def whole_tree(make: Make) -> dict[str, Any]:
    """Give a recipe with every leaf written out, every kind of tuning in it (whether they go together or not)."""
    tree = json.loads(make().recipe.read_text())
    tree["tuning"] = [shelves.least("tuning", kind) for kind in kinds.shelf("tuning")]
    tree["augment"] = [shelves.least("augment", kind) for kind in kinds.shelf("augment")]
    found: dict[str, Any] = Recipe.model_validate_json(json.dumps(tree)).model_dump(mode="json")
    return found


def digest(tree: dict[str, Any], **changes: Any) -> str:
    made = Recipe.model_validate_json(json.dumps(tree))
    return recipe.digest(made, **{"seed": 13, "data": "d", "checkpoint": "c", "version": "1", **changes})


def test_every_leaf_that_matters_changes_the_digest_and_no_other(make: Make) -> None:
    tree = whole_tree(make)
    known = digest(tree)
    seen = set()
    for path, value in leaves(tree):
        name = ".".join(str(part) for part in path)
        if path[-1] == "kind":
            continue
        wanted = changed_value(path, value)
        if path[0] in ("tuning", "augment"):
            section = tree[path[0]][path[1]]
            wanted = {"by": "ocr", "among": "seen"}.get(path[2], wanted)
            path, wanted = path[:2], shelves.changed(str(path[0]), section, path[2], wanted)
        other = digest(replaced(tree, path, wanted))
        plumbing = name.startswith(PLUMBING)
        assert (other == known) == plumbing, name
        seen.add(name)
    fields = {f"train.{name}" for name in recipe.Train.model_fields} | {"model.checkpoint", "model.max_tokens"}
    assert fields <= {name.removesuffix(".0") for name in seen}, "each leaf was tried"


@pytest.mark.parametrize(("shelf", "kind"), shelves.all_kinds("tuning", "augment", "tasks"))
def test_every_setting_of_every_kind_changes_the_digest(make: Make, shelf: str, kind: str) -> None:
    """Pydantic would write a kind by the fields of its base, if the field were typed so: all kinds one digest."""
    tree = json.loads(make().recipe.read_text())

    def with_section(section: dict[str, Any]) -> str:
        return digest(tree | shelves.in_recipe(shelf, section))

    found = {with_section(shelves.least(shelf, kind))}
    for name, value in shelves.variations(shelf, kind):
        one = with_section(shelves.changed(shelf, shelves.least(shelf, kind), name, value))
        assert one not in found, f"{kind}.{name}"
        found.add(one)


def test_kinds_and_their_order_change_the_digest(make: Make) -> None:
    tree = whole_tree(make)
    assert digest(tree) != digest(tree | {"tuning": tree["tuning"][::-1]})
    found = {digest(tree | {"tuning": [one]}) for one in tree["tuning"]}
    assert len(found) == len(tree["tuning"])


def test_seed_data_checkpoint_and_version_change_the_digest(make: Make) -> None:
    tree = whole_tree(make)
    changes: list[dict[str, Any]] = [{"seed": 14}, {"data": "e"}, {"checkpoint": "e"}, {"version": "2"}]
    assert len({digest(tree), *(digest(tree, **change) for change in changes)}) == 5


def test_a_default_that_is_written_out_is_the_same_run(make: Make) -> None:
    """The resolved recipe in a run directory names that very run."""
    made = make()
    inputs = prepare.gather(check(made.recipe))
    again = made.folder / "again.yaml"
    again.write_text(strict.dump(inputs.recipe), encoding="utf-8")
    assert prepare.digest(prepare.gather(check(again)), 13) == prepare.digest(inputs, 13)


def test_data_and_weights_change_the_digest(make: Make, tmp_path: Any) -> None:
    first = prepare.digest(prepare.gather(check(make().recipe)), 13)
    assert prepare.digest(prepare.gather(check(make(source={"seed": 2}).recipe)), 13) != first
    assert prepare.digest(prepare.gather(check(make(still=True).recipe)), 13) != first
    assert prepare.digest(prepare.gather(check(make().recipe)), 13) == first
