"""The leak guard: every test text that an earlier step of a plan trains on is found, and nothing trains before."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import plans_help
import pytest
import tiny

from nlptl.data import ngrams, overlap
from nlptl.errors import BadInput
from nlptl.plan import leaks, looking, reading, running

Make = Callable[..., Path]
LONG = "the grey heron stood in the shallow water all day long and caught nothing"
MADE = {
    "exact": ("Rain fell on the tin roof!", "rain  fell on the tin roof"),
    "near": ("a line on seventeen tired travellers and bridges", "a line on seventeen tired travellers and bridge"),
    "n-gram": (f"They say that {LONG} , and nobody knew why it came back every morning", LONG),
}
"""Kind -> training text of the source, test text of the target."""

COLUMNS = {"text": "text", "label": "label"}


def sentences(count: int, seed: int, longest: int = 14) -> list[str]:
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(3, 8))) for _ in range(400)]
    return [" ".join(rng.choices(words, k=rng.randint(4, longest))) for _ in range(count)]


def write_card(folder: Path, name: str, texts: Mapping[str, Sequence[str]]) -> Path:
    """Write a card of tables, a file a split; labels take turns."""
    splits = {}
    for split, lines in texts.items():
        body = "".join(f"{text}\tlabel{number % 2}\n" for number, text in enumerate(lines))
        (folder / f"{name}.{split}.tsv").write_text(body, encoding="utf-8")
        splits[split] = {"files": [{"file": f"{name}.{split}.tsv"}]}
    card = {
        "name": name, "title": "Made", "description": "Invented words.", "tasks": ["classification"],
        "languages": ["eng"], "licence": "none", "citation": "none",
        "source": {"kind": "table", "delimiter": "tab", "quoting": "none", "header": False, "columns": list(COLUMNS)},
        "columns": COLUMNS, "labels": ["label0", "label1"], "splits": splits,
    }  # fmt: skip
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(card), encoding="utf-8")
    return path


def write_plan(folder: Path, checkpoint: Path, planted: Mapping[str, tuple[str, str]] = MADE, **changes: Any) -> Path:
    """Write a plan of two stages; each planted pair stands in the first's training rows and the second's test rows."""
    folder.mkdir(parents=True, exist_ok=True)
    pools = [sentences(120, seed) for seed in (1, 2)]
    for name, texts, extra in zip(("first", "second"), pools, (0, 1), strict=True):
        own = [pair[extra] for pair in planted.values()]
        splits = {"train": texts[:60], "dev": texts[60:80], "test": texts[80:]}
        splits["train" if name == "first" else "test"] += own
        tree = tiny.recipe_tree(checkpoint, write_card(folder, f"card_{name}", splits)) | {"name": name}
        tree["data"]["root"] = str(folder)
        tree["train"]["batch"] = 16
        tiny.write_recipe(folder / f"{name}.yaml", tree)
    stages = [
        {"name": "a", "recipe": "first.yaml"} | changes.pop("a", {}),
        {"name": "b", "recipe": "second.yaml", "start": "a", "take": "body"},
    ]
    plan = {"kind": "stages", "name": "tiny", "seeds": [13], "control": "from_scratch", "stages": stages}
    return plans_help.save(folder, plan | changes)


def found_in(path: Path, **settings: Any) -> leaks.Leaks:
    checked = reading.check(path)
    return leaks.find(checked, running.gather(checked), opening=True, **settings)


def test_each_kind_of_leak_is_found_and_nothing_else(checkpoint: Make, tmp_path: Path) -> None:
    found = found_in(write_plan(tmp_path, checkpoint("bert"))).found
    assert [(one.kind, one.trained, one.train_id, one.tested, one.test_id, one.split) for one in found] == [
        (kind, "a", f"train/{60 + number:06d}", "b", f"test/{40 + number:06d}", "test")
        for number, kind in enumerate(MADE)
    ]
    assert [one.test_text for one in found] == [pair[1].replace("  ", " ") for pair in MADE.values()]
    assert all(0.9 <= one.share <= 1 for one in found)


def test_a_plan_that_leaks_stops_before_anything_runs(checkpoint: Make, tmp_path: Path) -> None:
    path, out = write_plan(tmp_path / "plan", checkpoint("bert")), tmp_path / "runs"
    with pytest.raises(BadInput) as fault:
        running.run(path, out=out)
    told = str(fault.value)
    assert "3 rows of test of 'b' stand in what 'a' is trained on" in told
    assert "on_leak: report" in told
    (place,) = out.iterdir()
    assert {one.name for one in place.iterdir()} == {".lock", "leaks.csv", "leaks.json"}, "no run was begun"
    lines = list(csv.DictReader((place / "leaks.csv").read_text(encoding="utf-8").splitlines()))
    assert [line["kind"] for line in lines] == list(MADE)
    assert all(line["test_id"] in told and line["train_id"] in told and line["train_text"] in told for line in lines)
    assert [one["test_id"] for one in json.loads((place / "leaks.json").read_text())["rows"]] == [
        line["test_id"] for line in lines
    ]


def test_a_text_of_two_words_is_no_leak(checkpoint: Make, tmp_path: Path) -> None:
    planted = {"two": ("No, thanks!", "no thanks"), "three": ("No, many thanks!", "no many thanks")}
    (one,) = found_in(write_plan(tmp_path, checkpoint("bert"), planted)).found
    assert one.test_text == planted["three"][1]


def test_what_a_card_has_twice_is_for_its_own_runs_to_say(checkpoint: Make, tmp_path: Path) -> None:
    """As in a recipe: official splits that overlap do not stop a plan."""
    path = write_plan(tmp_path, checkpoint("bert"), {})
    lines = (tmp_path / "card_first.train.tsv").read_text()
    (tmp_path / "card_first.test.tsv").write_text(lines)
    tree = json.loads(path.read_text())
    tree["stages"][1]["recipe"] = "first.yaml"
    assert not found_in(plans_help.save(tmp_path, tree)).found
    (tmp_path / "card_second.test.tsv").write_text(lines)
    tree["stages"][1]["recipe"] = "second.yaml"
    assert len(found_in(plans_help.save(tmp_path, tree)).ids("b")) == 60


def test_the_command_plan_shows_the_leaks(
    checkpoint: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from nlptl.doors import plans

    path, out = write_plan(tmp_path, checkpoint("bert")), tmp_path / "runs"
    with pytest.raises(BadInput, match="3 rows of test of 'b' stand in what 'a' is trained on"):
        plans.plan(str(path), (), out, offline=True, as_json=False)
    assert "a, seed 13" in capsys.readouterr().out, "the tree is shown all the same"
    plans.plan(str(path), ["on_leak=report"], out, offline=True, as_json=False)
    assert "3 rows of test of 'b' stand in what 'a' is trained on" in capsys.readouterr().out
    assert not out.exists()


def test_report_goes_on_and_scores_the_clean_part(checkpoint: Make, tmp_path: Path, near_gate: None) -> None:
    path = write_plan(tmp_path / "plan", checkpoint("bert"), on_leak="report")
    done = running.run(path, out=tmp_path / "runs")
    leaked = {f"test/{40 + number:06d}" for number in range(3)}
    assert done.report["leaks"]["sets"] == [{"tested": "b", "split": "test", "rows": 3, "trained": ["a"]}]
    (gain,) = done.report["clean"]["gains"]
    assert (gain["set"], gain["rows"]) == ("test, clean", 40)
    for step, key in (("b", "scores"), ("b from scratch", "against")):
        (one,) = [one for one in done.report["steps"] if one["name"] == step]
        lines = tiny.predictions(tmp_path / "runs" / one["runs"][0]["run"])
        clean = [line["correct"] for line in lines if line["id"] not in leaked]
        assert len(clean) == 40
        assert gain[key] == pytest.approx([sum(clean) / 40])
        whole, beside = one["scores"]
        assert (whole["set"], whole["rows"], beside["set"], beside["rows"]) == ("test", 43, "test, clean", 40)
        assert beside["mean"] == pytest.approx(sum(clean) / 40)
    assert gain["value"] == pytest.approx(gain["scores"][0] - gain["against"][0])
    assert (done.directory / "leaks.csv").is_file()
    text = (done.directory / "report.html").read_text()
    assert "3 rows of test of b stand in what a is trained on" in text
    assert MADE["near"][0] in text


def test_only_what_is_trained_on_leaks(checkpoint: Make, tmp_path: Path) -> None:
    """Rows that no seed draws are no leak, and neither is an order in which the test comes first."""
    few = write_plan(tmp_path / "few", checkpoint("bert"), a={"set": {"data.train_rows": 16}})
    drawn = {row.id for row in _drawn(few)}
    assert {one.train_id for one in found_in(few).found} == drawn & {f"train/{60 + number:06d}" for number in range(3)}
    path = write_plan(tmp_path / "turned", checkpoint("bert"))
    tree = json.loads(path.read_text())
    first, second = tree["stages"]
    second = {key: one for key, one in second.items() if key not in ("start", "take")}
    tree["stages"] = [second, first | {"start": "b", "take": "body"}]
    found = found_in(plans_help.save(path.parent, tree)).found
    assert {(one.trained, one.tested) for one in found} == {("a", "b")}, "b is scored again after a"


def _drawn(path: Path) -> list[Any]:
    from nlptl import prepare

    checked = reading.check(path)
    return prepare.training_rows(running.gather(checked)["a"], 13)


def test_copies_are_looked_at(checkpoint: Make, tmp_path: Path) -> None:
    """A copy that augmentation makes equal to a test text is found, though the row itself is not near it."""
    planted = {"copy": ("aa bb cc", "bb aa cc")}
    swap = {"set": {"augment": [{"kind": "swap", "rate": 1.0, "copies": 1}]}}
    (one,) = found_in(write_plan(tmp_path / "with", checkpoint("bert"), planted, a=swap)).found
    assert (one.train_id, one.kind) == ("train/000060~swap-1", "exact")
    assert not found_in(write_plan(tmp_path / "without", checkpoint("bert"), planted)).found


def test_a_run_that_a_stage_goes_on_from_is_looked_at(checkpoint: Make, tmp_path: Path, near_gate: None) -> None:
    from nlptl import runs

    path = write_plan(tmp_path / "plan", checkpoint("bert"))
    (first,) = runs.run(tmp_path / "plan" / "first.yaml", out=tmp_path / "runs")
    tree = json.loads(path.read_text())
    tree["stages"] = [tree["stages"][1] | {"start": str(first.directory)}]
    found = found_in(plans_help.save(path.parent, tree))
    assert {(one.trained, one.kind) for one in found.found} == {(str(first.directory), kind) for kind in MADE}
    (tmp_path / "plan" / "card_first.train.tsv").write_text("changed\tlabel0\n")
    changed = found_in(path.parent / "plan.yaml")
    assert not changed.found
    assert len(changed.unread) == 1
    assert str(first.directory) in changed.unread[0]


def test_rows_of_other_columns_are_compared_column_by_column(checkpoint: Make, tmp_path: Path) -> None:
    from nlptl.tasks import Row

    asked = Row("q", {"question": "Who saw the heron?", "context": f"{LONG} . It went on ."}, "eng")
    other = Row("r", {"question": "What fell?", "context": f"{LONG} . It went on ."}, "eng")
    text = Row("t", {"text": LONG}, "eng")
    pair = Row("p", {"text": "no", "text_pair": "who saw the heron"}, "eng")
    kinds = [
        [(one.train_id, one.kind) for one in leaks.between(train, test)]
        for train, test in zip(
            ([asked], [text], [asked], [asked], [pair]), ([text], [asked], [pair], [other], [text]), strict=True
        )
    ]
    assert kinds == [[("q", "n-gram")], [("t", "n-gram")], [("q", "exact")], [("q", "exact")], []]


@pytest.mark.parametrize("seed", range(3))
def test_texts_in_texts_are_those_of_the_definition(seed: int) -> None:
    """All pairs by sets of 8-grams, counted one by one."""
    rng = random.Random(seed)
    left, right = sentences(60, seed, 24), []
    for text in sentences(60, seed + 10, 24):
        words = rng.choice(left).split()
        begin = rng.randrange(4)
        words[rng.choice([0, -1])] = rng.choice(["new", words[0]])
        right.append(rng.choice([text, " ".join(words[begin : begin + 20]), f"{' '.join(words)} {text}"]))

    def grams(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        return {tuple(words[place : place + 8]) for place in range(len(words) - 7)}

    wanted: dict[int, tuple[float, int]] = {}
    for number, text in enumerate(right):
        for place, other in enumerate(left):
            one, two = grams(text), grams(other)
            if one and two and (share := len(one & two) / min(len(one), len(two))) >= 0.9:
                wanted[number] = max(wanted.get(number, (0.0, 0)), (share, -place))
    found = {one.right: (one.share, -one.left) for one in ngrams.held(left, right)}
    assert found == wanted
    assert 5 <= len(wanted) < 60
    assert any(share < 1 for share, _ in wanted.values())


def test_signs_of_scripts_without_spaces_are_words() -> None:
    assert ngrams.words("猫が好き, two-fold ภาษา") == [*"猫が好き", "two", "fold", *"ภาษา"]
    assert [one.left for one in ngrams.held(["昨日は雨が降りましたと言った"], ["昨日は雨が降りました"])] == [0]


def test_sentences_of_sst2_in_rotten_tomatoes_are_caught(data: Path, tmp_path: Path) -> None:
    """A plan from one to the other is stopped; at least as many as are equal by a plain comparison of texts."""
    plan = {
        "kind": "stages", "name": "rotten", "seeds": [13], "control": "from_scratch",
        "stages": [
            {"name": "a", "recipe": "tasks/sst2", "set": {"data.card": "rotten_tomatoes"}},
            {"name": "b", "recipe": "tasks/sst2", "start": "a", "take": "body"},
        ],
    }  # fmt: skip
    checked = reading.check(plans_help.save(tmp_path, plan))
    gathered = running.gather(checked)
    found = leaks.find(checked, gathered, opening=True)
    ours = {overlap.normalise(row.values["text"]) for row in gathered["a"].rows["train"]}
    plain = {
        row.id
        for row in gathered["b"].rows["test"]
        if (text := overlap.normalise(row.values["text"])) in ours and len(text.split()) > 2
    }
    assert len(plain) > 900
    assert plain == {one.test_id for one in found.found if one.tested == "b" and one.kind == "exact"}
    assert len(found.ids("b")) > len(plain)
    assert found.seconds < 20, "8,530 and 1,821 short texts, both ways: about 2 s"


def test_a_plan_without_leaks_says_what_was_looked_at(checkpoint: Make, tmp_path: Path) -> None:
    path = write_plan(tmp_path, checkpoint("bert"), {})
    looked = looking.look(reading.check(path), out=tmp_path)
    assert not looked.leaks.found
    assert looked.leaks.texts == {"a": 60, "b": 60}
