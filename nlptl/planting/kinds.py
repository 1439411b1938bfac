"""The kinds of fault that can be planted, in the order in which they are: what changes whole splits comes first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nlptl import seeds
from nlptl.planting import sets, single
from nlptl.planting.ground import Ground, Place

ANY, TOPICS, PAIRS = ("topics", "several", "pairs"), ("topics",), ("pairs",)


@dataclass(frozen=True)
class Kind:
    """A kind of fault: how it is planted, and the worlds that can have it."""

    make: Callable[[Ground, int], list[Place]]
    worlds: tuple[str, ...]


_SETS = (
    sets.imbalance, sets.rare_class, sets.empty_class, sets.unseen_label, sets.label_shift, sets.ordered,
    sets.leaking_word, sets.length_tells, sets.number_tells,
)  # fmt: skip
_TEXTS = (
    single.duplicate_across, single.near_duplicate_across, single.duplicate_within, single.near_duplicate_within,
    single.empty_text, single.punctuation_only, single.very_short, single.too_long, single.mojibake,
    single.replacement_character, single.html, single.control_character, single.bidi_control, single.zero_width,
    single.foreign_script, single.foreign_language,
)  # fmt: skip
_LABELS = (
    single.conflicting_labels, single.flipped_label, single.label_in_text, single.label_alike, single.unknown_label,
    single.missing_label,
)  # fmt: skip
KINDS: Mapping[str, Kind] = {
    make.__name__: Kind(make, worlds)
    for group, worlds in (
        (_SETS, TOPICS),
        ((sets.text_shift,), ANY),
        ((sets.part_alone, sets.swapped_parts), PAIRS),
        ((sets.boilerplate, sets.truncated), ANY),
        (_TEXTS, ANY),
        (_LABELS, TOPICS),
        ((single.equal_parts,), PAIRS),
    )
    for make in group
}
"""Name -> kind. Each can be planted with all others of its world."""


def plant(ground: Ground, faults: Mapping[str, int], seed: int) -> dict[str, list[Place]]:
    """Change the rows of `ground`; give kind -> the rows that have the fault. ValueError where they do not fit."""
    planted = {}
    for kind, one in KINDS.items():
        if kind in faults:
            ground.rng = seeds.stream(seed, "plant", kind, ground.language)
            planted[kind] = [ground.row(place) for place in one.make(ground, faults[kind])]
    # Rows are known by what they are, not by where they were: sorting moves them, and a copy may replace one.
    place_of = {id(ground.row(place)): place for place in ground.all()}
    return {kind: sorted(place_of[id(row)] for row in rows if id(row) in place_of) for kind, rows in planted.items()}
