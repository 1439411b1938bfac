"""The arithmetic of a step: micro-batches, weights, clipping, AdamW, frozen tensors, what is not a number.

Shapes: B examples, V labels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import golden_depths
import numpy as np
import pytest
import tiny
import torch
from torch.nn import functional

from nlptl import cli
from nlptl.errors import NumericFailure
from nlptl.tasks import Loss

Make = Callable[..., tiny.Tiny]
SHIFTLESS = "key.bias"
"""Softmax does not see a shift that all keys share, so this gradient is 0 but for rounding, and AdamW enlarges that."""


def assert_close(first: dict[str, Any], second: dict[str, Any], tolerance: float) -> None:
    """Compare tensors by name, relative to the largest number of all: some gradients are 0 but for rounding."""
    assert set(first) == set(second)
    scale = max(float(tensor.abs().max()) for tensor in first.values())
    apart = {name: float((first[name] - second[name]).abs().max()) / scale for name in first}
    assert max(apart.values()) <= tolerance, {name: one for name, one in apart.items() if one > tolerance}


@pytest.mark.parametrize("family", ["bert", "distilbert"])
@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_micro_batches_change_no_gradient_with_dropout_on(make: Make, family: str, weights: str) -> None:
    made = make(family, train={"batch": 16, "clip": None}, task={"weights": weights})
    (whole,) = made.parts().gradients()
    pieces = made.parts("machine.micro_tokens=64")
    (cut,) = pieces.gradients()
    longest = max(len(feature.input_ids) for feature in pieces.plans(1)[0].features)
    assert 64 // longest <= 4, "a micro-batch holds a few of the 16 examples"
    assert pieces.moving.noise.calls, "dropout is on"
    assert_close(whole, cut, 1e-5)  # sums over 400 tokens in another order: 400 times fp32's 6e-8


def test_several_labels_and_uneven_micro_batches_change_no_gradient(make: Make) -> None:
    made = make(source={"world": "several"}, train={"batch": 15, "clip": None}, task={"weights": "balanced"})
    (whole,) = made.parts().gradients()
    (cut,) = made.parts("machine.micro_tokens=100").gradients()
    assert_close(whole, cut, 1e-5)  # sums over 400 tokens in another order: 400 times fp32's 6e-8


@pytest.mark.parametrize("micro_tokens", [64, 8192])
def test_the_loss_of_a_step_is_torchs_weighted_mean(make: Make, micro_tokens: int) -> None:
    made = make(still=True, train={"batch": 16, "clip": None}, task={"weights": "balanced"})
    parts = made.parts(f"machine.micro_tokens={micro_tokens}")
    assert len(set(parts.fitted.weights)) > 1, "the classes must weigh differently"
    (plan,) = parts.plans(1)
    batch = parts.verbs.collate(plan.features)
    model = parts.moving.bare.train()
    logits_BV = model(**batch.inputs).logits
    labels = [parts.fitted.names.index(row.values["label"]) for row in parts.rows]
    gold = torch.tensor([labels[[row.id for row in parts.rows].index(one.row_id)] for one in plan.features])
    expected = functional.cross_entropy(logits_BV, gold, weight=torch.tensor(parts.fitted.weights))
    expected.backward()
    gradient = {name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None}
    model.zero_grad()
    (step,) = made.parts(f"machine.micro_tokens={micro_tokens}").train(1)
    assert step.loss == pytest.approx(expected.item(), rel=1e-6)
    assert_close(gradient, parts.gradients()[0], 1e-5)


def test_balanced_weights_are_those_of_the_usual_formula(make: Make) -> None:
    parts = make(task={"weights": "balanced"}).parts()
    from sklearn.utils.class_weight import compute_class_weight

    given = [row.values["label"] for row in parts.rows]
    expected = compute_class_weight("balanced", classes=np.array(parts.fitted.names), y=given)
    assert parts.fitted.weights == pytest.approx(list(expected))


def reference(parts: tiny.Parts, checkpoint: Path) -> Any:
    """Give transformers' own model of the same numbers: the checkpoint's body, nlptl's new head."""
    import transformers
    from transformers.utils import logging

    logging.set_verbosity_error()
    model = transformers.AutoModelForSequenceClassification.from_pretrained(checkpoint, num_labels=3)
    logging.set_verbosity_warning()
    ours = parts.tensors()
    heads = {name: one for name, one in ours.items() if "classifier" in name or "pooler" in name}
    model.load_state_dict(heads, strict=False)
    return model.train()


def test_five_steps_are_those_of_a_plain_loop(make: Make, checkpoint: Callable[..., Path]) -> None:
    rate, total, decay, clip = 1e-3, 10, 0.1, 1.8
    parts = make(still=True, train={"learning_rate": rate, "warmup": 0.2, "weight_decay": decay, "clip": clip}).parts()
    model = reference(parts, checkpoint("bert", still=True))
    bare = [one for name, one in model.named_parameters() if name.endswith("bias") or "LayerNorm" in name]
    others = [one for one in model.parameters() if not any(one is each for each in bare)]
    groups = [{"params": others, "weight_decay": decay}, {"params": bare, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.999), eps=1e-8, foreach=False)
    # On paper: 2 of 10 steps rise by thirds, then 8 steps fall by eighths.
    factors = [1 / 3, 2 / 3, 1, 7 / 8, 6 / 8]
    texts = {row.id: (row.values["text"], row.values["label"]) for row in parts.rows}
    losses, norms = [], []
    for factor, plan in zip(factors, parts.plans(5), strict=True):
        chosen = [texts[feature.row_id] for feature in plan.features]
        texts_of = [text for text, _ in chosen]
        inputs = parts.opened.tokenizer(texts_of, padding=True, truncation=True, max_length=48, return_tensors="pt")
        labels = torch.tensor([int(label.removeprefix("class")) for _, label in chosen])
        loss = model(**inputs, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), clip)))
        for group in optimizer.param_groups:
            group["lr"] = rate * factor
        optimizer.step()
        losses.append(loss.item())
    steps = parts.train(5, total=total)
    assert parts.moving.trimmed is not None, "the embedding is trimmed, or unused rows prove nothing"
    assert [step.loss for step in steps] == pytest.approx(losses, rel=1e-5)
    assert [step.gradient_norm for step in steps] == pytest.approx(norms, rel=1e-4)
    assert min(norms) < clip < max(norms), "some steps are clipped, others not"
    assert [step.learning_rate for step in steps] == pytest.approx([rate * factor for factor in factors])
    theirs = {name: one for name, one in model.state_dict().items() if SHIFTLESS not in name}
    ours = {name: one for name, one in parts.state_dict().items() if SHIFTLESS not in name}
    assert_close(theirs, ours, 1e-5)


def test_clipping_scales_the_whole_gradient(make: Make) -> None:
    made = make(still=True)
    (free,) = made.parts("train.clip=null").gradients()
    (held,) = made.parts("train.clip=0.01").gradients()
    (loose,) = made.parts("train.clip=1000.0").gradients()
    norm = float(torch.sqrt(sum((one**2).sum() for one in free.values())))
    assert norm > 0.01
    assert_close({name: one * 0.01 / norm for name, one in free.items()}, held, 1e-4)
    assert all(torch.equal(free[name], loose[name]) for name in free)


@pytest.mark.parametrize("family", ["deberta-v2", "modernbert", "gpt2", "llama", *tiny.SEQ2SEQ])
def test_cutting_a_step_changes_nothing_with_dropout_on(make: Make, family: str) -> None:
    """16 examples, as many as the tiny DeBERTa has relative positions."""
    made = make(family, train={"batch": 16, "clip": None})
    (whole,), (cut,) = (made.parts(f"machine.micro_tokens={tokens}").gradients() for tokens in (8192, 64))
    assert_close(whole, cut, 1e-5)


SEVERAL = [(family, 3) for family in tiny.SEQ2SEQ]
"""Into the decoder's blocks, which come after the encoder's."""


@pytest.mark.parametrize(("family", "blocks"), [(family, 1) for family in tiny.FAMILIES] + SEVERAL)
def test_what_is_frozen_stays_to_the_bit(make: Make, family: str, blocks: int) -> None:
    """The embeddings and so many blocks, by a table that was written by hand, and nothing else."""
    parts = make(family, tuning=[{"kind": "freeze", "blocks": blocks}], train={"weight_decay": 0.1}).parts()
    before = parts.tensors()
    parts.train(3)
    after = parts.tensors()
    kept = {name for name in before if torch.equal(before[name], after[name])}
    frozen = {name for name in before if golden_depths.depth(family, name) <= blocks}
    assert kept == frozen
    assert any(golden_depths.depth(family, name) == blocks + 1 for name in before), "the next block is trained"
    assert parts.moving.trainable == sum(after[name].numel() for name in set(after) - frozen)
    assert parts.moving.trimmed is None, "a frozen table takes no gradient and needs no trimming"


def poisoned(parts: tiny.Parts, step: int) -> Any:
    """Give the verbs with a loss that is NaN from a step on."""
    seen = [0]

    def loss(module: Any, batch: Any) -> Loss:
        seen[0] += 1
        found = parts.verbs.loss(module, batch)
        return found if seen[0] < step else Loss(found.total * float("nan"), found.count)

    return dataclasses.replace(parts.verbs, loss=loss)


def test_a_loss_that_is_no_number_leaves_the_weights_alone(make: Make) -> None:
    made = make()
    good, parts = made.parts(), made.parts()
    good.train(2)
    with pytest.raises(NumericFailure, match=r"step 3: the loss is nan") as caught:
        parts.train(4, verbs=poisoned(parts, 3))
    assert all(feature.row_id in str(caught.value) for feature in parts.plans(3)[2].features)
    wanted, found = good.tensors(), parts.tensors()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    steps = {float(one["step"]) for one in parts.moving.optimizer.state.values()}
    assert steps == {2.0}


def test_a_loss_that_is_no_number_ends_the_run_with_6(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import load_file, save_file

    broken = tiny.save_checkpoint(tmp_path / "broken", "bert")
    tensors = load_file(broken / "model.safetensors")
    name = next(name for name in tensors if "layer.0.output.dense.weight" in name)
    tensors[name][0, 0] = float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    made = make(broken)
    with pytest.raises(SystemExit) as caught:
        cli.main(["run", str(made.recipe), "--out", str(tmp_path / "runs")])
    assert caught.value.code == 6
    assert "step 1: the loss is nan" in capsys.readouterr().err
    (directory,) = (tmp_path / "runs").iterdir()
    assert not (directory / "model").exists()
    assert not (directory / "report.json").exists()


def test_a_precision_that_another_library_chose_before_changes_nothing(make: Make) -> None:
    """transformers' Trainer in bf16 leaves accelerate's state so."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    from nlptl.computing import open_machine

    AcceleratorState._reset_state()
    Accelerator(cpu=True, mixed_precision="bf16")
    computing = open_machine("cpu", "fp32", 1)
    assert computing.accelerator.mixed_precision == "no"
    assert [step.number for step in make().parts().train(1)] == [1]
