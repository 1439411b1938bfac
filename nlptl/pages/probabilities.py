"""The reliability diagram: how often a model is right against how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nlptl.pages import axes
from nlptl.pages.markup import Markup, join


@dataclass(frozen=True)
class Bin:
    """Decisions whose probability lies between two edges: how many, their mean probability, the share that is right,
    and the interval of that share.
    """

    low: float
    high: float
    count: int
    confidence: float
    right: float
    right_low: float
    right_high: float


def reliability(title: str, bins: Sequence[Bin], *, x: str = "probability", y: str = "share that is right") -> Markup:
    """Draw the share that is right, with its interval, at each bin's mean probability. On the dashed line a model is as
    often right as it says. Dots are larger where more decisions lie.
    """
    across, upward = axes.across(0.0, 1.0), axes.upward(0.0, 1.0)
    parts = [
        axes.frame(across, upward, x, y),
        axes.line("ideal", across.at(0), upward.at(0), across.at(1), upward.at(1)),
    ]
    found = [one for one in bins if one.count]
    total = sum(one.count for one in found) or 1
    for one in found:
        place = across.at(one.confidence)
        parts += [
            axes.line("range", place, upward.at(one.right_low), place, upward.at(one.right_high)),
            Markup('<circle class="d1" cx="{}" cy="{}" r="{}"/>').format(
                axes.number(place), axes.number(upward.at(one.right)), axes.number(2.5 + 5 * (one.count / total) ** 0.5)
            ),
        ]
    said = "; ".join(f"{one.count:,} at {one.confidence:.2f}: {one.right:.2f} right" for one in found)
    return axes.figure(title, said or "no decisions", join(parts))
