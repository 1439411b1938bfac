"""Text of a table -> how it is written: delimiter, quoting, header, blank lines; and formats of one record a line."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import regex

from nlptl.sniffing import Guess, names

DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
ENOUGH = 0.9
"""Least share of rows that must have the same number of fields; the others are then told as faults."""
_PATTERNS = (
    (r"__label__(?P<label>\S+) (?P<text>.*)", "fastText's format"),
    (r"(?P<label>[A-Za-z]+):(?P<fine>[A-Za-z]+) (?P<text>.*)", "each line begins with LABEL:FINER_LABEL"),
)


@dataclass(frozen=True)
class Dialect:
    """How a table is written."""

    delimiter: str
    quoting: str
    rows: tuple[tuple[str, ...], ...]
    """Without blank lines."""
    blank_lines: int
    """Between rows."""
    width: int
    even: float
    """Share of rows that have so many fields."""


def dialect(text: str, delimiter: str | None = None, usual: str = "comma") -> Guess[Dialect] | None:
    """Give the dialect in which most rows have the same number of fields, of the `usual` delimiter among equals.

    None where there is no delimiter: one column.
    """
    order = sorted(DELIMITERS, key=lambda name: name != usual)
    tried = [
        found
        for name in ([delimiter] if delimiter else order)
        for quoting in ("double", "none")
        if (found := _read(text, name, quoting)) is not None and (found.width > 1 or delimiter)
    ]
    good = [one for one in tried if one.even >= ENOUGH]
    if not good:
        return None
    best = max(good, key=lambda one: (one.even, one.delimiter == usual, one.width, one.quoting == "double"))
    if best.quoting == "double" and best.delimiter == "tab":
        plain = _read(text, best.delimiter, "none")
        if plain is not None and plain.even == best.even and not _needs_quoting(plain):
            best = plain
    return Guess(best, f"{best.even:.0%} of the rows then have {best.width} fields" if best.width > 1 else "as told")


def _read(text: str, delimiter: str, quoting: str) -> Dialect | None:
    sign = DELIMITERS[delimiter]
    rows: list[list[str]]
    if quoting == "none":
        if sign not in text:
            return None
        rows = [line.removesuffix("\r").split(sign) for line in text.split("\n")]
    else:
        limit = csv.field_size_limit(1 << 30)
        try:
            rows = list(csv.reader(_lines(text), delimiter=sign, doublequote=True, strict=True))
        except csv.Error:
            return None
        finally:
            csv.field_size_limit(limit)
    while rows and rows[-1] in ([], [""]):
        rows.pop()
    full = tuple(tuple(row) for row in rows if row not in ([], [""]))
    if not full:
        return None
    width, count = Counter(map(len, full)).most_common(1)[0]
    return Dialect(delimiter, quoting, full, len(rows) - len(full), width, count / len(full))


def _lines(text: str) -> list[str]:
    """Cut after line feeds alone, as the source does."""
    return [line + "\n" for line in text.removesuffix("\n").split("\n")]


def _needs_quoting(plain: Dialect) -> bool:
    """Say whether a table that can be read without quoting is meant with it: a column of quoted fields, or one with
    a doubled quotation mark inside. A text may well begin and end with quotation marks of its own.
    """
    for column in range(plain.width):
        cells = [row[column] for row in plain.rows if column < len(row)]
        quoted = [cell for cell in cells if len(cell) > 1 and cell[0] == cell[-1] == '"']
        if 2 * len(quoted) > len(cells) or any('""' in cell[1:-1] for cell in quoted):
            return True
    return False


def pattern(lines: Sequence[str]) -> Guess[str] | None:
    """Give the pattern of a format of one record a line that all lines are in.

    The last two are tables whose text holds the delimiter unquoted: the label, first or last, has none.
    """
    shown = [line for line in lines if line.strip()]
    for one, what in _PATTERNS:
        if shown and all(regex.fullmatch(one, line, timeout=1.0) for line in shown):
            return Guess(one, what)
    for sign in (",", ";", "\t", "|"):
        if not shown or not all(sign in line for line in shown) or any(map(names.known, shown[0].split(sign))):
            continue  # of these formats a first line with names would be taken for a record
        escaped = regex.escape(sign)
        for part, one in (
            (0, rf"(?P<label>[^{escaped}]*){escaped}(?P<text>.*)"),
            (2, rf"(?P<text>.*){escaped}(?P<label>[^{escaped}]*)"),
        ):
            values = {(line.partition(sign) if part == 0 else line.rpartition(sign))[part] for line in shown}
            if 2 <= len(values) <= min(100, len(shown) // 5):
                side = "before the first" if part == 0 else "after the last"
                return Guess(
                    one, f"the text holds {sign!r} unquoted; what stands {side} is one of {len(values)} values"
                )
    return None


def header(rows: Sequence[Sequence[str]]) -> Guess[bool] | None:
    """Say whether the first row names the columns; None where it may or may not."""
    first, rest = rows[0], rows[1:]
    cells = [cell.strip() for cell in first]
    if len(set(cells)) < len(cells):
        return Guess(False, "the first row has one value twice, and names would differ")
    if any(len(cell) > 60 or "\n" in cell for cell in cells):
        return Guess(False, "the first row has a value that is too long for a name")
    if any(names.is_number(cell) for cell in cells):
        return Guess(False, "the first row holds a number, which is no name")
    known = [cell for cell in cells if names.known(cell)]
    if known:
        return Guess(True, f"'{known[0]}' in the first row is a usual name of a column")
    for column, cell in enumerate(cells):
        values = [row[column].strip() for row in rest if column < len(row)]
        if not values or not cell:
            continue
        repeated = len(set(values)) <= max(2, len(values) // 4)
        if cell in values and repeated:
            return Guess(False, f"'{cell}' of the first row stands further down too, as one of few values")
        if sum(map(names.is_number, values)) > 0.9 * len(values):
            return Guess(True, f"below '{cell}' stand numbers")
    for column, cell in enumerate(cells):
        values = [row[column].strip() for row in rest if column < len(row)]
        if values and len(set(values)) <= len(values) // 4 and cell not in values:
            return Guess(True, f"'{cell}' of the first row stands nowhere below, where each value repeats")
    return None
