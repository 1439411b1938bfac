"""Scores by language: gaps, means, consistency, what the tokenizer does, and who may choose the checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

from nlptl import cards, languages, prepare
from nlptl.checks import check
from nlptl.errors import BadInput
from nlptl.report import languages as comparing
from nlptl.tasks import Row, Scores

ROOT = Path(__file__).resolve().parent.parent.parent
TRAIN = tiny.TRAIN | {"epochs": 1, "batch": 16, "learning_rate": 3e-3}
LANGUAGES = ["eng", "deu", "spa", "fra", "jpn"]


def world(folder: Path, checkpoint: Callable[..., Path], card: str = "geography_classes", **sections: Any) -> tiny.Tiny:
    """Give a recipe over made geography: five parallel languages, and nothing to download."""
    tree = tiny.recipe_tree(checkpoint("xlm-roberta"), Path(card)) | {
        "train": TRAIN, "evaluate": [{"split": "test", "languages": "all"}],
        "data": {"card": card, "languages": ["eng"], "train_rows": 64},
    }  # fmt: skip
    for name, value in sections.items():
        tree[name] = {**tree[name], **value} if isinstance(value, dict) else value
    return tiny.Tiny(folder, tiny.write_recipe(folder / "recipe.yaml", tree))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run in English, tested in all: the directory and its report."""
    folder = tmp_path_factory.mktemp("languages")
    monkeypatch = pytest.MonkeyPatch()
    from nlptl import saved

    monkeypatch.setattr(saved, "gate", tiny.near_gate)
    start = tiny.save_checkpoint(folder / "checkpoint", "xlm-roberta", {})
    run = world(folder, lambda family: start).run()
    monkeypatch.undo()
    return {"run": run, "told": run.report["languages"][0], "folder": folder}


def of(found: dict[str, Any], language: str) -> dict[str, Any]:
    (one,) = [each for each in found["told"]["languages"] if each["language"] == language]
    return dict(one)


def rights(found: dict[str, Any], language: str) -> dict[str, float]:
    """Give item -> right or wrong, from the predictions that the run wrote."""
    records = tiny.predictions(found["run"].directory, f"test-{language}")
    return {one["id"].replace(f"/{language}/", "/"): one["correct"] for one in records}


def test_all_languages_are_scored_each_by_itself(found: dict[str, Any]) -> None:
    assert [one["language"] for one in found["run"].report["evaluation"]] == LANGUAGES
    assert [one["language"] for one in found["told"]["languages"]] == LANGUAGES
    assert found["told"]["trained"] == ["eng"]
    assert found["told"]["parallel"]
    assert found["told"]["metric"] == "accuracy"
    for language in LANGUAGES:
        assert of(found, language)["score"] == pytest.approx(found["run"].score("test", language=language))


def test_a_gap_is_the_paired_difference_from_english(found: dict[str, Any]) -> None:
    english = rights(found, "eng")
    assert "gap" not in of(found, "eng")
    for language in LANGUAGES[1:]:
        own, gap = rights(found, language), of(found, language)["gap"]
        assert own.keys() == english.keys(), "the same items"
        differences = [english[item] - own[item] for item in own]
        assert gap["value"] == pytest.approx(sum(differences) / len(differences))
        assert gap["paired"]
        assert gap["low"] <= gap["value"] <= gap["high"]


def test_means_are_over_languages_with_the_source_and_without(found: dict[str, Any]) -> None:
    means = {one["of"]: one for one in found["told"]["means"]}
    scores = {language: of(found, language)["score"] for language in LANGUAGES}
    assert means["all"]["score"] == pytest.approx(sum(scores.values()) / 5)
    assert means["not trained on"]["score"] == pytest.approx((sum(scores.values()) - scores["eng"]) / 4)
    assert means["Romance"]["languages"] == ["spa", "fra"]
    assert means["Romance"]["score"] == pytest.approx((scores["spa"] + scores["fra"]) / 2)
    assert means["Germanic"]["languages"] == ["eng", "deu"]
    for one in means.values():
        assert one["interval"][0] <= one["score"] <= one["interval"][1]


def test_consistency_counts_the_items_that_are_answered_alike(found: dict[str, Any]) -> None:
    said = {
        language: {one["id"].replace(f"/{language}/", "/"): one["predicted"]
                   for one in tiny.predictions(found["run"].directory, f"test-{language}")}
        for language in ("eng", "spa")
    }  # fmt: skip
    same = {item: said["eng"][item] == said["spa"][item] for item in said["eng"]}
    right = rights(found, "eng")
    told = of(found, "spa")["consistency"]
    assert told["items"] == 300
    assert told["same"] == pytest.approx(sum(same.values()) / 300)
    sure = [same[item] for item in same if right[item]]
    assert told["given_right_items"] == len(sure)
    assert told["given_right"] == pytest.approx(sum(sure) / len(sure))


def test_tokens_are_counted_by_word_or_by_character(found: dict[str, Any]) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(found["folder"] / "checkpoint")
    card = cards.find("geography_classes").value
    from nlptl.data import rows as reading

    rows = reading.rows(reading.load(card, "test", ["spa", "jpn"], None, True))
    for language, per in (("spa", "word"), ("jpn", "character")):
        texts = [row.values["text"] for row in rows if row.language == language]
        tokens = [tokenizer.tokenize(text) for text in texts]
        units = [len(text.split()) if per == "word" else len(text.replace(" ", "")) for text in texts]
        told = of(found, language)
        assert told["per"] == per
        assert told["fertility"] == pytest.approx(sum(map(len, tokens)) / sum(units), rel=1e-6)
        known = tokenizer.get_vocab()
        unknown = sum(piece not in known for one in tokens for piece in one)
        assert told["unknown"] == pytest.approx(unknown / sum(map(len, tokens)))
    assert of(found, "jpn")["unknown"] > of(found, "spa")["unknown"]


def test_the_page_and_the_tables_show_them(found: dict[str, Any]) -> None:
    run = found["run"]
    page = (run.directory / "report.html").read_text()
    assert "gap to English" in page
    assert "(oracle)" not in page
    table = json.loads((run.directory / "tables" / "languages-test.json").read_text())
    rows = table["rows"] if isinstance(table, dict) else table
    assert rows[0]["language"] == "English"
    assert {one["language"] for one in rows} == {"English", "German", "Spanish", "French", "Japanese"}
    assert (run.directory / "tables" / "language-means-test.csv").is_file()


def test_rank_correlation_is_scipys() -> None:
    from scipy import stats

    first, second = [1.2, 3.4, 2.2, 2.2, 5.0], [0.1, 0.3, 0.2, 0.15, 0.3]
    assert comparing._spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)


def part(language: str, right: list[float], ids: list[str] | None = None) -> comparing.Part:
    rows = [Row(one, {}, language) for one in ids or [f"{language}/{number}" for number in range(len(right))]]
    scores = Scores({"accuracy": sum(right) / len(right)}, [row.id for row in rows], {"correct": right})
    return comparing.Part(language, rows, [], scores, 0)


def test_rows_that_are_not_parallel_are_not_paired_by_their_numbers() -> None:
    """By hand: variances 0.25 · 4/3 / 4 on either side."""
    first, second = part("eng", [1.0, 1.0, 0.0, 0.0]), part("swa", [1.0, 0.0, 1.0, 0.0])
    gap = comparing._gap([first], second, "correct", parallel=False, seed=0)
    assert not gap["paired"]
    half = 1.96 * (2 * (1 / 3) / 4) ** 0.5
    assert (gap["low"], gap["value"], gap["high"]) == pytest.approx((-half, 0.0, half))
    assert comparing._gap([first], second, "correct", parallel=True, seed=0)["paired"]
    few = part("deu", [1.0], ["deu/3"])
    assert not comparing._gap([first], few, "correct", parallel=True, seed=0)["paired"], "too few shared items"


def test_several_sources_are_their_mean() -> None:
    sources = [part("eng", [1.0, 1.0, 1.0, 0.0]), part("fra", [0.0, 1.0, 1.0, 0.0])]
    gap = comparing._gap(sources, part("deu", [0.0, 0.0, 1.0, 0.0]), "correct", parallel=True, seed=0)
    assert gap["value"] == pytest.approx((0.75 + 0.5) / 2 - 0.25)


def test_an_item_is_a_row_without_its_language() -> None:
    assert comparing.item_of(Row("dev/eng/000001", {}, "eng")) == "dev/000001"
    assert comparing.item_of(Row("eng/7", {}, "eng")) == comparing.item_of(Row("deu/7", {}, "deu"))
    assert comparing.item_of(Row("7", {}, "deu")) == "7"


def test_every_language_of_a_card_has_a_name_and_a_family() -> None:
    known = {one for file in (ROOT / "data_cards").glob("*.yaml") for one in cards.find(file.stem).value.languages}
    assert {code for code in known if not languages.family_of(code)} == set()
    assert {code for code in known if languages.name_of(code) == code} == set()
    assert (languages.name_of("xxx"), languages.family_of("xxx")) == ("xxx", "")


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"train": {"select_languages": ["deu"]}}, r"deu would choose the checkpoint.*train\.oracle: true"),
        ({"train": {"select_languages": ["xxx"]}}, "no language 'xxx'"),
        ({"data": {"language_rows": {"deu": 5}}}, "'deu' is not trained on: data.languages are eng"),
        ({"data": {"language_rows": {"xxx": 5}}}, "no language 'xxx'"),
        ({"data": {"language_rows": {"eng": 0}}}, "at least 1"),
        ({"evaluate": [{"split": "test", "languages": "every"}]}, "languages"),
    ],
)
def test_what_would_not_be_zero_shot_is_refused(
    tmp_path: Path, checkpoint: Callable[..., Path], sections: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        check(world(tmp_path, checkpoint, **sections).recipe)


def chosen(tmp_path: Path, checkpoint: Callable[..., Path], **sections: Any) -> prepare.Inputs:
    return prepare.gather(check(world(tmp_path, checkpoint, **sections).recipe))


def test_the_languages_trained_on_choose_and_others_only_as_an_oracle(
    tmp_path: Path, checkpoint: Callable[..., Path]
) -> None:
    own = chosen(tmp_path, checkpoint)
    assert {row.language for row in prepare.selecting_rows(own)} == {"eng"}
    asked = {"select_languages": ["deu"], "oracle": True}
    other = chosen(tmp_path, checkpoint, train=asked)
    assert {row.language for row in prepare.selecting_rows(other)} == {"deu"}
    both = {"languages": ["eng", "deu"]}
    few = chosen(tmp_path, checkpoint, data=both, train={"select_languages": ["eng"]})
    assert {row.language for row in prepare.selecting_rows(few)} == {"eng"}


@pytest.mark.usefixtures("near_gate")
def test_an_oracle_says_so_in_every_title(
    tmp_path: Path, checkpoint: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from nlptl import terminal

    tested = [{"split": "test", "languages": ["eng", "deu"]}]
    run = world(tmp_path, checkpoint, train={"select_languages": ["deu"], "oracle": True}, evaluate=tested).run()
    assert run.report["languages"][0]["oracle"]
    page = (run.directory / "report.html").read_text()
    assert "tiny, seed 13 (oracle)" in page
    assert "No score here is zero-shot" in page
    terminal.show_results([run], as_json=False)
    assert "tiny, seed 13 (oracle)" in capsys.readouterr().out


def test_few_rows_of_a_language_are_drawn_by_the_seed(tmp_path: Path, checkpoint: Callable[..., Path]) -> None:
    inputs = chosen(
        tmp_path, checkpoint,
        data={"languages": ["eng", "deu", "spa"], "language_rows": {"deu": 7, "spa": 3}, "train_rows": None},
    )  # fmt: skip
    rows = prepare.training_rows(inputs, 13)
    of_language = {code: [row.id for row in rows if row.language == code] for code in ("eng", "deu", "spa")}
    every = {code: sum(row.language == code for row in inputs.rows["train"]) for code in of_language}
    assert {code: len(ids) for code, ids in of_language.items()} == {"eng": every["eng"], "deu": 7, "spa": 3}
    assert [row.id for row in prepare.training_rows(inputs, 13)] == [row.id for row in rows]
    other = [row.id for row in prepare.training_rows(inputs, 14) if row.language == "deu"]
    assert other != of_language["deu"]
    more = {"languages": ["eng", "deu"], "language_rows": {"deu": 9999}, "train_rows": None}
    many = chosen(tmp_path, checkpoint, data=more)
    with pytest.raises(BadInput, match="9999 rows of deu are asked for"):
        prepare.training_rows(many, 13)


def test_a_rank_correlation_has_fishers_interval() -> None:
    """By hand: atanh 0.6 = 0.6931, 1.96 · √(1.06 / 4) = 1.0090, tanh of -0.3159 and 1.7021."""
    assert comparing._around(0.6, 7) == pytest.approx([-0.3058, 0.9357], abs=1e-4)
    assert comparing._around(1.0, 7) is None
