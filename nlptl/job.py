"""One seed's run while it goes on: its parts, how far it is, and who looks on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl import artifacts, backbone, engine
from nlptl.data import batches
from nlptl.prepare import Inputs
from nlptl.tasks import Feature, Row

if TYPE_CHECKING:
    from nlptl.computing import Computing


@dataclass(frozen=True)
class Watch:
    """Who looks on: `say` takes messages, `step` every training step, `work` (name, done, total) of other long work."""

    say: Callable[[str], None] = lambda text: None
    step: Callable[[engine.Step, int], None] = lambda step, total: None
    work: Callable[[str, int, int], None] = lambda name, done, total: None
    looked: Callable[[int, float], None] = lambda step, score: None
    """Takes the step and the score at each evaluation that chooses the best weights; what it raises ends the run
    there, to go on later."""


@dataclass(frozen=True)
class Progress:
    """What a checkpoint must know beside the weights to go on as if nothing had happened."""

    step: int = 0
    best_step: int = 0
    best_score: float | None = None
    without_better: int = 0
    history: tuple[dict[str, Any], ...] = ()
    seconds: float = 0.0
    """Spent in training steps, over all the pieces of the run."""
    stopped_early: bool = False
    last_score: float | None = None
    """What `best_score` is the best of, at the last evaluation."""


@dataclass(frozen=True)
class Job:
    """One seed's run, all parts opened."""

    inputs: Inputs
    seed: int
    directory: Path
    computing: Computing
    opened: backbone.Opened
    fitted: Any
    moving: engine.Trained
    features: Sequence[Feature]
    select: tuple[Sequence[Row], Sequence[Feature]]
    total: int
    stop: artifacts.Stop
    watch: Watch = field(default_factory=Watch)
    augmented: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By kind of augmentation how many copies met which fate."""
    pools: batches.Pools = ()
    target: Sequence[Feature] = ()
    """Unlabelled texts of `data.target`."""
    mixed: Mapping[str, Any] = field(default_factory=dict)
    """Of a task that was trained together with others: the stage, the others, its share of the steps."""

    @property
    def main(self) -> bool:
        """Whether this process writes."""
        return self.computing.main


def peak_memory_mib() -> float:
    """Give the most memory that this process ever held, in MiB; beside it, on a GPU, what torch took there is not
    counted.
    """
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
