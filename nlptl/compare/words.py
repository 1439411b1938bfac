"""What a difference with its interval lets one say."""

from __future__ import annotations

LEVEL = 0.05


def verdict(
    first: str, second: str, difference: tuple[float, float, float], p: float, *, seed_alone: bool = False
) -> str:
    """Say who is better and by how much. `difference` is low, value, high of `second` less `first`, as shares.

    "Better" needs both an interval without 0 and a p (adjusted, where there are several) of at most 0.05. The other
    words do not say that the two are equal. Where the seed alone differs, one recipe cannot be better than itself.
    """
    low, value, high = difference
    fine = 100 * (high - low) < 1
    if seed_alone and p <= LEVEL and (low > 0 or high < 0):
        told = f"{points(value, fine, sign=True)} points ({points(low, fine)} to {points(high, fine)})"
        return f"{first} and {second} cannot be told apart: they are one recipe, and the seed made {told}"
    if p <= LEVEL and low > 0:
        return f"{second} is better by {points(value, fine)} points ({points(low, fine)} to {points(high, fine)})"
    if p <= LEVEL and high < 0:
        return f"{first} is better by {points(-value, fine)} points ({points(-high, fine)} to {points(-low, fine)})"
    shown = f"{points(value, fine, sign=True)} points ({points(low, fine)} to {points(high, fine)})"
    return f"{first} and {second} cannot be told apart: {shown}"


def points(share: float, fine: bool = False, *, sign: bool = False) -> str:
    """Give a share in points of a hundred; never "-0.0"."""
    digits = 2 if fine else 1
    number = round(100 * share, digits) + 0.0
    return f"{number:+.{digits}f}" if sign else f"{number:.{digits}f}"
