"""The grammar of SQL and the scope of names: what SQLite prepares is accepted, and what is accepted SQLite prepares."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlglot
import tiny_grammar as tiny

from nlptl import forms
from nlptl.errors import BadInput
from nlptl.grammars import Held, for_sql, schema, schema_of
from nlptl.grammars.matching import made_tokenizer, matcher
from nlptl.grammars.words import WordConstraint

SIGN = re.compile(r"""'(?:''|[^'])*'|"[^"]*"|[A-Za-z_]\w*|\d+(?:\.\d+)?|<>|!=|<=|>=|\S""")


def signs(query: str) -> list[str]:
    return SIGN.findall(query)


def pieces(query: str) -> list[str]:
    found: list[str] = []
    for sign in signs(query):
        marked = sign[0] in "'\"" and len(sign) > 1
        found += [sign[0], *sign[1:-1].replace("''", "'").split(), sign[0]] if marked else [sign]
    return found


def in_scope(held: Held, query: str) -> bool:
    """Read a query sign by sign under the scope alone."""
    assert held.scope is not None
    state: Any = held.scope.start()
    for sign in signs(query):
        state = held.scope.after(state, sign)
        if state is None:
            return False
    return held.scope.complete(state)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.database(tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="module")
def held(database: Path) -> Held:
    return for_sql(schema_of(database))


@pytest.fixture(scope="module")
def reads(held: Held) -> Callable[[str], bool]:
    """Say whether the grammar alone accepts a text as it stands."""
    start = matcher(held.text, made_tokenizer([]))

    def reads(text: str) -> bool:
        copy = start.deep_copy()
        ids = list(text.encode())
        return copy.try_consume_tokens(ids) == len(ids) and copy.is_accepting()

    return reads


@pytest.mark.parametrize("query", tiny.GOOD)
def test_a_query_that_runs_is_accepted(query: str, database: Path, held: Held, reads: Callable[[str], bool]) -> None:
    assert tiny.prepared(database, query) == ""
    assert reads(query)
    assert reads(f" {query}")
    assert in_scope(held, query)
    words = WordConstraint(held, pieces(query))
    assert words.complete(pieces(query))
    assert not words.complete(pieces(query)[:3])


@pytest.mark.parametrize("query", tiny.OUT_OF_SCOPE)
def test_names_out_of_scope_are_refused(query: str, database: Path, held: Held, reads: Callable[[str], bool]) -> None:
    assert tiny.prepared(database, query) != ""
    assert reads(query)  # no grammar without context could say it
    assert not in_scope(held, query)
    assert not WordConstraint(held, pieces(query)).complete(pieces(query))


@pytest.mark.parametrize("query", tiny.WRONG)
def test_what_the_grammar_can_say_it_says(query: str, database: Path, held: Held) -> None:
    assert tiny.prepared(database, query) != ""
    assert not WordConstraint(held, pieces(query)).complete(pieces(query))


def test_random_walks_are_queries_that_sqlite_prepares(database: Path, held: Held) -> None:
    more = {"TOWNalias1", "LAKEalias0", "t3", "c2"}
    vocabulary = sorted({piece for query in tiny.GOOD for piece in pieces(query)} | more)
    words = WordConstraint(held, vocabulary)
    found = [tiny.joined(walk) for seed in range(120) if (walk := tiny.walk(words, vocabulary, seed)) is not None]
    assert len(found) >= 40
    assert [(query, error) for query in found if (error := tiny.prepared(database, query))] == []
    for query in found:
        sqlglot.parse_one(query, dialect="sqlite")
    assert words.stuck == 0


def test_a_copied_word_keeps_its_quotation_mark(held: Held) -> None:
    words = WordConstraint(held, pieces(tiny.GOOD[3]))
    before = ["SELECT", "name", "FROM", "town", "WHERE", "land", "=", "'"]
    assert words.allowed(before, ["o'brien", "'", "york", "unheard"]) == [True, True, True, True]
    assert words.complete([*before, "o'brien", "'"])
    assert not words.complete([*before, "o'brien"])
    candidates = ["york", "'", "5", "name", "capital", "lake"]
    assert words.allowed(before[:-1], candidates) == [False, True, True, True, False, False]


def test_pieces_do_not_depend_on_what_was_asked_before(held: Held) -> None:
    """A matcher that is dropped and built again gives the same answers."""
    vocabulary = sorted({piece for query in tiny.GOOD for piece in pieces(query)})
    one, other = WordConstraint(held, vocabulary), WordConstraint(held, vocabulary)
    other._words.matchers._most = 2
    for query in tiny.GOOD[::-1]:
        for end in range(len(pieces(query))):
            other.allowed(pieces(query)[:end], vocabulary)
    for query in tiny.GOOD[:6]:
        for end in range(len(pieces(query))):
            prefix = pieces(query)[:end]
            assert one.allowed(prefix, vocabulary) == other.allowed(prefix, vocabulary), prefix


def test_schema_of_reads_names_in_lower_case(tmp_path: Path) -> None:
    place = tmp_path / "odd.sqlite"
    with sqlite3.connect(place) as connection:
        connection.execute('CREATE TABLE Town (Name TEXT, "two words" INT, "order" INT)')
        connection.execute('CREATE TABLE "a b" (x INT)')
    connection.close()
    found = schema_of(place)
    assert dict(found.tables) == {"town": ("name",)}
    assert found.left_out == ("a b", "Town.two words", "Town.order")


@pytest.mark.parametrize("content", [None, b"no database, but text that is long enough to be taken for one" * 20, b""])
def test_schema_of_refuses_what_is_no_database(content: bytes | None, tmp_path: Path) -> None:
    place = tmp_path / "x.sqlite"
    if content is not None:
        place.write_bytes(content)
    with pytest.raises(BadInput, match="database"):
        schema_of(place)


def test_names_that_mean_something_else_are_not_given(held: Held) -> None:
    forms = ["SELECT tmp.biggest FROM (SELECT MAX(people) AS biggest FROM town) tmp WHERE tmp.biggest > 'lake tmp2'"]
    more = for_sql(schema({"town": ("name", "people")}), forms)
    assert WordConstraint(more, pieces(forms[0])).complete(pieces(forms[0]))
    assert not WordConstraint(held, pieces(forms[0])).complete(pieces(forms[0]))
    assert not WordConstraint(more, ["tmp2"]).complete(pieces("SELECT tmp2.name FROM town AS tmp2"))


# ---- GeoQuery


def gold(folder: Path) -> Iterator[str]:
    for entry in json.loads((folder / "geography.json").read_text(encoding="utf-8")):
        for sentence in entry["sentences"]:
            query = entry["sql"][0]
            for name, value in sentence["variables"].items():
                query = query.replace(name, value)
            yield query
    for split in ("train", "dev"):
        for line in (folder / f"questions_sql_{split}.jsonl").read_text(encoding="utf-8").splitlines():
            yield json.loads(line)["query"]


@pytest.fixture(scope="module")
def runnable(data: Path) -> list[str]:
    place = data / "geoquery" / "geography-db.sqlite"
    found = sorted(query for query in set(gold(data / "geoquery")) if not tiny.prepared(place, query))
    assert len(found) == 1216
    return found


def test_every_gold_query_that_runs_is_accepted(data: Path, runnable: list[str]) -> None:
    held = for_sql(schema_of(data / "geoquery" / "geography-db.sqlite"), runnable)
    start = matcher(held.text, made_tokenizer([]))
    refused = []
    for query in runnable:
        copy = start.deep_copy()
        ids = list(query.encode())
        if copy.try_consume_tokens(ids) != len(ids) or not copy.is_accepting() or not in_scope(held, query):
            refused.append(query)
    assert refused == []
    words = WordConstraint(held, sorted({piece for query in runnable for piece in pieces(query)}))
    assert [query for query in runnable[::4] if not words.complete(pieces(query))] == []


def test_every_shortened_gold_query_is_accepted(data: Path, runnable: list[str]) -> None:
    short = sorted({forms.shortened(query, "sql") for query in runnable})
    held = for_sql(schema_of(data / "geoquery" / "geography-db.sqlite"), short)
    words = WordConstraint(held, sorted({piece for query in short for piece in forms.pieces(query, "sql")}))
    assert [query for query in short if not words.complete(forms.pieces(query, "sql"))] == []


def test_random_walks_over_geoquery(data: Path, runnable: list[str]) -> None:
    place = data / "geoquery" / "geography-db.sqlite"
    vocabulary = sorted({piece for query in runnable for piece in pieces(query)})
    words = WordConstraint(for_sql(schema_of(place), runnable), vocabulary)
    found = [tiny.joined(walk) for seed in range(60) if (walk := tiny.walk(words, vocabulary, seed, 60)) is not None]
    assert len(found) >= 15
    assert [(query, error) for query in found if (error := tiny.prepared(place, query))] == []


def test_pieces_lead_into_no_dead_end_where_the_vocabulary_has_no_alias(held: Held) -> None:
    """A table that is in FROM already needs an alias; a decoder whose vocabulary has none must not write it again."""
    vocabulary = pieces(
        "SELECT name , COUNT ( * ) FROM town JOIN lake , land ON town . land = land . land WHERE 'x' AND 3"
    )
    begun = pieces("SELECT COUNT ( * ) FROM town ,")
    words = WordConstraint(held, vocabulary)
    assert words.allowed(begun, ["town", "lake"]) == [False, True]
    assert WordConstraint(held, [*vocabulary, "AS"]).allowed(begun, ["town"]) == [False]
    assert WordConstraint(held, [*vocabulary, "AS", "t1"]).allowed(begun, ["town"]) == [True]
    draw = random.Random(5)
    for _ in range(60):
        prefix: list[str] = []
        while len(prefix) < 40 and not words.complete(prefix):
            open_to = [one for one, may in zip(vocabulary, words.allowed(prefix, vocabulary), strict=True) if may]
            assert open_to, " ".join(prefix)
            prefix.append(draw.choice(open_to))
    assert words.stuck == 0
