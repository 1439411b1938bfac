"""What a query gave, and when two of them are the same denotation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

Value = None | int | float | str | bytes
Row = tuple[Value, ...]
Status = Literal["rows", "refused", "error", "timeout", "too_large", "empty_query"]

TOLERANCE = 1e-6
"""How far two numbers may be apart, relative to the larger, and be equal. Sums of floats depend on their order."""

_NOT_GRAMMAR = ('near "', "unrecognized token", "incomplete input", "syntax error", "starts with")
"""How the messages of SQLite's parser begin, and the two of `statement.look`."""


@dataclass(frozen=True)
class Outcome:
    """What one query gave on one database."""

    status: Status
    """`rows`; `refused`: not one SELECT, or one that does what is not allowed; `error`: SQLite says `message`;
    `timeout`; `too_large`: more rows, bytes or memory than anybody wants; `empty_query`: nothing but space."""
    rows: tuple[Row, ...] = ()
    columns: tuple[str, ...] = ()
    ordered: bool = False
    """Whether the query has an ORDER BY of its own, outside of all parentheses."""
    seconds: float = 0.0
    """Wall time of this query, without the start of a process."""
    message: str = ""

    @property
    def parses(self) -> bool:
        """Whether SQLite's grammar takes the query; what it names may not exist."""
        return self.status != "error" or not self.message.startswith(_NOT_GRAMMAR)

    @property
    def empty(self) -> bool:
        """Whether it ran and says nothing: no row, or only NULLs (what MAX gives of no row)."""
        return self.status == "rows" and all(value is None for row in self.rows for value in row)


def same(gold: Outcome, predicted: Outcome) -> bool:
    """Say whether two outcomes are one denotation.

    Both have status `rows` and the same number of columns. Rows are compared as a multiset (duplicates count), as a
    sequence if `gold` is ordered. The order of columns counts, their names do not: Spider's test-suite script (Zhong
    et al. 2020, arXiv:2010.02840) also takes any permutation of columns, which calls (capital, state) and (state,
    capital) equal; nlptl does not, so its figure is at most that one. Integers and floats are equal within 1e-6 of the
    larger; text equals text letter by letter, bytes bytes, NULL equals NULL, and no number equals a text.
    """
    if gold.status != "rows" or predicted.status != "rows":
        return False
    if len(gold.columns) != len(predicted.columns) or len(gold.rows) != len(predicted.rows):
        return False
    if gold.ordered:
        return all(_equal_rows(g, p) for g, p in zip(gold.rows, predicted.rows, strict=True))
    return _equal_multisets(gold.rows, predicted.rows)


def _equal_rows(first: Row, second: Row) -> bool:
    return all(map(_equal, first, second))


def _equal(first: Value, second: Value) -> bool:
    if isinstance(first, int | float) and isinstance(second, int | float):
        return first == second or math.isclose(first, second, rel_tol=TOLERANCE)
    return type(first) is type(second) and first == second


def _equal_multisets(first: Sequence[Row], second: Sequence[Row]) -> bool:
    """Compare without order. Rows are set apart by all but their numbers first, then numbers are matched.

    Equality within a tolerance is not transitive, so this is a matching of rows, which a count of rounded ones is not.
    """
    if Counter(first) == Counter(second):  # 1 and 1.0 are one key to Python as well
        return True
    left, right = _groups(first), _groups(second)
    if {key: len(rows) for key, rows in left.items()} != {key: len(rows) for key, rows in right.items()}:
        return False
    return all(_match(rows, right[key]) for key, rows in left.items())


def _exact(row: Row) -> Hashable:
    """Give the part of a row that must be equal exactly, numbers left out; the kind of a value is part of it."""
    return tuple("number" if isinstance(value, int | float) else (type(value), value) for value in row)


def _groups(rows: Sequence[Row]) -> dict[Hashable, list[Row]]:
    found: dict[Hashable, list[Row]] = {}
    for row in rows:
        found.setdefault(_exact(row), []).append(row)
    return found


def _numbers(row: Row) -> tuple[float, ...]:
    return tuple(value for value in row if isinstance(value, int | float))


def _match(first: list[Row], second: list[Row]) -> bool:
    """Pair rows that differ in numbers only: in sorted order, and where that fails by augmenting paths.

    Sorted order is right for one number; with several, a difference below the tolerance in the first may upset it.
    """
    left, right = sorted(map(_numbers, first)), sorted(map(_numbers, second))
    if all(map(_equal_rows, left, right)):
        return True
    if not left or len(left[0]) == 1:
        return False
    edges = [[j for j, other in enumerate(right) if _equal_rows(row, other)] for row in left[:_MOST]]
    return len(left) <= _MOST and _perfect(edges)


_MOST = 500
"""How many rows alike but for their numbers are matched pair by pair; more of them must agree in sorted order."""


def _perfect(edges: list[list[int]]) -> bool:
    """Say whether every row finds a partner of its own (Kuhn's augmenting paths, breadth first)."""
    partner: dict[int, int] = {}
    for start in range(len(edges)):
        came: dict[int, int] = {}
        queue, free = [start], None
        for row in queue:
            for column in edges[row]:
                if column in came:
                    continue
                came[column] = row
                if column not in partner:
                    free = column
                    break
                queue.append(partner[column])
            if free is not None:
                break
        if free is None:
            return False
        _flip(free, start, came, partner)
    return True


def _flip(column: int, start: int, came: dict[int, int], partner: dict[int, int]) -> None:
    """Exchange the pairs along the path that ends at a free column."""
    before = {row: col for col, row in partner.items()}
    while True:
        row = came[column]
        partner[column] = row
        if row == start:
            return
        column = before[row]
