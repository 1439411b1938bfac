"""Features to batches: by length, with a token budget, in an order that only (seed, epoch) decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from nlptl import seeds
from nlptl.tasks import Feature

POOL = 200
"""Batches that are sorted by length together, as in transformers' grouping; more would pad less and mix less."""


@dataclass(frozen=True, slots=True)
class StepPlan:
    """The features of one optimizer step, over all processes."""

    number: int
    """Counts from 1 over the whole run."""
    epoch: int
    """Counts from 0."""
    features: Sequence[Feature]


def steps_per_epoch(features: int, batch: int) -> int:
    """Give the optimizer steps of one pass; the last may be short, none is dropped."""
    return -(-features // batch)


Pools = Sequence[Sequence[str]]
"""Row ids of the variants of each copy that has several: an epoch takes one of them."""


def drawn(features: Sequence[Feature], pools: Pools, *, seed: int, epoch: int) -> Sequence[Feature]:
    """Give the features of an epoch: all but those of variants that it does not take. Which it takes depends on
    (seed, epoch, ids of the variants) alone, and none comes again before all were taken.
    """
    left: set[str] = set()
    for pool in pools:
        order = list(pool)
        seeds.stream(seed, "variants", pool[0]).shuffle(order)
        left.update(order)
        left.remove(order[epoch % len(order)])
    return [one for one in features if one.row_id not in left] if left else features


def epoch_ends(features: Sequence[Feature], pools: Pools, *, batch: int, epochs: int, seed: int) -> list[int]:
    """Give the number of the last step of each epoch. Epochs differ in length where variants differ in windows."""
    sizes = Counter(feature.row_id for feature in features)
    if all(len({sizes[one] for one in pool}) == 1 for pool in pools):
        each = [len(drawn(features, pools, seed=seed, epoch=0))] * epochs
    else:
        each = [len(drawn(features, pools, seed=seed, epoch=epoch)) for epoch in range(epochs)]
    return list(accumulate(steps_per_epoch(one, batch) for one in each))


def plan_epoch(features: Sequence[Feature], *, batch: int, seed: int, epoch: int) -> list[list[Feature]]:
    """Give an epoch's steps: shuffled, cut into pools, sorted by length within each, cut into steps, shuffled again."""
    random = seeds.stream(seed, "order", epoch)
    order = list(range(len(features)))
    random.shuffle(order)
    steps = []
    for start in range(0, len(order), batch * POOL):
        pool = sorted(
            order[start : start + batch * POOL], key=lambda number: features[number].size, reverse=True
        )
        steps += [[features[number] for number in pool[first : first + batch]] for first in range(0, len(pool), batch)]
    random.shuffle(steps)
    return steps


def training_steps(
    features: Sequence[Feature], *, batch: int, epochs: int, seed: int, done: int = 0, pools: Pools = ()
) -> Iterator[StepPlan]:
    """Yield the steps after the first `done` ones: continuing needs no state but that number."""
    before = 0
    for epoch, end in enumerate(epoch_ends(features, pools, batch=batch, epochs=epochs, seed=seed)):
        first, before = before, end
        if end <= done:
            continue
        chosen = drawn(features, pools, seed=seed, epoch=epoch)
        for number, step in enumerate(plan_epoch(chosen, batch=batch, seed=seed, epoch=epoch), first + 1):
            if number > done:
                yield StepPlan(number, epoch, step)


def target_step(features: Sequence[Feature], *, batch: int, seed: int, step: int) -> list[Feature]:
    """Give the `batch` unlabelled features of a step (from 1): pass after pass over all, in new orders."""
    found: list[Feature] = []
    place = (step - 1) * batch
    while len(found) < batch:
        turn, first = divmod(place, len(features))
        order = list(range(len(features)))
        seeds.stream(seed, "target", turn).shuffle(order)
        taken = order[first : first + batch - len(found)]
        found += [features[number] for number in taken]
        place += len(taken)
    return found


def micro_batches(features: Sequence[Feature], *, tokens: int, rank: int = 0, world: int = 1) -> list[list[Feature]]:
    """Give this rank's share of a step, cut so that a padded micro-batch has at most `tokens` (or one example).

    The step is dealt out by length, so that every rank gets the same work within one example.
    """
    ordered = sorted(features, key=lambda feature: feature.size, reverse=True)
    return _cut(ordered[rank::world], tokens)


def evaluation_batches(features: Sequence[Feature], *, tokens: int) -> list[list[Feature]]:
    """Give batches sorted by length, the longest first; they do not depend on the number of processes."""
    return _cut(sorted(features, key=lambda feature: feature.size, reverse=True), tokens)


def _cut(ordered: Sequence[Feature], tokens: int) -> list[list[Feature]]:
    batches: list[list[Feature]] = []
    widths = [0, 0]  # of the input and of what a decoder reads, padded
    for feature in ordered:
        wider = [max(widths[0], len(feature.input_ids)), max(widths[1], len(feature.decoder_ids))]
        if batches and (len(batches[-1]) + 1) * sum(wider) <= tokens:
            batches[-1].append(feature)
            widths = wider
        else:
            batches.append([feature])
            widths = [len(feature.input_ids), len(feature.decoder_ids)]
    return batches
