"""Columns -> their roles: text, second text, label or labels, id, split, language; or one question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import regex

from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.sniffing import Guess, names
from nlptl.sniffing.columns import Column

Columns = Mapping[str, Column]


@dataclass(frozen=True)
class Told:
    """What the user said of columns; None: nothing."""

    text: str | None = None
    text_pair: str | None = None
    label: tuple[str, ...] = ()


@dataclass(frozen=True)
class Roles:
    """Which column is what. Several label columns are columns of 0 and 1."""

    text: Guess[str]
    text_pair: Guess[str] | None
    label: Guess[tuple[str, ...]]
    id: Guess[str] | None
    split: Guess[Mapping[str, str]] | None
    """Our split -> the value in the column `split_column`."""
    split_column: str
    language: str | None
    """The column that says each row's language."""
    left: tuple[str, ...]
    """Columns that are not used."""


def roles(columns: Columns, told: Told, subject: str, *, header: bool) -> Roles:
    """Give each column its role. Raises BadInput with one question where several could be."""
    for option, given in (
        ("--text", told.text),
        ("--text-pair", told.text_pair),
        *(("--label", one) for one in told.label),
    ):
        if given is not None and given not in columns:
            fix = f"{did_you_mean(given, columns)} {option} COLUMN"
            raise BadInput(subject, Problem(f"has no column '{given}'", subject, fix=fix.strip()))
    if not told.label and {"context", "question", "answers"} <= {names.plain(name) for name in columns}:
        raise _questions(subject)
    split_column, split = _split(columns, told)
    spoken = _language(columns, told)
    own = _id(columns, told)
    taken = {told.text, told.text_pair, *told.label, split_column, spoken, own.value if own else None}
    free = {name: column for name, column in columns.items() if name not in taken}
    text, pair = _texts(columns, free, told, subject, header=header)
    free = {name: column for name, column in free.items() if name not in (text.value, pair and pair.value)}
    label = _label(columns, free, told, subject)
    used = {text.value, pair.value if pair else None, *label.value, own and own.value, split_column, spoken}
    left = tuple(name for name in columns if name not in used)
    return Roles(text, pair, label, own, split, split_column, spoken, left)


def _texts(
    columns: Columns, free: Columns, told: Told, subject: str, *, header: bool
) -> tuple[Guess[str], Guess[str] | None]:
    if told.text is not None:
        pair = Guess(told.text_pair, "you said so") if told.text_pair else None
        return Guess(told.text, "you said so"), pair
    found = [name for name, column in free.items() if column.is_text]
    found = found or [name for name, column in free.items() if _is_short_text(column)]
    by_name = {names.plain(name): name for name in found}
    if told.text_pair is None:
        for first, second in names.PAIRS:
            if first in by_name and second in by_name:
                why = f"'{by_name[first]}' and '{by_name[second]}' are usual names of a pair of texts"
                return Guess(by_name[first], why), Guess(by_name[second], why)
    said = Guess(told.text_pair, "you said so") if told.text_pair else None
    if len(found) == 1:
        return Guess(found[0], _why_text(columns[found[0]])), said
    if not found:
        shown = ", ".join(f"'{name}'" for name in columns)
        what = f"no column looks like texts of several words; there are {shown}"
        raise BadInput(subject, Problem(what, subject, fix="which one is the text? --text COLUMN"))
    if not header and len(found) == 2 and said is None and _alike(columns[found[0]], columns[found[1]]):
        why = "two columns hold texts of about the same length"
        return Guess(found[0], why), Guess(found[1], why)
    for known in (names.FIRST_TEXT, names.TEXT):
        named = [name for name in found if names.plain(name) in known]
        if len(named) == 1:
            return Guess(named[0], f"of the columns with texts this one has a usual name: {', '.join(found)}"), said
    shown = " and ".join(f"'{name}'" for name in found)
    both = f"--text {found[0]} --text-pair {found[1]}"
    fix = f"which one is the text? {' or '.join(f'--text {name}' for name in found)}, or two of them: {both}"
    raise BadInput(subject, Problem(f"the columns {shown} hold texts", subject, fix=fix))


def _is_short_text(column: Column) -> bool:
    """Say whether a column without many words may still be the text: its name says so, or it differs in most rows."""
    if column.lists or column.others or not column.filled or column.is_numeric or column.is_id:
        return False
    varied = len(column.counts) > 0.5 * column.filled and len(column.counts) > 4
    return varied and (names.plain(column.name) in names.TEXT or not column.is_label)


def _why_text(column: Column) -> str:
    words = sum(len(value.split()) * count for value, count in column.counts.items()) / max(1, column.filled)
    size = f"{words:.0f} words"
    if words < 3:  # written without spaces, or very short
        size = (
            f"{sum(len(value) * count for value, count in column.counts.items()) / max(1, column.filled):.0f} letters"
        )
    return f"{len(column.counts):,} different texts of {size} on average"


def _alike(one: Column, other: Column) -> bool:
    sizes = sorted(sum(map(len, column.counts)) / max(1, len(column.counts)) for column in (one, other))
    return sizes[1] < 4 * sizes[0]


def _label(columns: Columns, free: Columns, told: Told, subject: str) -> Guess[tuple[str, ...]]:
    if told.label:
        return Guess(told.label, "you said so")
    lists = [name for name, column in free.items() if column.lists and 2 <= len(column.items) <= 300]
    found = [name for name, column in free.items() if column.is_label or name in lists or _is_rare_label(column)]
    found = [name for name in found if not _is_measure(columns[name])] or found
    flags = [name for name, column in free.items() if column.is_flag]
    for known in (names.LABEL, names.LIKE_LABEL):
        named = [name for name in found if names.plain(name) in known]
        if known is names.LIKE_LABEL and len(flags) > 2 and set(named) <= set(flags):
            break  # toxic, insult, threat: one of several columns has a usual name
        if len(named) > 1 and (one := _same(columns, named)):
            return one
        if len(named) == 1:
            return Guess((named[0],), f"{_why_label(columns[named[0]])}, and a usual name")
        if len(named) > 1 and not all(columns[name].is_flag for name in named):
            raise _which(columns, named, subject)
    if len(flags) > 1 and any(columns[name].is_label for name in flags):
        return Guess(tuple(flags), f"{len(flags)} columns hold nothing but 0 and 1")
    if len(found) == 1:
        return Guess((found[0],), _why_label(columns[found[0]]))
    if not found:
        raise _none(columns, free, subject)
    if one := _same(columns, found):
        return one
    raise _which(columns, found, subject)


def _is_rare_label(column: Column) -> bool:
    """Say whether a name makes a label of a column with many values, or with few rows to each."""
    named = names.plain(column.name) in (*names.LABEL, *names.LIKE_LABEL)
    return named and len(column.counts) >= 2 and not column.lists and not column.others and not column.is_text


def _is_measure(column: Column) -> bool:
    """Say whether there are so many different numbers that they are a label at last resort only."""
    return column.is_numeric and len(column.counts) > 20


def _same(columns: Columns, found: Sequence[str]) -> Guess[tuple[str, ...]] | None:
    """Choose the name beside a number that stands for it: two columns with the same counts."""
    if len(found) != 2:
        return None
    one, other = (columns[name] for name in found)
    if sorted(one.counts.values()) != sorted(other.counts.values()) or one.is_numeric == other.is_numeric:
        return None
    chosen, number = (other, one) if one.is_numeric else (one, other)
    return Guess((chosen.name,), f"'{number.name}' has a number for each of its names")


def _why_label(column: Column) -> str:
    if column.lists:
        return f"lists of {len(column.items)} different values"
    return f"{len(column.counts)} different values in {column.filled:,} rows"


def _which(columns: Columns, found: Sequence[str], subject: str) -> BadInput:
    shown = "; ".join(f"'{name}' ({_shown(columns[name])})" for name in found)
    fix = f"which one is to be predicted? {' or '.join(f'--label {name}' for name in found)}"
    return BadInput(subject, Problem(f"several columns can be the label: {shown}", subject, fix=fix))


def _shown(column: Column) -> str:
    values = list(column.counts or column.items)[:3]
    return ", ".join(values) + (", …" if len(column.counts or column.items) > 3 else "")


def _none(columns: Columns, free: Columns, subject: str) -> BadInput:
    if {"context", "question"} <= {names.plain(name) for name in columns}:
        return _questions(subject)
    if {"tokens", "words"} & {names.plain(name) for name in columns} and any(one.lists for one in columns.values()):
        return not_yet(subject, "a label for each token")
    if any(column.is_text for column in free.values()):
        return _pairs(subject)
    shown = ", ".join(f"'{name}'" for name in columns)
    what = f"no column looks like labels, a few values that come again; there are {shown}"
    return BadInput(subject, Problem(what, subject, fix="which one is the label? --label COLUMN"))


def _questions(subject: str) -> BadInput:
    what = "this looks like question answering, which nlptl init reads from SQuAD's JSON alone"
    return BadInput(subject, Problem(what, subject, fix="write it in that form; or name a label: --label COLUMN"))


def _pairs(subject: str) -> BadInput:
    what = "there are two columns of texts and no label: for semantic parsing nlptl init writes no card"
    fix = "write one (docs/parsing.md, your own data); if a column is a label all the same: --label COLUMN"
    return BadInput(subject, Problem(what, subject, fix=fix))


def not_yet(subject: str, task: str) -> BadInput:
    """Say of a task that it is recognised and cannot be trained yet."""
    what = f"this looks like {task}, which nlptl cannot train; it trains classification, qa and parsing"
    return BadInput(subject, Problem(what, subject, fix="if a column is a label all the same: --label COLUMN"))


def _id(columns: Columns, told: Told) -> Guess[str] | None:
    said = {told.text, told.text_pair, *told.label}
    found = [name for name, column in columns.items() if column.is_id and name and name not in said]
    by_name = [name for name in found if regex.fullmatch(r".*(id|idx|index|uuid|key)", names.plain(name))]
    found = by_name or found
    return Guess(found[0], "each row has another value, without spaces") if found else None


def _split(columns: Columns, told: Told) -> tuple[str, Guess[Mapping[str, str]] | None]:
    for name, column in columns.items():
        if name in told.label or not 1 <= len(column.counts) <= 4 or column.empty:
            continue
        named = {value: names.split_of(value.strip()) for value in column.counts}
        splits = [split for split in named.values() if split is not None]
        if "train" in splits and len(set(splits)) == len(named) > 1:
            found: dict[str, str] = {split: value for value, split in named.items() if split is not None}
            return name, Guess(found, f"its values name splits: {', '.join(column.counts)}")
    return "", None


def _language(columns: Columns, told: Told) -> str | None:
    for name, column in columns.items():
        coded = all(regex.fullmatch(r"[a-z]{2,3}([_-][A-Za-z]{2,4})?", value) for value in column.counts)
        if names.plain(name) in names.LANGUAGE and column.counts and coded and name not in told.label:
            return name
    return None
