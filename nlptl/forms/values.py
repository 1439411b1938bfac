"""The values of a form with their places: which text stands where, and of which class it is. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nlptl.forms import sql_text

_COMPARISON = frozenset({"=", "==", "!=", "<>", "LIKE", "IN"})
_BETWEEN = _COMPARISON | {"NOT", "(", ","}
"""What can stand between a column and a value."""
_FUNCTIONAL = re.compile(r"""\s+|'(?:''|[^'])*'|"(?:""|[^"])*"|[(),]|\\\+|[^\s'"(),]+""")
_VARIABLE = re.compile(r"[A-Z]\d*|_|all|\?")
_SLOT = re.compile(r"\[(SL:[^\s\[\]]+)\s+([^\[\]]*[^\s\[\]])\s*\]")
_ENTITY = re.compile(r"(?<![^\s()])(en\.\w+)\.([\w.]+)(?![^\s()])")


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a form. `sort` is its class: the column it is compared with, the name that takes it, its slot."""

    sort: str
    text: str
    """As an utterance would say it: without marks."""
    start: int
    end: int
    """Where it stands in the form, its marks too."""


def values(form: str, language: str) -> list[Value]:
    """Give the values of a form in their order. Those whose class cannot be told are left out; never raises."""
    read = {"sql": _sql, "functional": _functional, "frame": _frame, "list": _list}.get(language)
    return [] if read is None else list(read(form))


def _sql(form: str) -> Iterator[Value]:
    """Yield string literals that a column is compared with; the class is the table and the column."""
    found = sql_text.signs(form)
    aliases = {
        alias.text: table.text
        for table, word, alias in zip(found, found[1:], found[2:], strict=False)
        if word.text.upper() == "AS" and table.sort == alias.sort == "word"
    }
    for number, sign in enumerate(found):
        if sign.sort != "text":
            continue
        at = number - 1
        while at >= 0 and (found[at].text.upper() in _BETWEEN or found[at].sort == "text"):
            at -= 1
        between = {one.text.upper() for one in found[at + 1 : number]}
        if at < 0 or not between & _COMPARISON or found[at].sort != "word":
            continue
        qualified = at >= 2 and found[at - 1].text == "."
        table = aliases.get(found[at - 2].text, found[at - 2].text) if qualified else _table(found[:at])
        mark = sign.text[0]
        text = " ".join(sign.text[1:-1].replace(mark * 2, mark).split())
        sort = f"{table}.{found[at].text}".casefold()
        yield Value(sort, text, sign.position, sign.position + len(sign.text))


def _table(before: Sequence[sql_text.Sign]) -> str:
    """Give the table of the FROM that a column without one belongs to: the last in its own brackets."""
    depth = 0
    for number in range(len(before) - 1, -1, -1):
        text = before[number].text.upper()
        depth += (text == ")") - (text == "(")
        if text == "FROM" and depth <= 0 and number + 1 < len(before):
            return before[number + 1].text
    return ""


def _functional(form: str) -> Iterator[Value]:
    """Yield constants that a name takes alone or beside others; those others are part of the class, since
    `cityid('austin', 'tx')` cannot become `cityid('boston', 'tx')`.
    """
    signs = [match for match in _FUNCTIONAL.finditer(form) if not match.group().isspace()]
    for number, sign in enumerate(signs):
        if sign.group() != "(" or not number or signs[number - 1].group() in ("(", ","):
            continue
        name, inside = signs[number - 1].group(), signs[number + 1 :]
        end = next((at for at, one in enumerate(inside) if one.group() in ("(", ")", "\\+")), None)
        if end is None or inside[end].group() != ")":
            continue
        constants = _arguments(inside[:end])
        if not all(constants) or not (name.endswith("id") or all(form[one[0].start()] in "'\"" for one in constants)):
            continue
        texts = [form[one[0].start() : one[-1].end()] for one in constants]
        for place, one in enumerate(constants):
            if _VARIABLE.fullmatch(texts[place]):
                continue
            others = [text if at != place else "*" for at, text in enumerate(texts)]
            bare = " ".join(" ".join(part.group().strip("'\"") for part in one).split())
            yield Value(f"{name}({', '.join(others)})", bare, one[0].start(), one[-1].end())


def _arguments(signs: Sequence[re.Match[str]]) -> list[list[re.Match[str]]]:
    found: list[list[re.Match[str]]] = [[]]
    for sign in signs:
        if sign.group() == ",":
            found.append([])
        else:
            found[-1].append(sign)
    return found


def _frame(form: str) -> Iterator[Value]:
    """Yield slots that hold nothing but words."""
    for match in _SLOT.finditer(form):
        yield Value(match[1], " ".join(match[2].split()), match.start(2), match.end(2))


def _list(form: str) -> Iterator[Value]:
    """Yield entities of Overnight, such as `en.player.kobe_bryant`."""
    for match in _ENTITY.finditer(form):
        yield Value(match[1], match[2].replace("_", " "), *match.span())
