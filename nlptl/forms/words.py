"""Sequences of words, such as SCAN's actions: `I_TURN_LEFT I_WALK`."""

from __future__ import annotations

from collections.abc import Sequence

from nlptl.forms.error import FormError


def normal(form: str) -> str:
    """Give the words with one space between them. Raises FormError for none."""
    if not form.split():
        raise FormError("the form is empty", 0)
    return " ".join(form.split())


def depth(form: str) -> int:
    """Give 1: words do not nest. Raises FormError for none."""
    return 1 if normal(form) else 0


def pieces(form: str) -> list[str]:
    """Give the words."""
    return form.split()


def joined(given: Sequence[str]) -> str:
    """Put words together."""
    return " ".join(given)
