"""The shelf of augmentations: how texts of training rows are varied. A kind a file; a recipe may name several.

An augmentation sees a text and gives edits of it; what may be edited, and what an edit does to the gold, the task says.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from pydantic import Field

from nlptl.edits import Edit
from nlptl.strict import Value


class Augment(Value):
    """Contract of an augmentation: it gives edits over the original characters, never a text."""

    kind: str

    rate: float = Field(gt=0, le=1)
    """Part of a text's words that is edited, at least one word of each text that has one."""

    copies: int = Field(ge=1, le=100)
    """Edited copies that are made of each training row, beside the row itself."""

    def propose(self, text: str, draw: random.Random) -> Sequence[Edit]:
        """Give edits of a text, in order and without overlap; none where it has nothing to edit.

        `draw` is the only source of randomness.
        """
        raise AssertionError(f"augmentation kind '{self.kind}' has no verb `propose`")
