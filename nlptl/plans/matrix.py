"""The matrix: every task from every other one, each pair beside the target from scratch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from nlptl.errors import Problem, did_you_mean
from nlptl.plans import Asked, Cell, Claim, Inlined, Plan, Step
from nlptl.recipe import Name
from nlptl.strict import Read, Value

AFTER = " after "


class Entry(Value):
    """One task of the matrix."""

    name: Name
    """How the plan and its report call the task."""

    recipe: str | Inlined
    """A recipe file, seen from the plan's folder, or the name of a shipped one; or a whole recipe, without seeds."""

    set: dict[str, Any] = Field(default_factory=dict)
    """What this plan changes of the recipe, as on the command line: `{data.train_rows: 200}`."""


class Matrix(Plan):
    """Sources by targets: which task is best learnt before which."""

    kind: Literal["matrix"]

    tasks: tuple[Entry, ...] = Field(min_length=2)
    """Every task with its recipe; each is trained from scratch once a seed, as a source and as a control."""

    sources: tuple[Name, ...] | None = None
    """The tasks that others go on from; absent: all."""

    targets: tuple[Name, ...] | None = None
    """The tasks that go on from others; absent: all."""

    def pairs(self) -> list[tuple[Entry, Entry]]:
        """Give every source with every target but itself, target by target."""
        names = tuple(task.name for task in self.tasks)
        by_name = {task.name: task for task in self.tasks}
        sources, targets = (names if given is None else given for given in (self.sources, self.targets))
        return [(by_name[one], by_name[other]) for other in targets for one in sources if one != other]

    def used(self) -> list[str]:
        """Name the tasks that stand in a pair."""
        pairs = self.pairs()
        return [task.name for task in self.tasks if any(task in pair for pair in pairs)]

    def asked(self) -> tuple[Asked, ...]:
        """Name the recipe of each task."""
        return tuple(
            Asked(task.name, ("tasks", number), task.recipe, dict(task.set)) for number, task in enumerate(self.tasks)
        )

    def steps(self) -> tuple[Step, ...]:
        """Give each task from scratch, and then each pair."""
        number = {task.name: at for at, task in enumerate(self.tasks)}
        sources = {source.name for source, _ in self.pairs()}
        alone = [Step(name, name, ("tasks", number[name]), control=name not in sources) for name in self.used()]
        return (*alone, *(
            Step(target.name + AFTER + source.name, target.name, ("tasks", number[target.name]), source.name)
            for source, target in self.pairs()
        ))  # fmt: skip

    def claims(self) -> tuple[Claim, ...]:
        """Hold each pair against the target from scratch."""
        return tuple(Claim(cell.step, cell.target) for cell in self.cells())

    def cells(self) -> tuple[Cell, ...]:
        """Give the pairs."""
        return tuple(
            Cell(source.name, target.name, target.name + AFTER + source.name) for source, target in self.pairs()
        )

    def check(self, found: Read[Any]) -> Iterator[Problem]:
        """Yield names that stand twice or are not there, and a matrix without a pair."""
        names = [task.name for task in self.tasks]
        for number, name in enumerate(names):
            if name in names[:number]:
                first = found.where("tasks", names.index(name), "name")
                yield found.problem(("tasks", number, "name"), f"'{name}' stands here twice, first at {first}")
        unknown = False
        for key, given in (("sources", self.sources), ("targets", self.targets)):
            for number, name in enumerate(given or ()):
                if name not in names:
                    unknown = True
                    yield found.problem((key, number), f"no task '{name}'", did_you_mean(name, names))
                elif name in (given or ())[:number]:
                    yield found.problem((key, number), f"'{name}' stands here twice")
        if not unknown and not self.pairs():
            yield found.problem(("tasks",), "there is no source with a target but itself", "name two tasks")
