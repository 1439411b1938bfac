"""Made geography reads as one would write it: articles, cases, contractions, plurals, numbers, scripts."""

from __future__ import annotations

import re

import geography_help
import pytest
import regex

from nlptl.geography import grammar, items, writing
from nlptl.geography.world import phrase, tongue

BAD = {
    "eng": r"\bthe the\b|\ba [aeiou]|\b(?<![Tt]he )(Netherlands|United (States|Kingdom)|Czech Republic)\b",
    "deu": r"\b(in|an|von|zu) dem\b|\b(in|durch|an) (Schweiz|Türkei|Ukraine|Slowakei|Iran|Sudan|Tschad)\b",
    "spa": r"\b(de|a) el\b|\by ([iIíÍ]|[hH]i(?!e))|\bla el\b|\bel la\b|\bde de ",
    "fra": r"\b(de|à) les?\b|\b(de|la|le|que) [aeiouéèêî](?!t )(?<!\bde [oO]u)|\b[dl]' |\bde de ",
    "jpn": r"[A-Za-z]|はは|のの|、。| ",
}
"""What no sentence of a language may hold: contractions left apart, articles lost or doubled."""
LETTERS = {
    "eng": r"\p{Latin}", "deu": r"\p{Latin}", "spa": r"\p{Latin}", "fra": r"\p{Latin}",
    "jpn": r"\p{Han}\p{Hiragana}\p{Katakana}ー",
}  # fmt: skip


def test_sentences_are_whole() -> None:
    """No slot is left, letters are the language's, beginnings are capital, ends are there, grammar's traps are not."""
    bad = {language: re.compile(pattern) for language, pattern in BAD.items()}
    letters = {name: regex.compile(rf"[{wanted}\p{{M}}\p{{N}}\p{{P}}\p{{Zs}}²]+") for name, wanted in LETTERS.items()}
    ends = {"jpn": ("。",), "fra": (" ?", ".")}
    for language, text in geography_help.everything_said():
        assert not set(text) & set("{}[]|:\x02\x03_"), text
        assert letters[language].fullmatch(text), text
        assert text.endswith(ends.get(language, ("?", "."))), text
        assert "  " not in text, text
        assert text == text.strip(), text
        found = bad[language].search(text)
        assert found is None, f"{found.group()!r} in {text}" if found else ""
        first = text.lstrip("¿")[0]
        assert first.isupper() or language == "jpn" or first.isdigit(), text
        assert text.startswith("¿") == text.endswith("?") or language != "spa" or "¿" in text, text


SENTENCES = [
    ("capital", ("Switzerland",), 0, "What is the capital of Switzerland?", "Was ist die Hauptstadt der Schweiz?",
     "¿Cuál es la capital de Suiza?", "Quelle est la capitale de la Suisse ?", "スイスの首都はどこですか。"),
    ("population", ("Turkey",), 1, "How many people live in Turkey?", "Wie viele Menschen leben in der Türkei?",
     "¿Cuántas personas viven en Turquía?", "Combien de personnes vivent en Turquie ?",
     "トルコには何人が住んでいますか。"),
    ("population", ("Brazil",), 0, "What is the population of Brazil?", "Wie viele Einwohner hat Brasilien?",
     "¿Cuántos habitantes tiene Brasil?", "Quelle est la population du Brésil ?", "ブラジルの人口はどれくらいですか。"),
    ("population", ("Peru",), 1, "How many people live in Peru?", "Wie viele Menschen leben in Peru?",
     "¿Cuántas personas viven en el Perú?", "Combien de personnes vivent au Pérou ?",
     "ペルーには何人が住んでいますか。"),
    ("capital", ("India",), 1, "Which city is the capital of India?", "Wie heißt die Hauptstadt Indiens?",
     "¿Qué ciudad es la capital de la India?", "Quelle ville est la capitale de l'Inde ?",
     "インドの首都の名前は何ですか。"),
    ("area", ("Netherlands",), 2, "How many square kilometres does the Netherlands cover?",
     "Wie viele Quadratkilometer umfassen die Niederlande?", "¿Cuántos kilómetros cuadrados ocupan los Países Bajos?",
     "Combien de kilomètres carrés couvrent les Pays-Bas ?", "オランダの面積は何平方キロメートルですか。"),
    ("population", ("United States",), 1, "How many people live in the United States?",
     "Wie viele Menschen leben in den USA?", "¿Cuántas personas viven en Estados Unidos?",
     "Combien de personnes vivent aux États-Unis ?", "アメリカ合衆国には何人が住んでいますか。"),
    ("capital", ("Laos",), 1, "Which city is the capital of Laos?", "Wie heißt die Hauptstadt von Laos?",
     "¿Qué ciudad es la capital de Laos?", "Quelle ville est la capitale du Laos ?", "ラオスの首都の名前は何ですか。"),
    ("languages", ("Democratic Republic of the Congo",), 0,
     "Which languages are official in the Democratic Republic of the Congo?",
     "Welche Amtssprachen hat die Demokratische Republik Kongo?",
     "¿Qué lenguas son oficiales en la República Democrática del Congo?",
     "Quelles langues sont officielles en République démocratique du Congo ?", "コンゴ民主共和国の公用語は何ですか。"),
    ("capital/largest", ("Africa",), 1, "Which city is the capital of the largest country in Africa?",
     "Wie heißt die Hauptstadt des größten Landes Afrikas?", "¿Qué ciudad es la capital del país más grande de África?",
     "Quelle ville est la capitale du plus grand pays d'Afrique ?",
     "アフリカで最も面積の広い国の首都の名前は何ですか。"),
    ("population/capital", ("Cairo",), 1, "How many people live in the country whose capital is Cairo?",
     "Wie viele Menschen leben im Land mit der Hauptstadt Kairo?",
     "¿Cuántas personas viven en el país cuya capital es El Cairo?",
     "Combien de personnes vivent dans le pays dont la capitale est Le Caire ?",
     "カイロを首都とする国には何人が住んでいますか。"),
    ("compare_length", ("Amazon", "Nile"), 0, "Which river is longer, the Amazon or the Nile?",
     "Welcher Fluss ist länger, der Amazonas oder der Nil?", "¿Qué río es más largo, el Amazonas o el Nilo?",
     "Quel cours d'eau est le plus long, l'Amazone ou le Nil ?", "アマゾン川とナイル川では、どちらが長いですか。"),
    ("not_speaking", ("Brazil", "Spanish"), 0,
     "Which countries bordering Brazil do not have Spanish as an official language?",
     "In welchen Nachbarländern Brasiliens ist Spanisch keine Amtssprache?",
     "¿En qué países vecinos de Brasil no es oficial el español?",
     "Dans quels pays voisins du Brésil l'espagnol n'est-il pas langue officielle ?",
     "ブラジルの隣国のうち、スペイン語が公用語ではない国はどこですか。"),
    ("populous_than", ("Asia", 100_000_000), 0, "Which countries in Asia have more than 100 million inhabitants?",
     "Welche Länder in Asien haben mehr als 100 Millionen Einwohner?",
     "¿Qué países de Asia tienen más de 100 millones de habitantes?",
     "Quels pays d'Asie ont plus de 100 millions d'habitants ?", "アジアで人口が1億人を超える国はどこですか。"),
    ("total", ("Spain", "Italy"), 2, "How many inhabitants do Spain and Italy have altogether?",
     "Wie viele Menschen leben in Spanien und in Italien zusammen?", "¿Cuántos habitantes suman España e Italia?",
     "Combien d'habitants ont ensemble l'Espagne et l'Italie ?",
     "スペインとイタリアには合わせて何人が住んでいますか。"),
]  # fmt: skip
"""Written by hand: articles, contractions, cases, plurals, elisions."""


@pytest.mark.parametrize("number", range(len(SENTENCES)))
def test_sentences_as_one_would_write_them(number: int) -> None:
    name, args, way, *wanted = SENTENCES[number]
    item = items.Item(items.templates()[name], args, way, True)
    found = [writing.question(item, language) for language in grammar.LANGUAGES]
    if name == "total":  # the German wordings stand in another order
        found[1] = writing.question(items.Item(item.template, args, 0, True), "deu")
    assert found == wanted


def test_numbers_are_written_as_each_language_writes_them() -> None:
    wanted = {
        "eng": ("1,439.3 million", "33 million", "1,001,500 km²", "6,650 km"),
        "deu": ("1.439,3 Millionen", "33 Millionen", "1.001.500 km²", "6.650 km"),
        "spa": ("1439,3 millones", "33 millones", "1.001.500 km²", "6650 km"),
        "fra": ("1\xa0439,3 millions", "33 millions", "1\xa0001\xa0500 km²", "6\xa0650 km"),
        "jpn": ("14億3930万人", "3300万人", "100万1500平方キロメートル", "6650キロメートル"),
    }
    for language, texts in wanted.items():
        assert texts == (
            grammar.people(language, 1_439_300_000), grammar.people(language, 33_000_000),
            grammar.square_kilometres(language, 1_001_500), grammar.kilometres(language, 6650),
        )  # fmt: skip


def test_names_in_lists() -> None:
    both = [[phrase("country", name, language) for name in ("Netherlands", "Iran")] for language in grammar.LANGUAGES]
    found = [grammar.listed(language, each) for language, each in zip(grammar.LANGUAGES, both, strict=True)]
    assert [one.acc for one in found] == [
        "the Netherlands and Iran", "die Niederlande und den Iran", "los Países Bajos e Irán", "les Pays-Bas et l'Iran",
        "オランダとイラン",
    ]  # fmt: skip
    assert [one.dat for one in found][1] == "den Niederlanden und dem Iran"
    assert [tongue("English", language).nom for language in grammar.LANGUAGES] == [
        "English", "Englisch", "el inglés", "l'anglais", "英語",
    ]  # fmt: skip
