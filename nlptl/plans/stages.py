"""Stages: one task after the other, each going on from what an earlier one learnt; the control is part of the kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, Literal

from pydantic import Field

from nlptl.errors import Problem, did_you_mean
from nlptl.plans import Asked, Claim, Inlined, Memory, Plan, Step, Take
from nlptl.recipe import Name
from nlptl.strict import Read, Value

SCRATCH = " from scratch"


class Stage(Value):
    """One task of the sequence."""

    name: Name
    """How the plan and its report call the stage."""

    recipe: str | Inlined
    """A recipe file, seen from the plan's folder, or the name of a shipped one; or a whole recipe, without seeds."""

    set: dict[str, Any] = Field(default_factory=dict)
    """What this plan changes of the recipe, as on the command line: `{data.train_rows: 200}`."""

    start: str | None = Field(default=None, min_length=1)
    """An earlier stage, whose run of the same seed this one goes on from, or the directory of a finished run; absent:
    the recipe's own checkpoint."""

    take: Take | None = None
    """What is taken over from `start`: `body`, under a new head, or `all`, with its head (labels matched by name)."""


class Stages(Plan):
    """Sequential transfer: stages that go on from each other, each beside the same recipe from scratch."""

    kind: Literal["stages"]

    stages: tuple[Stage, ...] = Field(min_length=1)
    """In the order in which they run."""

    control: Literal["from_scratch", "none"]
    """`from_scratch` runs each stage that has a `start` also from its recipe's own checkpoint, with the same seeds,
    rows and steps, and reports the gain over that; with `none` no gain is claimed."""

    def asked(self) -> tuple[Asked, ...]:
        """Name the recipe of each stage."""
        return tuple(
            Asked(stage.name, ("stages", number), stage.recipe, dict(stage.set))
            for number, stage in enumerate(self.stages)
        )

    def steps(self) -> tuple[Step, ...]:
        """Give each stage, and after one with a `start` its control."""
        found = []
        for number, stage in enumerate(self.stages):
            path = ("stages", number)
            found.append(Step(stage.name, stage.name, path, stage.start or "", stage.take or "body"))
            if stage.start and self.control == "from_scratch":
                found.append(Step(stage.name + SCRATCH, stage.name, path, control=True))
        return tuple(found)

    def claims(self) -> tuple[Claim, ...]:
        """Hold each stage that has a control against it."""
        return tuple(
            Claim(stage.name, stage.name + SCRATCH)
            for stage in self.stages
            if stage.start and self.control == "from_scratch"
        )

    def memories(self) -> tuple[Memory, ...]:
        """Score, after each stage, all those that it came from."""
        by_name = {stage.name: stage for stage in self.stages}
        found = []
        for stage in self.stages:
            before, line = stage.start, []
            while before in by_name and before not in line:
                line.append(before)
                before = by_name[before].start
            found += [Memory(earlier, stage.name) for earlier in reversed(line)]
        return tuple(found)

    def check(self, found: Read[Any]) -> Iterator[Problem]:
        """Yield names that stand twice, starts that are not there, and `take` without `start`."""
        names = [stage.name for stage in self.stages]
        for number, stage in enumerate(self.stages):
            here = ("stages", number)
            if stage.name in names[:number]:
                first = found.where("stages", names.index(stage.name), "name")
                yield found.problem((*here, "name"), f"'{stage.name}' stands here twice, first at {first}")
            if stage.start is not None and stage.start not in names[:number]:
                yield from _start(found, stage.start, names, number)
            if stage.start is not None and stage.take is None:
                yield found.problem((*here, "take"), "missing", "write take: body, or take: all")
            if stage.start is None and stage.take is not None:
                yield found.problem((*here, "take"), "there is no start to take from", "write start: STAGE")
        if not any(stage.start for stage in self.stages):
            what = "no stage goes on from another: nothing is transferred"
            yield found.problem(("stages",), what, "write start: STAGE and take: body")


def _start(found: Read[Any], start: str, names: list[str], number: int) -> Iterator[Problem]:
    path = ("stages", number, "start")
    if start in names:
        what = "is this stage itself" if names[number] == start else f"'{start}' comes later"
        yield found.problem(path, what, "name an earlier stage, or a run's directory")
    elif not FilePath(start).expanduser().is_dir():
        fix = did_you_mean(start, names[:number])
        yield found.problem(path, f"'{start}' is neither an earlier stage nor a run's directory", fix)
