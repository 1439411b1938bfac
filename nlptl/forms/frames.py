"""Frames, as MTOP has them: `[IN:GET_MESSAGE [SL:CONTACT Angelika Kratzer ] ]`.

An intent holds words and slots, a slot holds words and intents. Words are compared one by one: spaces do not count,
their case does. (Li et al. 2021, arXiv:2008.09335: exact match of the tree with its intents, slots and their words.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nlptl.forms.error import FormError
from nlptl.forms.trees import Reader, Token, Tree, check_depth

_SIGN = re.compile(r"\s+|\[(?:IN|SL):[^\s\[\]]+|[\[\]]|[^\s\[\]]+")
_INSIDE = {"[IN:": "[SL:", "[SL:": "[IN:"}
_CALLED = {"[IN:": "an intent", "[SL:": "a slot"}
PLACE = "?"


def pieces(form: str) -> list[str]:
    """Cut a form into pieces: `[IN:NAME` and `[SL:NAME` whole, closing brackets, words."""
    return [text for text in _SIGN.findall(form) if not text.isspace()]


def joined(given: Sequence[str]) -> str:
    """Put pieces together with a space between any two, as MTOP does."""
    return " ".join(given)


def tree(form: str) -> Tree:
    """Read a form. Raises FormError, also where an intent stands directly in an intent or a slot in a slot."""
    found = [Token(match.group(), match.start()) for match in _SIGN.finditer(form) if not match.group().isspace()]
    reader = Reader(found, len(form))
    top = _node(reader, "[IN:", 0)
    reader.finish()
    return top


def _node(reader: Reader, wanted: str, depth: int) -> Tree:
    opening = reader.take()
    check_depth(depth, opening.position)
    if opening.text[:4] != wanted:
        raise FormError(f"{_CALLED[wanted]}, {wanted}…, is needed (got '{opening.text}')", opening.position)
    found: list[Tree] = []
    while reader.peek() != "]":
        if reader.next() is None:
            raise FormError(f"'{opening.text}' is never closed", opening.position)
        if reader.peek().startswith("["):
            found.append(_node(reader, _INSIDE[wanted], depth + 1))
        else:
            found.append(Tree(reader.take().text))
    reader.take()
    return Tree(opening.text[1:], tuple(found), "frame")


def rendered(found: Tree) -> str:
    """Write a tree as canonical text."""
    if found.kind == "leaf":
        return found.head
    return " ".join([f"[{found.head}", *(rendered(branch) for branch in found.branches), "]"])


def without_values(found: Tree) -> Tree:
    """Replace the words of every slot and intent by `?`: what is left are the names and how they nest."""

    def change(node: Tree) -> Tree:
        kept: list[Tree] = []
        for branch in node.branches:
            made = Tree(PLACE) if branch.kind == "leaf" else branch
            if not (kept and made == kept[-1] == Tree(PLACE)):
                kept.append(made)
        return Tree(node.head, tuple(kept), node.kind)

    return found.changed(change)
