"""Begin with the head alone, and open the body block by block from the top."""

from typing import Literal

from pydantic import Field

from nlptl.tasks import Model
from nlptl.tuning import Phase, Tuning


class Unfreeze(Tuning):
    """Gradual unfreezing (Howard and Ruder 2018, arXiv:1801.06146, section 3.3): first what stands above the blocks
    learns, then with each phase `blocks` more of them from the top, last the embeddings. What has not opened keeps the
    checkpoint's values to the bit, has no dropout, and is computed once a phase.

    A parameter's moments begin when it opens; the learning rate goes by the whole run. A model without a head (one that
    writes) begins with its top blocks.
    """

    kind: Literal["unfreeze"]

    blocks: int = Field(default=1, ge=1)
    """How many blocks a phase opens."""

    until: float = Field(default=0.5, gt=0, le=1)
    """The part of all steps after which everything learns; the phases before are equally long. The paper opens a layer
    an epoch: for n phases over e epochs that is (n - 1) / e."""

    def phases(self, model: Model, steps: int) -> list[Phase]:
        """Give the phases; those that would begin with the same step are one."""
        lowest = [model.blocks + 1] if any(depth > model.blocks for depth in model.depths.values()) else []
        lowest += [max(1, top) for top in range(model.blocks + 1 - self.blocks, 1 - self.blocks, -self.blocks)]
        lowest.append(0)
        last = len(lowest) - 1
        begins = [1 + int(number * self.until * steps / max(1, last)) for number in range(len(lowest))]
        found = dict(zip(begins, lowest, strict=True))  # of two that begin together the later one, which opens more
        return [Phase(begin, one) for begin, one in sorted(found.items()) if begin <= steps]
