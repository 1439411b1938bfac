"""The shelf of plans: a plan is a list of runs, and says what of them is held against what.

A kind is settings and pure verbs alone, so that `nlptl check` can read it; `nlptl.plan` runs what the verbs give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from nlptl.recipe import Name, Recipe, Seed
from nlptl.strict import Value
from nlptl.unsaid import TrainUnsaid

if TYPE_CHECKING:
    from nlptl.errors import Problem
    from nlptl.strict import Path, Read

__all__ = ["Asked", "Cell", "Claim", "Heads", "Inlined", "Memory", "Mixed", "Plan", "Step", "Take"]

Take = Literal["body", "all"]
Heads = Literal["each", "one"]
"""Of what is trained together: a head for each, or one for all."""


class Inlined(Recipe):
    """A recipe that stands in a plan: as a file's, but the seeds are the plan's."""

    train: TrainUnsaid
    """What `auto` sets may be left out beside it; whether it is there is asked of the recipe by itself."""

    seeds: tuple[Seed, ...] = Field(default=(), max_length=0)
    """Left out: the plan names the seeds of all its runs."""


@dataclass(frozen=True)
class Asked:
    """A recipe that a plan uses, under the name that its steps call it by."""

    name: str
    path: Path
    """Where in the plan it is asked for: there stand its keys `recipe` and `set`."""
    recipe: str | Inlined
    set: dict[str, Any]
    places: Mapping[str, Path] = field(default_factory=dict)
    """Keys of `set` that stand elsewhere in the plan, with where."""


@dataclass(frozen=True)
class Step:
    """One run for each seed of the plan."""

    name: str
    recipe: str
    """Name of the Asked that it runs."""
    path: Path
    """Where in the plan it stands, for messages."""
    start: str = ""
    """What it goes on from: an earlier step, run by run of the same seed, or a run's directory; "" where it begins with
    the recipe's own checkpoint.
    """
    take: Take = "body"
    control: bool = False
    """Whether it is there to be compared with alone."""


@dataclass(frozen=True)
class Claim:
    """That the runs of `step` are better than those of `control`: same recipe, same seeds."""

    step: str
    control: str


@dataclass(frozen=True)
class Memory:
    """How well `earlier` can still be done on the body that `later` ended with."""

    earlier: str
    later: str


@dataclass(frozen=True)
class Cell:
    """That `step` is the target's recipe, gone on from the source: one cell of a matrix."""

    source: str
    target: str
    step: str


@dataclass(frozen=True)
class Mixed:
    """Steps that are trained together, one optimizer step of one of them at a time: one body, a head each."""

    name: str
    members: Mapping[str, str]
    """Name of an entry -> its step; the steps follow each other in the plan."""
    temperature: float
    path: Path
    """Where in the plan it stands, for messages."""
    heads: Heads = "each"


class Plan(Value):
    """Contract of a plan: what it runs, and what is held against what."""

    kind: str

    name: Name
    """Names the directory of the plan's report: lower case, digits, `.`, `_`, `-`."""

    seeds: tuple[Seed, ...] = Field(min_length=1)
    """One run of every step for each; those of the recipes do not count."""

    on_leak: Literal["stop", "report"] = "stop"
    """What is done where a test set has texts that an earlier run of the plan is trained on: `stop` before anything
    runs, and list them, or `report` the scores on the other rows beside those on all."""

    nlptl: str | None = Field(default=None, pattern=r"^\d+(\.\d+)*$")
    """The earliest version of nlptl that can read this plan; absent: any."""

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds: {list(self.seeds)} names one twice; each seed is one run")
        return self

    def asked(self) -> Sequence[Asked]:
        """Name the recipes that it uses."""
        raise AssertionError(f"plan kind '{self.kind}' has no verb `asked`")

    def steps(self) -> Sequence[Step]:
        """Name its runs, each after what it goes on from."""
        raise AssertionError(f"plan kind '{self.kind}' has no verb `steps`")

    def claims(self) -> Sequence[Claim]:
        """Name what is to be held against what. By default nothing."""
        return ()

    def memories(self) -> Sequence[Memory]:
        """Name the steps that are scored again after others. By default none."""
        return ()

    def cells(self) -> Sequence[Cell]:
        """Name the pairs of a matrix: source, target, and the step from the one to the other. By default none."""
        return ()

    def mixtures(self) -> Sequence[Mixed]:
        """Name the steps that are trained together. By default none."""
        return ()

    def check(self, found: Read[Any]) -> Iterator[Problem]:
        """Yield what is wrong with the plan by itself, before its recipes are read."""
        yield from ()
