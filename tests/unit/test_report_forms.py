"""What the page of a run says of forms and of answers in their context, from predictions as they are written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from nlptl.report import errors, forms
from nlptl.report.examples import examples
from nlptl.report.facts import Scored
from nlptl.statistics import wilson

HOSTILE = "<script>alert(1)</script>"


def record(name: str, gold: str, said: str, right: float, **detail: Any) -> dict[str, Any]:
    return {"id": name, "gold": {"form": gold}, "predicted": said, "correct": right, "language": "eng", "tokens": 5,
            "detail": {"probability": 0.5, **detail}}  # fmt: skip


def scored(records: list[dict[str, Any]], texts: dict[str, list[tuple[str, str]]], tables: Any = None) -> Scored:
    said = {"metrics": {"execution": 0.5, "exact_match": 0.25}, "intervals": {}, "tables": tables or {}}
    return Scored("test", said, examples(records), texts)


TABLES = {
    "outcomes": {"equal": 3, "wrong rows": 1},
    "execution": {"judged": 4, "equal, same rows": 3},
    "by_query": {"no such form": {"rows": 8, "execution": 0.25, "exact_match": 0.125},
                 "the form itself": {"rows": 2, "execution": 1.0, "exact_match": 1.0}},
    "by_pieces": {},
}  # fmt: skip


def test_each_table_of_a_parser_is_on_the_page_and_in_the_files() -> None:
    made = forms.forms(scored([], {}, TABLES))
    by_name = {table.name: table for table in made.tables}
    assert set(by_name) == {"outcomes-test", "execution-test", "by_query-test"}, "a part alone has no table"
    assert by_name["outcomes-test"].rows == [["equal", 3, 0.75], ["wrong rows", 1, 0.25]]
    between = wilson(2, 8)
    assert by_name["by_query-test"].rows[0] == ["no such form", 8, 0.25, (between.low, between.high), 0.125]
    assert by_name["execution-test"].records()[1] == {"rows_that": "equal, same rows", "rows": 3}
    assert len(made.parts) == 3


def test_other_tasks_have_no_such_section() -> None:
    assert not forms.forms(scored([], {}, {"labels": ["a"]})).parts


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ({"fate": "rows", "columns": ["a"], "rows": [["x", 1], [None, 2]], "count": 2}, "it gives 2 rows"),
        ({"fate": "rows", "columns": ["a"], "rows": [[number] for number in range(9)], "count": 1234}, "1,234 rows"),
        ({"fate": "does not run", "message": f"no such column: {HOSTILE}"}, "does not run"),
    ],
)
def test_a_wrong_query_stands_beside_what_it_gives(result: dict[str, Any], shown: str) -> None:
    one = scored([record("a", "SELECT 1", f"SELECT '{HOSTILE}'", 0.0, result=result)], {"a": [("text", "one?")]})
    page = str(errors.errors(SimpleNamespace(no_texts=""), one).parts[-1])  # type: ignore[arg-type]
    assert shown in page
    assert HOSTILE not in page
    if result["fate"] == "rows" and result["count"] == 2:
        assert "x; 1 | NULL; 2" in page
    if result.get("count") == 1234:
        assert "0 | 1 | 2 …" in page, "the first rows, and that there are more"


def test_a_wrong_answer_is_marked_where_it_stands() -> None:
    context = "a" * 300 + " the wrong <b>answer</b> " + "z" * 300
    start = context.index("wrong")
    wrong = record("q", "right", "wrong <b>answer</b>", 0.0, start=start, end=start + len("wrong <b>answer</b>"))
    one = scored([wrong], {"q": [("question", "what?"), ("context", context)]})
    page = str(errors.errors(SimpleNamespace(no_texts=""), one).parts[-1])  # type: ignore[arg-type]
    marked = page.split("<mark>")[1].split("</mark>")[0]
    assert "wrong &lt;b&gt;answer&lt;/b&gt;" in marked
    around = page.split("predicted there:")[1].split("</p>")[0]
    assert around.count("a" * 100) == 1, "some of what stands before"
    assert "a" * 130 not in around, "and not all of it"
