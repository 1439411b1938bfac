"""List forms: lambda calculus and lambda DCS in brackets, `( call SW.listValue ( … ) )`.

An item is an atom, a text in double quotation marks, or a bracket of items. A variable is what `lambda` binds, where it
stands as `( var s )`, or anywhere within the brackets of `lambda` if its name begins with `$` or `?`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nlptl.forms import quoted
from nlptl.forms.error import FormError
from nlptl.forms.trees import Reader, Tree, check_depth, tokens

MARKS = '"'
_SIGN = re.compile(r'\s+|"(?:""|[^"])*"|[()]|[^\s()"]+')
_VALUE = re.compile(r"-?\d+(?:\.\d+)?|en\.\w+\.[\w.]+")
"""A number, or an entity of Overnight, such as `en.player.kobe_bryant`; `en.player` is a type."""
PLACE = "?"


def tree(form: str) -> Tree:
    """Read a form. Raises FormError."""
    reader = Reader(tokens(form, _SIGN, MARKS), len(form))
    found = _item(reader, 0)
    reader.finish()
    return found


def _item(reader: Reader, depth: int) -> Tree:
    token = reader.take()
    check_depth(depth, token.position)
    if token.quoted:
        return Tree(token.text, kind="quoted")
    if token.text == ")":
        raise FormError("an item is needed (got ')')", token.position)
    if token.text != "(":
        return Tree(token.text)
    found = []
    while reader.peek() != ")":
        if reader.next() is None:
            raise FormError("this bracket is never closed", token.position)
        found.append(_item(reader, depth + 1))
    reader.take()
    return Tree("", tuple(found), "list")


def rendered(found: Tree) -> str:
    """Write a tree as canonical text: one space between items, variables `$1`, `$2` in order of appearance."""
    free = set(_free(found, frozenset()))
    fresh = (name for number in range(1, 1 << 30) if (name := f"${number}") not in free)
    return _rendered(found, {}, fresh)


def _free(node: Tree, bound: frozenset[str]) -> Iterator[str]:
    """Yield the names that no `lambda` around them binds: a variable that took one of them would catch it."""
    if node.kind == "leaf" and node.head not in bound:
        yield node.head
    name = _binds(node)
    for branch in node.branches:
        yield from _free(branch, bound if name is None else bound | {name})


def _binds(node: Tree) -> str | None:
    inside = node.branches
    plain = len(inside) > 2 and inside[0].kind == inside[1].kind == "leaf"
    return inside[1].head if plain and inside[0].head == "lambda" else None


def _rendered(node: Tree, names: dict[str, str], fresh: Iterator[str]) -> str:
    if node.kind == "leaf":
        return names.get(node.head, node.head) if node.head[:1] in ("$", "?") else node.head
    if node.kind == "quoted":
        return _text(node.head)
    bound = _binds(node)
    if bound is not None:
        names = {**names, bound: next(fresh)}
        rest = (_rendered(branch, names, fresh) for branch in node.branches[2:])
        return f"( {' '.join(['lambda', names[bound], *rest])} )"
    if len(node.branches) == 2 and node.branches[0] == Tree("var") and node.branches[1].kind == "leaf":
        return f"( var {names.get(node.branches[1].head, node.branches[1].head)} )"
    return " ".join(["(", *(_rendered(branch, names, fresh) for branch in node.branches), ")"])


def _text(text: str) -> str:
    """Write a quoted text; one that could be an atom needs no marks."""
    return text if re.fullmatch(r"[^\s()\"$?]+", text) else '"' + text.replace('"', '""') + '"'


def without_values(found: Tree) -> Tree:
    """Replace the values by `?`: quoted texts, numbers, dates and times, and entities."""

    def change(node: Tree) -> Tree:
        value = node.kind == "quoted" or (node.kind == "leaf" and _VALUE.fullmatch(node.head))
        return Tree(PLACE) if value else node

    return found.changed(change)


def pieces(form: str) -> list[str]:
    """Cut a form into pieces: brackets, atoms, quotation marks, and the words between these one by one."""
    return quoted.pieces(form, _SIGN, MARKS)


def joined(given: Sequence[str]) -> str:
    """Put pieces together, with a space between any two, as the data sets write them."""
    return quoted.joined(given, MARKS, lambda before, piece: False)
