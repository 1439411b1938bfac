"""Edits of texts: where spans go, what is refused, and that every kind of augmentation keeps to graphemes."""

from __future__ import annotations

import random
from typing import Any

import pytest
import regex
import shelves
from hypothesis import given, settings
from hypothesis import strategies as some

from nlptl import edits, kinds
from nlptl.augment import Augment
from nlptl.edits import Edit

KINDS = [name for name, kind in kinds.shelf("augment").items() if kind.propose is not Augment.propose]
"""Those that edit a text by itself; the others are tried in tests/engine/test_augment_words.py."""
TEXTS = some.text(
    some.sampled_from("ab Z9.,'éß\u0301\u0308नि्षกำ日本かア\u200dλжשم\n👩🏽-"), min_size=0, max_size=40
) | some.text(max_size=30)


def made(kind: str, **changed: Any) -> Any:
    return kinds.shelf("augment")[kind](**shelves.least("augment", kind) | changed)


def clusters(text: str) -> set[int]:
    return {match.start() for match in regex.finditer(r"\X", text)} | {len(text)}


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(text=TEXTS, seed=some.integers(0, 99), rate=some.sampled_from([0.01, 0.3, 1.0]))
def test_edits_stand_between_graphemes_in_order_and_are_drawn_from_the_seed(
    kind: str, text: str, seed: int, rate: float
) -> None:
    one = made(kind, rate=rate)
    found = one.propose(text, random.Random(seed))
    edits.check(text, found)
    assert found == one.propose(text, random.Random(seed))
    assert {place for edit in found for place in (edit.start, edit.end)} <= clusters(text)
    assert all(text[edit.start : edit.end] != edit.replacement for edit in found), "an edit changes something"


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_edits_and_the_rate_says_how_much(kind: str) -> None:
    text = "some people, they say, never write without any error; others seldom do." * 4
    few, many = (made(kind, rate=rate).propose(text, random.Random(1)) for rate in (0.01, 0.5))
    assert 1 <= len(few) <= 2 < len(many)


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        ("swap", "one two", "two one"),
        ("swap", "日本", "本日"),
        ("swap", "one, two", "one, two"),
        ("delete", "alone", "alone"),
        ("split", "abc", "abc"),
        ("split", "e\u0301e\u0301", "e\u0301e\u0301"),
        ("case", "日本", "日本"),
        ("punctuation", "yes.", "yes"),
        ("punctuation", "3.14%x", "3.14%x!"),
        ("typo", "日", "日"),
        ("typo", "אב", "בא"),
    ],
)
def test_what_a_kind_does_to_a_small_text(kind: str, text: str, wanted: str) -> None:
    assert edits.apply(text, made(kind, rate=1.0).propose(text, random.Random(3))) == wanted


def test_a_slip_hits_a_key_nearby_and_a_scanner_sees_what_looks_alike() -> None:
    keys = {made("typo", rate=1.0).propose("G", random.Random(seed))[0].replacement for seed in range(60)}
    assert keys == set("TYFHVB")
    seen = {made("typo", rate=1.0, by="ocr").propose("l", random.Random(seed))[0].replacement for seed in range(20)}
    assert seen == {"1", "I"}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("don't stop", 2),
        ("rock-'n'-roll", 3),
        ("日本語", 3),
        ("e\u0301te\u0301", 1),
        ("นิ", 1),
        ("क\u094d\u200dष", 1),
        ("", 0),
    ],
)
def test_words_are_those_of_the_script(text: str, count: int) -> None:
    found = edits.words(text)
    assert len(found) == count
    assert all(text[word.start : word.end] == word.text for word in found)


@pytest.mark.parametrize(
    "wrong",
    [
        [Edit(0, 2, "x"), Edit(1, 3, "y")], [Edit(2, 3, ""), Edit(0, 1, "")], [Edit(1, 1, "a"), Edit(1, 1, "b")],
        [Edit(0, 9, "")], [Edit(2, 1, "")], [Edit(-1, 0, "")],
    ],
)  # fmt: skip
def test_edits_that_overlap_or_are_not_in_order_are_refused(wrong: list[Edit]) -> None:
    with pytest.raises(ValueError, match=r"overlap|outside"):
        edits.apply("abcd", wrong)


@given(data=some.data(), text=some.text("abcdef ", min_size=1, max_size=30))
def test_a_span_that_no_edit_touches_keeps_its_text(data: some.DataObject, text: str) -> None:
    start = data.draw(some.integers(0, len(text) - 1))
    end = data.draw(some.integers(start + 1, len(text)))
    places = sorted(data.draw(some.sets(some.integers(0, len(text)), max_size=8)))
    found = [
        Edit(one, two, data.draw(some.text("xyz", max_size=3)))
        for one, two in zip(places[::2], places[1::2], strict=False)
    ]
    low, high = edits.moved(start, end, found)
    if not edits.touches(found, start, end):
        assert edits.apply(text, found)[low:high] == text[start:end]


def test_what_is_put_beside_a_span_does_not_belong_to_it() -> None:
    assert edits.moved(2, 4, [Edit(2, 2, "xx"), Edit(4, 4, "y")]) == (4, 6)
    assert edits.moved(2, 4, [Edit(3, 3, "x")]) == (2, 5)
