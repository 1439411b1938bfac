"""What is known of each scored row, from its line in `predictions/` and, where the data can be read, its texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nlptl.tasks import Row

Texts = Mapping[str, Sequence[tuple[str, str]]]
"""Row id -> (column, text) of what the model was given."""


@dataclass(frozen=True, slots=True)
class Example:
    """A scored row. `gold` and `said` are label names, of which there are several in some data."""

    id: str
    gold: tuple[str, ...]
    said: tuple[str, ...]
    right: bool
    """Wholly: with several labels the whole set."""
    chances: Mapping[str, float]
    """Label -> probability, or that of the answer alone; empty for tasks that give none."""
    language: str
    tokens: int | None
    """Length before it was cut."""
    seen: bool
    """Whether the training split has it too, exactly or nearly."""
    several: bool
    span: tuple[int, int] | None = None
    """Where the predicted answer stands in its context, in characters."""
    result: Mapping[str, Any] | None = None
    """What the predicted query gives."""

    @property
    def mistake(self) -> tuple[float, str]:
        """The surest wrong decision: how far its probability lies from the right side, and the label. That is the
        probability of a wrong label that was given or, with several labels, 1 less that of a right one that was not.
        """
        wrong = [(self.chances.get(name, 0.0), name) for name in self.said if name not in self.gold]
        if self.several:
            wrong += [(1 - self.chances.get(name, 0.0), name) for name in self.gold if name not in self.said]
        return max(wrong, default=(0.0, ""))


def examples(records: Iterable[Mapping[str, Any]]) -> list[Example]:
    """Read the lines of a file of predictions."""
    return [
        Example(
            id=record["id"],
            gold=_names(record["gold"]),
            said=_names({"": record["predicted"]}),
            right=record["correct"] == 1.0,
            chances=_chances(record),
            language=record.get("language", ""),
            tokens=record.get("tokens"),
            seen=record.get("seen", False),
            several=isinstance(record["predicted"], list),
            span=_span(record["detail"]),
            result=record["detail"].get("result"),
        )
        for record in records
    ]


def _span(detail: Mapping[str, Any]) -> tuple[int, int] | None:
    return None if detail.get("start") is None else (detail["start"], detail["end"])


def texts_of(rows: Iterable[Row], given: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Give what the model sees of each row, under its id."""
    return {row.id: [(name, str(row.values[name])) for name in given if name in row.values] for row in rows}


def joined(texts: Sequence[tuple[str, str]]) -> str:
    """Give the texts of a row as one, each under its name where there are several."""
    if len(texts) == 1:
        return texts[0][1]
    return "\n".join(f"{name}: {text}" for name, text in texts)


def _chances(record: Mapping[str, Any]) -> Mapping[str, float]:
    """Give the probabilities of all labels, or that of the one answer, under its text."""
    detail = record["detail"]
    if detail.get("probability") is not None:
        return {str(record["predicted"]): detail["probability"]}
    found: Mapping[str, float] = detail.get("probabilities", {})
    return found


def _names(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the labels or texts of a row's gold or prediction: one, a list of them, or records that hold a `text`."""
    found: list[str] = []
    for value in values.values():
        for one in value if isinstance(value, list) else [value]:
            found.append(str(one["text"] if isinstance(one, dict) and "text" in one else one))
    return tuple(dict.fromkeys(found))
