"""A label column, or several -> what the card says of labels: columns, names in order, values, separator, bands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import regex

from nlptl.begin.wishes import Said, Wishes
from nlptl.errors import BadInput, Problem
from nlptl.sniffing import columns, labels, names
from nlptl.sniffing.columns import Column

MOST_RATINGS = 20
"""More different numbers than this are a measure and no names."""
_LISTED = ("labels.txt", "classes.txt", "label_names.txt", "categories.txt")


@dataclass(frozen=True)
class Gold:
    """What the card says of labels, field -> value, in its order; and why."""

    fields: Mapping[str, Any]
    column: Mapping[str, Any]
    """`label` or `labels` -> the column, or the columns of 0 and 1."""
    said: tuple[Said, ...]
    notes: tuple[str, ...]

    @property
    def several(self) -> bool:
        """Whether a row may have several labels."""
        return "labels" in self.column


def gold(
    chosen: Sequence[str], found: Mapping[str, Column], values: Sequence[Mapping[str, Any]], wishes: Wishes,
    folder: Path, subject: str,
) -> Gold:  # fmt: skip
    """Describe the labels. `values` are flat records. Raises BadInput with a question for what are no labels."""
    if len(chosen) > 1:
        return _flags(chosen, values)
    column = found[chosen[0]]
    if wishes.bands is not None:
        return _banded(column, wishes.bands)
    if column.lists:
        return _named(column, column.items, "labels", folder, "its values are lists of labels")
    if column.is_numeric and (len(column.counts) > MOST_RATINGS or _is_measure(column)):
        low, high = min(column.counts, key=_number), max(column.counts, key=_number)
        what = f"'{column.name}' has {len(column.counts)} different numbers from {low} to {high}: a measure, no labels"
        fix = "which ratings are which label? such as --bands 'negative=..-1,positive=1..'"
        raise BadInput(subject, Problem(what, subject, fix=fix))
    sign = labels.separator(column.counts) if wishes.separator is None else None
    if wishes.separator is not None or sign is not None:
        shown = wishes.separator or (sign.value if sign else "")
        why = sign.reason if sign is not None else "you said so"
        parts = labels.one_by_one(column.counts, shown)
        return _named(column, parts, "labels", folder, why, shown)
    if len(column.counts) > min(columns.MOST_LABELS, 0.6 * column.filled):
        what = f"'{column.name}' has {len(column.counts):,} different values in {column.filled:,} rows: no labels"
        raise BadInput(subject, Problem(what, subject, fix="which column is the label? --label COLUMN"))
    if len(column.counts) < 2:
        what = f"every row has the label {next(iter(column.counts), '')!r}: there is nothing to learn"
        raise BadInput(subject, Problem(what, subject, fix="which column is the label? --label COLUMN"))
    # JSON's true, false and numbers with a point are labels only where the card maps them
    typed = any(isinstance(one.get(column.name), bool | Decimal) for one in values)
    return _named(column, column.counts, "label", folder, "", typed=typed)


def _named(
    column: Column, counts: Mapping[str, int], kind: str, folder: Path, why: str, sign: str = "", *, typed: bool = False
) -> Gold:
    values = [value for value in counts if value.strip()]
    listed = _listed(folder, values)
    naming = labels.naming(values, counts)
    fields: dict[str, Any] = {"labels": list(naming.names.value)}
    said = []
    if kind == "labels":
        said.append(Said("several", "a row may have several labels", why, "--separator" if sign else ""))
    if listed is not None:
        fields = {"labels": listed[1], "label_values": "numbers"}
        said.append(Said("labels", _few(listed[1]), f"the numbers count the lines of {listed[0]}"))
    else:
        said.append(Said("labels", _few(naming.names.value), f"{len(naming.names.value)}, {naming.names.reason}"))
        if naming.values or typed:
            fields["label_values"] = naming.values or {value: value for value in values}
    if sign:
        fields["separator"] = sign
    notes = [
        f"the labels {', '.join(map(repr, one))} differ in case and spaces alone and became one"
        for one in naming.merged
    ]
    rows = Counter[str]()
    for value in values:
        rows[naming.values.get(value, value)] += counts[value]
    once = [value for value, count in rows.items() if count == 1]
    if once:
        some = _few(once)
        notes.append(f"labels that stand in one row alone, which is trained on and never scored: {some}")
    return Gold(fields, {kind: column.name}, tuple(said), tuple(notes))


def _listed(folder: Path, values: Sequence[str]) -> tuple[str, list[str]] | None:
    """Find a list of names beside the data, where the labels are the numbers of its lines."""
    if not all(regex.fullmatch(r"0|[1-9]\d*", value) for value in values):
        return None
    for name in _LISTED:
        path = folder / name
        if path.is_file() and path.stat().st_size < 1 << 20:
            lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
            shown = [line.strip() for line in lines if line.strip()]
            if len(set(shown)) == len(shown) > max(map(int, values)):
                return name, shown
    return None


def _few(found: Sequence[str]) -> str:
    return ", ".join(found[:6]) + (f", … ({len(found)})" if len(found) > 6 else "")


def _number(value: str) -> float:
    return float(value.replace(",", "."))


def _is_measure(column: Column) -> bool:
    """Say whether numbers have decimals that are not zero: 3.5 may be a rating, 3.27 is a mean."""
    fine = [value for value in column.counts if regex.search(r"[.,]\d*[1-9]\d", value)]
    return bool(fine)


def _flags(chosen: Sequence[str], values: Sequence[Mapping[str, Any]]) -> Gold:
    """Describe columns of 0 and 1: one label, where exactly one of them says 1 in every row."""
    on = [
        sum(columns.written(one[name]).strip().casefold() in ("1", "1.0", "true", "yes") for name in chosen)
        for one in values
    ]
    kind = "label" if len(chosen) > 2 and set(on) == {1} else "labels"
    why = "exactly one of them is 1 in every row" if kind == "label" else f"up to {max(on)} of them are 1 in a row"
    said = Said("several" if kind == "labels" else "one label", f"{len(chosen)} columns of 0 and 1", why, "--label")
    unset = Counter(on)[0]
    notes = (f"{unset} of {len(on)} rows have none of the labels",) if kind == "labels" and unset else ()
    fields = {"labels": list(chosen)}
    return Gold(fields, {kind: {name: name for name in chosen}}, (said,), notes)


def _banded(column: Column, text: str) -> Gold:
    """Read `negative=..-1,positive=1..`."""
    bands: dict[str, dict[str, float]] = {}
    for part in text.split(","):
        match = regex.fullmatch(r"\s*([^=]+)=([-+\d.]*?)\.\.([-+\d.]*)\s*", part)
        limits = {}
        if match is not None:
            ends = (("at_least", match[2]), ("at_most", match[3]))
            limits = {key: float(end) for key, end in ends if names.is_number(end)}
        if match is None or not limits:
            fix = "write name=LOW..HIGH for each label, such as 'negative=..-1,positive=1..'"
            raise BadInput("--bands", Problem(f"'{part.strip()}' is no band", "--bands", fix=fix))
        bands[match[1].strip()] = limits
    said = Said("labels", ", ".join(bands), "you said so")
    return Gold({"labels": list(bands), "bands": bands}, {"label": column.name}, (said,), ())
