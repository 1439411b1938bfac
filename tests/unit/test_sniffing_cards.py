"""What cards learnt for data of one's own: columns of 0 and 1, records by value, rows without labels, blank lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nlptl import cards
from nlptl.data import places, rows
from nlptl.errors import BadInput
from nlptl.tasks import Row

TABLE: dict[str, Any] = {"kind": "table", "delimiter": "comma", "quoting": "double", "header": True}


def load(folder: Path, content: str, split: str = "train", **changes: Any) -> list[Row]:
    """Read a file as a card says; keywords change the card."""
    source = changes.get("source", TABLE)
    (folder / "data").write_text(content, encoding="utf-8")
    card = {
        "name": "mine", "title": "t", "description": "d", "tasks": ["classification"], "languages": ["eng"],
        "licence": "none", "citation": "none", "source": source, "columns": {"text": "text", "label": "label"},
        "splits": {"train": {"files": [{"file": "data"}]}},
    } | changes  # fmt: skip
    (folder / "mine.yaml").write_text(json.dumps(card), encoding="utf-8")
    return rows.rows(rows.load(cards.find(str(folder / "mine.yaml")).value, split, root=str(folder)))


FLAGS = {"text": "text", "labels": {"rude": "is_rude", "loud": "is_loud"}}


def test_columns_of_0_and_1_are_labels(tmp_path: Path) -> None:
    found = load(tmp_path, "text,is_rude,is_loud\na,1,TRUE\nb,0,1.0\nc,no,false\n", columns=FLAGS)
    assert [row.values["labels"] for row in found] == [["rude", "loud"], ["loud"], []]


def test_other_values_in_columns_of_0_and_1_are_faults(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"data:3  labels: '2' in column 'is_rude' is neither 0 nor 1"):
        load(tmp_path, "text,is_rude,is_loud\na,1,0\nb,2,0\n", columns=FLAGS)


def test_one_label_of_columns_of_0_and_1(tmp_path: Path) -> None:
    one = {"text": "text", "label": {"rude": "is_rude", "loud": "is_loud"}}
    found = load(tmp_path, "text,is_rude,is_loud\na,1,0\nb,0,1\n", columns=one)
    assert [row.values["label"] for row in found] == ["rude", "loud"]
    with pytest.raises(BadInput, match=r"the columns of \['rude', 'loud'\] say 1; with several a row: 'labels'"):
        load(tmp_path, "text,is_rude,is_loud\na,1,1\n", columns=one)
    with pytest.raises(BadInput, match=r"none of its columns says 1; write under 'drop: \{no label: …\}'"):
        load(tmp_path, "text,is_rude,is_loud\na,0,0\n", columns=one)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"columns": {"text": {"a": "b"}, "label": "label"}}, "columns.text: must name one column"),
        (
            {"columns": FLAGS, "label_values": "numbers", "labels": ["rude", "loud"]},
            "contradicts 'bands' and 'label_values'",
        ),
        ({"columns": FLAGS, "labels": ["rude", "lout"]}, "'loud' is not among the labels; did you mean 'lout'?"),
    ],
)
def test_columns_of_0_and_1_that_contradict_the_card(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as said:
        load(tmp_path, "text,is_rude,is_loud\na,1,0\n", **changes)
    assert told in str(said.value)


def test_records_of_a_split_by_their_values(tmp_path: Path) -> None:
    splits = {
        name: {"rows": count, "files": [{"file": "data", "rows": count, "where": {"part": name}}]}
        for name, count in (("train", 2), ("test", 1))
    }
    content = "text,label,part\na,x,train\nb,y,test\nc,y,train\nd,x,none\n"
    found = load(tmp_path, content, splits=splits)
    assert [(row.id, row.values["text"]) for row in found] == [("train/000000", "a"), ("train/000001", "c")]
    assert [row.values["text"] for row in load(tmp_path, content, "test", splits=splits)] == ["b"]
    splits["train"]["files"][0]["where"] = {"prat": "train"}  # type: ignore[index]
    with pytest.raises(BadInput, match=r"no column 'prat' here; did you mean 'part'\?"):
        load(tmp_path, content, splits=splits)


def test_rows_without_a_label_are_faults_unless_they_are_counted(tmp_path: Path) -> None:
    content = "text,label\na,x\nb,\nc, \n"
    with pytest.raises(BadInput, match=r"data:3  label: '' is no label; write under 'drop: \{no label: …\}'"):
        load(tmp_path, content)
    assert len(load(tmp_path, content, drop={"no label": {"train": 2}})) == 1
    with pytest.raises(BadInput, match="2 rows are dropped, the card says 1"):
        load(tmp_path, content, drop={"no label": {"train": 1}})


def test_values_of_json_are_labels_where_the_card_maps_them(tmp_path: Path) -> None:
    content = '{"text": "a", "label": true}\n{"text": "b", "label": 1.50}\n'
    source = {"kind": "lines"}
    with pytest.raises(BadInput, match="True is true or false, a text is needed"):
        load(tmp_path, content, source=source)
    named = {"labels": ["yes", "half"], "label_values": {"true": "yes", "1.50": "half"}}
    assert [row.values["label"] for row in load(tmp_path, content, source=source, **named)] == ["yes", "half"]


def test_keys_within_keys(tmp_path: Path) -> None:
    content = '{"meta": {"text": "a", "n": {"label": "x"}}}\n{"meta.text": "b", "meta": {"n": {"label": "y"}}}\n'
    columns = {"text": "meta.text", "label": "meta.n.label"}
    found = load(tmp_path, content, source={"kind": "lines"}, columns=columns)
    assert [(row.values["text"], row.values["label"]) for row in found] == [("a", "x"), ("b", "y")]
    with pytest.raises(BadInput, match=r"no column 'meta\.n\.lable' here"):
        load(tmp_path, content, source={"kind": "lines"}, columns=columns | {"label": "meta.n.lable"})


@pytest.mark.parametrize(
    ("source", "content"),
    [
        (TABLE, "text,label\n\na,x\n\n\nb,y\n\n"),
        (TABLE | {"quoting": "none"}, "text,label\n\na,x\n\n\nb,y\n\n"),
        ({"kind": "lines"}, '{"text": "a", "label": "x"}\n\n{"text": "b", "label": "y"}\n\n'),
    ],
)
def test_blank_lines_between_rows(source: dict[str, Any], content: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        load(tmp_path, content, source=source)
    found = load(tmp_path, content, source=source | {"blank_lines": "skip"})
    assert [row.values["text"] for row in found] == ["a", "b"]


def test_new_fields_leave_the_digests_of_old_cards() -> None:
    # computed before `where` and `blank_lines` were fields
    before = "45a62ca04f4572af8897f96d73a6888eaab1c34748e75643df4310a8fd1b2ff5"
    assert places.fingerprint(cards.find("movie_reviews").value, ["train", "dev", "test"]) == before
