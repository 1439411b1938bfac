"""Values of forms by place and class, mentions of names, sorts of answers."""

from __future__ import annotations

import pytest

from nlptl.forms.values import values
from nlptl.naming import answer_sort, mentions

SQL = (
    "SELECT A.CITY_NAME FROM CITY AS A WHERE A.STATE_NAME = \"new  york\" AND A.CITY_NAME IN ('x', 'O''Hara') "
    "AND pop > (SELECT MAX(pop) FROM city WHERE name LIKE 'a') AND state = 'b' LIMIT 1"
)


@pytest.mark.parametrize(
    ("language", "form", "wanted"),
    [
        (
            "sql", SQL,
            [("city.state_name", "new york", '"new  york"'), ("city.city_name", "x", "'x'"),
             ("city.city_name", "O'Hara", "'O''Hara'"), ("city.name", "a", "'a'"), ("city.state", "b", "'b'")],
        ),
        ("sql", "SELECT 'x', MAX('y') FROM t", []),
        ("functional", "answer(loc(stateid('new york')))", [("stateid(*)", "new york", "'new york'")]),
        (
            "functional", "answer(x(cityid('austin', 'tx'), cityid('rome', _)))",
            [("cityid(*, 'tx')", "austin", "'austin'"), ("cityid('austin', *)", "tx", "'tx'"),
             ("cityid(*, _)", "rome", "'rome'")],
        ),
        (
            "functional", "_answer ( A , _const ( A , _stateid ( new york ) ) )",
            [("_stateid(*)", "new york", "new york")],
        ),
        ("functional", "answer(largest(state(all)), A, f(b))", []),
        (
            "frame", "[IN:A [SL:B Ann Lee ] [SL:C [IN:D [SL:E x ] ] ] [SL:F ] ]",
            [("SL:B", "Ann Lee", "Ann Lee"), ("SL:E", "x", "x")],
        ),
        ("list", "( call f en.unit.a_b en.unit ( string c ) )", [("en.unit", "a b", "en.unit.a_b")]),
        ("words", "WALK TURN", []),
    ],
)  # fmt: skip
def test_values_stand_in_their_places(language: str, form: str, wanted: list[tuple[str, str, str]]) -> None:
    assert [(one.sort, one.text, form[one.start : one.end]) for one in values(form, language)] == wanted


@pytest.mark.parametrize("form", ["'", "f(", "))((", "[SL:A", "SELECT 'a", "", "= 'x'", "f('a', g(b))"])
def test_what_does_not_parse_has_values_or_none_but_no_error(form: str) -> None:
    for language in ("sql", "functional", "frame", "list"):
        assert all(form[one.start : one.end] for one in values(form, language)), "each stands in the text"


@pytest.mark.parametrize(
    ("text", "name", "exact", "wanted"),
    [
        ("New York and new  york, newyork, new yorker", "new york", False, ["New York", "new  york"]),
        ("in May he may go to Mayfair", "May", True, ["May"]),
        ("12, 1.12, 12.5, 112 and 12.", "12", True, ["12", "12"]),
        ("C++ is no C", "C++", True, ["C++"]),
        ("e\u0301 e", "e", True, ["e"]),
        ("x", "", True, []),
    ],
)
def test_names_are_mentioned_as_whole_words(text: str, name: str, exact: bool, wanted: list[str]) -> None:
    assert [text[start:end] for start, end in mentions(text, name, exact=exact)] == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1984", "year who"), ("12,000", "number who"), ("University of Oxford", "name who"), ("the king", ""),
        ("Ann", "name who"), ("Ann loves Bob", ""), ("東京", ""), ("", ""), ("A B C D E F G", ""),
        ("2101", "number who"),
    ],
)  # fmt: skip
def test_answers_are_sorted_by_shape_and_question(text: str, wanted: str) -> None:
    assert answer_sort(text, "Who, then?") == wanted
