"""Tunings that change a step's loss or its passes: smoothing, R-Drop, mixout, held against their formulas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from torch.nn import functional

from nlptl import kinds
from nlptl.checks import check
from nlptl.errors import BadInput
from nlptl.records import Batch, Loss, Said
from nlptl.tuning import Forward

Make = Callable[..., tiny.Tiny]
SOME = ("bert", "modernbert", "gpt2", "llama", "t5", "bart")
BARE = {"weight_decay": 0.0, "clip": None, "batch": 16}
SMOOTHING, RDROP = {"kind": "smoothing", "rate": 0.2}, {"kind": "rdrop", "weight": 2.0}
MIXOUT = {"kind": "mixout", "rate": 0.7}
ADVERSARIAL = {"kind": "adversarial", "epsilon": 0.5, "weight": 2.0}
QA: dict[str, Any] = {"source": {"world": "questions"}, "task": {"kind": "qa", "stride": 4, "answer_tokens": 4}}


def made(**section: Any) -> Any:
    return kinds.shelf("tuning")[section["kind"]](**section)


def parser(folder: Path, family: str, *tuning: dict[str, Any]) -> tiny.Tiny:
    """Give a recipe that writes forms, without dropout."""
    decoder = {"decoder": {"layers": 1, "width": 16, "heads": 2, "dropout": 0.0}} if family == "bert" else {}
    card = tiny.write_card(folder, world="commands", rows={"train": 24, "dev": 8, "test": 8})
    start = tiny.save_checkpoint(folder / family, family, tiny.still(family))
    task = {"kind": "parsing", "form_tokens": 24, **decoder}
    tree = tiny.recipe_tree(start, card) | {"task": task, "tuning": list(tuning)}
    return tiny.Tiny(folder, tiny.write_recipe(folder / "recipe.yaml", tree))


def assert_close(first: dict[str, Any], second: dict[str, Any], tolerance: float = 1e-5) -> None:
    assert set(first) == set(second)
    scale = max(float(one.abs().max()) for one in first.values())
    apart = {name: float((first[name] - second[name]).abs().max()) / scale for name in first}
    assert max(apart.values()) <= tolerance, {name: one for name, one in apart.items() if one > tolerance}


@pytest.mark.parametrize("tuning", [[SMOOTHING], [MIXOUT, ADVERSARIAL], [SMOOTHING, RDROP, MIXOUT]])
@pytest.mark.parametrize("family", ["bert", "deberta-v2", "gpt2", "modernbert"])
def test_micro_batches_change_no_gradient_with_dropout_on(
    make: Make, family: str, tuning: list[dict[str, Any]]
) -> None:
    world = make(family, train=BARE, tuning=tuning)
    (whole,), (cut,) = (world.parts(f"machine.micro_tokens={tokens}").gradients() for tokens in (8192, 64))
    assert_close(whole, cut)


@pytest.mark.parametrize("family", SOME)
def test_smoothing_is_torchs(make: Make, family: str) -> None:
    parts = make(family, still=True, tuning=[SMOOTHING], train=BARE).parts()
    (plan,) = parts.plans(1)
    batch = parts.verbs.collate(plan.features)
    logits_BV = parts.moving.bare.train()(**batch.inputs).logits
    expected = functional.cross_entropy(logits_BV, batch.targets["labels"], label_smoothing=0.2)
    (step,) = parts.train(1)
    assert step.loss == pytest.approx(expected.item(), rel=1e-5)


def test_smoothing_keeps_an_examples_weight_for_all_its_parts(make: Make) -> None:
    """With weights w: the sum of w_y (0.8 of its own loss + 0.2 of the mean over all labels) over the sum of w_y."""
    parts = make(still=True, tuning=[SMOOTHING], train=BARE, task={"weights": "balanced"}).parts()
    (plan,) = parts.plans(1)
    batch = parts.verbs.collate(plan.features)
    gold = batch.targets["labels"]
    logs_BV = parts.moving.bare.train()(**batch.inputs).logits.log_softmax(1)
    weights_B = torch.tensor(parts.fitted.weights)[gold]
    each_B = 0.8 * -logs_BV.gather(1, gold[:, None])[:, 0] + 0.2 * -logs_BV.mean(1)
    (step,) = parts.train(1)
    assert step.loss == pytest.approx(((each_B * weights_B).sum() / weights_B.sum()).item(), rel=1e-5)


@pytest.mark.parametrize("family", ["gpt2", "t5"])
def test_smoothing_of_forms_is_torchs(tmp_path: Path, family: str) -> None:
    parts = parser(tmp_path, family, SMOOTHING).parts()
    (plan,) = parts.plans(1)
    batch = parts.verbs.collate(plan.features)
    labels, logits = batch.targets["labels"], parts.moving.bare.train()(**batch.inputs).logits
    if family == "gpt2":
        labels, logits = labels[:, 1:], logits[:, :-1]
    expected = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), label_smoothing=0.2)
    (step,) = parts.train(1)
    assert step.loss == pytest.approx(expected.item(), rel=1e-5)


def test_smoothing_is_refused_where_it_has_no_meaning(make: Make, tmp_path: Path) -> None:
    worlds: dict[str, Callable[[], tiny.Tiny]] = {
        "none of them stands for all": lambda: make(source={"world": "several"}, tuning=[SMOOTHING]),
        "places in a text": lambda: make(tuning=[SMOOTHING], **QA),
        "cannot be copied": lambda: parser(tmp_path, "bert", SMOOTHING),
    }
    for words, world in worlds.items():
        with pytest.raises(BadInput, match=rf"tuning\[0\]: smoothing has no meaning here: .*{words}"):
            check(world().recipe)


def test_smoothing_after_rdrop_is_refused_with_both_lines(make: Make) -> None:
    with pytest.raises(BadInput, match=r"tuning\[1\]: 'smoothing' must stand before 'rdrop' at recipe\.yaml:1:"):
        check(make(tuning=[RDROP, SMOOTHING]).recipe)


def test_rdrop_is_its_formula() -> None:
    """Two passes with logits of our choice; torch's own divergence for comparison."""
    torch.manual_seed(1)
    passes = [torch.randn(5, 4, requires_grad=True) for _ in range(2)]
    gold, weights = torch.tensor([0, 1, 2, 3, 0]), torch.tensor([1.0, 2.0, 0.0, 1.0, 0.5])
    left = iter(passes)

    def call(batch: Batch) -> Loss:
        logits = next(left)
        losses = functional.cross_entropy(logits, gold, reduction="none")
        return Loss((losses * weights).sum(), weights.sum(), lambda: Said(logits.log_softmax(1), weights))

    found = made(**RDROP).around(Forward(torch.nn.Module(), call, lambda name: []), Batch([], {}, {}))
    logs = [one.log_softmax(1) for one in passes]
    both = [
        functional.kl_div(one, other, log_target=True, reduction="none").sum(1) for one, other in (logs, logs[::-1])
    ]
    own = [functional.cross_entropy(one, gold, reduction="none") for one in passes]
    expected = (((own[0] + own[1]) / 2 + 2.0 * (both[0] + both[1]) / 2) * weights).sum()
    assert found.total.item() == pytest.approx(expected.item(), rel=1e-6)
    assert found.count.item() == 4.5
    ours, theirs = (torch.autograd.grad(one, passes) for one in (found.total, expected))
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("sections", [{}, {"source": {"world": "several"}}, QA])
def test_rdrop_without_dropout_changes_nothing_and_with_it_something(make: Make, sections: dict[str, Any]) -> None:
    for still in (True, False):
        worlds = (make(still=still, tuning=[tuning], **sections).parts() for tuning in ({"kind": "full"}, RDROP))
        losses = [parts.train(1)[0].loss for parts in worlds]
        assert (losses[0] == pytest.approx(losses[1], rel=1e-5)) == still


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_rdrop_of_forms(tmp_path: Path, family: str) -> None:
    losses = [parser(tmp_path, family, one).parts().train(1)[0].loss for one in ({"kind": "full"}, RDROP)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_mixout_mixes_linear_layers_of_the_body_and_puts_them_back(make: Make, family: str) -> None:
    """Equation 3 on weights moved by a known amount, the gradient by torch's chain rule."""
    parts = make(family, still=True, tuning=[MIXOUT], train=BARE).parts()
    module, memory = parts.moving.bare, parts.moving.memories["mixout"]
    head = parts.inputs.recipe.task.attach(parts.opened, parts.fitted, "recipe").head
    assert memory
    assert not head & memory.keys()
    assert all(one.ndim == 2 for one in memory.values())
    with torch.no_grad():
        for name in memory:
            module.get_parameter(name).add_(0.01)
    before, tuning = parts.tensors(), made(**MIXOUT)
    put_back, elements = 0, 0
    mixed = {}
    with tuning.during(module, memory, seed=13, step=1):
        for name, start in memory.items():
            found = mixed[name] = module.get_parameter(name).detach().clone()
            old = torch.isclose(found, start, atol=1e-7)
            new = torch.isclose(found, (before[name] - 0.7 * start) / 0.3, atol=1e-6, rtol=1e-4)
            assert bool((old ^ new).all()), name
            put_back, elements = put_back + int(old.sum()), elements + old.numel()
            module.get_parameter(name).grad = torch.ones_like(found)
        others = {name for name, one in module.named_parameters() if not torch.equal(one, before[name])}
        assert others == memory.keys()
    assert put_back / elements == pytest.approx(0.7, abs=0.01)
    after = parts.tensors()
    assert all(torch.equal(after[name], one) for name, one in before.items()), "put back to the bit"
    for name, start in memory.items():
        old = torch.isclose(mixed[name], start, atol=1e-7)
        grad = module.get_parameter(name).grad
        assert torch.allclose(grad, torch.where(old, 0.0, 1 / 0.3), rtol=1e-3), name


def test_mixout_acts_from_the_second_step_on_and_draws_anew_at_each(make: Make) -> None:
    """In the first all weights are those that they are put back to, to the bit."""
    plain, mixed = (make(still=True, tuning=[one]).parts() for one in ({"kind": "full"}, MIXOUT))
    losses = [[step.loss for step in parts.train(3)] for parts in (plain, mixed)]
    assert losses[0][0] == losses[1][0]
    assert losses[0][1] != losses[1][1]
    module, memory = mixed.moving.bare, mixed.moving.memories["mixout"]
    seen = []
    for step in (1, 1, 2):
        with made(**MIXOUT).during(module, memory, seed=13, step=step):
            seen.append(mixed.tensors())
    assert all(torch.equal(seen[0][name], seen[1][name]) for name in memory)
    assert not any(torch.equal(seen[0][name], seen[2][name]) for name in memory)


def test_mixout_is_for_what_learns(make: Make) -> None:
    parts = make(tuning=[{"kind": "freeze", "blocks": 1}, MIXOUT]).parts()
    assert parts.moving.memories["mixout"]
    assert not [name for name in parts.moving.memories["mixout"] if "layer.0." in name]
    with pytest.raises(BadInput, match="no linear layer of the body is left"):
        make(tuning=[{"kind": "bias"}, MIXOUT]).parts()


@pytest.mark.parametrize("family", ["bert", "modernbert", "gpt2", "llama"])
def test_adversarial_is_a_step_along_the_gradient_of_each_text(make: Make, family: str) -> None:
    """By transformers' own `inputs_embeds`, one text at a time, without padding."""
    parts = make(family, still=True, tuning=[ADVERSARIAL], train={**BARE, "batch": 6}).parts()
    (plan,) = parts.plans(1)
    model, losses = parts.moving.bare.train(), []
    for feature in plan.features:
        batch = parts.verbs.collate([feature])
        given = {name: one for name, one in batch.inputs.items() if name != "input_ids"}
        embedded = model.get_input_embeddings()(batch.inputs["input_ids"]).detach().requires_grad_()
        if family in ("gpt2", "llama"):  # their classifiers find the last token by the ids
            given["attention_mask"] = None
        here = functional.cross_entropy(model(inputs_embeds=embedded, **given).logits, batch.targets["labels"])
        (gradient,) = torch.autograd.grad(here, embedded)
        moved = embedded + 0.5 * gradient / gradient.norm()
        there = functional.cross_entropy(model(inputs_embeds=moved, **given).logits, batch.targets["labels"])
        assert there > here
        losses.append((here + 2.0 * there).item())
    (step,) = parts.train(1)
    assert step.loss == pytest.approx(sum(losses) / len(losses), rel=1e-5)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_adversarial_makes_it_harder_in_every_family(make: Make, family: str) -> None:
    """The sum of both losses is more than three times the plain one, and the frozen bottom is computed each time."""
    tuning = [{"kind": "freeze", "blocks": 1}]
    plain = make(family, still=True, tuning=tuning, train=BARE).parts().train(1)[0].loss
    parts = make(family, still=True, tuning=[*tuning, ADVERSARIAL], train=BARE).parts()
    before = parts.tensors()
    (step,) = parts.train(1)
    assert step.loss > 3.0 * plain + 1e-4
    assert "moves the embeddings" in parts.moving.frozen.why
    frozen = {name for name, one in parts.moving.bare.named_parameters() if not one.requires_grad}
    assert {name for name, one in parts.tensors().items() if torch.equal(before[name], one)} >= frozen
    assert not [one for part in parts.moving.bare.modules() for one in part._forward_hooks]


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_adversarial_of_forms(tmp_path: Path, family: str) -> None:
    plain, moved = (parser(tmp_path, family, one).parts().train(1)[0].loss for one in ({"kind": "full"}, ADVERSARIAL))
    assert moved > 3.0 * plain
