"""A record as its source has it -> a row's values under canonical names, as the card says; or the reason why not."""

from __future__ import annotations

import html
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nlptl import answers, forms
from nlptl.cards import DataCard
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.sources import Record

SHOWN = 5
FLAGS = dict.fromkeys(("1", "1.0", "true", "yes"), True) | dict.fromkeys(("0", "0.0", "false", "no"), False)
"""How columns of 0 and 1 are written, case aside."""
_DROP_UNLABELLED = "write under 'drop: {no label: …}' in the card how many such rows there are"


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
        if isinstance(raw_name, Mapping):
            values[name] = _flagged(name, raw_name, record)
        else:
            values[name] = _value(card, name, raw(record, raw_name, name))
    if "answers" in values:
        values["answers"] = [_placed(card, values.get("context"), answer) for answer in values["answers"]]
    return values


def mended(record: Record, card: DataCard, values: Mapping[str, Any]) -> int:
    """Count the answers of a record whose offset was mended."""
    column = card.columns.get("answers")
    if not isinstance(column, str):
        return 0
    pairs = zip(raw(record, column, "answers"), values["answers"], strict=True)
    return sum(str(given["start"]) != str(placed["start"]) for given, placed in pairs)


def raw(record: Record, column: str, name: str = "") -> Any:
    """Give a record's value in a column, or within it: `meta.title`. Raises Refused where there is none."""
    if column in record.values:
        return record.values[column]
    value: Any = record.values
    for part in column.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise Refused("missing column", name, f"no column '{column}' here", did_you_mean(column, record.values))
        value = value[part]
    return value


def _flagged(name: str, columns: Mapping[str, str], record: Record) -> Any:
    """Give the labels whose columns say yes; for `label`, the only one."""
    found = []
    for label, column in columns.items():
        value = raw(record, column, name)
        said = str(value).strip().casefold()
        if said not in FLAGS:
            raise Refused("no flag", name, f"{_show(value)} in column '{column}' is neither 0 nor 1")
        if FLAGS[said]:
            found.append(label)
    if name == "labels":
        return found
    if not found:
        raise Refused("no label", name, "none of its columns says 1", _DROP_UNLABELLED)
    if len(found) > 1:
        raise Refused("several flags", name, f"the columns of {found} say 1", "with several a row: 'labels'")
    return found[0]


def _value(card: DataCard, name: str, raw: Any) -> Any:
    if name == "labels":
        return [_label(card, name, one) for one in _several(card, name, raw)]
    if name == "label":
        return _label(card, name, raw)
    if name.startswith("text") or name in ("question", "context"):
        text = _text(name, raw)
        text = html.unescape(text) if card.unescape == "html" and name != "context" else text  # offsets count there
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
    if name == "form":
        return _form(card, name, raw)
    if name == "forms":
        return [_form(card, name, one) for one in _several(card, name, raw)]
    _check_surrogates(name, raw)
    return raw


def _placed(card: DataCard, context: Any, answer: Any) -> dict[str, Any]:
    """Give an answer where it stands. Raises Refused where that is in doubt, or to be mended and not allowed."""
    if not (isinstance(answer, Mapping) and {"text", "start"} <= set(answer) and isinstance(context, str)):
        raise Refused("wrong type", "answers", f"{_show(answer)} is no answer with a text and a start in a context")
    text, start = _text("answers", answer["text"]), int(answer["start"])
    found = answers.locate(context, text, start)
    if found is None:
        fix = "write under 'drop: {lost answer: …}' in the card how many such rows there are"
        times = f"stands there {context.count(text)} times" if text and text in context else "stands nowhere"
        raise Refused("lost answer", "answers", f"{_show(text)} is not at {start} of its context and {times}", fix)
    if found != start and "offset" not in card.mend:
        fix = "write under 'mend: {offset: …}' in the card how many such answers there are"
        raise Refused(
            "wrong offset", "answers", f"{_show(text)} is said to stand at {start}, it stands at {found}", fix
        )
    return {"text": text, "start": found}


def _text(name: str, raw: Any) -> str:
    if not isinstance(raw, str):
        raise Refused("wrong type", name, f"{_show(raw)} is {_kind(raw)}, a text is needed")
    _check_surrogates(name, raw)
    return raw


def _form(card: DataCard, name: str, raw: Any) -> str:
    """Give a form that parses. Raises Refused with the character where one does not."""
    assert card.form is not None
    form = _text(name, raw)
    problem = forms.check(form, card.form.language)
    if problem is not None:
        fix = "mend it, or write under 'drop: {broken form: …}' in the card how many such rows there are"
        there = f" ({problem.fix})" if problem.fix else ""
        raise Refused("broken form", name, f"{problem.what}, at {problem.where}{there}", fix)
    return form


def _several(card: DataCard, name: str, raw: Any) -> list[Any]:
    if isinstance(raw, list):
        return raw
    if isinstance(raw, str) and card.separator is not None:
        return raw.split(card.separator) if raw else []
    fix = "write the card's 'separator'" if isinstance(raw, str) else ""
    raise Refused("wrong type", name, f"{_show(raw)} is {_kind(raw)}, a list of {name} is needed", fix)


def _label(card: DataCard, name: str, raw: Any) -> str:
    known: Mapping[str, str]
    if isinstance(card.label_values, Mapping):
        known = card.label_values
        raw = _as_written(raw)
    if name == "label" and (raw is None or (isinstance(raw, str) and not raw.strip() and raw not in card.labels)):
        raise Refused("no label", name, f"{_show(raw)} is no label", _DROP_UNLABELLED)
    if card.bands is not None:
        return _banded(card.bands, name, raw)
    text = _text(name, raw)
    if card.label_values == "names":
        return text
    if not isinstance(card.label_values, Mapping):
        known = {str(number): label for number, label in enumerate(card.labels)}
    if text not in known:
        raise Refused("unknown label", name, f"the value {_show(raw)} stands for no label", did_you_mean(text, known))
    return known[text]


def _as_written(raw: Any) -> Any:
    """Give JSON's true, false and numbers as JSON writes them."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return str(raw) if isinstance(raw, Decimal) else raw


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
