"""Begin with the head alone, and open the body block by block from the top."""

from typing import Literal, Self

from pydantic import Field, model_validator

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

    until: float | None = Field(default=None, gt=0, le=1)
    """The part of all steps after which everything learns, 0.5 where neither this nor `epochs` is named; the phases
    before are equally long."""

    epochs: float | None = Field(default=None, gt=0)
    """In place of `until`: how many epochs a phase lasts, 1 in the paper. What has not opened when the run ends never
    learns."""

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.until is not None and self.epochs is not None:
            raise ValueError("'until' and 'epochs' both say how long a phase is; name one of them")
        return self

    def phases(self, model: Model, steps: int, epochs: int) -> list[Phase]:
        """Give the phases; those that would begin with the same step are one."""
        lowest = [model.blocks + 1] if any(depth > model.blocks for depth in model.depths.values()) else []
        lowest += [max(1, top) for top in range(model.blocks + 1 - self.blocks, 1 - self.blocks, -self.blocks)]
        lowest.append(0)
        last = len(lowest) - 1
        until = 0.5 if self.until is None else self.until
        each = until * steps / max(1, last) if self.epochs is None else self.epochs * steps / epochs
        begins = [1 + int(number * each + 1e-9) for number in range(len(lowest))]
        found = dict(zip(begins, lowest, strict=True))  # of two that begin together the later one, which opens more
        return [Phase(begin, one) for begin, one in sorted(found.items()) if begin <= steps]
