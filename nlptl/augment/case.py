"""Write words in other case."""

import random
from typing import Literal

from nlptl import edits
from nlptl.augment import Augment
from nlptl.edits import Edit


class Case(Augment):
    """Write words in small letters, in capitals, or with a capital first. An uncased checkpoint sees nothing of it."""

    kind: Literal["case"]

    def propose(self, text: str, draw: random.Random) -> list[Edit]:
        """Edit each word drawn to one of the forms that it has not; scripts without case have no such words."""
        found = edits.words(text)
        options = []
        for word in found:
            forms = dict.fromkeys((word.text.lower(), word.text.upper(), word.text[:1].upper() + word.text[1:].lower()))
            others = [Edit(word.start, word.end, form) for form in forms if form != word.text]
            options += [others] if others else []
        return [draw.choice(one) for one in edits.drawn(draw, options, self.rate, len(found))]
