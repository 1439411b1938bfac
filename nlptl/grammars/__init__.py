"""Grammars that decoding is held to: SQL over a schema, those learnt from training forms, and Lark files.

A `Held` is what both decoders take: `modules.constraint.Constraint` for subwords, `words.WordConstraint` for pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nlptl.grammars.learning import learnt
from nlptl.grammars.scope import Scope
from nlptl.grammars.select import names_in, sql
from nlptl.grammars.tables import Schema, schema, schema_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Held", "Schema", "for_forms", "for_sql", "from_file", "from_text", "learnt", "led", "names_in", "schema",
    "schema_of", "sql",
]  # fmt: skip

_MARKS = {"sql": "'\"", "functional": "'\"", "list": '"'}
"""The quotation marks of the form languages that have literals."""
_START = re.compile(r'"(?:\\.|[^"\\\n])*"|/(?:\\.|[^/\\\n])+/|//[^\n]*|\bstart\b')
"""Literals, regular expressions and comments of Lark, and the name of its first rule."""


@dataclass(frozen=True)
class Held:
    """A grammar in llguidance's Lark, and what goes with it."""

    text: str
    scope: Scope | None = None
    """For SQL: what a grammar cannot say of names."""
    marks: str = ""
    """The quotation marks between which pieces are words of a literal."""


def for_sql(of: Schema, forms: Iterable[str] = ()) -> Held:
    """Hold to SELECT queries over a schema; names that training forms give to tables and columns may be given too."""
    names = names_in(forms)
    return Held(sql(of, names), Scope(of, names), _MARKS["sql"])


def for_forms(forms: Iterable[str], language: str) -> Held:
    """Hold to what is learnt from training forms of `functional`, `list`, `frame` or `words`. Raises BadInput."""
    return Held(learnt(forms, language), marks=_MARKS.get(language, ""))


def from_file(path: Path, language: str) -> Held:
    """Hold to a Lark file for forms of a language. Raises BadInput, with the line where it is wrong."""
    from nlptl.grammars.files import read

    return from_text(read(path), language)


def from_text(text: str, language: str) -> Held:
    """Hold to a grammar that `for_forms` or `from_file` gave before."""
    return Held(text, marks=_MARKS.get(language, ""))


def led(held: Held) -> Held:
    """Let a space stand before a form, as language models write it: `%ignore` does not reach before the first rule."""
    if held.scope is not None:  # the grammar of SQL has them
        return held
    inner = "form_behind_space"
    named = _START.sub(lambda found: inner if found[0] == "start" else found[0], held.text)
    return replace(held, text=f"start: SPACE_BEFORE? {inner}\nSPACE_BEFORE: / /\n{named}")
