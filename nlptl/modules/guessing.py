"""What a language model says at some places: its head over the vocabulary is computed there and nowhere else.

`B` windows, `T` tokens, `H` hidden, `N` places of a batch, `V` vocabulary. Of a text of T tokens 15 % are guessed, so
85 % of the widest product of a small model would be thrown away. Nothing is approximated: the head works on each place
by itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.nn import functional

from nlptl.masking import HIDDEN, Places
from nlptl.tasks import Loss

IGNORED = -100
"""The label of a place at which nothing is guessed, as transformers has it."""
WITNESSED = 64
"""Logits of a place, spread over the vocabulary, that a reloaded model must give again."""
SHOWN = 5
"""Candidates of a hidden token."""
AUTO = {"encoder": "AutoModelForMaskedLM", "decoder": "AutoModelForCausalLM"}
HEADS = {"encoder": "MaskedLM", "decoder": "CausalLM"}


def labels(places: Sequence[Places], width: int) -> torch.Tensor:
    """Give [B, T] of the tokens to guess, IGNORED everywhere else."""
    found = torch.full((len(places), width), IGNORED)
    for row, own in enumerate(places):
        if own:
            where, known = zip(*own, strict=True)
            found[row, torch.tensor(where)] = torch.tensor(known)
    return found


def logits_at(model: Any, inputs: Any, keep_BT: torch.Tensor) -> torch.Tensor:
    """Give [N, V], in fp32: what the model says where `keep_BT` is true."""
    with _only(getattr(model, "module", model), keep_BT):  # under several processes it is wrapped
        found: torch.Tensor = model(**inputs).logits[0].float()
    return found


@contextlib.contextmanager
def _only(model: Any, keep_BT: torch.Tensor) -> Iterator[None]:
    """Hand what the body says at some places on to the head, as one row [1, N, H]."""

    def narrowed(_: Any, __: Any, found: Any) -> Any:
        found["last_hidden_state"] = found["last_hidden_state"][keep_BT][None]
        return found

    hook = model.base_model.register_forward_hook(narrowed)
    try:
        yield
    finally:
        hook.remove()


def loss(model: Any, inputs: Any, labels_BT: torch.Tensor) -> Loss:
    """Give the cross entropy of the tokens to guess, summed, and their number."""
    keep_BT = labels_BT != IGNORED
    known_N = labels_BT[keep_BT]
    total = functional.cross_entropy(logits_at(model, inputs, keep_BT), known_N, reduction="sum")
    return Loss(total, torch.tensor(float(len(known_N)), device=total.device))


def said(model: Any, inputs: Any, places: Sequence[Places]) -> list[list[Any]]:
    """Give for each window [loss, guessed, tokens, candidates]: sums over the known tokens, and of each hidden one
    [place, [[id, probability], …]], the likeliest first.
    """
    found = []
    for own, logits in _each(model, inputs, places):
        known = torch.tensor([one for _, one in own], device=logits.device, dtype=torch.long)
        certain = logits.log_softmax(1)
        real = known != HIDDEN
        right = int((certain[real].argmax(1) == known[real]).sum())
        loss = -float(certain[real].gather(1, known[real][:, None]).double().sum())
        found.append([max(0.0, loss), right, int(real.sum()), _candidates(own, certain)])
    return found


def _candidates(own: Places, certain: torch.Tensor) -> list[Any]:
    found = []
    for number, (place, known) in enumerate(own):
        if known == HIDDEN:
            best = certain[number].topk(min(SHOWN, certain.shape[1]))
            chances = best.values.exp().tolist()
            found.append([place, [list(pair) for pair in zip(best.indices.tolist(), chances, strict=True)]])
    return found


def witness(model: Any, inputs: Any, places: Sequence[Places]) -> list[Any]:
    """Give of each window some logits of all its places."""
    return [
        logits[:, :: max(1, logits.shape[1] // WITNESSED)].cpu().tolist() for _, logits in _each(model, inputs, places)
    ]


def _each(model: Any, inputs: Any, places: Sequence[Places]) -> Iterator[tuple[Places, torch.Tensor]]:
    """Yield each window's places with its logits [N, V]."""
    width = inputs["input_ids"].shape[1]
    keep_BT = torch.zeros((len(places), width), dtype=torch.bool)
    for row, own in enumerate(places):
        for place, _ in own:
            keep_BT[row, place] = True
    logits_NV = logits_at(model, inputs, keep_BT.to(inputs["input_ids"].device))
    yield from zip(places, torch.split(logits_NV, [len(own) for own in places]), strict=True)
