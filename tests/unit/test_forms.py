"""Logical forms: read, cut, joined, compared; on every gold form of the data sets, and on made ones."""

from __future__ import annotations

import gzip
import json
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlptl import forms
from nlptl.errors import BadInput
from nlptl.forms import FormError


def sql_forms(root: Path) -> Iterator[str]:
    for query in json.loads((root / "geoquery/geography.json").read_text(encoding="utf-8")):
        for sentence in query["sentences"]:
            for form in query["sql"]:
                for name, value in sentence["variables"].items():
                    form = form.replace(name, value)
                yield form
    for name in ("train", "dev"):
        lines = (root / f"geoquery/questions_sql_{name}.jsonl").read_text(encoding="utf-8").splitlines()
        yield from (json.loads(line)["query"] for line in lines)


def functional_forms(root: Path) -> Iterator[str]:
    tree = ET.parse(root / "geoquery/geography-multilingual.xml")
    yield from (str(node.text).strip() for node in tree.iter("mrl"))
    for name in ("train", "dev", "test"):
        lines = (root / f"geoquery/logic_{name}.tsv").read_text(encoding="utf-8").splitlines()
        yield from (line.split("\t")[1] for line in lines)


def packed(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def list_forms(root: Path) -> Iterator[str]:
    for path in sorted((root / "overnight").glob("*.tsv.gz")):
        yield from (line.split("\t")[1] for line in packed(path))


def frames(root: Path) -> Iterator[str]:
    for path in sorted((root / "mtop_en").glob("*.jsonl.gz")):
        yield from (json.loads(line)["logical_form"] for line in packed(path))


def actions(root: Path) -> Iterator[str]:
    for path in sorted((root / "scan").glob("tasks_*_simple.txt.gz")):
        yield from (line.split(" OUT: ")[1] for line in packed(path))


GOLD = {
    "sql": (sql_forms, 1249),
    "functional": (functional_forms, 1978),
    "list": (list_forms, 1139),
    "frame": (frames, 14956),
    "words": (actions, 9228),
}
"""Language -> its gold forms, and how many different ones there are."""


@pytest.mark.parametrize("language", forms.LANGUAGES)
def test_every_gold_form_survives_being_cut_and_joined(data: Path, language: str) -> None:
    read, different = GOLD[language]
    gold = sorted(set(read(data)))
    assert len(gold) == different
    for form in gold[:: 7 if language == "frame" else 1]:
        canonical = forms.normal(form, language)
        assert forms.normal(forms.joined(forms.pieces(form, language), language), language) == canonical
        assert forms.normal(canonical, language) == canonical
        assert forms.template(canonical, language) == forms.template(form, language)
        assert forms.normal(forms.shortened(form, language), language) == canonical
        assert forms.check(form, language) is None


def test_shorter_queries_give_the_same_rows(data: Path) -> None:
    database = sqlite3.connect(f"file:{data}/geoquery/geography-db.sqlite?mode=ro", uri=True)

    def rows(form: str) -> list[tuple[object, ...]] | None:
        try:
            return database.execute(form).fetchall()
        except sqlite3.Error:
            return None

    gold = sorted(set(sql_forms(data)))
    ran = 0
    for form in gold:
        want = rows(form)
        ran += want is not None
        for other in (forms.shortened(form, "sql"), forms.normal(form, "sql")):
            assert rows(other) == want, other
    assert ran == len(gold) - 4
    words = [
        sum(forms.length(one, "sql") for one in some) for some in (gold, [forms.shortened(f, "sql") for f in gold])
    ]
    assert words[1] < 0.72 * words[0]
    database.close()


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        (
            "sql",
            'SELECT Ca0.NAME FROM CITY AS Ca0 WHERE Ca0.S = "new york" ;',
            "select name from city where s='new york'",
        ),
        ("sql", "SELECT a FROM t WHERE x = 1 AND y = 2", "SELECT a FROM t WHERE y = 2 AND (x = 1)"),
        ("sql", "SELECT x.a FROM t x, t y WHERE x.b = y.b", "SELECT p.a FROM t AS p, t AS q WHERE p.b = q.b"),
        ("sql", "SELECT a FROM t, u", "SELECT a FROM t CROSS JOIN u"),
        ("sql", "SELECT a AS n FROM t ORDER BY b ASC", "SELECT a FROM t ORDER BY b"),
        ("functional", "answer(state('new york'))", "answer ( state ( ' new  york ' ) )"),
        ("functional", "a(B,(c(B),d(B,E)))", "a ( X , ( c ( X ) , d ( X , Y ) ) )"),
        ("list", "( lambda s ( f ( var s ) ( string s ) ) )", "(lambda q (f (var q) (string s)))"),
        ("list", "(lambda $0 e (river $0))", "(lambda $9 e (river $9))"),
        ("frame", "[IN:A [SL:B x  y ] ]", "[IN:A [SL:B x y] ]"),
        ("words", "I_RUN  I_WALK ", "I_RUN I_WALK"),
    ],
)
def test_what_says_the_same(language: str, one: str, other: str) -> None:
    assert forms.normal(one, language) == forms.normal(other, language)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("sql", "SELECT a FROM t WHERE s = 'Texas'", "SELECT a FROM t WHERE s = 'texas'"),
        ("sql", "SELECT a FROM t WHERE x = 1 OR y = 2 AND z = 3", "SELECT a FROM t WHERE (x = 1 OR y = 2) AND z = 3"),
        ("sql", "SELECT MAX(a) AS a FROM t WHERE a > 1", "SELECT MAX(b) AS b FROM t WHERE b > 1"),
        ("sql", "SELECT x.a FROM t x, t y WHERE x.b = y.c", "SELECT y.a FROM t x, t y WHERE x.b = y.c"),
        ("sql", 'SELECT "a" FROM t', "SELECT `a` FROM t"),
        ("sql", "SELECT a FROM t, u", "SELECT a FROM u, t"),
        ("sql", "SELECT n FROM t AS x WHERE EXISTS (SELECT 1 FROM t AS y WHERE y.a = x.a)",
         "SELECT n FROM t AS x WHERE EXISTS (SELECT 1 FROM t AS y WHERE y.a = y.a)"),
        ("sql", "SELECT s.area, MAX(d.area) FROM s, (SELECT MAX(area) AS area FROM s) AS d",
         "SELECT s.area, MAX(d.pop) FROM s, (SELECT MAX(area) AS pop FROM s) AS d"),
        ("sql", "SELECT s.area, d.area FROM s, (SELECT MAX(pop) AS area FROM s) AS d",
         "SELECT s.name, d.name FROM s, (SELECT MAX(pop) AS name FROM s) AS d"),
        ("sql", "SELECT COUNT(a) AS b FROM t AS x GROUP BY c ORDER BY x.b",
         "SELECT COUNT(a) AS b FROM t AS x GROUP BY c ORDER BY b"),
        ("functional", "a(B,c(B,D))", "a(B,c(D,B))"),
        ("functional", "a('B')", "a(B)"),
        ("functional", "a(b,c)", "a((b,c))"),
        ("list", "(lambda $0 e (f $0 $1))", "(lambda $0 e (f $0 $0))"),
        ("list", "( lambda $0 e ( f $0 $1 ( lambda $1 e $1 ) ) )", "( lambda $0 e ( f $0 $0 ( lambda $1 e $1 ) ) )"),
        ("list", "( f ( var s ) )", "( f ( var t ) )"),
        ("frame", "[IN:A [SL:B x ] [SL:C y ] ]", "[IN:A [SL:C y ] [SL:B x ] ]"),
        ("frame", "[IN:A [SL:B x ] ]", "[IN:A [SL:B X ] ]"),
    ],
)  # fmt: skip
def test_what_does_not(language: str, one: str, other: str) -> None:
    assert forms.normal(one, language) != forms.normal(other, language)


@pytest.mark.parametrize(
    ("language", "form", "position", "what"),
    [
        ("sql", "SELECT a FROM t WHERE (x = 1", 22, "never closed"),
        ("sql", "SELECT a FROM t)", 15, "closes nothing"),
        ("sql", "SELECT a FROM t WHERE x = 'new", 26, "quotation mark"),
        ("sql", "SELECT a FROM t WHERE a = = b", 26, "missing"),
        ("sql", "SELECT a FROM\n t GROUP a", 23, "Unexpected"),
        ("sql", "SELECT a,, b FROM t", 8, "comma"),
        ("sql", "SELECT a FROM t WHERE a ^ 1", 24, "unknown sign"),
        ("sql", "DROP TABLE t", 0, "SELECT"),
        ("sql", "SELECT 1; SELECT 2", 0, "several"),
        ("sql", "```sql", 2, "unknown sign"),
        ("sql", "SELECT " + "(" * 90 + "1" + ")" * 90, 47, "deep"),
        ("sql", "SELECT " + "NOT " * 3000 + "1", 0, "deep"),
        ("sql", "SELECT " + ".".join("a" * 2000), 0, "deep"),
        ("sql", "SELECT " + "1 BETWEEN 2 AND " * 500 + "3", 0, "deep"),
        ("sql", "SELECT 1" + " " * 20_000, 20_000, "longer"),
        ("sql", " ", 0, "empty"),
        ("functional", "answer(city(loc_2(all))", 23, "')' is needed"),
        ("functional", "answer(city))", 12, "nothing more"),
        ("functional", "answer(city & all)", 12, "unknown sign '&'"),
        ("functional", "answer(,a)", 7, "a term"),
        ("functional", "stateid('new york)", 8, "quotation mark"),
        ("functional", "a(" * 300 + "b" + ")" * 300, 402, "deep"),
        ("list", "( call ( f )", 0, "never closed"),
        ("list", "( call ) )", 9, "nothing more"),
        ("frame", "[IN:A [SL:B x ]", 0, "never closed"),
        ("frame", "[IN:A [IN:B ] ]", 6, "a slot"),
        ("frame", "play music", 0, "an intent"),
        ("frame", "[IN:A x ] ]", 10, "nothing more"),
        ("words", "", 0, "empty"),
    ],
)
def test_faults_have_a_place(language: str, form: str, position: int, what: str) -> None:
    with pytest.raises(FormError) as found:
        forms.normal(form, language)
    assert what in found.value.what
    assert found.value.position == position
    problem = forms.check(form, language)
    assert problem is not None
    assert f"character {position}" in str(problem)


def test_words_in_literals_can_be_copied() -> None:
    assert forms.pieces("SELECT max(a) FROM t WHERE s='new york'", "sql") == [
        "SELECT", "max", "(", "a", ")", "FROM", "t", "WHERE", "s", "=", "'", "new", "york", "'",
    ]  # fmt: skip
    assert forms.pieces("SELECT 'o''brien  x'", "sql") == ["SELECT", "'", "o'brien", "  ", "x", "'"]
    assert forms.joined(["SELECT", "'", "o'brien", "'"], "sql") == "SELECT 'o''brien'"
    assert forms.pieces("a(b('new york'),_)", "functional") == [
        "a", "(", "b", "(", "'", "new", "york", "'", ")", ",", "_", ")",
    ]  # fmt: skip
    assert forms.pieces("[IN:A play [SL:B x ] ]", "frame") == ["[IN:A", "play", "[SL:B", "x", "]", "]"]
    assert forms.pieces("( call SW.f ( number 3 ) )", "list") == ["(", "call", "SW.f", "(", "number", "3", ")", ")"]


def test_templates_forget_values_alone() -> None:
    first = "SELECT a FROM t WHERE s = 'texas' AND n > 15 ORDER BY 2 LIMIT 1"
    assert forms.template(first, "sql") == "SELECT a FROM t WHERE n > ? AND s = ? ORDER BY 2 LIMIT 1"
    assert forms.template("a(stateid('new york'),all,_,X)", "functional") == "a(stateid(?), all, _, A)"
    assert (
        forms.template("_a ( X , _const ( B , _stateid ( texas ) ) )", "functional") == "_a(A, _const(B, _stateid(?)))"
    )
    assert forms.template("( f ( number 3 en.star ) en.player.x )", "list") == "( f ( number ? en.star ) ? )"
    assert forms.template("[IN:A to [SL:B x y ] ]", "frame") == "[IN:A ? [SL:B ? ] ]"


def test_depth_and_length() -> None:
    assert forms.tree_depth("SELECT a FROM t WHERE b = (SELECT MAX(b) FROM t)", "sql") == 2
    assert forms.tree_depth("answer(city(all))", "functional") == 3
    assert forms.tree_depth("[IN:A [SL:B x ] ]", "frame") == 3
    assert forms.tree_depth("I_RUN I_RUN", "words") == 1
    assert forms.length("answer(city(all))", "functional") == 7


def test_other_languages_are_named() -> None:
    with pytest.raises(BadInput, match="did you mean 'sql'"):
        forms.normal("SELECT 1", "sqll")


LANGUAGE = st.sampled_from(forms.LANGUAGES)
SIGNS = "( ) [ ] , . ; ' \" SELECT FROM a t WHERE = < > 1 1.5 - * / [IN:A [SL:B \\+ lambda var $1 AS"
PIECE = st.one_of(st.text(max_size=6), st.sampled_from(SIGNS.split(" ")))


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECE, max_size=25), LANGUAGE)
def test_nothing_but_form_errors(given_pieces: list[str], language: str) -> None:
    text = forms.joined(given_pieces, language)
    forms.pieces(text, language)
    fault: FormError | None = None
    try:
        canonical = forms.normal(text, language)
    except FormError as error:
        fault = error
    if fault is not None:
        assert 0 <= fault.position <= len(text)
    else:
        assert forms.normal(forms.joined(forms.pieces(text, language), language), language) == canonical
        assert forms.normal(canonical, language) == canonical


WORD = st.sampled_from(["a", "b", "c"])
LITERAL = st.one_of(
    st.integers(0, 3).map(str), st.text(alphabet="a b'\"x", max_size=5).map(lambda t: "'" + t.replace("'", "''") + "'")
)


@st.composite
def select(draw: st.DrawFn, outer: tuple[str, ...] = (), depth: int = 0) -> str:
    """Draw a query over t(a, b, c) and u(a, b, c) with aliases, inner and derived queries; most of them run."""
    given_names = [f"n{depth}{number}" for number in range(draw(st.integers(1, 2)))]

    def source(name: str) -> str:
        if depth < 2 and draw(st.integers(0, 3)) == 0:
            return (
                f"(SELECT MAX(a) AS a, {draw(WORD)} AS b, c FROM {draw(st.sampled_from('tu'))} GROUP BY b, c) AS {name}"
            )
        return f"{draw(st.sampled_from('tu'))} AS {name}"

    def column() -> str:
        return f"{draw(st.sampled_from([*given_names, *outer]))}.{draw(WORD)}"

    def condition() -> str:
        choice = draw(st.integers(0, 4 if depth < 2 else 2))
        if choice <= 1:
            return f"{column()} {draw(st.sampled_from(['=', '<', '<>']))} {draw(LITERAL)}"
        if choice == 2:
            return f"{column()} = {column()}"
        inner = draw(select(tuple([*outer, *given_names]), depth + 1))
        return f"{column()} IN ({inner})" if choice == 3 else f"({condition()} OR {condition()})"

    where = " AND ".join(condition() for _ in range(draw(st.integers(1, 3))))
    output = f"{given_names[0]}.{draw(WORD)}{draw(st.sampled_from(['', ' AS a', ' AS z']))}"
    if depth:
        output = output.split(" ")[0]
    order = draw(st.sampled_from(["", " ORDER BY a", f" ORDER BY {given_names[0]}.a, 1"]))
    return (
        f"SELECT {output} FROM {', '.join(source(name) for name in given_names)} WHERE {where}{'' if depth else order}"
    )


@settings(max_examples=120, deadline=None)
@given(select())
def test_made_queries_give_the_same_rows(form: str) -> None:
    database = sqlite3.connect(":memory:")
    for number, table in enumerate("tu"):
        database.execute(f"CREATE TABLE {table} (a, b, c)")
        rows = [(i % 3, (i * 7 + number) % 4, "abx"[i % 3]) for i in range(6)]
        database.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)
    try:
        want = database.execute(form).fetchall()
    except sqlite3.Error:
        want = None
    canonical = forms.normal(form, "sql")
    for other in (forms.shortened(form, "sql"), canonical, forms.joined(forms.pieces(form, "sql"), "sql")):
        assert forms.normal(other, "sql") == canonical
        if want is not None:
            assert sorted(map(repr, database.execute(other).fetchall())) == sorted(map(repr, want)), other
    database.close()
