"""Texts that stand within another: nearly all word 8-grams of the shorter one are in the longer.

So a sentence is found in a passage, and a phrase in its sentence, which are no near-duplicates as wholes. Counting
grams is how training sets are usually held against tests (13-grams in Brown et al. 2020, "Language models are few-shot
learners"; 70 % of the 8-grams in Chowdhery et al. 2022, "PaLM"); here they must stand in one text, of either side.
70 % would be too few for that: two questions of one pattern, with another name each, have as many.
A word is a run of letters and digits; of a script that sets no spaces each sign is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from nlptl.answers import BY_CHARACTER
from nlptl.data.overlap import count_shared, normalise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

WORDS = 8
SHARE = 0.9
"""Of the shorter text's grams, at least so many are in the longer."""
_CHUNK = 1 << 20
_SINGLE = re.compile(f"([{''.join(dict.fromkeys(BY_CHARACTER.values()))}])")


class Held(NamedTuple):
    """One text of either side, and the share of the shorter one's grams that the other has."""

    left: int
    right: int
    share: float


def words(text: str) -> list[str]:
    """Give the words of a text, normalised."""
    return [word for part in text.split("\x1f") for word in _SINGLE.sub(r" \1 ", normalise(part)).split()]


def held(left: Sequence[str], right: Sequence[str]) -> list[Held]:
    """Give each text of `right` with which one of `left` has most in common, where that is enough: the one with the
    greatest share, the first of equals. Texts of less than 8 words are in no pair.
    """
    best: dict[int, Held] = {}
    for one, other, share in _pairs(left, right):
        known = best.get(other)
        if known is None or (share, -one) > (known.share, -known.left):
            best[other] = Held(one, other, share)
    return [best[number] for number in sorted(best)]


def _pairs(left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Yield all pairs, some twice. The shorter text must share one of its rarest grams: of s grams at least
    ceil(0.9 s) are shared, so one of the other s - ceil(0.9 s) + 1 is (prefix filtering, as in `nlptl.data.overlap`).
    """
    import numpy as np

    row, gram, size = _grams([words(text) for text in [*left, *right]])
    if not len(row):
        return
    start = np.concatenate([[0], np.cumsum(size)])
    rare = np.arange(len(row)) - start[row] < (size - np.ceil(SHARE * size - 1e-9) + 1)[row]
    keys = row * (int(gram.max()) + 1) + gram  # sorted: rows rise, grams rise within a row
    ours = row < len(left)
    for shorter, longer in ((~ours, ours), (ours, ~ours)):
        for one, other in _candidates((row[shorter & rare], gram[shorter & rare]), (row[longer], gram[longer]), size):
            shares = count_shared(one, other, keys, start, size, gram) / size[one]
            for place in np.flatnonzero(shares >= SHARE - 1e-12):
                first, second = sorted((int(one[place]), int(other[place])))
                yield first, second - len(left), float(shares[place])


def _candidates(
    shorter: tuple[Ints, Ints], longer: tuple[Ints, Ints], size: Ints
) -> Iterator[tuple[Ints, Ints]]:
    """Yield chunks of pairs of rows that share a gram; the first is not the longer."""
    import numpy as np

    order = np.argsort(longer[1], kind="stable")
    row, gram = longer[0][order], longer[1][order]
    first = np.searchsorted(gram, shorter[1], "left")
    count = np.searchsorted(gram, shorter[1], "right") - first
    ends = np.cumsum(count)
    begin = 0
    while begin < len(count):
        stop = max(begin + 1, int(np.searchsorted(ends, (ends[begin - 1] if begin else 0) + _CHUNK, "right")))
        many = count[begin:stop]
        offset = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        one, other = np.repeat(shorter[0][begin:stop], many), row[np.repeat(first[begin:stop], many) + offset]
        keep = size[one] <= size[other]
        pairs = np.unique(np.stack([one[keep], other[keep]]), axis=1)
        yield pairs[0], pairs[1]
        begin = stop


def _grams(texts: Sequence[Sequence[str]]) -> tuple[Ints, Ints, Ints]:
    """Give (text, gram) pairs sorted by text and then from the rarest gram to the most frequent, and each text's count.

    Grams are 64-bit hashes of 8 numbered words, computed for all texts at once.
    """
    import numpy as np

    number: dict[str, int] = {}
    flat = np.array([number.setdefault(word, len(number)) for text in texts for word in text], dtype=np.uint64)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    owner = np.repeat(np.arange(len(texts), dtype=np.int64), lengths)
    inside = np.arange(len(flat)) + WORDS <= np.repeat(np.cumsum(lengths), lengths)
    hashed = np.zeros(len(flat), dtype=np.uint64)
    for step in range(WORDS):
        shifted = np.zeros(len(flat), dtype=np.uint64)
        shifted[: max(0, len(flat) - step)] = flat[step:] + np.uint64(1)
        hashed = (hashed ^ shifted) * np.uint64(0x9E3779B97F4A7C15)
        hashed ^= hashed >> np.uint64(29)
    _, gram, counts = np.unique(hashed[inside], return_inverse=True, return_counts=True)
    if not len(counts):
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, np.zeros(len(texts), dtype=np.int64)
    rank = np.empty(len(counts), dtype=np.int64)
    rank[np.argsort(counts, kind="stable")] = np.arange(len(counts))
    pairs = np.unique(owner[inside] * len(counts) + rank[gram])
    row, gram = pairs // len(counts), pairs % len(counts)
    return row, gram, np.bincount(row, minlength=len(texts)).astype(np.int64)
