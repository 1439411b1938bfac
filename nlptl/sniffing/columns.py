"""Values of a column -> what it looks like: texts, labels, numbers, dates, ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import regex

from nlptl.sniffing import names

WORDY = 0.3
"""Least share of values with several words in a column of texts."""
MOST_LABELS = 300
_DATE = regex.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([T ].*)?")
_LINK = regex.compile(r"(https?://|www\.)\S+")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_FLAGS = frozenset(("0", "1", "0.0", "1.0", "true", "false", "yes", "no"))


@dataclass(frozen=True)
class Column:
    """One column, counted."""

    name: str
    rows: int
    empty: int
    counts: Mapping[str, int]
    """Value as text -> rows, the empty ones left out."""
    lists: int
    """Rows whose value is a list of texts."""
    items: Mapping[str, int]
    """Item of those lists -> rows."""
    others: int
    """Rows whose value is an object, or a list of something else."""

    @property
    def filled(self) -> int:
        """Rows with a value of one text or number."""
        return self.rows - self.empty - self.lists - self.others

    def share(self, holds: Any) -> float:
        """Give the share of rows with a value of which something holds."""
        return sum(count for value, count in self.counts.items() if holds(value)) / max(1, self.filled)

    @property
    def is_text(self) -> bool:
        """Whether this looks like texts: several words, and mostly another text in each row."""
        if not self.filled or self.lists or self.others:
            return False
        varied = len(self.counts) >= min(200, 0.2 * self.filled) and len(self.counts) > 4
        return varied and self.share(_wordy) >= WORDY and self.share(_DATE.fullmatch) < 0.5

    @property
    def is_label(self) -> bool:
        """Whether this looks like labels: few short values that come again."""
        few = 2 <= len(self.counts) <= min(MOST_LABELS, self.filled / 2)
        if not few or self.lists or self.others or self.is_text:
            return False
        short = all(len(value) <= 80 for value in self.counts)
        return short and self.share(_DATE.fullmatch) < 0.5 and self.share(_LINK.fullmatch) < 0.5

    @property
    def is_flag(self) -> bool:
        """Whether every value is 0 or 1, or is written as true or false."""
        return self.filled == self.rows > 0 and {value.strip().casefold() for value in self.counts} <= _FLAGS

    @property
    def is_numeric(self) -> bool:
        """Whether every value is a number."""
        return bool(self.counts) and all(map(names.is_number, self.counts))

    @property
    def is_unique(self) -> bool:
        """Whether no two rows have one value, and none is empty."""
        return self.filled == self.rows == len(self.counts)

    @property
    def is_id(self) -> bool:
        """Whether this can be the rows' own ids: unique, without spaces, and no dates."""
        bare = self.is_unique and not any(regex.search(r"\s", value) for value in self.counts)
        if not bare or self.share(_DATE.fullmatch) >= 0.5:
            return False
        by_name = names.plain(self.name) in names.ID or names.plain(self.name).endswith(("id", "uuid"))
        return by_name or (self.share(_coded) > 0.9 and not any("." in one or "," in one for one in self.counts))


def profile(name: str, values: Sequence[Any]) -> Column:
    """Count the values of a column."""
    counts: Counter[str] = Counter()
    items: Counter[str] = Counter()
    empty = lists = others = 0
    for value in values:
        if value is None or (isinstance(value, str) and not value.strip()):
            empty += 1
        elif isinstance(value, list) and all(isinstance(one, str) for one in value):
            lists += 1
            items.update(set(value))
        elif isinstance(value, str | bool | Decimal):
            counts[written(value)] += 1
        else:
            others += 1
    return Column(name, len(values), empty, counts, lists, items, others)


def written(value: Any) -> str:
    """Give a single value as the data write it."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def flat(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (name, value) of a record, `meta.title` for what lies within objects."""
    for key, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def profiles(records: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """Give the columns of records, in the order in which they come; a key that a record lacks is empty there."""
    flattened = [dict(flat(record)) for record in records]
    order = dict.fromkeys(name for record in flattened for name in record)
    return {name: profile(name, [record.get(name) for record in flattened]) for name in order}


def _wordy(value: str) -> bool:
    if names.is_number(value) or _LINK.fullmatch(value.strip()):
        return False
    return len(value.split()) >= 3 or len(_UNSPACED.findall(value)) >= 6


def _coded(value: str) -> bool:
    return (
        regex.fullmatch(r"[\w-]*\d[\w-]*", value) is not None or regex.fullmatch(r"[0-9a-z]{6,12}", value) is not None
    )
