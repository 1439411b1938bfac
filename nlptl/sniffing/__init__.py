"""Looking at data that nobody has described: pure functions from bytes, lines and values to guesses with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Guess(Generic[T]):
    """What was guessed, and why."""

    value: T
    reason: str
