"""Runs that were opened each by itself are given one body, one embedding table and one optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nlptl import backbone, groups
from nlptl.engine import Trained
from nlptl.errors import BadInput, Problem
from nlptl.job import Job
from nlptl.plans import Heads

if TYPE_CHECKING:
    from torch import nn

    from nlptl.modules.embedding import TrimmedEmbedding


def check_heads(jobs: Mapping[str, Job]) -> None:
    """Raise BadInput where runs cannot have one head: it is drawn or taken over alike, for the same labels."""
    import torch

    (first, one), *others = jobs.items()
    for name, other in others:
        ours, theirs = _head(one.moving), _head(other.moving)
        if one.fitted != other.fitted:
            what = f"what '{name}' learnt from its rows (labels, weights, words) is not what '{first}' did"
            raise BadInput("heads", Problem(what, field="heads", fix="write heads: each"))
        if ours.keys() != theirs.keys() or not all(torch.equal(ours[key], theirs[key]) for key in ours):
            what = f"'{name}' begins with another head than '{first}'"
            raise BadInput("heads", Problem(what, field="heads", fix="write take: body, or heads: each"))


def _head(moving: Trained) -> dict[str, nn.Parameter]:
    return {name: moving.bare.get_parameter(name) for name in moving.model.head}


def join(
    jobs: Mapping[str, Job], say: Callable[[str], None], *, heads: Heads = "each"
) -> tuple[dict[str, Job], Trained]:
    """Give the runs with all that moves in common, and that as one: a module that holds each task's by its name.

    A step of one task leaves the others' heads without a gradient, so neither it nor weight decay moves them.
    """
    from torch import nn

    trimmed = _one_table(list(jobs.values()), say)
    _one_body([one.moving for one in jobs.values()], heads)
    plan = next(iter(jobs.values())).inputs.recipe
    made: list[groups.Group] = []
    seen: set[int] = set()
    for one in jobs.values():
        for group in groups.make_groups(one.moving.model, plan.train, plan.tuning):
            fresh = [number for number, each in enumerate(group.parameters) if id(each) not in seen]
            seen |= {id(each) for each in group.parameters}
            parameters = tuple(group.parameters[number] for number in fresh)
            names = tuple(group.names[number] for number in fresh)
            made += [replace(group, parameters=parameters, names=names)] if fresh else []
    optimizer, scales = groups.optimizer(made, plan.train.learning_rate), [group.scale for group in made]
    found = {
        name: replace(one, moving=replace(
            one.moving, optimizer=optimizer, scales=scales, trimmed=trimmed,
            memories={kind.kind: kind.start(one.moving.model) for kind in plan.tuning},
        ))
        for name, one in jobs.items()
    }  # fmt: skip
    union: Any = nn.ModuleDict({name: one.moving.bare for name, one in found.items()})
    first = next(iter(found.values())).moving
    sizes, learnt = _sizes([one.moving for one in jobs.values()])
    return found, replace(
        first, module=union, bare=union, parameters=sizes, trainable=learnt, memories={}, optimizer=optimizer,
    )  # fmt: skip


def _sizes(moving: Sequence[Trained]) -> tuple[int, int]:
    """Count the parameters of all tasks, the body once, and those of them that learn."""
    first, *others = moving
    alike = {id(one) for one in first.bare.parameters()}
    extra = [one for each in others for one in each.bare.parameters() if id(one) not in alike]
    fresh = {id(one): one for one in extra}.values()
    learnt = sum(one.numel() for one in fresh if one.requires_grad)
    return first.parameters + sum(one.numel() for one in fresh), first.trainable + learnt


def bodies(model: Any) -> dict[str, nn.Parameter]:
    """Give the parameters of a body by their names in it, without those that belong to the head."""
    head = {id(model.module.get_parameter(name)) for name in model.head}
    base = backbone.transformer_of(model.module).base_model
    named = base.named_parameters(remove_duplicate=False)
    return {name: one for name, one in named if id(one) not in head}


def _one_body(moving: Sequence[Trained], heads: Heads) -> None:
    """Put the parameters of the first body in the place of the others' of the same name, and of its head where there is
    one for all. What the first has not (a pooler, say) is that of the first that has it.
    """
    known: dict[str, nn.Parameter] = {}
    for one in moving:
        instead: dict[int, nn.Parameter] = {}
        head = {f"head {name}": parameter for name, parameter in _head(one).items() if heads == "one"}
        for name, parameter in [*bodies(one.model).items(), *head.items()]:
            # A tensor of several names (an output layer that is the embedding table) goes by the first.
            held = known.setdefault(name, instead.get(id(parameter), parameter))
            assert held.shape == parameter.shape, f"{name} differs in size in two bodies of one checkpoint"
            instead.setdefault(id(parameter), held)
        for part in one.bare.modules():
            for name, own in part._parameters.items():
                if own is not None and id(own) in instead:
                    part._parameters[name] = instead[id(own)]


def _one_table(jobs: Sequence[Job], say: Callable[[str], None]) -> TrimmedEmbedding | None:
    """Trim the embedding to the tokens of all tasks, in one table for all; None where one of them needs it whole."""
    from nlptl.modules import embedding

    bodies = [backbone.transformer_of(one.moving.bare) for one in jobs]
    for one, body in zip(jobs, bodies, strict=True):
        embedding.restore(body)
        one.moving.bare.to("cpu")  # where tables can be trimmed
    used = {token for one in jobs for feature in one.features for token in feature.input_ids}
    if any(one.inputs.recipe.task.varies(one.opened) for one in jobs):
        used = set(range(bodies[0].config.vocab_size))
    tables = [embedding.trim(body, used) for body in bodies]
    whole = [table.why for table in tables if isinstance(table, embedding.Off)]
    if whole:
        say(f"note: the whole embedding table learns: {whole[0]}")
        for body in bodies:
            embedding.restore(body)
    for one, body in zip(jobs, bodies, strict=True):
        if not whole:
            body.set_input_embeddings(tables[0])
        one.moving.bare.to(one.computing.device)
    return None if whole else tables[0]  # type: ignore[return-value]
