"""Predicted SQL, run where it can do no harm, and whether it gives what the gold query gives: docs/execution.md."""

from nlptl.execution.outcomes import Outcome, same
from nlptl.execution.pool import Pool, close, run

__all__ = ["Outcome", "Pool", "close", "run", "same"]
