"""Charts, by arithmetic on their coordinates."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from nlptl import pages
from nlptl.pages import axes
from nlptl.pages.charts import thinned

X0, X1 = axes.LEFT, axes.WIDTH - axes.RIGHT
Y0, Y1 = axes.HEIGHT - axes.BOTTOM, axes.TOP


def drawn(text: str) -> ElementTree.Element:
    """Give the drawing; it must be well-formed XML."""
    found = ElementTree.fromstring(text).find("svg")
    assert found is not None
    return found


def all_of(text: str, tag: str, kind: str) -> list[dict[str, str]]:
    return [one.attrib for one in drawn(text).iter(tag) if one.get("class") == kind]


def points(text: str, number: int = 1) -> list[tuple[float, float]]:
    (line,) = all_of(text, "polyline", f"l{number}")
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line["points"].split())]


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 430, [0, 100, 200, 300, 400]),
        (0.62, 0.71, [0.62, 0.64, 0.66, 0.68, 0.7]),
        (-3, 3, [-2, 0, 2]),
        (7, 7, [7]),
        (0, 1234567, [0, 500000, 1000000]),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, wanted: list[float]) -> None:
    assert axes.ticks(low, high) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0, "0"),
        (0.30000000000000004, "0.3"),
        (1500, "1500"),
        (2000, "2k"),
        (12500, "12.5k"),
        (3e6, "3M"),
    ],
)
def test_ticks_are_written_short(value: float, wanted: str) -> None:
    assert axes.label(value) == wanted


def test_a_line_goes_from_corner_to_corner_of_its_frame() -> None:
    text = pages.lines("Loss", {"loss": [(0, 0.0), (50, 5.0), (100, 10.0)]}, x="step", y="loss")
    # The lower end is 0 and stays, the upper end has 5 % of room: 10 of 10.5.
    top = Y0 + (Y1 - Y0) * 10 / 10.5
    wanted = [(X0, Y0), ((X0 + X1) / 2, (Y0 + top) / 2), (X1, top)]
    for found, expected in zip(points(text), wanted, strict=True):
        assert found == pytest.approx(expected, abs=0.01)


def test_a_line_says_where_it_begins_and_ends() -> None:
    description = drawn(pages.lines("Loss", {"loss": [(1, 0.7), (9, 0.25)]}, x="step", y="loss")).findtext("desc")
    assert description == "loss: from 0.7 at 1 to 0.25 at 9"


def test_steps_are_counted_from_zero_and_years_are_not() -> None:
    steps = pages.lines("L", {"a": [(10, 1), (100, 2)]}, x="step", y="y")
    assert points(steps)[0][0] == pytest.approx(X0 + (X1 - X0) * 0.1, abs=0.01)
    years = pages.lines("L", {"a": [(1990, 1), (2020, 2)]}, x="year", y="y")
    assert points(years)[0][0] == pytest.approx(X0, abs=0.01)


def test_a_single_point_is_a_dot_in_the_middle() -> None:
    (dot,) = all_of(pages.lines("L", {"a": [(10, 3.0)]}, x="x", y="y"), "circle", "d1")
    assert (float(dot["cx"]), float(dot["cy"])) == pytest.approx(((X0 + X1) / 2, (Y0 + Y1) / 2), abs=0.01)


def test_series_differ_by_more_than_colour_and_stand_in_a_key() -> None:
    text = pages.lines("L", {"one": [(0, 0), (1, 1)], "two": [(0, 1), (1, 0)]}, x="x", y="y")
    assert points(text, 1)[0][1] > points(text, 2)[0][1]
    assert re.findall(r"</svg>(\w+)</li>", text) == ["one", "two"]


def test_many_points_become_means_of_neighbours() -> None:
    assert thinned([(n, float(n % 2)) for n in range(1000)], 100)[:2] == [(4.5, 0.5), (14.5, 0.5)]
    assert thinned([(1, 2)], 100) == [(1, 2)]
    assert thinned([], 100) == []
    last = thinned([(n, 10.0 * n) for n in range(7)], 3)
    assert last == [(1, 10), (4, 40), (6, 60)]


def test_a_bar_is_as_long_as_its_value_and_its_interval_lies_on_it() -> None:
    text = pages.bars("S", [pages.Bar("a", 0.5, "50.0", 0.25, 0.75), pages.Bar("b", 1.0)], top=1.0, first=True)
    room = axes.WIDTH - 4
    (first,), (second,) = all_of(text, "rect", "b1"), all_of(text, "rect", "b2")
    assert float(first["width"]) == pytest.approx(room / 2)
    assert float(second["width"]) == pytest.approx(room)
    across = all_of(text, "line", "range")[0]
    assert (float(across["x1"]), float(across["x2"])) == pytest.approx((2 + room / 4, 2 + room * 3 / 4))
    assert float(first["y"]) < float(across["y1"]) < float(first["y"]) + float(first["height"])


def test_without_a_top_the_longest_bar_fills_the_room() -> None:
    bars = all_of(pages.bars("S", [pages.Bar("a", 30), pages.Bar("b", 120)]), "rect", "b1")
    assert [float(one["width"]) for one in bars] == pytest.approx([(axes.WIDTH - 4) / 4, axes.WIDTH - 4])
    assert pages.bars("S", [pages.Bar("a", 0.0)])
    assert pages.bars("none", [])


def test_columns_of_a_histogram_stand_on_their_edges() -> None:
    text = pages.histogram("H", [0, 10, 30], [4, 8], x="tokens", limit=20)
    found = all_of(text, "rect", "b1")
    assert [float(one["x"]) for one in found] == pytest.approx([X0 + 0.5, X0 + (X1 - X0) / 3 + 0.5], abs=0.01)
    heights = [float(one["height"]) for one in found]
    assert heights[1] == pytest.approx((Y0 - Y1) / 1.05, abs=0.01)
    assert heights[0] == pytest.approx(heights[1] / 2, abs=0.01)
    (limit,) = all_of(text, "line", "ideal")
    assert float(limit["x1"]) == pytest.approx(X0 + (X1 - X0) * 2 / 3, abs=0.01)
    assert drawn(text).findtext("desc") == "12 rows, most of them (8) from 10 to 30"


def test_a_histogram_wants_one_edge_more_than_columns() -> None:
    with pytest.raises(AssertionError, match="one edge more"):
        pages.histogram("H", [0, 1], [1, 2], x="x")


def test_reliability_puts_a_dot_where_a_bin_lies_and_none_where_it_is_empty() -> None:
    bins = [pages.Bin(0, 0.5, 0, 0.25, 0.0, 0.0, 1.0), pages.Bin(0.5, 1, 25, 0.75, 0.5, 0.3, 0.7)]
    text = pages.reliability("R", bins)
    (dot,) = all_of(text, "circle", "d1")
    assert float(dot["cx"]) == pytest.approx(X0 + (X1 - X0) * 0.75, abs=0.01)
    assert float(dot["cy"]) == pytest.approx((Y0 + Y1) / 2, abs=0.01)
    (ideal,) = all_of(text, "line", "ideal")
    assert [float(ideal[one]) for one in ("x1", "y1", "x2", "y2")] == pytest.approx([X0, Y0, X1, Y1])
    (reach,) = all_of(text, "line", "range")
    assert float(reach["y1"]) - float(reach["y2"]) == pytest.approx((Y0 - Y1) * 0.4, abs=0.01)


def test_nothing_is_drawn_outside_of_a_chart() -> None:
    text = pages.lines("L", {"a": [(n, (-1) ** n * n) for n in range(40)]}, x="x", y="y")
    for x, y in points(text):
        assert X0 <= x <= X1
        assert Y1 <= y <= Y0
