"""The names that a query gives: which aliases it can do without, and what the others are called.

`SELECT Calias0.NAME FROM CITY AS Calias0` says no more than `SELECT name FROM city`. A name is dropped or changed only
where the query must mean the same without knowing the tables: rules and reasons stand at each function. What is in
doubt stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(slots=True)
class Given:
    """A table or query in a FROM clause, the name by which columns call it, and the columns that do."""

    node: exp.Table | exp.Subquery
    name: str
    columns: list[exp.Column] = field(default_factory=list)
    from_below: list[list[Scope]] = field(default_factory=list)
    """For each column of a query within: the scopes between, that one first."""

    @property
    def table(self) -> str | None:
        """The name of the table, None for a query or a table of another schema."""
        from sqlglot import exp

        return self.node.name if isinstance(self.node, exp.Table) and not self.node.db else None


@dataclass(slots=True)
class Scope:
    """One SELECT, what it reads from, and the SELECT around it."""

    select: exp.Select
    given: list[Given]
    above: Scope | None

    @property
    def reads_one(self) -> bool:
        """Whether there is one table or query in the FROM clause and nothing else."""
        return len(self.given) == 1 and not self.select.args.get("joins") and not self.select.args.get("laterals")


def scopes(query: exp.Query) -> list[Scope]:
    """Find every SELECT with its tables, the outer before the inner, and give each qualified column to its table."""
    from sqlglot import exp

    found: dict[int, Scope] = {}
    for select in query.find_all(exp.Select, bfs=True):
        above = select.find_ancestor(exp.Select)
        found[id(select)] = Scope(select, list(_given(select)), found.get(id(above)) if above is not None else None)
    for column in query.find_all(exp.Column):
        if not column.table or column.args.get("db"):
            continue
        own = column.find_ancestor(exp.Select)
        scope = found.get(id(own)) if own is not None else None
        between: list[Scope] = []
        while scope is not None:
            match = [one for one in scope.given if one.name == column.table]
            if match:
                match[0].columns.append(column)
                if between:
                    match[0].from_below.append(between)
                break
            between.append(scope)
            scope = scope.above
    return list(found.values())


def _given(select: exp.Select) -> Iterator[Given]:
    from sqlglot import exp

    first = select.args.get("from_")
    nodes = [first.this] if first is not None else []
    nodes += [join.this for join in select.args.get("joins") or ()]
    for node in nodes:
        if isinstance(node, exp.Table | exp.Subquery):
            yield Given(node, node.alias_or_name)


def drop_aliases(query: exp.Query) -> None:
    """Take out the aliases of tables that nothing needs.

    1. A SELECT that reads one table, of which no inner query speaks: its columns need no qualifier, since an
       unqualified name means a column of the innermost FROM first. Kept where an output column has that name (ORDER BY
       would mean it), and where the name needs marks (it could be read as a string).
    2. Else a table that occurs once in its SELECT is called by its own name, unless a query between a column and it
       reads that table too or uses that name.
    """
    for scope in scopes(query):
        outputs = {name for name in (one.alias for one in scope.select.expressions) if name}
        for one in scope.given:
            if scope.reads_one and not one.from_below:
                one.columns = [column for column in one.columns if not _unqualified(column, outputs)]
                if not one.columns:
                    _drop(one)
                    continue
            if one.table is not None and _can_be_called_by_table(one, scope):
                for column in one.columns:
                    column.args["table"].replace(_identifier(one.table))
                _drop(one)


def _unqualified(column: exp.Column, outputs: set[str]) -> bool:
    from sqlglot import exp

    if isinstance(column.this, exp.Star):
        column.replace(exp.Star())
        return True
    if column.name in outputs or column.this.quoted:
        return False
    column.set("table", None)
    return True


def _can_be_called_by_table(one: Given, scope: Scope) -> bool:
    others = [other for other in scope.given if other is not one]
    between = [other for way in one.from_below for inner in way for other in inner.given]
    return all(one.table not in (other.name, other.table) for other in [*others, *between])


def _drop(one: Given) -> None:
    alias = one.node.args.get("alias")
    if alias is not None and not alias.args.get("columns"):
        one.node.set("alias", None)
        one.name = one.node.alias_or_name


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that may be changed: every identifier that must be changed with it."""

    prefix: str
    """`t` for a table, `c` for an output column."""
    mask: str
    """What stands for it where its name must not matter."""
    identifiers: tuple[exp.Identifier, ...]


def aliases(query: exp.Query) -> list[Alias]:
    """Find the aliases that may be renamed, after dropping those of output columns that nothing mentions."""
    found = scopes(query)
    tables = [
        Alias("t", f"{one.table or ''}#", (alias.this, *(column.args["table"] for column in one.columns)))
        for scope in found
        for one in scope.given
        if (alias := one.node.args.get("alias")) is not None and alias.this is not None
    ]
    return [*tables, *_outputs(query, found)]


def _outputs(query: exp.Query, found: Sequence[Scope]) -> Iterator[Alias]:
    """Give the output columns whose alias may be renamed.

    One that nothing mentions is dropped: it names a column of the result, and no row depends on that. One that is
    mentioned only where it must be meant may be renamed: alone in the ORDER BY of its own SELECT, or in a SELECT that
    reads from that one. With any other mention it stays.
    """
    from sqlglot import exp

    if any(join.args.get("method") for join in query.find_all(exp.Join)):
        return  # NATURAL joins by the names of columns
    columns = list(query.find_all(exp.Column))
    names = Counter(name.name for name in query.find_all(exp.Identifier))
    for scope in found:
        if isinstance(scope.select.parent, exp.CTE | exp.SetOperation):
            continue
        for output in list(scope.select.expressions):
            mentions = [column for column in columns if column.name == output.alias]
            if not isinstance(output, exp.Alias) or names[output.alias] != 1 + len(mentions):
                continue
            if not mentions and _may_lose_its_name(output, scope):
                output.replace(output.this)
            elif mentions and all(_means(column, scope, found) for column in mentions):
                yield Alias("c", "#", (output.args["alias"], *(column.this for column in mentions)))


def _may_lose_its_name(output: exp.Alias, scope: Scope) -> bool:
    """Say whether no other name can be taken for the one that the column then has by itself."""
    from sqlglot import exp

    if not isinstance(output.this, exp.Column | exp.Star):
        return True
    in_from = isinstance(scope.select.parent, exp.Subquery) and isinstance(
        scope.select.parent.parent, exp.From | exp.Join
    )
    return not in_from and output.this.name not in {one.alias for one in scope.select.expressions}


def _means(column: exp.Column, scope: Scope, found: Sequence[Scope]) -> bool:
    from sqlglot import exp

    own = column.find_ancestor(exp.Select)
    if own is scope.select:
        return not column.table and isinstance(column.parent, exp.Ordered)
    reading = next((other for other in found if other.select is own), None)
    if reading is None:
        return False
    from_it = [one for one in reading.given if isinstance(one.node, exp.Subquery) and one.node.this is scope.select]
    return any(any(column is other for other in one.columns) or reading.reads_one for one in from_it)


def _identifier(name: str) -> exp.Identifier:
    from sqlglot import exp

    from nlptl.forms.sql_tree import is_simple

    return exp.Identifier(this=name, quoted=not is_simple(name))
