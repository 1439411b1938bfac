"""Made geography: what it says is true, in five languages, the same everywhere, and apart where it must be."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import tiny
import tiny_checkpoints
from geography_help import every_item, everything_said

from nlptl import cards, kinds
from nlptl.checks import check
from nlptl.data import rows as data_rows
from nlptl.errors import BadInput
from nlptl.geography import database, described, grammar, items, writing
from nlptl.geography.template import Fact
from nlptl.geography.world import phrase, world
from nlptl.sources import Part

ROWS = {"train": 260, "dev": 65, "test": 65, "test_compositional": 65}
EDITION_1 = "3613b71f46737619b5ed043df3b3292edb72b9d21086a6984ae34c7daf948fba"
"""sha256 of all that edition 1 can say. Facts and sentences change under a new edition alone: cards depend on them."""


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the database out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NLPTL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield tmp_path_factory.getbasetemp()


def source(**changes: Any) -> Any:
    settings = {"edition": 1, "seed": 1, "rows": ROWS, "holdout": "combinations", "unanswered": 0.1} | changes
    return kinds.shelf("sources")["geography"].model_validate({"kind": "geography", **settings})


def read(split: str, language: str, **changes: Any) -> list[dict[str, Any]]:
    return [one.values for one in source(**changes).records(Part(split, language, None, split))]


def test_the_facts_fit_together() -> None:
    everything = world()
    assert len(everything.countries) == 70
    for country in everything.countries.values():
        assert country.name not in country.neighbours
        assert all(country.name in everything.countries[other].neighbours for other in country.neighbours)
        assert set(country.languages) <= set(everything.languages)
        assert country.languages
    assert len({country.capital for country in everything.countries.values()}) == len(everything.countries)
    for river in everything.rivers.values():
        assert river.countries
        assert set(river.countries) <= set(everything.countries)


def test_known_facts() -> None:
    """A sample that anyone can check."""
    found = {name: items.truth(name, args) for name, args in [
        ("neighbours", ("Switzerland",)), ("largest", ("Africa",)), ("populous", ("North America",)),
        ("longest_river", ("Egypt",)), ("capital/largest", ("North America",)), ("languages", ("Belgium",)),
        ("most_neighbours", ("South America",)), ("country_of_capital", ("N'Djamena",)),
        ("neighbours/largest", ("Oceania",)),
    ]}  # fmt: skip
    assert found == {
        "neighbours": ["Austria", "France", "Germany", "Italy"], "largest": ["Algeria"], "populous": ["United States"],
        "longest_river": ["Nile"], "capital/largest": ["Ottawa"], "languages": ["Dutch", "French", "German"],
        "most_neighbours": ["Brazil"], "country_of_capital": ["Chad"], "neighbours/largest": [],
    }  # fmt: skip


@pytest.mark.parametrize("language", grammar.LANGUAGES)
def test_no_two_things_of_a_kind_have_one_name(language: str) -> None:
    everything = world()
    capitals = [country.capital for country in everything.countries.values()]
    named = {"country": list(everything.countries), "city": capitals, "river": list(everything.rivers),
             "language": list(everything.languages), "continent": list(everything.continents)}  # fmt: skip
    for kind, names in named.items():
        assert len({phrase(kind, name, language).nom for name in names}) == len(names), kind


def test_sqlite_finds_what_python_finds() -> None:
    """Two roads to one answer: the SQL over the database, and the facts themselves."""
    with closing(sqlite3.connect(database.place())) as connection:
        for name, template in items.templates().items():
            asked = items.askable(name)
            assert asked, name
            for args in asked:
                found = [value for (value,) in connection.execute(template.sql(args))]
                assert found == items.truth(name, args), (name, args)


def test_the_order_of_rows_is_written_in_the_query() -> None:
    for name, template in items.templates().items():
        for args in items.askable(name):
            if len(items.truth(name, args) or ()) > 1:
                assert " ORDER BY " in template.sql(args).rsplit(")", 1)[-1], name


def test_the_database_is_made_again_where_it_is_damaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NLPTL_CACHE", str(tmp_path / "new"))
    path = database.place()
    assert path.parent == tmp_path / "new" / "made"
    assert database.digest()[:16] in path.name
    good = path.read_bytes()
    path.write_bytes(good[:5000])
    database._verified.cache_clear()
    assert database.place().read_bytes() == good
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE country SET capital = 'Bonn' WHERE name = 'Germany'")
        connection.commit()
    database._verified.cache_clear()
    assert database.place().read_bytes() == good
    path.unlink()
    assert database.place().read_bytes() == good
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_cache_that_cannot_be_written_is_the_users_to_mend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NLPTL_CACHE", str(tmp_path / "file"))
    with pytest.raises(BadInput, match="let \\$NLPTL_CACHE name a folder"):
        database.place()


@pytest.mark.parametrize("split", items.SPLITS)
def test_answers_stand_where_they_are_said_to(split: str) -> None:
    for language in grammar.LANGUAGES:
        chosen = items.chosen(1, "combinations", split, ROWS[split], 0.1)
        for row, item in zip(read(split, language), chosen, strict=True):
            context = row["context"]
            said = re.findall(r"。" if language == "jpn" else r"\.(?= |$)", context)
            assert writing.LEAST <= len(said) <= writing.MOST, context
            assert bool(row["answers"]) == item.answered == (row["truth"] != "[]")
            for answer in row["answers"]:
                start, end = answer["start"], answer["start"] + len(answer["text"])
                assert context[start:end] == answer["text"]
                own = writing.statement(Fact(item.template.name, item.args), language)
                place = context.index(own)
                assert place <= start < end <= place + len(own), "it is the sentence that answers"


def test_passages_say_nothing_twice_and_answer_once() -> None:
    for item in items.chosen(1, "combinations", "train", 400, 0.1):
        facts = writing._facts(Fact(item.template.name, item.args), item.way, 1)
        said = [writing.statement(fact, "eng") for fact in facts]
        assert len(set(said)) == len(said)


def test_passages_are_parallel() -> None:
    """The answer stands in the same sentence of as many in every language."""
    ends = {"jpn": "。"}
    for item in items.chosen(1, "combinations", "train", 200, 0.0):
        shapes = set()
        for language in grammar.LANGUAGES:
            found = writing.passage(item, language, 1)
            parts = re.split(ends.get(language, r"\.(?= |$)"), found.text)
            before = re.split(ends.get(language, r"\.(?= |$)"), found.text[: found.start])
            shapes.add((len(parts), len(before)))
        assert len(shapes) == 1, item


def test_rows_are_the_same_items_in_every_language() -> None:
    for split in ROWS:
        found = [read(split, language) for language in grammar.LANGUAGES]
        for row in zip(*found, strict=True):
            for column in ("label", "form", "database", "template", "truth"):
                assert len({one[column] for one in row}) == 1
            assert len({one["question"] for one in row}) == len(grammar.LANGUAGES)
            assert all(one["question"] == one["text"] for one in row)
            assert len({len(one["answers"]) for one in row}) == 1


def test_no_question_and_no_query_stands_in_two_splits() -> None:
    """Over all there are, not only the rows that a card takes."""
    for holdout in ("combinations", "depth"):
        asked_of = {split: every_item(split, holdout) for split in items.SPLITS}
        queries = {split: {item.template.sql(item.args) for item in found} for split, found in asked_of.items()}
        for one, other in itertools.combinations(items.SPLITS, 2):
            assert not queries[one] & queries[other]
    for language in grammar.LANGUAGES:
        asked = Counter(writing.question(item, language) for split in items.SPLITS for item in every_item(split))
        assert asked.most_common(1)[0][1] == 1, asked.most_common(3)


@pytest.mark.parametrize("holdout", ["combinations", "depth"])
def test_what_is_held_out_is_never_trained_on(holdout: Any) -> None:
    seen = {split: {item.template.name for item in items.pool(1, holdout, split, True)} for split in items.SPLITS}
    held = seen.pop("test_compositional")
    assert held
    assert not held & set().union(*seen.values())
    assert set().union(*seen.values()) | held == set(items.templates())
    assert seen["train"] >= seen["dev"]
    assert seen["train"] >= seen["test"]
    parts = [items.templates()[name] for name in held]
    trained = [items.templates()[name] for name in seen["train"]]
    assert {one.words for one in parts} <= {one.words for one in trained}, "what is asked is seen with other countries"
    ways = {one.described for one in trained if one.words in described.ASKED}
    assert ways == (set(described.DESCRIPTIONS) if holdout == "combinations" else {""})
    assert {one.described for one in parts} == set(described.DESCRIPTIONS) - {""}


def test_a_longer_split_begins_with_the_shorter() -> None:
    assert read("train", "fra", rows={"train": 40}) == read("train", "fra")[:40]
    assert read("train", "fra", seed=2) != read("train", "fra")


def test_classes_come_in_equal_numbers() -> None:
    counts = Counter(row["label"] for row in read("train", "eng", unanswered=0.0))
    assert len(counts) == 13
    assert set(counts.values()) == {20}


def test_a_share_of_questions_has_no_answer() -> None:
    assert sum(not row["answers"] for row in read("train", "eng", unanswered=0.1)) == 26
    assert sum(not row["answers"] for row in read("train", "eng", unanswered=0.0)) == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"rows": {"train": 100_000}, "unanswered": 0.0},
            "train: there are 22,434 different questions, 100,000 rows need more",
        ),
        ({"rows": {"dev": 1000}, "unanswered": 0.2}, "dev: there are 78 different questions without an answer"),
        ({"rows": {"trian": 10}}, "no split 'trian'; did you mean 'train'"),
        ({"rows": {"train": -1}}, "-1 is not a number of rows"),
        ({"edition": 2}, "Input should be 1"),
    ],
)
def test_what_there_is_not_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        source(**changes)


def test_splits_and_languages_that_there_are_not() -> None:
    with pytest.raises(BadInput, match="no split 'dev'"):
        list(source(rows={"train": 5}).records(Part("dev", "eng", None, "x")))
    with pytest.raises(BadInput, match="no language 'ita'"):
        list(source().records(Part("dev", "ita", None, "x")))


def test_an_edition_never_changes() -> None:
    text = database.script() + "".join(f"{language} {said}\n" for language, said in everything_said())
    text += "".join(row for split in ROWS for language in grammar.LANGUAGES for row in _without_place(split, language))
    found = hashlib.sha256(text.encode()).hexdigest()
    assert found == EDITION_1, "facts, sentences or their choice changed: give them a new edition, or take it back"


def _without_place(split: str, language: str) -> list[str]:
    return [json.dumps({**row, "database": ""}, ensure_ascii=False) for row in read(split, language)]


def test_rows_do_not_depend_on_the_process() -> None:
    code = (
        "import hashlib; from nlptl.sources import Part; from nlptl.sources.geography import Geography\n"
        f"settings = dict(edition=1, seed=1, rows={ROWS!r}, holdout='combinations', unanswered=0.1)\n"
        "made = Geography(kind='geography', **settings)\n"
        "rows = [one.values for one in made.records(Part('train', 'jpn', None, 'x'))]\n"
        "print(hashlib.sha256(repr([{**row, 'database': ''} for row in rows]).encode()).hexdigest())"
    )
    own = repr([{**row, "database": ""} for row in read("train", "jpn")])
    told = {tiny.python("-c", code, PYTHONHASHSEED=seed).stdout.strip() for seed in ("1", "2")}
    assert told == {hashlib.sha256(own.encode()).hexdigest()}


def write_card(folder: Path, name: str, train: int = 39) -> Path:
    """Write a shipped card with fewer rows and without overlaps."""
    found = cards.find(name).value
    tree = json.loads(found.model_dump_json(exclude_defaults=True))
    tree["source"]["rows"] = {"train": train, "dev": 13, "test": 13, "test_compositional": 10}
    tree |= {"splits": {split: {} for split in tree["splits"]}, "overlaps": [], "name": "geography"}
    path = folder / "geography.yaml"
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def test_parsing_rows_carry_query_and_database(tmp_path: Path) -> None:
    card = cards.find(str(write_card(tmp_path, "geography_parsing"))).value
    for row in data_rows.rows(data_rows.load(card, "train")):
        with closing(sqlite3.connect(row.values["database"])) as connection:
            found = [list(one) for one in connection.execute(row.values["form"])]
        assert found == json.loads(row.values["truth"]) != []
    named = json.loads(Path(tmp_path / "geography.yaml").read_text(encoding="utf-8"))
    named["form"]["database"] = {"file": "a.sqlite", "sha256": "0" * 64}
    (tmp_path / "geography.yaml").write_text(json.dumps(named), encoding="utf-8")
    with pytest.raises(BadInput, match="the source makes the database"):
        cards.find(str(tmp_path / "geography.yaml"))
    ids = [row.id for row in data_rows.rows(data_rows.load(card, "dev", ["deu", "jpn"]))]
    assert ids[0] == "dev/deu/000000"
    assert ids[13] == "dev/jpn/000000"


def worded_checkpoint(folder: Path) -> Path:
    """Save a tiny checkpoint whose tokenizer knows the English words, each as one piece."""
    import torch
    import transformers

    rows = read("train", "eng", rows={"train": 2000})
    words = {word for row in rows for word in re.findall(r"\w+|[^\w\s]", row["question"].lower())}
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(words)]
    tokenizer = transformers.BertTokenizer(vocab={name: number for number, name in enumerate(names)})
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = transformers.AutoModelForMaskedLM.from_config(tiny_checkpoints.config("bert", len(names), tiny.BERTS))
    tiny.save_pretrained(model, folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_classes_are_learnt(make: Callable[..., tiny.Tiny], near_gate: None, tmp_path: Path) -> None:
    """A tiny model with random weights learns them, and finds them in questions that it never saw."""
    card = write_card(tmp_path, "geography_classes", train=130)
    made = make(
        worded_checkpoint(tmp_path / "start"), data={"card": str(card), "languages": ["eng"]},
        train={"epochs": 15, "batch": 16, "learning_rate": 5e-3, "select": "last", "evaluate_every": 10_000},
        evaluate=[{"split": split, "languages": ["eng"]} for split in ("train", "test")],
    )  # fmt: skip
    result = made.run()
    assert result.score("train", "accuracy", "eng") > 0.95
    assert result.score("test", "accuracy", "eng") > 0.5, "13 classes"
    one = tiny.predictions(result.directory, "test-eng")[0]
    assert set(one["gold"]) == {"label"}, "a column beside those of the task is no gold"
    assert (result.directory / "report.html").is_file(), "and does no harm to the page"


def test_questions_take_two_steps(tmp_path: Path) -> None:
    checkpoint = tiny.save_checkpoint(tmp_path / "long", "bert", {"max_position_embeddings": 256})
    tree = tiny.recipe_tree(checkpoint, write_card(tmp_path, "geography_questions"))
    tree["model"]["max_tokens"] = 200
    tree["task"] = {"kind": "qa", "stride": 16, "answer_tokens": 40}
    recipe = tiny.write_recipe(tmp_path / "recipe.yaml", tree)
    assert check(recipe).card.name == "geography"
    steps = tiny.Tiny(tmp_path, recipe).parts().train(2)
    assert [step.examples for step in steps] == [8, 8]
