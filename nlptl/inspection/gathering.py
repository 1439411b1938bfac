"""All rows of a card, the unusable ones too: what a run refuses one kind at a time is noted here row by row."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nlptl.cards import DataCard
from nlptl.data import overlap, places, rows, splits
from nlptl.data.canonical import Refused, canonical
from nlptl.errors import BadInput, Problem
from nlptl.inspection.finding import Finding, RowAt, agreeing, counted
from nlptl.tasks import Row

SORTS = {
    "empty": ("empty_text", "have no text"),
    "wrong type": ("wrong_type", "hold what is no text and no label"),
    "no label": ("missing_label", "have no label"),
    "unknown label": ("unknown_label", "have a value that stands for no label"),
    "missing column": ("missing_column", "lack a column"),
    "lone surrogate": ("lone_surrogate", "hold half a surrogate pair, which is no character"),
    "no rating": ("no_rating", "have no rating"),
    "several bands": ("several_bands", "have a rating that lies in several bands"),
    "broken form": ("broken_form", "have a logical form that does not parse"),
    "in no band": ("in_no_band", "have a rating that lies in no band"),
}
"""Sort of refusal -> kind of finding, and what is said of its rows."""


@dataclass(frozen=True)
class Unusable:
    """A row that is refused."""

    split: str
    """The split, or the pool."""
    row: RowAt
    sort: str
    fix: str


@dataclass(frozen=True)
class Gathered:
    """The usable rows by split, the others, and what is wrong beside rows."""

    card: DataCard
    rows: Mapping[str, Sequence[Row]]
    unusable: Sequence[Unusable]
    problems: Sequence[Problem]

    @property
    def train(self) -> str:
        """The split that is learnt from."""
        return "train" if "train" in self.rows else next(iter(self.rows))

    @property
    def columns(self) -> list[str]:
        """What a model reads of a row."""
        return [name for name in overlap.READ if name in self.card.columns]


def gather(card: DataCard, *, root: str | None = None, offline: bool = False) -> Gathered:
    """Read all splits as a run does; those that it refuses row by row, unusable rows set aside.

    Raises BadInput where nothing can be read: files that are absent or not those of the card.
    """
    found: dict[str, Sequence[Row]] = {}
    unusable: list[Unusable] = []
    problems: list[Problem] = []
    done: set[str] = set()
    for split, wanted in card.splits.items():
        if split in done:
            continue
        try:
            found[split] = rows.rows(rows.load(card, split, root=root, offline=offline))
        except BadInput as refusal:
            name = wanted.pool or split
            usable, others, more = _leniently(card, name, root, offline)
            unusable += others
            if not usable and not others:
                raise
            told = {one.row.place for one in others}
            more += [one for one in refusal.problems if one.where not in told and not one.what.startswith("and ")]
            problems += [one for one in dict.fromkeys(more) if one not in problems]
            parts = _divided(card, wanted.pool, usable) if wanted.pool else {split: usable}
            found |= parts
            done |= set(parts)
    return Gathered(card, {split: found.get(split, ()) for split in card.splits}, unusable, problems)


def _leniently(
    card: DataCard, name: str, root: str | None, offline: bool
) -> tuple[list[Row], list[Unusable], list[Problem]]:
    """Read a split or pool row by row: usable rows, the others, and what ended the reading of a file."""
    reading = places.reading(card, name, root, offline)
    usable: list[Row] = []
    unusable: list[Unusable] = []
    problems: list[Problem] = []
    numbers: Counter[str] = Counter()
    for piece in reading.pieces:
        language = piece.part.language
        several = len(reading.card.languages) > 1
        try:
            for record in reading.source.records(piece.part):
                own = f"{numbers[language]:06d}"
                numbers[language] += 1
                identity = "/".join([name, *([language] if several else []), own])
                try:
                    values = canonical(reading.card, record)
                except Refused as refused:
                    if not any(rule == refused.sort and name in counts for rule, counts in card.drop.items()):
                        row = RowAt(identity, record.place, f"{refused.column}: {refused.what}")
                        unusable.append(Unusable(name, row, refused.sort, refused.fix))
                    continue
                given = values.pop("id", None)
                if given is not None:
                    identity = f"{language}/{given}" if several else given
                usable.append(Row(identity, values, language, record.place))
        except BadInput as refusal:
            problems += refusal.problems
    return usable, unusable, problems


def _divided(card: DataCard, pool: str, found: Sequence[Row]) -> dict[str, list[Row]]:
    """Divide a pool's usable rows as a run would, were there no others."""
    assert card.division is not None
    parts = {name: split.part for name, split in card.splits.items() if split.pool == pool}
    texts = [overlap.text_of(row) for row in found]
    gold = [str(row.values.get("label", row.values.get("labels", ""))) for row in found]
    items = [splits.Item(row.id, text, label) for row, text, label in zip(found, texts, gold, strict=True)]
    goes = splits.divide(items, parts, seed=card.division.seed, document=card.division.document)
    return {name: [row for row in found if goes[row.id] == name] for name in parts}


def refusals(gathered: Gathered) -> Iterator[Finding]:
    """Yield a finding for each sort of unusable row of a split, for doubled ids, and for what the card says wrongly."""
    ordered = sorted(gathered.unusable, key=lambda one: (one.sort, one.split))
    for (sort, split), group in itertools.groupby(ordered, key=lambda one: (one.sort, one.split)):
        members = list(group)
        kind, said = SORTS.get(sort, (sort.replace(" ", "_"), "cannot be used"))
        fix = members[0].fix or "mend or remove them; a run is refused as long as they are there"
        what = f"{counted(len(members), 'row')} of {split} {agreeing(len(members), said)}"
        yield Finding(kind, "fault", what, fix, [one.row for one in members], f"split {split}")
    for problem in gathered.problems:
        yield Finding("card", "fault", str(problem), problem.fix or "mend the data or the card")
