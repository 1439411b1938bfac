"""What a review found wrong once: each was a wrong number or lost work, and none was seen by a test."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from nlptl import backbone, state
from nlptl.checks import check
from nlptl.computing import open_machine
from nlptl.errors import BadInput, ReloadMismatch
from nlptl.job import Watch
from nlptl.modules.embedding import TrimmedEmbedding
from nlptl.tasks import Row

Make = Callable[..., tiny.Tiny]


def test_a_step_that_overflows_under_fp16_changes_nothing(make: Make) -> None:
    parts = make().parts()
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
    parts.moving.computing = replace(parts.moving.computing, scaler=scaler)
    before = parts.tensors()
    next(parts.moving.bare.parameters()).register_hook(lambda gradient: gradient * float("inf"))
    (first,) = parts.train(1)
    assert first.gradient_norm is None
    assert all(torch.equal(one, before[name]) for name, one in parts.tensors().items())
    assert parts.moving.trimmed is None or parts.moving.trimmed.rest_decay == 1.0
    assert scaler.get_scale() == 2.0**15


def test_a_scaled_step_is_the_plain_one(make: Make) -> None:
    plain, scaled = make().parts(), make().parts()
    scaled.moving.computing = replace(scaled.moving.computing, scaler=torch.amp.GradScaler("cpu", init_scale=2.0**10))
    (first,), (second,) = plain.train(1), scaled.train(1)
    assert second.gradient_norm == pytest.approx(first.gradient_norm, rel=1e-5)
    assert tiny.largest_difference(plain.tensors(), scaled.tensors()) < 1e-6


def test_accelerate_s_environment_divides_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    (before,) = make().parts().gradients()
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "4")
    (after,) = make().parts().gradients()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_no_checkpoint_is_chosen_by_an_error(make: Make) -> None:
    with pytest.raises(BadInput, match="calibration_error"):
        check(make(train={"metric": "calibration_error"}).recipe)


def test_an_encoder_pads_behind_its_tokens(checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "left"
    shutil.copytree(checkpoint("bert"), folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "padding_side": "left"}))
    opened = backbone.open_checkpoint(backbone.inspect(str(folder)), max_tokens=16, head_seed=0)
    assert opened.padding_side == opened.tokenizer.padding_side == "right"


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt", "special_tokens_map.json", "spiece.model"])
def test_every_file_of_the_tokenizer_is_in_the_digest(
    checkpoint: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(checkpoint("roberta"), folder)
    (folder / name).write_text("{}")
    before = backbone.inspect(str(folder)).sha256
    (folder / name).write_text("{} ")
    assert backbone.inspect(str(folder)).sha256 != before


def test_what_is_cut_of_a_pair_is_counted_once(make: Make) -> None:
    parts = make().parts()
    task, words = parts.inputs.recipe.task, parts.rows[0].values["text"].split()
    one, other = " ".join((words * 50)[:40]), " ".join((words * 50)[:30])
    row = Row("pair", {"text": one, "text_pair": other}, "eng")
    short = replace(parts.opened, max_tokens=16)
    (feature,) = task.encode([row], short, parts.fitted, "predict")
    whole = sum(len(short.tokenizer(text, add_special_tokens=False)["input_ids"]) for text in (one, other))
    special = short.tokenizer.num_special_tokens_to_add(pair=True)
    assert feature.cut == whole - (16 - special)


def test_the_gate_sees_a_table_that_is_put_back_wrongly(
    make: Make, monkeypatch: pytest.MonkeyPatch, near_gate: None
) -> None:
    whole = TrimmedEmbedding.whole
    monkeypatch.setattr(TrimmedEmbedding, "whole", lambda table: whole(table).flip(0))
    with pytest.raises((ReloadMismatch, AssertionError)):
        make().run()


def test_threads_of_one_run_are_not_those_of_the_next() -> None:
    before = torch.get_num_threads()
    open_machine("cpu", "fp32", before + 1)
    assert torch.get_num_threads() == before + 1
    open_machine("cpu", "fp32")
    assert torch.get_num_threads() == before


def test_a_signal_after_training_ends_the_run_after_its_seed(make: Make, near_gate: None) -> None:
    made = make()

    def work(name: str, done: int, total: int) -> None:
        if name.startswith("evaluate test"):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit) as end:
        made.run("seeds=[1, 2]", watch=Watch(work=work))
    assert end.value.code == 143
    assert len(list((made.folder / "runs").iterdir())) == 1, "the second seed was not begun"


def test_best_weights_stay_while_a_checkpoint_names_them(
    make: Make, near_gate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between keeping a new best and the checkpoint that knows it, a run still has the old best."""
    made = make(train={"epochs": 4, "learning_rate": 5e-3})
    kept: list[int] = []
    real = state.keep_best

    def dying(job: Any, step: int) -> None:
        real(job, step)
        kept.append(step)
        if len(kept) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(state, "keep_best", dying)
    with pytest.raises(KeyboardInterrupt):
        made.run()
    (directory,) = (made.folder / "runs").iterdir()
    assert {folder.name for folder in directory.glob("best-*")} == {f"best-{step:08d}" for step in kept}
    monkeypatch.setattr(state, "keep_best", real)
    done = made.run()
    assert done.report["training"]["best_step"] >= kept[0]


@pytest.mark.parametrize("family", ["bert", "bart", "gpt2"])
def test_a_head_of_several_labels_starts_at_their_shares(make: Callable[..., tiny.Tiny], family: str) -> None:
    """Probabilities before the first step: the share of each label in the training rows, where the head has biases."""
    parts = make(family, still=True, source={"world": "several", "classes": 4, "rows": {"train": 60, "dev": 9}}).parts(
        "evaluate=[{split: dev}]"
    )
    names = parts.fitted.names
    shares = [sum(name in row.values["labels"] for row in parts.rows) / 60 for name in names]
    head = parts.inputs.recipe.task.attach(parts.opened, parts.fitted, "recipe")
    biases = [one for name, one in head.module.named_parameters() if name in head.head and name.endswith("bias")]
    if family == "gpt2":
        assert not biases, "it has none, and nothing else is touched"
        return
    assert torch.sigmoid(biases[-1]).tolist() == pytest.approx(shares, abs=1e-6)
    assert len(set(shares)) > 1, "or equal shares would show nothing"
    balanced = parts.fitted.model_copy(update={"weights": (1.0,) * 4})
    again = parts.inputs.recipe.task.attach(parts.opened, balanced, "recipe")
    assert not list(again.module.parameters())[-1].any(), "labels that are weighed alike start alike"
