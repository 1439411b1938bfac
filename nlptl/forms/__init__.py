"""Logical forms by language: cut into pieces and joined, compared, named by their template, measured, checked.

`sql` · `functional` (FunQL, Prolog) · `list` (lambda calculus and lambda DCS in brackets) · `frame` (MTOP's intents and
slots) · `words` (SCAN's actions). Pure functions on text. What does not parse is a FormError with the character;
`pieces` and `joined` never raise, since what a model predicts may be anything.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.forms import frames, functional, lists, sql, sql_text, words
from nlptl.forms.error import FormError

__all__ = [
    "LANGUAGES",
    "FormError",
    "check",
    "joined",
    "length",
    "normal",
    "pieces",
    "shortened",
    "template",
    "tree_depth",
]


@dataclass(frozen=True, slots=True)
class _Language:
    """How the forms of one language are read and written."""

    pieces: Callable[[str], list[str]]
    joined: Callable[[Sequence[str]], str]
    normal: Callable[[str], str]
    template: Callable[[str], str]
    depth: Callable[[str], int]


_READ = {
    "sql": _Language(sql_text.pieces, sql_text.joined, sql.normal, sql.template, sql.depth),
    "functional": _Language(
        functional.pieces,
        functional.joined,
        lambda form: functional.rendered(functional.tree(form)),
        lambda form: functional.rendered(functional.without_values(functional.tree(form))),
        lambda form: functional.tree(form).depth(),
    ),
    "list": _Language(
        lists.pieces,
        lists.joined,
        lambda form: lists.rendered(lists.tree(form)),
        lambda form: lists.rendered(lists.without_values(lists.tree(form))),
        lambda form: lists.tree(form).depth(),
    ),
    "frame": _Language(
        frames.pieces,
        frames.joined,
        lambda form: frames.rendered(frames.tree(form)),
        lambda form: frames.rendered(frames.without_values(frames.tree(form))),
        lambda form: frames.tree(form).depth(),
    ),
    "words": _Language(words.pieces, words.joined, words.normal, words.normal, words.depth),
}

LANGUAGES: tuple[str, ...] = tuple(_READ)
"""The form languages, by the names that a card gives them."""

_KEPT = 1 << 16
"""Results that are kept: gold forms are asked for again at every evaluation."""


def pieces(form: str, language: str) -> list[str]:
    """Cut a form into the pieces that a decoder predicts: names, operators, brackets, numbers, words of literals."""
    return list(_pieces(form, _known(language)))


def joined(pieces: Sequence[str], language: str) -> str:
    """Put pieces together as readable text of the language; never raises, whatever was predicted."""
    return _READ[_known(language)].joined(pieces)


@functools.lru_cache(maxsize=_KEPT)
def normal(form: str, language: str) -> str:
    """Give canonical text: two forms say the same, as far as that can be told from the text, if it is equal.

    Raises FormError. What counts as the same stands at the top of each language's module.
    """
    return _READ[_known(language)].normal(form)


@functools.lru_cache(maxsize=_KEPT)
def template(form: str, language: str) -> str:
    """Give the normal form with `?` for its values: forms of one template ask the same of other things.

    Raises FormError. A sequence of words has no values.
    """
    return _READ[_known(language)].template(form)


def length(form: str, language: str) -> int:
    """Count the pieces."""
    return len(_pieces(form, _known(language)))


@functools.lru_cache(maxsize=_KEPT)
def tree_depth(form: str, language: str) -> int:
    """Count how deep a form nests: queries within queries for SQL, nodes of the tree else, 1 for words.

    Raises FormError.
    """
    return _READ[_known(language)].depth(form)


@functools.lru_cache(maxsize=_KEPT)
def shortened(form: str, language: str) -> str:
    """Give an equivalent shorter query for SQL, and any other form as it is. Raises FormError."""
    return sql.shortened(form) if _known(language) == "sql" else form


def check(form: str, language: str) -> Problem | None:
    """Say what is wrong with a form, with the character where; None if it parses."""
    try:
        normal(form, language)
    except FormError as error:
        around = form[max(0, error.position - 10) : error.position + 20]
        fix = f"there: '{around}'" if around else ""
        return Problem(error.what, where=f"character {error.position}", field="form", fix=fix)
    return None


@functools.lru_cache(maxsize=_KEPT)
def _pieces(form: str, language: str) -> tuple[str, ...]:
    return tuple(_READ[language].pieces(form))


def _known(language: str) -> str:
    if language not in LANGUAGES:
        raise BadInput("form", f"no form language '{language}'; {did_you_mean(language, LANGUAGES)}")
    return language
