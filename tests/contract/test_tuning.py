"""Every kind of tuning: settings that survive the way to a file and back, and verbs that keep the contract."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import shelves
import tiny
import torch

from nlptl import kinds, strict
from nlptl.recipe import Recipe
from nlptl.tasks import Loss, Model
from nlptl.tuning import Forward, Tuning

KINDS = list(kinds.shelf("tuning"))
Make = Callable[..., tiny.Tiny]


def made(kind: str) -> Any:
    return kinds.shelf("tuning")[kind](**shelves.least("tuning", kind))


def still(make: Make, kind: str) -> tiny.Tiny:
    """Give a recipe with one tuning, without dropout or weight decay."""
    target = {"data": {"target": {"split": "test"}}} if kinds.shelf("tuning")[kind].aligns else {}
    return make(still=True, tuning=[shelves.least("tuning", kind)], train={"weight_decay": 0.0}, **target)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tuning_has_one_base_and_only_verbs_of_the_contract(kind: str) -> None:
    found = kinds.shelf("tuning")[kind]
    assert found.__bases__ == (Tuning,)
    verbs = {name for name, value in vars(found).items() if inspect.isfunction(value) and not name.startswith("_")}
    known = {name for name, value in vars(Tuning).items() if inspect.isfunction(value)}
    assert verbs <= known
    for name in verbs:
        ours, theirs = (list(inspect.signature(getattr(one, name)).parameters) for one in (found, Tuning))
        assert ours == theirs, f"{kind}.{name} is called by position"


@pytest.mark.parametrize(("shelf", "kind"), shelves.all_kinds("tuning", "augment", "tasks"))
def test_settings_survive_a_file(shelf: str, kind: str) -> None:
    """As YAML and as JSON, for every setting and another value of it; so that what is saved is what was meant."""
    found = kinds.shelf(shelf)[kind]
    least = shelves.least(shelf, kind)
    samples = [least, *(shelves.changed(shelf, least, name, value) for name, value in shelves.variations(shelf, kind))]
    for sample in samples:
        value = found(**sample)
        text = strict.dump(value)
        again = strict.validate(strict.parse(text, "made.yaml"), found).value
        assert again == value
        assert found.model_validate_json(value.model_dump_json()) == value
        assert hash(again) == hash(value)
    assert len({found(**sample) for sample in samples}) == len(samples)


@pytest.mark.parametrize(("shelf", "kind"), shelves.all_kinds("tuning", "augment", "tasks"))
def test_settings_are_frozen_and_closed(shelf: str, kind: str) -> None:
    value = kinds.shelf(shelf)[kind](**shelves.least(shelf, kind))
    with pytest.raises(ValueError, match="frozen"):
        value.kind = "other"
    with pytest.raises(ValueError, match="Extra inputs"):
        type(value)(**shelves.least(shelf, kind), unheard_of=1)


@pytest.mark.parametrize(("shelf", "kind"), shelves.all_kinds("tuning", "augment", "tasks"))
def test_the_schema_of_recipes_knows_every_setting(shelf: str, kind: str, make: Make) -> None:
    schema = strict.schema(Recipe, "nlptl recipe")
    jsonschema.Draft202012Validator.check_schema(schema)
    tree = json.loads(make().recipe.read_text())
    for name, value in [("kind", kind), *shelves.variations(shelf, kind)]:
        section = shelves.changed(shelf, shelves.least(shelf, kind), name, value)
        changed = tree | shelves.in_recipe(shelf, section)
        jsonschema.validate(changed, schema)
        unheard = section | {f"{name}_": value}
        wrong = tree | shelves.in_recipe(shelf, unheard)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
    (entry,) = [one for one in schema["$defs"].values() if one["properties"].get("kind", {}).get("const") == kind]
    assert all(one["description"] for one in entry["properties"].values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_always_learns(kind: str, make: Make) -> None:
    """Whatever a tuning freezes: each parameter of the head has a gradient and moves."""
    parts = still(make, kind).parts()
    head = parts.inputs.recipe.task.attach(parts.opened, parts.fitted, "recipe").head
    before = parts.tensors()
    parts.train(2)
    after = parts.tensors()
    assert head
    assert not [name for name in head if torch.equal(before[name], after[name])]


def test_freezing_goes_by_the_head_not_by_names(make: Make) -> None:
    """A head may have layers with numbers, and embeddings of its own, and stand beside transformers' model."""
    from nlptl import backbone

    inner = make().parts().moving.bare.base_model
    module = torch.nn.Module()
    module.body = inner
    module.layer = torch.nn.ModuleList([torch.nn.Sequential(torch.nn.Linear(1, 1))])
    module.label_embeddings = torch.nn.Embedding(2, 1)
    head = frozenset(name for name, _ in module.named_parameters() if not name.startswith("body."))
    model = backbone.with_depths(Model(module, head))
    assert model.blocks == 2
    kinds.shelf("tuning")["freeze"](kind="freeze", blocks=1).apply(model, 13)
    frozen = {name for name, one in module.named_parameters() if not one.requires_grad}
    assert frozen == {
        name for name, _ in module.named_parameters() if name.startswith(("body.embeddings.", "body.encoder.layer.0."))
    }


@pytest.mark.parametrize("kind", KINDS)
def test_rates_grow_from_the_embeddings_to_the_head(kind: str) -> None:
    tuning = made(kind)
    rates = [tuning.scale(depth, 6) for depth in range(8)]
    assert rates == sorted(rates)
    assert rates[-1] == 1.0, "the head learns at the full rate"
    assert all(0 < rate <= 1 for rate in rates)


@pytest.mark.parametrize("kind", KINDS)
def test_around_gives_a_sum_and_a_count(kind: str, make: Make) -> None:
    """The sum over two micro-batches is that over both at once, so that cutting cannot change a step."""
    parts = still(make, kind).parts()
    parts.moving.bare.train()

    def call(batch: Any) -> Loss:
        return parts.verbs.loss(parts.moving.bare, batch)

    features = parts.plans(1)[0].features

    def around(chosen: Any) -> Loss:
        keys = {feature.row_id: number for number, feature in enumerate(features)}
        forward = Forward(parts.moving.bare, call, lambda name: [keys[feature.row_id] for feature in chosen])
        return made(kind).around(forward, parts.verbs.collate(chosen))

    found = [around(chosen) for chosen in (features, features[:3], features[3:])]
    whole, first, second = ((one.total.item(), one.count.item()) for one in found)
    assert whole[0] == pytest.approx(first[0] + second[0], rel=1e-5)
    assert whole[1] == first[1] + second[1] == len(features)


@pytest.mark.parametrize("kind", KINDS)
def test_a_penalty_is_a_scalar_that_the_weights_decide(kind: str, make: Make) -> None:
    parts = still(make, kind).parts()
    penalty = made(kind).penalty(parts.moving.bare, parts.moving.memories.get(kind, {}))
    if penalty is not None:
        assert penalty.shape == ()
        assert penalty.requires_grad


def test_penalties_are_added_once_a_step_after_the_division(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A penalty of 3 * the sum of the head's bias adds exactly 3 to that gradient, however a step is cut."""
    full = kinds.shelf("tuning")["full"]
    plain = make(train={"clip": None}).parts().gradients()[0]
    name = next(name for name in plain if name.endswith("classifier.bias"))
    monkeypatch.setattr(full, "penalty", lambda self, model, memory: 3 * model.get_parameter(name).sum())
    for micro_tokens in (64, 8192):
        found = make(train={"clip": None}, machine={"micro_tokens": micro_tokens}).parts().gradients()[0]
        assert torch.allclose(found[name], plain[name] + 3, atol=1e-5)
        others = [other for other in plain if other != name]
        assert all(torch.allclose(found[other], plain[other], atol=1e-4) for other in others)


def test_tunings_wrap_the_loss_in_the_order_of_the_recipe(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    for kind in ("full", "decay"):

        def around(self: Any, forward: Any, batch: Any, kind: str = kind) -> Any:
            seen.append(kind)
            return forward(batch)

        monkeypatch.setattr(kinds.shelf("tuning")[kind], "around", around)

        def after_step(self: Any, module: Any, memory: Any, *, step: int, total: int) -> None:
            seen.append(f"{self.kind} {step}")

        monkeypatch.setattr(kinds.shelf("tuning")[kind], "after_step", after_step)
    parts = make(tuning=[{"kind": "full"}, {"kind": "decay", "factor": 0.5}]).parts()
    parts.train(1)
    # The last of the recipe is the outermost: it calls `forward`, which is the one before it.
    assert seen == ["decay", "full", "full 1", "decay 1"]
