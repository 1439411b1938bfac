"""SQL as sqlglot's tree: read with positions for faults, written as one line of canonical text."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from nlptl.forms import sql_text
from nlptl.forms.error import FormError

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.dialects.sqlite import SQLite
    from sqlglot.errors import ParseError

T = TypeVar("T")
SIMPLE = re.compile(r"[a-z_]\w*", re.ASCII)


def shallow(work: Callable[[str], T]) -> Callable[[str], T]:
    """Make a form that is nested too deeply for sqlglot, which recurses at every step, a FormError."""

    @functools.wraps(work)
    def guarded(form: str) -> T:
        try:
            return work(form)
        except RecursionError:
            raise FormError("nested too deeply", 0) from None

    return guarded


def tree(form: str) -> exp.Query:
    """Read one query in SQLite's dialect. Raises FormError with the position of the first fault.

    Names are put in lower case (SQLite does not tell their case apart) and lose marks that they do not need. A name in
    double quotation marks that stands alone as an expression becomes a string, as the GeoQuery files and SQLite mean it
    where no column has that name: `state_name = "texas"`. `"a".b`, `FROM "a"` and `AS "a"` stay names.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import ParseError, SqlglotError

    sql_text.check(form, sql_text.signs(form))
    try:
        found = [one for one in sqlglot.parse(form, read="sqlite") if one is not None]
    except ParseError as error:
        raise _placed(form, error) from None
    except (SqlglotError, ValueError, AttributeError, IndexError, TypeError) as error:
        raise FormError(f"cannot be read as SQL ({type(error).__name__})", 0) from None
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        raise FormError("several statements" if len(found) > 1 else "not a query", 0)
    query: exp.Query = found[0]
    _plain_names(query, form)
    _plain_brackets(query)
    return query


def _placed(form: str, error: ParseError) -> FormError:
    """Give the place that sqlglot names: line and column of the end of a sign, both from 1."""
    first = error.errors[0] if error.errors else {}
    what = re.sub(r" for <class '[\w.]*?(\w+)'>", r" of \1", str(first.get("description") or "cannot be read as SQL"))
    what = re.sub(r"<Token token_type: \S+, text: (\S+), .*", r"'\1'", what).replace("'SENTINEL'", "the end")
    if first.get("line") is None:
        return FormError(what, len(form))
    before = form.split("\n")[: int(first["line"]) - 1]
    end = sum(len(line) + 1 for line in before) + int(first["col"] or 0)
    return FormError(what, min(len(form), max(0, end - len(first.get("highlight") or ""))))


def _plain_names(query: exp.Query, form: str) -> None:
    from sqlglot import exp

    for column in list(query.find_all(exp.Column)):
        name = column.this
        alone = isinstance(name, exp.Identifier) and name.quoted and not column.table
        # SQLite takes a name in backticks or square brackets for nothing but a name.
        if alone and form[name.meta.get("start", 0)] not in "`[":
            column.replace(exp.Literal.string(name.name))
    for name in query.find_all(exp.Identifier):
        lower = name.name.lower()
        name.set("this", lower)
        name.set("quoted", not is_simple(lower))


def is_simple(name: str) -> bool:
    """Say whether a name needs no quotation marks: letters, digits, underscores, and not a keyword."""
    from sqlglot.dialects.sqlite import SQLite

    return bool(SIMPLE.fullmatch(name)) and name.upper() not in SQLite.Tokenizer.KEYWORDS


def _plain_brackets(query: exp.Query) -> None:
    """Take off brackets that change nothing: around one value, a query in brackets, or a whole condition."""
    from sqlglot import exp

    for paren in list(query.find_all(exp.Paren)):
        inside, above = paren.this, paren.parent
        alone = isinstance(inside, exp.Paren | exp.Column | exp.Literal | exp.Subquery | exp.Func) and not isinstance(
            inside, exp.And | exp.Or
        )
        condition = isinstance(above, exp.Where | exp.Having)
        conjunct = isinstance(above, exp.And) and isinstance(inside, exp.And | exp.Predicate)
        if alone or condition or conjunct:
            paren.replace(inside)
    for ordered in query.find_all(exp.Ordered):
        if ordered.args.get("desc") is False:
            ordered.set("desc", None)
    for join in query.find_all(exp.Join):
        bare = not any(join.args.get(key) for key in ("on", "using", "side", "method"))
        if join.args.get("kind") == "CROSS" and bare:
            join.set("kind", None)


def written(query: exp.Expr) -> str:
    """Write a tree as one line; names that need marks get backticks, since double quotation marks may mean strings."""
    return query.sql(_dialect(), comments=False, normalize_functions="upper")


@functools.cache
def _dialect() -> type[SQLite]:
    from sqlglot.dialects.sqlite import SQLite

    class Backticks(SQLite):
        class Tokenizer(SQLite.Tokenizer):
            IDENTIFIERS: ClassVar[list[str | tuple[str, str]]] = ["`", '"', ("[", "]")]

    return Backticks
