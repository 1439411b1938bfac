"""The domains of a run, on the page and on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nlptl.report.facts import Facts, Made


def lines(report: Mapping[str, Any]) -> list[str]:
    """Give what is said of the domains, a sentence a line; nothing for a run without a target."""
    one = report.get("domains")
    if not one:
        return []
    target = one["target"]
    of = f"{target['card']}, split {target['split']}"
    found = [f"{target['texts']:,} unlabelled texts of {of}, stood beside the rows"]
    sides = [(name, one[name]) for name in ("before", "after") if one[name]]
    if sides:
        told = " and ".join(
            f"{side['distance']:.2f} ({side['interval'][0]:.2f} to {side['interval'][1]:.2f}) {name} training"
            for name, side in sides
        )
        found.append(
            f"distance of the domains (proxy A-distance; 0: not to be told apart, 2: always): {told}, "
            f"over {sides[0][1]['texts']:,} texts not fitted on"
        )
    else:
        found.append("too few texts for a distance of the domains")
    if report.get("oracle"):
        found.append("labels of another domain than the source's chose the weights: no score here is without them")
    if own := one.get("self_training"):
        share = own["taken"] / own["seen"] if own["seen"] else 0.0
        found.append(f"self-training took {own['taken']:,} of {own['seen']:,} answers ({share:.0%})")
    return found


def section(facts: Facts) -> Made:
    """Give the page's section."""
    return Made([f"{line[0].upper()}{line[1:]}." for line in lines(facts.report)], [])
