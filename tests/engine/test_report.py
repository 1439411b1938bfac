"""The page, the tables and the card that a run leaves, from runs of a tiny model."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

from nlptl import artifacts
from nlptl.errors import BadInput
from nlptl.job import Watch
from nlptl.report import make_again, views

Make = Callable[..., tiny.Tiny]
EVIL = "<script>alert(1)</script>"


def lines_card(folder: Path, name: str = "own", languages: tuple[str, ...] = ("eng",)) -> Path:
    """Write a card of files whose texts and labels hold what a page must not run."""
    labels = [f"{EVIL}{number}" for number in range(3)]
    splits: dict[str, Any] = {}
    for split, count in (("train", 24), ("dev", 12), ("test", 12)):
        files = []
        for language in languages:
            rows = [
                {"text": f"{split} {language} {EVIL} word{number % 3} x{number} & \"'", "label": labels[number % 3]}
                for number in range(count)
            ]
            place = folder / "data" / f"{split}-{language}.jsonl"
            place.parent.mkdir(exist_ok=True)
            place.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            files.append({"file": place.name, "language": language})
        splits[split] = {"files": files}
    card = {
        "name": name, "title": f"Own {EVIL}", "description": "Mine.", "tasks": ["classification"],
        "languages": list(languages), "licence": EVIL, "citation": "none", "source": {"kind": "lines"},
        "columns": {"text": "text", "label": "label"}, "labels": labels, "splits": splits,
        "faults": [{"what": f"odd | {EVIL}", "remedy": "kept"}],
    }  # fmt: skip
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(card), encoding="utf-8")
    return path


@pytest.fixture
def own(make: Make, tmp_path: Path) -> Callable[..., tiny.Tiny]:
    """Write a recipe on data of files."""

    def made(languages: tuple[str, ...] = ("eng",), **sections: Any) -> tiny.Tiny:
        data = {"card": str(lines_card(tmp_path, languages=languages)), "root": str(tmp_path / "data")}
        return make(data=data, **sections)

    return made


def test_a_run_leaves_a_page_tables_and_a_card(make: Make, near_gate: None) -> None:
    result = make().run()
    page = (result.directory / "report.html").read_text(encoding="utf-8")
    score = f"{100 * result.report['evaluation'][0]['metrics']['accuracy']:.1f}"
    assert f'<p class="big">{score} <small>accuracy on test</small></p>' in page
    headings = ("What was run", "Scores", "Training", "Labels", "Confusions", "Calibration", "Slices", "Errors", "Data")
    assert all(f">{title}</h2>" in page for title in headings)
    names = {path.stem for path in (result.directory / "tables").iterdir()}
    assert {"scores", "metrics", "loss", "history", "cut", "labels-test", "confusion-test", "reliability-test"} <= names
    assert artifacts.verify(result.directory / "model") == []


def test_csv_and_json_hold_the_numbers_of_the_report(make: Make, near_gate: None) -> None:
    result = make().run()
    folder = result.directory / "tables"
    for path in folder.glob("*.json"):
        records = json.loads(path.read_text(encoding="utf-8"))["rows"]
        with path.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
            read = list(csv.DictReader(file))
        assert [{key: "" if value is None else str(value) for key, value in one.items()} for one in records] == read
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["rows"]
    one = result.report["evaluation"][0]
    assert [row["value"] for row in metrics] == list(one["metrics"].values())
    confusion = json.loads((folder / "confusion-test.json").read_text(encoding="utf-8"))["rows"]
    assert [list(row.values())[1:] for row in confusion] == one["tables"]["confusion"]


def test_made_again_the_page_is_the_same_to_the_byte(own: Callable[..., tiny.Tiny], near_gate: None) -> None:
    directory = own().run().directory
    first = {path: path.read_bytes() for path in [directory / "report.html", *(directory / "tables").iterdir()]}
    (directory / "report.html").unlink()
    (directory / "tables" / "old.csv").write_text("a table that there is no more")
    assert make_again(directory) == directory / "report.html"
    assert {path: path.read_bytes() for path in first} == first
    assert not (directory / "tables" / "old.csv").exists()


def test_nothing_of_the_data_runs_on_the_page_or_in_the_card(own: Callable[..., tiny.Tiny], near_gate: None) -> None:
    directory = own().run().directory
    page = (directory / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)") > 20
    card = (directory / "model" / "README.md").read_text(encoding="utf-8")
    _, _, body = card.removeprefix("---").partition("---")
    assert "<script" not in body
    assert "odd \\| &lt;script>" in body


def test_texts_are_left_out_where_the_data_are_others_by_now(own: Callable[..., tiny.Tiny], near_gate: None) -> None:
    one = own()
    directory = one.run().directory
    place = one.folder / "data" / "test-eng.jsonl"
    place.write_text(place.read_text(encoding="utf-8").replace("word1", "word2"), encoding="utf-8")
    page = make_again(directory).read_text(encoding="utf-8")
    assert "The texts are not shown: the data are no longer those of the run." in page
    place.unlink()
    page = make_again(directory, one.folder / "elsewhere.html").read_text(encoding="utf-8")
    assert "The texts are not shown: the data cannot be read again" in page
    assert "word1" not in page


def test_a_fault_in_the_page_or_the_card_loses_nothing(
    make: Make, near_gate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nlptl import model_card

    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("no page today")

    said: list[str] = []
    monkeypatch.setattr(views, "write", broken)
    monkeypatch.setattr(model_card, "card", broken)
    one = make()
    result = one.run(watch=Watch(say=said.append))
    assert (result.directory / "report.json").is_file()
    assert artifacts.verify(result.directory / "model") == []
    assert [line.split("(")[0] for line in said if "no page today" in line] == [
        "warning: the model card could not be made ", "warning: the page could not be made ",
    ]  # fmt: skip
    assert one.run().found
    monkeypatch.undo()
    assert make_again(result.directory).is_file()


def test_there_is_no_page_of_what_is_no_finished_run(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no finished run here \(report.json is missing\)"):
        make_again(tmp_path)


def test_secrets_stay_out_of_page_and_card(
    own: Callable[..., tiny.Tiny], near_gate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SERVICE_TOKEN", "word1 x1 & \"'")  # what HTML escapes is another string there
    directory = own().run().directory
    for path in [directory / "report.html", *(directory / "tables").iterdir(), directory / "model" / "README.md"]:
        assert "word1 x1 " not in path.read_text(encoding="utf-8")


def test_each_language_is_a_set_of_its_own_and_many_labels_show_pairs(
    own: Callable[..., tiny.Tiny], make: Make, near_gate: None
) -> None:
    evaluate = [{"split": "test", "languages": ["eng", "deu"]}, {"split": "dev"}]
    page = (own(("eng", "deu"), evaluate=evaluate).run().directory / "report.html").read_text(encoding="utf-8")
    assert all(f"<summary>{name}</summary>" in page for name in ("test-deu", "dev"))
    assert ">Labels (test-eng)</h2>" in page
    assert "<th scope=\"row\">deu</th>" in page, "dev holds both, so its slices are by language"
    source = {"classes": 20, "rows": {"train": 240, "dev": 40, "test": 40}}
    page = (make(source=source).run(out="many").directory / "report.html").read_text(encoding="utf-8")
    assert "All 20 labels" in page
    assert "gold ↓" not in page


@pytest.mark.parametrize("world", ["several", "pairs"])
def test_several_labels_and_pairs_have_their_pages(make: Make, near_gate: None, world: str) -> None:
    result = make(source={"world": world}).run()
    page = (result.directory / "report.html").read_text(encoding="utf-8")
    assert ("every label" in page or "all its labels are" in page) == (world == "several")
    errors = json.loads((result.directory / "tables" / "errors-test.json").read_text(encoding="utf-8"))["rows"]
    assert errors
    assert all(("text_pair: " in row["text"]) == (world == "pairs") for row in errors)


def test_the_card_holds_the_scores_and_what_the_hub_reads(make: Make, near_gate: None) -> None:
    from huggingface_hub import ModelCard
    from transformers import pipeline

    result = make().run()
    card = ModelCard.load(result.directory / "model" / "README.md")
    one = result.report["evaluation"][0]
    found = {entry.metric_type: entry.metric_value for entry in card.data.eval_results}
    assert found == one["metrics"]
    assert card.data.pipeline_tag == "text-classification"
    low, high = one["intervals"]["accuracy"]
    assert f"| accuracy | {100 * one['metrics']['accuracy']:.1f} | {100 * low:.1f} to {100 * high:.1f} |" in card.text
    predict = pipeline("text-classification", str(result.directory / "model"))
    assert predict("a text")[0]["label"] in one["tables"]["labels"]


def test_a_card_can_be_added_twice_and_where_nothing_can_be_linked(
    make: Make, near_gate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    from nlptl import model_card

    result = make().run()
    folder = result.directory / "model"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def refuse(*_: Any) -> None:
        raise OSError(95, "not supported here")

    monkeypatch.setattr(os, "link", refuse)
    model_card.add(folder, result.report, artifacts.read_json(result.directory / "environment.json"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert artifacts.verify(folder) == []


def test_predictions_say_what_slices_go_by(own: Callable[..., tiny.Tiny], near_gate: None) -> None:
    one = own()
    first = json.loads((one.folder / "data" / "train-eng.jsonl").read_text(encoding="utf-8").splitlines()[0])
    place = one.folder / "data" / "test-eng.jsonl"
    place.write_text(json.dumps(first) + "\n" + place.read_text(encoding="utf-8"), encoding="utf-8")
    result = one.run()
    records = tiny.predictions(result.directory)
    assert [record["seen"] for record in records] == [True] + [False] * 12
    assert {record["language"] for record in records} == {"eng"}
    assert all(record["tokens"] > 5 for record in records)
    page = (result.directory / "report.html").read_text(encoding="utf-8")
    assert "Warning: 1 of 13 rows of test stands in the training split too" in page


def test_the_selecting_predictions_give_a_temperature(
    make: Make, near_gate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nlptl import report

    whole = report.write

    def write(job: Any, progress: Any, fitted: Any, chosen: Any, sections: Any, *rest: Any) -> Any:
        return whole(job, progress, fitted, {**chosen, "said": sections[1].predictions}, sections, *rest)

    monkeypatch.setattr(report, "write", write)
    result = make(evaluate=[{"split": "test"}, {"split": "dev"}]).run()
    assert result.report["selection"]["predictions"] == "predictions/dev.selection.jsonl"
    selection, dev = (tiny.predictions(result.directory, name) for name in ("dev.selection", "dev"))
    assert selection == [{key: value for key, value in one.items() if key != "seen"} for one in dev]
    page = (result.directory / "report.html").read_text(encoding="utf-8")
    assert "the temperature that suits dev best, would change the calibration error from" in page


def test_the_share_of_the_floor_stands_on_the_page(
    make: Make, near_gate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nlptl.report import cost

    result = make().run(out="short")
    assert result.report["training"]["floor"] is None
    monkeypatch.setattr(cost, "LEAST", 0.0)
    monkeypatch.setattr(cost, "SECONDS", 0.01)
    result = make().run(out="measured")
    floor = result.report["training"]["floor"]
    tokens = sum(record["tokens"] for record in artifacts.read_lines(result.directory / "log.jsonl"))
    assert floor["tokens"] == tokens
    from transformers import AutoModelForSequenceClassification

    encoder = AutoModelForSequenceClassification.from_pretrained(result.directory / "model").bert.encoder
    weights = sum(one.numel() for one in encoder.parameters() if one.ndim == 2)
    assert floor["seconds"] * floor["operations_per_second"] == pytest.approx(6 * weights * tokens)
    assert floor["share"] == pytest.approx(floor["seconds"] / result.report["training"]["seconds"])
    page = (result.directory / "report.html").read_text(encoding="utf-8")
    assert "The products of training could have taken" in page


def test_a_floor_above_the_time_taken_is_no_share(make: Make, near_gate: None) -> None:
    """On a machine that was busier when the rate was measured, the "floor" came to 125 % of the time."""
    directory = make().run().directory
    told = artifacts.read_json(directory / "report.json")
    for seconds, share, said in ((8.0, 0.8, "8.0 s here: 80.0 % of the time taken."), (12.5, 1.25, "no share of the")):
        floor = {"operations_per_second": 1e9, "tokens": 10, "seconds": seconds, "share": share}
        told["training"]["floor"] = floor
        artifacts.write_json(directory / "report.json", told)
        page = report_page(directory)
        assert said in page
        assert ("125" in page) is False


def test_the_languages_are_those_that_were_trained_on(make: Make, near_gate: None, tmp_path: Path) -> None:
    """A model of English alone was said to be of all languages of its card."""
    from huggingface_hub import ModelCard

    card = lines_card(tmp_path, languages=("eng", "deu"))
    data = {"card": str(card), "root": str(tmp_path / "data"), "languages": ["eng"]}
    directory = make(data=data).run().directory
    assert ModelCard.load(directory / "model" / "README.md").data.language == ["eng"]
    assert "<dt>languages</dt><dd>eng</dd>" in report_page(directory)


def report_page(directory: Path) -> str:
    """Make a run's page again."""
    from nlptl import report

    return report.make_again(directory).read_text(encoding="utf-8")


def test_the_page_names_the_rows_of_each_set_and_the_command_that_runs_it_again(make: Make, near_gate: None) -> None:
    result = make().run()
    page = report_page(result.directory)
    counts = {**result.report["rows"], "test": result.report["evaluation"][0]["rows"]}
    assert list(counts) == ["train", "dev", "test"]
    assert f"<dd>{', '.join(f'{split} {count:,}' for split, count in counts.items())}</dd>" in page
    assert f"<pre>nlptl replay {result.directory.name}</pre>" in page


def test_the_command_says_where_the_page_is(make: Make, near_gate: None, tmp_path: Path) -> None:
    directory = make().run().directory
    (directory / "report.html").unlink()
    done = tiny.warm("-m", "nlptl", "report", str(directory), "--json")
    assert json.loads(done.stdout) == {"page": str(directory / "report.html")}
    assert (directory / "report.html").is_file()
    place = tmp_path / "elsewhere.html"
    done = tiny.warm("-m", "nlptl", "report", str(directory), "--out", str(place))
    assert (done.returncode, done.stdout) == (0, f"{place}\n")
    assert place.read_bytes() == (directory / "report.html").read_bytes()
    done = tiny.warm("-m", "nlptl", "report", str(tmp_path))
    assert done.returncode == 2
    assert "no finished run here (report.json is missing)" in done.stderr
