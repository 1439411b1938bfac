"""Run each example twice under different dropout, and train both passes to say the same."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from nlptl.errors import Problem
from nlptl.tasks import Batch, Loss
from nlptl.tuning import Forward, Tuning

if TYPE_CHECKING:
    from nlptl.cards import DataCard
    from nlptl.recipe import Train
    from nlptl.tasks import Task


class Rdrop(Tuning):
    """R-Drop (Liang et al. 2021, arXiv:2106.14448): the mean of both passes' losses, and `weight` times the mean of the
    two Kullback-Leibler divergences between what they say.

    Their equation 4 has the sum of the losses, their code the mean, as here. It does nothing but take time where the
    model has no dropout: `dropout` sets it.
    """

    kind: Literal["rdrop"]

    weight: float = Field(gt=0)
    """Alpha of the authors' code: 0.1 to 5 there, depending on the task."""

    def check(self, task: "Task", card: "DataCard", train: "Train") -> list[Problem]:
        """Refuse tasks that do not give the distributions behind their loss."""
        what = f"task '{task.kind}' does not give the distributions behind its loss"
        return [] if task.distributions else [Problem(what, fix="remove it")]

    def around(self, forward: Forward, batch: Batch) -> Loss:
        """Run the model twice; each pass draws dropout masks of its own."""
        from nlptl.modules import losses

        first, second = forward(batch), forward(batch)
        assert first.said is not None, "checked: the task gives it"
        assert second.said is not None
        apart = losses.apart(first.said(), second.said()) / 2
        return Loss((first.total + second.total) / 2 + self.weight * apart, first.count, first.said)
