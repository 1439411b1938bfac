"""How answers are compared and located: worked by hand, and against an independent implementation."""

from __future__ import annotations

import random
import re
import unicodedata

import pytest

from nlptl import answers

WORDS = ["the", "a", "An", "red", "Red", "fox.", "fox", "(fox)", "42", "4,2", "x-ray", "", "  ", "été"]


def test_equals_torchmetrics_on_random_answers() -> None:
    from torchmetrics.functional.text import squad

    draw = random.Random(7)
    for _ in range(200):
        gold = [" ".join(draw.choices(WORDS, k=draw.randrange(1, 5))) for _ in range(draw.randrange(1, 4))]
        said = " ".join(draw.choices(WORDS, k=draw.randrange(0, 5)))
        asked = [{"id": "0", "answers": {"text": gold, "answer_start": [0] * len(gold)}}]
        wanted = squad([{"id": "0", "prediction_text": said}], asked)
        assert 100 * answers.f1(said, gold) == pytest.approx(float(wanted["f1"]), abs=1e-4), (said, gold)
        assert 100 * answers.exact_match(said, gold) == float(wanted["exact_match"]), (said, gold)


@pytest.mark.parametrize(
    ("said", "gold", "f1", "exact"),
    [
        ("The cat", ["cat"], 1.0, 1.0),
        ("a black cat", ["black dog"], 0.5, 0.0),
        ("cat cat", ["cat"], 2 / 3, 0.0),  # 1 shared of 2 and of 1
        ("dog", ["cat", "dog!"], 1.0, 1.0),
        ("", [], 1.0, 1.0),
        ("cat", [], 0.0, 0.0),
        ("", ["cat"], 0.0, 0.0),
        ("the", ["a"], 1.0, 1.0),  # nothing is left of either
    ],
)
def test_plain_by_hand(said: str, gold: list[str], f1: float, exact: float) -> None:
    assert answers.f1(said, gold) == pytest.approx(f1)
    assert answers.exact_match(said, gold) == exact


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        ("eng", "The «old» house", ["old", "house"]),
        ("deu", "Das alte Haus der Könige", ["alte", "haus", "könige"]),
        ("spa", "La casa de los Reyes", ["casa", "de", "reyes"]),
        ("vie", "Ngôi nhà của tôi", ["ngôi", "nhà", "tôi"]),
        ("ara", "في \u0627\u0644بيت", ["في", "بيت"]),
        ("zho", "北京市2008年", ["北", "京", "市", "2008", "年"]),
        ("jpn", "東京タワー、333m", ["東", "京", "タ", "ワ", "ー", "333m"]),
        ("tha", "กรุงเทพ 10", [*"กรุงเทพ", "10"]),
        ("rus", "Дом — это the крепость", ["дом", "это", "the", "крепость"]),
    ],
)
def test_each_language_by_its_rules(language: str, text: str, tokens: list[str]) -> None:
    assert answers.by_language(text, language) == tokens


def _mlqa(text: str, language: str) -> list[str]:
    """The published rules for German and Chinese, written anew from their description, step by step."""
    low = text.lower()
    kept = "".join(c for c in low if not unicodedata.category(c).startswith("P") and c not in "$+<=>^`|~")
    if language == "deu":
        articles = {"ein", "eine", "einen", "einem", "eines", "einer", "der", "die", "das", "den", "dem", "des"}
        return [w for w in re.split(r"\s+", kept) if w and w not in articles]
    tokens, word = [], ""
    for c in kept + " ":
        if "\u4e00" <= c <= "\u9fa5" or c.isspace():
            tokens += [word] if word else []
            word = ""
            tokens += [] if c.isspace() else [c]
        else:
            word += c
    return tokens


@pytest.mark.parametrize("language", ["deu", "zho"])
def test_equals_the_published_rules_on_random_answers(language: str) -> None:
    draw = random.Random(11)
    pieces = ["der", "Die", "Haus", "中", "国", "«", "$5", "a.b", " ", "  ", "EU-27", "des"]
    for _ in range(300):
        text = "".join(draw.choice([piece, f"{piece} "]) for piece in draw.choices(pieces, k=6))
        assert answers.by_language(text, language) == _mlqa(text, language), text


def test_an_answer_is_where_it_is_said_to_be() -> None:
    assert answers.locate("one two one", "one", 8) == 8
    assert answers.locate("one two one", "two", 5) == 4, "it occurs once"
    assert answers.locate("one two one", "one", 5) is None, "it might be either"
    assert answers.locate("one two", "six", 0) is None
    assert answers.locate("one two", "", 0) is None
    assert answers.locate("one two", "two", -1) == 4


def test_other_units_are_seen() -> None:
    text = "Žižek 😀 says yes, and yes again"
    right = text.index("yes")
    for unit, width in (("utf-8", 1), ("utf-16-le", 2)):
        said = len(text[:right].encode(unit)) // width
        assert said != right
        assert answers.locate(text, "yes", said) == right
