"""What is learnt of labels from training rows, before training: their names in order, weights, shares."""

from collections.abc import Mapping, Sequence

from nlptl.tasks import Fitted


class Labels(Fitted):
    """The labels by name, in the order of the model's outputs, and what was learnt about them."""

    names: tuple[str, ...]
    several: bool
    weights: tuple[float, ...] | None = None
    """One a label: the weight of its examples in the loss (of its positives, where there are several labels)."""
    shares: tuple[float, ...] | None = None
    """Several labels only: how many of the training rows have each. A new head starts there."""
    threshold: float = 0.5
    """Several labels only: the probability from which a label is given; chosen on the selection split."""

    def number(self, name: str) -> int:
        """Give the output that stands for a label."""
        return self.names.index(name)


def balanced(counts: Mapping[str, int], names: Sequence[str], rows: int, *, several: bool) -> tuple[float, ...]:
    """Give weights by which all labels count alike: rows over labels times count, or of several, negatives by
    positives.
    """
    if several:
        return tuple((rows - counts[name]) / counts[name] for name in names)
    return tuple(rows / (len(names) * counts[name]) for name in names)
