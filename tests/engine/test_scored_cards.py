"""Splits of other cards, scored by a model that never saw them: `evaluate: [{card: …, split: …}]`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import tiny
from ruamel.yaml import YAML

import nlptl
from nlptl import cards, checks, prepare
from nlptl.data import rows as reading
from nlptl.errors import BadInput
from nlptl.recipe import science
from nlptl.report import again
from nlptl.tasks import Row

ROOT = Path(__file__).resolve().parent.parent.parent


def other(folder: Path, **changes: Any) -> Path:
    """Write a card of the made geography with other sentences, not said to be parallel."""
    tree = YAML(typ="safe").load(ROOT / "data_cards/geography_classes.yaml")
    tree["source"]["seed"] += 1
    tree |= {"name": "elsewhere", "parallel": False} | changes
    tree["splits"] = {split: {} for split in tree["splits"]}
    tree.pop("overlaps", None)
    path = folder / "elsewhere.yaml"
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def recipe(folder: Path, checkpoint: Path, *evaluate: Mapping[str, Any]) -> Path:
    tree = tiny.recipe_tree(checkpoint, Path("geography_classes")) | {
        "data": {"card": "geography_classes", "languages": ["eng"], "train_rows": 64},
        "train": tiny.TRAIN | {"batch": 16, "learning_rate": 3e-3}, "evaluate": list(evaluate),
    }  # fmt: skip
    return tiny.write_recipe(folder / "recipe.yaml", tree)


@pytest.mark.usefixtures("near_gate")
def test_a_model_is_scored_on_another_card(tmp_path: Path, checkpoint: Callable[..., Path]) -> None:
    card = other(tmp_path)
    asked = {"card": str(card), "split": "test", "languages": ["eng", "deu"]}
    own = {"split": "test", "languages": ["eng"]}
    found = tiny.Tiny(tmp_path, recipe(tmp_path, checkpoint("xlm-roberta"), own, asked))
    run = found.run()
    assert [(one["split"], one["language"]) for one in run.report["evaluation"]] == [
        ("test", "eng"), ("elsewhere.test", "eng"), ("elsewhere.test", "deu")
    ]  # fmt: skip
    rows = [row for row in reading.rows(reading.load(cards.find(str(card)).value, "test")) if row.language == "deu"]
    said = nlptl.load(run.directory).predict([str(row.values["text"]) for row in rows])
    right = sum(one.value == row.values["label"] for one, row in zip(said, rows, strict=True)) / len(rows)
    assert run.score("elsewhere.test", "accuracy", "deu") == pytest.approx(right)
    (told,) = run.report["languages"]
    assert (told["split"], told["trained"], told["parallel"]) == ("elsewhere.test", ["eng"], False)
    assert not told["languages"][1]["gap"]["paired"]
    texts, reason = again._texts(run.directory)
    assert reason == ""
    assert {one.id for one in rows} == texts["elsewhere.test-deu"].keys()
    assert "elsewhere.test" in (run.directory / "report.html").read_text()


def test_the_digest_changes_with_the_other_card_and_not_where_there_is_none(
    tmp_path: Path, checkpoint: Callable[..., Path]
) -> None:
    start = checkpoint("xlm-roberta")

    def stamp(*evaluate: Mapping[str, Any]) -> str:
        return prepare.gather(checks.check(recipe(tmp_path, start, *evaluate))).fingerprint

    plain = stamp({"split": "test"})
    own = cards.find("geography_classes").value
    assert plain == reading.fingerprint(own, ["train", "dev", "test"]), "as before there was such a key"
    assert "card" not in science(checks.check(recipe(tmp_path, start, {"split": "test"})).recipe)["evaluate"][0]
    asked = {"card": str(other(tmp_path)), "split": "test"}
    with_other = stamp({"split": "test"}, asked)
    other(tmp_path, languages=["eng", "deu"])
    assert len({plain, with_other, stamp({"split": "test"}, asked)}) == 3


def test_rows_of_the_other_card_alone_are_read_for_it(tmp_path: Path, checkpoint: Callable[..., Path]) -> None:
    asked = {"card": str(other(tmp_path)), "split": "test", "languages": ["deu"]}
    inputs = prepare.gather(checks.check(recipe(tmp_path, checkpoint("xlm-roberta"), asked)))
    assert sorted(inputs.rows) == ["dev", "elsewhere.test", "train"]
    assert {row.language for row in inputs.rows["elsewhere.test"]} == {"deu"}

    def texts(rows: Any) -> set[str]:
        return {str(row.values["text"]) for row in rows if isinstance(row, Row)}

    own = reading.rows(reading.load(inputs.card, "test", ["deu"]))
    assert texts(inputs.rows["elsewhere.test"]) != texts(own)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"card": "geography_clases", "split": "test"}, r"evaluate\[0\]\.card: .*did you mean 'geography_classes'"),
        ({"card": "geography_classes", "split": "test"}, "the recipe's own card"),
        ({"card": "geography_questions", "split": "test"}, r"needs the column label or labels"),
        ({"card": "made", "split": "tset"}, r"evaluate\[0\]\.split: card 'elsewhere' has no split 'tset'"),
        ({"card": "made", "split": "test", "languages": ["rus"]}, "card 'elsewhere' has no language 'rus'"),
    ],
)
def test_what_another_card_cannot_give_is_refused(
    tmp_path: Path, checkpoint: Callable[..., Path], asked: dict[str, Any], words: str
) -> None:
    made = str(other(tmp_path))
    if asked["card"] == "made":
        asked = asked | {"card": made}
    with pytest.raises(BadInput, match=words):
        checks.check(recipe(tmp_path, checkpoint("xlm-roberta"), asked))


def test_a_label_that_training_has_not_is_refused(tmp_path: Path, checkpoint: Callable[..., Path]) -> None:
    topics = tiny.write_card(tmp_path, "topics", rows={"test": 24})
    checked = checks.check(recipe(tmp_path, checkpoint("xlm-roberta"), {"card": str(topics), "split": "test"}))
    with pytest.raises(BadInput, match=r"topics\.test.*no training row has|no training row has.*topics\.test"):
        prepare.gather(checked)
