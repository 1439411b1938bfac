"""Faults put into a made world, each known by its rows: what `nlptl data` must find."""

from nlptl.planting.ground import Ground, Place
from nlptl.planting.kinds import KINDS, Kind, plant

__all__ = ["KINDS", "Ground", "Kind", "Place", "plant"]
