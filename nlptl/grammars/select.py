"""The grammar of the SELECT queries that text-to-SQL uses, over the tables and columns of one database.

Lark in llguidance's dialect. What a grammar without context can say is here: which table has which columns, also behind
an alias that carries its table's name (`CITYalias0.`); one column where a subquery is compared; aggregates only where
SQLite takes them. Which aliases were given, and which columns the tables in FROM have, it cannot say: see `scope`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nlptl.grammars.tables import AGGREGATES, FUNCTIONS, KEYWORDS, RESERVED, Schema

NUMBERED = range(10)
"""The numbers of aliases: `CITYalias0` to `CITYalias9`, `t0` to `t9`, `c0` to `c9`."""
LONGEST_TEXT = 100
"""Characters of a string literal; GeoQuery's have less than 25."""
_STEMS = ("derived_tablealias", "derived_fieldalias", "t", "c")
GIVEN = tuple(f"{stem}{number}" for stem in _STEMS for number in NUMBERED)
"""Names that a query may give to tables and columns of its own, beside those that training forms have."""
_WORD = re.compile(r"'(?:''|[^'])*'|\"[^\"]*\"|([A-Za-z_]\w*)", re.ASCII)

_RULES = r"""
start: LEAD? query ";"?
query: plain ordered? limited? | grouped ordered_by_any? limited? | part (between_parts part)+
one: plain_one ordered? limited? | grouped_one ordered_by_any? limited? | part_one (between_parts part_one)+
part: SELECT DISTINCT? item ("," item)* body grouping?
part_one: SELECT DISTINCT? item body grouping?
plain: SELECT DISTINCT? items body
grouped: plain grouping
plain_one: SELECT DISTINCT? item body
grouped_one: plain_one grouping
between_parts: UNION ALL? | INTERSECT | EXCEPT
items: "*" | item ("," item)*
item: mixed (AS given)?
body: FROM sources (WHERE condition)?
sources: source (more)*
more: "," source | (INNER | LEFT OUTER?)? JOIN source ON condition
grouping: GROUP BY key ("," key)* (HAVING mixed_condition)?
key: column | "(" column ")"
ordered: ORDER BY order ("," order)*
order: order_by (ASC | DESC)?
order_by: column (arithmetic operand)* | "(" order_by ")"
ordered_by_any: ORDER BY order_any ("," order_any)*
order_any: order_by_any (ASC | DESC)?
order_by_any: (column | aggregate) (arithmetic mixed_operand)* | "(" order_by_any ")"
limited: LIMIT INTEGER

condition: conjunct (OR conjunct)*
conjunct: negated (AND negated)*
negated: NOT? (test | "(" condition ")")
test: value tested | EXISTS "(" query ")"
tested: compared (value | "-" NUMBER) | rest
rest: NOT? IN "(" (one | value ("," value)*) ")" | NOT? LIKE TEXT | NOT? BETWEEN value AND value | IS NOT? NULL
mixed_condition: mixed_conjunct (OR mixed_conjunct)*
mixed_conjunct: mixed_negated (AND mixed_negated)*
mixed_negated: NOT? (mixed_test | "(" mixed_condition ")")
mixed_test: mixed (compared (mixed | "-" NUMBER) | rest) | EXISTS "(" query ")"
compared: "=" | "==" | "<>" | "!=" | "<=" | ">=" | "<" | ">"

value: operand (arithmetic operand)*
operand: column | constant | "(" value ")" | "(" one ")" | function "(" value ")"
flat: flat_operand (arithmetic flat_operand)*
flat_operand: column | constant | "(" flat ")" | function "(" flat ")"
mixed: mixed_operand (arithmetic mixed_operand)*
mixed_operand: column | constant | aggregate | "(" mixed ")" | "(" one ")" | function "(" mixed ")"
aggregate: COUNT "(" "*" ")" | (COUNT | AVG | MAX | MIN | SUM) "(" DISTINCT? flat ")"
arithmetic: "+" | "-" | "*" | "/"
constant: TEXT | NUMBER
"""


def spelled(name: str) -> tuple[str, ...]:
    """Give the ways in which a word may be written: in lower and in upper case."""
    return (name, name.upper()) if name.upper() != name else (name,)


def aliases_of(table: str) -> tuple[str, ...]:
    """Give the aliases that carry their table's name, as they are written."""
    return tuple(f"{written}alias{number}" for written in spelled(table) for number in NUMBERED)


def given_names(schema: Schema, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Give the lower-case names that a query may give: the usual ones and `names`, less what means something else."""
    taken = RESERVED | schema.columns | set(schema.tables)
    taken |= {alias.lower() for table in schema.tables for alias in aliases_of(table)}
    return tuple(sorted({name.lower() for name in (*GIVEN, *names)} - taken))


def names_in(forms: Iterable[str]) -> tuple[str, ...]:
    """Find the words of queries that are no keywords: among them the names that they give to tables and columns."""
    found = {match[1].lower() for form in forms for match in _WORD.finditer(form) if match[1]}
    return tuple(sorted(found - RESERVED))


def written_given(name: str) -> tuple[str, ...]:
    """Give the ways to write a name of the query's own: as GeoQuery does (`DERIVED_TABLEalias0`), lower, and upper."""
    stem, alias, number = name.rpartition("alias")
    return tuple(dict.fromkeys((*spelled(name), f"{stem.upper()}{alias}{number}")))


def sql(schema: Schema, names: Sequence[str] = ()) -> str:
    """Give the grammar of SELECT queries over a schema; `names` are further names for aliases (see `names_in`)."""
    words = KEYWORDS | AGGREGATES
    lines = [_RULES, f"function: {_either(word.upper() for word in sorted(FUNCTIONS))}"]
    lines += [f"{word.upper()}: {_quoted(spelled(word))}" for word in sorted(words | FUNCTIONS)]
    every = sorted(schema.columns | set(schema.tables))
    lines += [f"{_terminal(word)}: {_quoted(spelled(word))}" for word in every]
    lines += [f"ALIAS-{table.upper()}: {_quoted(aliases_of(table))}" for table in sorted(schema.tables)]
    lines += [f"of-{table}: {_either(map(_terminal, columns))}" for table, columns in sorted(schema.tables.items())]
    own = [form for name in given_names(schema, names) for form in written_given(name)]
    lines += [f"GIVEN: {_quoted(own)}", "given: GIVEN"]
    lines += [f"bare: {_either(map(_terminal, sorted(schema.columns)))} | given"]
    tables = [(_terminal(table), f"ALIAS-{table.upper()}", f"of-{table}") for table in sorted(schema.tables)]
    called = [f'({name} | {alias}) "." {columns}' for name, alias, columns in tables]
    lines += [f'column: bare | given "." bare | {_either(called)}']
    sources = [f"{name} (AS {name} | AS? ({alias} | given))?" for name, alias, _ in tables]
    lines += [f'source: "(" query ")" (AS? given)? | {_either(sources)}']
    lines += [
        f"TEXT: /'([^'\\n]|''){{0,{LONGEST_TEXT}}}'/ | /\"([^\"\\n]|\"\"){{1,{LONGEST_TEXT}}}\"/",
        r"NUMBER: /[0-9]{1,15}(\.[0-9]{1,6})?/",
        r"INTEGER: /[0-9]{1,9}/",
        "LEAD: / /",
        r"%ignore /[ \t\r\n]+/",
    ]
    return "\n".join(lines) + "\n"


def _terminal(word: str) -> str:
    return f"WORD-{word.upper()}"


def _either(parts: Iterable[str]) -> str:
    return " | ".join(parts)


def _quoted(words: Iterable[str]) -> str:
    return _either(f'"{word}"' for word in words)
