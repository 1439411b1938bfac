"""Splits that we make: the sizes asked for, alike in labels, whole groups, fixed by the seed and nothing else."""

from __future__ import annotations

import hashlib
import random
from collections import Counter

import pytest

from nlptl.data import overlap, splits
from nlptl.data.splits import Item

PARTS = {"train": None, "dev": 0.1, "test": 0.2}


def pool(count: int, labels: list[str], seed: int = 0) -> list[Item]:
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghijklmnop", k=6)) for _ in range(3000)]
    texts = [" ".join(rng.choices(words, k=12)) for _ in range(count)]
    return [Item(f"{number // 4}_{number}", text, rng.choice(labels)) for number, text in enumerate(texts)]


@pytest.mark.parametrize("labels", [["a"], ["a", "a", "a", "b"], [f"l{number}" for number in range(40)]])
def test_every_label_is_divided_as_asked(labels: list[str]) -> None:
    items = pool(1500, labels)
    found = splits.divide(items, PARTS, seed=3)
    by_label = Counter((item.label, found[item.id]) for item in items)
    for label, count in Counter(item.label for item in items).items():
        assert by_label[label, "dev"] == pytest.approx(0.1 * count, abs=1)
        assert by_label[label, "test"] == pytest.approx(0.2 * count, abs=1)
    sizes = Counter(found.values())
    assert sizes["dev"] == pytest.approx(150, abs=6)  # rounding favours no split, also over many small labels
    assert sizes["test"] == pytest.approx(300, abs=6)


def test_near_duplicates_stay_together() -> None:
    items = pool(400, ["a", "b"])
    rng = random.Random(1)
    copies = [Item(f"copy{number}", f"{item.text}!", rng.choice("ab")) for number, item in enumerate(items[:120])]
    near = [Item(f"near{number}", f"{item.text} x", item.label) for number, item in enumerate(items[60:200])]
    everything = [*items, *copies, *near]
    rng.shuffle(everything)
    found = splits.divide(everything, PARTS, seed=5)
    groups = overlap.groups([item.text for item in everything])
    sides: dict[int, set[str]] = {}
    for item, group in zip(everything, groups, strict=True):
        sides.setdefault(group, set()).add(found[item.id])
    assert all(len(side) == 1 for side in sides.values())
    assert len(sides) < len(everything) - 200


def test_documents_stay_whole() -> None:
    items = pool(400, ["a", "b"])
    found = splits.divide(items, PARTS, seed=5, document="^([0-9]+)_")
    sides: dict[str, set[str]] = {}
    for item in items:
        sides.setdefault(item.id.split("_")[0], set()).add(found[item.id])
    assert all(len(side) == 1 for side in sides.values())
    assert Counter(found.values())["test"] == pytest.approx(80, abs=8)


def test_fixed_by_seed_and_ids_not_by_order() -> None:
    items = pool(600, ["a", "b", "c"])
    found = splits.divide(items, PARTS, seed=7)
    shuffled = list(items)
    random.Random(2).shuffle(shuffled)
    assert splits.divide(shuffled, PARTS, seed=7) == found
    other = splits.divide(items, PARTS, seed=8)
    assert sum(other[item.id] != found[item.id] for item in items) > 100


def test_a_division_once_written_down_stays() -> None:
    """Cards hold the sha256 of ids: what this gives may never change without a new field in the card."""
    items = [
        Item(f"row{number}", f"text number {number} of {number * number}", "ab"[number % 2]) for number in range(60)
    ]
    found = splits.divide(items, PARTS, seed=13)
    assert splits.ids_hash([identity for identity, side in found.items() if side == "dev"]) == GOLDEN


def test_a_division_of_documents_stays_too() -> None:
    items = [
        Item(f"{number % 23 % 9}_{number}", f"text {number} of {number**3}", "ab"[number % 2]) for number in range(90)
    ]
    found = splits.divide(items, PARTS, seed=13, document="^([0-9]+)_")
    assert splits.ids_hash([identity for identity, side in found.items() if side != "train"]) == GOLDEN_DOCUMENTS


GOLDEN_DOCUMENTS = "5fc414719a044f00db2319a9c77e9d10057a5d8f6255e47634da458a8e1810a0"
GOLDEN = "c62c21ded5024e8644a08e12161272a14d71cf2530c2f20ed3f1f5cdb0e9d40f"


def test_the_hash_of_ids_is_of_sorted_lines() -> None:
    assert splits.ids_hash(["b", "a"]) == hashlib.sha256(b"a\nb\n").hexdigest()
