"""What is said of gold forms before a parser learns them."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_grammar as tiny

from nlptl.grammars import for_sql, from_text, schema_of
from nlptl.parses.doubts import doubts
from nlptl.tasks import Row

FORMS = ("SELECT name FROM town", "SELECT weight FROM town", "SELECT name FROM town WHERE people > 3")


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    path = str(tiny.database(tmp_path))
    return [Row(f"r{number}", {"form": form, "database": path}, "") for number, form in enumerate((*FORMS, FORMS[1]))]


def written(row: Row) -> str:
    form: str = row.values["form"]
    return form


def test_gold_that_does_not_run_is_counted_once_a_form_and_named(rows: list[Row]) -> None:
    (said,) = doubts({"train": rows, "dev": rows[:1]}, "sql", None, written)
    assert said == "1 of 3 different gold forms of train do not run on the database; the first is r1: " + (
        "no such column: weight"
    )


def test_gold_that_the_tables_refuse_is_told(rows: list[Row]) -> None:
    held = for_sql(schema_of(Path(rows[0].values["database"])))
    ran, kept = doubts({"train": rows}, "sql", held, written)
    assert "do not run" in ran
    assert kept.startswith("task.search.grammar: 1 of 3 different gold forms of train do not keep to it")
    assert kept.endswith("r1: SELECT weight FROM town")
    assert len(doubts({"train": rows}, "sql", held, lambda row: FORMS[0])) == 1, "what is learnt is asked about"


@pytest.mark.parametrize("space", ["%ignore / +/", ""])
def test_a_grammar_of_ones_own_may_take_forms_as_they_are_written(rows: list[Row], space: str) -> None:
    gap = "" if space else " "
    held = from_text(f'start: "SELECT{gap}" NAME "{gap}FROM{gap}" NAME\nNAME: /[a-z]+/\n{space}\n', "sql")
    said = doubts({"train": [Row(row.id, {"form": row.values["form"]}, "") for row in rows]}, "sql", held, written)
    assert said == [
        "task.search.grammar: 1 of 3 different gold forms of train do not keep to it, so no model can write them; "
        f"the first is r2: {FORMS[2]}"
    ]
