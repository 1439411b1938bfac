"""Forms as trees: what functional, list and frame forms are read into, and what can be said of any tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nlptl.forms import quoted
from nlptl.forms.error import FormError

DEEPEST = 200
"""Nesting beyond this is refused: gold forms have less than 30, and reading goes down by recursion."""


@dataclass(frozen=True, slots=True)
class Token:
    """A sign of a form, and the character where it begins."""

    text: str
    position: int
    quoted: bool = False


def tokens(form: str, sign: re.Pattern[str], marks: str) -> list[Token]:
    """Cut a form into tokens. Raises FormError for a sign that the language does not have."""
    found = []
    at = 0
    while at < len(form):
        match = sign.match(form, at)
        if match is None:
            what = "a quotation mark is never closed" if form[at] in marks else f"unknown sign '{form[at]}'"
            raise FormError(what, at)
        text = match.group()
        if text[0] in marks:
            found.append(Token(quoted.inside(text), at, quoted=True))
        elif not text.isspace():
            found.append(Token(text, at))
        at = match.end()
    return found


@dataclass(frozen=True, slots=True)
class Tree:
    """A node with its branches in order; a leaf has none. `head` is what the node itself says, empty for a list."""

    head: str
    branches: tuple[Tree, ...] = ()
    kind: str = "leaf"
    """`leaf`, `quoted` (a leaf in quotation marks), or what the language calls its nodes with branches."""

    def depth(self) -> int:
        """Count the nodes from here down the longest way, this one included."""
        return 1 + max((branch.depth() for branch in self.branches), default=0)

    def each(self) -> Iterator[Tree]:
        """Yield this node and all below it, from left to right."""
        yield self
        for branch in self.branches:
            yield from branch.each()

    def changed(self, change: Callable[[Tree], Tree]) -> Tree:
        """Give the tree with every node replaced by what `change` makes of it, the branches first."""
        return change(Tree(self.head, tuple(branch.changed(change) for branch in self.branches), self.kind))


class Reader:
    """The tokens of a form, and how far they have been read."""

    def __init__(self, tokens: list[Token], length: int) -> None:
        self._tokens = tokens
        self._at = 0
        self._length = length
        if not tokens:
            raise FormError("the form is empty", 0)

    def peek(self, ahead: int = 0) -> str:
        """Give the text of the next token, empty at the end and for one in quotation marks."""
        token = self._token(ahead)
        return "" if token is None or token.quoted else token.text

    def next(self) -> Token | None:
        """Give the next token without taking it."""
        return self._token(0)

    def take(self) -> Token:
        """Take the next token. Raises FormError at the end."""
        token = self._token(0)
        if token is None:
            raise FormError("the form ends too early", self._length)
        self._at += 1
        return token

    def expect(self, text: str) -> Token:
        """Take the next token, which must be this one."""
        if self.peek() != text:
            token = self._token(0)
            got = "the end" if token is None else f"'{token.text}'"
            raise FormError(f"'{text}' is needed (got {got})", self._length if token is None else token.position)
        return self.take()

    def finish(self) -> None:
        """Raise FormError if anything is left."""
        token = self._token(0)
        if token is not None:
            raise FormError(f"nothing more is expected (got '{token.text}')", token.position)

    def _token(self, ahead: int) -> Token | None:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else None


def check_depth(depth: int, position: int) -> None:
    """Raise FormError for a form that is nested too deeply."""
    if depth > DEEPEST:
        raise FormError(f"nested more than {DEEPEST} deep", position)
