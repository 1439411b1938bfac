"""Leave words away."""

import random
from typing import Literal

from nlptl import edits
from nlptl.augment import Augment
from nlptl.edits import Edit, Word


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
        return [Edit(one.start, one.end + _space(text, one), "") for one in chosen]


def _space(text: str, word: Word) -> int:
    """Give 1 where the space after a word goes with it: one that bears no mark, and has a space on the other side."""
    return int(text[: word.start][-1:] in ("", " ") and edits.cluster_at(text, word.end) == " ")
