"""Train on embeddings that were moved to where the loss grows fastest, nearby."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nlptl.tasks import Batch, Loss
from nlptl.tuning import Forward, Tuning

if TYPE_CHECKING:
    from torch import Tensor, nn

# Shapes: B examples, T tokens, H width of the embeddings.


class Adversarial(Tuning):
    """The fast gradient method (Miyato, Dai, Goodfellow 2017, arXiv:1605.07725, equation 5): to the loss of a text
    comes `weight` times the loss after a step of length `epsilon` on its word embeddings, along the loss's gradient.

    The authors normalise the embeddings first; here a checkpoint's stay as they are. Padding is not moved, nor what
    the decoder of a second stream reads. Each of both passes draws its own dropout.
    """

    kind: Literal["adversarial"]

    epsilon: float = Field(gt=0)
    """Length of the step of a whole text, over all its tokens; BERT's word embeddings have a length of about 1.4 each.
    """

    weight: float = Field(gt=0)
    """What multiplies the loss at the place that was moved to; 1 in the paper."""

    def replays(self) -> str:
        """Say that what frozen blocks give for a moved embedding is not stored."""
        return "adversarial moves the embeddings below them at each step"

    def around(self, forward: Forward, batch: Batch) -> Loss:
        """Run the text as it is, and again with its embeddings moved."""
        import torch

        with _moved(forward.module, None) as places:
            here = forward(batch)
        (place,) = places
        (gradient_BTH,) = torch.autograd.grad(here.total, place, retain_graph=True)
        gradient_BTH = gradient_BTH.float() * batch.inputs["attention_mask"][..., None]
        size_B11 = gradient_BTH.norm(dim=(1, 2), keepdim=True)
        # Under fp16 a gradient may overflow, and where a loss is 0 there is none: such a text stays where it is.
        sound_B11 = size_B11.isfinite() & (size_B11 > 0)
        step_BTH = torch.where(sound_B11, self.epsilon * gradient_BTH / size_B11, 0.0)
        with _moved(forward.module, step_BTH):
            there = forward(batch)
        return Loss(here.total + self.weight * there.total, here.count, here.said)


@contextlib.contextmanager
def _moved(module: "nn.Module", step: "Tensor | None") -> "Iterator[list[Tensor]]":
    """Add a step to the embeddings of the next pass, or zeros that take a gradient, which are put into the list."""
    import torch
    from transformers import PreTrainedModel

    body: Any = next(part for part in module.modules() if isinstance(part, PreTrainedModel))
    stack = body.get_encoder() if body.config.is_encoder_decoder else body
    found: list[Tensor] = []

    def move(table: Any, given: Any, embedded: Any) -> Any:
        if found:  # a second stream
            return embedded
        found.append(torch.zeros_like(embedded, requires_grad=True) if step is None else step.to(embedded))
        return embedded + found[0]

    hook = stack.get_input_embeddings().register_forward_hook(move)
    try:
        yield found
    finally:
        hook.remove()
