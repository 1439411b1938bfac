"""What is frozen is computed once: the same numbers with it and without, whatever the family, and never a wrong one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from nlptl import archives, artifacts, backbone, filling, frozen, precision
from nlptl.job import Watch

Make = Callable[..., tiny.Tiny]
TASKS: dict[str, dict[str, Any]] = {
    "classification": {},
    "qa": {"source": {"world": "questions"}, "task": {"kind": "qa", "stride": 4, "answer_tokens": 4}},
}
FREEZE = [{"kind": "freeze", "blocks": 1}]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NLPTL_FROZEN", str(tmp_path / "frozen"))


def kept(parts: tiny.Parts, folder: Path, budget: int = 2**30) -> list[str]:
    """Fill the store of the training features; give what was said."""
    said: list[str] = []

    def batch(features: Any) -> Any:
        return parts.verbs.collate(features)

    def loss(features: Any, replayed: bool) -> float:
        import contextlib

        given = batch(features)
        with torch.no_grad(), parts.moving.frozen.replay(given) if replayed else contextlib.nullcontext():
            return float(parts.verbs.loss(parts.moving.bare, given).total)

    parts.moving.bare.eval()
    way = frozen.Filling(
        forward=lambda features: parts.verbs.loss(parts.moving.bare, batch(features)), loss=loss,
        folder=folder, budget=budget, computing=parts.moving.computing, say=said.append,
    )  # fmt: skip
    frozen.keep(parts.moving.frozen, parts.features, way)
    return said


def assert_same(ours: list[float], theirs: list[float]) -> None:
    """The first loss to fp32's rounding, the later ones to what AdamW makes of it."""
    assert ours[0] == pytest.approx(theirs[0], rel=1e-6)
    assert ours == pytest.approx(theirs, rel=2e-5)


def course(make: Make, family: str, blocks: int, folder: Path | None, **sections: Any) -> tuple[list[float], Any]:
    """Take four steps with dropout on; give the losses and the moving parts."""
    parts = make(family, tuning=[{"kind": "freeze", "blocks": blocks}], **sections).parts()
    if folder is not None:
        kept(parts, folder)
    steps = parts.train(4)
    hits = sum(step.examples for step in steps) if folder is not None else 0
    assert parts.moving.frozen.hits == hits, "every example of the steps is replayed"
    return [step.loss for step in steps], parts


@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_losses_and_weights_are_those_without(make: Make, tmp_path: Path, family: str, blocks: int) -> None:
    ours, parts = course(make, family, blocks, tmp_path / "frozen")
    theirs, _ = course(make, family, blocks, None)
    assert parts.moving.frozen.why == ""
    assert parts.moving.frozen.bottom.replayed >= 4
    assert_same(ours, theirs)
    frozen_ones = [name for name, one in parts.moving.bare.named_parameters() if not one.requires_grad]
    before = make(family, tuning=[{"kind": "freeze", "blocks": blocks}]).parts().tensors()
    assert frozen_ones
    assert all(torch.equal(before[name], parts.tensors()[name]) for name in frozen_ones)


@pytest.mark.parametrize("family", ["bert", "gpt2", "modernbert", "t5", "bart"])
def test_questions_too(make: Make, tmp_path: Path, family: str) -> None:
    ours, _ = course(make, family, 1, tmp_path / "frozen", **TASKS["qa"])
    theirs, _ = course(make, family, 1, None, **TASKS["qa"])
    assert_same(ours, theirs)


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("family", ["bert", "llama", "t5"])
def test_a_run_has_the_same_scores_and_predictions(make: Make, family: str) -> None:
    """The stored and the computed way through a whole run: epochs, evaluation, best weights, test."""
    world = make(family, tuning=FREEZE, train={"epochs": 3, "learning_rate": 3e-3})
    ours = world.run(out="with")
    theirs = world.run("machine.frozen=off", out="without")
    assert ours.directory.name == theirs.directory.name, "it is plumbing: the digest does not know it"
    facts = ours.report["training"]["frozen"]
    assert facts["why"] == ""
    assert facts["blocks"] == 1
    assert facts["hits"] == 3 * 48 + 4 * 24, "training, and dev at each evaluation and once more to calibrate"
    assert theirs.report["training"]["frozen"]["hits"] == 0
    assert "replayed for 240 inputs" in (ours.directory / "report.html").read_text()
    assert "computed every time: machine.frozen: off" in (theirs.directory / "report.html").read_text()
    assert ours.report["evaluation"][0]["metrics"] == pytest.approx(theirs.report["evaluation"][0]["metrics"], abs=1e-5)
    first, second = tiny.predictions(ours.directory), tiny.predictions(theirs.directory)
    assert [one["predicted"] for one in first] == [one["predicted"] for one in second]
    assert tiny.largest_difference(tiny.weights(ours.directory), tiny.weights(theirs.directory)) < 2e-3


def test_what_is_frozen_has_no_dropout_and_what_moves_has(make: Make) -> None:
    parts = make("bert", tuning=FREEZE).parts()
    parts.train(1)
    base = parts.moving.bare.base_model
    assert not any(part.training for part in base.embeddings.modules())
    assert not any(part.training for part in base.encoder.layer[0].modules())
    assert all(part.training for part in base.encoder.layer[1].modules())
    full = make("bert").parts()
    assert full.moving.frozen.bottom is None
    full.train(1)
    assert all(part.training for part in full.moving.bare.modules())


@pytest.mark.usefixtures("near_gate")
def test_seeds_and_later_runs_share_what_one_computed(make: Make, tmp_path: Path) -> None:
    said: list[str] = []
    world = make("bert", tuning=FREEZE, train={"epochs": 2})
    world.run(watch=Watch(say=said.append))
    assert sum("computed once" in text for text in said) == 2, "training and dev"
    said.clear()
    other = make("bert", tuning=FREEZE, train={"epochs": 2, "learning_rate": 2e-3})
    result = other.run(watch=Watch(say=said.append))
    assert not [text for text in said if "computed once" in text]
    assert result.report["training"]["frozen"]["hits"] > 0


@pytest.mark.usefixtures("near_gate")
def test_a_run_that_finds_a_store_has_the_bits_of_the_one_that_filled_it(make: Make, tmp_path: Path) -> None:
    world = make("bert", tuning=FREEZE, train={"epochs": 2, "select": "last"})
    first, second = world.run(out="one"), world.run(out="two")
    assert tiny.outcome(first.directory) == tiny.outcome(second.directory)


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("damage", ["flip", "cut", "no index"])
def test_a_damaged_store_is_made_anew(make: Make, tmp_path: Path, damage: str) -> None:
    world = make("bert", tuning=FREEZE, train={"epochs": 2, "select": "last"})
    first = world.run(out="one")
    (store,) = (tmp_path / "frozen").iterdir()
    data, index = store / "hidden.bin", store / "index.json"
    good = data.read_bytes()
    if damage == "flip":
        data.write_bytes(bytes([good[0] ^ 64]) + good[1:])
    elif damage == "cut":
        data.write_bytes(good[:-4])
    else:
        index.unlink()
    second = world.run(out="two")
    assert data.read_bytes() == good
    assert json.loads(index.read_text())["seconds"] > 0
    assert tiny.outcome(first.directory) == tiny.outcome(second.directory)


@pytest.mark.usefixtures("near_gate")
def test_what_does_not_fit_is_computed_every_time_and_says_so(make: Make, tmp_path: Path) -> None:
    said: list[str] = []
    world = make("bert", tuning=FREEZE, train={"epochs": 2}, machine={"frozen_gib": 1e-6})
    result = world.run(watch=Watch(say=said.append))
    assert "machine.frozen_gib" in result.report["training"]["frozen"]["why"]
    assert any("computed every time" in text and "frozen_gib" in text for text in said)
    assert result.report["training"]["frozen"]["hits"] == 0


def test_the_budget_is_kept_by_removing_what_was_used_least_lately(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "frozen"
    kept(make("bert", tuning=FREEZE).parts(), folder)
    (first,) = folder.iterdir()
    size = (first / "hidden.bin").stat().st_size
    kept(make("bert", tuning=FREEZE, source={"seed": 2}).parts(), folder, budget=int(1.5 * size))
    (second,) = folder.iterdir()
    assert second != first


def test_other_weights_inputs_or_numbers_have_another_store(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "frozen"
    base = {"tuning": FREEZE}
    worlds: list[dict[str, Any]] = [
        base, base | {"source": {"seed": 2}}, base | {"model": {"max_tokens": 9}},
        {"tuning": [{"kind": "freeze", "blocks": 2}]},
    ]  # fmt: skip
    for number, sections in enumerate(worlds, 1):
        kept(make("bert", **sections).parts(), folder)
        assert len(list(folder.iterdir())) == number
    kept(make("electra", **base).parts(), folder)
    assert len(list(folder.iterdir())) == len(worlds) + 1
    kept(make("bert", **base).parts(), folder)
    assert len(list(folder.iterdir())) == len(worlds) + 1


def test_a_replay_that_is_not_the_models_own_output_is_refused(make: Make, tmp_path: Path) -> None:
    """The loss is tried on opening: an architecture that this does not understand is computed as it is."""
    parts = make("bert", tuning=FREEZE).parts()
    parts.moving.frozen.bottom.blocks[0].register_forward_hook(lambda module, given, found: found + 1.0)
    parts.moving.frozen.bottom.compute = _shifted(parts.moving.frozen.bottom.compute)
    kept(parts, tmp_path / "frozen")
    assert "replayed" in parts.moving.frozen.why
    assert not parts.moving.frozen.stores


def _shifted(compute: Callable[..., list[torch.Tensor]]) -> Callable[..., list[torch.Tensor]]:
    return lambda forward, levels: [one * 3 + 1 for one in compute(forward, levels)]


def test_bf16_steps_store_bf16(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_flags", lambda: {"avx512_bf16": True})  # any processor computes it, some slowly
    parts = make("bert", tuning=FREEZE, train={"precision": "bf16"}).parts()
    kept(parts, tmp_path / "frozen")
    (store,) = parts.moving.frozen.stores
    assert store.rows.dtype == torch.bfloat16
    assert store.numbers == torch.float32
    assert parts.moving.frozen.why == ""


def test_a_classifier_on_the_first_token_stores_one_row_an_example(make: Make, tmp_path: Path) -> None:
    parts = make("bert", tuning=[{"kind": "freeze", "blocks": 2}]).parts()
    kept(parts, tmp_path / "frozen")
    (store,) = parts.moving.frozen.stores
    assert store.rows.shape == (len(parts.features), 32)


def test_the_folder_is_the_named_one_or_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert filling.folder() == tmp_path / "frozen"
    monkeypatch.delenv("NLPTL_FROZEN")
    assert filling.folder() == archives.cache_folder() / "frozen"


def test_the_saved_model_is_transformers_own(make: Make, tmp_path: Path) -> None:
    parts = make("bert", tuning=FREEZE).parts()
    kept(parts, tmp_path / "frozen")
    parts.train(1)
    parts.save(tmp_path / "model")
    assert not [name for name, part in parts.moving.bare.named_modules() if "forward" in vars(part)]
    assert backbone.inspect(str(tmp_path / "model")).directory == tmp_path / "model"


def test_two_processes_replay_what_both_filled(
    make: Make, near_gate: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make("bert", tuning=FREEZE, train={"epochs": 2, "select": "last", "batch": 7})
    monkeypatch.setenv("NLPTL_FROZEN", str(tmp_path / "first"))
    world.run(out="one")
    two = world.warm(out="two", ranks=2, NLPTL_FROZEN=str(tmp_path / "second"))
    assert two.returncode == 0, two.stderr
    first, second = ([*(tmp_path / name).iterdir()] for name in ("first", "second"))
    assert [store.name for store in first] == [store.name for store in second]
    assert (first[0] / "hidden.bin").read_bytes() == (second[0] / "hidden.bin").read_bytes()
    (ours,), (theirs,) = ([*(tmp_path / name).iterdir()] for name in ("one", "two"))
    report = json.loads((theirs / "report.json").read_text())
    assert report["training"]["frozen"]["hits"] > 0
    said, again = ([one["predicted"] for one in tiny.predictions(each)] for each in (ours, theirs))
    assert said == again


@pytest.mark.usefixtures("near_gate")
def test_a_run_that_is_stopped_goes_on_with_the_same_bits(make: Make, tmp_path: Path) -> None:
    """With its store, and with the store gone meanwhile."""

    class Crash(Exception):
        pass

    def look(taken: Any, total: int) -> None:
        if taken.number == 5:
            raise Crash

    world = make("bert", tuning=FREEZE, train={"epochs": 2, "select": "last"}, machine={"save_every": 2})
    whole = tiny.outcome(world.run(out="whole").directory)
    for name in ("with", "without"):
        with pytest.raises(Crash):
            world.run(out=name, watch=Watch(step=look))
        if name == "without":
            shutil.rmtree(tmp_path / "frozen")
        assert tiny.outcome(world.run(out=name).directory) == whole


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_parsers_too(tmp_path: Path, family: str) -> None:
    """A decoder of ours over an encoder, a decoder that writes, and one with an encoder: same losses, same forms."""
    decoder = {"decoder": {"layers": 1, "width": 16, "heads": 2, "dropout": 0.1}} if family == "bert" else {}
    card = tiny.write_card(tmp_path, world="commands", rows={"train": 24, "dev": 8, "test": 8})
    start = tiny.save_checkpoint(tmp_path / family, family, {})
    tree = tiny.recipe_tree(start, card) | {
        "task": {"kind": "parsing", "form_tokens": 24, **decoder}, "tuning": FREEZE,
        "train": tiny.TRAIN | {"epochs": 2, "select": "last"},
    }  # fmt: skip
    world = tiny.Tiny(tmp_path, tiny.write_recipe(tmp_path / "recipe.yaml", tree))
    ours, theirs = world.run(out="with"), world.run("machine.frozen=off", out="without")
    known = ours.report["training"]["frozen"]
    tied = family == "t5"
    assert (known is None) == tied, "the table is T5's output layer, which learns, so the bottom moves"
    assert tied or (known["why"], known["hits"]) == ("", 2 * 24)
    logs = ([step["loss"] for step in artifacts.read_lines(run.directory / "log.jsonl")] for run in (ours, theirs))
    assert_same(*logs)
    said = ([one["predicted"] for one in tiny.predictions(run.directory)] for run in (ours, theirs))
    assert next(said) == next(said)
