"""Let blocks learn one after the other, from the top: what lies low stays as it is until what is above has settled."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from nlptl.errors import BadInput, Problem
from nlptl.tuning import Phase, Tuning

if TYPE_CHECKING:
    from nlptl.cards import DataCard
    from nlptl.recipe import Train
    from nlptl.tasks import Task


class Unfreeze(Tuning):
    """Gradual unfreezing (Howard and Ruder 2018, arXiv:1801.06146, section 3.3): in the first phase the head learns,
    and each later phase opens `blocks` more below those that are open. Exactly one of `epochs`, `part` and `until`
    says how long a phase is; the last one lasts to the end.

    The embeddings open in the phase after the one that opens the lowest block, or with it where `blocks` leaves room.
    What is closed has no gradient, no weight decay and no moments: it stays as it is to the bit, and AdamW counts its
    steps from where it opens. The schedule of rates is that of the whole run.
    """

    kind: Literal["unfreeze"]

    blocks: int = Field(ge=1)
    """How many more blocks a phase opens: 1 in the paper."""

    first: int = Field(default=0, ge=0)
    """How many of the highest blocks learn in the first phase already; 0, as in the paper: the head alone."""

    epochs: int | None = Field(default=None, ge=1)
    """How many epochs a phase lasts: 1 in the paper."""

    part: float | None = Field(default=None, gt=0, lt=1)
    """Which part of all steps a phase lasts."""

    until: float | None = Field(default=None, gt=0, le=1)
    """The part of all steps after which everything learns; the phases before are equally long."""

    @model_validator(mode="after")
    def _one_of_three(self) -> "Unfreeze":
        if sum(one is not None for one in (self.epochs, self.part, self.until)) != 1:
            raise ValueError("exactly one of 'epochs', 'part' and 'until' must be given")
        return self

    def check(self, task: "Task", card: "DataCard", train: "Train") -> list[Problem]:
        """Refuse a first phase that lasts as long as the run."""
        if self.epochs is None or self.epochs < train.epochs:
            return []
        what = f"{train.epochs} epochs end before the second phase begins, after {self.epochs}: nothing is unfrozen"
        return [Problem(what, field="train.epochs", fix="train for longer, shorten a phase, or take 'freeze'")]

    def phases(self, *, ends: Sequence[int], blocks: int) -> list[Phase]:
        """Give the phases, of two that would begin together the later one; BadInput for more blocks than there are."""
        if self.first > blocks:
            raise BadInput("tuning", f"unfreeze: first: {self.first} blocks are named, the checkpoint has {blocks}")
        opened = range(self.first, blocks + 1 + self.blocks, self.blocks)
        begins = [self._begin(number, ends, len(opened) - 1) for number in range(len(opened))]
        lowest = [max(0, blocks + 1 - count) for count in opened]
        return [Phase(begin, one) for begin, one in sorted(dict(zip(begins, lowest, strict=True)).items())]

    def _begin(self, number: int, ends: Sequence[int], last: int) -> int:
        """Give the step with which phase `number` of `last` begins, counted from 0; beyond the run where it has none.
        """
        if self.epochs is not None:
            done = number * self.epochs
            return 1 + ([0, *ends][done] if done <= len(ends) else ends[-1] + number)
        parts = self.part if self.part is not None else (self.until or 0)
        shares = 1 if self.part is not None else max(1, last)
        return 1 + int(number * parts * ends[-1] / shares + 1e-6)  # 0.29 * 100 is a little less than 29
