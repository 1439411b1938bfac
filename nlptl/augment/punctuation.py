"""Leave punctuation marks away, and put in such as do not belong."""

import random
from typing import Literal

import regex

from nlptl import edits
from nlptl.augment import Augment
from nlptl.edits import Edit, Word

MARK = regex.compile(r"\p{Po}(?=\s|$|[\p{Han}\p{Hiragana}\p{Katakana}])")
"""One mark after a word; not the one in `3.14` or `user@host`."""
MARKS = {"Han": "\uff0c。、", "Hiragana": "、。", "Katakana": "、。", "Arabic": "،؛", "Devanagari": ",।"}
"""Script -> its marks; others have those of Latin."""
SCRIPTS = {name: regex.compile(rf"\p{{{name}}}") for name in MARKS}
LATIN = ",.;:!?"


class Punctuation(Augment):
    """Delete the mark after a word, or put one after a word that has none (Karimi, Rossi, Prati 2021, arXiv:2108.13230,
    insert alone).
    """

    kind: Literal["punctuation"]

    def propose(self, text: str, draw: random.Random) -> list[Edit]:
        """Edit what stands behind each word drawn."""
        found = edits.words(text)
        options = [one for word in found if (one := _options(text, word))]
        return [draw.choice(one) for one in edits.drawn(draw, options, self.rate, len(found))]


def _options(text: str, word: Word) -> list[Edit]:
    """Give what can be done after a word: its mark deleted, or if a space or the end follows, one inserted."""
    if MARK.match(text, word.end):
        return [Edit(word.end, word.end + 1, "")]
    if text[word.end : word.end + 1].strip():
        return []
    script = next((name for name, pattern in SCRIPTS.items() if pattern.match(word.text)), "")
    return [Edit(word.end, word.end, mark) for mark in MARKS.get(script, LATIN)]
