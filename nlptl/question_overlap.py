"""A baseline for extractive questions that knows no checkpoint: words near those of the question.

In the spirit of the sliding window and the distance baseline of MCTest (Richardson, Burges, Renshaw 2013), which SQuAD
compared itself with: every piece of the context of about the length that answers have is scored by the question's words
around it, rare ones more, near ones more, and by the words in it that the question has itself, which answers rarely do.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from nlptl.answers import BY_CHARACTER
from nlptl.tasks import Prediction, Row

AROUND = 12
"""Words to each side within which the question's words count."""

_SINGLE = "".join(dict.fromkeys(BY_CHARACTER.values()))
WORD = re.compile(rf"[{_SINGLE}]|[^\W{_SINGLE}]+")


def predict(train: Sequence[Row], test: Sequence[Row]) -> list[Prediction]:
    """Give a prediction for each test row; the length of answers and the rarity of words are learnt from `train`."""
    lengths = sorted(len(WORD.findall(answer["text"])) for row in train for answer in row.values["answers"])
    usual = max(1, lengths[len(lengths) // 2]) if lengths else 3
    seen = Counter(word for row in train for word in set(_words(row.values["context"])))
    return [_predict(row, usual, seen, len(train)) for row in test]


def _words(text: str) -> list[str]:
    return [found.group().casefold() for found in WORD.finditer(text)]


def _predict(row: Row, usual: int, seen: Counter[str], total: int) -> Prediction:
    context = row.values["context"]
    places = [(found.start(), found.end()) for found in WORD.finditer(context)]
    words = [context[start:end].casefold() for start, end in places]
    if not words:
        return Prediction(row.id, "", {})
    asked = set(_words(row.values["question"]))
    weights = [math.log((total + 1) / (seen[word] + 0.5)) if word in asked else 0.0 for word in words]
    near = [
        sum(
            weights[other] / (1 + abs(other - number))
            for other in range(max(0, number - AROUND), min(len(words), number + AROUND + 1))
        )
        for number in range(len(words))
    ]
    size = min(usual, len(words))

    def quality(begin: int) -> float:
        inside = range(begin, begin + size)
        return sum(near[number] for number in inside) - 2 * sum(weights[number] for number in inside)

    begin = max(range(len(words) - size + 1), key=lambda number: (quality(number), -number))
    start, end = places[begin][0], places[begin + size - 1][1]
    return Prediction(row.id, context[start:end], {})
