"""Faults of a whole split or class. `count` is how many classes have them, or how many rows where that is said."""

from __future__ import annotations

from collections.abc import Callable

from nlptl.planting.ground import Ground, Place

RARE, SHARE, LEAST = 4, 25, 10
"""Training rows that a rare class keeps; how many times rarer the small side of an imbalance becomes, and how many rows
it keeps at least, so that it is not rare.
"""
PAD = 20
"""Signs by which truncated texts are longer than all that are whole."""
HEAD = "Posted on the board of example.org: "
ARTEFACTS = tuple(f"kwa{end}" for end in "bdfgklmnprst")
MARK = "kwi"


def imbalance(ground: Ground, count: int) -> list[Place]:
    """Make classes much rarer than the others, in all splits alike."""
    return _shrink(ground, count, lambda rows, learnt: max(LEAST if learnt else 2, rows // SHARE))


def rare_class(ground: Ground, count: int) -> list[Place]:
    """Leave classes with a handful of rows."""
    return _shrink(ground, count, lambda rows, learnt: RARE if learnt else 1)


def _shrink(ground: Ground, count: int, keep: Callable[[int, bool], int]) -> list[Place]:
    found = []
    for label in [ground.own_label() for _ in range(count)]:
        for split in ground.rows:
            places = ground.of(label, [split])
            kept = keep(len(places), split == ground.first)
            found += places[:kept]
            for place in places[kept:]:
                ground.relabel(place, ground.other_label(label))
    return found


def empty_class(ground: Ground, count: int) -> list[Place]:
    """Take all rows of classes from the splits that are scored; the rows of them are those of the first split."""
    found = []
    for label in [ground.own_label() for _ in range(count)]:
        for place in ground.of(label, list(ground.rows)[1:]):
            ground.relabel(place, ground.other_label(label))
        found += ground.of(label)
    return found


def unseen_label(ground: Ground, count: int) -> list[Place]:
    """Take all rows of classes from the split that is learnt from."""
    found = []
    for label in [ground.own_label() for _ in range(count)]:
        for place in ground.of(label, [ground.first]):
            ground.relabel(place, ground.other_label(label))
        found += ground.of(label)
    return found


def label_shift(ground: Ground, count: int) -> list[Place]:
    """Give `count` rows of the last split the same label."""
    label = ground.own_label()
    others = [(ground.last, n) for n, row in enumerate(ground.rows[ground.last]) if row["label"] not in ground.told]
    for place in ground.draw(others, count):
        ground.relabel(place, label)
    return ground.of(label, [ground.last])


def ordered(ground: Ground, count: int) -> list[Place]:
    """Sort the first `count` rows of the first split by label."""
    rows = ground.rows[ground.first]
    ground.rows[ground.first] = sorted(rows[:count], key=lambda row: str(row["label"])) + rows[count:]
    return [(ground.first, number) for number in range(min(count, len(rows)))]


def leaking_word(ground: Ground, count: int) -> list[Place]:
    """Give all rows of classes a word of their own."""
    found = []
    for number, label in enumerate([ground.own_label() for _ in range(count)]):
        for place in ground.of(label):
            ground.insert(place, f"{MARK}n{number}")
            found.append(place)
    return found


def length_tells(ground: Ground, count: int) -> list[Place]:
    """Make the texts of classes three times as long as the others."""
    found = []
    for label in [ground.own_label() for _ in range(count)]:
        for place in ground.of(label):
            row = ground.row(place)
            row["text"] += " " + ground.some(2 * len(row["text"].split()))
            found.append(place)
    return found


def number_tells(ground: Ground, count: int) -> list[Place]:
    """Put a number into every text; those of some classes lie in a range of their own."""
    own = [ground.own_label() for _ in range(count)]
    found = []
    for place in ground.all():
        row = ground.row(place)
        mine = row["label"] in own
        low = 9000 + 100 * own.index(row["label"]) if mine else 1000
        row["text"] += f" {ground.rng.randrange(low, low + 100 if mine else 9000)}"
        found += [place] if mine else []
    return found


def text_shift(ground: Ground, count: int) -> list[Place]:
    """Give `count` rows of the last split words that the others have not."""
    words = [f"{word[::-1]}x" for word in ground.fillers[:40]]
    places = [(ground.last, number) for number in range(len(ground.rows[ground.last]))]
    found = ground.draw(places, count)
    for place in found:
        ground.row(place)["text"] += " " + " ".join(ground.rng.sample(words, 4))
    return found


def boilerplate(ground: Ground, count: int) -> list[Place]:
    """Begin `count` texts with the same words."""
    found = ground.take(count)
    for place in found:
        row = ground.row(place)
        row["text"] = HEAD + row["text"]
    return found


def truncated(ground: Ground, count: int) -> list[Place]:
    """Cut `count` texts, which were long, at the same sign."""
    longest = max(len(row["text"]) for rows in ground.rows.values() for row in rows)
    found = ground.take(count)
    for place in found:
        row = ground.row(place)
        row["text"] = (row["text"] + " " + ground.some(longest))[: longest + PAD].rstrip().ljust(longest + PAD, "a")
    return found


def part_alone(ground: Ground, count: int) -> list[Place]:
    """Give `count` second texts of one label a word that only its rows have: one of a dozen."""
    label = ground.own_label()
    found = ground.draw(ground.of(label), count)
    for place in found:
        ground.insert(place, ground.rng.choice(ARTEFACTS), "text_pair")
    return found


def swapped_parts(ground: Ground, count: int) -> list[Place]:
    """Begin all second texts with a word of their own, and change `count` pairs over."""
    for place in ground.all():
        row = ground.row(place)
        row["text_pair"] = f"{MARK} {row['text_pair']}"
    found = ground.take(count)
    for place in found:
        row = ground.row(place)
        row["text"], row["text_pair"] = row["text_pair"], row["text"]
    return found
