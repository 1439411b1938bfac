"""One pool -> splits: fixed by a seed, alike in their labels, with no near-duplicate and no document on both sides."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import regex

from nlptl import seeds
from nlptl.data import overlap
from nlptl.errors import BadInput

PATTERN_SECONDS = 1.0


class Item(NamedTuple):
    """What dividing looks at of a row."""

    id: str
    text: str
    label: str


def divide(
    items: Sequence[Item], parts: Mapping[str, float | None], *, seed: int, document: str | None = None
) -> dict[str, str]:
    """Give id -> split. `parts` says how much each split gets; None, exactly once, gets the rest.

    Rows that are near-duplicates (see `overlap.groups`), or whose ids name one `document`, stay together. Groups are
    taken from the largest down, equal ones in an order that the seed and their ids fix; each goes to the split that
    has least, by its share, of the group's labels. So each label is divided as `parts` says, but for rounding.
    """
    rest = 1 - sum(part or 0 for part in parts.values())
    share = {name: rest if part is None else part for name, part in parts.items()}
    given: dict[str, Counter[str]] = {name: Counter() for name in share}
    found: dict[str, str] = {}
    for group in _ordered(_groups(items, document), seed):
        labels = Counter(item.label for item in group)
        name = max(share, key=lambda each: _claim(share[each], given[each], labels))
        given[name] += labels
        found.update((item.id, name) for item in group)
    return {item.id: found[item.id] for item in items}


def ids_hash(ids: Sequence[str]) -> str:
    """Give the sha256 of the sorted ids, each with a line feed: what a card writes down of a split that we make."""
    return hashlib.sha256("".join(f"{identity}\n" for identity in sorted(ids)).encode()).hexdigest()


def _claim(share: float, given: Counter[str], labels: Counter[str]) -> float:
    """Say how much a split may claim a group: its share by what it would then have of these labels.

    For single rows this is the method of Sainte-Laguë, which favours neither large nor small shares when it rounds.
    """
    return sum(count * share / (given[label] + count / 2) for label, count in labels.items())


def _groups(items: Sequence[Item], document: str | None) -> list[list[Item]]:
    """Join rows that are near-duplicates, or of one document, and what hangs together through several of these."""
    parent = list(range(len(items)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    first: dict[str, int] = {}
    for number, (item, duplicate) in enumerate(zip(items, overlap.groups([item.text for item in items]), strict=True)):
        parent[root(number)] = root(duplicate)
        match = _document(document, item.id) if document is not None else None
        if match is not None:
            parent[root(number)] = root(first.setdefault(match[1], number))
    found: dict[int, list[Item]] = defaultdict(list)
    for number, item in enumerate(items):
        found[root(number)].append(item)
    return list(found.values())


def _document(pattern: str, identity: str) -> Any:
    """Match the card's pattern against an id, within a second: a pattern can be written to run for ever."""
    try:
        return regex.search(pattern, identity, timeout=PATTERN_SECONDS)
    except TimeoutError:
        raise BadInput("division.document", f"the pattern {pattern!r} takes too long on the id {identity!r}") from None


def _ordered(found: Sequence[list[Item]], seed: int) -> list[list[Item]]:
    """Sort from the largest group down, equal ones at random: by a hash of the seed and the smallest id in them."""
    return sorted(found, key=lambda group: (-len(group), seeds.derive(seed, "divide", min(item.id for item in group))))
