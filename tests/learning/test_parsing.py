"""Parsing on every architecture: it learns, is saved, and a fresh process writes the same forms and gives the same
logits; language models load with transformers' own classes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cells
import pytest
import tiny

from nlptl.tasks import Row

FAMILIES = cells.CELLS["parsing"]
DECODER = {"layers": 1, "width": 32, "heads": 2, "dropout": 0.1}
LEARNS = ("bert", "gpt2", "t5")
"""One of each kind, trained until it knows its rows by heart."""
names = pytest.mark.parametrize("family", FAMILIES)
ASK = """
import json, sys
import torch, transformers
transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
torch.set_num_threads(1)
given, found = json.load(sys.stdin), {}
for name, case in given.items():
    auto = getattr(transformers, case["auto"])
    model, told = auto.from_pretrained(case["folder"], output_loading_info=True)
    missing = [key for key in told["missing_keys"] if "pooler" not in key]
    assert not missing and not told["unexpected_keys"] and not told["mismatched_keys"], (name, told)
assert "nlptl" not in sys.modules
from nlptl import evaluate, saved
from nlptl.tasks import Row
for name, case in given.items():
    one = saved.load(case["folder"], device="cpu", numbers="fp32")
    rows = [Row(row["id"], row["values"], "") for row in case["rows"]]
    said = [[one.value, one.detail["probability"]] for one in one.predict_rows(rows)]
    again = evaluate.witnesses(one.model.module, one.task, rows, one.opened, one.fitted, one.computing)
    found[name] = {"said": said, "again": again}
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Cell:
    """What a trained parser says in this process, row by row and together, and what a fresh one says of it."""

    alone: list[Any]
    together: list[Any]
    logits: list[Any]
    theirs: dict[str, Any]


def recipe_of(folder: Path, family: str, **train: Any) -> tiny.Tiny:
    """Write a recipe for invented commands."""
    card = tiny.write_card(folder, world="commands", rows={"train": 8, "dev": 4, "test": 4}, words=6, classes=2)
    longer = {"max_position_embeddings": 128} if family in tiny.DECODERS else {}
    tree = tiny.recipe_tree(tiny.save_checkpoint(folder / "start", family, tiny.still(family) | longer), card)
    tree["task"] = {"kind": "parsing", "form_tokens": 60, "search": {"beams": 2}}
    tree["model"]["max_tokens"] = 64
    if family in tiny.DECODERS:
        tree["model"]["max_tokens"] = 128
    if family in tiny.ENCODERS:
        tree["task"] |= {"decoder": DECODER}
    tree["train"] |= {"batch": 4, "select": "last"} | train
    tree["evaluate"] = [{"split": "train"}]
    return tiny.Tiny(folder, tiny.write_recipe(folder / "recipe.yaml", tree))


def said(parts: tiny.Parts, rows: list[Row]) -> list[Any]:
    """Give [form, probability] of rows that are computed together."""
    from nlptl import evaluate

    task, moving = parts.inputs.recipe.task, parts.moving
    features = task.encode(rows, parts.opened, parts.fitted, "predict")
    found = evaluate.partials_of(
        moving.bare, task, features, parts.opened, parts.fitted, computing=moving.computing, micro_tokens=4096
    )
    made = evaluate.predictions_of(task, rows, found, parts.opened, parts.fitted)
    return [[one.value, one.detail["probability"]] for one in made]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cell]:
    """Train every family for some steps and save it, then let one fresh process load them all."""
    from nlptl import evaluate

    made, asked = {}, {}
    for family in FAMILIES:
        folder = tmp_path_factory.mktemp(f"parsing-{family}")
        parts = recipe_of(folder, family).parts()
        before = parts.tensors()
        parts.train(2)
        after = parts.tensors()
        assert not [name for name in before if bool((before[name] == after[name]).all())], "all that is there learns"
        rows = [Row(row.id, {"text": row.values["text"]}, "") for row in parts.rows[:3]]
        rows.append(Row("long", {"text": "bado rik mena tolu " * 40}, ""))
        logits = evaluate.witnesses(parts.moving.bare, parts.inputs.recipe.task, rows, parts.opened, parts.fitted,
                                    parts.moving.computing)  # fmt: skip
        made[family] = ([said(parts, [row])[0] for row in rows], said(parts, rows), logits)
        parts.save(folder / "model")
        auto = "AutoModel" if family in tiny.ENCODERS else "AutoModelForCausalLM"
        asked[family] = {
            "folder": str(folder / "model"), "auto": "AutoModelForSeq2SeqLM" if family in tiny.SEQ2SEQ else auto,
            "rows": [{"id": row.id, "values": dict(row.values)} for row in rows],
        }  # fmt: skip
    done = tiny.python("-c", ASK, given=json.dumps(asked))
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = json.loads(done.stdout.splitlines()[-1])
    return {family: Cell(*parts, theirs[family]) for family, parts in made.items()}


@names
def test_what_is_saved_is_what_was_trained(found: dict[str, Cell], family: str) -> None:
    from nlptl.saved import difference

    one = found[family]
    assert difference(one.theirs["again"], one.logits) <= 1e-4
    assert [form for form, _ in one.theirs["said"]] == [form for form, _ in one.together]
    ours, theirs = ([chance for _, chance in side] for side in (one.together, one.theirs["said"]))
    assert theirs == pytest.approx(ours, abs=1e-5)


@names
def test_neighbours_in_a_batch_change_nothing(found: dict[str, Cell], family: str) -> None:
    one = found[family]
    assert [form for form, _ in one.alone] == [form for form, _ in one.together]
    assert [chance for _, chance in one.alone] == pytest.approx([chance for _, chance in one.together], rel=1e-3)


@pytest.mark.parametrize("family", LEARNS)
def test_it_learns_its_rows_by_heart(tmp_path: Path, near_gate: None, family: str) -> None:
    """Trained through a whole run; the forms hold values that only copying or spelling can give."""
    result = recipe_of(tmp_path, family, epochs=120, learning_rate=5e-3, evaluate_every=1000).run()
    assert result.score("train", "exact_match") == 1.0


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_a_grammar_is_kept_by_a_model_that_knows_nothing(tmp_path: Path, family: str) -> None:
    from nlptl import forms

    made = recipe_of(tmp_path, family)
    free, held = made.parts(), made.parts("task.search={beams: 1, grammar: learnt}")
    rows = [Row(row.id, {"text": row.values["text"]}, "") for row in free.rows[:6]]
    wild = [form for form, _ in said(free, rows)]
    assert any(forms.check(form, "functional") for form in wild), "an untrained model writes no forms by itself"
    for form, _ in said(held, rows):
        assert form.startswith(("class", "both")), form
        assert forms.check(form, "functional") is None or form.count("(") > form.count(")"), "whole, or cut"


def test_what_settings_and_family_contradict_is_told_before_a_model_is_loaded(tmp_path: Path) -> None:
    from nlptl.errors import BadInput

    bert, gpt2 = recipe_of(tmp_path / "a", "bert"), recipe_of(tmp_path / "b", "gpt2")
    for made, override, said_ in (
        (bert, "task={kind: parsing, form_tokens: 64}", "an encoder needs a decoder over it"),
        (gpt2, "task={kind: parsing, form_tokens: 64, decoder: {layers: 1, width: 8, heads: 1, dropout: 0}}",
         "writes by itself"),
        (gpt2, "task={kind: parsing, form_tokens: 125}", "leave no room"),
        (bert, "task={kind: parsing, form_tokens: 3, decoder: {layers: 1, width: 8, heads: 1, dropout: 0}}",
         "3 are allowed"),
        (bert, "task.search={grammar: sql}", "needs forms in SQL"),
        (bert, "task.search={grammar: card}", "names no grammar"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=said_):
            made.run(override)
