"""`nlptl data` and `nlptl cards`: from a card to what is said, written and listed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

from nlptl import look
from nlptl.errors import BadInput
from nlptl.look import files, listing

Checkpoint = Callable[..., Path]


@pytest.fixture
def looked(tmp_path: Path, checkpoint: Checkpoint) -> Callable[..., look.Looked]:
    """Look at a made card; keywords change its source."""

    def made(max_tokens: int | None = None, **source: Any) -> look.Looked:
        settings: dict[str, Any] = {
            "rows": {"train": 400, "dev": 60, "test": 80},
            "words": 4 if source.get("world") == "pairs" else 5,
        } | source
        return look.look(
            str(tiny.write_card(tmp_path, **settings)), checkpoint=str(checkpoint("bert")), max_tokens=max_tokens
        )

    return made


def table(found: look.Looked, name: str) -> list[dict[str, Any]]:
    return next(one for one in found.tables if one.name == name).records()


def test_a_clean_card(looked: Callable[..., look.Looked], checkpoint: Checkpoint) -> None:
    from transformers import AutoTokenizer

    from nlptl.data import rows

    found = looked()
    assert not found.findings
    assert [one["rows"] for one in table(found, "sizes")] == [400, 60, 80]
    balance = table(found, "labels")
    assert sum(one["train"] for one in balance) == 400
    assert all(one["weight"] == pytest.approx(400 / (3 * one["train"]), abs=1e-4) for one in balance)
    scores = {one["split: model"]: one["accuracy"] for one in table(found, "baselines")}
    assert scores["test: tfidf_linear"] > 0.95 > scores["test: majority"]
    tokenizer = AutoTokenizer.from_pretrained(checkpoint("bert"))
    longest = max(len(tokenizer(row.values["text"])["input_ids"]) for row in rows.rows(rows.load(found.card, "train")))
    assert table(found, "lengths")[0]["longest"] == longest


def test_long_texts_and_the_window(looked: Callable[..., look.Looked]) -> None:
    found = looked(faults={"too_long": 3})
    (finding,) = [one for one in found.findings if one.kind == "too_long"]
    source: Any = found.card.source
    assert {row.id for row in finding.rows} == {
        f"train/{number:06d}" for _, number in source.planted("eng")["too_long"]
    }
    assert finding.severity == "note"
    assert table(found, "lengths")[0]["rows cut"] == 3
    assert looked(max_tokens=20).findings[0].severity == "warning"


def test_the_page_tells_warnings_from_notes_and_one_row_from_several(looked: Callable[..., look.Looked]) -> None:
    from nlptl.look.page import page

    found = looked(faults={"mojibake": 1, "punctuation_only": 2})
    assert [(one.kind, one.severity) for one in found.findings] == [
        ("mojibake", "warning"), ("punctuation_only", "note"),
    ]  # fmt: skip
    said = page(found)
    assert '<div class="note warning"><p><b>warning: mojibake</b><br>1 row of train holds' in said
    assert '<div class="note info"><p><b>note: punctuation_only</b><br>2 rows of train are' in said
    assert "<summary>1 row</summary>" in said


def test_pairs_and_what_one_part_tells(looked: Callable[..., look.Looked]) -> None:
    clean = looked(world="pairs")
    assert not [one for one in clean.findings if one.kind != "too_long"]  # the tiny window is short for two texts
    scores = {one["split: model"]: one["accuracy"] for one in table(clean, "baselines")}
    assert list(scores) == [f"test: {kind}" for kind in ("majority", "tfidf_linear", "first_part", "second_part")]
    planted = looked(world="pairs", faults={"part_alone": 150})
    (finding,) = [one for one in planted.findings if one.kind != "too_long"]
    assert (finding.kind, finding.about) == ("part_alone", "split test")
    assert "second part" in finding.what


def test_a_report_of_a_pair_task_has_its_parts_beside_the_model(make: Any) -> None:
    """What `report.json` holds as baselines is what the task gives; each part alone is among them."""
    parts = make(source={"world": "pairs"}).parts()
    task, rows = parts.inputs.recipe.task, parts.inputs.rows
    found = task.baselines(rows["train"], rows["dev"], rows["test"], parts.fitted)
    assert list(found) == ["majority", "tfidf_linear", "first_part", "second_part"]
    for predictions in found.values():
        assert [one.row_id for one in predictions] == [row.id for row in rows["test"]]
    swapped = [
        type(row)(row.id, {**row.values, "text": row.values["text_pair"], "text_pair": row.values["text"]}, "eng")
        for row in rows["test"]
    ]
    turned = [
        type(row)(row.id, {**row.values, "text": row.values["text_pair"], "text_pair": row.values["text"]}, "eng")
        for row in rows["train"]
    ]
    other = task.baselines(turned, [], swapped, parts.fitted)
    plain = task.baselines(rows["train"], [], rows["test"], parts.fitted)
    assert other["first_part"] == plain["second_part"]
    assert other["second_part"] == plain["first_part"]


def test_everything_is_written(looked: Callable[..., look.Looked], tmp_path: Path) -> None:
    found = looked(faults={"html": 60, "empty_text": 2})
    page = files.write(found, tmp_path / "out").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "&lt;br /&gt;" in page
    assert "'<br />'" not in page
    record = json.loads((tmp_path / "out" / "data.json").read_text(encoding="utf-8"))
    assert record == json.loads(json.dumps(found.record()))
    by_kind = {one["kind"]: one for one in record["findings"]}
    assert (by_kind["html"]["count"], len(by_kind["html"]["rows"])) == (60, 50)
    with (tmp_path / "out" / "rows.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(row["kind"] == "html" for row in rows) == 60
    assert all(row["id"] and row["place"] for row in rows)
    with (tmp_path / "out" / "tables" / "labels.csv").open(encoding="utf-8", newline="") as file:
        assert [row["label"] for row in csv.DictReader(file)] == [one["label"] for one in table(found, "labels")]


def test_the_command_says_the_same(tmp_path: Path, checkpoint: Checkpoint) -> None:
    card = tiny.write_card(
        tmp_path, rows={"train": 300, "test": 60}, words=5, faults={"missing_label": 2, "mojibake": 7}
    )
    given = ["-m", "nlptl", "data", str(card), "--checkpoint", str(checkpoint("bert")), "--max-tokens", "64"]
    said = tiny.warm(*given, "--out", str(tmp_path / "out"))
    assert said.returncode == 0, said.stderr
    assert "1 fault, 1 warning, 0 notes" in said.stdout
    assert "warning: mojibake: 7 rows of train hold" in said.stdout
    assert "and 2 more" in said.stdout
    assert "data.html" in said.stderr
    as_json = tiny.warm(*given, "--json")
    assert json.loads(as_json.stdout) == json.loads((tmp_path / "out" / "data.json").read_text(encoding="utf-8"))


def test_unknown_names_and_files_that_are_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NLPTL_DATA", str(tmp_path))
    with pytest.raises(BadInput, match="did you mean 'movie_reviews'"):
        look.look("movie_review")
    with pytest.raises(BadInput, match="the hub does not give it"):
        look.look("trec", offline=True, checkpoint=str(tmp_path))


def test_one_label_alone_is_a_finding(tmp_path: Path, checkpoint: Checkpoint) -> None:
    (tmp_path / "a.tsv").write_text("text\tlabel\n" + "".join(f"some text {n}\tx\n" for n in range(30)))
    card = json.loads(tiny.write_card(tmp_path).read_text(encoding="utf-8")) | {
        "source": {"kind": "table", "delimiter": "tab", "quoting": "none", "header": True},
        "labels": [], "splits": {"train": {"files": [{"file": "a.tsv"}]}},
    }  # fmt: skip
    (tmp_path / "tiny.yaml").write_text(json.dumps(card), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NLPTL_DATA", str(tmp_path))
        found = look.look(str(tmp_path / "tiny.yaml"), checkpoint=str(checkpoint("bert")))
    assert "one_label" in [one.kind for one in found.findings]


def test_cards_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.write_card(tmp_path / "data_cards", "own")
    (tmp_path / "data_cards" / "broken.yaml").write_text("name: broken\n", encoding="utf-8")
    (tmp_path / "trec").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NLPTL_DATA", str(tmp_path))
    found = {one.card: one for one in listing.listed()}
    assert {"movie_reviews", "trec", "own", "broken"} <= set(found)
    assert (found["own"].rows, found["own"].here, found["own"].languages) == (96, "made", ("eng",))
    assert found["broken"].here.startswith("faulty: ")
    assert found["trec"].here == "no"
    assert found["trec"].rows == 5952


def test_the_real_cards_raise_what_is_known_of_them(data: Path) -> None:
    """The overlaps that the shipped card counts are those that are found; its conflicts too."""
    from nlptl import cards, inspection

    card = cards.find("trec").value
    found = inspection.inspect(inspection.gather(card, offline=True))
    counted = {tuple(one.splits): (one.exact, one.near) for one in card.overlaps}
    seen = {
        tuple(reversed(one["rows of one split in another"].split(" in "))): (one["the same"], one["nearly the same"])
        for table in found.tables
        if table.name == "overlap"
        for one in table.records()
    }
    assert {pair: seen[pair] for pair in counted} == counted
    kinds = {one.kind for one in found.findings}
    assert "label_shift" in kinds
    assert not kinds & {"mojibake", "html", "leaking_word", "label_in_text", "truncated", "boilerplate", "text_shift"}
