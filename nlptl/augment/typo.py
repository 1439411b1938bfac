"""Misspell words as fingers do, or as scanners do."""

import random
from typing import Literal

from nlptl import edits
from nlptl.augment import Augment
from nlptl.edits import Edit, Word

LAYOUTS = (
    ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
    ("ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ"),
)
"""Rows of keys, each half a key to the right of the one above: English, Russian, Greek."""

SCANNED = {
    "0": "oO", "1": "lI", "2": "z", "5": "sS", "6": "b", "8": "B", "9": "g", "o": "0", "O": "0", "l": "1I", "I": "l1",
    "z": "2", "s": "5", "S": "5", "b": "6h", "B": "8", "g": "9q", "q": "g", "c": "e", "e": "c", "h": "b", "u": "v",
    "v": "u", "n": "h", "i": "l", "t": "f", "f": "t", "G": "6", "Z": "2",
}  # fmt: skip
"""What characters are read as for one another."""


def _neighbours() -> dict[str, str]:
    found: dict[str, str] = {}
    for rows in LAYOUTS:
        keys = {(line, place): key for line, row in enumerate(rows) for place, key in enumerate(row)}
        for (line, place), key in keys.items():
            near = ((line, place - 1), (line, place + 1), (line - 1, place), (line - 1, place + 1),
                    (line + 1, place - 1), (line + 1, place))  # fmt: skip
            found[key] = "".join(keys[one] for one in near if one in keys)
    return found


NEAR = _neighbours()


class Typo(Augment):
    """Change one character of a word (Belinkov and Bisk 2018, arXiv:1711.02173, on such noise)."""

    kind: Literal["typo"]

    by: Literal["keyboard", "ocr"]
    """`keyboard` hits a key nearby (English, Russian and Greek keys; of other letters two neighbours change places);
    `ocr` reads a Latin letter or digit as one that looks like it."""

    def propose(self, text: str, draw: random.Random) -> list[Edit]:
        """Edit one grapheme, or two that change places, of each word drawn."""
        found = edits.words(text)
        options = [_keyboard(word) if self.by == "keyboard" else _scanned(word) for word in found]
        able = [one for one in options if one]
        return [draw.choice(one) for one in edits.drawn(draw, able, self.rate, len(found))]


def _keyboard(word: Word) -> list[Edit]:
    """Give the slips of a word: a key nearby for each grapheme that has a key, else an exchange with the next."""
    found = []
    for number in range(len(word.clusters)):
        start, end = word.cluster(number)
        sign = word.text[start - word.start : end - word.start]
        near = NEAR.get(sign.lower(), "")
        found += [Edit(start, end, one.upper() if sign.isupper() else one) for one in near]
        if not near and number + 1 < len(word.clusters):
            after, stop = word.cluster(number + 1)
            other = word.text[after - word.start : stop - word.start]
            if other not in (sign, *edits.APOSTROPHES) and sign not in edits.APOSTROPHES:
                found.append(Edit(start, stop, other + sign))
    return found


def _scanned(word: Word) -> list[Edit]:
    """Give the misreadings of a word."""
    places = (word.cluster(number) for number in range(len(word.clusters)))
    return [
        Edit(start, end, one)
        for start, end in places
        for one in SCANNED.get(word.text[start - word.start : end - word.start], "")
    ]
