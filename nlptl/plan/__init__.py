"""Plans: one recipe looked through and tried out, and lists of runs that are held against each other."""

from nlptl.plan.trying import Planned, plan

__all__ = ["Planned", "plan"]
