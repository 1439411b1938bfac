"""Language modelling on every architecture that has it, against transformers' own losses and classes.

One fresh process, without nlptl, loads all that was saved and computes the loss of the whole head with labels.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cells
import pytest
import tiny

from nlptl import evaluate, masking, saved
from nlptl.data import batches
from nlptl.errors import BadInput
from nlptl.job import Watch
from nlptl.modules import guessing
from nlptl.tasks import Row

FAMILIES = cells.CELLS["language"]
names = pytest.mark.parametrize("family", FAMILIES)
LONG = "bado rik mena tolu " * 30
TEXTS = ["bado rik mena tolu", "tolu", "vani rik. bado sona", "Ünïcödé ☃ 你好", LONG]
ASK = """
import json, sys
import torch, transformers
transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
torch.set_num_threads(1)
found = {}
for name, case in json.load(sys.stdin).items():
    kind = "Masked" if case["encoder"] else "Causal"
    load = getattr(transformers, f"AutoModelFor{kind}LM").from_pretrained
    model, told = load(case["folder"], output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"] and not told["mismatched_keys"], (name, told)
    losses = []
    for ids, labels in case["windows"]:
        with torch.inference_mode():
            said = model.eval()(input_ids=torch.tensor([ids]), labels=torch.tensor([labels]))
        losses.append(float(said.loss))
    found[name] = {"losses": losses, "class": type(model).__name__}
assert "nlptl" not in sys.modules
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Cell:
    """A trained model, what it says, and what a fresh process says."""

    parts: tiny.Parts
    steps: list[Any]
    features: list[Any]
    partials: list[Any]
    folder: Path
    theirs: dict[str, Any]


def rows() -> list[Row]:
    return [Row(str(number), {"text": text}, "") for number, text in enumerate(TEXTS)]


def made(folder: Path, family: str, checkpoint: Path | None = None) -> tiny.Tiny:
    """Give a recipe on a made card, whose labels are not read."""
    card = tiny.write_card(folder, rows={"train": 16, "dev": 4, "test": 4}, words=6)
    tree = tiny.recipe_tree(checkpoint or tiny.save_checkpoint(folder / "start", family), card)
    tree["task"] = {"kind": "language"}
    return tiny.Tiny(folder, tiny.write_recipe(folder / "recipe.yaml", tree))


def said(parts: tiny.Parts, given: list[Row]) -> tuple[list[Any], list[Any]]:
    """Give features and partials of rows, in one batch."""
    task, moving = parts.inputs.recipe.task, parts.moving
    features = task.encode(given, parts.opened, parts.fitted, "predict")
    partials = evaluate.partials_of(
        moving.bare, task, features, parts.opened, parts.fitted, computing=moving.computing, micro_tokens=100_000
    )
    ordered = sorted(partials, key=lambda one: (int(one.row_id), one.window))
    return features, ordered


def labelled(feature: Any, encoder: bool) -> list[Any]:
    """Give a window as transformers takes it; its causal models shift the labels themselves."""
    ids, labels = list(feature.input_ids), [-100] * len(feature.input_ids)
    for place, known in feature.extra:
        labels[place if encoder else place + 1] = known
    return [ids, labels]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cell]:
    """Train and save every family, then let one fresh process load them all."""
    cell, asked = {}, {}
    for family in FAMILIES:
        folder = tmp_path_factory.mktemp(family)
        parts = made(folder, family).parts()
        steps = parts.train(2)
        features, partials = said(parts, rows())
        parts.save(folder / "model")
        encoder = family in tiny.ENCODERS
        windows = [labelled(one, encoder) for one in features if one.extra]
        asked[family] = {"folder": str(folder / "model"), "encoder": encoder, "windows": windows}
        cell[family] = (parts, steps, features, partials, folder)
    done = tiny.warm("-c", ASK, given=json.dumps(asked))
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = json.loads(done.stdout.splitlines()[-1])
    return {family: Cell(*one, theirs[family]) for family, one in cell.items()}


@names
def test_the_loss_is_that_of_transformers_own_classes(found: dict[str, Cell], family: str) -> None:
    """The head at some places, in a padded batch, gives what the whole head gives for each window alone."""
    one = found[family]
    ours = [each.values[0] / each.values[2] for each in one.partials if each.values[2]]
    assert ours == pytest.approx(one.theirs["losses"], abs=1e-4)
    ending = "ForMaskedLM" if family in tiny.ENCODERS else "LMHeadModel" if family == "gpt2" else "ForCausalLM"
    assert one.theirs["class"].endswith(ending)
    assert all(step.loss > 0 for step in one.steps)


@names
def test_each_token_is_in_one_window(found: dict[str, Cell], family: str) -> None:
    one = found[family]
    tokenizer = one.parts.opened.tokenizer
    whole = tokenizer(LONG, add_special_tokens=False)["input_ids"]
    windows = [each for each in one.features if each.row_id == str(len(TEXTS) - 1)]
    assert len(windows) > 2
    assert max(len(each.input_ids) for each in windows) <= one.parts.opened.max_tokens
    seen: list[int] = []
    for each in windows:
        clean = list(each.input_ids)
        if family in tiny.ENCODERS:
            for place, known in each.extra:
                clean[place] = known
            seen += clean[1:-1]
        else:
            assert [known for _, known in each.extra] == clean[1:]
            seen += clean[1:]
    end = [tokenizer.eos_token_id] if family in tiny.DECODERS else []
    assert seen == whole + end


@names
def test_a_loaded_model_says_the_same(found: dict[str, Cell], family: str) -> None:
    loaded = saved.load(found[family].folder / "model", device="cpu", numbers="fp32")
    again = {one.row_id: one.detail["loss"] for one in loaded.predict_rows(rows())}
    for row in rows():
        own = sum(one.values[0] for one in found[family].partials if one.row_id == row.id)
        assert again[row.id] == pytest.approx(own, abs=1e-3)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_training_lowers_the_loss(tmp_path: Path, family: str) -> None:
    parts = made(tmp_path, family).parts("train.epochs=30", "train.learning_rate=5e-3", "train.warmup=0.0")
    losses = [step.loss for step in parts.train(60, total=60)]
    assert sum(losses[-10:]) / 10 < 0.75 * sum(losses[:5]) / 5


def test_masks_are_berts(tmp_path: Path) -> None:
    """15 % of the tokens, one at least; of these 80, 10 and 10 % (Devlin et al. 2019, 3.1), within 4 deviations."""
    parts = made(tmp_path, "bert").parts()
    tokenizer, counts, total = parts.opened.tokenizer, [0, 0, 0], 0
    for feature in parts.features:
        inner = len(feature.input_ids) - 2
        for step in range(200):
            (one,) = masking.drawn_again([feature], parts.opened, 0.15, seed=13, step=step)
            assert len(one.target) == max(1, round(0.15 * inner))
            for place, known in one.target:
                shown = one.input_ids[place]
                assert 0 < place < len(one.input_ids) - 1
                counts[0 if shown == tokenizer.mask_token_id else 2 if shown == known else 1] += 1
                total += 1
    for count, share in zip(counts, (0.8, 0.1, 0.1), strict=True):
        assert abs(count - share * total) < 4 * (share * (1 - share) * total) ** 0.5


def test_masks_depend_on_seed_step_row_and_window_alone(tmp_path: Path) -> None:
    parts = made(tmp_path, "bert").parts()
    task, features = parts.inputs.recipe.task, parts.features

    def drawn(chosen: list[Any], seed: int, step: int) -> dict[str, Any]:
        again = task.drawn(chosen, parts.opened, parts.fitted, seed=seed, step=step)
        return {one.row_id: (one.input_ids, one.target) for one in again}

    whole = drawn(features, 13, 1)
    assert whole == {**drawn(features[5:], 13, 1), **drawn(features[:5], 13, 1)}
    assert whole != drawn(features, 13, 2) != drawn(features, 14, 2)
    assert drawn(task.drawn(features, parts.opened, parts.fitted, seed=13, step=7), 13, 1) == whole
    scored = [task.encode([row], parts.opened, parts.fitted, "predict") for row in (rows()[0], rows()[0])]
    assert scored[0] == scored[1], "what is scored is always the same"


def test_a_step_sees_masks_of_its_own(tmp_path: Path) -> None:
    """The loop asks for them: with a rate of nothing two epochs of one batch have different losses."""
    parts = made(tmp_path, "bert").parts("train.batch=16", "train.epochs=2", "train.learning_rate=1e-12")
    first, second = (step.loss for step in parts.train(2, total=2))
    assert abs(first - second) > 1e-4
    again = made(tmp_path, "bert", tmp_path / "start").parts("train.batch=16", "train.learning_rate=1e-12")
    (plan,) = batches.training_steps(again.features, batch=16, epochs=1, seed=13)
    drawn = again.verbs.drawn(plan.features, 13, 1)
    loss = again.verbs.loss(again.moving.bare.eval(), again.verbs.collate(drawn))
    assert float(loss.count) == sum(len(one.target) for one in drawn)


def test_a_mask_in_the_text_is_filled_in(tmp_path: Path) -> None:
    parts = made(tmp_path, "bert").parts("train.epochs=30", "train.learning_rate=5e-3")
    parts.save(tmp_path / "model")
    loaded = saved.load(tmp_path / "model", device="cpu", numbers="fp32")
    filled, plain = loaded.predict(["bado [MASK] rik [MASK]", "bado rik"])
    words = [candidates[0]["token"] for candidates in filled.detail["filled"]]
    assert filled.value == f"bado {words[0]} rik {words[1]}"
    assert filled.detail["tokens"] == 0
    chances = [one["probability"] for one in filled.detail["filled"][0]]
    assert len(chances) == guessing.SHOWN
    assert chances == sorted(chances, reverse=True)
    assert isinstance(plain.value, float)
    assert plain.value == pytest.approx(2.718281828459045 ** (plain.detail["loss"] / plain.detail["tokens"]))


def test_a_body_without_a_head_gets_one_that_shares_its_table(tmp_path: Path) -> None:
    """As sentence encoders come: transformers would draw the output layer, and say so in a warning alone."""
    import transformers

    tiny.save_checkpoint(tmp_path / "whole", "bert")
    body = transformers.AutoModel.from_pretrained(tmp_path / "whole")
    body.save_pretrained(tmp_path / "start")
    transformers.AutoTokenizer.from_pretrained(tmp_path / "whole").save_pretrained(tmp_path / "start")
    notes: list[str] = []
    result = made(tmp_path, "bert", tmp_path / "start").run(watch=Watch(say=notes.append))
    assert [one for one in notes if "has no language head" in one and "table of input embeddings" in one]
    model = transformers.AutoModelForMaskedLM.from_pretrained(result.directory / "model")
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert result.report["evaluation"][0]["baselines"]["unigram"]["metrics"]["perplexity"] > 1
    page = (result.directory / "report.html").read_text(encoding="utf-8")
    assert "foreseen least" in page
    card = (result.directory / "model" / "README.md").read_text(encoding="utf-8")
    assert "AutoModelForMaskedLM" in card


def test_seq2seq_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'seq2seq'; task 'language' works with encoder, decoder"):
        made(tmp_path, "t5").run()


LORA = 'tuning=[{"kind": "lora", "rank": 2, "alpha": 4.0}]'


def test_an_adapter_learns_to_go_on(tmp_path: Path) -> None:
    parts = made(tmp_path, "gpt2").parts(LORA, "train.learning_rate=0.05")
    before = [one.values for one in said(parts, rows())[1]]
    parts.train(2)
    after = [one.values for one in said(parts, rows())[1]]
    assert saved.difference(before, after) > 1e-2
    parts.save(tmp_path / "model")
    loaded = saved.load(tmp_path / "model", device="cpu", numbers="fp32")
    ours = sum(one[0] for one in after)
    assert sum(one.detail["loss"] for one in loaded.predict_rows(rows())) == pytest.approx(ours, abs=1e-3)


def test_an_adapter_beside_a_masked_head_is_refused_before_training(tmp_path: Path) -> None:
    """Its bias lies in a module that also holds the shared table, which peft would store whole."""
    with pytest.raises(BadInput, match="cannot hold the head of masked language modelling"):
        made(tmp_path, "bert").parts(LORA)


def test_scored_again_the_head_stands_on_the_later_table(tmp_path: Path) -> None:
    """What a later stage did to the embeddings is done to the output layer that shares them."""
    import torch

    from nlptl.plan import again

    first = made(tmp_path / "first", "bert")
    parts = first.parts()
    parts.save(tmp_path / "first" / "model")
    card = tiny.write_card(tmp_path / "second", rows={"train": 16, "dev": 4, "test": 4}, words=6)
    tree = tiny.recipe_tree(tmp_path / "first" / "model", card)
    later = tiny.Tiny(tmp_path / "second", tiny.write_recipe(tmp_path / "second" / "recipe.yaml", tree)).parts()
    later.train(2)
    later.save(tmp_path / "second" / "model")
    loaded, kept = again.reattached(tmp_path / "first", tmp_path / "second")
    tables = [one.model.module.get_input_embeddings().weight for one in (loaded, saved.load(tmp_path / "second"))]
    assert torch.equal(*tables)
    assert torch.equal(loaded.model.module.get_output_embeddings().weight, tables[1])
    assert not torch.equal(tables[1], parts.moving.bare.get_input_embeddings().weight)
    assert not [name for name in kept if "pooler" not in name]


def test_two_processes_see_the_same_masks(tmp_path: Path) -> None:
    world = made(tmp_path, "bert", tiny.save_checkpoint(tmp_path / "start", "bert", tiny.still("bert")))
    alone, both = world.warm(out="one"), world.warm(out="two", ranks=2)
    assert alone.returncode == both.returncode == 0, alone.stderr[-2000:] + both.stderr[-2000:]
    found = []
    for out in ("one", "two"):
        (log,) = (tmp_path / out).glob("*/log.jsonl")
        found.append([json.loads(line)["loss"] for line in log.read_text(encoding="utf-8").splitlines()])
    assert found[0] == pytest.approx(found[1], abs=1e-5)
