"""What charts share: the frame, ticks at round numbers, a legend. All coordinates are in the SVG's own units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nlptl.pages.markup import Content, Markup, join, plain

WIDTH, HEIGHT = 360.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 10.0, 10.0, 38.0
"""Size of a chart and its margins. On a phone the chart is about as wide as this, so text of 11 units stays legible."""


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` along `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Give the coordinate of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def across(low: float, high: float) -> Axis:
    """Give the horizontal axis for values from `low` to `high`."""
    return Axis(low, high, LEFT, WIDTH - RIGHT)


def upward(low: float, high: float) -> Axis:
    """Give the vertical axis for values from `low` to `high`."""
    return Axis(low, high, HEIGHT - BOTTOM, TOP)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Give round numbers (1, 2 or 5 times a power of ten apart) in [low, high], at most `most` + 1."""
    if high <= low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if (high - low) / (power * factor) <= most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def widened(values: Sequence[float]) -> tuple[float, float]:
    """Give the least and the greatest of values, a little apart where they are equal."""
    low, high = min(values), max(values)
    gap = 0.0 if high > low else max(abs(low) * 0.05, 0.5)
    return low - gap, high + gap


def number(value: float) -> str:
    """Write a coordinate: two decimals at most."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def label(value: float) -> str:
    """Write a tick: short, thousands as k, millions as M."""
    for size, sign in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * size or (abs(value) >= size and value % size == 0):
            return f"{value / size:.6g}{sign}"
    return f"{round(value, 10):.6g}"


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    """Draw a straight line."""
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        kind, number(x1), number(y1), number(x2), number(y2)
    )


def rectangle(kind: str, x: float, y: float, width: float, height: float) -> Markup:
    """Draw a rectangle; a negative size is none."""
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        kind, number(x), number(y), number(max(0.0, width)), number(max(0.0, height))
    )


def words(kind: str, x: float, y: float, text: str) -> Markup:
    """Write a text at a place; classes `q` quiet, `m` centred, `e` ending there."""
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(kind, number(x), number(y), plain(text))


def frame(x: Axis, y: Axis, x_title: str, y_title: str, *, x_ticks: Sequence[float] | None = None) -> Markup:
    """Draw grid, ticks and the titles of both axes."""
    parts = []
    for value in ticks(y.low, y.high):
        parts += [
            line("grid", x.start, y.at(value), x.end, y.at(value)),
            words("q e", x.start - 5, y.at(value) + 4, label(value)),
        ]
    for value in ticks(x.low, x.high) if x_ticks is None else x_ticks:
        parts += [
            line("axis", x.at(value), y.start, x.at(value), y.start + 4),
            words("q m", x.at(value), y.start + 16, label(value)),
        ]
    parts += [
        line("axis", x.start, y.start, x.end, y.start),
        words("q m", (x.start + x.end) / 2, y.start + 32, x_title),
        Markup('<text class="q m" transform="translate(11 {}) rotate(-90)">{}</text>').format(
            number((y.start + y.end) / 2), plain(y_title)
        ),
    ]
    return join(parts)


def figure(
    title: str, description: str, drawing: Content, *, height: float = HEIGHT, key: Sequence[str] = ()
) -> Markup:
    """Put a drawing into a figure with a caption; title and description are what a screen reader says of it. `key`
    names series 1, 2 and 3.
    """
    legend = join(
        Markup(
            '<li><svg viewBox="0 0 32 12" aria-hidden="true"><line class="l{}" x1="0" y1="6" x2="32" y2="6"/></svg>'
            "{}</li>"
        ).format(place, plain(name))
        for place, name in enumerate(key, 1)
    )
    return Markup(
        '<figure><figcaption>{0}</figcaption><svg role="img" viewBox="0 0 {1} {2}"><title>{0}</title>'
        "<desc>{3}</desc>{4}</svg>{5}</figure>"
    ).format(
        plain(title), number(WIDTH), number(height), plain(description), drawing,
        Markup('<ul class="key">{}</ul>').format(legend) if legend else "",
    )  # fmt: skip
