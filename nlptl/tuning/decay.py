"""Layer-wise learning-rate decay: the lower a block lies, the slower it learns; a new head may learn faster."""

from typing import Literal

from pydantic import Field

from nlptl.tuning import Tuning


class Decay(Tuning):
    """Multiply the rate by `factor` for every block further from the head (Howard and Ruder 2018, arXiv:1801.06146,
    section 3.2).
    """

    kind: Literal["decay"]

    factor: float = Field(gt=0, le=1)
    """What one block costs: 0.95 for large models, 0.6 to 0.9 for small ones."""

    head: float = Field(default=1.0, gt=0, le=1000)
    """What multiplies the rate of the head, and of a norm above the last block: more than 1 for a head that is drawn
    anew and large (a decoder over an encoder: 5 to 20)."""

    def scale(self, depth: int, blocks: int) -> float:
        """Give `factor` to the power of the distance from the head, and for the head what it is multiplied by."""
        return self.head if depth > blocks else float(self.factor ** (blocks + 1 - depth))
