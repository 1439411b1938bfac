"""Read SQL byte by byte: which bytes of a subword may follow, sign by sign, under the scope of the names.

A subword may end within a word (`STATEal`), or hold the end of one and the beginning of the next. A part of a word may
stand where some whole word that begins with it may.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from nlptl.grammars.words import Place

MOST_SPACES = 16
"""White space between two signs; GeoQuery has up to 9."""
_OPERATORS = ("<", ">", "=", "!", "<>", "!=", "<=", ">=", "==")
_MARKS = "'\""
_SPACES = " \t\r\n"


class Reading(NamedTuple):
    """Where the text is: behind which whole sign, and what of the next has been read."""

    place: Place
    sort: str = ""
    """What is being read: `word`, `number`, `operator`, `'` or `"` in a literal, `closed` behind one; "" for none."""
    part: str = ""
    spaces: int = 0


def read(reading: Reading, text: str, known: dict[str, Reading | None] | None = None) -> Reading | None:
    """Read more bytes, one character each (latin-1); None where one of them cannot stand.

    `known` keeps what came of texts behind the same reading: the many tokens that begin alike are read once.
    """
    known = {} if known is None else known
    now: Reading | None = reading
    for end, one in enumerate(text, start=1):
        before, begun = now, text[:end]
        if begun in known:
            now = known[begun]
        else:
            now = known[begun] = _next(before, one) if before is not None else None
        if now is None:
            return None
    return now


def complete(reading: Reading) -> bool:
    """Say whether the form may end here."""
    if reading.sort in ("'", '"'):
        return False
    place = reading.place.after(_decoded(reading.part)) if reading.sort else reading.place
    return place is not None and place.complete()


def _next(now: Reading, one: str) -> Reading | None:
    if now.sort in ("'", '"'):
        return _in_literal(now, one)
    if now.sort and _goes_on(now, one):
        sort = one if now.sort == "closed" else now.sort  # a doubled mark: the literal goes on
        longer = Reading(now.place, sort, now.part + one)
        return longer if now.sort != "word" or _begins_a_word(longer) else None
    place = now.place
    if now.sort:
        if now.sort in ("word", "number") and (one.isalnum() or one == "_"):
            return None
        behind = place.after(_decoded(now.part))
        if behind is None:
            return None
        place = behind
    if one in _SPACES:
        spaces = now.spaces + 1 if not now.sort else 1
        return Reading(place, spaces=spaces) if spaces <= MOST_SPACES else None
    return _begin(place, one)


def _goes_on(now: Reading, one: str) -> bool:
    if now.sort == "word":
        return one.isalnum() or one == "_"
    if now.sort == "number":
        return one.isdigit() or one == "."
    if now.sort == "closed":
        return one == now.part[0]
    return now.part + one in _OPERATORS


def _begin(place: Place, one: str) -> Reading | None:
    if one in _MARKS:
        return Reading(place, one, one) if place.permits(one) else None
    if one.isdigit():
        return Reading(place, "number", one) if place.permits("0") else None
    if one.isalpha() or one == "_":
        word = Reading(place, "word", one)
        return word if _begins_a_word(word) else None
    if one in _OPERATORS:
        return Reading(place, "operator", one) if place.permits("!=" if one == "!" else one) else None
    behind = place.after(one)
    return Reading(behind) if behind is not None else None


def _in_literal(now: Reading, one: str) -> Reading | None:
    text = now.part + one
    if one != now.sort:
        return now._replace(part=text)
    # A place keeps text, not bytes: what is no UTF-8 cannot be a sign either.
    return Reading(now.place, "closed", text) if now.place.after(_decoded(text)) is not None else None


def _decoded(text: str) -> str:
    return text.encode("latin-1").decode("utf-8", "replace")


def _begins_a_word(reading: Reading) -> bool:
    words = reading.place.sorted_words()
    at = bisect_left(words, reading.part)
    return at < len(words) and words[at].startswith(reading.part)
