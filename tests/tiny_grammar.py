"""A small database, queries over it, a tokenizer and random walks for the tests of grammars."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nlptl.grammars.words import WordConstraint

TABLES = """
CREATE TABLE town (name TEXT, people INT, land TEXT, area REAL);
CREATE TABLE lake (lake_name TEXT, area REAL, land TEXT);
CREATE TABLE land (land TEXT, capital TEXT, people INT);
"""
GOOD = (
    "SELECT town.name FROM town",
    "SELECT TOWNalias0.NAME FROM TOWN AS TOWNalias0 WHERE TOWNalias0.PEOPLE > 10 AND TOWNalias0.LAND = \"new york\";",
    "select capital from land",
    "SELECT COUNT(*) FROM town WHERE land = 'a' OR NOT land <> 'b'",
    "SELECT t1.name FROM town AS t1 JOIN lake AS t2 ON t1.land = t2.land",
    "SELECT town.name FROM town LEFT OUTER JOIN lake ON lake.land = town.land WHERE lake.lake_name IS NULL",
    "SELECT name FROM town WHERE people = (SELECT MAX(people) FROM town)",
    "SELECT name FROM town WHERE land IN (SELECT land FROM lake WHERE area > 5.5) AND people BETWEEN 1 AND 9",
    "SELECT name FROM town WHERE EXISTS (SELECT 1 FROM lake WHERE lake.land = town.land)",
    "SELECT land, COUNT(1) FROM town GROUP BY land HAVING COUNT(1) > 2 ORDER BY COUNT(1) DESC LIMIT 3",
    "SELECT MAX(t1.c1) FROM (SELECT land, COUNT(1) AS c1 FROM lake GROUP BY land) AS t1",
    "SELECT MIN(c1) FROM (SELECT COUNT(DISTINCT lake_name) AS c1 FROM lake GROUP BY land)",
    "SELECT land FROM lake UNION SELECT land FROM town",
    "SELECT land FROM lake EXCEPT SELECT land FROM town WHERE name LIKE '%o''brien%'",
    "SELECT SUM(people) / SUM(area) FROM town WHERE people >= -5",
    "SELECT DISTINCT lake.area, people FROM lake, land ORDER BY people",
)  # fmt: skip
OUT_OF_SCOPE = {
    "SELECT lake_name FROM lake WHERE land IN (SELECT town.land FROM town LEFT JOIN land ON lake.land = town.land, "
    "lake)":
        "a table to the right of ON has the name that the outer one's was to be",
    "SELECT lake_name FROM lake WHERE land IN (SELECT town.land FROM town LEFT JOIN land ON town.land IN "
    "(SELECT lake.land FROM land), lake)": "the same in a query within ON",
    "SELECT TOWNalias1.name FROM town AS TOWNalias0": "the alias is another",
    "SELECT capital FROM town": "no table in FROM has it",
    "SELECT land FROM town, lake": "two tables in FROM have it",
    "SELECT t1.capital FROM town AS t1": "the table called so does not have it",
    "SELECT name FROM town WHERE lake.area > 3": "the table is not in FROM",
    "SELECT name FROM town WHERE land IN (SELECT land FROM lake WHERE capital = 'a')": "nor is it around",
    "SELECT t1.c2 FROM (SELECT COUNT(1) AS c1 FROM lake) AS t1": "the query in FROM gives no such column",
    "SELECT land, area FROM lake UNION SELECT land FROM town": "as many columns are needed",
    "SELECT name FROM town WHERE land = (SELECT land FROM lake ORDER BY town.people LIMIT 1)": "ORDER BY sees its own",
    "SELECT name FROM town WHERE land = (SELECT MAX(town.people) FROM lake)": "an aggregate of the outer query",
}
WRONG = {
    "SELECT town.capital FROM town": "another table's column",
    "SELECT name FROM village": "no such table",
    "SELECT name FROM town WHERE MAX(people) = 3": "no aggregate in WHERE",
    "SELECT MAX(COUNT(1)) FROM town": "no aggregate in another",
    "SELECT name FROM town WHERE land = (SELECT land, area FROM lake)": "one column is compared",
    "SELECT name FROM town ORDER BY 7": "a number there is the place of a column",
    "SELECTname FROM town": "a word ends",
}


def database(folder: Path) -> Path:
    """Write the database."""
    place = folder / "tiny.sqlite"
    with sqlite3.connect(place) as connection:
        connection.executescript(TABLES)
    connection.close()
    return place


def prepared(place: Path, query: str) -> str:
    """Let SQLite prepare a query; give its error, "" for none."""
    connection = sqlite3.connect(f"{place.as_uri()}?mode=ro", uri=True)
    try:
        connection.execute(f"EXPLAIN {query}")
    except sqlite3.Error as error:
        return str(error)
    finally:
        connection.close()
    return ""


def walk(held: WordConstraint, vocabulary: Sequence[str], seed: int, longest: int = 80) -> list[str] | None:
    """Take pieces that are allowed at random, those that close more often; None where the form is not whole by then."""
    rng = random.Random(seed)
    pieces: list[str] = []
    while len(pieces) < longest:
        if held.complete(pieces) and rng.random() < 0.4:
            return pieces
        fits = [piece for piece, yes in zip(vocabulary, held.allowed(pieces, vocabulary), strict=True) if yes]
        if not fits:
            return pieces if held.complete(pieces) else None
        closing = [piece for piece in fits if piece in (")", ";", "FROM", "'", '"')]
        pieces.append(rng.choice(closing if closing and rng.random() < 0.5 else fits))
    return None


def joined(pieces: Sequence[str]) -> str:
    """Put pieces together; a mark within a literal is doubled."""
    text: list[str] = []
    mark = ""
    for piece in pieces:
        if mark and piece != mark:
            text.append(piece.replace(mark, mark * 2))
            continue
        mark = "" if mark else piece if piece in ("'", '"') else ""
        text.append(piece)
    return " ".join(text)


def subwords(texts: Sequence[str], extra: Sequence[str] = ()) -> Any:
    """Make a byte-level tokenizer like GPT-2's: all bytes, the beginnings of the words of texts, `extra` texts."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = sorted({word for text in texts for word in text.split() if word.isalpha()})
    merges: dict[tuple[str, str], None] = {}
    for word in [*(f" {word}"[:5] for word in words), *extra]:
        part, *rest = word.replace(" ", "\u0120")
        for letter in rest:
            merges[part, letter] = None
            part += letter
    names = ["<end>", *letters, *("".join(pair) for pair in merges)]
    made = Tokenizer(models.BPE({name: n for n, name in enumerate(dict.fromkeys(names))}, list(merges)))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>", pad_token="<end>")
