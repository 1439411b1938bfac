"""Leave words away."""

import random
from typing import Literal

from nlptl import edits
from nlptl.augment import Augment
from nlptl.edits import Edit


class Delete(Augment):
    """Delete words with the space after them (of EDA, Wei and Zou 2019, arXiv:1901.11196); one word always stays."""

    kind: Literal["delete"]

    def propose(self, text: str, draw: random.Random) -> list[Edit]:
        """Edit each word drawn to nothing."""
        found = edits.words(text)
        if len(found) < 2:
            return []
        chosen = edits.drawn(draw, found, self.rate, len(found))
        if len(chosen) == len(found):
            chosen.pop(draw.randrange(len(chosen)))
        # A space goes only with a word that has one on its other side: `(a b)` does not become `( b)`, nor ` b` `b`.
        return [
            Edit(one.start, one.end + (text[one.end : one.end + 1] == " " and text[: one.start][-1:] in ("", " ")), "")
            for one in chosen
        ]
