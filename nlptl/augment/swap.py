"""Let neighbouring words change places."""

import random
from itertools import pairwise
from typing import Literal

from nlptl import edits
from nlptl.augment import Augment
from nlptl.edits import Edit


class Swap(Augment):
    """Exchange two words that stand beside each other (of EDA, Wei and Zou 2019, arXiv:1901.11196)."""

    kind: Literal["swap"]

    def propose(self, text: str, draw: random.Random) -> list[Edit]:
        """Edit both words of each pair drawn; no word goes twice, and none over a punctuation mark."""
        found = edits.words(text)
        able = [
            (first, second)
            for first, second in pairwise(found)
            if first.text != second.text and not text[first.end : second.start].strip()
        ]
        made: list[Edit] = []
        for first, second in edits.drawn(draw, able, self.rate, len(found)):
            if not made or made[-1].end <= first.start:
                made += [Edit(first.start, first.end, second.text), Edit(second.start, second.end, first.text)]
        return made
