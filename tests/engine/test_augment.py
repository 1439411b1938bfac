"""Augmentation of a run: gold that follows, copies that are counted, and the same ones in every process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

from nlptl import augmenting, cards, kinds, prepare
from nlptl.augment import Augment, Ground
from nlptl.checks import check
from nlptl.data import rows as reading
from nlptl.doors.augment import marked
from nlptl.edits import Edit
from nlptl.errors import BadInput
from nlptl.tasks import Row

Make = Callable[..., tiny.Tiny]
NOISE: list[dict[str, Any]] = [
    {"kind": "typo", "rate": 0.1, "copies": 1, "by": "keyboard"}, {"kind": "swap", "rate": 0.1, "copies": 2},
]  # fmt: skip
TASKS: dict[str, dict[str, Any]] = {
    "classification": {"kind": "classification"},
    "qa": {"kind": "qa", "stride": 8, "answer_tokens": 4},
    "parsing": {"kind": "parsing", "form_tokens": 32},
}


def task(kind: str) -> Any:
    return kinds.shelf("tasks")[kind](**TASKS[kind])


def shelf(*sections: dict[str, Any]) -> list[Any]:
    return [kinds.shelf("augment")[one["kind"]](**one) for one in sections]


def asked(**answer: Any) -> Row:
    values = {"question": "who?", "context": "then Ann saw Bob", "answers": [answer, {"text": "Bob", "start": 13}]}
    return Row("train/1", values, "eng")


def test_answers_move_with_the_context_and_an_edited_one_drops_the_copy() -> None:
    row = asked(text="Ann", start=5)
    found = task("qa").realign(row, {"context": [Edit(0, 5, ""), Edit(8, 8, ","), Edit(9, 12, "met")]})
    assert found.values["context"] == "Ann, met Bob"
    assert found.values["answers"] == [{"text": "Ann", "start": 0}, {"text": "Bob", "start": 9}]
    assert row == asked(text="Ann", start=5), "the row itself stays"
    for edit in (Edit(6, 7, "m"), Edit(4, 6, ""), Edit(14, 14, "x"), Edit(8, 13, "")):
        (start, end) = (edit.start, edit.end)
        touched = (start < 8 and end > 5) or (start < 16 and end > 13)
        assert (task("qa").realign(row, {"context": [edit]}) is None) == touched
    assert task("qa").realign(row, {"question": [Edit(0, 1, "W")]}).values["answers"] == row.values["answers"]
    assert task("qa").realign(row, {"question": [Edit(0, 4, " ")]}) is None


def test_a_form_keeps_the_words_that_it_shares_with_its_utterance() -> None:
    row = Row("train/1", {"text": "rivers in New York state", "form": "answer(river('new york'))"}, "eng")
    realign = task("parsing").realign
    assert realign(row, {"text": [Edit(0, 1, "R")]}).values == row.values | {"text": "Rivers in New York state"}
    for edit in (Edit(10, 11, "M"), Edit(13, 14, "-"), Edit(13, 13, ","), Edit(17, 18, "")):
        assert realign(row, {"text": [edit]}) is None
    assert realign(row, {"text": [Edit(18, 18, ",")]}) is not None, "behind the words nothing is copied"
    dotted = Row("train/2", {"text": "lakes of the U.S. today", "form": "answer(lake(country('u.s.')))"}, "eng")
    assert realign(dotted, {"text": [Edit(16, 17, "")]}) is None
    assert realign(dotted, {"text": [Edit(18, 19, "T")]}) is not None


def test_a_label_stays_and_an_emptied_text_is_dropped() -> None:
    row = Row("train/1", {"text": "so bad", "text_pair": "no", "label": "x"}, "eng")
    found = task("classification").realign(row, {"text": [Edit(0, 3, "")], "text_pair": [Edit(0, 0, "o")]})
    assert found.values == {"text": "bad", "text_pair": "ono", "label": "x"}
    assert task("classification").realign(row, {"text_pair": [Edit(0, 2, "")]}) is None


def test_a_text_that_was_blank_before_drops_no_copy() -> None:
    row = Row("train/1", {"text": "one two", "text_pair": "", "label": "x"}, "eng")
    (copy,) = augmenting.copies([row], shelf(NOISE[1] | {"copies": 1}), task("classification"), 13)
    assert copy.row is not None
    assert copy.row.values == {"text": "two one", "text_pair": "", "label": "x"}


def test_copies_stand_behind_their_rows_and_every_one_is_counted() -> None:
    rows = [Row(f"train/{number}", {"text": text, "label": "x"}, "eng") for number, text in enumerate(["a b c", "日"])]
    found = augmenting.augmented(rows, shelf(*NOISE), task("classification"), 13)
    assert [row.id for row in found.rows] == [
        "train/0", "train/0~typo-1", "train/0~swap-1", "train/0~swap-2", "train/1",
    ]  # fmt: skip
    assert found.counts["swap"] == {"made": 2, "unchanged": 2, "emptied": 0, "gold": 0, "fails": 0}
    assert [row for row in found.rows if "~" not in row.id] == rows
    assert augmenting.told(found.counts) == "typo 1 copies, 1 had nothing to edit; swap 2 copies, 2 had nothing to edit"
    again = augmenting.augmented(rows[::-1], shelf(*NOISE[::-1]), task("classification"), 13)
    assert {row.id: row for row in again.rows} == {row.id: row for row in found.rows}, "order changes no copy"
    long = Row("train/9", {"text": "a b c d e f g h i j k l", "label": "x"}, "eng")
    found_again = augmenting.copies([long], shelf(NOISE[1]), task("classification"), 13)
    texts = {copy.row.values["text"] for copy in found_again if copy.row}
    assert len(texts) == 2, "a copy is not drawn as another one is"
    alike = [Row(f"train/{number}", long.values, "eng") for number in range(8)]
    made = augmenting.augmented(alike, shelf(NOISE[1] | {"copies": 1}), task("classification"), 13).rows
    assert len({row.values["text"] for row in made if "~" in row.id}) > 4, "a row is not drawn as another one is"
    other = augmenting.augmented(rows, shelf(*NOISE), task("classification"), 14)
    assert other.rows != found.rows
    taken = [*rows, Row("train/0~swap-1", {"text": "a", "label": "x"}, "eng")]
    with pytest.raises(BadInput, match=r"the id .* of a copy"):
        augmenting.augmented(taken, shelf(*NOISE), task("classification"), 13)


@pytest.mark.parametrize("language", ["eng", "deu", "spa", "rus", "zho"])
def test_answers_of_xquad_stand_where_they_are_said_to_be(data: Path, language: str) -> None:
    """Ten thousand edits in five languages; no kept answer is beside its place, and no other text changed."""
    card = cards.find("xquad").value
    split = next(iter(card.splits))
    rows = reading.rows(reading.load(card, split, [language], str(data), True))[:60]
    able = [name for name, kind in kinds.shelf("augment").items() if kind.propose is not Augment.propose]
    sections = [{"kind": kind, "rate": 0.1, "copies": 2} for kind in [*able, "entity"]]
    sections = [one | ({"by": "keyboard"} if one["kind"] == "typo" else {}) for one in sections]
    ground = Ground(rows, task("qa"), card, lambda name: pytest.fail("none of these needs a checkpoint"))
    count = kept = renamed = 0
    for copy in augmenting.copies(rows, shelf(*sections), task("qa"), 13, ground):
        count += sum(len(one) for one in copy.edits.values())
        if copy.row is None:
            continue
        kept += 1
        context, before = copy.row.values["context"], copy.parent.values["answers"]
        assert len(copy.row.values["answers"]) == len(before)
        for answer, old in zip(copy.row.values["answers"], before, strict=True):
            assert context[answer["start"] : answer["start"] + len(answer["text"])] == answer["text"]
            renamed += answer["text"] != old["text"]
            assert (answer["text"] == old["text"]) == (copy.kind != "entity")
    assert renamed or language == "zho", "names have capitals, and Chinese has none"
    assert count >= 2000
    assert kept > 100


def test_a_run_trains_on_the_copies_and_reports_them(make: Make, near_gate: None) -> None:
    said: list[str] = []
    from nlptl.job import Watch

    world = make(augment=NOISE, train={"select": "last"})
    result = world.run(watch=Watch(say=said.append))
    counts = result.report["training"]["augment"]
    assert set(counts) == {"typo", "swap"}
    assert [sum(one.values()) for one in counts.values()] == [48, 96]
    made = sum(one["made"] for one in counts.values())
    assert result.report["rows"]["train"] == 48
    assert result.report["training"]["steps"] == -(-(48 + made) // 8)
    assert any(line.startswith("augmented: typo ") for line in said)
    page = next(result.directory.glob("*.html")).read_text(encoding="utf-8")
    assert augmenting.told(counts) in page
    plain = make(train={"select": "last"}).run(out="plain")
    assert plain.report["training"]["steps"] == 6
    assert plain.report["training"]["augment"] == {}
    assert plain.directory.name != result.directory.name


def test_another_process_makes_the_same_rows(make: Make) -> None:
    world = make(augment=NOISE)
    code = (
        "import sys, hashlib; from nlptl import prepare; from nlptl.checks import check\n"
        "inputs = prepare.gather(check(sys.argv[1]))\n"
        "print(hashlib.sha256(repr(prepare.augmented_rows(inputs, 13).rows).encode()).hexdigest())"
    )
    told = {tiny.python("-c", code, str(world.recipe), PYTHONHASHSEED=seed).stdout for seed in ("1", "2")}
    assert len(told) == 1
    assert told != {""}


def test_only_chosen_training_rows_are_copied(make: Make) -> None:
    inputs = prepare.gather(check(make(augment=NOISE, data={"train_rows": 10}, train={"batch": 4}).recipe))
    chosen = {row.id for row in prepare.training_rows(inputs, 13)}
    found = prepare.augmented_rows(inputs, 13).rows
    assert {row.id.split("~")[0] for row in found} == chosen
    assert len(found) > len(chosen) == 10
    assert not any("~" in row.id for rows in inputs.rows.values() for row in rows)


def test_a_kind_twice_and_a_rate_out_of_bounds_are_told_with_their_lines(make: Make) -> None:
    with pytest.raises(BadInput) as told:
        check(make(augment=[NOISE[1], NOISE[1]], tuning=[{"kind": "full"}, {"kind": "full"}]).recipe)
    assert ["stands here twice" in str(one) for one in told.value.problems] == [True, True]
    assert [one.field for one in told.value.problems] == ["tuning[1]", "augment[1]"]
    with pytest.raises(BadInput, match=r"augment\[0\]"):
        check(make(augment=[NOISE[1] | {"rate": 1.5}]).recipe)


def test_the_command_shows_edits_without_torch(make: Make) -> None:
    world = make(augment=NOISE)
    shown = tiny.warm("-m", "nlptl", "augment", str(world.recipe), "--show", "3")
    assert shown.returncode == 0, shown.stderr
    assert "train/000000 typo: made\n  text: " in shown.stdout
    assert "{+" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "of 48 rows: typo " in shown.stdout
    told = json.loads(tiny.warm("-m", "nlptl", "augment", str(world.recipe), "--show", "3", "--json").stdout)
    assert len(told["copies"]) == 3
    assert sum(told["counts"]["swap"].values()) == 96
    code = (
        "import sys; from nlptl import cli\n"
        "try: cli.main(['augment', sys.argv[1]])\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    seen = subprocess.run([sys.executable, "-c", code, str(world.recipe)], capture_output=True, text=True)
    assert seen.returncode == 0, seen.stderr
    none = tiny.warm("-m", "nlptl", "augment", str(make().recipe))
    assert none.returncode == BadInput.exit_code
    assert "augments nothing" in none.stderr


def test_marks_stand_around_edits_and_controls_cannot_steer_a_terminal() -> None:
    assert marked("a\x1b[2Jb\u202ec", [Edit(0, 1, "\x07"), Edit(5, 5, "é")]) == (r"[-a-]{+\x07+}\x1b[2J{+é+}b\u202ec")


def test_two_processes_train_as_one_does(make: Make, near_gate: None) -> None:
    """Hashes of strings differ between this process and the two, so no order may hang on them."""
    noise = [NOISE[0] | {"variants": 3}]
    world = make(augment=noise, data={"train_rows": 24}, train={"select": "last", "batch": 7, "epochs": 2})
    found = []
    world.run(out="one")
    done = world.warm(out="two", ranks=2)
    assert done.returncode == 0, done.stderr
    for name in ("one", "two"):
        (directory,) = (world.folder / name).iterdir()
        found.append((json.loads((directory / "report.json").read_text("utf-8"))["training"], tiny.weights(directory)))
    (one, weights), (two, others) = found
    assert (one["processes"], two["processes"]) == (1, 2)
    assert (one["augment"], one["steps"]) == (two["augment"], two["steps"])
    # Softmax does not see the bias of all keys: its gradient is rounding alone, and AdamW enlarges that.
    seen = [name for name in weights if "key.bias" not in name]
    assert tiny.largest_difference({name: weights[name] for name in seen}, {name: others[name] for name in seen}) < 2e-5


@pytest.mark.parametrize(("world", "kind"), [("questions", "qa"), ("commands", "parsing")])
def test_copies_that_would_spoil_the_gold_are_dropped_and_counted(
    make: Make, near_gate: None, world: str, kind: str
) -> None:
    decoder = {"decoder": {"layers": 1, "width": 16, "heads": 2, "dropout": 0.1}} if kind == "parsing" else {}
    made = make(source={"world": world}, task=TASKS[kind] | decoder, train={"select": "last"}, augment=NOISE)
    counts = made.run().report["training"]["augment"]
    assert counts["swap"]["made"] > 0
    assert counts["swap"]["gold"] > 0
    assert [sum(one.values()) for one in counts.values()] == [48, 96]


NOISY: list[Any] = ["typo", {"kind": "swap", "rate": 0.5, "copies": 2}]


def test_a_set_is_scored_under_noise_that_is_the_same_for_every_run(make: Make, near_gate: None) -> None:
    world = make(augment=NOISE, train={"select": "last"}, evaluate=[{"split": "test", "robust": NOISY}])
    first, second = world.run(), world.run("seeds=[14]", "augment=[{kind: typo, rate: 0.1, copies: 3, by: keyboard}]")
    (typo, swap), said = first.report["evaluation"][0]["robust"], first.report["evaluation"][0]
    assert (typo["kind"], typo["settings"]) == ("typo", {"rate": 0.1, "copies": 1, "by": "keyboard"})
    assert (swap["title"], sum(swap["counts"].values())) == ("swap (rate 0.5)", 48)
    assert [len(one["predictions"]) for one in (typo, swap)] == [1, 2]
    files = [path.removeprefix("predictions/") for one in (typo, swap) for path in one["predictions"]]
    assert files == ["test.robust-1.jsonl", "test.robust-2.jsonl", "test.robust-2-2.jsonl"]
    clean = tiny.predictions(first.directory)
    for one in (typo, swap):
        sides = [tiny.predictions(first.directory, Path(path).stem) for path in one["predictions"]]
        assert all(tiny.ids_of(side) == tiny.ids_of(clean) for side in sides)
        right = [sum(record["correct"] for record in side) / 24 for side in sides]
        assert one["metrics"]["accuracy"] == pytest.approx(sum(right) / len(right))
        assert one["change"]["value"] == pytest.approx(one["metrics"]["accuracy"] - said["metrics"]["accuracy"])
        assert one["change"]["low"] <= one["change"]["value"] <= one["change"]["high"]
        low, high = one["intervals"]["accuracy"]
        assert low < one["metrics"]["accuracy"] < high
        assert [record["detail"] for record in sides[0]] != [record["detail"] for record in clean], "it read noise"
    again = second.report["evaluation"][0]["robust"][0]
    assert (again["settings"], again["counts"]) == (typo["settings"], typo["counts"])
    page = (first.directory / "report.html").read_text(encoding="utf-8")
    assert "Under noise" in page
    assert "swap (rate 0.5)" in page
    from nlptl import terminal

    assert "  under typo (rate 0.1, by keyboard)" in terminal._scores(first.report)
    assert f"change {typo['change']['value']:+.4f} (" in terminal._scores(first.report)


def test_noise_is_drawn_by_the_row_alone_and_a_row_without_a_copy_stays_clean() -> None:
    rows = [Row(f"test/{number}", {"text": f"rivers in state {number} called utah", "form": "river('utah')"}, "eng")
            for number in range(30)]  # fmt: skip
    (noise,) = shelf(NOISE[1] | {"rate": 0.1})
    found = augmenting.noisy(rows, noise, 1, task("parsing"), None)
    assert [row.id for row in found.rows] == [row.id for row in rows]
    changed = [row for row, before in zip(found.rows, rows, strict=True) if row != before]
    assert found.counts["made"] == len(changed) > 5
    assert found.counts["gold"] == 30 - len(changed) > 0
    assert all("utah" in row.values["text"] for row in found.rows)
    backwards = augmenting.noisy(rows[::-1], noise, 1, task("parsing"), None)
    assert list(backwards.rows[::-1]) == list(found.rows)
    other = augmenting.noisy(rows, noise, 2, task("parsing"), None)
    assert other.rows != found.rows


def test_noise_is_in_the_digest_and_its_absence_is_not(make: Make) -> None:
    from nlptl.recipe import science

    world = make(augment=NOISE)
    plain = check(world.recipe).recipe
    assert "robust" not in science(plain)["evaluate"][0]
    named, other = (
        check(world.recipe, [f"evaluate=[{{split: test, robust: [{one}]}}]"]).recipe for one in ("typo", "swap")
    )
    assert len({json.dumps(science(one)) for one in (plain, named, other)}) == 3


def test_noise_without_settings_and_noise_twice_are_told_with_their_lines(make: Make) -> None:
    robust = ["typo", "swapp", "delete", NOISE[1], NOISE[1], {"kind": "typo", "rate": 2.0, "copies": 1}]
    with pytest.raises(BadInput) as told:
        check(make(augment=NOISE, evaluate=[{"split": "test", "robust": robust}]).recipe)
    assert [one.field for one in told.value.problems] == ["evaluate[0].robust[5].by", "evaluate[0].robust[5].rate"]
    with pytest.raises(BadInput) as told:
        check(make(augment=NOISE, evaluate=[{"split": "test", "robust": robust[:-1]}]).recipe)
    assert [one.field for one in told.value.problems] == [f"evaluate[0].robust[{place}]" for place in (1, 2, 4)]
    assert "did you mean 'swap'" in str(told.value.problems[0])
    assert "{kind: swap" in str(told.value.problems[1])
