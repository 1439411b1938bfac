"""The interval chart: differences with their intervals, beside the line of no difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nlptl.pages import axes
from nlptl.pages.markup import Markup, join

_STEP, _TOP = 34.0, 4.0


@dataclass(frozen=True)
class Between:
    """A difference and its interval, with its name and what is written beside it."""

    label: str
    low: float
    value: float
    high: float
    shown: str


def intervals(title: str, found: Sequence[Between], *, x: str) -> Markup:
    """Draw a dot and its interval a line, names above; the dashed line is no difference."""
    values = [0.0, *(end for one in found for end in (one.low, one.high))]
    low, high = axes.widened(values)
    margin = (high - low) * 0.05
    axis = axes.Axis(low - margin, high + margin, 8.0, axes.WIDTH - 8.0)
    height = _TOP + max(1, len(found)) * _STEP
    parts = [
        axes.line("ideal", axis.at(0), _TOP, axis.at(0), height),
        axes.line("axis", 8, height, axes.WIDTH - 8, height),
    ]
    for number, one in enumerate(found):
        y = _TOP + number * _STEP
        middle = y + 24
        parts += [
            axes.words("", 2, y + 13, one.label if len(one.label) + len(one.shown) < 52 else f"{one.label[:30]}…"),
            axes.words("e", axes.WIDTH - 2, y + 13, one.shown),
            axes.line("range", axis.at(one.low), middle, axis.at(one.high), middle),
            *(axes.line("range", axis.at(end), middle - 4, axis.at(end), middle + 4) for end in (one.low, one.high)),
            Markup('<circle class="d1" cx="{}" cy="{}" r="4"/>').format(
                axes.number(axis.at(one.value)), axes.number(middle)
            ),
        ]
    for tick in axes.ticks(axis.low, axis.high):
        parts += [
            axes.line("axis", axis.at(tick), height, axis.at(tick), height + 4),
            axes.words("q m", axis.at(tick), height + 16, axes.label(tick)),
        ]
    parts.append(axes.words("q m", axes.WIDTH / 2, height + 32, x))
    said = "; ".join(f"{one.label}: {one.shown}" for one in found)
    return axes.figure(title, said, join(parts), height=height + 38)
