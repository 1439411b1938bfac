"""Beam search against all sequences there are, against greedy steps by hand, and held to what is allowed."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from nlptl.modules import beams

PIECES, START, END, LONGEST = 5, 0, 1, 4


def world(seed: int, rows: int) -> torch.Tensor:
    """Give log-probabilities [row, place, piece before, piece]: the start is never written."""
    scores = torch.randn(rows, LONGEST + 1, PIECES, PIECES, generator=torch.Generator().manual_seed(seed)) * 2
    scores[..., START] = -torch.inf
    return scores.log_softmax(-1)


def stepping(table: torch.Tensor) -> beams.Step:
    return lambda prefix, row, parent: table[row, prefix.shape[1] - 1, prefix[:, -1]]


def every(table: torch.Tensor, row: int) -> dict[tuple[int, ...], float]:
    """Score all finished sequences of at most LONGEST pieces, the end not counted."""
    found = {}
    for length in range(LONGEST + 1):
        for pieces in itertools.product(range(2, PIECES), repeat=length):
            path = [START, *pieces, END]
            found[pieces] = sum(float(table[row, at, path[at], path[at + 1]]) for at in range(length + 1))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_a_wide_beam_finds_the_best_of_all(seed: int) -> None:
    table = world(seed, 3)
    found = beams.search(stepping(table), rows=3, beams=400, longest=LONGEST, start=START, end=END)
    for row, listed in enumerate(found):
        truth = sorted(every(table, row).items(), key=lambda pair: -pair[1])
        finished = listed
        assert not any(one.cut for one in listed)
        assert len(finished) == len(truth) == sum(3**n for n in range(LONGEST + 1))
        assert [one.pieces for one in finished] == [pieces for pieces, _ in truth]
        assert [one.score for one in finished] == pytest.approx([score for _, score in truth], abs=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_a_beam_of_one_takes_the_best_piece_each_time(seed: int) -> None:
    table = world(seed, 4)
    for row, (one,) in enumerate(beams.search(stepping(table), rows=4, beams=1, longest=LONGEST, start=START, end=END)):
        path, score = [START], 0.0
        while path[-1] != END:
            best = int(table[row, len(path) - 1, path[-1]].argmax())
            if len(path) > LONGEST and best != END:
                break
            score += float(table[row, len(path) - 1, path[-1], best])
            path.append(best)
        assert one.pieces == tuple(piece for piece in path[1:] if piece != END)
        assert one.score == pytest.approx(score, abs=1e-5)
        assert one.cut == (path[-1] != END)


def test_rows_do_not_see_each_other() -> None:
    table = world(9, 5)
    together = beams.search(stepping(table), rows=5, beams=3, longest=LONGEST, start=START, end=END)
    for row, listed in enumerate(together):
        alone = beams.search(stepping(table[row : row + 1]), rows=1, beams=3, longest=LONGEST, start=START, end=END)
        assert alone == [listed]
        assert [one.score for one in listed] == sorted((one.score for one in listed), reverse=True)


def test_what_is_not_allowed_is_not_written() -> None:
    """Only pieces larger than the one before, and the end after two of them."""
    table = world(3, 2)

    def allowed(prefix: object, row: int) -> torch.Tensor:
        assert isinstance(prefix, list)
        after = torch.arange(PIECES) > (prefix[-1] if prefix else 1)
        after[END] = len(prefix) == 2
        return after if len(prefix) < 2 else torch.arange(PIECES) == END

    found = beams.search(stepping(table), rows=2, beams=4, longest=LONGEST, start=START, end=END, allowed=allowed)
    for row, listed in enumerate(found):
        truth = {pieces: score for pieces, score in every(table, row).items() if pieces in {(2, 3), (2, 4), (3, 4)}}
        assert {one.pieces: one.score for one in listed} == pytest.approx(truth, abs=1e-5)


def test_a_row_that_nothing_may_follow_is_cut_and_not_lost() -> None:
    never = torch.zeros(PIECES, dtype=torch.bool)
    ((one,),) = beams.search(
        stepping(world(1, 1)), rows=1, beams=2, longest=LONGEST, start=START, end=END, allowed=lambda prefix, row: never
    )
    assert one == beams.Found((), 0.0, cut=True)


def test_a_sequence_of_exactly_the_longest_length_comes_to_an_end() -> None:
    """Two pieces, then the end: as training forms of `form_tokens` pieces do."""
    table = torch.full((1, 3, PIECES, PIECES), 0.01)
    table[0, 0, :, 3] = table[0, 1, :, 4] = table[0, 2, :, END] = 0.96
    table[..., START] = 0
    for width in (1, 3):
        best, *_ = beams.search(stepping(table.log()), rows=1, beams=width, longest=2, start=START, end=END)[0]
        assert best.pieces == (3, 4)
        assert not best.cut
        assert best.score == pytest.approx(3 * math.log(0.96), abs=1e-6)


def test_a_stuck_sequence_is_as_probable_as_what_was_written() -> None:
    """Row 0 may write one piece and then nothing; that its score were 0 would mean a probability of 1."""
    table = world(5, 1)

    def allowed(prefix: object, row: int) -> torch.Tensor:
        assert isinstance(prefix, list)
        return torch.arange(PIECES) == (3 if not prefix else PIECES)

    ((one,),) = beams.search(stepping(table), rows=1, beams=1, longest=LONGEST, start=START, end=END, allowed=allowed)
    assert one.pieces == (3,)
    assert one.score == pytest.approx(float(table[0, 0, START, 3]), abs=1e-6)


def test_a_row_that_is_stuck_keeps_what_it_has() -> None:
    def allowed(prefix: object, row: int) -> torch.Tensor:
        assert isinstance(prefix, list)
        return torch.arange(PIECES) > 1 if len(prefix) < 2 else torch.zeros(PIECES, dtype=torch.bool)

    ((one,),) = beams.search(
        stepping(world(1, 1)), rows=1, beams=1, longest=LONGEST, start=START, end=END, allowed=allowed
    )
    assert one.cut
    assert len(one.pieces) == 2
