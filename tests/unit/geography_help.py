"""What tests of the made geography share."""

from __future__ import annotations

import functools
from typing import Any

from nlptl.geography import grammar, items, writing
from nlptl.geography.template import Fact


def every_fact() -> list[Fact]:
    """Give everything that can be asked and has an answer."""
    return [Fact(name, args) for name in items.templates() for args in items.askable(name) if items.truth(name, args)]


def every_item(split: str, holdout: Any = "combinations") -> list[items.Item]:
    """Give all items of a split of seed 1, those without an answer too."""
    return [*items.pool(1, holdout, split, True), *items.pool(1, holdout, split, False)]


@functools.cache
def everything_said() -> list[tuple[str, str]]:
    """Give every question that there is, and every sentence of passages, with its language."""
    found: list[tuple[str, str]] = []
    for language in grammar.LANGUAGES:
        for split in items.SPLITS:
            found += ((language, writing.question(item, language)) for item in every_item(split))
        found += ((language, writing.statement(fact, language)) for fact in every_fact())
    return found
