"""What is only in pairs: parts that are equal, parts that changed places, and one part that tells the label alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import regex

from nlptl.data.overlap import normalise
from nlptl.inspection.finding import Finding, at, counted
from nlptl.tasks import Row

MARKS, STRAY = 0.5, 0.1
"""A sign or word marks a part when so many of its texts have it and at most so many of the other part's."""
ALONE = 0.1
"""How far one part alone may come on the way from the majority's score to a perfect one, if that is more than chance.

Hypotheses alone came 0.53 of it on SNLI and 0.31 on MNLI (Poliak and others 2018, table 3), with all of their training
rows. The linear model that is used here, trained on 1,500 rows of XNLI's dev set, comes 0.21 to 0.25 of it in five
languages; on PAWS-X, whose pairs are built so that no part tells anything, at most 0.02 in four. The limit lies in the
middle between those two.
"""
_TOKEN = regex.compile(r"[\p{L}\p{M}\p{N}]+|[?!]")


def equal_parts(rows: Sequence[Row], split: str) -> Iterator[Finding]:
    """Yield the pairs of one text and itself."""
    found = [
        at(row)
        for row in rows
        if "text_pair" in row.values and normalise(row.values["text"]) == normalise(row.values["text_pair"])
    ]
    if found:
        what = f"{counted(len(found), 'row')} of {split} have the same text in both parts"
        yield Finding("equal_parts", "note", what, "drop them if that is no pair", found, f"split {split}")


def swapped_parts(rows: Sequence[Row], split: str) -> Iterator[Finding]:
    """Yield the pairs in which the mark of one part stands in the other part alone."""
    parts = [(_tokens(row.values["text"]), _tokens(row.values["text_pair"])) for row in rows]
    counts = [Counter(token for pair in parts for token in pair[side]) for side in (0, 1)]
    found: dict[str, tuple[Row, str]] = {}
    for side in (0, 1):
        for token, count in counts[side].items():
            if count >= MARKS * len(rows) and counts[1 - side][token] <= STRAY * len(rows):
                for row, pair in zip(rows, parts, strict=True):
                    if token in pair[1 - side] and token not in pair[side]:
                        found.setdefault(row.id, (row, token))
    if found:
        what = f"{counted(len(found), 'row')} of {split} have in one part what nearly always stands in the other"
        notes = [at(row, f"{token!r}") for row, token in found.values()]
        yield Finding(
            "swapped_parts", "warning", what, "look whether the parts changed places", notes, f"split {split}"
        )


def _tokens(text: str) -> set[str]:
    return set(_TOKEN.findall(text.casefold()))


def part_alone(scores: Mapping[str, float], lows: Mapping[str, float], metric: str, split: str) -> Iterator[Finding]:
    """Yield the parts that come far alone. `scores` is baseline -> main metric, `lows` where its interval begins."""
    for name in ("first_part", "second_part"):
        if name not in scores:
            continue
        least, alone = scores["majority"], scores[name]
        way = (alone - least) / (1 - least) if least < 1 else 0.0
        if way >= ALONE and lows[name] > least:
            part = name.replace("_", " ")
            what = (
                f"the {part} alone gives {metric} {alone:.3f} on {split}, the majority {least:.3f}:"
                " it tells something of the label without the other"
            )
            fix = "report it beside every model; look for words that stand under one label alone"
            yield Finding("part_alone", "warning", what, fix, (), f"split {split}")
