"""Predicted SQL, run where it can do no harm, and whether it gives what the gold query gives: docs/execution.md."""

from nlptl.execution.outcomes import Outcome, same
from nlptl.execution.perturbing import perturbed
from nlptl.execution.pool import Pool, close, run
from nlptl.execution.scoring import Executed, Fate, fate, score

__all__ = ["Executed", "Fate", "Outcome", "Pool", "close", "fate", "perturbed", "run", "same", "score"]
