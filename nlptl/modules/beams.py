"""Search for the most probable sequences of a decoder, one piece a step. `R` rows, `K` beams a row, `N` pieces.

Greedy search is a beam of one. A sequence's score is the sum of its log-probabilities, with no reward for length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

Step = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""(prefixes [P, U], the row of each [P], which prefix of the last call each goes on from [P]) -> log-probabilities
[P, N] of the next piece."""

Allowed = Callable[[Sequence[int], int], torch.Tensor]
"""(prefix without its start, row) -> which pieces may follow, bool [N]."""


@dataclass(frozen=True)
class Found:
    """A sequence without start and end, and how probable it is."""

    pieces: tuple[int, ...]
    score: float
    """Sum of log-probabilities, that of the end included."""
    cut: bool = False
    """The longest length was reached before the end."""


def search(
    step: Step, *, rows: int, beams: int, longest: int, start: int, end: int, allowed: Allowed | None = None,
    device: torch.device | str = "cpu",
) -> list[list[Found]]:  # fmt: skip
    """Give each row's best sequences of at most `longest` pieces, the end not counted: at most `beams`, the best first.

    At least one: where no end was reached, it is the best of those that were cut.
    """
    done: list[list[Found]] = [[] for _ in range(rows)]
    row_P = parents = torch.arange(rows, device=device)
    prefix_PU = torch.full((rows, 1), start, dtype=torch.long, device=device)
    score_P = torch.zeros(rows, dtype=torch.float64, device=device)
    while len(row_P):
        ahead_PN = step(prefix_PU, row_P, parents).double()
        if allowed is not None:
            ahead_PN = _held(ahead_PN, allowed, prefix_PU, row_P)
        total_PN = score_P[:, None] + ahead_PN
        kept = []
        for row in sorted(set(row_P.tolist())):
            members = (row_P == row).nonzero()[:, 0]
            kept += _widen(total_PN, members, row, prefix_PU, score_P, beams, end, done)
        if prefix_PU.shape[1] > longest:  # after the last piece nothing but the end may stand
            for parent, row in dict.fromkeys((parent, row) for parent, row, *_ in kept):
                done[row].append(_cut(prefix_PU, score_P, parent))
            break
        alive = [one for one in kept if not _settled(done[one[1]], one[3], beams)]
        parents = torch.tensor([parent for parent, *_ in alive], dtype=torch.long, device=device)
        pieces = torch.tensor([piece for _, _, piece, _ in alive], dtype=torch.long, device=device)
        row_P = torch.tensor([row for _, row, _, _ in alive], dtype=torch.long, device=device)
        score_P = torch.tensor([score for *_, score in alive], dtype=torch.float64, device=device)
        prefix_PU = torch.cat([prefix_PU[parents], pieces[:, None]], 1)
    return [_best(found, beams) for found in done]


def _cut(prefix_PU: torch.Tensor, score_P: torch.Tensor, number: int) -> Found:
    """Give a prefix as it is, without an end."""
    return Found(tuple(prefix_PU[number, 1:].tolist()), float(score_P[number]), cut=True)


def _best(found: list[Found], beams: int) -> list[Found]:
    """Give the best of those that came to an end; where none did, the best of those that were cut."""
    ended = [one for one in found if not one.cut]
    return sorted(ended or found, key=lambda one: -one.score)[:beams]


def _held(ahead_PN: torch.Tensor, allowed: Allowed, prefix_PU: torch.Tensor, row_P: torch.Tensor) -> torch.Tensor:
    """Make impossible what the grammar forbids."""
    pairs = zip(prefix_PU[:, 1:].tolist(), row_P.tolist(), strict=True)
    may_PN = torch.stack([allowed(prefix, row) for prefix, row in pairs]).to(ahead_PN.device)
    return ahead_PN.masked_fill(~may_PN, -torch.inf)


def _widen(
    total_PN: torch.Tensor, members: torch.Tensor, row: int, prefix_PU: torch.Tensor, score_P: torch.Tensor,
    beams: int, end: int, done: list[list[Found]],
) -> list[tuple[int, int, int, float]]:  # fmt: skip
    """Give the best continuations of a row's prefixes as (parent, row, piece, score); finished ones go to `done`."""
    flat = total_PN[members].flatten()
    best = flat.topk(min(2 * beams, len(flat)))
    going: list[tuple[int, int, int, float]] = []
    if best.values[0] == -torch.inf:  # a grammar lets nothing follow
        done[row] += [_cut(prefix_PU, score_P, one) for one in members.tolist()]
    for score, place in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        if score == -torch.inf:
            break
        parent, piece = int(members[place // total_PN.shape[1]]), place % total_PN.shape[1]
        if piece == end:
            done[row].append(Found(tuple(prefix_PU[parent, 1:].tolist()), score))
        elif len(going) < beams:
            going.append((parent, row, piece, score))
        if len(going) == beams:
            break
    return going


def _settled(done: list[Found], score: float, beams: int) -> bool:
    """Say whether a prefix of that score can no longer enter the best: scores only fall."""
    finished = sorted((one.score for one in done if not one.cut), reverse=True)
    return len(finished) >= beams and score <= finished[beams - 1]
