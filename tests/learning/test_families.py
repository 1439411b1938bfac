"""Families of all kinds learn 16 rows by heart, are saved, and say the same through nlptl and through transformers."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiny

import nlptl

SINGLE = ("bert", "roberta", "electra", "xlm-roberta", "smollm2", "t5")
CASES = [(family, "topics") for family in SINGLE]
CASES += [("bert", "several"), ("roberta", "pairs"), ("llama", "pairs")]
"""A few of each kind; all others take a step in test_cells.py."""
NAMES = [f"{family}-{world}" for family, world in CASES]
TRAIN = {"epochs": 60, "batch": 16, "learning_rate": 5e-3, "select": "last", "evaluate_every": 1000}
ROWS = {"train": 16, "test": 40}
ASK = """
import json, sys
import torch, transformers
transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
found = {}
for name, (folder, inputs) in json.load(sys.stdin).items():
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    pipe = transformers.pipeline("text-classification", model=folder, device=-1, top_k=None)
    several = model.config.problem_type == "multi_label_classification"
    plain, piped = [], []
    for given in inputs:
        tokens = tokenizer(*given, truncation="longest_first", return_tensors="pt")
        with torch.inference_mode():
            logits = model(**tokens).logits[0]
        chances = logits.sigmoid() if several else logits.softmax(-1)
        plain.append({model.config.id2label[number]: float(one) for number, one in enumerate(chances)})
        asked = {"text": given[0], "text_pair": given[1]} if len(given) == 2 else given[0]
        said = pipe(asked, truncation=True)
        said = said[0] if isinstance(said[0], list) else said
        piped.append({one["label"]: one["score"] for one in said})
    found[name] = {"plain": plain, "piped": piped, "modules": sorted(set(sys.modules) & {"nlptl"})}
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Trained:
    """A run that has learnt 16 rows, and what transformers alone says of its model in a fresh process."""

    result: Any
    inputs: list[list[str]]
    theirs: dict[str, Any]


def rows_of(folder: Path) -> list[list[str]]:
    """Give the texts of the card's test split, and two that no card has: one too long, one of strange letters."""
    from nlptl import cards
    from nlptl.data import rows

    found = rows.rows(rows.load(cards.find(str(folder / "tiny.yaml")).value, "test"))
    texts = [[row.values[name] for name in ("text", "text_pair") if name in row.values] for row in found]
    width = len(texts[0])
    return [*texts, ["bado " * 300, "rik"][:width], ["Ünïcödé ☃ \u202e 你好", "e\u0301"][:width]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    """Train every case; then let one fresh process load all models, since its start takes seconds."""
    from nlptl import saved

    results, inputs = {}, {}
    with pytest.MonkeyPatch.context() as patch:
        for name, (family, world) in zip(NAMES, CASES, strict=True):
            folder = tmp_path_factory.mktemp(name)
            card = tiny.write_card(folder, world=world, rows=ROWS)
            tree = tiny.recipe_tree(tiny.save_checkpoint(folder / "start", family), card)
            tree["train"] |= TRAIN
            tree["evaluate"] = [{"split": "train"}, {"split": "test"}]
            results[name] = tiny.Tiny(folder, tiny.write_recipe(folder / "recipe.yaml", tree)).run()
            inputs[name] = rows_of(folder)
            # The first run goes through the gate as it is, the others in this process.
            patch.setattr(saved, "gate", tiny.near_gate)
    asked = {name: [str(results[name].directory / "model"), inputs[name]] for name in NAMES}
    done = tiny.warm("-c", ASK, given=json.dumps(asked))
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout.splitlines()[-1])
    return {name: Trained(results[name], inputs[name], theirs[name]) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_sixteen_rows(trained: dict[str, Trained], name: str) -> None:
    metric = "subset_accuracy" if "several" in name else "accuracy"
    assert trained[name].result.score("train", metric) == 1.0
    # Noise is 0, so a row of the test split is as easy; but nothing was seen of most of its words.
    assert len(tiny.predictions(trained[name].result.directory, "test")) == ROWS["test"]


@pytest.mark.parametrize("name", NAMES)
def test_transformers_alone_says_the_same(trained: dict[str, Trained], name: str) -> None:
    """By label name: probabilities of the model class and of the pipeline against those of `nlptl.load`."""
    one = trained[name]
    assert one.theirs["modules"] == [], "the fresh process knows nothing of nlptl"
    loaded = nlptl.load(one.result.directory)
    given: list[Any] = [
        texts[0] if len(texts) == 1 else {"text": texts[0], "text_pair": texts[1]} for texts in one.inputs
    ]
    ours = [dict(prediction.detail["probabilities"]) for prediction in loaded.predict(given)]
    for source in ("plain", "piped"):
        for mine, other in zip(ours, one.theirs[source], strict=True):
            assert mine == pytest.approx(other, abs=1e-5), source
    if "several" not in name:
        assert all(math.isclose(sum(mine.values()), 1, abs_tol=1e-9) for mine in ours)


@pytest.mark.parametrize("name", NAMES)
def test_the_predictions_of_the_run_are_those_of_the_model(trained: dict[str, Trained], name: str) -> None:
    one = trained[name]
    records = tiny.predictions(one.result.directory, "test")
    for record, theirs in zip(records, one.theirs["plain"], strict=False):
        assert record["detail"]["probabilities"] == pytest.approx(theirs, abs=1e-5)
    if "several" in name:
        threshold = one.result.report["fitted"]["threshold"]
        said = [sorted(label for label, chance in theirs.items() if chance >= threshold) for theirs in
                one.theirs["plain"][: len(records)]]  # fmt: skip
        assert [sorted(record["predicted"]) for record in records] == said
    else:
        said = [max(theirs, key=theirs.__getitem__) for theirs in one.theirs["plain"][: len(records)]]
        assert [record["predicted"] for record in records] == said


def test_the_gate_was_passed_in_a_process_of_its_own(trained: dict[str, Trained]) -> None:
    gate = trained[NAMES[0]].result.report["reload_gate"]
    assert gate["rows"] == 16
    assert gate["largest_difference"] <= 1e-4
    assert gate["seconds"] > 0.5, "a fresh process takes its time"


def test_the_model_of_a_run_is_a_checkpoint_to_go_on_from(trained: dict[str, Trained], tmp_path: Path) -> None:
    """`task.head: keep` after no more than a step at a rate near zero: what was known is still known."""
    first = trained["electra-topics"].result
    card = first.directory.parent.parent / "tiny.yaml"
    tree = tiny.recipe_tree(first.directory, card)
    tree["train"] |= {"learning_rate": 1e-9, "batch": 16, "select": "last"}
    tree |= {"task": {"kind": "classification", "head": "keep"}, "evaluate": [{"split": "train"}]}
    with pytest.MonkeyPatch.context() as patch:
        from nlptl import saved

        patch.setattr(saved, "gate", tiny.near_gate)
        again = tiny.Tiny(tmp_path, tiny.write_recipe(tmp_path / "recipe.yaml", tree)).run()
    assert again.score("train") == 1.0
