"""What can be written and copied, and the scores of predicted forms: by hand, and on a database of five rows."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from nlptl.parses import scoring, vocabulary
from nlptl.tasks import Prediction, Row


def test_words_are_runs_signs_and_what_stands_between_spaces() -> None:
    found = vocabulary.words("Don't see  St. Émile?", lower=False)
    assert found == [
        (0, "Don't"), (0, "Don"), (3, "'"), (4, "t"), (6, "see"), (11, "St."), (11, "St"), (13, "."),
        (15, "Émile?"), (15, "Émile"), (20, "?"),
    ]  # fmt: skip
    assert [word for _, word in vocabulary.words("New YORK", lower=True)] == ["new", "york"]
    thai = "เมือง ใน"  # vowel signs are marks, not letters
    assert [word for _, word in vocabulary.words(thai, lower=False)] == thai.split()


PAIRS = [
    ("cities in texas", ["city", "(", "'", "texas", "'", ")"]),
    ("cities in new york", ["city", "(", "'", "new", "york", "'", ")"]),
    ("the lone star state", ["state", "(", "'", "texas", "'", ")"]),
    ("state of ohio", ["state", "(", "'", "ohio", "'", ")"]),
]


def test_values_that_can_always_be_copied_are_not_written() -> None:
    """`texas` is needed where the utterance calls it by another name, `state` belongs to the structure of forms."""
    found = vocabulary.learn(PAIRS, {"city", "state", "(", ")"}, lower=False)
    assert found[:3] == ("<start>", "<end>", "<unknown>")
    assert set(found[3:]) == {"city", "state", "(", ")", "'", "texas"}
    assert found[3:6] == ("'", "(", ")"), "the commonest first, equal ones by name"


def test_numbers_are_the_vocabularys_or_the_first_copy_like_it() -> None:
    numbers = {piece: number for number, piece in enumerate(("<start>", "<end>", "<unknown>", "city", "york"))}
    copies = ["new", "york", "new", "city"]
    assert vocabulary.numbered(["city", "new", "york", "ohio"], numbers, copies) == [3, 5, 4, 2]
    assert vocabulary.copied(copies, numbers) == [5, 4, 5, 3]


def test_lower_case_is_chosen_where_it_finds_more() -> None:
    assert vocabulary.is_lower([("Cities in Texas", ["city", "texas"])])
    assert not vocabulary.is_lower([("Call Anna", ["[SL:CONTACT", "Anna", "]"])])
    assert not vocabulary.is_lower([("cities in texas", ["texas"])]), "a draw changes nothing"


@pytest.mark.parametrize(
    ("form", "language", "expected"),
    [
        ("answer(city(loc_2(stateid('new york'))))", "functional", {"answer", "city", "loc_2", "stateid", "(", ")"}),
        ("SELECT a FROM t WHERE b = 'new york' AND c > 7", "sql",
         {"SELECT", "a", "FROM", "t", "WHERE", "b", "=", "AND", "c", ">"}),
        ("broken ( form", "functional", {"broken", "(", "form"}),
    ],
)  # fmt: skip
def test_structure_is_a_form_without_its_values(form: str, language: str, expected: set[str]) -> None:
    assert set(scoring.structure(form, language)) == expected


def row(name: str, form: str, database: Path | None = None) -> Row:
    values: dict[str, Any] = {"text": "?", "form": form}
    return Row(name, values | ({} if database is None else {"database": str(database)}), "eng")


def said(rows: list[Row], forms: list[str], cut: bool = False) -> list[Prediction]:
    made = [Prediction(one.id, form, {"cut": cut}) for one, form in zip(rows, forms, strict=True)]
    return made[::-1]  # they are matched by id


def test_forms_are_compared_by_what_they_say() -> None:
    gold = ["answer(city(stateid('texas')))", "answer(river(all))", "answer(city(stateid('ohio')))"]
    rows = [row(name, form) for name, form in zip("abc", gold, strict=True)]
    forms = ["answer( city (stateid( texas )))", "answer(river(all)", "answer(city(all))"]
    seen = set(scoring.hashes("answer(city(stateid( texas )))", "functional"))
    scores = scoring.score(said(rows, forms), rows, "functional", seen)
    assert scores.metrics == pytest.approx({"exact_match": 1 / 3, "parses": 2 / 3})
    assert scores.per_example["correct"] == [1.0, 0.0, 0.0]
    assert scores.tables["outcomes"] == {"equal": 1, "does not parse": 1, "another form": 1}
    assert scores.tables["by_query"] == {
        "no such form": {"rows": 1, "exact_match": 0.0, "parses": 0.0},
        "the form itself": {"rows": 1, "exact_match": 1.0, "parses": 1.0},
        "the form with other values": {"rows": 1, "exact_match": 0.0, "parses": 1.0},
    }


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NLPTL_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "towns.sqlite"
    with sqlite3.connect(path) as link:
        link.execute("CREATE TABLE town (name TEXT, land TEXT, people INTEGER)")
        rows = [("bado", "rik", 5), ("gumi", "rik", 9), ("lona", "tes", 9), ("pir", "tes", 2), ("zev", "tes", 4)]
        link.executemany("INSERT INTO town VALUES (?, ?, ?)", rows)
    link.close()
    return path


def test_what_forms_give_counts_and_luck_does_not(database: Path) -> None:
    gold = [
        "SELECT name FROM town WHERE land = 'rik'",
        "SELECT MAX(people) FROM town",
        "SELECT name FROM town WHERE people > 100",
        "SELECT name FROM town WHERE people > 100",
        "SELECT COUNT(*) FROM town WHERE land = 'tes'",
        "SELECT name FROM town",
    ]
    forms = [
        "SELECT town.name FROM town WHERE 'rik' = town.land ORDER BY town.people",  # the same rows, whatever the data
        "SELECT people FROM town WHERE name = 'gumi'",  # 9 by luck
        "SELECT name FROM town WHERE people > 100",  # gold gives nothing, and the forms are equal
        "SELECT name FROM town WHERE people > 200",  # gold gives nothing, and the forms are not
        "SELECT COUNT(*) FROM town",
        "DROP TABLE town",
    ]
    rows = [row(str(number), form, database) for number, form in enumerate(gold)]
    scores = scoring.score(said(rows, forms), rows, "sql", set())
    assert tuple(scores.metrics) == scoring.WITH_DATABASE
    assert scores.per_example["execution"] == scores.per_example["correct"] == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    assert scores.per_example["exact_match"] == [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    assert scores.per_example["execution_robust"] == [1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    assert scores.tables["execution"] == {
        "gold gives nothing or does not run": 2, "judged": 4, "equal, same rows": 0, "equal, other rows": 0,
        "not equal, same rows": 2, "not equal, same rows on this database alone": 1,
    }  # fmt: skip
    assert scores.tables["outcomes"] == {
        "another form, same rows": 2, "equal": 1, "gold cannot be judged": 1, "wrong rows": 1, "refused": 1,
    }  # fmt: skip


def test_a_prediction_shows_what_its_query_gives(database: Path) -> None:
    found = scoring.prediction("a", [["SELECT name, people FROM town ORDER BY people LIMIT 2", -0.5, False],
                                     ["SELECT 1", -2.0, True]], str(database))  # fmt: skip
    assert found.detail["result"] == {
        "fate": "rows", "columns": ["name", "people"], "rows": [["pir", 2], ["zev", 4]], "count": 2,
    }  # fmt: skip
    assert found.detail["probability"] == pytest.approx(0.6065, abs=1e-4)
    assert [one["form"] for one in found.detail["n_best"]][1] == "SELECT 1"
    broken = scoring.prediction("a", [["SELECT nobody FROM town", 0.0, False]], str(database)).detail["result"]
    assert broken["fate"] == "does not run"
    assert "nobody" in broken["message"]


def test_rows_of_a_finished_run_are_scored_on_its_database(database: Path) -> None:
    """A run keeps the gold of its rows and no column beside it; `nlptl compare` scores these by what they give too."""
    from nlptl.errors import BadInput
    from nlptl.parses.settings import Forms
    from nlptl.tasks.parsing import Parsing

    task, fitted = Parsing(kind="parsing", form_tokens=99), Forms(language="sql", databases=(str(database),))
    gold, form = "SELECT name FROM town WHERE land = 'rik'", "SELECT name FROM town WHERE people IN (5, 9) LIMIT 2"
    bare, whole = [row("a", gold)], [row("a", gold, database)]
    assert task.score(said(bare, [form]), bare, fitted) == task.score(said(whole, [form]), whole, fitted)
    assert task.score(said(bare, [form]), bare, fitted).per_example["correct"] == [1.0]
    database.unlink()
    with pytest.raises(BadInput, match=r"forms were run on .*towns\.sqlite"):
        task.score(said(bare, [form]), bare, fitted)


def test_a_parser_has_no_rows_by_label() -> None:
    from nlptl import prepare

    assert prepare.label_counts([row("a", "answer(all)")]) == {}
