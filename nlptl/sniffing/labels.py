"""Values of a label column -> names in their order, and how the data write them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import regex

from nlptl.sniffing import Guess, names

SEPARATORS = ("|", ";", ",", "/")
_LEADING = regex.compile(r"\s*([+-]?\d+(?:[.,]\d+)?)")


@dataclass(frozen=True)
class Naming:
    """Label names in order, and value -> name where the data write them otherwise."""

    names: Guess[tuple[str, ...]]
    values: Mapping[str, str]
    merged: tuple[tuple[str, ...], ...]
    """Values that differ in case and outer spaces alone and became one label."""


def separator(counts: Mapping[str, int]) -> Guess[str] | None:
    """Find what stands between several labels in one value.

    Either all values that it stands in are of parts that are values themselves; or it stands in two at least, and most
    of their parts are known alone or from several values. There must be fewer different parts than values.
    """
    for sign in SEPARATORS:
        inside = [value for value in counts if sign in value.strip()]
        alone = bool(inside) and all(part.strip() in counts for value in inside for part in value.split(sign))
        if len(inside) < 2 and not alone:
            continue
        parts: dict[str, set[str]] = defaultdict(set)
        for value in counts:
            for part in value.split(sign):
                parts[part.strip()].add(value)
        again = [part for part, values in parts.items() if len(values) > 1]
        if "" in parts or len(parts) >= len(counts) or any(len(part) > 40 for part in parts):
            continue
        if alone or (len(again) >= 0.7 * len(parts) and len(parts) > 2):
            return Guess(
                sign, f"'{sign}' stands in {len(inside)} of {len(counts)} different values, whose parts come again"
            )
    return None


def naming(values: Sequence[str], counts: Mapping[str, int]) -> Naming:
    """Put labels into order: scales as they are known, numbers by size, all others sorted."""
    same: dict[str, list[str]] = defaultdict(list)
    for value in values:
        same[value.strip().casefold()].append(value)
    chosen = {key: max(found, key=lambda one: (counts.get(one, 0), one)).strip() for key, found in same.items()}
    renamed = {value: chosen[key] for key, found in same.items() for value in found}
    merged = tuple(tuple(sorted(found)) for found in same.values() if len(found) > 1)
    needed = any(value != name for value, name in renamed.items())
    return Naming(order(sorted(set(chosen.values()))), renamed if needed else {}, merged)


def order(found: Sequence[str]) -> Guess[tuple[str, ...]]:
    """Give label names in the order of a scale, of numbers, or of the alphabet."""
    bare = {regex.sub(r"[\s_-]+", " ", name.casefold()).strip(): name for name in found}
    for scale in names.SCALES:
        if len(found) > 1 and set(bare) <= set(scale):
            return Guess(tuple(bare[step] for step in scale if step in bare), "in the order of a known scale")
    numbers = {name: match[1].replace(",", ".") for name in found if (match := _LEADING.match(name))}
    if len(numbers) == len(found) and len(set(numbers.values())) == len(found):
        return Guess(tuple(sorted(found, key=lambda name: float(numbers[name]))), "in the order of their numbers")
    return Guess(tuple(sorted(found, key=lambda name: (name.casefold(), name))), "sorted")


def one_by_one(counts: Mapping[str, int], sign: str) -> Counter[str]:
    """Count the parts of values, as they stand between separators."""
    found: Counter[str] = Counter()
    for value, count in counts.items():
        for part in value.split(sign):
            found[part] += count
    return found
