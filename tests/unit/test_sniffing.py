"""Bytes, lines and values -> guesses: encodings, languages, dialects, columns, roles, labels, rates."""

# ruff: noqa: RUF001 - characters that look like others are what encodings differ in

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nlptl.errors import BadInput
from nlptl.sniffing import columns, dialects, encodings, labels, languages, names, roles, training

TEXTS = {
    "deu": "Das Zimmer war schön und sauber, aber das Frühstück könnte größer sein. Für den Preis ist es gut.",
    "fra": "La chambre était très propre, mais le petit déjeuner n’était pas à la hauteur. À revoir…",
    "eng": "It’s a “great” phone – I don’t regret it, and I’d buy it again. It cost me £20 or so.",
    "spa": "¿Dónde está la habitación? El niño comió demasiado en el restaurante; ¡qué día para la familia!",
    "pol": "Pokój był bardzo czysty, ale śniadanie mogłoby być większe. Obsługa świetna i nie żałuję, że tam byłem.",
    "ces": "Pokoj byl velmi čistý, ale snídaně by mohla být lepší. Děkujeme a příště se tam vrátíme, je to blízko.",
    "tur": "Oda çok temizdi ama kahvaltı daha iyi olabilirdi. Görüşmek üzere, teşekkürler, bu otel için çok iyi.",
    "rus": "Номер был чистый, но завтрак мог бы быть лучше. Персонал очень вежливый, мы были довольны.",
    "ell": "Το δωμάτιο ήταν πολύ καθαρό, αλλά το πρωινό θα μπορούσε να είναι καλύτερο.",
    "jpn": "部屋はとてもきれいでしたが、朝食はもう少し多くてもよかったです。スタッフは親切でした。",
    "zho": "房间很干净，但是早餐可以更好。服务员非常热情，我们还会再来的。",
    "kor": "방은 매우 깨끗했지만 아침 식사는 더 좋을 수 있었습니다. 직원들은 친절했습니다.",
}


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("deu", "cp1252"), ("fra", "cp1252"), ("eng", "cp1252"), ("spa", "latin-1"), ("pol", "cp1250"),
        ("pol", "iso8859_2"), ("ces", "cp1250"), ("tur", "cp1254"), ("rus", "cp1251"), ("rus", "koi8_r"),
        ("ell", "cp1253"), ("jpn", "shift_jis"), ("jpn", "euc_jp"), ("zho", "gb18030"), ("kor", "euc_kr"),
        *((language, encoding) for language in TEXTS for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le")),
    ],
)  # fmt: skip
def test_what_was_written_is_read(language: str, encoding: str) -> None:
    table = f"id;text;label\n1;{TEXTS[language]};0\n2;{TEXTS[language]};1\n"
    found = encodings.encoding(table.encode(encoding))
    assert found is not None
    assert table.encode(encoding).decode("utf-8-sig" if found.value == "utf-8" else found.value) == table


def test_a_stray_byte_does_not_make_a_language() -> None:
    found = encodings.encoding(
        b"what is the name of this\xf0 thing, and who was the first to have it ? " * 9 + b"so" * 400
    )
    assert found is not None
    assert found.value == "cp1252"


def test_bytes_that_are_no_text_have_no_encoding() -> None:
    assert encodings.encoding(bytes(range(1, 256)) * 4) is None


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_languages(language: str) -> None:
    assert languages.language([TEXTS[language]] * 3).value == language


@pytest.mark.parametrize("text", ["1 2 3", "qwx zvb krt plm", ":-) !!", ""])
def test_languages_that_are_not_shown(text: str) -> None:
    assert languages.language([text] * 3).value == "und"


def test_frequent_words_are_words_and_stand_once() -> None:
    for code, words in languages._WORDS.items():
        assert len(set(words.split())) == len(words.split()), code


@pytest.mark.parametrize(
    "language", ["deu_Latn", "eng_Latn", "fra_Latn", "jpn_Jpan", "rus_Cyrl", "spa_Latn", "swh_Latn"]
)
def test_languages_of_real_sentences(language: str, data: Any) -> None:
    lines = (data / "sib200" / language / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]
    sentences = [line.split("\t")[2] for line in lines]
    assert languages.language(sentences).value == language[:3]
    small = [languages.language(sentences[start : start + 10]).value for start in range(0, 200, 10)]
    assert small.count(language[:3]) >= 19


def dialect_of(text: str, usual: str = "comma") -> tuple[str, str, int]:
    found = dialects.dialect(text, None, usual)
    assert found is not None
    return found.value.delimiter, found.value.quoting, len(found.value.rows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n", ("comma", "double", 2)),
        ("a;b\n1,5;2,5\n2,5;3,5\n", ("semicolon", "double", 3)),
        ('a,b\n"one\ntwo, ""three""",2\n', ("comma", "double", 2)),
        ('a\tb\n"he" said\t1\nso "it" is\t2\n', ("tab", "none", 3)),
        ('a\tb\n"it ""is"" so"\t1\nyes\t2\nno\t1\n', ("tab", "double", 4)),
        ('a\tb\n"A title"\t1\nyes\t2\nno\t1\n', ("tab", "none", 4)),
        ("a|b\r\n1|2\r\n\r\n3|4\r\n", ("pipe", "double", 3)),
    ],
)
def test_dialects(text: str, expected: tuple[str, str, int]) -> None:
    assert dialect_of(text) == expected


def test_one_column_has_no_dialect() -> None:
    assert dialects.dialect("so it goes\nand on\n") is None


def test_blank_lines_are_counted_between_rows_alone() -> None:
    found = dialects.dialect('a,b\n\n1,"x\n\ny"\n\n\n')
    assert found is not None
    assert (found.value.blank_lines, found.value.even) == (1, 1.0)


@pytest.mark.parametrize(
    ("first", "rest", "expected"),
    [
        (["text", "label"], [["so it is", "1"]], True),
        (["what", "how much"], [["so it is", "1"], ["or not", "2"]], True),
        (["so it is", "1"], [["or not", "2"]], False),
        (["fine day", "good"], [["bad day", "bad"], ["no day", "bad"], ["my day", "good"], ["a day", "good"]], False),
        (["x", "x"], [["a", "b"]], False),
        (["urteil", "worte"], [["gut", "a"], ["gut", "b"], ["gut", "c"], ["gut", "d"]], True),
        (["aa", "bb"], [["cc", "dd"], ["ee", "ff"]], None),
    ],
)
def test_headers(first: list[str], rest: list[list[str]], expected: bool | None) -> None:
    found = dialects.header([first, *rest])
    assert (found.value if found else None) is expected


@pytest.mark.parametrize(
    ("lines", "groups"),
    [
        (["__label__a so it is", "__label__b or not"], ("a", "so it is")),
        (["LOC:city where is it ?", "NUM:date when was it ?"], ("LOC", "where is it ?")),
        (["ham,so, it is"] * 6 + ["spam,buy, buy, buy"] * 6, ("ham", "so, it is")),
        ([f"{n}; it is;{('ham', 'spam')[n % 2]}" for n in range(20)], ("ham", "0; it is")),
    ],
)
def test_patterns(lines: list[str], groups: tuple[str, str]) -> None:
    import regex

    found = dialects.pattern(lines)
    assert found is not None
    match = regex.fullmatch(found.value, lines[0])
    assert (match["label"], match["text"]) == groups


def test_a_first_line_with_names_is_no_record() -> None:
    assert dialects.pattern(["label,text", *(["ham,so, it is"] * 6), *(["spam,buy, buy"] * 6)]) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train.csv", ("train", "csv")),
        ("reviews_valid.csv", ("dev", "reviewscsv")),
        ("dev-de.tsv", ("dev", "detsv")),
        ("TREC.test", ("test", "trec")),
        ("testimonials.csv", None),
        ("contest.csv", None),
    ],
)
def test_names_of_splits(name: str, expected: tuple[str, str] | None) -> None:
    assert names.split_in(name) == expected


def test_profiles_keep_values_as_they_are_written() -> None:
    records = [
        {"a": "01", "b": {"c": True}},
        {"a": " ", "b": {"c": Decimal("1.50")}},
        {"a": None, "b": {"c": ["x", "y"]}},
    ]
    found = columns.profiles(records)
    assert dict(found["a"].counts) == {"01": 1}
    assert found["a"].empty == 2
    assert dict(found["b.c"].counts) == {"true": 1, "1.50": 1}
    assert (found["b.c"].lists, dict(found["b.c"].items)) == (1, {"x": 1, "y": 1})


def roles_of(told: roles.Told | None = None, header: bool = True, **made: Any) -> roles.Roles:
    """Give the roles of columns, 40 rows each; a value is a function of the row's number."""
    records = [{name: make(number) for name, make in made.items()} for number in range(40)]
    return roles.roles(columns.profiles(records), told or roles.Told(), "f.csv", header=header)


def sentence(number: int) -> str:
    return f"so it was on day {number} of all"


def other(number: int) -> str:
    return f"and day {number} was as they say"


def two(number: int) -> str:
    return ("no", "yes", "yes")[number % 3]


def test_a_text_and_a_label() -> None:
    found = roles_of(nr=str, when=lambda number: f"2024-01-{number % 28 + 1:02d}", words=sentence, verdict=two)
    assert (found.text.value, found.label.value, found.id and found.id.value) == ("words", ("verdict",), "nr")
    assert found.left == ("when",)


@pytest.mark.parametrize(
    ("first", "second"), [("premise", "hypothesis"), ("Question1", "Question2"), ("text_a", "text_b")]
)
def test_pairs_by_name(first: str, second: str) -> None:
    found = roles_of(**{first: sentence, second: other, "label": two})
    assert (found.text.value, found.text_pair and found.text_pair.value) == (first, second)


def test_a_title_is_not_the_text() -> None:
    found = roles_of(title=other, body=sentence, label=two)
    assert (found.text.value, found.text_pair) == ("body", None)


def test_the_usual_name_decides_between_two_labels() -> None:
    assert roles_of(text=sentence, shop=lambda number: "ab"[number % 2], stars=two).label.value == ("stars",)
    assert roles_of(text=sentence, genre=two, gold_label=lambda number: "ab"[number % 2]).label.value == ("gold_label",)


def test_several_columns_of_0_and_1() -> None:
    flags = {
        name: lambda number, at=at: str(int(number % (at + 2) == 0))
        for at, name in enumerate(("toxic", "insult", "threat"))
    }
    assert roles_of(comment_text=sentence, **flags).label.value == ("toxic", "insult", "threat")
    assert roles_of(comment_text=sentence, **flags, label=two).label.value == ("label",)


@pytest.mark.parametrize(
    ("made", "asked"),
    [
        ({"words": sentence, "a": two, "b": lambda number: "xyz"[number % 3]}, "--label a or --label b"),
        (
            {"one": sentence, "more": other, "label": two},
            "--text one or --text more, or two of them: --text one --text-pair more",
        ),
        ({"nr": str, "label": two}, "--text COLUMN"),
        ({"text": sentence, "when": lambda number: f"2024-01-{number % 28 + 1:02d}"}, "--label COLUMN"),
        ({"question": sentence, "context": other}, "question answering"),
        ({"utterance": sentence, "form": other}, "semantic parsing"),
    ],
)
def test_one_question(made: dict[str, Any], asked: str) -> None:
    with pytest.raises(BadInput) as told:
        roles_of(**made)
    (problem,) = told.value.problems
    assert asked in str(problem)


def test_options_overrule() -> None:
    told = roles.Told(text="more", text_pair="one", label=("b",))
    found = roles_of(told, one=sentence, more=other, a=two, b=lambda number: "xyz"[number % 3])
    assert (found.text.value, found.text_pair and found.text_pair.value, found.label.value) == ("more", "one", ("b",))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["10", "9", "1"], ("1", "9", "10")),
        (["5 stars", "1 star", "3 stars"], ("1 star", "3 stars", "5 stars")),
        (["positive", "negative", "neutral"], ("negative", "neutral", "positive")),
        (["Very Good", "bad", "good", "very-bad"], ("very-bad", "bad", "good", "Very Good")),
        (["zebra", "Ant", "bee"], ("Ant", "bee", "zebra")),
        (["1", "2a", "x"], ("1", "2a", "x")),
        (["-1", "1", "0"], ("-1", "0", "1")),
    ],
)
def test_the_order_of_labels(values: list[str], expected: tuple[str, ...]) -> None:
    assert labels.order(values).value == expected


def test_labels_that_differ_in_case_and_spaces_are_one() -> None:
    found = labels.naming(["Good", "good ", "good", "bad"], {"Good": 1, "good ": 1, "good": 5, "bad": 7})
    assert found.names.value == ("bad", "good")
    assert found.values == {"Good": "good", "good ": "good", "good": "good", "bad": "bad"}
    assert found.merged == (("Good", "good", "good "),)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", "b|c", "c|a", "b"], "|"),
        (["joy, fear", "fear", "joy, anger", "anger, fear"], ","),
        (["yes/no", "maybe"], None),
        (["economy", "economy|sport", "sport"], "|"),
        (["economy", "economy|sport", "sport", "health", "arts"], "|"),
        (["yes", "no", "yes, a little"], None),
        (["food, drink", "rooms"], None),
        (["and/or", "either/or", "x"], None),
    ],
)
def test_separators(values: list[str], expected: str | None) -> None:
    found = labels.separator(dict.fromkeys(values, 3))
    assert (found.value if found else None) == expected


@pytest.mark.parametrize(
    ("rows", "classes", "epochs"),
    [(6920, 2, 3), (4907, 6, 5), (9003, 77, 8), (43410, 28, 2), (60, 2, 20), (10**6, 2, 2)],
)
def test_epochs_are_those_of_the_shipped_recipes(rows: int, classes: int, epochs: int) -> None:
    counts = {str(number): rows // classes for number in range(classes)}
    found = training.training(rows, counts, [20] * 100, training.DEFAULT, several=False)
    assert found.epochs.value == epochs
    assert found.batch.value <= rows


def test_few_rows_of_dev_choose_no_epoch() -> None:
    assert [training.select(rows).value for rows in (12, 99, 100, 5000)] == ["last", "last", "dev", "dev"]


def test_windows_of_questions_leave_room_for_them() -> None:
    short = training.answering(24, [20] * 24, [3] * 24, training.DEFAULT)
    assert (short.max_tokens.value, short.task["stride"].value, short.task["answer_tokens"].value) == (128, 32, 30)
    long = training.answering(87_599, [400] * 100, [*[4] * 90, *[47] * 10], training.DEFAULT)
    assert (long.max_tokens.value, long.task["answer_tokens"].value, long.epochs.value) == (256, 50, 2)
    assert training.answering(3696, [200], [4], training.DEFAULT).epochs.value == 4, "as the recipe tydiqa"


def test_one_label_with_most_rows_is_not_judged_by_accuracy() -> None:
    def metric(counts: dict[str, int], *, several: bool = False) -> str | None:
        found = training.training(1000, counts, [20], training.DEFAULT, several=several).metric
        return found.value if found else None

    assert metric({"a": 900, "b": 100}) == "macro_f1"
    assert metric({"a": 500, "b": 490, "c": 10}) == "macro_f1"
    assert metric({"a": 500, "b": 400}) is None
    assert metric({"a": 900, "b": 100}, several=True) is None


def test_the_window_holds_nearly_all_texts() -> None:
    def window(lengths: list[int]) -> int:
        return training.training(100, {"a": 50, "b": 50}, lengths, training.DEFAULT, several=False).max_tokens.value

    assert [window([10] * 100), window([10] * 90 + [100] * 10), window([10] * 99 + [100])] == [32, 128, 32]
    assert window([900] * 10) == 256
