"""`nlptl init` and `nlptl run` end in a model for files of other people's habits, or in one clear question."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from nlptl import cards
from nlptl.begin import Begun, Wishes, begin
from nlptl.errors import BadInput

ROWS = 60
GOOD = ("lovely", "warm", "quick", "friendly", "bright")
BAD = ("dull", "cold", "slow", "rude", "dark")


def texts(words: Sequence[Sequence[str]], count: int = ROWS, seed: int = 1) -> Iterator[tuple[int, str]]:
    """Give (class, sentence), no two alike, the class said by its words."""
    rng = random.Random(seed)
    things = ("room", "soup", "waiter", "lamp", "garden", "bill", "train", "clerk", "bread", "window", "coat", "song")
    for number in range(count):
        kind = number % len(words)
        first, second = rng.sample(things, 2)
        yield (
            kind,
            f"the {first} was {rng.choice(words[kind])} and the {second} of the {number}th day was just as we like it",
        )


def write_csv(
    path: Path, rows: Sequence[Sequence[Any]], delimiter: str = ",", encoding: str = "utf-8", end: str = "\n"
) -> None:
    """Write a table as spreadsheets do, quoted where it must be."""
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator=end).writerows(rows)
    path.write_bytes(file.getvalue().encode(encoding))


def quoted(folder: Path) -> list[str]:
    """Quoted line breaks, delimiters and quotation marks; an id, a date, and stars from 1 to 5."""
    five = (BAD, ("poor",), ("fair",), ("fine",), GOOD)
    rows = [
        [f"r-{number:04d}", f"2024-03-{number % 28 + 1:02d}", f'{text},\n"really", he said', kind + 1]
        for number, (kind, text) in enumerate(texts(five, 100))
    ]
    write_csv(folder / "reviews.csv", [["review_id", "date", "review", "stars"], *rows])
    return ["reviews.csv"]


def bom(folder: Path) -> list[str]:
    """UTF-8 with a byte order mark, semicolons, CRLF, German names of columns."""
    rows = [[f"Das Zimmer war schön; {text}", ("schlecht", "gut")[kind]] for kind, text in texts((BAD, GOOD))]
    write_csv(folder / "umfrage.csv", [["Kommentar", "Urteil"], *rows], ";", "utf-8-sig", "\r\n")
    return ["umfrage.csv"]


def western(folder: Path) -> list[str]:
    """cp1252 with a curly apostrophe, a column of ids with a name of its own, empty texts."""
    names = ("livraison", "qualité", "prix")
    rows = [
        [f"A{number}", f"J\u2019ai été très déçu, à mon goût {text}", names[kind]]
        for number, (kind, text) in enumerate(texts((BAD, GOOD, ("cheap", "dear"))))
    ]
    rows[7][1] = ""
    write_csv(folder / "avis.csv", [["ref", "avis", "catégorie"], *rows], ";", "cp1252")
    return ["avis.csv"]


def label_first(folder: Path) -> list[str]:
    """No header, tab, the label first, a quotation mark that opens nothing, ratings in words of two spellings."""
    lines = [
        f'{("ham", "spam")[kind] if number else "Ham"}\t"{text}'
        for number, (kind, text) in enumerate(texts((BAD, GOOD)))
    ]
    (folder / "sms.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["sms.tsv"]


def several_columns(folder: Path) -> list[str]:
    """Several labels as columns of 0 and 1."""
    rng = random.Random(3)
    rows = [
        [f"{number:016x}", text, *(int(kind == each or rng.random() < 0.2) for each in range(3))]
        for number, (kind, text) in enumerate(texts((BAD, GOOD, ("odd", "strange"))))
    ]
    write_csv(folder / "comments.csv", [["id", "comment_text", "toxic", "insult", "threat"], *rows])
    return ["comments.csv"]


def japanese(folder: Path) -> list[str]:
    """Japanese in Shift_JIS, no spaces between words, numbers as labels."""
    rng = random.Random(4)
    words = (("まずい", "遅い", "暗い"), ("おいしい", "早い", "明るい"))
    rows = [
        [
            f"{rng.choice(('部屋', '料理'))}はとても{rng.choice(words[number % 2])}です。{number}回目に行きました。",
            number % 2,
        ]
        for number in range(ROWS)
    ]
    write_csv(folder / "レビュー.csv", [["本文", "ラベル"], *rows], encoding="cp932")
    return ["レビュー.csv"]


def flags(folder: Path) -> list[str]:
    """One column of 0 and 1, an id and a date; no column is called label; pandas' unnamed index comes first."""
    rows = [
        [number, 9000 + number, f"{number % 28 + 1}.{number % 12 + 1}.2023", text, kind]
        for number, (kind, text) in enumerate(texts((BAD, GOOD)))
    ]
    write_csv(folder / "tickets.csv", [["", "ticket", "opened", "what happened", "escalated"], *rows])
    return ["tickets.csv"]


def lists(folder: Path) -> list[str]:
    """JSON Lines with lists of labels, other fields, an object within, and an empty line."""
    rng = random.Random(5)
    names = ("billing", "delivery", "quality")
    lines = [
        json.dumps(
            {"meta": {"id": number, "when": "2024-01-01T10:00"}, "body": text, "score": rng.random(), "verified": True,
             "tags": sorted({names[kind], rng.choice(names)}) if number % 9 else []}
        )
        for number, (kind, text) in enumerate(texts((BAD, GOOD, ("torn", "broken"))))
    ]  # fmt: skip
    lines.insert(20, "")
    (folder / "tickets.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["tickets.jsonl"]


def pairs(folder: Path) -> list[str]:
    """Pairs of texts between tabs, without a header, with files for each split."""
    for split, seed, count in (("train", 6, ROWS), ("valid", 7, 20), ("test", 8, 20)):
        gold = ("contradiction", "entailment")
        lines = [
            f"{text}\tso on day {seed}{number} all of it was {('bad', 'good')[kind]}\t{gold[kind]}"
            for number, (kind, text) in enumerate(texts((BAD, GOOD), count, seed))
        ]
        (folder / f"claims_{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-16")
    return ["claims_train.tsv"]


def two_labels(folder: Path) -> list[str]:
    """Two columns that can both be the label: only the owner knows."""
    rows = [[text, ("hotel", "food")[number % 3 % 2], kind] for number, (kind, text) in enumerate(texts((BAD, GOOD)))]
    write_csv(folder / "visits.csv", [["text", "topic", "rating"], *rows])
    return ["visits.csv"]


TRAINED = (quoted, bom, western, label_first, several_columns, japanese, flags, lists, pairs)
"""With `two_labels` these are the ten files of the issue."""

Started = Callable[..., Begun]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Started:
    """Write a file into an empty folder and look at it there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NLPTL_DATA", raising=False)

    def started(write: Callable[[Path], list[str]], **wishes: Any) -> Begun:
        return begin(write(tmp_path), (), (), Wishes(**wishes))

    return started


def card_of(begun: Begun) -> Any:
    return cards.find(str(begun.card)).value


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("write", TRAINED, ids=lambda write: write.__name__)
def test_init_and_run_end_in_a_model(write: Any, start: Started, checkpoint: Any, tmp_path: Path) -> None:
    from nlptl.runs import run

    begun = start(write)
    tiny = [f"model.checkpoint={checkpoint('bert')}", "model.max_tokens=48", "train.epochs=1", "machine.device=cpu"]
    (result,) = run(begun.recipe, overrides=tiny, out=tmp_path / "runs")
    assert (result.directory / "model" / "model.safetensors").is_file()
    assert result.report["rows"]["train"] == begun.rows["train"]
    assert 0 <= result.score("test") <= 1


def test_two_columns_that_can_be_the_label_are_one_question(start: Started, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as asked:
        start(two_labels)
    (problem,) = asked.value.problems
    assert problem.what == "several columns can be the label: 'topic' (hotel, food); 'rating' (0, 1)"
    assert problem.fix == "which one is to be predicted? --label topic or --label rating"
    assert [path.name for path in tmp_path.iterdir()] == ["visits.csv"]
    assert card_of(start(two_labels, label=("topic",))).labels == ("food", "hotel")


def plain(folder: Path, name: str = "notes.csv", **changes: Any) -> list[str]:
    """Write texts with labels and further columns; a value is a list of cells or a function of (row number, class)."""
    two = list(texts((BAD, GOOD)))
    columns: dict[str, Any] = {"text": [text for _, text in two], "label": [("bad", "good")[kind] for kind, _ in two]}
    columns |= {
        key: [make(number, kind) for number, (kind, _) in enumerate(two)] if callable(make) else make
        for key, make in changes.items()
    }
    columns = {key: value for key, value in columns.items() if value is not None}
    write_csv(folder / name, [list(columns), *zip(*columns.values(), strict=True)])
    return [name]


def as_json(folder: Path, **fields: Any) -> list[str]:
    """Write texts as JSON Lines; a field is a function of (row number, class)."""
    lines = [
        json.dumps({"text": text, **{key: make(number, kind) for key, make in fields.items()}})
        for number, (kind, text) in enumerate(texts((BAD, GOOD)))
    ]
    (folder / "notes.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["notes.jsonl"]


def rows_of(begun: Begun, split: str) -> list[Any]:
    """Read a split as a run does."""
    from nlptl.data import rows

    return rows.rows(rows.load(card_of(begun), split))


def test_a_column_of_splits(start: Started) -> None:
    part = lambda number, kind: "train" if number < 40 else "valid" if number < 50 else "test"  # noqa: E731
    begun = start(lambda folder: plain(folder, split=part))
    assert begun.rows == {"train": 40, "dev": 10, "test": 10}
    card = card_of(begun)
    assert card.pools == {}
    assert card.splits["dev"].files[0].where == {"split": "valid"}


def test_rows_in_a_language_that_training_lacks_are_told(start: Started) -> None:
    def write(folder: Path) -> list[str]:
        plain(folder, "test.csv", lang=lambda number, kind: ("de", "en", "fr")[number // 2 % 3])
        return plain(folder, "train.csv", lang=lambda number, kind: ("de", "en")[number // 2 % 2])

    begun = start(write)
    assert "20 rows of test are in a language that no training row has: left out" in begun.notes
    assert begun.rows["test"] == ROWS - 20


def test_a_long_file_is_looked_at_in_part_and_that_is_said(
    start: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nlptl.begin import reading

    monkeypatch.setattr(reading, "LOOKED_AT", 1 << 10)
    told: list[str] = []
    begun = begin(plain(tmp_path), (), (), Wishes(), say=told.append)
    assert "looked at" in {one.what for one in begun.guesses}
    assert told == ["reading the data", "making the splits"]
    assert sum(begun.rows.values()) == ROWS


def test_few_rows_of_dev_are_scored_and_choose_nothing(start: Started) -> None:
    from nlptl import checks

    plan = checks.check(start(plain).recipe).recipe
    assert plan.train.select == "last"
    assert [one.split for one in plan.evaluate] == ["test", "dev"]


def test_a_column_of_languages(start: Started) -> None:
    begun = start(lambda folder: plain(folder, lang=lambda number, kind: ("de", "en")[number // 2 % 2]))
    assert card_of(begun).languages == ("deu", "eng")
    assert {row.language for row in rows_of(begun, "train")} == {"deu", "eng"}


def test_true_and_false_of_json_are_labels(start: Started) -> None:
    begun = start(lambda folder: as_json(folder, spam=lambda number, kind: bool(kind)))
    assert card_of(begun).labels == ("false", "true")
    assert {row.values["label"] for row in rows_of(begun, "train")} == {"false", "true"}


def test_several_labels_in_one_value(start: Started) -> None:
    begun = start(lambda folder: plain(folder, label=lambda number, kind: ("a", "b;c", "c", "a;b", "b")[number % 5]))
    card = card_of(begun)
    assert (card.labels, card.separator, dict(card.columns)) == (
        ("a", "b", "c"),
        ";",
        {"text": "text", "labels": "label"},
    )
    assert ["b", "c"] in [row.values["labels"] for row in rows_of(begun, "train")]


def test_columns_of_which_exactly_one_is_set_are_one_label(start: Started) -> None:
    one_hot = {
        name: lambda number, kind, at=at: int(number % 3 == at) for at, name in enumerate(("red", "green", "blue"))
    }
    begun = start(lambda folder: plain(folder, label=None, **one_hot))
    assert dict(card_of(begun).columns)["label"] == {"red": "red", "green": "green", "blue": "blue"}
    assert {row.values["label"] for row in rows_of(begun, "train")} == {"red", "green", "blue"}


def test_ratings_become_labels_by_bands(start: Started) -> None:
    rated = lambda folder: plain(folder, label=None, score=lambda number, kind: f"{4 * kind + number / 100:.2f}")  # noqa: E731
    with pytest.raises(BadInput, match=r"'score' has 60 different numbers from 0.00 to 4.59: a measure, no labels"):
        start(rated)
    begun = start(rated, bands="low=..1,high=4..")
    assert card_of(begun).labels == ("low", "high")


def test_text_with_unquoted_commas(start: Started) -> None:
    def write(folder: Path) -> list[str]:
        lines = [
            f"{('ham', 'spam')[kind]},{text}, {'well, ' * (number % 3)}yes"
            for number, (kind, text) in enumerate(texts((BAD, GOOD)))
        ]
        (folder / "sms.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return ["sms.csv"]

    begun = start(write)
    assert card_of(begun).labels == ("ham", "spam")
    assert any(row.values["text"].endswith(", well, well, yes") for row in rows_of(begun, "train"))


@pytest.mark.parametrize("whole", [False, True])
def test_a_folder_with_a_file_or_a_folder_for_each_label(whole: bool, start: Started) -> None:
    def write(folder: Path) -> list[str]:
        for number, (kind, text) in enumerate(texts((BAD, GOOD))):
            place = (
                folder / "box" / ("neg", "pos")[kind] / f"{number}.txt"
                if whole
                else folder / "box" / f"my_{('neg', 'pos')[kind]}.txt"
            )
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")
        (folder / "box" / "README.md").write_text("# about", encoding="utf-8")
        return ["box"]

    begun = start(write)
    assert card_of(begun).labels == ("neg", "pos")
    assert sum(begun.rows.values()) == ROWS
    assert begun.recipe == Path("box.yaml")


def test_rows_without_text_or_label_are_dropped_and_counted(start: Started) -> None:
    def write(folder: Path) -> list[str]:
        two = list(texts((BAD, GOOD)))
        given = {"text": ["" if number in (3, 4) else text for number, (_, text) in enumerate(two)]}
        return plain(folder, **given, label=lambda number, kind: "" if number == 9 else ("bad", "good")[kind])

    begun = start(write)
    assert card_of(begun).drop == {"empty": {"all": 2}, "no label": {"all": 1}}
    assert sum(begun.rows.values()) == ROWS - 3
    assert begun.notes == ("2 rows without a text: dropped and counted", "1 row without a label: dropped and counted")


def test_ids_that_come_twice_are_not_used(start: Started) -> None:
    begun = start(lambda folder: plain(folder, id=lambda number, kind: number // 2))
    assert "id" not in card_of(begun).columns


def test_names_beside_numbers_are_the_labels(start: Started) -> None:
    begun = start(
        lambda folder: plain(
            folder, label=lambda number, kind: kind, label_text=lambda number, kind: ("bad", "good")[kind]
        )
    )
    assert card_of(begun).columns["label"] == "label_text"


def test_a_file_without_labels_is_no_test_set(start: Started) -> None:
    def write(folder: Path) -> list[str]:
        plain(folder, "test.csv", label=None)
        return plain(folder, "train.csv")

    begun = start(write)
    assert begun.notes[0].startswith("test.csv has no column label")
    assert card_of(begun).splits["test"].pool == "all"


def test_a_label_that_only_the_test_set_has_is_told(start: Started) -> None:
    def write(folder: Path) -> list[str]:
        plain(folder, "test.csv", label=lambda number, kind: ("bad", "god")[kind])
        return plain(folder, "train.csv")

    with pytest.raises(
        BadInput, match=r"30 of 60 rows have the label 'god', which no training row has; did you mean 'good'\?"
    ):
        start(write)


def test_recipe_and_card_lie_where_out_says_and_run_from_anywhere(
    start: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nlptl import checks

    (tmp_path / "there").mkdir()
    begun = start(plain, out=Path("there"), name="mine")
    place = begun.recipe.absolute()
    monkeypatch.chdir(tmp_path / "there")
    checked = checks.check(place)
    assert (checked.card.name, checked.recipe.data.root) == ("mine", str(tmp_path))


def test_nothing_is_overwritten(start: Started, tmp_path: Path) -> None:
    start(plain)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")}
    with pytest.raises(BadInput, match="is there already; --name NAME takes another name"):
        start(plain)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")} == before


def asked(folder: Path, *, lost: bool = False) -> list[str]:
    """SQuAD's JSON, laid out over lines, with one answer at a wrong offset; perhaps one that stands nowhere."""
    rng = random.Random(6)
    articles = []
    for number in range(20):
        color, year = rng.choice(("red", "blue", "green")), str(1800 + 7 * number)
        context = f"The hall of town {number} was built in {year} and painted {color} by {rng.choice(GOOD)} people."
        qas = [
            {"id": f"q{number}-{which}", "question": question,
             "answers": [{"text": answer, "answer_start": context.index(answer) + (number == 3 and which == "a")}]}
            for which, question, answer in (("a", "When was it built?", year), ("b", "What colour has it?", color))
        ]  # fmt: skip
        articles.append({"title": f"town {number}", "paragraphs": [{"context": context, "qas": qas}]})
    if lost:
        articles[5]["paragraphs"][0]["qas"][0]["answers"][0]["text"] = "nowhere"  # type: ignore[index]
    (folder / "halls.json").write_text(json.dumps({"version": "1.1", "data": articles}, indent=1), encoding="utf-8")
    return ["halls.json"]


@pytest.mark.usefixtures("near_gate")
def test_squad_json_ends_in_a_model_that_answers(start: Started, checkpoint: Any, tmp_path: Path) -> None:
    from nlptl.runs import run

    begun = start(lambda folder: asked(folder, lost=True))
    card = card_of(begun)
    assert card.tasks == ("qa",)
    assert card.columns == {name: name for name in ("id", "question", "context", "answers")}
    assert (card.mend, card.drop) == ({"offset": {"all": 1}}, {"lost answer": {"all": 1}})
    assert sum(begun.rows.values()) == 39
    contexts = [{row.values["context"] for row in rows_of(begun, split)} for split in begun.rows]
    assert sum(map(len, contexts)) == len(set().union(*contexts)) == 20
    tiny = [f"model.checkpoint={checkpoint('bert')}", "train.epochs=1", "machine.device=cpu", "model.max_tokens=48",
            "task.stride=8"]  # fmt: skip
    (result,) = run(begun.recipe, overrides=tiny, out=tmp_path / "runs")
    assert 0 <= result.score("test") <= 1
    assert result.report["task"] == "qa"


def test_squad_json_holds_no_labels(start: Started) -> None:
    with pytest.raises(BadInput, match="SQuAD's JSON holds answers and no labels"):
        start(asked, task="classification")


SQUAD = {"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": "c", "qas": []}]}]}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("squad.json", json.dumps(SQUAD), "0 rows"),
        ("hub.jsonl", json.dumps({"context": "a b c d e f g h", "question": "a b c d", "answers": {}}) + "\n",
         "question answering, which nlptl init reads from SQuAD's JSON alone"),
        ("excel.csv", "sep=;\ntext;label\n" + "so it is;x\nnot so here;y\n" * 20, "csv:1 .*hint to Excel.*delete"),
        ("copies.csv", "text,label\n" + "".join(
            f"the very same long text as in all the other rows of it {number % 10},{'xy'[number % 2]}\n"
            for number in range(40)), "0 rows: near-duplicates .*files of their own"),
        ("list.json", '[\n{"text": "a", "label": "b"}]', r"one JSON document.*jq -c '.\[\]' list.json > list.jsonl"),
        ("book.xlsx", "PK", r"\.xlsx files are not read; save the sheet as csv"),
        ("empty.csv", "", "the file is empty"),
        ("head.csv", "text,label\n", "0 rows|too few"),
        ("few.csv", "text,label\n" + "a b c d,x\na b c e,y\n" * 3, "few|no column"),
        ("same.csv", "text,label\n" + "\n".join(f"so it goes {number},x" for number in range(20)), "no column"),
        ("one.txt", "".join(f"so it goes {number}\n" for number in range(20)), "no delimiter"),
        ("odd.csv", "text,label\n" + "so it is,1\nor it is not,2\n" * 30 + "a,b,c\n", ":62 3 fields in a table of 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_and_nothing_is_written(
    name: str, content: str, told: str, start: Started, tmp_path: Path
) -> None:
    def write(folder: Path) -> list[str]:
        (folder / name).write_text(content, encoding="utf-8")
        return [name]

    with pytest.raises(BadInput, match=told):
        start(write)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        ({"text": "txt"}, "has no column 'txt'; did you mean 'text'?"),
        ({"label": ("lable",)}, "has no column 'lable'; did you mean 'label'?"),
        ({"task": "qa"}, "question answering is read from SQuAD's JSON alone"),
        ({"task": "parsing"}, "for semantic parsing no card is written yet"),
        ({"language": "de"}, "'de' is no code of ISO 639-3, which has three letters; write deu"),
        ({"delimiter": ","}, "'comma'"),
        ({"encoding": "cp1252x"}, "did you mean 'cp1252'?"),
        ({"name": "A B"}, "cannot name a recipe"),
        ({"out": Path("nowhere")}, "there is no such folder"),
        ({"bands": "low"}, "is no band"),
    ],
)
def test_options_that_cannot_be_followed_are_told(wishes: dict[str, Any], told: str, start: Started) -> None:
    with pytest.raises(BadInput) as said:
        start(plain, **wishes)
    assert told in str(said.value) or (told == "'comma'" and "known: tab, comma" in str(said.value))


def test_the_command_prints_its_guesses_and_asks_with_exit_code_2(start: Started, tmp_path: Path) -> None:
    import tiny

    plain(tmp_path)
    two_labels(tmp_path)
    done = tiny.python("-m", "nlptl", "init", str(tmp_path / "notes.csv"), "--out", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert {one["what"]: one["value"] for one in said["guesses"]}["label"] == "label"
    assert sum(said["rows"].values()) == ROWS
    asked = tiny.python("-m", "nlptl", "init", str(tmp_path / "visits.csv"), "--out", str(tmp_path))
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "--label topic or --label rating" in asked.stderr
