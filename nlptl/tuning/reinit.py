"""Draw the top blocks anew: what the checkpoint learnt last is the most its own task's, and the least yours."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from nlptl import seeds
from nlptl.errors import BadInput, Problem
from nlptl.tasks import Model
from nlptl.tuning import Tuning


class Reinit(Tuning):
    """Re-initialise the top blocks before training (Zhang, Wu, Katiyar, Weinberger, Artzi 2021, arXiv:2006.05987).

    The paper draws BERT's pooler with them; here what stands above the last block stays, unless it is head. Of an
    encoder and a decoder the decoder's blocks are the upper ones; the norm between the two goes with its lowest.
    """

    kind: Literal["reinit"]

    blocks: int = Field(ge=1)
    """How many of the highest blocks are drawn anew, by the model's own initialiser, from the stream "reinit"."""

    def apply(self, model: Model, seed: int) -> Model:
        """Draw them; BadInput for more than there are, and for what another kind has frozen before."""
        if self.blocks > model.blocks:
            raise BadInput("tuning", f"reinit: {self.blocks} blocks are named, the checkpoint has {model.blocks}")
        lowest = model.blocks - self.blocks + 1
        named = {
            name: one
            for name, one in model.module.named_parameters()
            if lowest <= model.depths[name] <= model.blocks and name not in model.head
        }
        still = sorted(name for name, one in named.items() if not one.requires_grad)
        if still:
            what = f"reinit: {len(still)} parameters that freeze holds would be drawn anew, the first is '{still[0]}'"
            raise BadInput("tuning", Problem(what, fix="draw fewer blocks, or freeze fewer"))
        _draw(model.module, named, seeds.derive(seed, "reinit"))
        return replace(model, drawn=model.drawn | named.keys())


def _draw(module: Any, named: dict[str, Any], seed: int) -> None:
    """Let the model's initialiser fill these parameters; the global generator is put back as it was."""
    import torch
    from transformers import PreTrainedModel

    owner: Any = next(part for part in module.modules() if isinstance(part, PreTrainedModel))
    chosen = {id(one) for one in named.values()}
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed accelerators too, and fork none back
        for one in named.values():
            one.fill_(torch.nan)
            one._is_hf_initialized = False
        # From the inside out, as transformers does: GPT-2's attention draws a layer in it again, and narrower.
        for part in reversed(list(module.modules())):
            held = {id(one) for one in part.parameters()}
            if held and held <= chosen:
                owner._init_weights(part)
    left = [name for name, one in named.items() if one.isnan().any()]
    if left:
        raise BadInput("tuning", f"reinit: {type(owner).__name__} has no initialiser for {left[:5]}")
