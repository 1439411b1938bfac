"""What is searched: settings of a recipe by their path, each with its range or its choices."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nlptl.errors import BadInput, Problem
from nlptl.strict.scalars import NotPlain, resolve

if TYPE_CHECKING:
    from nlptl.recipe import Recipe

RANGE = re.compile(r"([^.].*?)\.\.(.+)")
WIDE = 8.0
"""How far below and above the recipe's own the usual range of learning rates goes."""
FAR = 20.0
"""A range whose upper end is that many times its lower one is searched by its logarithm."""


@dataclass(frozen=True)
class Dimension:
    """One setting: a range of numbers from `low` to `high`, both included, or `choices`."""

    path: str
    """As in an override: `train.learning_rate`, `tuning[0].rank`."""
    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()

    def __str__(self) -> str:
        """Give it as it is written after `--over`."""
        if self.choices:
            return f"{self.path}={','.join(_text(one) for one in self.choices)}"
        return f"{self.path}={_text(self.low)}..{_text(self.high)}"


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def read(given: Sequence[str]) -> list[Dimension]:
    """Read `PATH=LOW..HIGH` or `PATH=A,B,C`. Raises BadInput with every one that is neither, and for a path twice."""
    found, problems = [], []
    for argument in given:
        try:
            found.append(_one(argument))
        except ValueError as fault:
            fix = "write train.learning_rate=1e-5..1e-3 or 'tuning[0].rank=4,8,16'"
            problems.append(Problem(str(fault), where=f"--over {argument}", fix=fix))
    for number, one in enumerate(found):
        if one.path in [other.path for other in found[:number]]:
            problems.append(Problem("stands here twice", where=f"--over {one}"))
    if problems:
        raise BadInput("tune", problems)
    return found


def _one(argument: str) -> Dimension:
    path, equals, text = argument.partition("=")
    if not equals or not path.strip():
        raise ValueError("has no path and values")
    between = RANGE.fullmatch(text)
    if between:
        low, high = (_number(one) for one in between.groups())
        if not low < high:
            raise ValueError(f"the range from {between[1]} to {between[2]} is empty")
        if isinstance(low, float) or isinstance(high, float):
            low, high = float(low), float(high)
        return Dimension(path, low, high, log=low > 0 and high / low >= FAR)
    choices = tuple(_scalar(one) for one in text.split(","))
    if len(choices) < 2 or len({repr(one) for one in choices}) < len(choices):
        raise ValueError(f"needs a range, or two different choices or more, not {text!r}")
    return Dimension(path, choices=choices)


def _number(text: str) -> float | int:
    value = _scalar(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{text!r} is no number")
    return value


def _scalar(text: str) -> Any:
    try:
        return resolve(text.strip())
    except NotPlain as fault:
        raise ValueError(str(fault)) from None


def usual(recipe: Recipe, blocks: int | None) -> list[Dimension]:
    """Give what is worth a search in a recipe: the learning rate, and of each tuning its depth, rank or strength.

    `blocks`: how many equal layers the checkpoint has, where its configuration says so.
    """
    rate = recipe.train.learning_rate
    found = [Dimension("train.learning_rate", rate / WIDE, rate * WIDE, log=True)]
    for number, kind in enumerate(recipe.tuning):
        found += _of(f"tuning[{number}]", kind, blocks)
    return found


def _of(path: str, kind: Any, blocks: int | None) -> Iterator[Dimension]:
    """Yield what is usually searched of a kind of tuning."""
    if kind.kind == "freeze" and kind.blocks is not None and blocks:
        yield Dimension(f"{path}.blocks", 0, blocks)
    if kind.kind == "reinit" and blocks and blocks > 1:
        yield Dimension(f"{path}.blocks", 1, max(2, blocks // 2))
    if kind.kind == "lora":
        yield Dimension(f"{path}.rank", choices=(4, 8, 16, 32))
    if kind.kind == "decay":
        yield Dimension(f"{path}.factor", 0.6, 1.0)
    strengths = {
        "dropout": ("rate", 0.0, 0.3, False), "smoothing": ("rate", 0.02, 0.2, False),
        "rdrop": ("weight", 0.1, 5.0, True), "mixout": ("rate", 0.1, 0.9, False),
        "l2sp": ("body", 1e-3, 1.0, True), "adversarial": ("epsilon", 0.1, 5.0, True),
    }  # fmt: skip
    if kind.kind in strengths:
        name, low, high, log = strengths[kind.kind]
        yield Dimension(f"{path}.{name}", low, high, log=log)
