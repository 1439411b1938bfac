"""Names in texts: where one is mentioned, what sort of answer a text is. Pure functions."""

from __future__ import annotations

import re

from nlptl import edits

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_YEAR = re.compile(r"1\d\d\d|20\d\d")
LONGEST = 6
"""Words of a name."""
LINK = 3
"""Letters of a word within a name that may be written small: `University of Oxford`."""


def mentions(text: str, name: str, *, exact: bool) -> list[tuple[int, int]]:
    """Give where a name is mentioned as whole words, `exact`ly as written or in whatever case; without overlap."""
    pattern = r"\s+".join(re.escape(part) for part in name.split())
    if not pattern:
        return []
    joined = r"[^\W_]"  # a letter or digit beside it would make it part of a longer word
    left = rf"(?<!{joined})(?<![\d][.,])" if name.strip()[0].isalnum() else ""
    right = rf"(?!{joined})(?![.,]\d)" if name.strip()[-1].isalnum() else ""
    found = [match.span() for match in re.finditer(left + pattern + right, text, re.NOFLAG if exact else re.IGNORECASE)]
    return [span for span in found if edits.stands(text, *span)]


def answer_sort(text: str, question: str) -> str:
    """Name the sort of an answer: `year`, `number` or `name` beside the first word of its question; nothing where none
    is seen, as for lower case phrases and in scripts without case.
    """
    shape = _shape(text)
    asked = next((word.text.casefold() for word in edits.words(question)), "")
    return f"{shape} {asked}" if shape else ""


def _shape(text: str) -> str:
    if _YEAR.fullmatch(text):
        return "year"
    if _NUMBER.fullmatch(text):
        return "number"
    words = [word.text for word in edits.words(text)]
    if not 0 < len(words) <= LONGEST or not (words[0][:1].isupper() and words[-1][:1].isupper()):
        return ""
    return "name" if all(word[:1].isupper() or (word.isalpha() and len(word) <= LINK) for word in words) else ""
