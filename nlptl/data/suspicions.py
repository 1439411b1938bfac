"""What looks wrong in rows: labels that cannot be learnt are faults, the rest are warnings."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from nlptl.errors import Problem, did_you_mean
from nlptl.tasks import Row

BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
SHOWN = 5
LOOKED_AT, LETTERS = 2000, 40
"""Rows, and letters of each, by which the scripts of a split are counted."""
STRAY = 0.01
"""Least share of rows in another script that is worth a warning."""

Rows = Mapping[str, Sequence[Row]]


def unseen_labels(rows: Rows) -> Iterator[Problem]:
    """Yield the labels that a scored split has and no training row has: no model can give them."""
    known = _labels(rows["train"])
    for split, found in rows.items():
        for label, count in _labels(found).items():
            if label not in known:
                what = f"{count} of {len(found)} rows have the label {label!r}, which no training row has"
                yield Problem(what, where=f"split {split}", field="label", fix=did_you_mean(label, known))


def suspicions(rows: Rows, given: Sequence[str]) -> Iterator[str]:
    """Yield warnings: labels that look alike, characters that reorder what people see, scripts that are strangers."""
    alike = defaultdict(set)
    for label in _labels(rows["train"]):
        alike[re.sub(r"\b0+(?=\d)", "", label.strip().casefold())].add(label)
    for labels in alike.values():
        if len(labels) > 1:
            yield f"the labels {', '.join(map(repr, sorted(labels)))} look alike and are kept apart"
    for split, found in rows.items():
        hidden = [row.id for row in found if any(BIDI.search(text) for text in _texts(row, given))]
        if hidden:
            some = ", ".join(hidden[:SHOWN])
            yield f"{len(hidden)} rows of {split} hold characters that change the direction of writing: {some}"
        yield from _strange_scripts(split, found, given)


def _strange_scripts(split: str, rows: Sequence[Row], given: Sequence[str]) -> Iterator[str]:
    by_language: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows[:LOOKED_AT]:
        by_language[row.language][script(" ".join(_texts(row, given)))] += 1
    for language, counts in by_language.items():
        counts.pop("", None)
        total = counts.total()
        if len(counts) > 1 and total - max(counts.values()) >= STRAY * total:
            shares = ", ".join(f"{script} {count}" for script, count in counts.most_common())
            yield f"{split} is said to be '{language}', its first {total} rows are written in several scripts: {shares}"


def script(text: str) -> str:
    """Give the script of most of a text's first letters, by their Unicode names; "" where there is none."""
    letters = islice((letter for letter in text if letter.isalpha()), LETTERS)
    counts = Counter(unicodedata.name(letter, "UNKNOWN").split()[0] for letter in letters)
    # Japanese is written in three; Chinese characters alone are one of them.
    joined = Counter({"CJK": sum(counts.pop(name, 0) for name in ("CJK", "HIRAGANA", "KATAKANA"))}) + counts
    return joined.most_common(1)[0][0] if joined else ""


def _texts(row: Row, given: Sequence[str]) -> list[str]:
    return [value for name in given if isinstance(value := row.values.get(name), str)]


def _labels(rows: Sequence[Row]) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows:
        found.update(row.values.get("labels", ()))
        if "label" in row.values:
            found[row.values["label"]] += 1
    return found
