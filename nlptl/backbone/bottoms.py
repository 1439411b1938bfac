"""Which part of a model is frozen from the embeddings up, and so gives the same for an example at every step."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nlptl.backbone.depths import four_tokens, stacks_of
from nlptl.backbone.models import transformer_of
from nlptl.tasks import Model

if TYPE_CHECKING:
    from torch import nn

    from nlptl.modules.bottom import Bottom

HEADS = frozenset({"id2label", "label2id", "problem_type", "num_labels", "_name_or_path", "architectures"})
"""What a configuration says of a head, or of where it came from: nothing that the bottom computes."""


def frozen_bottom(model: Model) -> Bottom | None:
    """Find the longest run of frozen blocks, from the embeddings up; None where not even the first is frozen.

    Of two stacks those of the first alone are replayed, since what a decoder's blocks give depends on the other stream
    as well; all of them rest.
    """
    moving = [model.depths[name] for name, one in model.module.named_parameters() if one.requires_grad]
    frozen = min([*moving, model.blocks + 1]) - 1
    base = transformer_of(model.module).base_model
    stacks, _ = stacks_of(base)
    blocks = [block for stack in stacks for block in stack.blocks]
    if frozen < 1 or any(len(block) > 1 for block in blocks):  # XLM keeps the parts of a layer in several lists
        return None
    from nlptl.modules.bottom import Bottom

    runs = _course(base, blocks[0][0], blocks[frozen - 1][0])
    own = [block[0] for block in blocks[: min(frozen, len(stacks[0].blocks))]]
    within = {id(part) for one in runs.makers for part in one.modules() if part is not one}
    said = base.config.to_dict() | {"attention": base.config._attn_implementation}
    settings = json.dumps({name: said[name] for name in sorted(said) if name not in HEADS}, default=str)
    # A block's parts are not always called as modules: a last layer that computes the first token alone reads them.
    quiet = [*runs.quiet, *(part for block in blocks[:frozen] for part in block[0].modules())]
    # A table that is the output layer as well counts as head, and what reads it first moves with it (T5, generating).
    if any(parameter.requires_grad for part in quiet for parameter in part.parameters(recurse=False)):
        return None
    return Bottom(own, [one for one in runs.makers if id(one) not in within], quiet, settings)


@dataclass(frozen=True)
class _Course:
    quiet: list[nn.Module]
    """What begins no later than the last frozen block ends, the body itself left out."""
    makers: list[nn.Module]
    """What gives [B, T, H] before the first block begins, and is not called again."""


def _course(base: Any, first: nn.Module, last: nn.Module) -> _Course:
    """Watch a pass of four tokens."""
    import torch

    quiet: dict[int, nn.Module] = {}
    makers: dict[int, nn.Module] = {}
    passed: set[str] = set()

    def begins(part: nn.Module, _: Any) -> None:
        if part is first:
            passed.add("first")
        if "last" not in passed and part is not base:
            quiet[id(part)] = part
        if "first" in passed:
            makers.pop(id(part), None)

    def ends(part: nn.Module, _: Any, found: Any) -> None:
        if "first" not in passed and isinstance(found, torch.Tensor) and found.ndim == 3 and found.is_floating_point():
            makers[id(part)] = part
        if part is last:
            passed.add("last")

    hooks = [part.register_forward_pre_hook(begins) for part in base.modules()]
    hooks += [part.register_forward_hook(ends) for part in base.modules()]
    try:
        four_tokens(base)
    finally:
        for hook in hooks:
            hook.remove()
    return _Course([*quiet.values()], [*makers.values()])
