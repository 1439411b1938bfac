"""Wrong data for classification: refused with file and line before a model is opened, or kept as they are and warned
of.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from artifact_help import tree
from bad_inputs_help import GOOD, Said, card, command, files, recipe

from nlptl import backbone, prepare
from nlptl.checks import check
from nlptl.data import suspicions
from nlptl.data.rows import load, rows
from nlptl.tasks import Row

Capsys = pytest.CaptureFixture[str]
Run = Callable[..., Said]
JSONL: dict[str, Any] = {"source": {"kind": "lines"}}
LINES = '{"text": "fine", "label": "good"}\n{"text": "poor", "label": "bad"}\n' * 2
HEADER, FIRST = "text,label\n", "fine day,good\n"


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a model is opened: whatever is wrong with data must be known before."""

    def refuse(*arguments: object, **settings: object) -> NoReturn:
        raise KeyboardInterrupt  # ends the command with 130, which no test below accepts

    monkeypatch.setattr(backbone, "open_checkpoint", refuse)
    monkeypatch.setattr(
        backbone, "inspect", lambda name, offline: backbone.Checkpoint(name, Path(), {}, "", frozenset())
    )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> Iterator[Run]:
    """Give a function that runs the recipe on a card with other fields and files with other contents."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NLPTL_DATA", str(tmp_path))

    def made(fields: dict[str, Any] | None = None, overrides: tuple[str, ...] = (), **contents: str | bytes) -> Said:
        files(tmp_path, **contents)
        card(tmp_path, **fields or {})
        path = recipe(tmp_path, data="data: {card: small.yaml}")
        before = tree(tmp_path)
        said = command(capsys, "run", path, *overrides)
        assert tree(tmp_path) == before
        return said

    yield made
    assert not (tmp_path / "runs").exists()


def test_good_data_reach_the_model(run: Run) -> None:
    """Without this every refusal below could be of something else."""
    assert run().code == 130


CASES: dict[str, tuple[dict[str, Any], dict[str, str | bytes], list[str]]] = {
    "30 empty file": ({}, {"train": ""}, ["train", "0 rows", "train.csv"]),
    "30 header only": ({}, {"dev": HEADER}, ["split dev", "0 rows", "dev.csv"]),
    "31 missing column": ({}, {"train": GOOD.replace("label", "stars", 1)}, ["train.csv:2", "no column 'label'"]),
    "31 other case": ({}, {"train": GOOD.replace("label", "Label", 1)}, ["did you mean 'Label'?"]),
    "33 long row": ({}, {"train": HEADER + FIRST + "a,b,c\n"}, ["train.csv:3", "3 fields in a table of 2"]),
    "33 short row": ({}, {"train": HEADER + FIRST + "alone\n"}, ["train.csv:3", "1 field in a table of 2"]),
    "33 open quotation": ({}, {"train": HEADER + FIRST + '"never closed,good\n'}, ["train.csv:3", "quot"]),
    "35 broken JSON": (JSONL, {"train": LINES + '{"text": "x", label}\n'}, ["train.csv:5:15", "not JSON"]),
    "36 array": (JSONL, {"train": '[{"text": "x"}]\n'}, ["train.csv:1", "a list where an object", "jq"]),
    "36 field missing": (JSONL, {"train": LINES + '{"txt": "x", "label": "good"}\n'}, ["train.csv:5", "text", "'txt'"]),
    "37 cp1252": ({}, {"train": GOOD.encode() + b"\xe9,good\n"}, ["train.csv:6", "0xe9", "encoding: latin-1"]),
    "37 UTF-16": ({}, {"train": GOOD.encode("utf-16")}, ["train.csv:1", "UTF-16", "encoding"]),
    "38 empty text": ({}, {"train": GOOD + ",good\n"}, ["train.csv:6", "text", "the text is empty", "drop"]),
    "38 only spaces": ({}, {"train": GOOD + "  \t,good\n" * 7}, ["train.csv:6", "and 2 more rows: empty"]),
    "38 null": (JSONL, {"train": LINES + '{"text": null, "label": "good"}\n'}, ["train.csv:5", "null"]),
    "42 label not on the card": (
        {"labels": ["good", "bad"]},
        {"test": HEADER + "a,god\nb,bad\n"},
        ["test.csv:2", "label 'god' is not on the card", "did you mean 'good'?"],
    ),
    "44 true": (JSONL, {"train": LINES + '{"text": "x", "label": true}\n'}, ["train.csv:5", "label", "true or false"]),
    "44 list": (JSONL, {"train": LINES + '{"text": "x", "label": ["a"]}\n'}, ["train.csv:5", "label", "a list"]),
    "44 fraction": (JSONL, {"train": LINES + '{"text": "x", "label": 1.5}\n'}, ["train.csv:5", "label", "a number"]),
    "45 one label": ({}, {"train": HEADER + FIRST * 4, "dev": HEADER + FIRST, "test": HEADER + FIRST},
                     ["all 4 training rows", "good", "task.one_label: true"]),
    "46 label in test only": (
        {}, {"test": HEADER + "a,good\nb,odd\nc,odd\n"},
        ["split test", "2 of 3 rows have the label 'odd'", "no training row"],
    ),
    "46 label of the card that no training row has": (
        {"labels": ["good", "bad", "odd"]}, {"dev": HEADER + "a,odd\n"}, ["split dev", "1 of 1 rows", "'odd'"],
    ),
    "53 lone surrogate": (
        JSONL, {"train": LINES + '{"text": "x\\ud800", "label": "good"}\n'}, ["train.csv:5", "U+D800"],
    ),
    "56 large batch": ({}, {"train": HEADER + FIRST + "a,bad\n"}, ["train.batch", "2 training rows"]),
    "S97 pickled data": ({}, {"train": pickle.dumps({"text": "evil"})}, ["train.csv:1"]),
    "S102 pattern that never ends": (
        JSONL | {"source": {"kind": "lines", "pattern": "(?P<text>(a|a|aa)+)(?P<label>[^a])"}},
        {"train": "a" * 4000 + "\n"}, ["source.pattern", "over 1 second", "(a+)+"],
    ),
    "S100 file above the root": (
        {"splits": {"train": {"files": [{"file": "../secret.csv"}]}, "dev": {}, "test": {}}}, {},
        ["small.yaml:1:", "splits.train.files[0].file", "below the data root"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "contents", "parts"), CASES.values(), ids=CASES)
def test_is_refused_with_its_place(
    fields: dict[str, Any], contents: dict[str, str | bytes], parts: list[str], run: Run
) -> None:
    run(fields, **contents).has(*parts)


def test_29_files_that_are_not_there(run: Run, tmp_path: Path) -> None:
    splits = {"train": {"files": [{"file": "trian.csv"}]}, "dev": {"files": [{"file": "d*.tsv"}]}, "test": {}}
    said = run({"splits": splits})
    said.has("trian.csv", "no such file below $NLPTL_DATA", "did you mean 'train.csv'?")


def test_all_faults_of_a_split_come_at_once(run: Run) -> None:
    said = run(JSONL, train=LINES + '{"text": "", "label": "good"}\n{"text": "x", "label": true}\n')
    said.has("2 problems", "train.csv:5", "train.csv:6")


def dataset(folder: Path, monkeypatch: pytest.MonkeyPatch, train: str, **fields: Any) -> list[Row]:
    monkeypatch.setenv("NLPTL_DATA", str(folder))
    files(folder, train=train)
    card(folder, **fields)
    found = check(recipe(folder, data=f"data: {{card: {folder / 'small.yaml'}}}"))
    return rows(load(found.card, "train"))


def test_39_to_41_nothing_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["NA", "null", "nan", "None", "1.0", "007"]
    labels = ["NA", "none", "01", "1", "True", "true"]
    table = HEADER + "".join(f"{text},{label}\n" for text, label in zip(texts, labels, strict=True))
    found = dataset(tmp_path, monkeypatch, table)
    assert [(row.values["text"], row.values["label"]) for row in found] == list(zip(texts, labels, strict=True))
    lines = "".join(
        json.dumps({"text": text, "label": label}) + "\n" for text, label in zip(texts, labels, strict=True)
    )
    found = dataset(tmp_path, monkeypatch, lines, **JSONL)
    assert [(row.values["text"], row.values["label"]) for row in found] == list(zip(texts, labels, strict=True))


def test_53_all_of_unicode_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        "👩‍👩‍👧 family",
        "e\u0301 and \u00e9",
        "שלום",
        "a\u202eb",
        "zero\u200bwidth",
        "nul\0inside",
        "line\u2028end",
    ]
    lines = "".join(json.dumps({"text": text, "label": "x"}, ensure_ascii=False) + "\n" for text in texts)
    found = dataset(tmp_path, monkeypatch, lines, **JSONL)
    assert [row.values["text"] for row in found] == texts


def rows_of(*pairs: tuple[str, str], language: str = "eng") -> list[Row]:
    return [
        Row(f"train/{number}", {"text": text, "label": label}, language) for number, (text, label) in enumerate(pairs)
    ]


def test_41_labels_that_look_alike() -> None:
    found = list(suspicions.suspicions({"train": rows_of(("a", "01"), ("b", "1"), ("c", "x "), ("d", "X"))}, ["text"]))
    assert found == [
        "the labels '01', '1' look alike and are kept apart",
        "the labels 'X', 'x ' look alike and are kept apart",
    ]
    assert not list(suspicions.suspicions({"train": rows_of(("a", "10"), ("b", "1"), ("c", "0"))}, ["text"]))


def test_53_direction_marks() -> None:
    (found,) = suspicions.suspicions({"train": rows_of(("plain", "x"), ("user\u202etxt.exe", "y"))}, ["text"])
    assert found == "1 rows of train hold characters that change the direction of writing: train/1"


def test_55_a_stranger_among_the_scripts() -> None:
    latin, japanese = [("good day", "x")] * 60, [("これは漢字とカナ", "x"), ("漢字漢字", "y")]
    (found,) = suspicions.suspicions({"train": rows_of(*latin, ("добрый день", "y"))}, ["text"])
    assert "is said to be 'eng'" in found
    assert "LATIN 60, CYRILLIC 1" in found
    assert not list(suspicions.suspicions({"train": rows_of(*japanese, language="jpn")}, ["text"]))


def test_50_and_23_warnings_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NLPTL_DATA", str(tmp_path))
    files(tmp_path, train=GOOD + "fine day,bad\n")
    card(tmp_path)
    path = recipe(tmp_path, data=f"data: {{card: {tmp_path / 'small.yaml'}}}")
    warnings = prepare.gather(check(path, ["train.evaluate_every=5"])).warnings
    assert any("have one text and different labels: train/000000 and train/000004" in one for one in warnings)
    assert any("train.evaluate_every: 5, but the run has 4 steps" in one for one in warnings)


def test_58_other_data_are_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run directory is named by its data, so changed data cannot be mixed into it."""
    monkeypatch.setenv("NLPTL_DATA", str(tmp_path))
    files(tmp_path)
    card(tmp_path)
    checked = check(recipe(tmp_path, data=f"data: {{card: {tmp_path / 'small.yaml'}}}"))
    first = prepare.digest(prepare.gather(checked), 13)
    assert prepare.digest(prepare.gather(checked), 13) == first
    files(tmp_path, train=GOOD + "one more,good\n")
    assert prepare.digest(prepare.gather(checked), 13) != first
