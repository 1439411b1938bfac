"""What each source does with files that are not as they should be, and what the made worlds promise."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nlptl.errors import BadInput
from nlptl.sources import Part, Record
from nlptl.sources.hub import Hub
from nlptl.sources.labelled_files import LabelledFiles
from nlptl.sources.lines import Lines
from nlptl.sources.made import Made
from nlptl.sources.table import Table

PLAIN = Table(kind="table", delimiter="tab", quoting="none", header=False, columns=("text", "label"))
QUOTED = Table(kind="table", delimiter="comma", quoting="double", header=True)
JSONL = Lines(kind="lines")


def read(
    source: Any, content: str | bytes, folder: Path, name: str = "f.txt", label: str | None = None
) -> list[Record]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(source.records(Part("train", "eng", path, name, label)))


def faults(source: Any, content: str | bytes, folder: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read(source, content, folder)
    return str(caught.value)


def test_quoted_fields_over_lines_keep_the_line_where_the_row_begins(tmp_path: Path) -> None:
    content = 'text,label\r\n"one\r\ntwo, ""three""",a\r\nplain,b\r\n"x\n\ny",c\r\n\r\n'
    found = read(QUOTED, content, tmp_path)
    assert [(record.values["text"], record.place) for record in found] == [
        ('one\r\ntwo, "three"', "f.txt:2"),
        ("plain", "f.txt:4"),
        ("x\n\ny", "f.txt:5"),
    ]


def test_ragged_rows_come_all_at_once_with_their_lines(tmp_path: Path) -> None:
    said = faults(PLAIN, "a\tb\nc\nd\te\tf\ng\th\n", tmp_path)
    assert "f.txt:2 1 field in a table of 2" in said
    assert "f.txt:3 3 fields in a table of 2" in said
    said = faults(QUOTED, "text,label\na,b\n\nonly\nc,d\n", tmp_path)
    assert "f.txt:3 1 field" in said
    assert "f.txt:4 1 field" in said
    assert "and 3 more rows" in faults(PLAIN, "a\n" * 8, tmp_path)


@pytest.mark.parametrize(("content", "line"), [('text,label\n"a"b,c\n', 2), ('text,label\nx,y\n"never closed,c\n', 3)])
def test_quotes_that_make_no_fields(content: str, line: int, tmp_path: Path) -> None:
    said = faults(QUOTED, content, tmp_path)
    assert f"f.txt:{line}" in said
    assert "quoting: none" in said


def test_the_limit_of_the_csv_module_is_put_back(tmp_path: Path) -> None:
    import csv

    before = csv.field_size_limit()
    assert len(read(QUOTED, f'text,label\n"{"x" * 300_000}",b\n', tmp_path)[0].values["text"]) == 300_000
    assert csv.field_size_limit() == before


def test_a_header_is_held_to_be_one(tmp_path: Path) -> None:
    assert "names ['a'] twice" in faults(QUOTED, "a,b,a\n1,2,3\n", tmp_path)
    assert read(QUOTED, "", tmp_path) == []
    assert read(QUOTED, "text,label\n", tmp_path) == []
    with pytest.raises(ValueError, match="only there"):
        Table(kind="table", delimiter="tab", quoting="none", header=True, columns=("a",))
    with pytest.raises(ValueError, match="only there"):
        Table(kind="table", delimiter="tab", quoting="none", header=False)


def test_what_is_not_utf8_is_said_with_byte_line_and_remedy(tmp_path: Path) -> None:
    said = faults(PLAIN, b"a\tb\n" * 3 + b"caf\xe9\tb\n", tmp_path)
    assert "f.txt:4" in said
    assert "byte 0xe9 at offset 15 is not utf-8" in said
    assert "'encoding: latin-1'" in said
    assert "'encoding: cp1252'" in faults(PLAIN, b"\x93quoted\x94\tb\n", tmp_path)
    many = "é\tb\n".encode() * 20_000  # the fault lies far behind the first buffer, within a character that two share
    assert f"f.txt:20001 byte 0xc3 at offset {len(many)}" in faults(PLAIN, many + b"\xc3\tb\n", tmp_path)
    assert "f.txt:2" in faults(PLAIN, b"a\tb\nc\t\xc3", tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_is_known_by_its_looks(encoding: str, tmp_path: Path) -> None:
    said = faults(PLAIN, "some text\tlabel\n".encode(encoding), tmp_path)
    assert f"write 'encoding: {encoding}" in said


def test_zero_bytes_marks_and_odd_line_ends_are_text(tmp_path: Path) -> None:
    for source in (
        PLAIN,
        Table(kind="table", delimiter="tab", quoting="double", header=False, columns=("text", "label")),
    ):
        found = read(source, "\ufeffa\u0000b\tx\r\n\u202e\u200bc\ty\n", tmp_path)
        assert [record.values["text"] for record in found] == ["a\0b", "\u202e\u200bc"]
        assert [record.values["label"] for record in found] == ["x", "y"]


def test_json_keeps_what_is_written(tmp_path: Path) -> None:
    content = '{"text": "01", "label": 7, "tags": ["NA", "null"], "deep": {"n": 12345678901234567890, "f": 1.10}}\n'
    values = read(JSONL, content, tmp_path)[0].values
    assert values == {
        "text": "01", "label": "7", "tags": ["NA", "null"], "deep": {"n": "12345678901234567890", "f": Decimal("1.10")},
    }  # fmt: skip
    assert read(JSONL, '{"label": true, "text": null}\n', tmp_path)[0].values == {"label": True, "text": None}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": "b"}\n{"a": }\n', "f.txt:2:7"),
        ('[{"a": 1},\n{"a": 2}]\n', "looks like one JSON list"),
        ('[{"a": 1}, {"a": 2}]\n', "looks like one JSON list"),
        ('{"data": [{"paragraphs": []}]\n', "looks like SQuAD's format"),
        ('{\n"a": 1}\n', "one JSON document over several lines"),
        ('{"a": 1}\n"text"\n', "f.txt:2 a text or number where an object"),
        ('{"a": 1}\n[]\n', "f.txt:2 a list where an object"),
        ('{"a": 1, "a": 2}\n', "the key 'a' stands twice"),
        ('{"a": NaN}\n', "NaN is not JSON"),
        ("[" * 100_000 + "\n", "f.txt:1"),
        ('{"a": 1}\n\n{"a": 2}\n', "f.txt:2"),
    ],
)
def test_broken_json_is_placed_and_explained(content: str, said: str, tmp_path: Path) -> None:
    assert said in faults(JSONL, content, tmp_path)


def test_a_pattern_takes_lines_apart(tmp_path: Path) -> None:
    source = Lines(kind="lines", encoding="latin-1", pattern=r"(?P<label>[A-Z]+):(?P<fine>\S+) (?P<text>.*)")
    found = read(source, b"DESC:def What is caf\xe9 ?\nHUM:ind Who ?\n\n", tmp_path)
    assert found[0] == Record({"label": "DESC", "fine": "def", "text": "What is café ?"}, "f.txt:1")
    assert len(found) == 2
    said = faults(source, "DESC:def What ?\nnothing of it\n", tmp_path)
    assert "f.txt:2  source.pattern: the pattern does not match" in said


def test_a_pattern_that_explodes_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlptl.sources.lines.SECONDS_PER_LINE", 0.05)
    said = faults(Lines(kind="lines", pattern=r"(?P<text>(a|aa|a+)+)b"), "a" * 60 + "cb\n", tmp_path)
    assert "f.txt:1  source.pattern: takes over" in said


@pytest.mark.parametrize(("pattern", "said"), [("(a", "not a regular expression"), ("(a)", "no named group")])
def test_patterns_are_checked_with_the_card(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Lines(kind="lines", pattern=pattern)


def test_a_file_is_a_label_or_a_text(tmp_path: Path) -> None:
    by_line = LabelledFiles(kind="labelled_files", text="line")
    found = read(by_line, "one\n\ntwo\n\n", tmp_path, label="pos")
    assert [(record.values["text"], record.values["label"], record.place) for record in found] == [
        ("one", "pos", "f.txt:1"), ("", "pos", "f.txt:2"), ("two", "pos", "f.txt:3"),
    ]  # fmt: skip
    folder = tmp_path / "pos"
    folder.mkdir()
    for name in ("b.txt", "a.txt"):
        (folder / name).write_text(f"{name}\nsecond line\n")
    by_file = LabelledFiles(kind="labelled_files", text="file")
    found = list(by_file.records(Part("train", "eng", folder, "train/pos", "pos")))
    assert [record.values["text"] for record in found] == ["a.txt\nsecond line\n", "b.txt\nsecond line\n"]
    assert [record.place for record in found] == ["train/pos/a.txt", "train/pos/b.txt"]
    with pytest.raises(BadInput, match="add 'label'"):
        read(by_line, "one\n", tmp_path)


def test_local_hub_folders(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features, List, Value

    features = Features(
        {"text": Value("string"), "labels": List(ClassLabel(names=["joy", "fear"])), "n": Value("int32")}
    )
    rows = Dataset.from_dict({"text": ["NA", None], "labels": [[1, 0], []], "n": [1, 2]}, features=features)
    rows.to_parquet(tmp_path / "validation.parquet")
    (tmp_path / "train.jsonl").write_text('{"text": "01"}\n')
    source = Hub(kind="hub", splits={"dev": "validation"})
    found = [record.values for record in source.records(Part("dev", "eng", tmp_path, "d"))]
    assert found == [{"text": "NA", "labels": ["fear", "joy"], "n": "1"}, {"text": None, "labels": [], "n": "2"}]
    assert [record.values for record in source.records(Part("train", "eng", tmp_path, "d"))] == [{"text": "01"}]
    with pytest.raises(BadInput, match=r"no .parquet, .arrow, .jsonl file of the split 'test'"):
        list(source.records(Part("test", "eng", tmp_path, "d")))
    (tmp_path / "train.pkl").write_bytes(b"")
    with pytest.raises(BadInput, match="can run code when it is loaded"):
        list(source.records(Part("train", "eng", tmp_path, "d")))


def test_arrow_files_and_damaged_parquet(tmp_path: Path) -> None:
    from datasets import Dataset

    Dataset.from_dict({"text": ["a", "b"]}).save_to_disk(tmp_path / "train")
    source = Hub(kind="hub")
    found = [record.values["text"] for record in source.records(Part("train", "eng", tmp_path, "d"))]
    assert found == ["a", "b"]
    (tmp_path / "test.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(BadInput, match="is damaged"):
        list(source.records(Part("test", "eng", tmp_path, "d")))


def test_hub_data_are_pinned() -> None:
    with pytest.raises(ValueError, match="come together"):
        Hub(kind="hub", repository="owner/name")
    with pytest.raises(ValueError, match="revision"):
        Hub(kind="hub", repository="owner/name", revision="main")


def world(name: str, *, noise: float, seed: int = 5, classes: int = 4) -> Made:
    return Made(
        kind="made", world=name, seed=seed, rows={"train": 3000, "test": 500}, classes=classes, words=9, noise=noise
    )  # type: ignore[arg-type]


def rows_of(source: Made, split: str = "test", language: str = "eng") -> list[dict[str, Any]]:
    return [record.values for record in source.records(Part(split, language, None, "world"))]


@pytest.mark.parametrize("name", ["topics", "several", "pairs"])
def test_made_worlds_can_be_read_off_their_words(name: str) -> None:
    """A reader who counts which words go with which truth in `train` knows the truth of `test`."""
    source = world(name, noise=0.0)
    seen: dict[str, Counter[str]] = {}
    for row in rows_of(source, "train"):
        truths = row["truth"] if isinstance(row["truth"], list) else [row["truth"]]
        for word in set(row["text"].split()):
            for truth in truths:
                seen.setdefault(word, Counter())[truth] += 1
    for row in rows_of(source):
        given = row.get("labels", row.get("label"))
        assert given == row["truth"]
        if name == "topics":
            told = {word: counts.most_common(2) for word, counts in seen.items() if word in row["text"].split()}
            assert {best[0][0] for best in told.values() if len(best) == 1} == {row["truth"]}


@pytest.mark.parametrize("name", ["topics", "pairs", "several"])
def test_noise_is_what_it_says(name: str) -> None:
    source = world(name, noise=0.2)
    rows = rows_of(source, "train")
    if name == "several":
        wrong = sum(len(set(row["labels"]) ^ set(row["truth"])) for row in rows) / (4 * len(rows))
    else:
        wrong = sum(row["label"] != row["truth"] for row in rows) / len(rows)
    assert wrong == pytest.approx(0.2, abs=0.02)
    assert source.best() == pytest.approx(0.8)


def test_worlds_differ_by_seed_split_and_language_alone() -> None:
    base = rows_of(world("topics", noise=0.1))
    assert rows_of(world("topics", noise=0.1)) == base
    longer = world("topics", noise=0.1).model_copy(update={"rows": {"test": 600}})
    assert rows_of(longer)[:500] == base
    others = (rows_of(world("topics", noise=0.1, seed=6)), rows_of(world("topics", noise=0.1), language="deu"))
    words = {word for row in base for word in row["text"].split()}
    for other in others:
        shared = words & {word for row in other for word in row["text"].split()}
        assert len(shared) < len(words) / 4
    with pytest.raises(BadInput, match="did you mean 'test'"):
        rows_of(world("topics", noise=0.1), "tset")
    with pytest.raises(ValueError, match="leaves nothing to learn"):
        world("topics", noise=0.75)


def test_made_settings_from_yaml_json() -> None:
    text = json.dumps(
        {"kind": "made", "world": "pairs", "seed": 1, "rows": {"a": 1}, "classes": 2, "words": 5, "noise": 0.0}
    )
    row = rows_of(Made.model_validate_json(text, strict=True), "a")[0]
    assert set(row) == {"text", "text_pair", "label", "truth"}
