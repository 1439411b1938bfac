"""SQL as text: its signs with their positions, cut into pieces and put together again, without a grammar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from nlptl.forms import quoted
from nlptl.forms.error import FormError

MARKS = "'\""
_SIGN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<text>'(?:''|[^'])*'|"(?:""|[^"])*")
    |(?P<other>[xX]'[0-9a-fA-F]*'|`(?:``|[^`])*`|\[[^\]]*\]|[:@$]\w+)
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[^\W\d]\w*)
    |(?P<sign><>|!=|<=|>=|==|\|\||<<|>>|->>|->|[-+*/%&|~<>=(),.;?])""",
    re.VERBOSE | re.DOTALL,
)
DEEPEST = 40
"""Brackets within brackets; gold queries have less than 10, and sqlglot recurses more than once a bracket."""
LONGEST = 20_000
"""Characters; gold queries have less than 1,000."""
FUNCTIONS = re.compile(
    "abs|avg|cast|coalesce|count|date|datetime|exists|group_concat|ifnull|iif|instr|length|lower|ltrim|max|min|nullif"
    "|printf|replace|round|rtrim|strftime|substr|substring|sum|time|total|trim|typeof|upper",
    re.IGNORECASE,
)
"""Names whose bracket stands right behind them in readable text."""


class Sign(NamedTuple):
    """One sign of a query: what sort it is, its text, and the character where it begins."""

    sort: str
    text: str
    position: int


def signs(form: str) -> list[Sign]:
    """Cut a query into signs, without spaces and comments; what SQL does not know is of the sort `unknown`."""
    found = []
    at = 0
    while at < len(form):
        match = _SIGN.match(form, at)
        sort, text = (str(match.lastgroup), match.group()) if match else ("unknown", form[at])
        if sort != "space":
            found.append(Sign(sort, text, at))
        at += len(text)
    return found


def check(form: str, found: Sequence[Sign]) -> None:
    """Raise FormError for what can be told without a grammar, so that the message names the very place."""
    if not found:
        raise FormError("the form is empty", 0)
    if len(form) > LONGEST:
        raise FormError(f"longer than {LONGEST:,} characters", LONGEST)
    opened: list[int] = []
    for number, (sort, text, at) in enumerate(found):
        if sort == "unknown":
            raise FormError("a quotation mark is never closed" if text in MARKS else f"unknown sign '{text}'", at)
        if text == "(":
            opened.append(at)
            if len(opened) > DEEPEST:
                raise FormError(f"brackets more than {DEEPEST} deep", at)
        elif text == ")":
            if not opened:
                raise FormError("this bracket closes nothing", at)
            opened.pop()
        elif text == "," and (number + 1 == len(found) or found[number + 1].text in (",", ")", ";")):
            raise FormError("nothing stands behind this comma", at)
    if opened:
        raise FormError("this bracket is never closed", opened[-1])
    if found[0].text.upper() not in ("SELECT", "WITH", "VALUES", "("):
        raise FormError(f"a query begins with SELECT (got '{found[0].text}')", found[0].position)


def pieces(form: str) -> list[str]:
    """Cut a query into names, keywords, operators, brackets, numbers, and the words of string literals one by one."""
    found: list[str] = []
    for sort, text, _ in signs(form):
        if sort == "text":
            mark = text[0]
            found += [mark, *quoted.cut(text[1:-1].replace(mark * 2, mark), mark), mark]
        else:
            found.append(text)
    return found


def joined(given: Sequence[str]) -> str:
    """Put pieces together as readable SQL: `SELECT MAX(t.x) FROM t WHERE y = 'new york'`."""
    return quoted.joined(given, MARKS, _glued)


def _glued(before: str, piece: str) -> bool:
    """Say whether no space stands between two pieces: never where they would become another sign."""
    if piece == "(":
        return before == "(" or FUNCTIONS.fullmatch(before) is not None
    if piece == "." or before == ".":
        return not (before[:1].isdigit() or piece[:1].isdigit() or before == piece)
    return piece in (",", ")", ";") or before == "("
