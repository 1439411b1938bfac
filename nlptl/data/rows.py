"""Card and split -> rows with ids, as a `datasets.Dataset` and as plain records; counts and ids held to the card."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nlptl.cards import DataCard
from nlptl.data import databases, places, splits
from nlptl.data.canonical import Faults, Refused, canonical, mended, raw
from nlptl.data.places import Piece, Reading
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.sources import Record
from nlptl.tasks import Row

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

BATCH = 2000
OWN = ("id", "language", "place")
TEXTS = ("label", "question", "context", "form", "database")
"""Canonical columns that are texts, beside those whose name begins with `text`."""
fingerprint = places.fingerprint


def load(
    card: DataCard, split: str, languages: Sequence[str] | None = None, root: str | None = None, offline: bool = False
) -> Dataset:
    """Read a split: columns `id`, `language`, `place` and the card's canonical ones, in the order of the files.

    Raises BadInput for files that are absent or changed, for every row that cannot be used (the first of each sort, and
    their count), and where counts or ids are not those that the card says.
    """
    from datasets import Dataset
    from datasets.table import InMemoryTable

    if split not in card.splits:
        raise BadInput(f"card {card.name}", Problem(f"no split '{split}'", fix=did_you_mean(split, card.splits)))
    for language in languages or ():
        if language not in card.languages:
            raise BadInput(
                f"card {card.name}", Problem(f"no language '{language}'", fix=did_you_mean(language, card.languages))
            )
    table = _split_table(card, split, root, offline)
    if languages is not None and set(languages) != set(card.languages):
        import pyarrow.compute

        table = table.filter(pyarrow.compute.is_in(table["language"], value_set=_strings(sorted(set(languages)))))
    name = hashlib.sha256(f"{places.fingerprint(card, [split], root)} {split} {languages}".encode()).hexdigest()[:16]
    return Dataset(InMemoryTable(table), fingerprint=name)


def rows(dataset: Dataset) -> list[Row]:
    """Give the rows of a loaded split as records, in its order."""
    names = [name for name in dataset.column_names if name not in OWN]
    found = []
    for batch in dataset.with_format(None).iter(BATCH):
        for number, identity in enumerate(batch["id"]):
            values = {name: batch[name][number] for name in names}
            found.append(Row(identity, values, batch["language"][number], batch["place"][number]))
    return found


def _split_table(card: DataCard, split: str, root: str | None, offline: bool) -> pa.Table:
    """Give all languages of a split. A pool is read and divided once for its splits."""
    wanted = card.splits[split]
    name = wanted.pool or split
    table = _table(places.reading(card, name, root, offline), name)
    if wanted.pool is not None:
        import pyarrow as pa

        assignment = _division(card, name, table["id"].combine_chunks(), table)
        table = table.filter(pa.array([assignment[identity] == split for identity in table["id"].to_pylist()]))
    _check_split(card, split, table)
    if card.form is not None and card.form.database is not None:
        import pyarrow as pa

        path = str(databases.verified(card, root))
        table = table.append_column("database", pa.array([path] * table.num_rows, pa.string()))
    return table


def _check_split(card: DataCard, split: str, table: pa.Table) -> None:
    wanted = card.splits[split]
    subject = f"card {card.name}, split {split}"
    if table.num_rows == 0 and wanted.pool is not None:
        what = "0 rows: near-duplicates (and rows of one document) stay in one split, and none are left for this one"
        fix = "give the splits files of their own; `nlptl data` lists near-duplicates where the card can be read"
        raise BadInput(subject, Problem(what, fix=fix))
    if table.num_rows == 0:
        raise BadInput(subject, "0 rows")
    if wanted.rows is not None and table.num_rows != wanted.rows:
        raise BadInput(subject, f"{table.num_rows:,} rows, the card says {wanted.rows:,}")
    if wanted.ids is not None:
        have = splits.ids_hash(table["id"].to_pylist())
        if have != wanted.ids:
            fix = "the split was made of other rows, another seed, or another version of nlptl"
            raise BadInput(subject, Problem(f"the ids have sha256 {have}, the card says {wanted.ids}", fix=fix))


_KEPT: dict[tuple[Any, ...], pa.Table] = {}


def _table(reading: Reading, name: str) -> pa.Table:
    """Read a split or pool, or give it again when it was the last one read and its files are the same."""
    from nlptl.archives import sha256_of

    files = tuple(
        sha256_of(piece.part.path) if piece.part.path is not None and piece.part.path.is_file() else None
        for piece in reading.pieces
    )
    key = (reading.card, name, reading.pieces, files)
    if key not in _KEPT or None in files:
        _KEPT.clear()  # one at a time: what is kept is for the splits of one pool
        _KEPT[key] = _read(reading, name)
    return _KEPT[key]


@functools.lru_cache(maxsize=4)
def _divided(
    card: DataCard, pool: str, ids: tuple[str, ...], texts: tuple[str, ...], labels: tuple[str, ...]
) -> dict[str, str]:
    parts = {name: split.part for name, split in card.splits.items() if split.pool == pool}
    assert card.division is not None
    items = [splits.Item(*each) for each in zip(ids, texts, labels, strict=True)]
    return splits.divide(items, parts, seed=card.division.seed, document=card.division.document)


def _division(card: DataCard, pool: str, ids: Any, table: pa.Table) -> dict[str, str]:
    """Give id -> split for all rows of a pool."""
    # Questions on one passage stay together: who has learnt from one of them knows the passage.
    names = [name for name in ("text", "text_pair", "context") if name in table.column_names]
    texts = zip(*(table[name].to_pylist() for name in names), strict=True)
    label = next((name for name in ("label", "labels") if name in table.column_names), None)
    gold = [str(one) for one in table[label].to_pylist()] if label else [""] * table.num_rows
    return _divided(card, pool, tuple(ids.to_pylist()), tuple("\x1f".join(text) for text in texts), tuple(gold))


def _read(reading: Reading, name: str) -> pa.Table:
    import pyarrow as pa

    card = reading.card
    faults = Faults(f"card {card.name}, {'pool' if name in card.pools else 'split'} {name}")
    dropped: Counter[str] = Counter()
    batches = [_batch(card, batch) for batch in _batched(_rows(reading, name, faults, dropped))]
    _check_drops(card, name, dropped, faults)
    _check_mends(card, name, dropped, faults)
    faults.settle()
    if not batches:
        raise BadInput(faults.subject, Problem("0 rows", where=", ".join(piece.part.name for piece in reading.pieces)))
    table = pa.concat_tables(batches, promote_options="permissive").combine_chunks()
    _check_ids(table, faults)
    return table


def _rows(reading: Reading, name: str, faults: Faults, dropped: Counter[str]) -> Iterator[dict[str, Any]]:
    """Yield usable rows; note the others."""
    numbers: Counter[str] = Counter()
    for piece in reading.pieces:
        count = 0
        for record in reading.source.records(piece.part):
            if piece.file is not None and piece.file.where is not None and not _wanted(record, piece.file.where):
                continue
            language = piece.part.language
            identity = "/".join(
                [name, *([language] if len(reading.card.languages) > 1 else []), f"{numbers[language]:06d}"]
            )
            numbers[language] += 1
            count += 1
            row = _row(reading.card, name, record, faults, dropped)
            if row is not None:
                own = row.pop("id", None)
                if own is not None:
                    identity = f"{language}/{own}" if len(reading.card.languages) > 1 else own
                yield {"id": identity, "language": language, "place": record.place, **row}
        _check_count(piece, count, faults)


def _wanted(record: Record, where: Mapping[str, str]) -> bool:
    try:
        return all(raw(record, column) == value for column, value in where.items())
    except Refused as refused:
        raise BadInput(record.place, Problem(refused.what, record.place, "where", refused.fix)) from None


def _row(card: DataCard, name: str, record: Record, faults: Faults, dropped: Counter[str]) -> dict[str, Any] | None:
    try:
        row = canonical(card, record)
        dropped["offset"] += mended(record, card, row) if "answers" in row else 0
        return row
    except Refused as refused:
        if any(rule == refused.sort and name in counts for rule, counts in card.drop.items()):
            dropped[refused.sort] += 1
        else:
            faults.add(refused.sort, Problem(refused.what, where=record.place, field=refused.column, fix=refused.fix))
        return None


def _check_count(piece: Piece, count: int, faults: Faults) -> None:
    if (
        piece.file is not None
        and piece.file.rows is not None
        and "*" not in piece.part.name
        and count != piece.file.rows
    ):
        what = f"{count:,} rows, the card says {piece.file.rows:,}"
        faults.add("count", Problem(what, where=piece.part.name, fix="is it whole? are delimiter and quoting right?"))


def _check_drops(card: DataCard, name: str, dropped: Counter[str], faults: Faults) -> None:
    for rule, counts in card.drop.items():
        if name in counts and dropped[rule] != counts[name]:
            faults.add(
                "drop",
                Problem(
                    f"{dropped[rule]:,} rows are dropped, the card says {counts[name]:,}",
                    where=name,
                    field=f"drop.{rule}",
                ),
            )


def _check_mends(card: DataCard, name: str, done: Counter[str], faults: Faults) -> None:
    for rule, counts in card.mend.items():
        if done[rule] != counts.get(name, 0):
            what = f"{done[rule]:,} answers are mended, the card says {counts.get(name, 0):,}"
            faults.add("mend", Problem(what, where=name, field=f"mend.{rule}"))


def _check_ids(table: pa.Table, faults: Faults) -> None:
    ids = table["id"].to_pylist()
    if len(set(ids)) < len(ids):
        seen: dict[str, str] = {}
        for identity, place in zip(ids, table["place"].to_pylist(), strict=True):
            first = seen.setdefault(identity, place)
            if first != place:
                faults.add("id", Problem(f"'{identity}' is also the id of {first}", where=place, field="id"))
        faults.settle()


def _batched(found: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for row in found:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _batch(card: DataCard, batch: list[dict[str, Any]]) -> pa.Table:
    """Make one Arrow batch. Types are fixed where a batch may show nothing (no label in 2,000 rows)."""
    import pyarrow as pa

    columns = {}
    for name in batch[0]:
        values = [row[name] for row in batch]
        if name in ("labels", "forms"):
            columns[name] = pa.array(values, pa.list_(pa.string()))
        elif name == "answers":
            columns[name] = pa.array(values, pa.list_(pa.struct({"text": pa.string(), "start": pa.int64()})))
        elif name in OWN or name in TEXTS or name.startswith("text"):
            columns[name] = pa.array(values, pa.string())
        else:
            columns[name] = pa.array(values)
    return pa.table(columns)


def _strings(values: list[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, pa.string())
