"""Make the covariances of two domains alike."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from nlptl.tuning import Seen, Tuning

if TYPE_CHECKING:
    from torch import Tensor

    from nlptl.tuning import Memory

# Shapes: N texts, H width of the representation.


class Coral(Tuning):
    """Deep CORAL (Sun, Saenko 2016, arXiv:1607.01719, equations 1 to 3): the squared Frobenius distance between the
    covariances of source texts and of those of `data.target`, over 4 H², times `weight`.

    Covariances are of what the head reads, over the texts of a step: many texts a step, or they are noise.
    """

    aligns: ClassVar[bool] = True

    kind: Literal["coral"]

    weight: float = Field(gt=0)
    """The paper chooses it so that at the end of training this and the loss of the task are about equal: over 4 H² the
    distance is small, so it is large."""

    def align(self, source: Seen, target: Seen, memory: "Memory", *, part: float) -> "Tensor":
        """Give the distance of the covariances of [N, H] and [M, H]; 0 where a side has one text."""
        if min(len(source.features), len(target.features)) < 2:
            return (source.features.sum() + target.features.sum()) * 0.0
        wide = source.features.shape[1]
        apart_HH = _covariance(source.features) - _covariance(target.features)
        return self.weight * apart_HH.square().sum() / (4 * wide**2)


def _covariance(features: "Tensor") -> "Tensor":
    centred_NH = features - features.mean(0)
    return centred_NH.T @ centred_NH / (len(features) - 1)
