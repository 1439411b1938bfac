"""Names in sentences: the forms of a name, of a list and of a number in each language, and the slots that ask for them.

A slot `{c}` is a name's nominative, `{c.gen}`, `{c.dat}`, `{c.acc}` and `{c.loc}` are its other forms, and
`{c.v:has|have}` is the verb in its number. What each form is depends on the language:

| form | German | Spanish | French | English, Japanese |
| --- | --- | --- | --- | --- |
| nom | die Schweiz | el Perú | le Pérou | the Netherlands |
| gen | der Schweiz, Polens, von Laos | del Perú | du Pérou | as nom |
| dat | der Schweiz | al Perú | au Pérou | as nom |
| acc | die Schweiz, den Iran | el Perú | le Pérou | as nom |
| loc | in der Schweiz, im Iran | en el Perú | au Pérou, en France | as nom |

The tables of names mark what cannot be seen from a name: `f`, `m`, `pl` where it has an article, and behind a further
colon its form in the German dative, where that differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

OPEN, CLOSE = "\x02", "\x03"
"""Stand around the answer until its place is known."""
_VOWELS = "aeiouAEIOUÉÈéèÎî"


@dataclass(frozen=True)
class Verb:
    """Chooses between `singular|plural`, written as a format: `{c.v:has|have}`."""

    plural: bool

    def __format__(self, choice: str) -> str:
        """Give the half that fits."""
        return choice.split("|")[self.plural]


@dataclass(frozen=True)
class Phrase:
    """A name, a description, a list or a number in all forms that sentences ask for."""

    nom: str
    gen: str
    dat: str
    acc: str
    loc: str
    plural: bool = False

    @property
    def v(self) -> Verb:
        """Give what chooses the verb."""
        return Verb(self.plural)

    def __str__(self) -> str:
        """Give the nominative."""
        return self.nom


def same(text: str) -> Phrase:
    """Give a phrase that never changes, such as a number."""
    return Phrase(text, text, text, text, text)


def name(language: str, written: str, *, marked: bool = False) -> Phrase:
    """Give the forms of a name as a table writes it: `Schweiz:f`. `marked`: put marks around it, articles left out."""
    bare, gender, dative = (*written.split(":"), "", "")[:3]
    return _DECLINED[language](bare, gender, dative or bare, marked)


def _mark(text: str, marked: bool) -> str:
    return f"{OPEN}{text}{CLOSE}" if marked else text


def _english(bare: str, gender: str, dative: str, marked: bool) -> Phrase:
    article = "the " if bare.startswith("the ") else ""
    return same(article + _mark(bare.removeprefix("the "), marked))


def _japanese(bare: str, gender: str, dative: str, marked: bool) -> Phrase:
    return same(_mark(bare, marked))


def _german(bare: str, gender: str, dative: str, marked: bool) -> Phrase:
    bare, dative, ends = _mark(bare, marked), _mark(dative, marked), bare[-1]
    if gender == "f":
        return Phrase(f"die {bare}", f"der {dative}", f"der {dative}", f"die {bare}", f"in der {dative}")
    if gender == "m":
        return Phrase(f"der {bare}", f"des {dative}", f"dem {dative}", f"den {dative}", f"im {dative}")
    if gender == "pl":
        genitive = f"der {bare}"
        return Phrase(f"die {bare}", genitive, f"den {dative}", f"die {bare}", f"in den {dative}", plural=True)
    genitive = f"von {bare}" if ends in "sxzß" else f"{bare}s"
    return Phrase(bare, genitive, bare, bare, f"in {bare}")


def _spanish(bare: str, gender: str, dative: str, marked: bool) -> Phrase:
    bare = _mark(bare, marked)
    if gender == "m":
        return Phrase(f"el {bare}", f"del {bare}", f"al {bare}", f"el {bare}", f"en el {bare}")
    article = {"f": "la ", "pl": "los "}.get(gender, "")
    full = f"{article}{bare}"
    return Phrase(full, f"de {full}", f"a {full}", full, f"en {full}", plural=gender == "pl")


def _french(bare: str, gender: str, dative: str, marked: bool) -> Phrase:
    vowel, bare = bare[0] in _VOWELS, _mark(bare, marked)
    if gender == "pl":
        return Phrase(f"les {bare}", f"des {bare}", f"aux {bare}", f"les {bare}", f"aux {bare}", plural=True)
    if gender and vowel:
        return Phrase(f"l'{bare}", f"de l'{bare}", f"à l'{bare}", f"l'{bare}", f"en {bare}")
    if gender == "f":
        return Phrase(f"la {bare}", f"de la {bare}", f"à la {bare}", f"la {bare}", f"en {bare}")
    if gender == "m":
        return Phrase(f"le {bare}", f"du {bare}", f"au {bare}", f"le {bare}", f"au {bare}")
    return Phrase(bare, f"de {bare}", f"à {bare}", bare, f"à {bare}")


_DECLINED: Mapping[str, Callable[[str, str, str, bool], Phrase]] = {
    "eng": _english, "deu": _german, "spa": _spanish, "fra": _french, "jpn": _japanese,
}  # fmt: skip
LANGUAGES = tuple(_DECLINED)
"""ISO 639-3 codes of the languages that the world is written in."""


def continent(language: str, written: str, *, marked: bool = False) -> Phrase:
    """Give the forms of a continent, which French has without its article behind "de": "d'Afrique"."""
    found = name(language, written, marked=marked)
    if language != "fra":
        return found
    return Phrase(found.nom, found.gen.replace("de l'", "d'"), found.dat, found.acc, found.loc)


def tongue(language: str, written: str) -> Phrase:
    """Give the forms of a language's name with its article, which is masculine in Spanish and French."""
    return name(language, f"{written}:m" if language in ("spa", "fra") else written)


def listed(language: str, phrases: Sequence[Phrase], *, marked: bool = False) -> Phrase:
    """Give `A, B and C`. Marks stand around the whole, articles too."""

    def joined(form: str) -> str:
        return _joined(language, [getattr(each, form) for each in phrases], marked)

    plural = len(phrases) > 1 or phrases[0].plural
    return Phrase(joined("nom"), joined("gen"), joined("dat"), joined("acc"), joined("loc"), plural)


def _joined(language: str, texts: Sequence[str], marked: bool) -> str:
    if language == "jpn":
        return _mark(("と" if len(texts) == 2 else "、").join(texts), marked)
    word = {"eng": "and", "deu": "und", "spa": "y", "fra": "et"}[language]
    if language == "spa" and texts[-1].lower().startswith(("i", "í", "hi")):
        word = "e"
    head = ", ".join(texts[:-1])
    return _mark(f"{head} {word} {texts[-1]}" if head else texts[-1], marked)


_COMMA = {"eng": ".", "deu": ",", "spa": ",", "fra": ","}
_THOUSANDS = {"eng": ",", "deu": ".", "spa": ".", "fra": "\N{NO-BREAK SPACE}"}
_MILLIONS = {"eng": "million", "deu": "Millionen", "spa": "millones", "fra": "millions"}


def people(language: str, count: int) -> str:
    """Write a number of people, which is a multiple of 100,000 and at least two million."""
    if language == "jpn":
        return f"{_myriads(count)}人"
    whole, tenths = divmod(count // 100_000, 10)
    fraction = f"{_COMMA[language]}{tenths}" if tenths else ""
    return f"{_grouped(language, whole)}{fraction} {_MILLIONS[language]}"


def square_kilometres(language: str, count: int) -> str:
    """Write an area."""
    return f"{_myriads(count)}平方キロメートル" if language == "jpn" else f"{_grouped(language, count)} km²"


def kilometres(language: str, count: int) -> str:
    """Write a length."""
    return f"{count}キロメートル" if language == "jpn" else f"{_grouped(language, count)} km"


def _grouped(language: str, count: int) -> str:
    """Set thousands apart; Spanish does it from five digits on."""
    if language == "spa" and count < 10_000:
        return str(count)
    return f"{count:,}".replace(",", _THOUSANDS[language])


def _myriads(count: int) -> str:
    """Write a number by 億 (100,000,000) and 万 (10,000), as Japanese counts."""
    high, rest = divmod(count, 100_000_000)
    middle, low = divmod(rest, 10_000)
    parts = [(high, "億"), (middle, "万"), (low, "")]
    return "".join(f"{number}{sign}" for number, sign in parts if number)


def sentence(pattern: str, slots: Mapping[str, Phrase | str]) -> str:
    """Fill the slots of a sentence and begin it with a capital letter, wherever its first letter stands."""
    text = pattern.format(**slots)
    first = next((place for place, sign in enumerate(text) if sign.isalpha()), 0)
    return text[:first] + text[first].upper() + text[first + 1 :]
