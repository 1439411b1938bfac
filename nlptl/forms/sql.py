"""SQL: canonical text, template, and the shorter query that says the same.

The rules, each of which keeps the meaning of every query that runs:
names in lower case, keywords and functions in upper case, one space, no `;` at the end, strings in single quotation
marks, brackets and aliases that nothing needs left out, a comma for CROSS JOIN, no ASC; aliases that stay are t1, t2, …
and c1, c2, … in order of appearance; what AND joins, sorted. A conjunction is true when all of its parts are, in any
order, and SQLite's expressions have no effects. Neither the sides of `=` are changed (its collation is the left one's),
nor the tables in FROM (the columns of `*` follow them), nor OR, though it would be safe: no gold query has one to sort.
Where rows have no order, or ties meet a LIMIT, which rows come first is up to how SQLite plans: that is so for one and
the same text, too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nlptl.forms import sql_names, sql_tree

if TYPE_CHECKING:
    from sqlglot import exp

_BEGIN, _END = "\ue000", "\ue001"
_ALIAS = re.compile(f"{_BEGIN}(\\d+){_END}")
PLACE = "?"


@sql_tree.shallow
def normal(form: str) -> str:
    """Give the canonical text. Raises FormError."""
    query = sql_tree.tree(form)
    sql_names.drop_aliases(query)
    return _named(query, ordered=True)


@sql_tree.shallow
def template(form: str) -> str:
    """Give the canonical text with `?` for strings and numbers.

    Numbers that are part of how it is asked stay: those in LIMIT, OFFSET, GROUP BY and ORDER BY, and `COUNT(1)`.
    """
    from sqlglot import exp

    query = sql_tree.tree(form)
    sql_names.drop_aliases(query)
    asking = (exp.Limit, exp.Offset, exp.Count, exp.Ordered, exp.Group)
    for literal in list(query.find_all(exp.Literal)):
        if literal.is_string or not isinstance(literal.parent, asking):
            literal.replace(exp.Placeholder())
    return _named(query, ordered=True)


@sql_tree.shallow
def shortened(form: str) -> str:
    """Give the query in fewer words; see the rules above, but that what AND joins stays in its order."""
    query = sql_tree.tree(form)
    sql_names.drop_aliases(query)
    return _named(query, ordered=False)


@sql_tree.shallow
def depth(form: str) -> int:
    """Count the queries within queries."""
    from sqlglot import exp

    def above(select: exp.Expr) -> int:
        outer = select.find_ancestor(exp.Select)
        return 1 + (above(outer) if outer is not None else 0)

    return max((above(select) for select in sql_tree.tree(form).find_all(exp.Select)), default=1)


def _named(query: exp.Query, *, ordered: bool) -> str:
    """Write a query with its aliases numbered as they appear in the text."""
    from sqlglot import exp

    found = sql_names.aliases(query)
    if ordered:
        for alias in found:
            _call(alias, alias.mask)
        _sort(query)
    changed = {id(name) for alias in found for name in alias.identifiers}
    taken = {name.name for name in query.find_all(exp.Identifier) if id(name) not in changed}
    for number, alias in enumerate(found):
        _call(alias, f"{_BEGIN}{number}{_END}")
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        if match[1] not in names:
            prefix = found[int(match[1])].prefix
            fresh = (one for number in range(1, 1 << 30) if (one := f"{prefix}{number}") not in taken)
            names[match[1]] = next(fresh)
            taken.add(names[match[1]])
        return names[match[1]]

    return _ALIAS.sub(name, sql_tree.written(query))


def _call(alias: sql_names.Alias, name: str) -> None:
    for identifier in alias.identifiers:
        identifier.set("this", name)
        identifier.set("quoted", False)


def _sort(query: exp.Query) -> None:
    """Put what AND joins in the order of its text, the innermost first."""
    from sqlglot import exp

    joined = [node for node in query.find_all(exp.And) if not isinstance(node.parent, exp.And)]
    for node in reversed(joined):
        parts = sorted(node.flatten(unnest=False), key=sql_tree.written)
        first = parts[0]
        whole: exp.Expr = first
        holder = exp.Placeholder()
        node.replace(holder)
        for part in parts[1:]:
            whole = exp.And(this=whole, expression=part)
        holder.replace(whole)
