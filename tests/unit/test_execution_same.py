"""What makes two results one denotation, rule by rule, and against a reference that tries every order of rows."""

from __future__ import annotations

import itertools
import random

import pytest

from nlptl.execution import Outcome, same
from nlptl.execution.outcomes import Row, Status


def result(*rows: Row, ordered: bool = False, columns: int | None = None, status: Status = "rows") -> Outcome:
    width = columns if columns is not None else len(rows[0]) if rows else 1
    return Outcome(status, rows, tuple(f"c{n}" for n in range(width)), ordered)


A, B = ("a", 1), ("b", 2)


@pytest.mark.parametrize(
    ("rule", "gold", "predicted", "equal"),
    [
        ("rows have no order", result(A, B), result(B, A), True),
        ("unless gold has one", result(A, B, ordered=True), result(B, A), False),
        ("of the prediction's order nothing is asked", result(A, B), result(B, A, ordered=True), True),
        ("duplicates count", result(A, A, B), result(A, B, B), False),
        ("duplicates count in number", result(A), result(A, A), False),
        ("names of columns do not count", result(A), Outcome("rows", (A,), ("x", "y")), True),
        ("the order of columns does", result(("a", "b")), result(("b", "a")), False),
        ("the number of columns does", result(("a",)), result(("a", "a")), False),
        ("and so it does without rows", result(columns=1), result(columns=2), False),
        ("two empty ones are equal", result(), result(), True),
        ("an integer is its float", result((1,)), result((1.0,)), True),
        ("a sum may be off by a millionth", result((1e9,)), result((1e9 + 999,)), True),
        ("but not by more", result((1e9,)), result((1e9 + 1001,)), False),
        ("zero has no neighbours", result((0,)), result((1e-9,)), False),
        ("large integers are exact numbers first", result((2**62,)), result((2**62,)), True),
        ("infinity is itself", result((float("inf"),)), result((float("inf"),)), True),
        ("infinity is nothing else", result((float("inf"),)), result((1e308,)), False),
        ("text is compared by letter", result(("a",)), result(("A",)), False),
        ("space counts", result(("a",)), result(("a ",)), False),
        ("a text is no number", result(("1",)), result((1,)), False),
        ("NULL is NULL", result((None,)), result((None,)), True),
        ("NULL is not zero", result((None,)), result((0,)), False),
        ("nor an empty text", result((None,)), result(("",)), False),
        ("bytes are no text", result((b"a",)), result(("a",)), False),
        ("bytes are bytes", result((b"a",)), result((b"a",)), True),
        ("an error is equal to nothing", result(status="error"), result(status="error"), False),
        ("nor is what timed out", result(), result(status="timeout"), False),
    ],
)
def test_the_rule(rule: str, gold: Outcome, predicted: Outcome, equal: bool) -> None:
    assert same(gold, predicted) is equal, rule


def test_rows_are_matched_where_sorting_pairs_the_wrong_ones() -> None:
    # In sorted order the first pair is (1, 5) with (1, 9): what differs in the first number is below the tolerance.
    gold = result((1.0, 5.0), (1.0 + 2e-7, 9.0))
    assert same(gold, result((1.0 + 2e-7, 5.0), (1.0, 9.0)))
    assert not same(gold, result((1.0 + 2e-7, 5.0), (1.0, 8.0)))


def test_a_greedy_matching_is_not_enough() -> None:
    # 1 takes 1 + 0.8e-6 or 1 - 0.8e-6; 1 + 1.6e-6 only the former. Both columns say the same, so that sorting cannot.
    e = 0.8e-6
    gold = result((1.0, -1.0, 7.0), (1 + 2 * e, -1 - 2 * e, 7.0))
    assert same(gold, result((1 + e, -1 - e, 7.0), (1 - e, -1 + e, 7.0)))


def reference(gold: Outcome, predicted: Outcome) -> bool:
    """Try every order of the predicted rows."""

    def equal(one: object, two: object) -> bool:
        numbers = isinstance(one, int | float), isinstance(two, int | float)
        if all(numbers):
            return one == two or abs(one - two) <= 1e-6 * max(abs(one), abs(two))  # type: ignore[operator, arg-type]
        return not any(numbers) and one == two

    if len(gold.columns) != len(predicted.columns) or len(gold.rows) != len(predicted.rows):
        return False
    orders = [predicted.rows] if gold.ordered else itertools.permutations(predicted.rows)
    return any(
        all(equal(*pair) for one, two in zip(gold.rows, order, strict=True) for pair in zip(one, two, strict=True))
        for order in orders
    )


def test_it_agrees_with_the_reference() -> None:
    rng = random.Random(4)
    pool = [None, "a", "A", "", 0, 1, 1.0, 1 + 4e-7, 1 + 8e-7, 1 + 1.2e-6, -1.0, "1"]
    counts = {True: 0, False: 0}
    for _ in range(4000):
        width = rng.randint(1, 3)
        few = rng.sample(pool, rng.randint(1, 4))
        rows = [tuple(rng.choice(few) for _ in range(width)) for _ in range(rng.randint(0, 4))]
        other = [tuple(v if rng.random() < 0.9 else rng.choice(few) for v in row) for row in rows]
        rng.shuffle(other)
        gold = result(*rows, ordered=rng.random() < 0.3, columns=width)
        predicted = result(*other, columns=width)
        assert same(gold, predicted) is reference(gold, predicted), (gold, predicted)
        counts[same(gold, predicted)] += 1
    assert min(counts.values()) > 500


def test_ten_thousand_rows_are_compared_in_a_moment() -> None:
    rng = random.Random(0)
    rows = [(f"name {n % 50}", n / 7, n) for n in range(10_000)]
    other = [(name, a * (1 + 1e-9), b) for name, a, b in rows]
    rng.shuffle(other)
    assert same(result(*rows), result(*other))
