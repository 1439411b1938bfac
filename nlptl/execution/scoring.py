"""How many predicted queries give what the gold query gives, here and on further databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nlptl.execution.outcomes import Outcome, same
from nlptl.execution.perturbing import COUNT, SEED, perturbed
from nlptl.execution.pool import run

Fate = Literal["rows", "empty query", "refused", "does not parse", "does not run", "timeout", "too large"]


@dataclass(frozen=True, slots=True)
class Executed:
    """What one example's predicted query is worth."""

    match: bool
    """It gives the gold query's denotation on the card's database."""
    robust: bool | None
    """It does so on the further databases too; None if none was asked for."""
    fate: Fate
    """What became of the predicted query on the card's database."""
    gold_fate: Fate
    """The same of the gold query. Unless it is `rows` the row can be neither right nor wrong: count it apart."""
    gold_empty: bool
    """The gold query gives no row, or NULLs only: many wrong queries do as much, so count it apart."""
    message: str = ""
    """What SQLite said of the predicted query, or why it was refused."""
    gold_message: str = ""


def score(
    predicted: Sequence[str], gold: Sequence[str], databases: Sequence[Path], *, further: int = COUNT, seed: int = SEED
) -> list[Executed]:
    """Give for each example whether its predicted query gives what its gold query gives.

    `databases` holds each example's SQLite file, `further` says on how many perturbed ones a match is tried again.
    Raises BadInput for a database that cannot be used.
    """
    return [
        _example(one, other, database, further, seed)
        for one, other, database in zip(predicted, gold, databases, strict=True)
    ]


def fate(outcome: Outcome) -> Fate:
    """Name what became of a query in the words of a report."""
    if outcome.status == "error":
        return "does not run" if outcome.parses else "does not parse"
    return _WORDS[outcome.status]


_WORDS: dict[str, Fate] = {
    "rows": "rows", "refused": "refused", "timeout": "timeout", "too_large": "too large", "empty_query": "empty query",
}  # fmt: skip


def _example(predicted: str, gold: str, database: Path, further: int, seed: int) -> Executed:
    given, wanted = run(database, predicted), run(database, gold)
    match = same(wanted, given)
    return Executed(
        match,
        (match and _everywhere(predicted, gold, database, further, seed)) if further else None,
        fate(given),
        fate(wanted),
        wanted.empty,
        given.message,
        wanted.message,
    )


def _everywhere(predicted: str, gold: str, database: Path, further: int, seed: int) -> bool:
    """Say whether both queries agree on all further databases. A query that is the gold one, letter by letter, does."""
    if predicted == gold:
        return True
    for number in range(further):
        other = perturbed(database, number, seed)
        wanted = run(other, gold)
        if wanted.status == "rows" and not same(wanted, run(other, predicted)):
            return False
    return True
