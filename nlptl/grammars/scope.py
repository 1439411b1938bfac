"""What a grammar without context cannot say of a query: every table and column in it is one that is there.

It reads a query sign by sign, in the order of the text, as SQLite would (sqlite.org/lang_select.html; PICARD, Scholak
et al. 2021, guards the names of a query that is being decoded in the same spirit), and tells which sign may follow. A
column may stand before the table that has it: FROM then owes that table, and cannot end without it. The grammar says
everything else: only with it does what is said here hold.

Narrower than SQL in four ways: a query in the list of columns cannot use the tables of the query around it, a query in
FROM never can, an ON clause cannot use tables that follow it, and no two tables of a FROM have the same name.
"""

from __future__ import annotations

from collections.abc import Sequence

from nlptl.grammars.names import Names
from nlptl.grammars.scope_state import Frame, Source, State
from nlptl.grammars.tables import AGGREGATES, FUNCTIONS, KEYWORDS, Schema

DEEPEST = 20
"""Open brackets and SELECTs; SQLite's own parser stops at 100 levels of its rules."""
MOST_SOURCES = 8
"""Tables in a FROM that owes nothing; SQLite joins 64 at most."""
_CALLED = AGGREGATES | FUNCTIONS
_CLAUSES = frozenset({"where", "group", "having", "order", "limit"})
_SETS = frozenset({"union", "intersect", "except"})


class Scope:
    """Reads queries over the names of one database."""

    def __init__(self, schema: Schema, names: Sequence[str] = ()) -> None:
        self._names = Names(schema, names)
        self.words = self._names.spelled()
        """Every word that a query may have outside its literals."""

    def start(self) -> State:
        """Give the state before the first sign."""
        return State()

    def after(self, state: State, sign: str) -> State | None:
        """Read one sign: a word, a number, a whole literal with its marks, or a mark; None where it cannot stand."""
        if state.before == ";":
            return None
        first = sign[0]
        if first in "'\"":
            return self._constant(state, "'", sign)
        if first.isdigit():
            return self._constant(state, "0", sign)
        low = sign.lower()
        if not (first.isalpha() or first == "_"):
            found = self._mark(state, sign)
        elif state.before == ".":
            found = self._column(state, low)
        else:
            found = self._keyword(state, low) if low in KEYWORDS else self._word(state, low)
        return found._replace(before=low) if found is not None else None

    def complete(self, state: State) -> bool:
        """Say whether the query may end here."""
        if state.before == ";":
            return True
        settled = self._settled(state)
        return settled is not None and len(settled.frames) == 1 and self._finished(settled) is not None

    def needs_alias(self, state: State) -> bool:
        """Say whether the table that stands last in FROM cannot stay there by its own name."""
        top = state.frames[-1] if state.frames else None
        return top is not None and top.waiting is not None and self._names.placed(top) is None

    # ---- names

    def _word(self, state: State, low: str) -> State | None:
        if not state.frames or state.name:
            return None
        if low in _CALLED:
            return state if not state.operand and len(state.frames) < DEEPEST else None
        top = state.frames[-1]
        if top.kind == "select" and top.phase == "from":
            return self._in_from(state, top, low)
        if state.before == "as":
            return self._named(state, top, low)
        if state.operand or not (self._names.may_qualify(state, low) or self._names.bare(state, low)):
            return None
        return state._replace(name=low, operand=True)

    def _in_from(self, state: State, top: Frame, low: str) -> State | None:
        if state.before in ("from", ",", "join"):
            columns = self._names.tables.get(low)
            if columns is None or not self._names.fits(top, columns):
                return None
            return state.with_top(top._replace(waiting=Source(low, columns)))._replace(operand=True)
        if top.waiting is None or not (state.operand or state.before == "as"):
            return None
        if not self._names.carries(low, top.waiting):
            return None
        placed = self._names.placed(top._replace(waiting=top.waiting._replace(name=low)))
        return state.with_top(placed)._replace(operand=True) if placed is not None else None

    def _named(self, state: State, top: Frame, low: str) -> State | None:
        """Give a column of the SELECT its name."""
        if top.phase != "select" or low not in self._names.own or low in top.aliases or not self._gives(state, low):
            return None
        return state.with_top(top._replace(alias=low, aliases=top.aliases | {low}))._replace(operand=True)

    def _column(self, state: State, low: str) -> State | None:
        """Read the column behind a dot."""
        frame = self._names.qualified(state, state.name, low)
        return self._valued(state, frame, low)._replace(name="", operand=True) if frame is not None else None

    def _settled(self, state: State) -> State | None:
        """Take a name that no dot follows as a column."""
        if not state.name or state.before == ".":
            return state if state.before != "." else None
        frame = self._names.bare(state, state.name)
        return self._valued(state, frame, state.name)._replace(name="") if frame is not None else None

    def _valued(self, state: State, frame: Frame, item: str) -> State:
        """Put back the innermost SELECT, whose item is this one if nothing stood before it."""
        at = state.select()
        if frame.phase == "select":
            frame = frame._replace(item=item if at == len(state.frames) - 1 and not frame.item else "?")
        return state._replace(frames=(*state.frames[:at], frame, *state.frames[at + 1 :]))

    def _constant(self, state: State, sort: str, sign: str) -> State | None:
        at = state.select()
        if at < 0 or state.operand:
            return None
        if sign[0] == '"' and sign[1:-1].lower() in self._names.columns | self._names.own:
            return None  # SQLite would take it as the column
        return self._valued(state, state.frames[at], "?")._replace(before=sort, operand=True)

    # ---- clauses

    def _keyword(self, state: State, low: str) -> State | None:
        if low == "select":
            return self._opened_select(state)
        settled = self._settled(state)
        if settled is None or not settled.frames:
            return None
        if low == "from":
            return self._from(settled)
        if low in _CLAUSES or low in _SETS:
            return self._clause(settled, low)
        if low in ("join", "left", "inner", "on"):
            return self._join(settled, low)
        if low in ("in", "exists") and len(state.frames) >= DEEPEST:
            return None
        return settled._replace(operand=low == "null")

    def _clause(self, state: State, low: str) -> State | None:
        finished = self._finished(state)
        if finished is None or (low in ("group", "order") and not _has_columns(finished, low)):
            return None
        if low in _CLAUSES:
            return state.with_top(finished._replace(phase=low))._replace(operand=False)
        left = Frame("set", derived=finished.derived, first=finished.given())
        return state.with_top(left)._replace(operand=False)

    def _join(self, state: State, low: str) -> State | None:
        top = state.frames[-1]
        placed = self._names.placed(top) if top.phase in ("from", "on") else None
        if placed is None or (low != "on" and not self._has_room(state, placed)):
            return None
        return state.with_top(placed._replace(phase="on" if low == "on" else "from"))._replace(operand=False)

    def _has_room(self, state: State, frame: Frame) -> bool:
        return len(frame.sources) < MOST_SOURCES or self._names.closed(state, frame) is None

    def _opened_select(self, state: State) -> State | None:
        if not state.frames:
            return State((Frame("select", "select"),))
        top = state.frames[-1]
        if top.kind == "set":
            return state.with_top(Frame("select", "select", derived=top.derived, first=top.first))
        if state.before != "(":
            return None
        derived = state.frames[state.select()].phase == "from"
        return State((*state.frames, Frame("select", "select", derived=derived)))

    def _from(self, state: State) -> State | None:
        top = state.frames[-1]
        if top.phase != "select":
            return None
        ended = self._item_ended(state, top)
        if ended is None or (ended.first is not None and len(ended.outputs) != len(ended.first)):
            return None
        return state.with_top(ended._replace(phase="from"))._replace(operand=False)

    def _item_ended(self, state: State, top: Frame) -> Frame | None:
        name = top.alias or ("" if top.item in ("?", "*") else top.item)
        if not top.item or (name and not top.alias and not self._gives(state, name)):
            return None
        outputs = top.outputs if top.item == "*" else (*top.outputs, name)
        return top._replace(outputs=outputs, item="", alias="")

    def _gives(self, state: State, name: str) -> bool:
        """Say whether a query in FROM may give a column of this name: the SELECT around it must not find it twice."""
        top = state.frames[-1]
        if not top.derived or top.first is not None:
            return True
        around = state._replace(frames=state.frames[:-1])
        return self._names.fits(around.frames[around.select()], frozenset((*top.outputs, name)) - {""})

    def _finished(self, state: State) -> Frame | None:
        """Give the innermost SELECT as it is at its end, or at the end of its FROM; None where it cannot end."""
        top = state.frames[-1]
        if top.kind != "select" or top.phase == "select":
            return None
        return self._names.closed(state, top) if top.phase in ("from", "on") else top

    # ---- marks

    def _mark(self, state: State, sign: str) -> State | None:
        if sign == ".":
            named = bool(state.name) and state.before == state.name and self._names.may_qualify(state, state.name)
            return state._replace(operand=False) if named else None
        settled = self._settled(state)
        if settled is None or not settled.frames:
            return None
        if sign == "(":
            return self._opened(settled)
        if sign == ")":
            return self._closed(settled)
        if sign == ",":
            return self._comma(settled)
        if sign == ";":
            return settled if self.complete(settled) else None
        if sign == "*" and not settled.operand:
            return self._star(settled)
        return self._valued(settled, settled.frames[settled.select()], "?")._replace(operand=False)

    def _opened(self, state: State) -> State | None:
        if len(state.frames) >= DEEPEST and state.before not in _CALLED | {"in", "exists"}:
            return None
        kind = "aggregate" if state.before in AGGREGATES else "("
        valued = self._valued(state, state.frames[state.select()], "?")
        return valued._replace(frames=(*valued.frames, Frame(kind)), operand=False)

    def _closed(self, state: State) -> State | None:
        top = state.frames[-1]
        if top.kind != "select":
            return state._replace(frames=state.frames[:-1], operand=True) if top.kind != "set" else None
        finished = self._finished(state)
        if finished is None or len(state.frames) < 2:
            return None
        around = state._replace(frames=state.frames[:-2], operand=True)
        if finished.derived:
            table = Source("", frozenset(finished.given()) - {""})
            return around.with_top(around.frames[-1]._replace(waiting=table))
        return around

    def _comma(self, state: State) -> State | None:
        top = state.frames[-1]
        if top.kind == "select" and top.phase == "select":
            ended = self._item_ended(state, top)
            if ended is None or (ended.first is not None and len(ended.outputs) >= len(ended.first)):
                return None
            return state.with_top(ended)._replace(operand=False)
        if top.kind == "select" and top.phase in ("from", "on"):
            placed = self._names.placed(top)
            if placed is None or not self._has_room(state, placed):
                return None
            return state.with_top(placed._replace(phase="from"))._replace(operand=False)
        return state._replace(operand=False)

    def _star(self, state: State) -> State | None:
        top = state.frames[-1]
        if top.kind == "aggregate":
            return state._replace(operand=True)
        if top.phase != "select" or top.item:
            return None
        if top.derived:
            around = state.frames[state._replace(frames=state.frames[:-1]).select()]
            if any(not need.source for need in around.needs):
                return None
        return state.with_top(top._replace(item="*", star=True))._replace(operand=True)


def _has_columns(frame: Frame, clause: str) -> bool:
    """Say whether there is a column to group or order by: queries in FROM may have none that can be named."""
    if clause == "order" and frame.aliases:
        return True
    columns = [column for source in frame.sources for column in source.columns]
    return any(source.name and source.columns for source in frame.sources) or any(
        columns.count(column) == 1 for column in columns
    )
