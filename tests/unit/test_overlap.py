"""Near-duplicates: every pair that a brute-force count over sets finds, and no other."""

from __future__ import annotations

import random
import time

import pytest

from nlptl.data import overlap
from nlptl.data.overlap import Pair
from nlptl.tasks import Row


def row(identity: str, text: str, pair: str | None = None) -> Row:
    values = {"text": text} if pair is None else {"text": text, "text_pair": pair}
    return Row(identity, values, "eng")


def grams(text: str) -> set[str]:
    """The definition, plainly: character 5-grams of the normalised text, or all of a shorter one."""
    return {text[start : start + 5] for start in range(max(1, len(text) - 4))}


def jaccard(one: str, other: str) -> float:
    left, right = grams(one), grams(other)
    return len(left & right) / len(left | right)


def sentences(count: int, seed: int) -> list[str]:
    """Sentences of a few words, a third of them a small change of an earlier one."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghij", k=rng.randint(2, 9))) for _ in range(60)]
    found: list[str] = []
    for _ in range(count):
        if found and rng.random() < 0.4:
            text = list(rng.choice(found))
            for _ in range(rng.randint(1, 3)):
                text[rng.randrange(len(text))] = rng.choice("abcdefghij ")
            found.append("".join(text))
        else:
            found.append(" ".join(rng.choices(words, k=rng.randint(1, 25))))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_all_pairs_and_only_those_of_the_definition(seed: int) -> None:
    texts = sentences(240, seed)
    left = [row(f"a{number}", text) for number, text in enumerate(texts[:140])]
    right = [row(f"b{number}", text) for number, text in enumerate(texts[140:])]
    wanted = {}
    for one in left:
        for other in right:
            similarity = jaccard(overlap.normalise(one.values["text"]), overlap.normalise(other.values["text"]))
            if similarity >= 0.9:
                wanted[one.id, other.id] = similarity
    found = {(pair.first, pair.second): pair.similarity for pair in overlap.overlap(left, right)}
    assert found == pytest.approx(wanted)
    assert len([value for value in wanted.values() if value < 1]) >= 3


@pytest.mark.parametrize("seed", range(4))
def test_groups_are_what_hangs_together(seed: int) -> None:
    texts = sentences(200, seed)
    plain = [overlap.normalise(text) for text in texts]
    parent = list(range(len(texts)))

    def root(number: int) -> int:
        return number if parent[number] == number else root(parent[number])

    for one in range(len(texts)):
        for other in range(one):
            if jaccard(plain[one], plain[other]) >= 0.9:
                parent[root(one)] = root(other)
    found = overlap.groups(texts)
    same = {(one, other) for one in range(len(texts)) for other in range(one) if found[one] == found[other]}
    assert same == {(one, other) for one in range(len(texts)) for other in range(one) if root(one) == root(other)}
    assert same


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("The end.", "the  END", True),
        ("ﬁne café", "fine cafe\u0301", True),
        ("well-known", "well known", True),
        ("can't", "cant", False),
        (":)", ":(", False),
        ("???", "?!?", False),
        ("日本語です。", "日本語です", True),
        ("no 1", "no 2", False),
    ],
)
def test_what_counts_as_the_same_text(one: str, other: str, *, equal: bool) -> None:
    pairs = overlap.overlap([row("a", one)], [row("b", other)])
    assert ([Pair("a", "b", 1.0)] == pairs) is equal


def test_copies_are_listed_each_with_each() -> None:
    train = [row("t0", "Same text here"), row("t1", "other thing"), row("t2", "same TEXT here!")]
    pairs = overlap.overlap(train, [row("d0", "nothing like it"), row("d1", "Same text, here.")])
    assert pairs == [Pair("t0", "d1", 1.0), Pair("t2", "d1", 1.0)]


def test_a_pair_is_both_its_texts() -> None:
    train = [row("t", "what is the capital of France", "Paris is the capital")]
    same, half = ("what is the capital of france?", "Paris is the capital."), ("what is the capital of France", "Rome")
    assert overlap.overlap(train, [row("d", *same)]) == [Pair("t", "d", 1.0)]
    assert overlap.overlap(train, [row("d", *half)]) == []


def test_nothing_against_nothing() -> None:
    assert overlap.overlap([], []) == []
    assert overlap.overlap([row("a", "text")], []) == []
    assert overlap.groups([]) == []
    assert overlap.groups(["", "", "a"]) == [0, 0, 2]


def test_ten_thousand_rows_take_seconds() -> None:
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(2, 9))) for _ in range(8000)]
    texts = [" ".join(rng.choices(words, k=20)) for _ in range(9900)]
    texts += [f"{text[:60]}x{text[60:]}" for text in texts[:100]]
    started = time.process_time()
    found = overlap.groups(texts)
    assert time.process_time() - started < 5
    assert sum(group != number for number, group in enumerate(found)) == 100


def test_all_pairs_are_found_that_brute_force_finds() -> None:
    """Texts of every length, changed a little: on the limit of similarity the places of shared grams decide."""
    rng = random.Random(2)
    words = ["".join(rng.choices("abcdefg", k=rng.randint(2, 6))) for _ in range(60)]
    base = [" ".join(rng.choices(words, k=rng.randint(1, 30))) for _ in range(150)]
    left = [*base, "", "a", "ab c"]
    right = []
    for text in base:
        signs = list(text)
        for _ in range(rng.randint(0, 3)):
            signs[rng.randrange(len(signs))] = rng.choice("xyz")
        right.append("".join(signs[rng.randint(0, 2) :]) or "q")

    def grams(text: str) -> set[str]:
        padded = text + "\0" * (overlap.GRAM - len(text))
        return {padded[start : start + overlap.GRAM] for start in range(len(padded) - overlap.GRAM + 1)}

    def alike(one: str, other: str) -> bool:
        first, second = grams(one), grams(other)
        return len(first & second) / len(first | second) >= overlap.SIMILAR - 1e-12

    expected = {(a, b) for a, one in enumerate(left) for b, other in enumerate(right) if alike(one, other)}
    assert len(expected) > 50
    assert {(a, b) for a, b, _ in overlap._similar(left, right)} == expected
    both = left + right
    inside = {(a, b) for b, other in enumerate(both) for a, one in enumerate(both[:b]) if alike(one, other)}
    found = [(min(a, b), max(a, b)) for a, b, _ in overlap._similar(both, None)]
    assert set(found) == inside
