"""A step that sees unlabelled texts of a target beside its own: kinds of tuning compare what the model makes of both.

A penalty on means and covariances of a step is none of its micro-batches', so it is taken over the whole step: where
that is cut, a first pass without gradients gives all features, the penalty its gradients for them, and a second pass,
with the same draws, brings those back (Gao, Zhang, Han, Callan 2021, arXiv:2101.06983). One micro-batch runs once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nlptl.data.batches import micro_batches
from nlptl.tasks import Feature, Loss
from nlptl.tuning import Seen, Tuning

if TYPE_CHECKING:
    from torch import Tensor

    from nlptl.engine import Trained


@dataclass(frozen=True)
class Texts:
    """What a step sees of both domains."""

    features: Sequence[Feature]
    target: Sequence[Feature]
    number: int
    part: float
    """Of the run that is done with this step."""
    micro_tokens: int


Own = list[tuple[Any, Any]]
"""Parameters of tunings, with their gradients."""
Source = Callable[[Sequence[Feature]], Loss]
Target = Callable[[Sequence[Feature]], "tuple[Tensor, Tensor]"]
"""Features -> logits and the mask of real tokens."""


def backward(
    state: Trained, step: Texts, tuning: Sequence[Tuning], source: Source, target: Target
) -> tuple[float, float, Own]:
    """Leave the gradient of the step's mean loss and of the penalties in the model; give the sum of the losses, the
    count, and the gradients of what tunings train themselves.
    """
    import torch

    ours = micro_batches(step.features, tokens=step.micro_tokens)
    theirs = micro_batches(step.target, tokens=step.micro_tokens)
    once = len(ours) == len(theirs) == 1

    def one_source(share: Sequence[Feature]) -> tuple[Loss, Tensor]:
        return _source(state, source, share)

    def one_target(share: Sequence[Feature]) -> tuple[Tensor, Tensor]:
        return _target(state, target, share)

    with torch.set_grad_enabled(once):
        ours_seen = [one_source(share) for share in ours]
        theirs_seen = [one_target(share) for share in theirs]
    count = sum(float(loss.count) for loss, _ in ours_seen)
    total = sum(float(loss.total.detach()) for loss, _ in ours_seen)
    leaves = [
        torch.cat([one.detach() for one in side]).requires_grad_()
        for side in ([read for _, read in ours_seen], [one[0] for one in theirs_seen], [one[1] for one in theirs_seen])
    ]
    gradients, own = _penalty(state, step, tuning, leaves)
    scaler, one = state.computing.scaler, torch.ones((), device=state.computing.device)
    scale = float(one if scaler is None else scaler.scale(one))
    first = 0
    for number, share in enumerate(ours):
        loss, read = ours_seen[number] if once else one_source(share)
        weight = loss.total.new_tensor(scale / count if count else 0.0)
        _back([loss.total, read], [weight, _cut(gradients[0], first, len(share), scale)])
        first += len(share)
    first = 0
    for number, share in enumerate(theirs):
        both = theirs_seen[number] if once else one_target(share)
        _back(list(both), [_cut(one, first, len(share), scale) for one in gradients[1:]])
        first += len(share)
    return total, count, own


def _source(state: Trained, source: Source, share: Sequence[Feature]) -> tuple[Loss, Tensor]:
    """Give the loss of a share and what the head read, [N, H]."""
    import torch

    from nlptl.modules import representation

    with representation.watched(state.bare) as read:
        loss = source(share)
    # A head at every token needs the mask: features of one batch are padded to the longest, on the tokenizer's side.
    step_left = state.noise is not None and state.noise.padding == "left"
    if read[0].dim() == 2:
        return loss, read[0].float()
    wide, sizes = read[0].shape[1], torch.tensor([len(one.input_ids) for one in share], device=read[0].device)
    places_T = torch.arange(wide, device=read[0].device)
    mask_NT = places_T >= wide - sizes[:, None] if step_left else places_T < sizes[:, None]
    return loss, representation.of_texts(read[0], mask_NT.long())


def _target(state: Trained, target: Target, share: Sequence[Feature]) -> tuple[Tensor, Tensor]:
    """Give what the head read of a share, [M, H], and the logits, [M, V]."""
    from nlptl.modules import representation

    with representation.watched(state.bare) as read:
        logits, mask = target(share)
    return representation.of_texts(read[0], mask), logits.float()


def _penalty(
    state: Trained, step: Texts, tuning: Sequence[Tuning], leaves: Sequence[Tensor]
) -> tuple[list[Tensor | None], Own]:
    """Give the gradients of the penalties for source features, target features and target logits, and for what the
    tunings train themselves.
    """
    import torch

    kinds = [kind for kind in tuning if kind.aligns]
    source, target = Seen(leaves[0]), Seen(leaves[1], leaves[2])
    each = [kind.align(source, target, state.memories[kind.kind], part=step.part) for kind in kinds]
    own = [one for kind in kinds for one in kind.learns(state.memories[kind.kind])]
    found = torch.autograd.grad(torch.stack(each).sum(), [*leaves, *own], allow_unused=True)
    return list(found[: len(leaves)]), list(zip(own, found[len(leaves) :], strict=True))


def _cut(gradient: Tensor | None, first: int, count: int, scale: float) -> Tensor | None:
    return None if gradient is None else gradient[first : first + count] * scale


def _back(tensors: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
    """Send gradients back through what they are gradients of."""
    import torch

    there = [(one, gradient) for one, gradient in zip(tensors, gradients, strict=True)
             if gradient is not None and one.requires_grad]  # fmt: skip
    if there:
        torch.autograd.backward([one for one, _ in there], [gradient for _, gradient in there])
