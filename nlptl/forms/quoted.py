"""String literals in pieces: the words in them one by one, so that a decoder can copy them from an utterance.

A literal becomes its quotation mark, its words, and the mark again. One space between two words is not written down;
any other space is a piece of its own, so nothing is lost. A mark inside a literal is doubled in SQL's way when the
pieces are joined, since a word such as `o'brien` is copied as the utterance has it; a word that is nothing but marks is
doubled in the pieces too, as a single mark would end the literal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_CUT = re.compile(r"\s+|\S+")


def cut(text: str, mark: str) -> list[str]:
    """Give the pieces of the inside of a literal, without its two marks."""
    found = _CUT.findall(text)
    last = len(found) - 1
    return [
        piece.replace(mark, mark * 2) if not piece.strip(mark) else piece
        for number, piece in enumerate(found)
        if not (piece == " " and 0 < number < last)
    ]


def paste(pieces: Sequence[str], mark: str) -> str:
    """Put the inside of a literal together again: what `cut` took apart."""
    text = ""
    for number, piece in enumerate(pieces):
        if number and not (piece.isspace() or pieces[number - 1].isspace()):
            text += " "
        text += piece if piece and not piece.strip(mark) else piece.replace(mark, mark * 2)
    return text


def spans(pieces: Sequence[str], marks: str) -> list[tuple[int, int, str]]:
    """Give (first, last, mark) of each literal in a sequence of pieces; one that nothing ends goes up to the last."""
    found = []
    start: int | None = None
    for number, piece in enumerate(pieces):
        if start is None and len(piece) == 1 and piece in marks:
            start = number
        elif start is not None and piece == pieces[start]:
            found.append((start, number, piece))
            start = None
    if start is not None:
        found.append((start, len(pieces), pieces[start]))
    return found


def joined(pieces: Sequence[str], marks: str, glued: Callable[[str, str], bool]) -> str:
    """Put pieces together, literals with their marks; `glued(before, piece)` says where no space stands between two."""
    text = before = ""
    at = 0
    literals = {first: (last, mark) for first, last, mark in spans(pieces, marks)}
    while at < len(pieces):
        piece = pieces[at]
        if at in literals:
            last, mark = literals[at]
            piece = mark + paste(pieces[at + 1 : last], mark) + (mark if last < len(pieces) else "")
            at = last
        text += piece if not text or glued(before, piece) else f" {piece}"
        before = piece
        at += 1
    return text


def pieces(form: str, sign: re.Pattern[str], marks: str) -> list[str]:
    """Cut a form into pieces: its signs, and the words of literals one by one; what is no sign is a piece by itself."""
    found: list[str] = []
    at = 0
    while at < len(form):
        match = sign.match(form, at)
        text = match.group() if match else form[at]
        at += len(text)
        if text[0] in marks and len(text) > 1:
            found += [text[0], *cut(inside(text), text[0]), text[0]]
        elif not text.isspace():
            found.append(text)
    return found


def inside(literal: str) -> str:
    """Give what stands between the marks of a literal, doubled marks single and one space between any two words."""
    return " ".join(literal[1:-1].replace(literal[0] * 2, literal[0]).split())
