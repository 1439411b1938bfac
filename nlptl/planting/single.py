"""Faults of single rows. `count` is how many rows have them."""

from __future__ import annotations

import string
from collections.abc import Callable

from nlptl.planting.ground import Ground, Place, Values

PARTICLES = {
    "deu": ["und", "nicht", "der", "ist", "mit", "das", "ein"],
    "eng": ["and", "not", "the", "is", "with", "that", "of"],
}
CYRILLIC = str.maketrans("abdefgiklmnoprstuvz", "абдефгиклмнопрстувз")
LONG = 2000
"""Words of an extremely long text: beyond every window that a small encoder has."""
STRANGE = "kwolk"


def duplicate_across(ground: Ground, count: int) -> list[Place]:
    """Copy rows of the first split into the last."""
    return _copies(ground, count, ground.last, lambda row: None)


def near_duplicate_across(ground: Ground, count: int) -> list[Place]:
    """Copy rows of the first split into the last, with a letter more."""
    return _copies(ground, count, ground.last, _one_more)


def duplicate_within(ground: Ground, count: int) -> list[Place]:
    """Copy rows of the first split into the first."""
    return _copies(ground, count, ground.first, lambda row: None)


def near_duplicate_within(ground: Ground, count: int) -> list[Place]:
    """Copy rows of the first split into the first, with a letter more."""
    return _copies(ground, count, ground.first, _one_more)


def conflicting_labels(ground: Ground, count: int) -> list[Place]:
    """Copy rows of the first split into it under another label; original and copy are both named."""

    def change(row: Values) -> None:
        row["label"] = ground.other_label(row["label"])

    copies = _copies(ground, count, ground.first, change)
    return copies + ground.origins(copies)


def _one_more(row: Values) -> None:
    row["text"] += "s"


def _copies(ground: Ground, count: int, split: str, change: Callable[[Values], None]) -> list[Place]:
    copies = ground.take(count, split)
    originals = ground.take(count)
    for copy, original in zip(copies, originals, strict=True):
        row = dict(ground.row(original))
        change(row)
        ground.rows[copy[0]][copy[1]] = row
    # The later of two rows of a split is the copy, whatever was drawn as what.
    ground.origin.update(zip(copies, originals, strict=True))
    if split == ground.first:
        pairs = [sorted(pair) for pair in zip(copies, originals, strict=True)]
        ground.origin.update({second: first for first, second in pairs})
        return [second for _, second in pairs]
    return copies


def flipped_label(ground: Ground, count: int) -> list[Place]:
    """Give rows a label that their text does not have."""

    def flip(row: Values) -> None:
        row["label"] = ground.other_label(row["label"])

    return _change(ground, count, flip)


def label_in_text(ground: Ground, count: int) -> list[Place]:
    """Write the label into the text."""
    found = ground.take(count)
    for place in found:
        ground.insert(place, ground.row(place)["label"])
    return found


def label_alike(ground: Ground, count: int) -> list[Place]:
    """Write labels with a capital letter and a space behind."""
    return _change(ground, count, lambda row: row.update(label=f"{row['label'].capitalize()} "))


def unknown_label(ground: Ground, count: int) -> list[Place]:
    """Give rows a label that no card has."""
    return _change(ground, count, lambda row: row.update(label=STRANGE))


def missing_label(ground: Ground, count: int) -> list[Place]:
    """Take the label from rows."""
    return _change(ground, count, lambda row: row.update(label=None))


def empty_text(ground: Ground, count: int) -> list[Place]:
    """Leave nothing of texts."""
    return _change(ground, count, lambda row: row.update(text=" "))


def punctuation_only(ground: Ground, count: int) -> list[Place]:
    """Leave nothing of texts but punctuation."""
    return _change(ground, count, lambda row: row.update(text="".join(ground.rng.choices("?!.,;-", k=12))))


def very_short(ground: Ground, count: int) -> list[Place]:
    """Leave two letters of texts, different ones each time."""
    letters = string.ascii_lowercase
    words = ground.rng.sample([one + other for one in letters for other in letters], count)
    return _change(ground, count, lambda row: row.update(text=words.pop()))


def too_long(ground: Ground, count: int) -> list[Place]:
    """Make texts extremely long."""
    return _change(ground, count, lambda row: row.update(text=f"{row['text']} {ground.some(LONG)}"))


def mojibake(ground: Ground, count: int) -> list[Place]:
    """Read UTF-8 as if it were Windows-1252."""
    words = ["café", "Straße", "naïve", "señor", "\u2018kwol\u2019"]
    return _append(ground, count, lambda: ground.rng.choice(words).encode().decode("cp1252"))


def replacement_character(ground: Ground, count: int) -> list[Place]:
    """Put the sign into texts that stands for a byte that could not be read."""
    return _append(ground, count, lambda: "caf\N{REPLACEMENT CHARACTER}")


def html(ground: Ground, count: int) -> list[Place]:
    """Leave marks of HTML in texts."""
    return _append(ground, count, lambda: ground.rng.choice(["<br />", "kwol&nbsp;kwol", "&#39;kwol", "<b>kwol</b>"]))


def control_character(ground: Ground, count: int) -> list[Place]:
    """Put control characters into texts."""
    return _append(ground, count, lambda: f"kwol{ground.rng.choice(chr(7) + chr(0) + chr(0x1B) + chr(0x92))}")


def bidi_control(ground: Ground, count: int) -> list[Place]:
    """Put characters into texts that turn the direction of writing."""
    return _append(ground, count, lambda: f"{ground.rng.choice(chr(0x202E) + chr(0x2067))}kwol")


def zero_width(ground: Ground, count: int) -> list[Place]:
    """Put characters without width into words."""
    return _append(ground, count, lambda: f"kwo{ground.rng.choice(chr(0x200B) + chr(0xFEFF) + chr(0xAD))}l")


def foreign_script(ground: Ground, count: int) -> list[Place]:
    """Write texts in Cyrillic letters."""
    return _change(ground, count, lambda row: row.update(text=row["text"].translate(CYRILLIC)))


def foreign_language(ground: Ground, count: int) -> list[Place]:
    """Put function words of another language into texts."""
    words = PARTICLES["eng" if ground.language == "deu" else "deu"]
    return _append(ground, count, lambda: " ".join(ground.rng.sample(words, 6)))


def equal_parts(ground: Ground, count: int) -> list[Place]:
    """Make the second text of pairs the first."""
    return _change(ground, count, lambda row: row.update(text_pair=row["text"]))


def _append(ground: Ground, count: int, made: Callable[[], str]) -> list[Place]:
    return _change(ground, count, lambda row: row.update(text=f"{row['text']} {made()}"))


def _change(ground: Ground, count: int, change: Callable[[Values], None]) -> list[Place]:
    found = ground.take(count)
    for place in found:
        change(ground.row(place))
    return found
