"""Cards and what is read by them: rows under canonical names, ids, counts, and every fault of data with its place."""

from __future__ import annotations

import hashlib
import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from nlptl import cards
from nlptl.cards import DataCard
from nlptl.data import overlap, places, rows, splits
from nlptl.errors import BadInput

DATA = os.environ.get("NLPTL_DATA")
SHIPPED = sorted(path.stem for path in cards.shipped("data_cards").glob("*.yaml"))
TABLE = "source: {kind: table, delimiter: tab, quoting: none, header: true}"
HEAD = """\
name: toy
title: Toy
description: A toy.
tasks: [classification]
licence: none
citation: none
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NLPTL_DATA", raising=False)


def card(body: str, *, languages: str = "[eng]") -> DataCard:
    Path("toy.yaml").write_text(f"{HEAD}languages: {languages}\n{body}", encoding="utf-8")
    return cards.find("toy.yaml").value


def toy(
    content: str | bytes, more: str = "", *, source: str = TABLE, columns: str = "{text: text, label: label}"
) -> DataCard:
    Path("a.tsv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return card(f"{source}\ncolumns: {columns}\nsplits: {{train: {{files: [{{file: a.tsv}}]}}}}\n{more}\n")


def load(found: DataCard, split: str = "train", **given: Any) -> list[Any]:
    return rows.rows(rows.load(found, split, **given))


def faults(found: DataCard, split: str = "train") -> str:
    with pytest.raises(BadInput) as caught:
        load(found, split)
    return str(caught.value)


def test_rows_have_ids_places_and_canonical_names() -> None:
    found = load(toy("label\ttext\textra\n01\tNA\tx\nTrue\tnull\ty\n true\tnan\tz\n"))
    assert [(row.id, row.place, dict(row.values)) for row in found] == [
        ("train/000000", "a.tsv:2", {"text": "NA", "label": "01"}),
        ("train/000001", "a.tsv:3", {"text": "null", "label": "True"}),
        ("train/000002", "a.tsv:4", {"text": "nan", "label": " true"}),
    ]
    assert {row.language for row in found} == {"eng"}


def test_the_dataset_has_the_same_columns() -> None:
    dataset = rows.load(toy("text\tlabel\none\ta\n"), "train")
    assert dataset.column_names == ["id", "language", "place", "text", "label"]
    assert dataset[0]["text"] == "one"


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        ("", "", "0 rows"),
        ("text\tlabel\n", "", "0 rows"),
        ("text\tLabel\na\tb\n", "", "a.tsv:2  label: no column 'label' here; did you mean 'Label'?"),
        ("text\tlabel\na\tb\n \tb\n", "", "a.tsv:3  text: the text is empty"),
        ("text\tlabel\na\t7\n", "labels: [x, y]\nlabel_values: numbers", "'7' stands for no label"),
        ("text\tlabel\na\tx\n", "labels: [x, y]\nlabel_values: {'0': x}", "'x' stands for no label"),
        ("text\tlabel\na\tgood\n", "labels: [x]\nbands: {x: {at_least: 1}}", "'good' is no rating"),
        ("text\tlabel\na\tnan\n", "labels: [x]\nbands: {x: {at_least: 1}}", "'nan' is no rating"),
        ("text\tlabel\na\t0\n", "labels: [x]\nbands: {x: {at_least: 1}}", "the rating 0 lies in no band"),
        ("text\tlabel\na\t2\n", "labels: [x, y]\nbands: {x: {at_least: 1}, y: {at_most: 3}}",
         "lies in the bands of ['x', 'y']"),
    ],
)  # fmt: skip
def test_faulty_rows_are_placed(content: str, more: str, said: str) -> None:
    assert said in faults(toy(content, more))


def test_all_faults_come_at_once_the_first_of_each_sort() -> None:
    said = faults(toy("text\tlabel\n" + "\ta\n" * 9 + "b\t9\n", "labels: [a]\nlabel_values: {a: a}"))
    assert said.count("the text is empty") == 5
    assert "and 4 more rows: empty" in said
    assert "a.tsv:11  label: the value '9'" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "a", "label": true}', "label: True is true or false, a text is needed"),
        ('{"text": "a", "label": 1.5}', "label: 1.5 is a number"),
        ('{"text": "a", "label": ["x"]}', "is a list, a text is needed"),
        ('{"text": null, "label": "x"}', "text: None is null"),
        ('{"label": "x"}', "a.tsv:2  text: no column 'text' here"),
        ('{"text": "a\\ud83d", "label": "x"}', "half of a surrogate pair, U+D83D, as character 2"),
    ],
)
def test_json_of_another_type(line: str, said: str) -> None:
    assert said in faults(toy(f'{{"text": "fine", "label": "1"}}\n{line}\n', source="source: {kind: lines}"))


def test_odd_characters_are_kept() -> None:
    texts = [
        "👩\u200d👩\u200d👧",
        "e\u0301",
        "\u202eright to left",
        "zero\u200bwidth",
        "a\0b",
        "مرحبا",
        "x" * 1_000_000,
    ]
    found = load(toy("text\tlabel\n" + "".join(f"{text}\ta\n" for text in texts)))
    assert [row.values["text"] for row in found] == texts


def test_numbers_mappings_bands_and_several_labels() -> None:
    content = "text\tlabel\na\t1\nb\t0\n"
    assert [row.values["label"] for row in load(toy(content, "labels: [no, yes]\nlabel_values: numbers"))] == [
        "yes",
        "no",
    ]
    mapped = toy(content, "labels: [no, yes]\nlabel_values: {'1': no, '0': yes}")
    assert [row.values["label"] for row in load(mapped)] == ["no", "yes"]
    banded = toy("text\tlabel\na\t-1.0\nb\t0.99\nc\t1e0\n", "labels: [n, p]\n"
                 "bands: {n: {at_most: -1}, p: {at_least: 1}}\n"
                 "drop: {in no band: {train: 1}}")  # fmt: skip
    assert [(row.id, row.values["label"]) for row in load(banded)] == [("train/000000", "n"), ("train/000002", "p")]
    several = toy("text\tlabel\na\t1,0\nb\t\n", "labels: [x, y]\nlabel_values: numbers\nseparator: ','",
                  columns="{text: text, labels: label}")  # fmt: skip
    assert several.several
    assert [row.values["labels"] for row in load(several)] == [["y", "x"], []]


def test_drops_are_counted_and_held_to_the_card() -> None:
    content = "text\tlabel\na\tx\n\tx\n  \tx\nb\tx\n"
    assert [row.id for row in load(toy(content, "drop: {empty: {train: 2}}"))] == ["train/000000", "train/000003"]
    assert "2 rows are dropped, the card says 1" in faults(toy(content, "drop: {empty: {train: 1}}"))


def test_entities_are_turned_back_once() -> None:
    found = load(toy("text\tlabel\na &amp; b &lt;3 &amp;amp;\tx &amp; y\n", "unescape: html"))
    assert dict(found[0].values) == {"text": "a & b <3 &amp;", "label": "x &amp; y"}


def test_ids_of_the_data_must_differ() -> None:
    content = "text\tlabel\tkey\na\tx\tk1\nb\tx\tk1\n"
    assert "a.tsv:3  id: 'k1' is also the id of a.tsv:2" in faults(toy(content, columns="{id: key, text: text}"))
    assert [row.id for row in load(toy(content.replace("b\tx\tk1", "b\tx\tk2"), columns="{id: key, text: text}"))] == [
        "k1",
        "k2",
    ]


def test_files_that_are_absent_or_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = toy("text\tlabel\na\tx\n")
    Path("a.tsv").rename("A.tsv")
    with pytest.raises(BadInput, match="no such file"):
        places.fingerprint(found, ["train"])
    assert "set $NLPTL_DATA" in faults(found)
    monkeypatch.setenv("NLPTL_DATA", str(tmp_path))
    assert "did you mean 'A.tsv'?" in faults(found)
    assert load(found, root=str(_copied(tmp_path)))
    pattern = card(f"{TABLE}\ncolumns: {{text: text}}\nsplits: {{train: {{files: [{{file: 'b*.tsv'}}]}}}}")
    assert "nothing matches this pattern" in faults(pattern)


def _copied(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "a.tsv").write_bytes((tmp_path / "A.tsv").read_bytes())
    return folder


def test_content_and_counts_are_held_to_the_card() -> None:
    content = b"text\tlabel\na\tx\n"
    Path("a.tsv").write_bytes(content)
    right = hashlib.sha256(content).hexdigest()
    body = f"{TABLE}\ncolumns: {{text: text}}\n"
    body += f"splits: {{train: {{rows: R, files: [{{file: a.tsv, rows: F, sha256: {right}}}]}}}}"
    good = card(body.replace("R,", "1,").replace("F,", "1,"))
    assert len(load(good)) == 1
    assert "1 rows, the card says 2" in faults(card(body.replace("R,", "1,").replace("F,", "2,")))
    assert "1 rows, the card says 3" in faults(card(body.replace("R,", "3,").replace("F,", "1,")))
    Path("a.tsv").write_bytes(b"text\tlabel\nb\tx\n")
    assert f"the card says {right}" in faults(good)


def test_patterns_and_folders_are_read_in_order() -> None:
    for name in ("s2.tsv", "s1.tsv"):
        Path(name).write_text(f"text\tlabel\n{name}\tx\n")
    found = load(card(f"{TABLE}\ncolumns: {{text: text}}\nsplits: {{train: {{files: [{{file: 's*.tsv'}}]}}}}"))
    assert [row.values["text"] for row in found] == ["s1.tsv", "s2.tsv"]
    for label in ("pos", "neg"):
        Path(label).mkdir()
        Path(label, "1.txt").write_text(label)
    files = "{file: pos, label: '1'}, {file: neg, label: '0'}"
    body = "source: {kind: labelled_files, text: file}\ncolumns: {text: text, label: label}\n"
    found = load(card(f"{body}labels: [n, p]\nlabel_values: numbers\nsplits: {{train: {{files: [{files}]}}}}"))
    assert [(row.values["text"], row.values["label"]) for row in found] == [("pos", "p"), ("neg", "n")]


def test_languages_have_their_own_numbers() -> None:
    for name in ("eng", "deu"):
        Path(f"{name}.tsv").write_text(f"text\tlabel\n{name} one\tx\n{name} two\tx\n")
    files = ", ".join(f"{{file: {name}.tsv, language: {name}}}" for name in ("eng", "deu"))
    found = card(
        f"{TABLE}\ncolumns: {{text: text}}\nsplits: {{test: {{rows: 4, files: [{files}]}}}}", languages="[eng, deu]"
    )
    assert [row.id for row in load(found, "test")] == [
        "test/eng/000000", "test/eng/000001", "test/deu/000000", "test/deu/000001",
    ]  # fmt: skip
    german = load(found, "test", languages=["deu"])
    assert [(row.id, row.language) for row in german] == [("test/deu/000000", "deu"), ("test/deu/000001", "deu")]
    with pytest.raises(BadInput, match="did you mean 'deu'"):
        load(found, "test", languages=["due"])


def test_the_card_of_the_manual_works() -> None:
    manual = Path(cards.__file__).resolve().parents[2] / "docs" / "data.md"
    if not manual.is_file():
        pytest.skip("installed without docs/")
    Path("data_cards").mkdir()
    Path("data_cards/reviews.yaml").write_text(manual.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
    Path("reviews").mkdir()
    lines = [
        f'{number},"Number {number} is {number**3},\nsays {"xy"[number % 2]}",{(1, 5)[number % 2]}\n'
        for number in range(60)
    ]
    Path("reviews/train.csv").write_text("id,review,stars\n" + "".join(lines[:40]))
    Path("reviews/test.csv").write_text("id,review,stars\n" + "".join(lines[40:]))
    found = cards.find("reviews").value
    assert [len(load(found, split)) for split in found.splits] == [36, 4, 20]
    assert load(found, "test")[0].values["label"] == "bad"


def pooled(count: int, dev: str = "") -> DataCard:
    words = "abcdefghijklmnopqrstuvwxyz"
    lines = [f"{words[n % 26] * 5} {n * 7919} {words[n % 7] * 4}\t{'xy'[n % 2]}\n" for n in range(count)]
    Path("pool.tsv").write_text("text\tlabel\n" + "".join(lines))
    parts = f"splits: {{train: {{pool: all}}, dev: {{pool: all, part: 0.2{dev}}}}}"
    body = f"{TABLE}\ncolumns: {{text: text, label: label}}\npools: {{all: {{files: [{{file: pool.tsv}}]}}}}"
    return card(f"{body}\ndivision: {{seed: 3}}\n{parts}")


def test_pools_are_divided_and_the_division_is_held_to_the_card() -> None:
    found = pooled(100)
    train, dev = load(found, "train"), load(found, "dev")
    assert (len(train), len(dev)) == (80, 20)
    ids = [row.id for row in (*train, *dev)]
    assert sorted(ids) == [f"all/{number:06d}" for number in range(100)]
    assert [row.id for row in dev] == sorted(row.id for row in dev)
    right = splits.ids_hash([row.id for row in dev])
    assert load(pooled(100, f", rows: 20, ids: {right}"), "dev") == dev
    assert f"the card says {right}" in faults(pooled(101, f", ids: {right}"), "dev")


def test_a_made_world_needs_no_files() -> None:
    source = "source: {kind: made, world: pairs, seed: 4, rows: {train: 30, dev: 10}, classes: 3, words: 6, noise: 0.0}"
    columns = "columns: {text: text, text_pair: text_pair, label: label}"
    body = f"{source}\n{columns}\nlabels: [same, other, denied]\nsplits: {{train: {{rows: 60}}, dev: {{}}}}"
    found = card(body, languages="[eng, deu]")
    assert len(load(found)) == 60
    assert load(found, "dev", languages=["deu"])[0].id == "dev/deu/000000"


def test_fingerprints_change_with_what_matters_alone() -> None:
    first = toy("text\tlabel\na\tx\n")
    base = places.fingerprint(first, ["train"])
    assert places.fingerprint(toy("text\tlabel\na\tx\n"), ["train"]) == base
    assert places.fingerprint(toy("text\tlabel\nb\tx\n"), ["train"]) != base
    Path("a.tsv").write_text("text\tlabel\na\tx\n")
    for change in ({"labels": ("x",)}, {"columns": {"text": "label"}}, {"unescape": "html"}, {"name": "other"}):
        assert places.fingerprint(first.model_copy(update=change), ["train"]) != base
    source = first.source.model_copy(update={"encoding": "latin-1"})
    assert places.fingerprint(first.model_copy(update={"source": source}), ["train"]) != base
    assert places.fingerprint(first.model_copy(update={"description": "Other words."}), ["train"]) == base


@pytest.mark.parametrize("file", ["/etc/passwd", "../a.tsv", "x/../../a.tsv", "a\\b"])
def test_paths_of_a_card_stay_below_the_root(file: str) -> None:
    with pytest.raises(BadInput, match="must lie below the data root") as caught:
        card(f"{TABLE}\ncolumns: {{text: text}}\nsplits:\n  train:\n    files:\n      - file: '{file}'\n")
    assert "toy.yaml:13:9" in str(caught.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("labels: [a, b, a]", "labels: ['a'] stand twice"),
        ("labels: [a]\nlabel_values: {'0': b}", "label_values: 'b' is not among the labels"),
        ("labels: [a]\nbands: {b: {at_least: 1}}", "bands: 'b' is not among the labels"),
        ("pools: {all: {files: [{file: a}]}}", "pools: nothing says how they are divided"),
        ("pools: {all: {files: [{file: a}]}}\ndivision: {seed: 1}", "pools.all: its parts do not make one whole"),
        ("division: {seed: 1, document: 'a'}", "must have exactly one group"),
        ("lables: [a]", "did you mean 'labels'"),
        ("drop: {empty: {train: no}}", "drop.empty.train"),
    ],
)
def test_contradictions_in_a_card_have_their_line(more: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        toy("text\tlabel\n", more)
    assert said in str(caught.value)
    assert "toy.yaml:" in str(caught.value)


def test_cards_are_found_by_path_then_here_then_shipped() -> None:
    with pytest.raises(BadInput, match="did you mean 'sst2'"):
        cards.find("sst-2")
    assert cards.find("sst2").value.title
    Path("data_cards").mkdir()
    own = cards.shipped("data_cards").joinpath("sst2.yaml").read_text().replace("title: SST-2", "title: Mine")
    Path("data_cards/sst2.yaml").write_text(own)
    assert cards.find("sst2").value.title.startswith("Mine")
    assert "sst2" in cards.names()
    Path("other.yaml").write_text(own)
    with pytest.raises(BadInput, match="give both one name"):
        cards.find("other.yaml")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_cards_say_what_makes_them_checkable(name: str) -> None:
    found = cards.find(name).value
    for part in (*found.pools.values(), *found.splits.values()):
        for file in part.files:
            assert file.sha256, f"{name}: {file.shown} needs its sha256"
            assert file.rows is not None
    for split, made in found.splits.items():
        assert made.rows is not None, f"{name}: {split} needs its count of rows"
        assert made.pool is None or made.ids, f"{name}: {split} is made by us and needs the sha256 of its ids"
    assert found.faults
    if "classification" in found.tasks:
        assert found.labels
        assert {"train", "dev", "test"} <= set(found.splits) or "For tests alone" in found.description


SLOW_TO_COMPARE = ("goemotions", "scan_simple", "scan_length", "scan_jump")
"""Many rows, or many that are alike: SCAN's commands are made of 13 words."""


def read_all(name: str) -> dict[str, list[Any]]:
    """Read every split of a shipped card as it lies here; skip where it does not."""
    found = cards.find(name).value
    files = [file for part in (*found.pools.values(), *found.splits.values()) for file in part.files]
    if any(file.file and not (DATA and Path(DATA, file.file).exists()) for file in files):
        pytest.skip(f"$NLPTL_DATA has not the files of card {name}")
    try:
        return {split: load(found, split, root=DATA, offline=True) for split in found.splits}
    except BadInput as problem:
        if "nlptl fetch" not in str(problem):
            raise
        pytest.skip(f"the package of {name} is not here: nlptl fetch {name}")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_cards_hold_for_their_data(name: str) -> None:
    """Counts, sha256 and ids are checked by reading; labels, and what we divided, here."""
    read = read_all(name)
    used = {
        label
        for given in read.values()
        for row in given
        for label in row.values.get("labels", [row.values["label"]] if "label" in row.values else [])
    }
    assert used <= set(cards.find(name).value.labels)
    ids = [row.id for given in read.values() for row in given]
    assert len(set(ids)) == len(ids)
    pooled = [split for split, made in cards.find(name).value.splits.items() if made.pool]
    for one, other in itertools.combinations(pooled, 2):
        assert not overlap.overlap(read[one], read[other])


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.soak) if name in SLOW_TO_COMPARE else name for name in SHIPPED]
)
def test_overlaps_of_shipped_cards_are_counted_right(name: str) -> None:
    found = cards.find(name).value
    read = read_all(name) if found.overlaps else {}
    texts = {row.id: overlap.normalise(overlap.text_of(row)) for given in read.values() for row in given}
    for one in found.overlaps:
        pairs = overlap.overlap(read[one.splits[0]], read[one.splits[1]])
        exact = {pair.second for pair in pairs if texts[pair.first] == texts[pair.second]}
        near = {pair.second for pair in pairs} - exact
        assert (len(exact), len(near)) == (one.exact, one.near), one.splits
