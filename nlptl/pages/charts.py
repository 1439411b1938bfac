"""Charts of values: bars with intervals, lines over steps, histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nlptl.pages import axes
from nlptl.pages.markup import Markup, join

POINTS = 200
"""Points of a line that are drawn; of more, means of neighbours."""
_BAR, _GAP = 14.0, 20.0


@dataclass(frozen=True)
class Bar:
    """A value with its name, what is written beside it, and its interval where it has one."""

    label: str
    value: float
    shown: str = ""
    low: float | None = None
    high: float | None = None


def bars(title: str, found: Sequence[Bar], *, top: float | None = None, first: bool = False) -> Markup:
    """Draw bars from 0 to `top` (absent: the greatest), names above them; with `first` the first one is the one that
    counts and the others are quiet.
    """
    most = top or max([*(bar.high or bar.value for bar in found), 1e-12])
    axis = axes.Axis(0.0, most, 2.0, axes.WIDTH - 2.0)
    parts, step = [], _BAR + _GAP
    for number, bar in enumerate(found):
        y = number * step
        text = bar.shown or axes.label(bar.value)
        parts += [
            axes.words("", 2, y + 14, _short(bar.label, 50 - len(text))),
            axes.words("e", axes.WIDTH - 2, y + 14, text),
            axes.rectangle("b2" if first and number else "b1", 2, y + _GAP, axis.at(max(0.0, bar.value)) - 2, _BAR),
        ]
        if bar.low is not None and bar.high is not None:
            middle = y + _GAP + _BAR / 2
            left, right = axis.at(max(0.0, bar.low)), axis.at(bar.high)
            parts += [
                axes.line("range", left, middle, right, middle),
                *(axes.line("range", x, middle - 4, x, middle + 4) for x in (left, right)),
            ]
    said = "; ".join(f"{bar.label}: {bar.shown or axes.label(bar.value)}" for bar in found)
    return axes.figure(title, said, join(parts), height=max(1, len(found)) * step + 2)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]], *, x: str, y: str, said: str = "") -> Markup:
    """Draw at most three lines of (x, y) points, each with its own colour and dashes; a line of one point is a dot.

    `said` describes it for who cannot see it; absent: where each line begins and ends.
    """
    assert 1 <= len(series) <= 3, "there are three kinds of line"
    points = [point for one in series.values() for point in one]
    across, upward = _room(points)
    parts = [axes.frame(across, upward, x, y)]
    for number, one in enumerate(series.values(), 1):
        thin = thinned(one)
        places = [(across.at(a), upward.at(b)) for a, b in thin]
        if len(places) > 1:
            path = " ".join(f"{axes.number(a)},{axes.number(b)}" for a, b in places)
            parts.append(Markup('<polyline class="l{}" points="{}"/>').format(number, path))
        if len(places) <= 20:
            parts += [
                Markup('<circle class="d{}" cx="{}" cy="{}" r="3"/>').format(number, axes.number(a), axes.number(b))
                for a, b in places
            ]
    ends = [
        f"{name}: from {one[0][1]:.4g} at {one[0][0]:g} to {one[-1][1]:.4g} at {one[-1][0]:g}"
        for name, one in series.items()
        if one
    ]
    return axes.figure(title, said or "; ".join(ends), join(parts), key=list(series) if len(series) > 1 else ())


def _room(points: Sequence[tuple[float, float]]) -> tuple[axes.Axis, axes.Axis]:
    (left, right), (low, high) = (axes.widened([point[side] for point in points] or [0.0]) for side in (0, 1))
    margin = (high - low) * 0.05
    left = 0.0 if 0 <= left <= right / 2 else left  # steps are counted from 0
    return axes.across(left, right), axes.upward(low - (0 if low == 0 else margin), high + margin)


def thinned(points: Sequence[tuple[float, float]], most: int = POINTS) -> list[tuple[float, float]]:
    """Give at most `most` points: means of equally many neighbours each, the last group perhaps smaller."""
    size = -(-len(points) // most)
    groups = [points[start : start + size] for start in range(0, len(points), max(1, size))]
    return [(sum(a for a, _ in one) / len(one), sum(b for _, b in one) / len(one)) for one in groups]


def histogram(
    title: str, edges: Sequence[float], counts: Sequence[int], *, x: str, y: str = "rows", limit: float | None = None
) -> Markup:
    """Draw counts between `edges` (one more than counts); `limit` draws a dashed line at a value, such as a window."""
    assert len(edges) == len(counts) + 1, "there is one edge more than there are bins"
    across = axes.across(
        min(edges[0], edges[0] if limit is None else limit), max(edges[-1], edges[-1] if limit is None else limit)
    )
    upward = axes.upward(0.0, max([*counts, 1]) * 1.05)
    parts = [axes.frame(across, upward, x, y)]
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        left, right, top = across.at(low), across.at(high), upward.at(count)
        parts.append(axes.rectangle("b1", left + 0.5, top, right - left - 1, upward.start - top))
    if limit is not None:
        parts.append(axes.line("ideal", across.at(limit), upward.start, across.at(limit), upward.end))
    most = max(range(len(counts)), key=counts.__getitem__) if counts else 0
    said = f"{sum(counts):,} {y}" + (
        f", most of them ({counts[most]:,}) from {edges[most]:g} to {edges[most + 1]:g}" if counts else ""
    )
    return axes.figure(title, said, join(parts))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
