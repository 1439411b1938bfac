"""Functional forms: FunQL (`answer(city(loc_2(stateid('virginia'))))`) and Prolog (`_answer ( A , ( … ) )`).

A term is a name with arguments in brackets, a bracket of terms, `\\+` before a term, a constant of one or more words
with or without quotation marks, or a number. A variable is a capital letter, alone or with digits; `_` is nameless.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nlptl.forms import quoted
from nlptl.forms.error import FormError
from nlptl.forms.trees import Reader, Tree, check_depth, tokens

MARKS = "'\""
_SIGN = re.compile(
    r"""\s+|'(?:''|[^'])*'|"(?:""|[^"])*"  # spaces, texts in quotation marks
    |\\\+|[(),]                              # not, brackets, comma
    |-?\d+(?:\.\d+)?(?![\w.])              # numbers
    |[^\s'"(),\\&|;<>=\[\]{}]+             # names and words""",
    re.VERBOSE,
)
_VARIABLE = re.compile(r"[A-Z]\d*")
_PLAIN = re.compile(r"[\w.+-]+")
PLACE = "?"


def tree(form: str) -> Tree:
    """Read a form. Raises FormError."""
    reader = Reader(tokens(form, _SIGN, MARKS), len(form))
    found = _term(reader, 0)
    reader.finish()
    return found


def _term(reader: Reader, depth: int) -> Tree:
    token = reader.take()
    check_depth(depth, token.position)
    if token.quoted:
        return Tree(token.text, kind="quoted")
    if token.text == "\\+":
        return Tree("\\+", (_term(reader, depth + 1),), "not")
    if token.text == "(":
        inside = _arguments(reader, depth)
        return inside[0] if len(inside) == 1 else Tree("", inside, "group")
    if token.text in ",)":
        raise FormError(f"a term is needed (got '{token.text}')", token.position)
    if reader.peek() == "(":
        reader.take()
        return Tree(token.text, _arguments(reader, depth), "call")
    words = [token.text]
    while reader.peek() not in ("", "(", ")", ",", "\\+"):
        words.append(reader.take().text)
    return Tree(" ".join(words))


def _arguments(reader: Reader, depth: int) -> tuple[Tree, ...]:
    found = [_term(reader, depth + 1)]
    while reader.peek() == ",":
        reader.take()
        found.append(_term(reader, depth + 1))
    reader.expect(")")
    return tuple(found)


def rendered(found: Tree) -> str:
    """Write a tree as canonical text: a space after each comma, constants of several words in quotation marks."""
    names: dict[str, str] = {}
    return _rendered(found, names)


def _rendered(node: Tree, names: dict[str, str]) -> str:
    if not node.branches:
        if node.kind == "leaf" and _VARIABLE.fullmatch(node.head):
            return names.setdefault(node.head, _letter(len(names)))
        if node == Tree(PLACE) or (_PLAIN.fullmatch(node.head) and not _VARIABLE.fullmatch(node.head)):
            return node.head
        return "'" + node.head.replace("'", "''") + "'"
    inside = ", ".join(_rendered(branch, names) for branch in node.branches)
    return f"\\+ {inside}" if node.kind == "not" else f"{node.head}({inside})"


def _letter(number: int) -> str:
    return chr(ord("A") + number % 26) + (str(number // 26) if number >= 26 else "")


def without_values(found: Tree) -> Tree:
    """Replace the constants by `?`: what stands in quotation marks, numbers, and the arguments of `…id` names.

    `stateid('texas')`, `_cityid ( austin , _ )` and `countryid(usa)` name things; `all` and `_` are part of the query.
    """

    def change(node: Tree) -> Tree:
        named = node.head.endswith("id") and node.kind == "call"
        return Tree(node.head, tuple(_blank(branch, named) for branch in node.branches), node.kind)

    return _blank(found.changed(change), named=False)


def _blank(node: Tree, named: bool) -> Tree:
    if node.branches or node.head == "_" or (node.kind == "leaf" and _VARIABLE.fullmatch(node.head)):
        return node
    value = named or node.kind == "quoted" or node.head.lstrip("-").replace(".", "", 1).isdigit()
    return Tree(PLACE) if value else node


def pieces(form: str) -> list[str]:
    """Cut a form into pieces: names, brackets, commas, quotation marks, and the words between these one by one."""
    return quoted.pieces(form, _SIGN, MARKS)


def joined(given: Sequence[str]) -> str:
    """Put pieces together: `answer(A, (state(A), loc(A, B)))`."""
    return quoted.joined(given, MARKS, _glued)


def _glued(before: str, piece: str) -> bool:
    if piece == "(" and before == ",":
        return False
    return piece in ("(", ")", ",") or before == "("
