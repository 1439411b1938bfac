"""An item in one language: the question, and a passage with the sentence that answers it among others."""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nlptl import seeds
from nlptl.geography import described, english, french, german, grammar, items, japanese, spanish
from nlptl.geography.described import DESCRIPTIONS
from nlptl.geography.grammar import CLOSE, OPEN, Phrase
from nlptl.geography.items import Item
from nlptl.geography.template import Args, Fact, Template, Truth
from nlptl.geography.world import phrase, tongue, world

_WORDS = {"eng": english, "deu": german, "spa": spanish, "fra": french, "jpn": japanese}
_THINGS = {"c": "country", "d": "country", "k": "continent", "r": "river", "s": "river", "city": "city"}
LEAST, MOST = 4, 8
"""Sentences of a passage."""
_SAME = ({"capital", "country_of_capital"}, {"neighbours", "largest_neighbour"})
"""Templates whose sentences could answer each other's questions in another place."""


@dataclass(frozen=True)
class Passage:
    """A text and where in it the answer stands; `start` is None where there is none."""

    text: str
    answer: str
    start: int | None


def question(item: Item, language: str) -> str:
    """Ask."""
    words = _WORDS[language].QUESTIONS[item.template.words]
    return grammar.sentence(words[item.way], _slots(item.template, item.args, language, resolved=False))


def _slots(template: Template, args: Args, language: str, *, resolved: bool) -> dict[str, Phrase | str]:
    """Fill the slots; `resolved`: by the name of a country that is described."""
    slots: dict[str, Phrase | str] = {}
    if template.words in described.ASKED:
        country = described.country_of(world(), template.described, str(args[0]))
        if not template.described or resolved:
            assert country is not None
            return {"c": phrase("country", country.name, language)}
        return {"c": _description(template.described, str(args[0]), language)}
    for slot, value in zip(template.slots, args, strict=True):
        if slot == "people":
            slots["n"] = grammar.people(language, int(value))
        elif slot == "area":
            slots["n"] = grammar.square_kilometres(language, int(value))
        elif slot == "l":
            slots[slot] = tongue(str(value), language)
        else:
            slots[slot] = phrase(_THINGS[slot], str(value), language)
    if {"c", "d"} <= set(slots):
        slots["cd"] = grammar.listed(language, [phrase("country", str(value), language) for value in args])
    return slots


def _description(kind: str, argument: str, language: str) -> Phrase:
    forms = _WORDS[language].DESCRIPTIONS[kind]
    slot = DESCRIPTIONS[kind].slot
    named = {slot: phrase(_THINGS[slot], argument, language)}
    filled = [pattern.format(**named) for pattern in forms]
    return Phrase(*filled) if len(filled) > 1 else grammar.same(filled[0])


def _answer(template: Template, truth: Truth, language: str, *, marked: bool) -> Phrase:
    kind = template.answer
    if kind in ("country", "city", "river", "language", "continent"):
        if len(truth) == 1:
            return phrase(kind, str(truth[0]), language, marked=marked)
        return grammar.listed(language, [phrase(kind, str(each), language) for each in truth], marked=marked)
    number = int(truth[0])
    write = {"people": grammar.people, "area": grammar.square_kilometres, "length": grammar.kilometres}.get(kind)
    text = write(language, number) if write else str(number)
    return grammar.same(f"{OPEN}{text}{CLOSE}" if marked else text)


@functools.lru_cache(maxsize=100_000)
def statement(fact: Fact, language: str, *, marked: bool = False) -> str:
    """Say what is true; `marked`: with marks around the answer."""
    template = items.templates()[fact.template]
    truth = items.truth(fact.template, fact.args)
    assert truth, f"{fact} is not asked or has no answer"
    slots = _slots(template, fact.args, language, resolved=True)
    slots["a"] = _answer(template, truth, language, marked=marked)
    if template.label == "comparison":
        lesser = next(each for each in fact.args if each != truth[0])
        slots["b"] = phrase(template.answer, str(lesser), language)
    return grammar.sentence(_WORDS[language].STATEMENTS[template.words], slots)


def passage(item: Item, language: str, seed: int) -> Passage:
    """Write four to eight sentences: the one that answers, the one that says who is meant, and others about the world.

    Which sentences, and their order, is the same in every language.
    """
    own = Fact(item.template.name, item.args)
    facts = _facts(own, item.way, seed)
    gap = "" if language == "jpn" else " "
    text = gap.join(statement(fact, language, marked=fact == own) for fact in facts)
    if not item.answered:
        return Passage(text, "", None)
    start, end = text.index(OPEN), text.index(CLOSE)
    return Passage(text.replace(OPEN, "").replace(CLOSE, ""), text[start + 1 : end], start)


@functools.lru_cache(maxsize=100_000)
def _facts(own: Fact, way: int, seed: int) -> Sequence[Fact]:
    """Choose the sentences of a passage, those that repeat nothing: first about the same things, then others alike."""
    rng = seeds.stream(seed, "geography", "passage", own.template, *own.args, way)
    template = items.templates()[own.template]
    link = described.link(template, own.args)
    found = [own] if items.truth(own.template, own.args) else []
    found += [link] if link is not None else []
    count = rng.randint(LEAST, MOST)
    about = len(found) + max(1, (count - len(found)) // 2)
    _add(_drawn(_near(template, own.args), rng), found, about)
    _add(_drawn(_alike(template), rng), found, count)
    rng.shuffle(found)
    return found


def _drawn(facts: Sequence[Fact], rng: random.Random) -> list[Fact]:
    return rng.sample(facts, min(len(facts), 3 * MOST))


def _add(facts: Sequence[Fact], found: list[Fact], count: int) -> None:
    """Add what is not yet said until `count` sentences are found."""
    for fact in facts:
        if len(found) >= count:
            break
        if not any(_say_the_same(fact, other) for other in found):
            found.append(fact)


def _say_the_same(one: Fact, other: Fact) -> bool:
    """Say whether two facts are one sentence, or answer one question."""
    words = {items.templates()[fact.template].words for fact in (one, other)}
    if _meant(one) != _meant(other):
        return False
    return len(words) == 1 or words in _SAME


@functools.cache
def _meant(fact: Fact) -> tuple[str | int, ...]:
    """Give what a fact is about: its country by name, however that is described; of a capital, its country."""
    template = items.templates()[fact.template]
    if template.words in described.ASKED:
        country = described.country_of(world(), template.described, str(fact.args[0]))
        assert country is not None
        return (country.name,)
    if template.words == "country_of_capital":
        return tuple(items.truth(fact.template, fact.args) or ())
    return fact.args


def _near(template: Template, args: Args) -> list[Fact]:
    """Give what else can be said of the countries and rivers that a question speaks of."""
    if template.words in described.ASKED:
        country = described.country_of(world(), template.described, str(args[0]))
        assert country is not None
        countries, rivers = [country.name], []
    else:
        named = dict(zip(template.slots, args, strict=True))
        countries = [str(named[slot]) for slot in ("c", "d") if slot in named]
        countries += [each.name for each in world().countries.values() if each.capital == named.get("city")]
        countries += [each.name for each in world().of(str(named.get("k", "")))]
        countries += [each.name for each in world().countries.values() if named.get("l") in each.languages]
        rivers = [str(named[slot]) for slot in ("r", "s") if slot in named]
    asked = [Fact(name, (country,)) for country in countries for name in described.ASKED]
    said = [Fact(name, (river,)) for river in rivers for name in ("length", "river_countries", "river_country_count")]
    return [fact for fact in (*asked, *said) if items.truth(fact.template, fact.args)]


@functools.cache
def _alike(template: Template) -> Sequence[Fact]:
    """Give what answers the same question about something else."""
    name = template.words
    return [Fact(name, args) for args in items.askable(name) if items.truth(name, args)]


def row(item: Item, language: str, seed: int) -> Mapping[str, object]:
    """Give question and passage as columns."""
    asked, found = question(item, language), passage(item, language, seed)
    answers = [] if found.start is None else [{"text": found.answer, "start": found.start}]
    return {"question": asked, "text": asked, "context": found.text, "answers": answers}
