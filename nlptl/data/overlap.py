"""Texts that stand in two places: the same, or nearly.

Two texts are the same when they are equal after `normalise`; nearly the same when the sets of character 5-grams of
their normalised forms have a Jaccard similarity of at least 0.9. All such pairs are found, not most of them: sets that
similar must share one of their few rarest elements (prefix filtering: Bayardo, Ma, Srikant 2007, "Scaling up all pairs
similarity search"), so only those that do are compared. MinHash would miss some, by chance.
"""

from __future__ import annotations

import hashlib
import itertools
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import regex

from nlptl.tasks import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

READ = ("text", "text_pair", "question", "context")
"""The columns that a model reads, of any task."""

SIMILAR = 0.9
GRAM = 5
_CHUNK = 1 << 20
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")


class Pair(NamedTuple):
    """Two rows by id, and the Jaccard similarity of their texts: 1 for equal ones (and some that repeat themselves)."""

    first: str
    second: str
    similarity: float


def normalise(text: str) -> str:
    """Give what counts as the same text: NFKC, case folded, letters and digits only, one space between words.

    A text without any letter or digit stays as it is, so that ":)" and ":(" differ.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_WORD.findall(folded)) or " ".join(folded.split())


def text_of(row: Row) -> str:
    """Give all that a model reads of a row, as one text.

    Of a question's context a hash alone, which is the same for the same context: else all questions on one long
    passage would be near-duplicates of each other.
    """
    if "context" in row.values:
        passage = hashlib.sha256(normalise(row.values["context"]).encode()).hexdigest()[:8]
        return f"{row.values['question']}\x1f{passage}"
    return "\x1f".join(str(row.values[name]) for name in ("text", "text_pair") if name in row.values)


def overlap(train: Sequence[Row], test: Sequence[Row]) -> list[Pair]:
    """Find rows of `test` that stand in `train`, equal or nearly: pairs (train id, test id), in the order of `test`."""
    left, right = _by_text([text_of(row) for row in train]), _by_text([text_of(row) for row in test])
    found = [(one, other, similarity) for one, other, similarity in _similar(list(left), list(right))]
    pairs = [
        (right_number, left_number, similarity)
        for one, other, similarity in found
        for left_number in list(left.values())[one]
        for right_number in list(right.values())[other]
    ]
    return [Pair(train[one].id, test[other].id, similarity) for other, one, similarity in sorted(pairs)]


def groups(texts: Sequence[str]) -> list[int]:
    """Give each text the number of its group: equal and nearly equal texts are one, and so on through them."""
    same = _by_text(texts)
    members = list(same.values())
    parent = list(range(len(members)))
    for one, other, _ in _similar(list(same), None):
        parent[_root(parent, max(one, other))] = _root(parent, min(one, other))
    found = [0] * len(texts)
    for number, places in enumerate(members):
        for place in places:
            found[place] = members[_root(parent, number)][0]
    return found


def _root(parent: list[int], number: int) -> int:
    while parent[number] != number:
        parent[number] = parent[parent[number]]
        number = parent[number]
    return number


def _by_text(texts: Sequence[str]) -> dict[str, list[int]]:
    """Give normalised text -> where it stands. A pair's halves are normalised each for itself."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        found["\x1f".join(normalise(part) for part in text.split("\x1f"))].append(number)
    return found


def _similar(left: Sequence[str], right: Sequence[str] | None) -> Iterator[tuple[int, int, float]]:
    """Yield (left, right, similarity) of all similar pairs of texts; `right` None: within `left`, each pair once."""
    import numpy as np

    both = [*left, *(right or ())]
    if not both:
        return
    row, token, size = _grams(both)
    start = np.concatenate([[0], np.cumsum(size)])
    position = np.arange(len(row)) - start[row]
    # Jaccard >= t needs an overlap of at least t * size, so one of the size - ceil(t * size) + 1 rarest is shared. Of
    # the smaller of two sets it needs 2t/(1+t) * size: half as many (Xiao, Wang, Lin and Yu 2008, PPJoin).
    large = position < (size - np.ceil(SIMILAR * size - 1e-9) + 1)[row]
    small = position < (size - np.ceil(2 * SIMILAR / (1 + SIMILAR) * size - 1e-9) + 1)[row]
    known, asked = row < len(left), row >= (len(left) if right is not None else 0)
    rarest = _Rarest(row, token, position)
    keys = row.astype(np.int64) * (int(token.max()) + 1) + token  # sorted: rows rise, tokens rise within a row
    for one, other in itertools.chain(
        _candidates(rarest.of(known & small), rarest.of(asked & large), size, within=right is None),
        _candidates(rarest.of(known & large), rarest.of(asked & small), size, smaller=False) if right else (),
    ):
        shared = count_shared(one, other, keys, start, size, token)
        similarity = shared / (size[one] + size[other] - shared)
        for number in np.flatnonzero(similarity >= SIMILAR - 1e-12):
            where = int(other[number]) - (len(left) if right is not None else 0)
            yield int(one[number]), where, float(similarity[number])


def _grams(texts: Sequence[str]) -> tuple[Ints, Ints, Ints]:
    """Give (text, gram) pairs sorted by text and then from the rarest gram to the most frequent, and each text's count.

    Grams are 64-bit hashes of 5 code points, computed for all texts at once; a text shorter than that is one gram.
    """
    import numpy as np

    padded = [text + "\0" * (GRAM - len(text)) for text in texts]
    lengths = np.array([len(text) for text in padded], dtype=np.int64)
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    hashed = np.zeros(len(points), dtype=np.uint64)
    for step in range(GRAM):
        shifted = np.zeros(len(points), dtype=np.uint64)
        shifted[: len(points) - step] = points[step:]
        hashed = (hashed ^ shifted) * np.uint64(0x9E3779B97F4A7C15)
        hashed ^= hashed >> np.uint64(29)
    owner = np.repeat(np.arange(len(texts), dtype=np.int64), lengths)
    ends = np.repeat(np.cumsum(lengths), lengths)
    inside = np.arange(len(points)) + GRAM <= ends
    by_hash = np.argsort(hashed[inside])  # sorting is several times faster here than numpy's hashing `unique`
    ordered = hashed[inside][by_hash]
    number = np.empty(len(by_hash), dtype=np.int64)
    number[by_hash] = np.cumsum(np.concatenate([[0], ordered[1:] != ordered[:-1]]))
    width = int(number.max()) + 1
    pairs = np.sort(owner[inside] * width + number)
    pairs = pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])]
    owner, number = pairs // width, pairs % width
    counts = np.bincount(number)
    rank = np.empty(len(counts), dtype=np.int64)
    rank[np.argsort(counts, kind="stable")] = np.arange(len(counts))
    order = np.lexsort((rank[number], owner))
    return owner[order], rank[number][order], np.bincount(owner, minlength=len(texts)).astype(np.int64)


class _Rarest(NamedTuple):
    """Grams of sets: whose, which, and how many rarer ones the set has."""

    row: Ints
    token: Ints
    position: Ints

    def of(self, chosen: Any) -> _Rarest:
        """Give some of them."""
        return _Rarest(self.row[chosen], self.token[chosen], self.position[chosen])


def _candidates(
    known: _Rarest, asked: _Rarest, size: Ints, *, within: bool = False, smaller: bool = True
) -> Iterator[tuple[Ints, Ints]]:
    """Yield chunks of pairs (known, asked) that share a rare gram, and whose sizes and the gram's places allow the
    similarity. The known one is not the larger; with `smaller` False it is.
    """
    import numpy as np

    known = known.of(np.argsort(known.token, kind="stable"))
    first = np.searchsorted(known.token, asked.token, "left")
    count = np.searchsorted(known.token, asked.token, "right") - first
    ends = np.cumsum(count)
    begin = 0
    while begin < len(asked.token):
        stop = max(begin + 1, int(np.searchsorted(ends, (ends[begin - 1] if begin else 0) + _CHUNK, "right")))
        many = count[begin:stop]
        offset = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        place = np.repeat(first[begin:stop], many) + offset
        one, other = known.row[place], np.repeat(asked.row[begin:stop], many)
        left, right = size[one], size[other]
        keep = (left >= SIMILAR * right - 1e-9) & (left <= right) if smaller else left > right
        keep &= right >= SIMILAR * left - 1e-9
        if within:
            keep &= (left < right) | (one < other)
        # Of the first gram that two sets share: no more are shared than come after it in either, and it.
        rest = np.minimum(left - known.position[place], right - np.repeat(asked.position[begin:stop], many))
        keep &= rest >= SIMILAR / (1 + SIMILAR) * (left + right) - 1e-9
        pairs = np.unique(np.stack([other[keep], one[keep]]), axis=1)
        yield pairs[1], pairs[0]
        begin = stop


def count_shared(one: Ints, other: Ints, keys: Ints, start: Ints, size: Ints, token: Ints) -> Ints:
    """Count, for each pair, the grams of `one` that `other` has too."""
    import numpy as np

    width = int(token.max()) + 1
    result = np.zeros(len(one), dtype=np.int64)
    step = max(1, _CHUNK // max(1, int(size.max())))
    for begin in range(0, len(one), step):
        left, right = one[begin : begin + step], other[begin : begin + step]
        many = size[left]
        offset = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        wanted = np.repeat(right, many) * width + token[np.repeat(start[left], many) + offset]
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        pair = np.repeat(np.arange(len(left)), many)
        result[begin : begin + step] = np.bincount(pair, weights=keys[place] == wanted, minlength=len(left)).astype(
            np.int64
        )
    return result
