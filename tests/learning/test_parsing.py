"""Parsing on every architecture: it learns, is saved, and a fresh process writes the same forms and gives the same
logits; language models load with transformers' own classes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cells
import pytest
import tiny
import torch

from nlptl.errors import BadInput
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
    done = tiny.warm("-c", ASK, given=json.dumps(asked))
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


@pytest.mark.parametrize("family", ["gpt2", "llama", "t5"])
def test_a_grammar_lets_a_model_write_what_it_is_taught(tmp_path: Path, family: str) -> None:
    """Token by token, the space before the first word too: forbidden, it would begin with one it never learnt."""
    from nlptl.modules import language_parser

    parts = recipe_of(tmp_path, family).parts("task.search={beams: 1, grammar: learnt}")
    held = language_parser.constraint(parts.fitted, parts.opened)
    assert held is not None
    for one in parts.features:
        for number, token in enumerate(one.target):
            assert held.allowed(one.target[:number])[token], parts.opened.tokenizer.decode(one.target[: number + 1])


def test_what_settings_and_family_contradict_is_told_before_a_model_is_loaded(tmp_path: Path) -> None:
    bert, gpt2, t5, bart = (recipe_of(tmp_path / family, family) for family in ("bert", "gpt2", "t5", "bart"))
    for made, override, said_ in (
        (bert, "task={kind: parsing, form_tokens: 64}", "an encoder needs a decoder over it"),
        (gpt2, "task={kind: parsing, form_tokens: 64, decoder: {layers: 1, width: 8, heads: 1, dropout: 0}}",
         "writes by itself"),
        (gpt2, "task={kind: parsing, form_tokens: 125}", "leave no room"),
        (bert, "task={kind: parsing, form_tokens: 3, decoder: {layers: 1, width: 8, heads: 1, dropout: 0}}",
         "3 are allowed"),
        (bert, "task.search={grammar: sql}", "needs forms in SQL"),
        (gpt2, f"task={{kind: parsing, form_tokens: 60, prompt: '{'word ' * 60}{{text}}'}}", "leave no room"),
        (t5, f"task={{kind: parsing, form_tokens: 60, prompt: '{'word ' * 60}{{text}}'}}", "a prompt of"),
        (bert, "task.search={grammar: card}", "names no grammar"),
        (bart, "task={kind: parsing, form_tokens: 64}", "more than the decoder's 64 positions"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=said_):
            made.run(override)


@pytest.mark.parametrize("family", ["gpt2", "bart"])
def test_a_checkpoints_own_habits_of_generation_change_nothing(tmp_path: Path, family: str) -> None:
    """BART's checkpoints bring such settings, and Qwen's: forms repeat themselves, and no first token is forced."""
    made = recipe_of(tmp_path, family)
    rows = [Row("a", {"text": "bado rik mena"}, ""), Row("b", {"text": "tolu"}, "")]
    plain = said(made.parts(), rows)
    habits = {"no_repeat_ngram_size": 1, "repetition_penalty": 3.0, "forced_bos_token_id": 5}
    (tmp_path / "start" / "generation_config.json").write_text(json.dumps(habits), encoding="utf-8")
    assert said(made.parts(), rows) == plain


def test_generation_computes_in_the_numbers_of_the_run() -> None:
    """On an accelerator the run's context stands already; to ask for autocast there anew would be fp16 under fp32."""
    from nlptl.modules import generating

    with generating.off_on_cpu("cuda"):
        assert not torch.is_autocast_enabled("cuda")
    with torch.autocast("cpu", dtype=torch.bfloat16), generating.off_on_cpu("cpu"):
        assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_a_form_of_the_longest_length_comes_to_an_end(tmp_path: Path, near_gate: None, family: str) -> None:
    """`form_tokens` may be exactly the longest training form, as the message about it says."""
    made = recipe_of(tmp_path, family, epochs=120, learning_rate=5e-3, evaluate_every=1000)
    with pytest.raises(BadInput) as told:
        made.run("task.form_tokens=5")
    longest = max(int(number) for number in re.findall(r"\d+", str(told.value)) if int(number) < 64)
    result = made.run(f"task.form_tokens={longest}")
    assert result.score("train", "exact_match") == 1.0
    assert not [one for one in tiny.predictions(result.directory, "train") if one["detail"]["cut"]]


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_a_batch_that_is_too_large_is_searched_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    """Beams and long forms multiply what a batch of utterances takes."""
    from nlptl.modules import beams, copying_parser, language_parser

    parts = recipe_of(tmp_path, family).parts()
    rows = [Row(str(number), {"text": "bado rik mena tolu " * number}, "") for number in range(1, 6)]
    together = said(parts, rows)
    seen: list[int] = []
    search, generate = beams.search, getattr(parts.moving.bare, "generate", None)

    def counted(step: Any, *, rows: int, **rest: Any) -> Any:
        seen.append(rows)
        return search(step, rows=rows, **rest)

    def generated(input_ids: Any, **rest: Any) -> Any:
        seen.append(len(input_ids))
        return generate(input_ids, **rest)  # type: ignore[misc]

    monkeypatch.setattr(beams, "search", counted)
    monkeypatch.setattr(parts.moving.bare, "generate", generated, raising=False)
    monkeypatch.setattr(copying_parser, "PREFIXES", 2 * 2 * 61)
    monkeypatch.setattr(language_parser, "KEPT", 1)
    assert [form for form, _ in said(parts, rows)] == [form for form, _ in together]
    assert seen == ([2, 2, 1] if family == "bert" else [1] * 5)


def test_forms_of_one_row_are_all_different(tmp_path: Path) -> None:
    parts = recipe_of(tmp_path, "gpt2").parts("task.search.beams=4", "task.form_tokens=40")
    task, rows = parts.inputs.recipe.task, [Row("a", {"text": "bado rik"}, "")]
    features = task.encode(rows, parts.opened, parts.fitted, "predict")
    batch = task.collate(features, parts.opened, parts.fitted)
    (found,) = task.decode(parts.moving.bare.eval(), batch, parts.opened, parts.fitted)
    assert all(cut for _, _, cut in found.values), "an untrained model comes to no end"
    assert len({score for _, score, _ in found.values}) == len(found.values)


def test_a_card_that_names_no_grammar_file_that_is_there(tmp_path: Path) -> None:
    made = recipe_of(tmp_path, "bert")
    place = tmp_path / "tiny.yaml"
    card = json.loads(place.read_text(encoding="utf-8"))
    card["form"]["grammar"] = "mine.lark"
    place.write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(BadInput, match=r"no such grammar.*mine\.lark|mine\.lark.*no such grammar"):
        made.run("task.search={grammar: card}")


def test_a_database_that_is_not_there_is_told_before_anything_is_predicted(tmp_path: Path) -> None:
    from nlptl.tasks.parsing import Parsing

    task = Parsing(kind="parsing", form_tokens=8)
    for database in (str(tmp_path / "absent.sqlite"), 5, ["a"]):
        with pytest.raises(BadInput, match="no such database"):
            task.row_of({"text": "how many", "database": database}, 0)


def test_a_source_that_makes_its_database_has_scores_by_execution() -> None:
    from nlptl import cards
    from nlptl.tasks.parsing import Parsing

    task = Parsing(kind="parsing", form_tokens=8)
    assert task.metrics_of(cards.find("geography_parsing").value)[0] == "execution"
    assert task.metrics_of(cards.find("scan_jump").value) == ("exact_match", "parses")


def test_a_decoder_that_reads_otherwise_is_refused() -> None:
    import transformers

    from nlptl.modules import generating

    sizes = {"vocab_size": 30, "hidden_size": 16, "n_layer": 1, "n_head": 2}
    with pytest.raises(BadInput, match="BloomForCausalLM does not take position_ids"):
        generating.check(transformers.BloomForCausalLM(transformers.BloomConfig(**sizes)))


def test_signs_that_a_tokenizer_lacks_are_told_before_training(tmp_path: Path) -> None:
    """T5's has no `<`: what cannot be written would be learnt as the unknown token, and never be right."""
    from nlptl.errors import BadInput
    from nlptl.modules import language_parser

    parts = recipe_of(tmp_path, "t5").parts()
    known, strange = "class0('bado')", "class0 < 'bado'"
    language_parser.encode(["a"], ["bado"], [known], parts.opened, prompt="{text} =>", longest=60)
    with pytest.raises(BadInput, match=r"1 training forms hold signs .*b: <"):
        language_parser.encode(["a", "b"], ["bado"] * 2, [known, strange], parts.opened, prompt="{text} =>", longest=60)
