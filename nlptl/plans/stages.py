"""Stages: one task after the other, each going on from what an earlier one learnt; the control is part of the kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, Literal

from pydantic import Field

from nlptl.errors import Problem, did_you_mean
from nlptl.plans import Asked, Claim, Heads, Inlined, Memory, Mixed, Plan, Step, Take
from nlptl.recipe import Name
from nlptl.strict import Path, Read, Value

SCRATCH = " from scratch"
ALONE = " alone"
TAKEN = frozenset({"checkpoints", "tables"})
"""Folders of a run's directory: no entry of a mixture may be called so, nor `best-…`."""


class Entry(Value):
    """One task of a stage that mixes several."""

    name: Name
    """How `STAGE/NAME` in the plan and its report, and `nlptl predict --task NAME`, call it."""

    recipe: str | Inlined
    """A recipe file, seen from the plan's folder, or the name of a shipped one; or a whole recipe, without seeds."""

    set: dict[str, Any] = Field(default_factory=dict)
    """What this plan changes of the recipe, after the stage's own `set`."""

    take: Take | None = None
    """What this entry takes over from the stage's `start`; absent: as the stage says."""


class Stage(Value):
    """One task of the sequence, or several that are trained together."""

    name: Name
    """How the plan and its report call the stage."""

    recipe: str | Inlined | None = None
    """A recipe file, seen from the plan's folder, or the name of a shipped one; or a whole recipe, without seeds."""

    mix: tuple[Entry, ...] = ()
    """In place of `recipe`: tasks, or languages of one, that are trained together: one body, a head each."""

    temperature: float | None = Field(default=None, gt=0, le=1000)
    """With `mix`: each optimizer step is of an entry that is drawn with probability n^(1/temperature), n the steps that
    its recipe has by itself: 1 as many as that, higher ones more and more alike."""

    heads: Heads | None = None
    """With `mix`: a head for `each` entry, as when it is absent, or `one` for all, which then are of one task with the
    same labels: languages, or data sets."""

    set: dict[str, Any] = Field(default_factory=dict)
    """What this plan changes of the recipe, as on the command line: `{data.train_rows: 200}`; with `mix`, of all."""

    start: str | None = Field(default=None, min_length=1)
    """An earlier stage, whose run of the same seed this one goes on from, or the directory of a finished run; absent:
    the recipe's own checkpoint. `STAGE/ENTRY` names one entry of a stage that mixes."""

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
        """Name the recipe of each stage, and of each entry of one that mixes."""
        found = []
        for number, stage in enumerate(self.stages):
            here = ("stages", number)
            if stage.recipe is not None:
                found.append(Asked(stage.name, here, stage.recipe, dict(stage.set)))
            for place, entry in enumerate(stage.mix):
                above: dict[str, Path] = {key: (*here, "set", key) for key in stage.set if key not in entry.set}
                changed = {**stage.set, **entry.set}
                found.append(
                    Asked(_step_of(stage, entry), (*here, "mix", place), entry.recipe, changed, above)
                )
        return tuple(found)

    def steps(self) -> tuple[Step, ...]:
        """Give each stage, and after it its control: of one with a `start`, and of each entry of one that mixes."""
        found = []
        controlled = self.control == "from_scratch"
        for number, stage in enumerate(self.stages):
            path = ("stages", number)
            if stage.recipe is not None:
                found.append(Step(stage.name, stage.name, path, self._start(stage), stage.take or "body"))
                if stage.start and controlled:
                    found.append(Step(stage.name + SCRATCH, stage.name, path, control=True))
            for place, entry in enumerate(stage.mix):
                name, own = _step_of(stage, entry), (*path, "mix", place)
                take = entry.take or stage.take or "body"
                found.append(Step(name, name, own, self._start(stage, entry), take))
            for place, entry in enumerate(stage.mix if controlled else ()):
                name = _step_of(stage, entry)
                found.append(Step(name + ALONE, name, (*path, "mix", place), control=True))
        return tuple(found)

    def mixtures(self) -> tuple[Mixed, ...]:
        """Give the stages that mix."""
        return tuple(
            Mixed(stage.name, {one.name: _step_of(stage, one) for one in stage.mix}, stage.temperature or 1.0,
                  ("stages", number), stage.heads or "each")
            for number, stage in enumerate(self.stages) if stage.mix
        )  # fmt: skip

    def claims(self) -> tuple[Claim, ...]:
        """Hold each step that has a control against it."""
        names = {step.name for step in self.steps() if step.control}
        ways = [(step.name, step.name + ending) for step in self.steps() for ending in (SCRATCH, ALONE)]
        return tuple(Claim(step, control) for step, control in ways if control in names)

    def memories(self) -> tuple[Memory, ...]:
        """Score, after each stage, all those that it came from. The body of a stage that mixes is that of each of its
        entries: the one of the same name stands for it, or else the first.
        """
        by_name = {stage.name: stage for stage in self.stages}
        found = []
        for stage in self.stages:
            line: list[str] = []
            before = _stage_in(stage.start)
            while before in by_name and before not in line:
                line.append(before)
                before = _stage_in(by_name[before].start)
            for name in reversed(line):
                found += [Memory(one, _like(stage, one)) for one in _steps_of(by_name[name])]
        return tuple(found)

    def check(self, found: Read[Any]) -> Iterator[Problem]:
        """Yield names that stand twice, starts that are not there, `take` without `start`, and faults of mixtures."""
        names = [stage.name for stage in self.stages]
        for number, stage in enumerate(self.stages):
            here = ("stages", number)
            if stage.name in names[:number]:
                first = found.where("stages", names.index(stage.name), "name")
                yield found.problem((*here, "name"), f"'{stage.name}' stands here twice, first at {first}")
            earlier = self.stages[:number]
            known = [name for one in earlier for name in dict.fromkeys((one.name, *_steps_of(one)))]
            if stage.start is not None and stage.start not in known:
                yield from _start(found, stage.start, known, names[number:], number)
            elif stage.start is not None:
                yield from self._heads(found, stage, number)
            given = stage.take is not None or (stage.mix and all(one.take for one in stage.mix))
            if stage.start is not None and not given:
                yield found.problem((*here, "take"), "missing", "write take: body, or take: all")
            if stage.start is None and stage.take is not None:
                yield found.problem((*here, "take"), "there is no start to take from", "write start: STAGE")
            yield from _mixing(found, stage, number)
        if not any(stage.start or stage.mix for stage in self.stages):
            what = "no stage goes on from another: nothing is transferred"
            yield found.problem(("stages",), what, "write start: STAGE and take: body")

    def _start(self, stage: Stage, entry: Entry | None = None) -> str:
        """Give the step that a stage, or an entry of it, goes on from, or what else its `start` names. Of a stage that
        mixes, all entries have one body: an entry takes that of its own name, where there is one.
        """
        before = next((one for one in self.stages if one.name == stage.start and one.mix), None)
        if before is None or stage.start is None:
            return stage.start or ""
        like = [one for one in before.mix if entry is not None and one.name == entry.name]
        return _step_of(before, (like or before.mix)[0])

    def _heads(self, found: Read[Any], stage: Stage, number: int) -> Iterator[Problem]:
        """Yield a head that is taken over from a stage with several, and no name that says which."""
        before = next((one for one in self.stages[:number] if one.name == stage.start and one.mix), None)
        if before is None:
            return
        names = [one.name for one in before.mix]
        what = f"take: all, but '{before.name}' has the heads of {' and '.join(names)}"
        if stage.recipe is not None and stage.take == "all":
            yield found.problem(("stages", number, "take"), what, f"write start: {before.name}/{names[0]}")
        for place, one in enumerate(stage.mix):
            if (one.take or stage.take) == "all" and one.name not in names:
                fix = "call the entry as one of them, or write take: body in it"
                yield found.problem(("stages", number, "mix", place, "name"), what, fix)


def _step_of(stage: Stage, entry: Entry) -> str:
    return f"{stage.name}/{entry.name}"


def _steps_of(stage: Stage) -> list[str]:
    """Name the steps of a stage, without controls: itself, or its entries."""
    return [_step_of(stage, one) for one in stage.mix] or [stage.name]


def _stage_in(start: str | None) -> str:
    """Give the stage of `STAGE` and of `STAGE/ENTRY`."""
    return (start or "").partition("/")[0]


def _like(stage: Stage, earlier: str) -> str:
    """Give the step of a stage whose body an earlier step is scored on."""
    names = _steps_of(stage)
    own = f"{stage.name}/{earlier.rpartition('/')[2]}"
    return own if own in names else names[0]


def _mixing(found: Read[Any], stage: Stage, number: int) -> Iterator[Problem]:
    """Yield what is wrong with a stage's `recipe`, `mix` and `temperature`."""
    here = ("stages", number)
    if stage.recipe is None and not stage.mix:
        yield found.problem((*here, "recipe"), "missing", "write recipe: NAME, or mix: with a list of several")
    if stage.recipe is not None and stage.mix:
        yield found.problem((*here, "mix"), "there is a recipe beside it", "name the recipe in an entry of mix")
    if len(stage.mix) == 1:
        yield found.problem((*here, "mix"), "one entry is no mixture", "add an entry, or write its recipe alone")
    if stage.mix and stage.temperature is None:
        fix = "write temperature: 1 for steps in proportion to the recipes' own, a higher one for more equal shares"
        yield found.problem((*here, "temperature"), "missing", fix)
    if not stage.mix and stage.temperature is not None:
        yield found.problem((*here, "temperature"), "there is nothing to mix", "write mix: with a list of recipes")
    if not stage.mix and stage.heads is not None:
        yield found.problem((*here, "heads"), "there is nothing to mix", "write mix: with a list of recipes")
    names = [one.name for one in stage.mix]
    for place, one in enumerate(stage.mix):
        path = (*here, "mix", place)
        if one.name in names[:place]:
            first = found.where(*here, "mix", names.index(one.name), "name")
            yield found.problem((*path, "name"), f"'{one.name}' stands here twice, first at {first}")
        if one.name in TAKEN or one.name.startswith("best-"):
            yield found.problem((*path, "name"), f"'{one.name}' is a folder of every run", "choose another name")
        if one.take is not None and stage.start is None:
            yield found.problem((*path, "take"), "there is no start to take from", "write start: STAGE in the stage")


def _start(found: Read[Any], start: str, known: list[str], later: list[str], number: int) -> Iterator[Problem]:
    path = ("stages", number, "start")
    if start in later:
        what = "is this stage itself" if later[0] == start else f"'{start}' comes later"
        yield found.problem(path, what, "name an earlier stage, or a run's directory")
    elif not FilePath(start).expanduser().is_dir():
        fix = did_you_mean(start, known)
        yield found.problem(path, f"'{start}' is neither an earlier stage nor a run's directory", fix)
