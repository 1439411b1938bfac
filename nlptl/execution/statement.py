"""Look at a query's words: is it one SELECT, and does it order its rows? Nothing is executed, nothing is promised.

What keeps a query from harm is the child process; this look gives the reason in words, and spares a round trip.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from nlptl.execution.outcomes import Outcome

LONGEST = 100_000
"""The longest query that is tried, in bytes of UTF-8."""

# SQLite's own tokens as far as they matter here. A comment that is not closed ends with the text; `[` and strings that
# are not closed run to the end as well, and SQLite refuses them. One pass: no alternative can match in two ways.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\n\f\r\ufeff]+|--[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?)
      | (?P<quoted>'[^']*(?:'|\Z)|"[^"]*(?:"|\Z)|`[^`]*(?:`|\Z)|\[[^\]]*(?:\]|\Z))
      | (?P<word>[^\W\d][\w$]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_STATEMENTS = """
ALTER ANALYZE ATTACH BEGIN COMMIT CREATE DELETE DETACH DROP END EXPLAIN INSERT PRAGMA REINDEX RELEASE REPLACE ROLLBACK
SAVEPOINT UPDATE VACUUM VALUES
"""
_OTHERS = frozenset(_STATEMENTS.split())


@dataclass(frozen=True)
class Look:
    """What a query's words say: why it is not tried (None: it is), and whether its rows are ordered."""

    stopped: Outcome | None
    ordered: bool = False


def look(sql: str) -> Look:
    """Read a query's words up to the end of its first statement, and see whether another one follows."""
    if (fault := _unfit(sql)) is not None:
        return Look(fault)
    words, several = _words(sql)
    if not words:
        return Look(Outcome("empty_query", message="the query is empty"))
    first = words[0][0]
    if first in _OTHERS:
        return Look(Outcome("refused", message=f"{first} is not allowed, only SELECT is"))
    if first not in ("SELECT", "WITH"):
        return Look(Outcome("error", message=f"starts with {first[:40]!a}, not with SELECT or WITH"))
    if several:
        return Look(Outcome("refused", message="several statements; one SELECT is allowed"))
    return Look(None, any(word == ("ORDER", 0) and after == ("BY", 0) for word, after in pairwise(words)))


def _unfit(sql: str) -> Outcome | None:
    """Refuse what cannot be sent to SQLite as a text."""
    if "\0" in sql:
        return Outcome("error", message="syntax error: the query holds a NUL character")
    try:
        size = len(sql.encode())
    except UnicodeEncodeError:
        return Outcome("error", message="syntax error: the query holds half a surrogate pair, which is no text")
    if size > LONGEST:
        return Outcome("too_large", message=f"the query has {size:,} bytes, at most {LONGEST:,} are tried")
    return None


def _words(sql: str) -> tuple[list[tuple[str, int]], bool]:
    """Give the first statement's tokens in upper case with their depth of parentheses, and whether more follow it."""
    found: list[tuple[str, int]] = []
    depth, ended = 0, False
    for match in _TOKEN.finditer(sql):
        text = match[0]
        if match.lastgroup == "space":
            continue
        if text == ";":
            ended = bool(found)
            continue
        if ended:
            return found, True
        depth += (text == "(") - (text == ")")
        found.append((text.upper() if match.lastgroup == "word" else text, depth))
    return found, False
