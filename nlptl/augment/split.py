"""Write one word as two."""

import random
from typing import Literal

from nlptl import edits
from nlptl.augment import Augment
from nlptl.edits import Edit

SHORTEST = 4
"""Grapheme clusters of a word that is split."""


class Split(Augment):
    """Put a space into words, as hurried hands do; scripts that write no spaces have no such words."""

    kind: Literal["split"]

    def propose(self, text: str, draw: random.Random) -> list[Edit]:
        """Insert a space between two grapheme clusters of each word drawn."""
        found = edits.words(text)
        able = [word for word in found if len(word.clusters) >= SHORTEST]
        places = [draw.choice(word.clusters[1:]) for word in edits.drawn(draw, able, self.rate, len(found))]
        return [Edit(place, place, " ") for place in places]
