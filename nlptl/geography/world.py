"""The world as records: countries, rivers, languages and continents with what is true of them, and their names."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from nlptl.geography import countries, grammar, others
from nlptl.geography.grammar import Phrase


@dataclass(frozen=True)
class Country:
    """A country; `people` in heads, `area` in km²."""

    name: str
    capital: str
    continent: str
    people: int
    area: int
    languages: tuple[str, ...]
    neighbours: tuple[str, ...]


@dataclass(frozen=True)
class River:
    """A river; `length` in km."""

    name: str
    length: int
    countries: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """All facts, each thing by its English name without an article, in the order of these names."""

    countries: dict[str, Country]
    rivers: dict[str, River]
    languages: tuple[str, ...]
    continents: tuple[str, ...]

    def of(self, continent: str) -> list[Country]:
        """Give the countries of a continent."""
        return [each for each in self.countries.values() if each.continent == continent]

    def neighbours(self, country: Country) -> list[Country]:
        """Give the countries that border one."""
        return [self.countries[each] for each in country.neighbours]

    def rivers_of(self, country: Country) -> list[River]:
        """Give the rivers of a country."""
        return [each for each in self.rivers.values() if country.name in each.countries]


def _table(text: str) -> Iterator[list[str]]:
    for line in text.strip().splitlines():
        yield [cell.strip() for cell in line.split("|")]


def _several(cell: str) -> list[str]:
    return [each.strip() for each in cell.split(",") if each.strip()]


@functools.cache
def world() -> World:
    """Read the tables."""
    rows = sorted(_table(countries.FACTS))
    borders: dict[str, set[str]] = {row[0]: set() for row in rows}
    for row in rows:
        for other in _several(row[6]):
            borders[row[0]].add(other)
            borders[other].add(row[0])
    found = {
        row[0]: Country(
            row[0], row[1], row[2], round(float(row[3]) * 10) * 100_000, int(row[4]), tuple(sorted(_several(row[5]))),
            tuple(sorted(borders[row[0]])),
        )
        for row in rows
    }  # fmt: skip
    rivers = sorted((row[0].removeprefix("the "), int(row[1]), row[2]) for row in _table(others.RIVERS))
    tongues = sorted({each for country in found.values() for each in country.languages})
    return World(
        found,
        {river: River(river, length, tuple(sorted(_several(through)))) for river, length, through in rivers},
        tuple(tongues),
        tuple(sorted({country.continent for country in found.values()})),
    )


@functools.cache
def _names(kind: str) -> dict[str, list[str]]:
    text = {
        "country": countries.NAMES, "city": countries.CAPITALS, "river": others.RIVER_NAMES,
        "language": others.LANGUAGES, "continent": others.CONTINENTS,
    }[kind]  # fmt: skip
    return {row[0].removeprefix("the "): row for row in _table(text)}


@functools.cache
def phrase(kind: str, name: str, language: str, *, marked: bool = False) -> Phrase:
    """Give the forms of a thing in a language; `kind` is country, city, river, continent or language (no article)."""
    written = _names(kind)[name][grammar.LANGUAGES.index(language)]
    make = grammar.continent if kind == "continent" else grammar.name
    return make(language, written, marked=marked)


def tongue(name: str, language: str) -> Phrase:
    """Give the forms of a language's name with its article, where there is one."""
    return grammar.tongue(language, _names("language")[name][grammar.LANGUAGES.index(language)])
