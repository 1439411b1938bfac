"""Adapting to a domain without its labels: held against plain loops, cut and whole, killed and gone on with."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import plans_help
import pytest
import tiny

from nlptl.errors import BadInput

TARGET = {"target": {"split": "test"}}
KINDS: dict[str, dict[str, Any]] = {
    "dann": {"kind": "dann", "hidden": 7}, "coral": {"kind": "coral", "weight": 50.0},
    "mmd": {"kind": "mmd", "weight": 2.0},
    "self_training": {"kind": "self_training", "threshold": 0.2, "begin": 0.0},
}  # fmt: skip


def reference(kind: str, source: Any, target: Any, logits: Any, memory: Any, part: float) -> tuple[Any, float]:
    """Give a penalty as its paper writes it, in plain loops or numpy-like steps, and what its gradient for the model is
    multiplied by.
    """
    import torch

    n, m = len(source), len(target)
    if kind == "coral":
        both = []
        for side in (source, target):
            ones = torch.ones(1, len(side))
            both.append((side.T @ side - (ones @ side).T @ (ones @ side) / len(side)) / (len(side) - 1))
        return 50.0 * ((both[0] - both[1]) ** 2).sum() / (4 * source.shape[1] ** 2), 1.0
    if kind == "mmd":
        texts = [*source, *target]
        apart = [[((one - other) ** 2).sum() for other in texts] for one in texts]
        mean = sum(float(one.detach()) for line in apart for one in line) / (len(texts) * (len(texts) - 1))

        def kernel(one: int, other: int) -> Any:
            return sum(torch.exp(-apart[one][other] / (factor * mean)) for factor in (0.25, 0.5, 1, 2, 4)) / 5

        within = sum(kernel(i, j) for i in range(n) for j in range(n)) / n**2
        within += sum(kernel(n + i, n + j) for i in range(m) for j in range(m)) / m**2
        across = sum(kernel(i, n + j) for i in range(n) for j in range(m)) / (n * m)
        return 2.0 * (within - 2 * across), 1.0
    if kind == "self_training":
        losses = []
        for one in logits:
            chances = torch.softmax(one.detach(), -1)
            label = int(chances.argmax())
            sure = float(chances[label]) >= 0.2
            losses.append(-torch.log_softmax(one, -1)[label] * sure)
        return min(1.0, part / 0.5) * sum(losses) / m, 1.0

    def told(one: Any) -> Any:
        inner = torch.relu(memory["first.weight"] @ one + memory["first.bias"])
        return torch.sigmoid(memory["second.weight"][0] @ inner + memory["second.bias"][0])

    loss = sum(-torch.log(1 - told(one)) for one in source) / n + sum(-torch.log(told(one)) for one in target) / m
    return loss, -(2 / (1 + math.exp(-10 * part)) - 1)


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_has_the_gradient_of_a_plain_loop(make: Any, kind: str, family: str) -> None:
    """Also where the step is cut into micro-batches."""
    import torch

    from nlptl.modules import representation

    whole = make(family, still=True, data=TARGET, tuning=[KINDS[kind]], train={"clip": None})
    found = {}
    for micro in (8192, 64):
        parts = whole.parts(f"machine.micro_tokens={micro}")
        memory = parts.moving.memories[kind]
        if kind == "dann":  # its last layer begins at zero, where nothing reaches the model
            with torch.no_grad():
                memory["second.weight"].copy_(torch.linspace(-1, 1, 7)[None])
        (plan,) = parts.plans(1)
        target = parts.verbs.target(1)
        assert len(target) == len(plan.features) > 1
        found[micro] = parts.gradients(1)[0]
    parts = whole.parts()
    if kind == "dann":
        with torch.no_grad():
            parts.moving.memories[kind]["second.weight"].copy_(torch.linspace(-1, 1, 7)[None])
    module, task = parts.moving.bare, parts.inputs.recipe.task
    module.eval()
    ours = task.collate(list(plan.features), parts.opened, parts.fitted)
    theirs = task.collate(target, parts.opened, parts.fitted)
    assert not theirs.targets, "target texts have no labels"
    reads = []
    hook = representation.head_of(module).register_forward_pre_hook(lambda _, given: reads.append(given[0]))
    logits = [module(**one.inputs).logits for one in (ours, theirs)]
    hook.remove()
    sides = []
    for read, batch in zip(reads, (ours, theirs), strict=True):
        mask = batch.inputs["attention_mask"]
        last = [max(place for place, real in enumerate(row) if real) for row in mask.tolist()]
        sides.append(read if read.dim() == 2 else torch.stack([one[at] for one, at in zip(read, last, strict=True)]))
    loss = torch.nn.functional.cross_entropy(logits[0], ours.targets["labels"])
    penalty, turned = reference(kind, *sides, logits[1], parts.moving.memories[kind], part=0.1)
    named = dict(module.named_parameters())
    plain = torch.autograd.grad(loss, list(named.values()), retain_graph=True, allow_unused=True)
    more = torch.autograd.grad(penalty, list(named.values()), allow_unused=True)
    moved = 0.0
    for name, one, other in zip(named, plain, more, strict=True):
        zero = torch.zeros_like(named[name])
        expected = (zero if one is None else one) + turned * (zero if other is None else other)
        moved += float((turned * (zero if other is None else other)).abs().sum())
        for gradients in found.values():
            if name in gradients:
                torch.testing.assert_close(gradients[name], expected, rtol=2e-4, atol=2e-6)
    assert moved > 1e-4, "the penalty reaches the model"


def test_the_perceptron_of_dann_learns_to_tell_domains_apart(make: Any) -> None:
    parts = make(still=True, data=TARGET, tuning=[KINDS["dann"]]).parts()
    memory = parts.moving.memories["dann"]
    before = {name: one.detach().clone() for name, one in memory.items()}
    parts.train(3)
    assert any(not bool((before[name] == one).all()) for name, one in memory.items())
    names = [name for name, _ in parts.moving.bare.named_parameters()]
    assert not any("first" in name for name in names), "it is not part of the model"


@pytest.mark.parametrize("kind", ["dann", "self_training"])
def test_a_run_that_was_stopped_ends_the_same(make: Any, kind: str) -> None:
    class Stopped(Exception):
        pass

    from nlptl.job import Watch

    def stop(step: Any, total: int) -> None:
        if step.number == 8:
            raise Stopped

    sections = {"data": TARGET, "tuning": [KINDS[kind]], "train": {"epochs": 2, "select": "last"}}
    whole = make(**sections)
    straight = whole.run(out="straight")
    with pytest.raises(Stopped):
        whole.run("machine.save_every=3", out="again", watch=Watch(step=stop))
    again = whole.run(out="again")
    first, second = tiny.weights(straight.directory), tiny.weights(again.directory)
    assert tiny.largest_difference(first, second) == 0.0
    assert straight.report["domains"] == again.report["domains"]


def test_each_pass_over_the_target_has_every_text_once_in_an_order_of_its_own() -> None:
    """24 texts, 8 a step; 7 a step go over the end of a pass."""
    from nlptl.data.batches import target_step
    from nlptl.tasks import Feature

    texts = [Feature(str(number), [number]) for number in range(24)]
    for batch in (8, 7):
        rows = [one.row_id for step in range(1, 13) for one in target_step(texts, batch=batch, seed=13, step=step)]
        passes = [rows[first : first + 24] for first in range(0, 72, 24)]
        assert all(len(set(one)) == 24 for one in passes)
        assert len({tuple(one) for one in [*passes, sorted(passes[0])]}) == 4
    assert len(target_step(texts[:3], batch=8, seed=13, step=1)) == 8


def test_gold_of_the_target_is_not_read(make: Any) -> None:
    parts = make(data=TARGET, tuning=[KINDS["coral"]]).parts()
    assert parts.inputs.target
    assert all(set(row.values) <= {"text", "text_pair"} for row in parts.inputs.target)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"tuning": [{"kind": "dann"}]}, "none are named"),
        ({"data": TARGET, "task": {"kind": "language"}}, "task 'language' has none"),
        ({"data": {"target": {"split": "train"}}}, "the rows that are trained on"),
        ({"data": {"target": {"split": "tset"}}}, "did you mean 'test'"),
        ({"data": {"target": {"split": "dev"}}}, "the target's own texts, would choose the checkpoint"),
        ({"data": {"target": {"card": "nowhere", "split": "test"}}}, "nowhere"),
        ({"data": TARGET, "tuning": [{"kind": "dann"}, {"kind": "rdrop", "weight": 1.0}]}, "passes of its own"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make: Any, sections: dict[str, Any], words: str) -> None:
    from nlptl.checks import check

    with pytest.raises(BadInput, match=words):
        check(make(**sections).recipe)


def test_labels_of_the_target_choose_only_where_it_is_said(make: Any) -> None:
    from nlptl.checks import check

    whole = make(data={"target": {"split": "dev"}})
    with pytest.raises(BadInput, match=r"train\.oracle: true"):
        check(whole.recipe)
    assert check(whole.recipe, ["train.oracle=true"]).recipe.train.oracle


def target_card(folder: Path, **changes: Any) -> Path:
    """Write the card of another domain; changes are keys of it."""
    path = tiny.write_card(folder, "other", seed=2)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    return path


def test_a_card_without_labels_is_enough(make: Any, near_gate: None, tmp_path: Path) -> None:
    card = target_card(tmp_path, columns={"text": "text"}, labels=[], tasks=["language"])
    whole = make(data={"target": {"card": str(card), "split": "train", "rows": 40}}, tuning=[KINDS["dann"]])
    told = whole.run().report["domains"]["target"]
    assert told == {"card": "other", "split": "train", "texts": 40}


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_takes_its_steps_with_the_target(make: Any, kind: str) -> None:
    from nlptl.checks import check
    from nlptl.plan.trying import plan

    found = plan(check(make(data=TARGET, tuning=[KINDS[kind]]).recipe))
    assert found.rows == {"train": 48, "dev": 24, "test": 24, "unlabelled": 24}
    assert found.seconds_per_step > 0


def test_an_oracle_stands_in_the_title(make: Any, near_gate: None, tmp_path: Path) -> None:
    card = target_card(tmp_path)
    sets = [{"split": "test"}, {"card": str(card), "split": "dev"}]
    whole = make(data={"target": {"card": str(card), "split": "train"}}, evaluate=sets, train={"select": "other.dev"})
    with pytest.raises(BadInput, match="another domain, would choose the checkpoint"):
        whole.run()
    result = whole.run("train.oracle=true")
    assert result.report["selected_on"] == "other.dev"
    page = (result.directory / "report.html").read_text(encoding="utf-8")
    assert "<title>tiny, seed 13 (oracle)</title>" in page
    assert "chose the weights" in page
    plain = whole.run("train.oracle=true", "train.select=dev")
    assert "oracle" not in plain.report


def test_several_processes_are_refused_and_leave_nothing(make: Any) -> None:
    whole = make(data=TARGET, tuning=[KINDS["dann"]])
    done = whole.warm(ranks=2)
    assert done.returncode == 2
    assert "on one process so far" in done.stderr
    assert not list((whole.folder / "runs").glob("*"))


@pytest.mark.parametrize("other", [{"kind": "lora", "rank": 2}, {"kind": "freeze", "blocks": 1}, {"kind": "unfreeze"}])
def test_beside_other_tunings_what_is_frozen_stays(make: Any, other: dict[str, Any]) -> None:
    parts = make(data=TARGET, tuning=[other, KINDS["dann"]]).parts()
    frozen = {name for name, one in parts.moving.bare.named_parameters() if not one.requires_grad}
    before = parts.tensors()
    parts.train(3)
    after = parts.tensors()
    moved = {name for name in before if not bool((before[name] == after[name]).all())}
    assert moved
    assert not moved & frozen


def test_the_guard_of_a_plan_reads_target_texts(checkpoint: Any, tmp_path: Path) -> None:
    """The second stage is tested with the very texts that the first learnt from without labels."""
    from nlptl.plan import leaks, reading, running

    path = plans_help.write(tmp_path, checkpoint("bert"), seeds=(13,))
    tree = json.loads((tmp_path / "first.yaml").read_text(encoding="utf-8"))
    tree["data"]["target"] = {"card": str(tiny.write_card(tmp_path, "texts", seed=2, classes=4)), "split": "test"}
    tiny.write_recipe(tmp_path / "first.yaml", tree)
    checked = reading.check(path)
    found = leaks.find(checked, running.gather(checked), opening=True)
    told = [one for one in found.found if one.trained == "a" and one.tested == "b"]
    assert len({one.test_id for one in told}) == 24


def test_the_distance_of_domains_is_that_of_arithmetic() -> None:
    """Two clouds far apart are always told apart, one cloud cut in two is not."""
    import numpy

    from nlptl import domains

    rng = numpy.random.default_rng(5)
    cloud = rng.normal(size=(900, 4))
    far = domains.proxy_distance(cloud, cloud + 20.0, 13)
    assert far is not None
    assert (far["distance"], far["error"], far["texts"]) == (2.0, 0.0, 600)
    near = domains.proxy_distance(cloud[:450], cloud[450:], 13)
    assert near is not None
    assert near["interval"][0] < 0 < near["interval"][1]
    # One coordinate shifted by d: the best rule errs with the normal distribution's share below -d/2.
    shifted = cloud.copy()
    shifted[:, 0] += 2.0
    half = domains.proxy_distance(cloud, shifted + 0.0, 13)
    assert half is not None
    expected = 2 * (1 - 2 * 0.5 * math.erfc(1 / math.sqrt(2)))
    assert half["interval"][0] < expected < half["interval"][1]
    assert half["distance"] == pytest.approx(2 - 4 * half["error"])
    assert half["interval"][0] < half["distance"] < half["interval"][1]
    assert domains.proxy_distance(cloud[:29], cloud, 13) is None


def test_a_page_tells_of_the_domains(make: Any, tmp_path: Path) -> None:
    whole = make(data=TARGET, tuning=[KINDS["self_training"]], train={"epochs": 1})
    result = whole.run()
    told = result.report["domains"]
    assert told["self_training"]["seen"] > 0
    page = (result.directory / "report.html").read_text(encoding="utf-8")
    assert "unlabelled texts of tiny, split test" in page
