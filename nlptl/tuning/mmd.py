"""Make the distributions of two domains alike, as kernels see them."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from nlptl.tuning import Seen, Tuning

if TYPE_CHECKING:
    from torch import Tensor

    from nlptl.tuning import Memory

# Shapes: N source texts, M target texts, H width of the representation, P = N + M.

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of the mean squared distance: the bandwidths of the kernels."""


class Mmd(Tuning):
    """The maximum mean discrepancy (Gretton et al. 2012, JMLR 13, the biased estimate of equation 5) between what the
    head reads of source texts and of those of `data.target`, times `weight`, as a penalty (Long et al. 2015,
    arXiv:1502.02791).

    The kernel is the mean of five Gaussians exp(-d² / b), whose bandwidths b are 1/4 to 4 times the mean squared
    distance of two texts of the step; the bandwidths take no gradient.
    """

    aligns: ClassVar[bool] = True

    kind: Literal["mmd"]

    weight: float = Field(gt=0)
    """What multiplies the squared discrepancy, which is between 0 and 2."""

    def align(self, source: Seen, target: Seen, memory: "Memory", *, part: float) -> "Tensor":
        """Give the squared discrepancy of [N, H] and [M, H]."""
        import torch

        n, both_PH = len(source.features), torch.cat([source.features, target.features])
        apart_PP = (both_PH[:, None] - both_PH[None]).square().sum(-1)
        count = len(both_PH)
        mean = (apart_PP.detach().sum() / (count * (count - 1))).clamp_min(1e-12)
        kernel_PP = torch.stack([torch.exp(-apart_PP / (factor * mean)) for factor in FACTORS]).mean(0)
        within = kernel_PP[:n, :n].mean() + kernel_PP[n:, n:].mean()
        return self.weight * (within - 2 * kernel_PP[:n, n:].mean())
