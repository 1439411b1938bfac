"""A record as its source has it -> a row's values under canonical names, as the card says; or the reason why not."""

from __future__ import annotations

import html
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nlptl.cards import DataCard
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.sources import Record

SHOWN = 5


@dataclass
class Faults:
    """What was found wrong while reading: the first few of each sort in full, all of them counted."""

    subject: str
    shown: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, sort: str, problem: Problem) -> None:
        """Note one more fault of a sort."""
        self.counts[sort] += 1
        if self.counts[sort] <= SHOWN:
            self.shown.append(problem)

    def settle(self) -> None:
        """Raise BadInput if anything was noted."""
        more = [
            Problem(f"and {count - SHOWN} more rows: {sort}") for sort, count in self.counts.items() if count > SHOWN
        ]
        if self.shown:
            raise BadInput(self.subject, [*self.shown, *more])


@dataclass(frozen=True)
class Refused(Exception):
    """A record that makes no row: the sort of fault (those of `DataCard.drop` may be dropped), and the message."""

    sort: str
    column: str
    what: str
    fix: str = ""


def canonical(card: DataCard, record: Record) -> dict[str, Any]:
    """Give canonical column -> value. Raises Refused for the first thing that is wrong with the record."""
    values: dict[str, Any] = {}
    for name, raw_name in card.columns.items():
        if raw_name not in record.values:
            raise Refused("missing column", name, f"no column '{raw_name}' here", did_you_mean(raw_name, record.values))
        values[name] = _value(card, name, record.values[raw_name])
    return values


def _value(card: DataCard, name: str, raw: Any) -> Any:
    if name == "labels":
        return [_label(card, name, one) for one in _several(card, raw)]
    if name == "label":
        return _label(card, name, raw)
    if name.startswith("text"):
        text = _text(name, raw)
        text = html.unescape(text) if card.unescape == "html" else text
        if not text.strip():
            raise Refused(
                "empty",
                name,
                "the text is empty",
                "write under 'drop: {empty: …}' in the card how many such rows there are",
            )
        return text
    if name == "id":
        return _text(name, raw)
    _check_surrogates(name, raw)
    return raw


def _text(name: str, raw: Any) -> str:
    if not isinstance(raw, str):
        raise Refused("wrong type", name, f"{_show(raw)} is {_kind(raw)}, a text is needed")
    _check_surrogates(name, raw)
    return raw


def _several(card: DataCard, raw: Any) -> list[Any]:
    if isinstance(raw, list):
        return raw
    if isinstance(raw, str) and card.separator is not None:
        return raw.split(card.separator) if raw else []
    fix = "write the card's 'separator'" if isinstance(raw, str) else ""
    raise Refused("wrong type", "labels", f"{_show(raw)} is {_kind(raw)}, a list of labels is needed", fix)


def _label(card: DataCard, name: str, raw: Any) -> str:
    if card.bands is not None:
        return _banded(card.bands, name, raw)
    text = _text(name, raw)
    known: Mapping[str, str]
    if card.label_values == "names":
        return text
    if isinstance(card.label_values, Mapping):
        known = card.label_values
    else:
        known = {str(number): label for number, label in enumerate(card.labels)}
    if text not in known:
        raise Refused("unknown label", name, f"the value {_show(raw)} stands for no label", did_you_mean(text, known))
    return known[text]


def _banded(bands: Mapping[str, Any], name: str, raw: Any) -> str:
    try:
        rating = float(raw)
    except (TypeError, ValueError):
        rating = math.nan
    if not math.isfinite(rating):
        raise Refused("no rating", name, f"{_show(raw)} is no rating, a number is needed")
    found = [label for label, band in bands.items() if band.holds(rating)]
    if len(found) > 1:
        raise Refused("several bands", name, f"the rating {raw} lies in the bands of {found}", "mend the card's bands")
    if not found:
        fix = "write under 'drop: {in no band: …}' in the card how many such rows there are"
        raise Refused("in no band", name, f"the rating {raw} lies in no band", fix)
    return found[0]


def _check_surrogates(name: str, raw: Any) -> None:
    if isinstance(raw, str):
        try:
            raw.encode()
        except UnicodeEncodeError as error:
            what = f"half of a surrogate pair, U+{ord(raw[error.start]):04X}, as character {error.start + 1}"
            raise Refused(
                "lone surrogate", name, what, "mend the data: it is no character and no file can hold it"
            ) from None
    elif isinstance(raw, Mapping):
        for inner in raw.values():
            _check_surrogates(name, inner)
    elif isinstance(raw, list):
        for inner in raw:
            _check_surrogates(name, inner)


def _kind(raw: Any) -> str:
    return (
        "null"
        if raw is None
        else {"bool": "true or false", "list": "a list", "dict": "an object"}.get(type(raw).__name__, "a number")
    )


def _show(raw: Any) -> str:
    text = repr(raw) if isinstance(raw, str) else str(raw)
    return text if len(text) <= 60 else f"{text[:57]}…"
