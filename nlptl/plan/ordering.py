"""In which order tasks are best learnt one after the other, as far as the pairs of a matrix say."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from nlptl.compare.words import points

MOST = 8
"""Tasks whose orders are all looked at: 40,320 of eight."""


def order(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Give the order of all tasks whose neighbours gain most in sum; None where not each was tried after each other.

    It takes for granted that a task gives to the next what it gave it in its pair, whatever was learnt before.
    """
    found = {(one["source"], one["target"]): one for one in cells}
    names = sorted({name for pair in found for name in pair})
    if not 2 < len(names) <= MOST or any(pair not in found for pair in itertools.permutations(names, 2)):
        return None

    def gain(line: tuple[str, ...]) -> float:
        return math.fsum(found[pair]["value"] for pair in itertools.pairwise(line))

    line = max(itertools.permutations(names), key=gain)
    sure = sum(found[pair]["outcome"] == "better" for pair in itertools.pairwise(line))
    words = (
        f"one after the other: {', '.join(line)}; the {len(line) - 1} gains add up to {points(gain(line), sign=True)} "
        f"points, {sure} of them shown"
    )
    return {"tasks": list(line), "gain": gain(line), "shown": sure, "words": words}
