"""Every kind on the shelf of sources keeps its contract: strings as written, places, order, no state."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from nlptl import kinds, texts
from nlptl.errors import BadInput
from nlptl.sources import Part, Record, Source

TEXTS = (
    "NA",
    "null",
    "01",
    "1e5",
    "nan",
    "None",
    'a "quoted" word',
    "  edges  ",
    "carriage\rreturn",
    "é\u2028\x0c\x85 one line",
    "x" * 200_000,
)
"""What readers of tables like to take for numbers, for nothing, or for two lines."""
CR = "\r"
IN_XML = tuple(text.strip().replace("\x0c", "") for text in TEXTS)
"""XML 1.0 has no form feed, and the source leaves spaces around texts out, as it says."""


def of_table(folder: Path) -> tuple[dict[str, Any], Path]:
    path = folder / "a.tsv"
    path.write_text("".join(f"{text}\tno\n" for text in TEXTS), encoding="utf-8", newline="\n")
    return {"delimiter": "tab", "quoting": "none", "header": False, "columns": ["text", "label"]}, path


def of_lines(folder: Path) -> tuple[dict[str, Any], Path]:
    path = folder / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text, "label": "no"}) + "\n" for text in TEXTS), encoding="utf-8")
    return {}, path


def of_labelled_files(folder: Path) -> tuple[dict[str, Any], Path]:
    path = folder / "no.txt"
    path.write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8", newline="\n")
    return {"text": "line"}, path


def of_hub(folder: Path) -> tuple[dict[str, Any], Path]:
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=["yes", "no"])})
    rows = Dataset.from_dict({"text": list(TEXTS), "label": [1] * len(TEXTS)}, features=features)
    (folder / "data").mkdir()
    rows.to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    return {}, folder / "data"


def of_squad(folder: Path) -> tuple[dict[str, Any], Path]:
    asked = [{"id": str(number), "question": text, "answers": []} for number, text in enumerate(TEXTS)]
    path = folder / "a.json"
    tree = {"version": "1.1", "data": [{"title": "no", "paragraphs": [{"context": "no", "qas": asked}]}]}
    path.write_text(json.dumps(tree), encoding="utf-8")
    return {}, path


def of_text2sql(folder: Path) -> tuple[dict[str, Any], Path]:
    sentences = [{"question-split": "train", "text": "var0", "variables": {"var0": text}} for text in TEXTS]
    query = {"query-split": "test", "sentences": sentences, "sql": ["no"], "variables": []}
    path = folder / "a.json"
    path.write_text(json.dumps([query]), encoding="utf-8")
    return {}, path


def of_parallel_xml(folder: Path) -> tuple[dict[str, Any], Path]:
    items = "".join(
        f"<item label='no'>\n<nl lang='en'>\n{escape(text, {CR: '&#13;'})}\n</nl>\n</item>\n" for text in IN_XML
    )
    path = folder / "a.xml"
    path.write_text(f"<items>{items}</items>", encoding="utf-8", newline="\n")
    return {"item": "item", "text": "nl", "attribute": "lang", "languages": {"eng": "en"}}, path


WRITTEN: dict[str, Callable[[Path], tuple[dict[str, Any], Path]]] = {
    "table": of_table,
    "lines": of_lines,
    "labelled_files": of_labelled_files,
    "hub": of_hub,
    "squad": of_squad,
    "text2sql": of_text2sql,
    "parallel_xml": of_parallel_xml,
}
"""For each kind that reads files: settings, and a file or folder that holds TEXTS with the label `no`."""
MADE: dict[str, dict[str, Any]] = {
    "made": {"world": "topics", "seed": 1, "rows": {"train": 5}, "classes": 3, "words": 8, "noise": 0.1},
    "geography": {"edition": 1, "seed": 1, "rows": {"train": 5}, "holdout": "combinations"},
}


def test_every_kind_is_tried_here() -> None:
    assert set(kinds.shelf("sources")) == set(WRITTEN) | set(MADE), "a new source needs an entry in WRITTEN or MADE"


def open_source(kind: str, folder: Path) -> tuple[Source, Part]:
    if kind in MADE:
        return kinds.shelf("sources")[kind](kind=kind, **MADE[kind]), Part("train", "eng", None, "world/train")
    settings, path = WRITTEN[kind](folder)
    document = json.dumps({"kind": kind, **settings})
    source = kinds.shelf("sources")[kind].model_validate_json(document, strict=True)
    return source, Part("train", "eng", path, "some/name", "no")


@pytest.mark.parametrize("kind", sorted(WRITTEN))
def test_strings_come_as_they_are_written(kind: str, tmp_path: Path) -> None:
    source, part = open_source(kind, tmp_path)
    records = list(source.records(part))
    text, label = {"squad": ("question", "context"), "text2sql": ("text", "form")}.get(kind, ("text", "label"))
    assert [record.values[text] for record in records] == list(IN_XML if kind == "parallel_xml" else TEXTS)
    assert {record.values[label] for record in records} == {"no"}


@pytest.mark.parametrize("kind", [*sorted(WRITTEN), *MADE])
def test_a_second_reading_gives_the_same(kind: str, tmp_path: Path) -> None:
    source, part = open_source(kind, tmp_path)
    first = list(source.records(part))
    assert first == list(source.records(part))
    assert all(isinstance(record, Record) for record in first)
    assert len({record.place for record in first}) == len(first)
    assert all(record.place.startswith(part.name) for record in first)


@pytest.mark.parametrize("kind", [*sorted(WRITTEN), *MADE])
def test_settings_are_values(kind: str, tmp_path: Path) -> None:
    source, _ = open_source(kind, tmp_path)
    again = type(source).model_validate_json(source.model_dump_json(), strict=True)
    assert again == source
    assert hash(again) == hash(source)
    with pytest.raises(ValueError, match="frozen"):
        source.kind = "other"
    with pytest.raises(ValueError, match="Extra inputs"):
        type(source).model_validate({**source.model_dump(), "unknown": 1})


@pytest.mark.parametrize("kind", ["table", "lines", "labelled_files"])
@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig", "cp1252"])
def test_encodings_are_said_not_guessed(kind: str, encoding: str, tmp_path: Path) -> None:
    content = {"table": "é\tno\nü\tno\n", "lines": '{"text":"é"}\n{"text":"ü"}\n', "labelled_files": "é\nü\n"}[kind]
    settings, _ = WRITTEN[kind](tmp_path)
    path = tmp_path / "other"
    path.write_bytes(content.encode(encoding))
    make = kinds.shelf("sources")[kind].model_validate_json
    right = make(json.dumps({"kind": kind, **settings, "encoding": encoding}), strict=True)
    assert [record.values["text"] for record in right.records(Part("t", "eng", path, "n", "no"))] == ["é", "ü"]
    if encoding != "utf-8-sig":
        wrong = make(json.dumps({"kind": kind, **settings}), strict=True)
        with pytest.raises(BadInput, match=r"write 'encoding: [a-z0-9-]+' in the card's source"):
            list(wrong.records(Part("t", "eng", path, "n", "no")))


@pytest.mark.parametrize("kind", ["table", "lines", "labelled_files"])
def test_compressed_files_by_their_name(kind: str, tmp_path: Path) -> None:
    source, part = open_source(kind, tmp_path)
    assert part.path is not None
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(part.path.read_bytes()))
    again = list(source.records(Part("train", "eng", packed, part.name, "no")))
    assert again == list(source.records(part)) or kind == "labelled_files"
    assert [record.values["text"] for record in again] == list(TEXTS)
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(BadInput, match="is damaged"):
        list(source.records(Part("train", "eng", packed, part.name, "no")))


def test_encodings_that_python_does_not_know() -> None:
    with pytest.raises(ValueError, match="did you mean 'latin-1'"):
        texts.check_encoding("latin1x")
    with pytest.raises(ValueError, match="no text encoding"):
        texts.check_encoding("base64")
