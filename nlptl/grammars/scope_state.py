"""What is known of a query up to some sign: the SELECTs that are open, their tables, and the columns still owed.

A value, never changed: the states of many prefixes live side by side in a beam.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Source(NamedTuple):
    """A table or a query in FROM: the name by which columns call it ("" for none), and its columns."""

    name: str
    columns: frozenset[str]


class Need(NamedTuple):
    """A column that was used before FROM: what FROM must bring."""

    source: str
    """The qualifier; "" where there was none."""
    column: str
    strict: bool
    """Whether a column of an outer query would not do, as in an aggregate."""


class Frame(NamedTuple):
    """An open bracket, an open SELECT, or what UNION and its kin leave until their next SELECT."""

    kind: str
    """`(`, `call`, `aggregate`, `select`, `set`"""
    phase: str = ""
    """The last clause that began: select, from, on, where, group, having, order, limit."""
    derived: bool = False
    """Whether it stands in FROM: it gives its columns to the SELECT around it and sees none of it."""
    first: tuple[str, ...] | None = None
    """The columns of the first SELECT of a UNION: as many must follow."""
    sources: tuple[Source, ...] = ()
    waiting: Source | None = None
    """The last table in FROM, whose alias may still come."""
    needs: frozenset[Need] = frozenset()
    outputs: tuple[str, ...] = ()
    """The columns that it gives, "" for those without a plain name."""
    item: str = ""
    """The column that is being given: its name, `?` for any other expression."""
    alias: str = ""
    aliases: frozenset[str] = frozenset()
    """The names given to columns with AS."""
    star: bool = False

    def given(self) -> tuple[str, ...]:
        """Give its columns, once it is whole."""
        if self.first is not None:
            return self.first
        if self.star:
            return tuple(column for source in self.sources for column in sorted(source.columns))
        return self.outputs


class State(NamedTuple):
    """Where a query is."""

    frames: tuple[Frame, ...] = ()
    before: str = ""
    """The last sign in lower case; `'` for a literal, `0` for a number."""
    operand: bool = False
    """Whether a value has just ended, so that an operator or a new clause must follow."""
    name: str = ""
    """A name of which only the next sign tells whether it is a table (a dot follows) or a column."""

    def with_top(self, frame: Frame) -> State:
        """Replace the innermost frame."""
        return self._replace(frames=(*self.frames[:-1], frame))

    def select(self) -> int:
        """Give the place of the innermost open SELECT, -1 for none."""
        number = len(self.frames) - 1
        while number >= 0 and self.frames[number].kind != "select":
            number -= 1
        return number

    def strict(self) -> bool:
        """Say whether the next value cannot be one of an outer query: in an aggregate, GROUP BY, ORDER BY and ON.

        In ON, since a table that follows may have that name too, and would then be meant, which SQLite refuses.
        """
        return self.in_aggregate() or self.frames[self.select()].phase in ("group", "order", "on")

    def in_aggregate(self) -> bool:
        """Say whether the next value stands in an aggregate."""
        for frame in reversed(self.frames):
            if frame.kind in ("select", "aggregate"):
                return frame.kind == "aggregate"
        return False

    def outer(self) -> Iterator[Frame]:
        """Give the SELECTs around the innermost one whose columns it may use, the nearest first."""
        inner = self.frames[self.select()]
        for number in range(self.select() - 1, -1, -1):
            frame = self.frames[number]
            if frame.kind != "select":
                continue
            if inner.derived or frame.phase == "select":
                return
            yield frame
            if frame.phase == "on":  # as above: what lies around it may yet be hidden by a table that follows
                return
            inner = frame


def resolve_name(state: State, frame: Frame, name: str, *, strict: bool) -> frozenset[str]:
    """Give the columns of the table that is called by a name, in this SELECT or around it; none if there is none."""
    for one in [frame] if strict else [frame, *state.outer()]:
        for source in one.sources:
            if source.name == name:
                return source.columns
    return frozenset()


def resolves_bare(state: State, frame: Frame, column: str, *, strict: bool) -> bool:
    """Say whether a column without a table means exactly one, in the nearest SELECT that has it."""
    for one in [frame] if strict else [frame, *state.outer()]:
        having = sum(column in source.columns for source in one.sources)
        if having:
            # A table that a later JOIN brings may have the column too: outside of that SELECT nobody would notice.
            return having == 1 and (one is frame or one.phase != "on")
    return False
