"""The names of one database and of the query itself: which may stand where, and what FROM then owes."""

from __future__ import annotations

from collections.abc import Sequence

from nlptl.grammars.cover import Cover
from nlptl.grammars.scope_state import Frame, Need, Source, State, resolve_name, resolves_bare
from nlptl.grammars.select import aliases_of, given_names, spelled, written_given
from nlptl.grammars.tables import AGGREGATES, FUNCTIONS, KEYWORDS, Schema


class Names:
    """What the names of a schema mean, and those that a query gives itself."""

    def __init__(self, schema: Schema, names: Sequence[str] = ()) -> None:
        self.tables = {name: frozenset(columns) for name, columns in schema.tables.items()}
        self.columns = schema.columns
        self.own = frozenset(given_names(schema, names))
        self._called = dict(self.tables)
        for table, columns in self.tables.items():
            self._called |= {alias.lower(): columns for alias in aliases_of(table)}
        self._cover = Cover(list(self.tables.values()))

    def spelled(self) -> tuple[str, ...]:
        """Give every word that a query may have outside its literals, as it may be written."""
        simple = sorted({*KEYWORDS, *AGGREGATES, *FUNCTIONS, *self.columns, *self.tables})
        found = [form for word in simple for form in spelled(word)]
        found += [alias for table in self.tables for alias in aliases_of(table)]
        found += [form for name in sorted(self.own) for form in written_given(name)]
        return tuple(dict.fromkeys(found))

    def carries(self, alias: str, table: Source) -> bool:
        """Say whether a table may be called by this alias: a name of the query's own, or one with the table's name."""
        return alias in self.own or self._called.get(alias) is table.columns

    # ---- columns

    def may_qualify(self, state: State, name: str) -> bool:
        """Say whether `name.` can be followed by some column here."""
        frame = state.frames[state.select()]
        strict = state.strict()
        if frame.phase != "select":
            return bool(resolve_name(state, frame, name, strict=strict))
        return any(self.owed(frame, Need(name, column, strict)) for column in self._of(name))

    def qualified(self, state: State, name: str, column: str) -> Frame | None:
        """Give the innermost SELECT with `name.column` used in it; None where that cannot be."""
        frame = state.frames[state.select()]
        strict = state.strict()
        if frame.phase == "select":
            return self.owed(frame, Need(name, column, strict)) if column in self._of(name) else None
        return frame if column in resolve_name(state, frame, name, strict=strict) else None

    def bare(self, state: State, column: str) -> Frame | None:
        """Give the innermost SELECT with a column used in it without a table; None where that cannot be."""
        frame = state.frames[state.select()]
        need = Need("", column, state.strict())
        if frame.phase == "select":
            return self.owed(frame, need) if column in self.columns or column in self.own else None
        if resolves_bare(state, frame, column, strict=need.strict):
            # What ON says is read again when all tables are known: a later one may have the column too.
            return self.owed(frame, need) if frame.phase == "on" else frame
        named = frame.phase in ("order", "having") and column in frame.aliases and not state.in_aggregate()
        return frame if named else None

    def _of(self, name: str) -> frozenset[str]:
        """Give the columns that a table may have which is not declared yet."""
        if name in self._called:
            return self._called[name]
        return self.columns | self.own if name in self.own else frozenset()

    # ---- what FROM owes

    def owed(self, frame: Frame, need: Need) -> Frame | None:
        """Note that FROM owes a column; None where no FROM could bring it."""
        needs = frame.needs | {need}
        if need.source in self.own:
            columns = {one.column for one in needs if one.source == need.source}
            if columns <= self.columns and not any(columns <= table for table in self.tables.values()):
                return None
        owing = frame._replace(needs=needs)
        return owing if self.fits(owing, frozenset()) else None

    def fits(self, frame: Frame, columns: frozenset[str], name: str = "") -> bool:
        """Say whether FROM can still bring each bare column once, when a source with these columns joins the others.

        Without a name, the source may still be called by any that is owed.
        """
        wanted = frozenset(need.column for need in frame.needs if not need.source)
        if not wanted:
            return True
        declared = {source.name for source in frame.sources} | {name}
        owed = {need.source for need in frame.needs} - declared
        coming = [self._called[one] for one in sorted(owed) if one in self._called]
        if not name and columns in coming:
            coming.remove(columns)
        return self._cover.possible(wanted, [*(source.columns for source in frame.sources), *coming, columns])

    def placed(self, frame: Frame) -> Frame | None:
        """Take the last table of FROM for good, by the name that it has now; None where it cannot have it."""
        table = frame.waiting
        if table is None:
            return frame
        if table.name and any(table.name == source.name for source in frame.sources):
            return None
        owed = {need.column for need in frame.needs if need.source == table.name and table.name}
        if not owed <= table.columns or not self.fits(frame, table.columns, table.name or "-"):
            return None
        return frame._replace(sources=(*frame.sources, table), waiting=None)

    def closed(self, state: State, frame: Frame) -> Frame | None:
        """End FROM: every column that was owed must be there, in it or in a SELECT around it."""
        placed = self.placed(frame)
        if placed is None:
            return None
        for source, column, strict in placed.needs:
            if source:
                if column not in resolve_name(state, placed, source, strict=strict):
                    return None
            elif not resolves_bare(state, placed, column, strict=strict):
                return None
        return placed
