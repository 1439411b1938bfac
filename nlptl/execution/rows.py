"""Which rows of a database are left out, and which come once more, when its contents are changed."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping

from nlptl.execution import contents
from nlptl.execution.contents import Column, Contents, Table
from nlptl.execution.outcomes import Row, Value

LEFT_OUT = 1 / 12
"""The share of things (with all rows that mention them) and of leaves' rows that are left out."""
ADDED = 1 / 20
"""The share of leaves' rows that come once more, tied to something else."""
TRIES = 8

Groups = Mapping[Column, int]


def leave_out(found: Contents, group: Groups, rng: random.Random) -> Contents:
    """Leave out some things with all rows that mention them, and some rows of leaves.

    A thing is a value of a domain of several columns that names the rows of a table; what else named a row that goes,
    goes too. A draw that costs a table more than half of its rows is drawn again, and after some tries all stay.
    """
    tables = next(filter(None, (_drawn(found, group, rng) for _ in range(TRIES))), found.tables)
    kept = tuple(_thinned(table, group, rng) if is_leaf(table, group) else table for table in tables)
    return Contents(kept, found.making, found.finishing)


def _drawn(found: Contents, group: Groups, rng: random.Random) -> tuple[Table, ...] | None:
    """Leave out one draw of things; None if a table loses more than half of its rows."""
    gone = _things(found, group, rng)
    tables = [_without(table, group, gone) for table in found.tables]
    for _ in range(len(tables)):
        for old, new in zip(found.tables, tables, strict=True):
            for name in _keys(old, group):
                gone[group[old.name, name]] |= set(old.values(name)) - set(new.values(name))
        tables = [_without(table, group, gone) for table in found.tables]
    if any(len(new.rows) < len(old.rows) / 2 for old, new in zip(found.tables, tables, strict=True)):
        return None
    return tuple(tables)


def more(table: Table, group: Groups, rng: random.Random) -> list[Row]:
    """Give rows of a leaf once more, each with another value in one column that several tables share.

    A combination of texts that is there already is not made again: its numbers would contradict.
    """
    places = [place for place, name in enumerate(table.columns) if _size(group, table, name) > 1]
    if not is_leaf(table, group) or not places or len(table.rows) < 1 / LEFT_OUT:
        return []
    there = {_texts(row) for row in table.rows}
    added = []
    for row in rng.sample(table.rows, round(len(table.rows) * ADDED)):
        place = rng.choice(places)
        new = (*row[:place], rng.choice(table.rows)[place], *row[place + 1 :])
        if _texts(new) not in there:
            there.add(_texts(new))
            added.append(new)
    return added


def is_leaf(table: Table, group: Groups) -> bool:
    """Say whether rows of a table can come and go alone.

    Not where a row is what other tables speak of, nor where two columns are of one domain: such a table is often
    symmetric (who borders whom), and a query that asks it from the other side must get the same.
    """
    own = [group[table.name, name] for name in table.columns]
    return not _keys(table, group) and len(set(own)) == len(own)


def _texts(row: Row) -> Row:
    return tuple(value for value in row if isinstance(value, str))


def _size(group: Groups, table: Table, name: str) -> int:
    """Give how many columns are of the domain of this one."""
    return sum(domain == group[table.name, name] for domain in group.values())


def _keys(table: Table, group: Groups) -> list[str]:
    """Give the columns that name this table's rows and stand elsewhere too."""
    return [name for name in contents.unique(table) if _size(group, table, name) > 1]


def _things(found: Contents, group: Groups, rng: random.Random) -> dict[int, set[Value]]:
    gone: dict[int, set[Value]] = defaultdict(set)
    for table in found.tables:
        for name in _keys(table, group)[:1]:
            if group[table.name, name] in gone:
                continue
            names = sorted(set(table.values(name)), key=lambda value: (type(value).__name__, repr(value)))
            gone[group[table.name, name]] = set(rng.sample(names, round(len(names) * LEFT_OUT)))
    return gone


def _without(table: Table, group: Groups, gone: Mapping[int, set[Value]]) -> Table:
    """Leave out the rows that mention what is gone."""
    out = [gone.get(group[table.name, name], set()) for name in table.columns]
    rows = tuple(row for row in table.rows if not any(value in some for value, some in zip(row, out, strict=True)))
    return Table(table.name, table.columns, rows, table.points)


def _thinned(table: Table, group: Groups, rng: random.Random) -> Table:
    """Leave out some rows, none whose value in a shared column would be there no more: another table may rely on it."""
    places = [place for place, name in enumerate(table.columns) if _size(group, table, name) > 1]
    left = {place: Counter(row[place] for row in table.rows) for place in places}
    rows = []
    for row in table.rows:
        if rng.random() < LEFT_OUT and all(left[place][row[place]] > 1 for place in places):
            for place in places:
                left[place][row[place]] -= 1
        else:
            rows.append(row)
    return Table(table.name, table.columns, tuple(rows), table.points)
