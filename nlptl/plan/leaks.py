"""The leak guard: texts that some run of a plan trains on, and that a later one is tested with.

What is held against a test set: the training rows, as drawn for each seed, and their augmented copies, of every other
step that the tested model came from, or that its body went through before the step is scored again. A step's own
training rows are not: each run counts those itself, and scores the others beside.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from nlptl import artifacts, checks, mixtures, prepare, targets
from nlptl.augment import Augment
from nlptl.cards import DataCard
from nlptl.data import ngrams, overlap
from nlptl.errors import BadInput, NlptlError, Problem
from nlptl.plan.reading import CheckedPlan
from nlptl.plans import Step
from nlptl.prepare import Inputs
from nlptl.report.tables import Column, Table
from nlptl.tasks import Row

Kind = Literal["exact", "near", "n-gram"]
SHOWN = 160
"""Signs of a text in a list of leaks."""
SHORTEST = 3
"""Words of the shortest text that counts: "yes" and "no thanks" stand in two sets by chance."""
FIRST = 5
"""Leaks of a pair of steps that a message shows."""
APART = "\x1f"


@dataclass(frozen=True)
class Leak:
    """A row of a test set, and a training row of another step with the same text, or nearly, or most of it."""

    trained: str
    """The step, or the directory of a run that a step goes on from."""
    train_id: str
    tested: str
    test_id: str
    split: str
    kind: Kind
    share: float
    """Of character 5-grams in either that are in both, where the texts are nearly the same; of the shorter text's word
    8-grams, where one stands in the other."""
    train_text: str
    test_text: str


@dataclass(frozen=True)
class Leaks:
    """What the guard found."""

    found: Sequence[Leak]
    """At most one a kind of text, step trained and row tested where texts are no near-duplicates."""
    texts: Mapping[str, int]
    """Training texts by step."""
    unread: Sequence[str]
    """Training texts that could not be looked at, and why."""
    seconds: float

    def ids(self, step: str) -> frozenset[str]:
        """Name the rows that a step should not be tested with."""
        return frozenset(one.test_id for one in self.found if one.tested == step)


@dataclass(frozen=True)
class _Trained:
    """What a step or a run trained on: rows of all seeds with their copies."""

    card: DataCard
    rows: Sequence[Row]


def find(checked: CheckedPlan, gathered: Mapping[str, Inputs], *, opening: bool, offline: bool = False) -> Leaks:
    """Look at every test set of the plan. `opening` False leaves out copies that need a model to be made."""
    began = time.perf_counter()
    guard = _Guard(checked, gathered, opening, offline)
    found: dict[tuple[str, str, str, str], Leak] = {}
    for step in checked.plan.steps():
        for name in guard.seen(step):
            inputs = gathered[step.recipe]
            splits = dict.fromkeys(one.name for one in inputs.recipe.evaluate)
            sets = [trained for trained in guard.trained(name) if trained.card != inputs.card]
            for trained, split in itertools.product(sets, splits):
                for leak in between(trained.rows, inputs.rows[split]):
                    one = replace(leak, trained=name, tested=step.name, split=split)
                    found.setdefault((one.trained, one.train_id, one.tested, one.test_id), one)
    texts = {name: sum(len(one.rows) for one in sets) for name, sets in guard.known.items() if sets}
    return Leaks(tuple(found.values()), texts, tuple(guard.unread), time.perf_counter() - began)


class _Guard:
    """Training rows by step, each read once."""

    def __init__(
        self, checked: CheckedPlan, gathered: Mapping[str, Inputs], opening: bool, offline: bool
    ) -> None:
        self.steps: dict[str, Step] = {step.name: step for step in checked.plan.steps()}
        self.checked, self.gathered, self.opening, self.offline = checked, gathered, opening, offline
        self.known: dict[str, list[_Trained]] = {}
        self.runs: dict[str, Inputs] = {}
        self.unread: dict[str, None] = {}

    def seen(self, step: Step) -> list[str]:
        """Name the steps and runs whose training the model had, or the body that the step is scored on again."""
        lines = [self._line(step.start)] if step.start else []
        lines.append(self._together(step.name))
        lines += [self._line(one.later) for one in self.checked.plan.memories() if one.earlier == step.name]
        return list(dict.fromkeys(name for line in lines for name in line if name != step.name))

    def _line(self, name: str) -> list[str]:
        found: list[str] = []
        while name and name not in found:
            found += [name, *(one for one in self._together(name) if one not in found)]
            name = self.steps[name].start if name in self.steps else self._before(name)
        return found

    def _together(self, name: str) -> list[str]:
        """Name the steps, or runs, that were trained together with one, on one body, without it."""
        for mixed in self.checked.plan.mixtures():
            if name in mixed.members.values():
                return [one for one in mixed.members.values() if one != name]
        if name in self.steps:
            return []
        place = Path(name).expanduser()
        return [str(place.parent / one) for one in mixtures.names_of(place.parent) if one != place.name]

    def _before(self, place: str) -> str:
        """Give the run that a run went on from, "" where it began with a checkpoint."""
        inputs = self._run(place)
        name = inputs.recipe.model.checkpoint if inputs else ""
        return name if inputs and (Path(name).expanduser() / "recipe.yaml").is_file() else ""

    def _run(self, place: str) -> Inputs | None:
        """Read again what a finished run read."""
        if place not in self.runs and place not in self.unread:
            from nlptl.compare import open_run
            from nlptl.replay.surroundings import plan_of, setting

            try:
                directory = Path(place).expanduser().resolve()
                around = plan_of(open_run(directory))
                with setting(around.variables), contextlib.chdir(around.folder):
                    read = checks.check(directory / "recipe.yaml")
                    self.runs[place] = prepare.gather(read, offline=self.offline)
            except NlptlError as fault:
                self._left(place, f"its data cannot be read again: {fault}")
        return self.runs.get(place)

    def _left(self, name: str, why: str) -> None:
        self.unread[f"the training texts of {name} were not looked at: {why}"] = None

    def trained(self, name: str) -> list[_Trained]:
        """Give what a step or a run trained on, unlabelled texts of another domain too; nothing where that cannot be
        known.
        """
        if name not in self.known:
            inputs = self.gathered[self.steps[name].recipe] if name in self.steps else self._run(name)
            self.known[name] = [] if inputs is None else [_Trained(inputs.card, self._rows(name, inputs))]
            if inputs is not None and inputs.target:
                self.known[name].append(_Trained(targets.card_of(inputs.recipe, inputs.card), inputs.target))
        return self.known[name]

    def _rows(self, name: str, inputs: Inputs) -> list[Row]:
        kinds = [kind.kind for kind in inputs.recipe.augment if type(kind).open is not Augment.open]
        copied = self.opening or not kinds
        if not copied:
            self._left(f"copies by {', '.join(kinds)} in {name}", "they need a model, `run` looks at them")
        seeds = self.checked.plan.seeds if name in self.steps else inputs.recipe.seeds
        found: dict[tuple[str, str], Row] = {}
        for seed in seeds:
            rows = prepare.augmented_rows(inputs, seed).rows if copied else prepare.training_rows(inputs, seed)
            found |= {(row.id, overlap.text_of(row)): row for row in rows}
        return list(found.values())


def between(train: Sequence[Row], test: Sequence[Row]) -> Iterator[Leak]:
    """Yield the pairs of two sets of rows. Rows of other columns are compared column by column, a passage always."""
    if not train or not test:
        return
    ours, theirs = _columns(train[0]), _columns(test[0])
    if ours == theirs:
        yield from _pairs(train, _texts(train), test, _texts(test))
    for one in ours:
        for other in theirs:
            if ours != theirs or one == other == "context":
                passages = train if one != "context" else _by_passage(train)
                yield from _pairs(passages, _texts(passages, one), test, _texts(test, other))


def _by_passage(rows: Sequence[Row]) -> list[Row]:
    """Give the first row of each passage."""
    return list({row.values["context"]: row for row in reversed(rows)}.values())


def _columns(row: Row) -> tuple[str, ...]:
    return tuple(name for name in overlap.READ if name in row.values)


def _texts(rows: Sequence[Row], column: str | None = None) -> list[str]:
    """Give all that is read of each row, or a column of it."""
    return [overlap.text_of(row) if column is None else str(row.values[column]) for row in rows]


def _pairs(train: Sequence[Row], left: Sequence[str], test: Sequence[Row], right: Sequence[str]) -> Iterator[Leak]:
    """Yield equal and nearly equal texts, and then, for the other test rows, the training text of most grams."""
    met = set()
    for pair in overlap.overlap(_numbered(left), _numbered(right)):
        one, other = int(pair.first), int(pair.second)
        if len(ngrams.words(right[other])) < SHORTEST:
            continue
        met.add(other)
        same = overlap.normalise(left[one]) == overlap.normalise(right[other])
        yield _leak(train[one], left[one], test[other], right[other], "exact" if same else "near", pair.similarity)
    rest = [number for number in range(len(right)) if number not in met]
    for found in ngrams.held(left, [right[number] for number in rest]):
        one, other = found.left, rest[found.right]
        yield _leak(train[one], left[one], test[other], right[other], "n-gram", found.share)


def _numbered(texts: Sequence[str]) -> list[Row]:
    """Give texts as rows: a copy has the id of another seed's, so ids are numbers here."""
    return [Row(str(number), {"text": text}, "") for number, text in enumerate(texts)]


def _leak(train: Row, left: str, test: Row, right: str, kind: Kind, share: float) -> Leak:
    return Leak("", train.id, "", test.id, "", kind, share, _short(left), _short(right))


def _short(text: str) -> str:
    told = " ".join(text.replace(APART, " / ").split())
    return told if len(told) <= SHOWN else told[: SHOWN - 1] + "…"


def told(leaks: Leaks, first: int = FIRST) -> list[str]:
    """Say, for each step trained and step tested, how many rows of the test set leak, and show the first."""
    lines = []
    for trained, tested, split in dict.fromkeys((one.trained, one.tested, one.split) for one in leaks.found):
        own = [one for one in leaks.found if (one.trained, one.tested, one.split) == (trained, tested, split)]
        by_row = {one.test_id: one.kind for one in reversed(own)}
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in Counter(by_row.values()).most_common())
        shown = [f"{one.test_id} \"{one.test_text}\"\n        {one.kind}, {one.share:.2f}: {one.train_id} "
                 f"\"{one.train_text}\"" for one in own[:first]]  # fmt: skip
        head = f"{len(by_row):,} rows of {split} of '{tested}' stand in what '{trained}' is trained on ({kinds})"
        more = [f"and {len(own) - first:,} more pairs"] if len(own) > first else []
        lines.append("\n      ".join([head, *shown, *more]))
    return lines


def refusal(checked: CheckedPlan, leaks: Leaks, where: str = "") -> BadInput:
    """Give the error of a plan that leaks; `where` says where the whole list lies."""
    fix = f"{where}train on other rows, or write on_leak: report to score the other rows beside"
    *others, last = told(leaks)
    return BadInput(checked.source, [*map(Problem, others), Problem(f"{last}\n      ", fix=fix)])


def table(leaks: Leaks) -> Table:
    """Give all leaks as a table."""
    columns = [
        Column("tested", "tested"), Column("split", "split"), Column("test_id", "test row"),
        Column("kind", "overlap"), Column("share", "share", "number"), Column("trained", "trained"),
        Column("train_id", "training row"), Column("test_text", "test text", "long"),
        Column("train_text", "training text", "long"),
    ]  # fmt: skip
    rows = [[getattr(one, column.key) for column in columns] for one in leaks.found]
    return Table("leaks", "Test rows that an earlier step was trained on", columns, rows)


def write(leaks: Leaks, directory: Path) -> Path:
    """Write the list of leaks below the plan's directory, as CSV and JSON; give the CSV's path."""
    found = table(leaks)
    place = directory / f"{found.name}.csv"
    artifacts.write_text(place, found.csv())
    artifacts.write_json(directory / f"{found.name}.json", {"caption": found.caption, "rows": found.records()})
    return place
