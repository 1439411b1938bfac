"""The few exceptions that a user can act on, and the form of their messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One fault of an input: where it stands, which field, what is wrong, what to do."""

    what: str
    where: str = ""
    """`file:line:column`, `file:line`, `row ID of CARD`, or `argument 'key=value'`."""
    field: str = ""
    fix: str = ""

    def __str__(self) -> str:
        place = "  ".join(part for part in (self.where, f"{self.field}:" if self.field else "") if part)
        text = f"{place} {self.what}".strip()
        return f"{text}; {self.fix}" if self.fix else text


class NlptlError(Exception):
    """Base of what nlptl raises on purpose; `exit_code` is what the command line returns for it."""

    exit_code = 70


class BadInput(NlptlError):
    """The user's recipe, card, data, checkpoint or command is wrong. Holds every problem that was found."""

    exit_code = 2

    def __init__(self, subject: str, problems: Sequence[Problem] | Problem | str) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        self.subject = subject
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        count = len(self.problems)
        head = f"{subject}: {count} problem{'' if count == 1 else 's'}"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))

    def __reduce__(self) -> tuple[type[BadInput], tuple[str, tuple[Problem, ...]]]:
        return type(self), (self.subject, self.problems)


class Locked(NlptlError):
    """Another process works in this run directory."""

    exit_code = 3


class NoCheckpoint(NlptlError):
    """Every checkpoint of a run that must be continued is damaged."""

    exit_code = 4


class OutOfSpace(NlptlError):
    """The disk has no room for what must be written."""

    exit_code = 5


class NumericFailure(NlptlError):
    """The loss or the gradient is no longer a number."""

    exit_code = 6


class ReloadMismatch(NlptlError):
    """What was saved does not give the numbers of what was trained: a fault of nlptl or of a library below it."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Give the known name that `name` was most likely meant to be, or None."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give "did you mean 'x'?" or the list of what is known, ready to stand in a message."""
    names = sorted(known)
    best = nearest(name, names)
    if best is not None:
        return f"did you mean '{best}'?"
    return f"known: {', '.join(names)}" if names else "there is none"
