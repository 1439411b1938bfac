"""What tells the label without being understood: a word, the label itself, a length, a number; what machines leave."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nlptl import labels
from nlptl.data.overlap import normalise
from nlptl.inspection.classes import RARE, suspects
from nlptl.inspection.finding import Finding, at, counted
from nlptl.tasks import Row

COVERS, PRECISE = 0.5, 0.95
"""A word leaks a label when half of the label's rows have it, and nearly no others: such words write themselves into
data by how they were collected. What people say of one thing is spread over many words.
"""
FEW = 30
"""Rows that a label must have: in fewer, half can share a word by chance."""
OWN = 5
"""Rows with the label's own name in their text from which it is more than a word that happens to be one."""
APART = 0.8
"""Share of the label's rows inside a range of lengths or numbers, less the share of the others inside it (Youden's J):
1 tells the label for sure, 0 says nothing.
"""
SAME, SIGNS, PORTION = 10, 20, 0.02
"""Rows and share of rows that begin (or end) with the same so many signs: a heading or signature, not a sentence."""
PILE, TIMES, AROUND = 10, 10, 10
"""Rows of exactly one length that are as many, and so many times more than at each of so many lengths around."""
LIMIT = 5
"""Labels, of a kind of finding, that are told one by one."""


class Range(NamedTuple):
    """The range of values that tells a label best, and Youden's J of it."""

    apart: float
    low: float
    high: float


def best_range(values: Sequence[float], member: Sequence[bool]) -> Range:
    """Find it: of all ranges of values, the one with the greatest sum of +1/members inside and -1/others inside."""
    inside, outside = sum(member), len(member) - sum(member)
    if not inside or not outside:
        return Range(0.0, 0.0, 0.0)
    gain: dict[float, float] = defaultdict(float)
    for value, own in zip(values, member, strict=True):
        gain[value] += 1 / inside if own else -1 / outside
    best, total, low = Range(0.0, 0.0, 0.0), 0.0, None
    for value in sorted(gain):
        if total <= 0 or low is None:
            total, low = 0.0, value
        total += gain[value]
        if total > best.apart:
            best = Range(total, low, value)
    return best


def leaking_words(rows: Sequence[Row], columns: Sequence[str], split: str) -> Iterator[Finding]:
    """Yield the words that half of a label's rows have and nearly no others."""
    words = [set(" ".join(normalise(row.values[column]) for column in columns).split()) for row in rows]
    times = Counter(word for one in words for word in one)
    places: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        for label in labels.of_row(row):
            places[label].append(number)
    for label, numbers in sorted(places.items()):
        if not FEW <= len(numbers) <= 0.9 * len(rows):
            continue
        here = Counter(word for number in numbers for word in words[number])
        for word, count in here.most_common():
            if count < COVERS * len(numbers):
                break
            if count >= PRECISE * times[word] and not _names(label, word):
                found = [at(rows[number], word) for number in numbers if word in words[number]]
                what = f"{word!r} stands in {count:,} of the {len(numbers):,} rows of {split} labelled {label!r}"
                what += f" and in {times[word] - count:,} others"
                fix = "if the word came with the collecting, take it out: a model learns it and nothing else"
                yield Finding("leaking_word", "warning", what, fix, found, f"label {label}")


def _names(label: str, word: str) -> bool:
    """Tell whether a word is of the label's own name, or a form of one: it is what the label is about."""
    return any(
        one.startswith(word) or word.startswith(one)
        for one in normalise(label.replace("_", " ")).split()
        if min(len(one), len(word)) > 2
    )


def label_names(rows: Sequence[Row], columns: Sequence[str], split: str) -> Iterator[Finding]:
    """Yield the rows whose text holds their own label, where other rows hardly hold it."""
    names = {label: f" {normalise(label.replace('_', ' '))} " for row in rows for label in labels.of_row(row)}
    names = {label: name for label, name in names.items() if len(name.strip()) > 2}
    own: list[tuple[Row, str]] = []
    others = 0
    counts = Counter(label for row in rows for label in labels.of_row(row))
    for row in rows:
        text = " ".join(["", *(normalise(row.values[column]) for column in columns), ""])
        said = [label for label, name in names.items() if name in text]
        gold = labels.of_row(row)
        own += [(row, label) for label in said if label in gold]
        others += sum(label not in gold for label in said)
    chance = max(counts.values(), default=0) / max(1, len(rows))
    if len(own) >= OWN and len(own) >= PRECISE * (len(own) + others) and chance < PRECISE:
        found = [at(row, label) for row, label in own]
        what = f"{counted(len(found), 'row')} of {split} have their label in their text, {others:,} have another one"
        yield Finding("label_in_text", "warning", what, "take the label out of the text", found, f"split {split}")


def lengths(rows: Sequence[Row], columns: Sequence[str], split: str) -> Iterator[Finding]:
    """Yield the labels that the length of the text tells."""
    values = [float(sum(len(row.values[column]) for column in columns)) for row in rows]
    for label, found, one in _ranges(rows, values):
        what = f"{len(found):,} rows of {split} labelled {label!r} have {one.low:.0f} to {one.high:.0f} characters"
        what += _apart(one)
        fix = "find out why: a model may learn the length"
        yield Finding("length_tells", "warning", what, fix, [at(row) for row in found], f"label {label}")


def numbers(rows: Sequence[Row], columns: Sequence[str], split: str) -> Iterator[Finding]:
    """Yield the labels that a number in the text tells: one of an id or a date, most often."""
    pattern = re.compile(r"(?<![\w.,])\d{1,15}(?![\w]|[.,]\d)")
    with_one, values = [], []
    for row in rows:
        match = next((seen for column in columns if (seen := pattern.search(row.values[column]))), None)
        if match:
            with_one.append(row)
            values.append(float(match[0]))
    whole = suspects(rows)
    for label, found, one in _ranges(with_one, values):
        if len(found) >= COVERS * len(whole[label]):
            what = f"{len(found):,} rows of {split} labelled {label!r} have a number in their text"
            what += f" from {one.low:.0f} to {one.high:.0f}{_apart(one)}"
            fix = "take ids and dates out of the text: a model learns their ranges"
            yield Finding("number_tells", "warning", what, fix, [at(row) for row in found], f"label {label}")


def _apart(one: Range) -> str:
    return f", which sets them apart from the others (Youden's J {one.apart:.2f})"


def _ranges(rows: Sequence[Row], values: Sequence[float]) -> Iterator[tuple[str, list[Row], Range]]:
    """Yield the labels that a range of values tells, with their rows inside it."""
    gold = [set(labels.of_row(row)) for row in rows]
    counts = Counter(label for one in gold for label in one)
    for label, count in sorted(counts.items()):
        if count < 2 * RARE or len(rows) - count < 2 * RARE:
            continue
        one = best_range(values, [label in each for each in gold])
        if one.apart >= APART:
            inside = [
                row
                for row, value, each in zip(rows, values, gold, strict=True)
                if label in each and one.low <= value <= one.high
            ]
            yield label, inside, one


def boilerplate(rows: Sequence[Row], columns: Sequence[str], split: str) -> Iterator[Finding]:
    """Yield what many different texts begin or end with."""
    for column in columns:
        texts = list({row.values[column]: row for row in rows}.items())
        for side, said in (("begin", "with"), ("end", "with")):
            cut = [(text[:SIGNS] if side == "begin" else text[-SIGNS:]) for text, _ in texts]
            for same, count in Counter(cut).most_common():
                if count < max(SAME, PORTION * len(texts)):
                    break
                found = [
                    (text, row)
                    for (text, row), one in zip(texts, cut, strict=True)
                    if one == same and len(text) > SIGNS
                ]
                if len(found) < max(SAME, PORTION * len(texts)):
                    continue
                whole = _common([text for text, _ in found], side)
                what = f"{counted(len(found), 'row')} of {split} {side} {said} {whole!r}"
                fix = "take out what every text of a source has: it fills the window and can tell the source"
                yield Finding("boilerplate", "note", what, fix, [at(row) for _, row in found], f"split {split}")


def _common(texts: Sequence[str], side: str) -> str:
    turned = [text if side == "begin" else text[::-1] for text in texts]
    first, last = min(turned), max(turned)
    found = first[: next((n for n, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)]
    return found if side == "begin" else found[::-1]


def truncated(rows: Sequence[Row], columns: Sequence[str], split: str) -> Iterator[Finding]:
    """Yield the lengths at which texts pile up: they were cut there."""
    for column in columns:
        texts = {row.values[column]: row for row in rows}
        by_length = Counter(map(len, texts))
        for length, count in sorted(by_length.items()):
            near = [by_length[other] for other in range(length - AROUND, length + AROUND + 1) if other != length]
            if count >= PILE and count >= TIMES * max(1, max(near)) and length > SIGNS:
                found = [at(row, f"…{text[-15:]!r}") for text, row in texts.items() if len(text) == length]
                what = f"{counted(len(found), 'row')} of {split} have exactly {length:,} characters,"
                what += f" and no length around it has more than {max(near)}"
                fix = "they look cut: get the whole texts"
                yield Finding("truncated", "warning", what, fix, found, f"split {split}")
