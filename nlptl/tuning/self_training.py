"""Learn from what the model itself is sure of in unlabelled texts."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from nlptl.errors import Problem
from nlptl.tuning import Seen, Tuning

if TYPE_CHECKING:
    from torch import Tensor

    from nlptl.cards import DataCard
    from nlptl.recipe import Train
    from nlptl.tasks import Model, Task
    from nlptl.tuning import Memory

# Shapes: M target texts, V labels.


class SelfTraining(Tuning):
    """Self-training with pseudo-labels (Lee 2013, ICML workshop on representation learning), of confident texts alone:
    the most probable label of a text of `data.target` is taken for its gold where its probability is at least
    `threshold` (Sohn et al. 2020, arXiv:2001.07685, equation 4), anew at each step.

    Texts that are left out count in the mean, so few sure texts move little. A model that is surely wrong learns that:
    see how many were taken, and the distance of the domains, in the report.
    """

    aligns: ClassVar[bool] = True
    remembers: ClassVar[bool] = True

    kind: Literal["self_training"]

    threshold: float = Field(default=0.9, gt=0, lt=1)
    """Probability from which on the model's own answer is taken; 0.95 by Sohn et al., on images."""

    weight: float = Field(default=1.0, gt=0)
    """What multiplies the mean cross entropy over the target texts of a step, once all of it counts."""

    begin: float = Field(default=0.1, ge=0, lt=1)
    """Part of the run before which nothing is taken; from there the weight rises in a line until half the rest is done,
    as Lee's equation 16 does."""

    def check(self, task: "Task", card: "DataCard", train: "Train") -> list[Problem]:
        """Refuse several labels: there is no most probable one."""
        what = "rows have several labels, and self-training takes the most probable one"
        return [Problem(what, fix="take dann, coral or mmd")] if card.several else []

    def start(self, model: "Model") -> "Memory":
        """Count texts seen and taken."""
        import torch

        return {"seen": torch.zeros(1), "taken": torch.zeros(1)}

    def align(self, source: Seen, target: Seen, memory: "Memory", *, part: float) -> "Tensor":
        """Give the cross entropy of [M, V] with the labels that the model is sure of."""
        import torch

        assert target.logits is not None, "the target's logits are given"
        rising = min(1.0, max(0.0, part - self.begin) / ((1 - self.begin) / 2))
        chances_MV = target.logits.detach().softmax(-1)
        best_M, label_M = chances_MV.max(-1)
        sure_M = best_M >= self.threshold
        if rising > 0:
            memory["seen"] += len(sure_M)
            memory["taken"] += int(sure_M.sum())
        loss_M = torch.nn.functional.cross_entropy(target.logits, label_M, reduction="none")
        return self.weight * rising * (loss_M * sure_M).mean()
