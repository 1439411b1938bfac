"""Train for a little less than certainty: a part of each gold label goes to all labels alike."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from nlptl.errors import Problem
from nlptl.tasks import Batch, Loss
from nlptl.tuning import Forward, Tuning

if TYPE_CHECKING:
    from nlptl.cards import DataCard
    from nlptl.recipe import Train
    from nlptl.tasks import Task


class Smoothing(Tuning):
    """Label smoothing (Szegedy et al. 2016, arXiv:1512.00567, section 7; for generation Vaswani et al. 2017,
    arXiv:1706.03762, section 5.4).

    An example's weight, where labels are weighed, stays that of its own label; torch weighs each label's part.
    """

    kind: Literal["smoothing"]

    rate: float = Field(gt=0, lt=1)
    """The part of each label, or of each token that is written, that all share alike; 0.1 in both papers."""

    def check(self, task: "Task", card: "DataCard", train: "Train") -> list[Problem]:
        """Refuse tasks where one answer out of many equals is not what is learnt."""
        why = task.not_smoothed(card)
        return [Problem(f"smoothing has no meaning here: {why}", fix="remove it")] if why else []

    def around(self, forward: Forward, batch: Batch) -> Loss:
        """Mix the loss with that of a target that holds all alike."""
        found = forward(batch)
        assert found.said is not None, "checked: the task gives it"
        said = found.said()
        alike = -(said.log_probabilities_NV.mean(1) * said.weights_N).sum()
        return Loss((1 - self.rate) * found.total + self.rate * alike, found.count, found.said)
