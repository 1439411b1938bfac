"""Names that are swapped in text and gold alike, and labels that a model believes flipped."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

import nlptl
from nlptl import auditing, augmenting, cards, execution, forms, kinds, statistics
from nlptl.augment import Ground
from nlptl.checks import check
from nlptl.data import rows as reading
from nlptl.edits import Edit
from nlptl.errors import BadInput
from nlptl.tasks import Row

Make = Callable[..., tiny.Tiny]
PARSING: dict[str, Any] = {"kind": "parsing", "form_tokens": 32}
QA: dict[str, Any] = {"kind": "qa", "stride": 8, "answer_tokens": 4}


def made(settings: dict[str, Any], card: Any, rows: list[Row], rate: float = 0.5) -> list[augmenting.Copy]:
    """Give one copy of each row."""
    task = kinds.shelf("tasks")[settings["kind"]](**settings)
    entity = kinds.shelf("augment")["entity"](kind="entity", rate=rate, copies=1)
    ground = Ground(rows, task, card, lambda name: pytest.fail("no checkpoint is needed"))
    return list(augmenting.copies(rows, [entity], task, 13, ground))


def card_of(language: str, **columns: str) -> Any:
    """Give a card that says nothing but the language of forms."""
    found = cards.find("geography_parsing").value
    return found.model_copy(update={"form": found.form.model_copy(update={"language": language})})


def test_a_name_stands_for_another_of_its_class_in_text_and_form() -> None:
    rows = [
        Row("1", {"text": "rivers in texas", "form": "answer(river(loc_2(stateid('texas'))))"}, "eng"),
        Row("2", {"text": "Rivers of New York?", "form": "answer(river(loc_2(stateid('new york'))))"}, "eng"),
        Row("3", {"text": "people of paris", "form": "answer(population(cityid('paris', _)))"}, "eng"),
        Row("4", {"text": "fluesse in iowa", "form": "answer(river(loc_2(stateid('iowa'))))"}, "deu"),
        Row("5", {"text": "states", "form": "answer(state(all))"}, "eng"),
    ]
    one, two, *others = made(PARSING, card_of("functional"), rows)
    assert one.row is not None
    assert two.row is not None
    assert one.row.values == {"text": "rivers in New York", "form": "answer(river(loc_2(stateid('new york'))))"}
    assert two.row.values == {"text": "Rivers of texas?", "form": "answer(river(loc_2(stateid('texas'))))"}
    assert [copy.fate for copy in others] == ["unchanged"] * 3, "no other city, no other German state, no name"
    assert two.edits["text"] == [Edit(10, 18, "texas", gold=True)]


def test_no_name_is_put_beside_itself_and_one_of_two_classes_stays() -> None:
    rows = [
        Row("1", {"text": "from a b to c", "form": "[IN:X [SL:P a b ] [SL:P c ] ]"}, "eng"),
        Row("2", {"text": "from d", "form": "[IN:X [SL:P d ] ]"}, "eng"),
        Row("3", {"text": "ohio in ohio", "form": "[IN:X [SL:P ohio ] [SL:Q ohio ] ]"}, "eng"),
        Row("4", {"text": "york in new york", "form": "[IN:X [SL:P new york ] [SL:Q york ] ]"}, "eng"),
        Row("5", {"text": "new york", "form": "[IN:X [SL:P new york ] [SL:Q york ] ]"}, "eng"),
    ]
    for seed in range(3):
        found = made(PARSING, card_of("frame"), [*rows, Row(str(seed + 9), rows[1].values, "eng")], rate=1.0)
        both, ohio, york, inside = found[0].row, found[2], found[3].row, found[4].row
        assert both is not None
        words = both.values["text"].removeprefix("from ").split(" to ")
        assert both.values["form"] == f"[IN:X [SL:P {words[0]} ] [SL:P {words[1]} ] ]"
        assert {*words} <= {"c", "d", "a b", "new york"}
        assert len({*words}) == 2
        assert ohio.fate == "unchanged"
        for row in (york, inside):
            assert row is not None
            assert row.values["form"].endswith("[SL:Q york ] ]"), "york has no other of its class"
        assert york.values["text"].startswith("york in ")


def test_two_names_of_a_row_never_become_one() -> None:
    row = {"text": "from a to b", "form": "[IN:X [SL:P a ] [SL:P b ] ]"}
    rows = [Row(str(number), row, "eng") for number in range(8)]
    rows.append(Row("8", {"text": "from c", "form": "[IN:X [SL:P c ] ]"}, "eng"))
    for copy in made(PARSING, card_of("frame"), rows, rate=1.0)[:-1]:
        assert copy.row is not None
        assert sum(map(len, copy.edits.values())) == 2, "one name, in text and form: there is but one other"
        assert copy.row.values["text"] in ("from c to b", "from a to c")


def test_a_name_that_could_not_be_read_again_is_not_put_in() -> None:
    rows = [
        Row("1", {"text": "new ohio and new york", "form": "[IN:X [SL:P ohio ] [SL:Q new york ] ]"}, "eng"),
        Row("2", {"text": "york", "form": "[IN:X [SL:P york ] ]"}, "eng"),
    ]
    one, two = made(PARSING, card_of("frame"), rows, rate=1.0)
    assert one.fate == "unchanged", "of `new york and new york` nobody could tell which is York"
    assert two.row is not None
    assert two.row.values["text"] == "ohio"


def test_no_form_becomes_longer_than_the_decoder_writes() -> None:
    rows = [
        Row(name, {"text": f"is {name} here", "form": f"answer(stateid('{name}'))"}, "eng")
        for name in ("iowa", "ohio", "north of south dakota")
    ]
    decoder = {"decoder": {"layers": 1, "width": 8, "heads": 1, "dropout": 0.0}}
    short = PARSING | decoder | {"form_tokens": 9}
    many = [Row(f"{one.id}{number}", one.values, "eng") for number in range(4) for one in rows]
    for settings, wanted in ((short, {"ohio", "iowa"}), (PARSING | {"form_tokens": 9}, {row.id for row in rows})):
        copies = made(settings, card_of("functional"), many)
        texts = " ".join(copy.row.values["text"] for copy in copies if copy.row is not None)
        assert {row.id for row in rows if row.id in texts} == wanted


@pytest.fixture(scope="module")
def geography(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[Row]]:
    card = cards.find("geography_parsing").value
    return card, reading.rows(reading.load(card, "train", ["eng", "deu"], None, True))[:300]


def test_every_changed_query_runs_and_asks_the_same_of_something_else(geography: tuple[Any, list[Row]]) -> None:
    card, rows = geography
    count = 0
    for copy in made(PARSING, card, rows):
        if copy.row is None:
            continue
        form, before = copy.row.values["form"], copy.parent.values["form"]
        assert form != before
        assert forms.template(form, "sql") == forms.template(before, "sql")
        assert execution.run(Path(copy.row.values["database"]), form).status == "rows"
        count += 1
    assert count > 200


def test_every_changed_query_of_geoquery_runs(data: Path) -> None:
    card = cards.find("geoquery").value
    rows = reading.rows(reading.load(card, "train", None, str(data), True))
    found = made(PARSING, card, rows)
    assert sum(copy.fate == "made" for copy in found) > 300
    for copy in found:
        if copy.row is not None:
            assert execution.run(Path(copy.row.values["database"]), copy.row.values["form"]).status == "rows"


def test_a_query_that_does_not_run_is_dropped_and_counted(tmp_path: Path) -> None:
    place = tmp_path / "d.sqlite"
    with sqlite3.connect(place) as connection:
        connection.execute("CREATE TABLE city (name TEXT)")
    rows = [
        Row(str(number), {"text": f"is there {name}", "form": form.format(name), "database": str(place)}, "eng")
        for form in ("SELECT name FROM city WHERE name = '{}'", "SELECT size FROM city WHERE name = '{}'")
        for number, name in enumerate(("rome", "bonn"), len(form))
    ]
    fates = [copy.fate for copy in made(PARSING, card_of("sql"), rows)]
    assert fates == ["made", "made", "fails", "fails"]
    counts = {"entity": {"made": 2, "fails": 2}}
    assert augmenting.told(counts) == "entity 2 copies, 2 dropped: the changed query does not run"


def asked(number: int, question: str, context: str, *answers: str) -> Row:
    found = [{"text": one, "start": context.index(one)} for one in answers]
    return Row(str(number), {"question": question, "context": context, "answers": found}, "eng")


def test_an_answer_is_another_of_its_kind_wherever_it_is_mentioned() -> None:
    rows = [
        asked(1, "Who is Bob Lee's aunt?", "Dr Ann Poe, aunt of Bob Lee. Poe knew him. Ann Poe died.", "Ann Poe",
              "Dr Ann Poe"),
        asked(2, "Who won?", "It was Kim.", "Kim"),
        asked(3, "When?", "In 1901, not 19010.", "1901"),
        asked(4, "When?", "In 1850.", "1850"),
        asked(5, "Who sang?", "the choir did", "the choir"),
        asked(6, "Where is Kim?", "Kim is in Rome.", "Rome"),
        asked(7, "Who is Poe?", "Kim Poe and Poe Lee", "Poe", "Kim Poe"),
    ]  # fmt: skip
    found = made(QA, cards.find("xquad").value, rows)
    for copy in found:
        if copy.row is not None:
            values = copy.row.values
            for answer in values["answers"]:
                assert values["context"][answer["start"] : answer["start"] + len(answer["text"])] == answer["text"]
    assert [copy.fate for copy in found] == ["made", "made", "made", "made", "unchanged", "unchanged", "made"]
    one, three = found[0].row, found[2].row
    assert one is not None
    assert three is not None
    name = one.values["answers"][0]["text"]
    assert name in ("Kim", "Poe")
    assert one.values["context"] == f"Dr {name}, aunt of Bob Lee. Poe knew him. {name} died."
    assert one.values["answers"][1] == {"text": f"Dr {name}", "start": 0}
    assert three.values["context"] == "In 1850, not 19010."


def test_an_answer_that_is_half_renamed_is_dropped() -> None:
    row = asked(1, "Who?", "Dr Ann Poe came", "Ann Poe")
    task = kinds.shelf("tasks")["qa"](**QA)
    assert task.realign(row, {"context": [Edit(3, 10, "Kim", gold=True)]}).values["answers"][0]["text"] == "Kim"
    assert task.realign(row, {"context": [Edit(0, 6, "Kim", gold=True)]}) is None
    assert task.realign(row, {"context": [Edit(3, 10, "Kim")]}) is None


def test_names_need_gold_that_has_them_and_are_no_noise(make: Make) -> None:
    entity = {"kind": "entity", "rate": 0.5, "copies": 1}
    with pytest.raises(BadInput, match=r"augment\[0\]: 'entity' needs gold that names things"):
        check(make(augment=[entity]).recipe)
    noisy = {"source": {"world": "questions"}, "task": QA, "augment": [entity]}
    with pytest.raises(BadInput, match=r"robust\[0\]: 'entity' asks for other gold"):
        check(make(**noisy, evaluate=[{"split": "test", "robust": ["entity"]}]).recipe)
    swap = {"kind": "swap", "rate": 0.1, "copies": 1, "variants": 2}
    with pytest.raises(BadInput, match=r"robust\[0\].variants: an evaluated set has no epochs"):
        check(make(evaluate=[{"split": "test", "robust": [swap]}]).recipe)


NOISE: list[dict[str, Any]] = [
    {"kind": "delete", "rate": 0.8, "copies": 2}, {"kind": "case", "rate": 0.1, "copies": 1},
]  # fmt: skip


@pytest.mark.usefixtures("near_gate")
def test_a_model_says_which_labels_flipped(make: Make) -> None:
    run = make(train={"epochs": 4, "select": "last", "learning_rate": 3e-3}).run()
    world = make(augment=NOISE)
    line = ["-m", "nlptl", "augment", str(world.recipe), "--audit", str(run.directory), "--show", "500"]
    told = tiny.warm(*line, "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    copies = [one for one in found["copies"] if one["row"] is not None]
    model = nlptl.load(run.directory)
    flips: dict[tuple[str, str], list[bool]] = {}
    for one in copies:
        before, after = (said.value for said in model.predict([one["before"]["text"], one["row"]["text"]]))
        if before == one["row"]["label"]:
            flips.setdefault((one["kind"], one["parent"]), []).append(after != one["row"]["label"])
    for kind in ("delete", "case"):
        said = found["audit"]["kinds"][kind]
        own = [one for (name, _), one in flips.items() if name == kind]
        assert said["rows"] == len(own) > 10
        assert said["copies"] == sum(map(len, own))
        assert said["flipped"] == sum(map(sum, own))
        assert said["left_out"] == sum(one["kind"] == kind for one in copies) - said["copies"]
        share = sum(sum(one) / len(one) for one in own) / len(own)
        assert said["share"] == pytest.approx(share)
        between = statistics.wilson(round(share * len(own)), len(own))
        assert (said["low"], said["high"]) == (between.low, between.high)
    delete, case = (found["audit"]["kinds"][kind] for kind in ("delete", "case"))
    assert delete["flipped"] > 0
    assert case["flipped"] == 0, "an uncased checkpoint sees nothing of it"
    _, *words = auditing.told("r", {"delete": auditing.Audited(**delete)})
    assert words[0].startswith(f"  delete: {delete['flipped']} of {delete['copies']} flipped, {delete['share']:.1%} (")
    plan = check(world.recipe).recipe
    other = plan.model_copy(update={"data": plan.data.model_copy(update={"card": "trec"})})
    noisy = world.run(out="noisy").directory
    for place, asked_for, wrong in (
        (noisy, plan, "trained with augmentation"), (world.folder, plan, "no model of nlptl's here"),
        (run.directory / "model", plan, "what it was trained on is not known"), (run.directory, other, "is trec"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=wrong):
            auditing.audit(str(place), asked_for, [])
