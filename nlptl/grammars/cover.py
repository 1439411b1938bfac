"""Can FROM still bring the columns that a query uses without naming their tables?"""

from __future__ import annotations

import functools
from collections.abc import Sequence


class Cover:
    """The tables of a schema, asked whether some of them hold given columns exactly once (else they were ambiguous)."""

    def __init__(self, tables: Sequence[frozenset[str]]) -> None:
        self._tables = tuple(dict.fromkeys(tables))
        self._known = frozenset(column for table in tables for column in table)
        self._search = functools.lru_cache(maxsize=1 << 14)(self._covers)

    def possible(self, wanted: frozenset[str], given: Sequence[frozenset[str]]) -> bool:
        """Say whether `given` sources and any tables beside them hold each wanted column once.

        A column that no table has can only come from a query in FROM, which can be written so that it fits.
        """
        held: set[str] = set()
        for columns in given:
            both = columns & wanted
            if both & held:
                return False
            held |= both
        return self._search(frozenset((wanted & self._known) - held), frozenset(held))

    def _covers(self, missing: frozenset[str], held: frozenset[str]) -> bool:
        if not missing:
            return True
        column = min(missing)
        return any(
            self._search(missing - table, held | (table & missing))
            for table in self._tables
            if column in table and not table & held
        )
