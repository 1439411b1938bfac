"""What can be doubted about gold forms before a parser is trained on them: they do not run, or cannot be written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nlptl import execution, forms
from nlptl.tasks import Row

if TYPE_CHECKING:
    from nlptl.grammars import Held

MOST = 300
"""Different forms of a split that are looked at."""


def doubts(
    rows: Mapping[str, Sequence[Row]], language: str, held: Held | None, learnt: Callable[[Row], str]
) -> list[str]:
    """Give a warning for each split with gold forms that fail on their database, or that a grammar refuses.

    `learnt` gives the form that is trained on, which is what the grammar is asked about.
    """
    found = []
    for split, every in rows.items():
        first = {row.values["form"]: row for row in reversed(every)}
        chosen = list(first.values())[::-1][:MOST]
        failing = {row.id: why for row in chosen if (why := _failure(row))}
        if failing:
            name, why = next(iter(failing.items()))
            what = f"{len(failing)} of {len(chosen)} different gold forms of {split} do not run on the database"
            found.append(f"{what}; the first is {name}: {why}")
        refused = [
            row
            for row, may in zip(chosen, _taken([learnt(row) for row in chosen], language, held), strict=True)
            if not may
        ]
        if refused:
            what = f"{len(refused)} of {len(chosen)} different gold forms of {split} do not keep to it"
            shown = f"the first is {refused[0].id}: {learnt(refused[0]):.100}"
            found.append(f"task.search.grammar: {what}, so no model can write them; {shown}")
    return found


def _failure(row: Row) -> str:
    if not row.values.get("database"):
        return ""
    outcome = execution.run(Path(row.values["database"]), row.values["form"])
    return "" if outcome.status == "rows" else outcome.message or execution.fate(outcome)


def _taken(written: Sequence[str], language: str, held: Held | None) -> Iterator[bool]:
    """Say of each form whether the grammar takes it, with a space between any two pieces or as it is written."""
    if held is None:
        yield from [True] * len(written)
        return
    from nlptl.grammars.matching import made_tokenizer, matcher
    from nlptl.grammars.words import WordConstraint

    cut = [forms.pieces(form, language) for form in written]
    words = WordConstraint(held, sorted({piece for one in cut for piece in one}))
    start = matcher(held.text, made_tokenizer([])) if held.scope is None else None
    for form, own in zip(written, cut, strict=True):
        text = list(form.encode())
        copy = None if start is None else start.deep_copy()
        whole = copy is not None and copy.try_consume_tokens(text) == len(text) and bool(copy.is_accepting())
        yield whole or words.accepts(own)
