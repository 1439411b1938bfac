"""How deep each parameter lies: 0 the embeddings, 1 … `blocks` the equal layers, `blocks` + 1 what stands above them.

Nothing goes by what a model calls its parts. Blocks are the members of transformers' own lists of equal layers; of the
rest a pass over four tokens shows what is computed before the first block and what after which. Two stacks (T5, BART)
count as one: the encoder's blocks come first, since all that the decoder reads has gone through them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nlptl.backbone.models import transformer_of
from nlptl.tasks import Model

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Stack:
    """Equal layers that are computed one after the other: `blocks[n]` holds all modules of the n-th."""

    owner: str
    """Path of the module that holds the lists."""
    blocks: tuple[tuple[nn.Module, ...], ...]


def with_depths(model: Model) -> Model:
    """Fill in `depths` and `blocks`: of all parameters, by name. The head lies on top, whatever it is made of."""
    base = transformer_of(model.module).base_model
    stacks, begun = stacks_of(base)
    blocks = sum(len(stack.blocks) for stack in stacks)
    found: dict[int, int] = {}
    for path, part in base.named_modules():
        depth = _outside(path, part, stacks, begun, blocks)
        found |= {id(one): depth for one in part.parameters(recurse=False)}
    inside = enumerate((block for stack in stacks for block in stack.blocks), 1)
    found |= {id(one): depth for depth, block in inside for part in block for one in part.parameters()}
    named = {
        name: blocks + 1 if name in model.head else found.get(id(one), blocks + 1)
        for name, one in model.module.named_parameters()
    }
    return replace(model, depths=named, blocks=blocks)


def stacks_of(base: nn.Module) -> tuple[list[Stack], dict[int, frozenset[int]]]:
    """Give the stacks in the order in which they run, and `id` of a module -> the blocks begun before it first ran."""
    stacks = _lists(base)
    begun, first_block = _observed(base, [block for stack in stacks for block in stack.blocks])
    stacks.sort(key=lambda stack: first_block.get(id(stack.blocks[0][0]), len(first_block)))
    return stacks, begun


def _lists(base: nn.Module) -> list[Stack]:
    """Find the outermost lists of equal layers; XLM keeps the parts of its layers in lists beside each other."""
    from torch import nn

    lists: dict[str, nn.ModuleList] = {}
    for path, part in base.named_modules():
        within = any(path.startswith(f"{other}.") for other in lists)
        if isinstance(part, nn.ModuleList) and len(part) and not within and list(part.parameters()):
            lists[path] = part
    by_place: dict[tuple[str, int], list[nn.ModuleList]] = {}
    for path, part in lists.items():
        by_place.setdefault((path.rpartition(".")[0], len(part)), []).append(part)
    return [
        Stack(owner, tuple(zip(*members, strict=True)))
        for (owner, _), members in by_place.items()
        if any(len(list(one.children())) for part in members for one in part)  # not a list of tables
    ]


def _observed(base: Any, blocks: list[tuple[nn.Module, ...]]) -> tuple[dict[int, frozenset[int]], dict[int, int]]:
    """Run four tokens; give module -> the blocks begun before it first ran, and block -> its place in the order.

    Both by `id`, a block by that of its first module.
    """
    owner = {id(part): id(block[0]) for block in blocks for part in block}
    order: dict[int, int] = {}
    begun: dict[int, frozenset[int]] = {}

    def look(part: nn.Module, _: Any) -> None:
        begun.setdefault(id(part), frozenset(order))
        if id(part) in owner:
            order.setdefault(owner[id(part)], len(order))

    hooks = [part.register_forward_pre_hook(look) for part in base.modules()]
    try:
        four_tokens(base)
    finally:
        for hook in hooks:
            hook.remove()
    return begun, order


def four_tokens(base: Any) -> None:
    """Run four tokens forward, without dropout and gradient."""
    import torch

    training = [part for part in base.modules() if part.training]
    base.eval()
    table = base.get_input_embeddings().weight
    ids = torch.arange(2, 6, device=table.device).remainder(len(table))[None]
    second = {"decoder_input_ids": ids} if base.config.is_encoder_decoder else {}
    try:
        with torch.no_grad():
            base(input_ids=ids, **second)
    finally:
        for part in training:
            part.training = True


def _outside(path: str, part: nn.Module, stacks: list[Stack], begun: dict[int, frozenset[int]], blocks: int) -> int:
    """Give the depth of what is in no block: a table, or what runs before its stack, lies at 0; else it belongs to the
    block that comes next.
    """
    from torch import nn

    if isinstance(part, nn.Embedding):
        return 0
    before = begun.get(id(part))
    if before is None:
        return blocks + 1
    own = [stack for stack in stacks if not stack.owner or path == stack.owner or path.startswith(f"{stack.owner}.")]
    if own and not any(id(block[0]) in before for block in max(own, key=lambda one: len(one.owner)).blocks):
        return 0
    depth, deepest = 0, 0
    for stack in stacks:
        for block in stack.blocks:
            depth += 1
            deepest = depth if id(block[0]) in before else deepest
    return deepest + 1 if deepest else 0
