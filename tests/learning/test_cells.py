"""Every task on every architecture: a few optimizer steps, saved, loaded in a fresh process, the same logits.

One fresh process answers for all: by transformers' own classes first, without nlptl, then by `nlptl.load`.
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

TEXTS = ["bado rik mena", "tolu", "vani rik. bado sona bado sona rik mena tolu pike", "Ünïcödé ☃ 你好"]
MARKED = "rik </s> mena"
"""A written end mark: seq2seq models classify at the last one and count them, so transformers' pipeline fails on it."""
LONG = "bado rik mena tolu " * 30
PAIRS = [("bado rik", "mena tolu"), ("tolu rik mena bado rik", "rik"), ("rik", "bado sona mena rik"), (LONG, "rik")]
ASKED = [("bado", "rik mena tolu"), ("rik rik rik", LONG), ("mena", "Ünï\n ☃ mena  你好 bado")]
CASES = [(task, family) for task in ("classification", "qa") for family in cells.CELLS[task]]
CASES += [("pairs", family) for family in ("bert", "roberta", *tiny.DECODERS, *tiny.SEQ2SEQ)]
names = pytest.mark.parametrize("name", [f"{task} {family}" for task, family in CASES])
ASK = """
import json, sys
import torch, transformers
transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
torch.set_num_threads(1)
given, found = json.load(sys.stdin), {}
for name, case in given.items():
    kind = "QuestionAnswering" if case["task"] == "qa" else "SequenceClassification"
    model, told = getattr(transformers, f"AutoModelFor{kind}").from_pretrained(case["folder"], output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"] and not told["mismatched_keys"], (name, told)
    with torch.inference_mode():
        logits = []
        for ids, types in zip(case["ids"], case["types"]):
            more = {} if types is None else {"token_type_ids": torch.tensor([types])}
            said = model.eval()(input_ids=torch.tensor([ids]), **more)
            logits.append([said.start_logits[0].tolist(), said.end_logits[0].tolist()] if case["task"] == "qa" else
                          said.logits[0].tolist())
    found[name] = {"logits": logits, "config": [model.config.pad_token_id, model.config.id2label]}
    if case["task"] != "qa":
        pipe = transformers.pipeline("text-classification", model=case["folder"], device=-1, top_k=None)
        asked = [{"text": one[0], "text_pair": one[1]} if len(one) == 2 else one[0] for one in case["inputs"]]
        said = pipe(asked, truncation=True, batch_size=8)
        found[name]["piped"] = [{one["label"]: one["score"] for one in each} for each in said]
assert "nlptl" not in sys.modules
from nlptl import evaluate, saved
from nlptl.tasks import Row
for name, case in given.items():
    one = saved.load(case["folder"], device="cpu", numbers="fp32")
    rows = [Row(row["id"], row["values"], "") for row in case["rows"]]
    found[name]["again"] = evaluate.witnesses(one.model.module, one.task, rows, one.opened, one.fitted, one.computing)
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Cell:
    """What a trained model says in this process, and what a fresh one says of it."""

    alone: list[Any]
    together: list[Any]
    chances: list[dict[str, float]]
    features: list[Any]
    opened: Any
    theirs: dict[str, Any]


def rows_of(task: str) -> list[Row]:
    """Give rows of all lengths, one of which is too long for the window."""
    if task == "qa":
        return [Row(str(number), {"question": one, "context": two}, "") for number, (one, two) in enumerate(ASKED)]
    if task == "pairs":
        return [Row(str(number), {"text": one, "text_pair": two}, "") for number, (one, two) in enumerate(PAIRS)]
    return [Row(str(number), {"text": text}, "") for number, text in enumerate([*TEXTS, LONG, MARKED])]


def trained(folder: Path, task: str, family: str) -> tiny.Parts:
    """Take three steps and save."""
    world = {"qa": "questions", "pairs": "pairs"}.get(task, "topics")
    card = tiny.write_card(folder, world=world, rows={"train": 16, "dev": 4, "test": 4}, words=6, classes=3)
    tree = tiny.recipe_tree(tiny.save_checkpoint(folder / "start", family), card)
    if task == "qa":
        tree["task"] = {"kind": "qa", "stride": 4, "answer_tokens": 8}
    parts = tiny.Tiny(folder, tiny.write_recipe(folder / "recipe.yaml", tree)).parts()
    before = parts.tensors()
    parts.train(2)
    after = parts.tensors()
    assert not [name for name in before if bool((before[name] == after[name]).all())], "all that is there learns"
    parts.save(folder / "model")
    return parts


def said(parts: tiny.Parts, rows: list[Row]) -> list[Any]:
    """Give the model's logits for rows, in one batch."""
    from nlptl import evaluate

    recipe, moving = parts.inputs.recipe, parts.moving
    return evaluate.witnesses(moving.bare, recipe.task, rows, parts.opened, parts.fitted, moving.computing)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cell]:
    """Train and save every cell, then let one fresh process load them all."""
    from nlptl import labels

    made, asked = {}, {}
    for task, family in CASES:
        name, folder = f"{task} {family}", tmp_path_factory.mktemp(f"{task}-{family}")
        parts, rows = trained(folder, task, family), rows_of(task)
        features = parts.inputs.recipe.task.encode(rows, parts.opened, parts.fitted, "predict")
        alone = [one for row in rows for one in said(parts, [row])]
        chances = [] if task == "qa" else [
            dict(zip(parts.fitted.names, labels.probabilities(one, several=False), strict=True)) for one in alone
        ]  # fmt: skip
        made[name] = (alone, said(parts, rows), chances, features, parts.opened)
        asked[name] = {
            "task": task, "folder": str(folder / "model"), "ids": [list(one.input_ids) for one in features],
            "types": [one.token_types for one in features],
            "inputs": [list(row.values.values()) for row in rows if MARKED not in row.values.values()],
            "rows": [{"id": row.id, "values": dict(row.values)} for row in rows],
        }  # fmt: skip
    done = tiny.warm("-c", ASK, given=json.dumps(asked))
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = json.loads(done.stdout.splitlines()[-1])
    return {name: Cell(*parts, theirs[name]) for name, parts in made.items()}


@names
def test_what_is_saved_is_what_was_trained(found: dict[str, Cell], name: str) -> None:
    from nlptl.saved import difference

    one = found[name]
    assert difference(one.theirs["logits"], one.alone) <= 1e-4
    assert difference(one.theirs["again"], one.together) <= 1e-4


@names
def test_neighbours_in_a_batch_change_nothing(found: dict[str, Cell], name: str) -> None:
    from nlptl.saved import difference

    one = found[name]
    assert difference(one.alone, one.together) <= 1e-4
    spread = [max(column) - min(column) for column in zip(*[_first(row) for row in one.alone], strict=False)]
    assert max(spread) > 1e-2, "inputs matter, or this test shows nothing"


def _first(logits: Any) -> list[float]:
    return list(logits[0][:4] if isinstance(logits[0], list) else logits)


@names
def test_a_pad_token_is_there_and_stands_in_the_configuration(found: dict[str, Cell], name: str) -> None:
    one = found[name]
    pad, labels = one.theirs["config"]
    assert pad == one.opened.tokenizer.pad_token_id is not None
    assert len(labels) == (2 if name.startswith("qa") else 3)


@pytest.mark.parametrize("name", [f"{task} {family}" for task, family in CASES if task != "qa"])
def test_the_pipeline_says_the_same_by_label(found: dict[str, Cell], name: str) -> None:
    """In batches of eight; but where the tokenizer puts nothing between two texts the pair is written as one text."""
    one = found[name]
    if name.startswith("pairs") and one.opened.separator:
        assert name.split()[1] in ("gpt2", "smollm2", "qwen2", "qwen3", "mbart")
        return
    for ours, theirs in zip(one.chances, one.theirs["piped"], strict=False):
        assert ours == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_spans_are_pieces_of_the_context_without_spaces_around(found: dict[str, Cell], family: str) -> None:
    one = found[f"qa {family}"]
    contexts = dict(enumerate(context for _, context in ASKED))
    for feature in one.features:
        begin, offsets = feature.extra
        context = contexts[int(feature.row_id)]
        wide = [(start, end) for start, end in offsets if end > start]
        assert all(context[start:end].strip() == context[start:end] for start, end in wide)
        assert begin + len(offsets) <= len(feature.input_ids)
    for number, context in contexts.items():
        places = {place for one_ in one.features if one_.row_id == str(number) for left, right in one_.extra[1]
                  for place in range(left, right)}  # fmt: skip
        lost = {context[place] for place in set(range(len(context))) - places if not context[place].isspace()}
        assert lost <= {"☃", "\u0308"}, f"nothing of the context is lost to the windows: {lost}"
    windows = [feature for feature in one.features if feature.row_id == "1"]
    assert len(windows) > 2
    assert max(len(feature.input_ids) for feature in one.features) <= one.opened.max_tokens


def test_the_page_shows_the_table() -> None:
    page = cells.PAGE.read_text(encoding="utf-8")
    assert cells.written(page) == page, "run: python tests/cells.py"
