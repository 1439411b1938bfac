"""Freeze parts of the body: they keep the checkpoint's values, to the bit."""

import difflib
import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from nlptl.errors import BadInput, Problem
from nlptl.tasks import Model
from nlptl.tuning import Tuning


class Freeze(Tuning):
    """Train what is not named here, and always the head (Lee, Tang, Lin 2019, arXiv:1911.03090, measured how many of
    the upper blocks are needed). Exactly one of the three settings is given.
    """

    kind: Literal["freeze"]

    blocks: int | None = Field(default=None, ge=0)
    """How many of the lowest blocks stay as they are, and the embeddings with them. What stands above the last block
    (a pooler, a norm) learns with the head."""

    pattern: str | None = Field(default=None, min_length=1)
    """A regular expression; the parameters of the body whose whole name it matches stay as they are."""

    all_but_head: bool = False
    """The whole body stays as it is: a linear probe, or whatever the head is."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error} (got {pattern!r})") from None
        return pattern

    @model_validator(mode="after")
    def _one_of_three(self) -> "Freeze":
        if (self.blocks is not None) + (self.pattern is not None) + self.all_but_head != 1:
            raise ValueError("exactly one of 'blocks', 'pattern' and 'all_but_head: true' must be given")
        return self

    def apply(self, model: Model, seed: int) -> Model:
        """Set `requires_grad` to False of what is named; BadInput for names that are not there, or all that are."""
        named = dict(model.module.named_parameters())
        held = self._held(model, [name for name in named if name not in model.head])
        drawn = sorted(held & model.drawn)
        if drawn:
            what = f"freeze: {len(drawn)} parameters that reinit draws anew would stay so, the first is '{drawn[0]}'"
            raise BadInput("tuning", Problem(what, fix="freeze fewer blocks, or draw fewer"))
        for name in held:
            named[name].requires_grad_(False)
        return model

    def _held(self, model: Model, body: list[str]) -> set[str]:
        """Name the parameters that stay, out of those of the body."""
        if self.pattern is not None:
            return _matched(self.pattern, body)
        if self.blocks is None:
            return set(body)
        if self.blocks > model.blocks:
            raise BadInput("tuning", f"freeze: {self.blocks} blocks are named, the checkpoint has {model.blocks}")
        return {name for name in body if model.depths[name] <= self.blocks}


def _matched(pattern: str, body: list[str]) -> set[str]:
    """Give the names that a pattern matches; none of them, or all, is hardly what was meant."""
    found = {name for name in body if re.fullmatch(pattern, name)}
    if len(found) == len(body):
        what = f"freeze: pattern {pattern!r} matches all {len(body)} parameters of the body"
        raise BadInput("tuning", Problem(what, fix="write all_but_head: true"))
    if not found:
        what = f"freeze: pattern {pattern!r} matches 0 of the {len(body)} parameters of the body"
        within = sum(bool(re.search(pattern, name)) for name in body)
        near = ", ".join(difflib.get_close_matches(re.sub(r"[^\w.]|\\", "", pattern), body, n=3, cutoff=0))
        fix = f"'.*{pattern}.*' would match {within}: whole names are compared" if within else f"nearest: {near}"
        raise BadInput("tuning", Problem(what, fix=fix))
    return found
