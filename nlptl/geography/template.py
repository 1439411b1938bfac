"""Template: one thing that can be asked, with its class, its SQL and its truth, in no language yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from nlptl.geography.world import Country, World

Args = tuple[str | int, ...]
"""What a template is asked of: English names, numbers."""
Truth = list[str | int]
"""The values of the one column that the SQL gives, in its order; empty where there is nothing to be found."""
Kind = Literal["country", "city", "river", "language", "continent", "people", "area", "length", "count"]
MOST = 6
"""Longest list that is asked for."""


@dataclass(frozen=True)
class Fact:
    """A sentence to be said: a template's words and what they are about."""

    template: str
    args: Args


@dataclass(frozen=True)
class Template:
    """One thing that can be asked. What it may be asked of is what `truth` is not None for."""

    name: str
    words: str
    """The entry in the languages' questions and statements."""
    label: str
    answer: Kind
    slots: tuple[str, ...]
    """The slots that `args` fill: c, d (countries), k (continent), r, s (rivers), l (language), city, people, area."""
    args: Callable[[World], Sequence[Args]]
    sql: Callable[[Args], str]
    truth: Callable[[World, Args], Truth | None]
    described: str = ""
    """How the country is named: by its name (nothing here) or by a description, an entry in the languages' words."""


def quoted(name: str | int) -> str:
    """Give a name as SQL writes it."""
    return "'" + str(name).replace("'", "''") + "'"


def first(found: Sequence[Country], key: Callable[[Country], int]) -> Truth | None:
    """Give the name of the greatest; None where two are greatest, [] where there is nothing."""
    ordered = sorted(found, key=key, reverse=True)
    if len(ordered) > 1 and key(ordered[0]) == key(ordered[1]):
        return None
    return [ordered[0].name] if ordered else []


def some(names: Sequence[str], *, least: int = 1) -> Truth | None:
    """Give names in their order; None where they are too many for a sentence, or fewer than the question supposes."""
    return sorted(names) if not names or least <= len(names) <= MOST else None


def positive(number: int) -> Truth | None:
    """Give a number; None for 0."""
    return [number] if number else None
