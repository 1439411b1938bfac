"""What is wrong with a card as a whole, after each of its fields has been found right by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nlptl.cards.card import DataCard
from nlptl.cards.files import File
from nlptl.errors import did_you_mean

Found = tuple[tuple[str | int, ...], str, str]
"""Path in the card, what is wrong there, what to do."""


def faults(card: DataCard) -> Iterator[Found]:
    """Yield every contradiction between the fields of a card."""
    yield from _label_faults(card)
    yield from _split_faults(card)
    yield from _language_faults(card)
    yield from _form_faults(card)


def _form_faults(card: DataCard) -> Iterator[Found]:
    if card.form is None and {"form", "forms"} & set(card.columns):
        yield ("columns",), "has a column of forms, and nothing says their language", "add 'form: {language: …}'"
    if card.form is not None and "form" not in card.columns:
        yield ("form",), "no column holds the forms", "add 'form: COLUMN' to 'columns'"
    if card.form is not None and card.form.database is not None and card.form.language != "sql":
        yield ("form", "database"), f"forms of the language '{card.form.language}' are not run", "remove it"
    if "database" in card.columns and not card.source.databases:
        yield ("columns", "database"), "is no column of the data", "'form: {database: …}' names the file"
    if card.source.databases and card.form is not None and card.form.database is not None:
        yield ("form", "database"), "the source makes the database", "remove it, and add 'database' to 'columns'"


def _label_faults(card: DataCard) -> Iterator[Found]:
    if doubled := sorted({label for label in card.labels if card.labels.count(label) > 1}):
        yield ("labels",), f"{doubled} stand twice", ""
    if {"label", "labels"} <= set(card.columns):
        yield ("columns",), "has both 'label' and 'labels'", "'labels' is for data where a row may have several"
    yield from _flag_faults(card)
    values = card.label_values.values() if isinstance(card.label_values, Mapping) else ()
    for where, named in (("bands", card.bands or ()), ("label_values", values)):
        for name in sorted(set(named) - set(card.labels)):
            yield (where,), f"'{name}' is not among the labels", did_you_mean(name, card.labels)
    if card.bands is not None and card.label_values != "names":
        yield ("label_values",), "contradicts 'bands'", "keep one of them"


def _flag_faults(card: DataCard) -> Iterator[Found]:
    for name, column in card.columns.items():
        if not isinstance(column, Mapping):
            continue
        if name not in ("label", "labels"):
            yield ("columns", name), "must name one column", "only 'label' and 'labels' can be columns of 0 and 1"
        elif card.bands is not None or card.label_values != "names":
            yield ("columns", name), "contradicts 'bands' and 'label_values'", "its columns are named by label already"
        elif card.labels:
            for label in sorted(set(column) - set(card.labels)):
                yield ("columns", name), f"'{label}' is not among the labels", did_you_mean(label, card.labels)


def _split_faults(card: DataCard) -> Iterator[Found]:
    parts: dict[str, list[float | None]] = {name: [] for name in card.pools}
    for name, split in card.splits.items():
        if split.pool is not None and split.pool not in parts:
            yield ("splits", name, "pool"), f"there is no pool '{split.pool}'", did_you_mean(split.pool, parts)
        elif split.pool is not None:
            parts[split.pool].append(split.part)
    for pool, shares in parts.items():
        if shares.count(None) != 1 or sum(share or 0 for share in shares) >= 1:
            yield (
                ("pools", pool),
                "its parts do not make one whole",
                "one split has no 'part', the others have less than 1 together",
            )
    if card.pools and card.division is None:
        yield ("pools",), "nothing says how they are divided", "add 'division' with a seed"
    for name in sorted(set(card.pools) & set(card.splits)):
        yield ("pools", name), "a split has the same name, so ids would not be unique", "name the pool 'all'"


def _language_faults(card: DataCard) -> Iterator[Found]:
    for where, file in _files(card):
        if file.language is None and len(card.languages) > 1:
            yield where, "its language is missing", f"the card has {', '.join(card.languages)}"
        if file.language is not None and file.language not in card.languages:
            fix = did_you_mean(file.language, card.languages)
            yield (*where, "language"), f"'{file.language}' is not a language of the card", fix


def _files(card: DataCard) -> Iterator[tuple[tuple[str | int, ...], File]]:
    for name, pool in card.pools.items():
        yield from ((("pools", name, "files", number), file) for number, file in enumerate(pool.files))
    for name, split in card.splits.items():
        yield from ((("splits", name, "files", number), file) for number, file in enumerate(split.files))
