"""Samples of every kind's settings, derived from its fields: what tests of all kinds vary."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from nlptl import kinds

NEEDED: dict[tuple[str, str], dict[str, Any]] = {
    ("tuning", "freeze"): {"blocks": 1},
    ("tuning", "decay"): {"factor": 0.5},
    ("tuning", "dropout"): {"rate": 0.0},
    ("tuning", "reinit"): {"blocks": 1},
    ("tuning", "l2sp"): {"body": 0.1, "head": 0.01},
    ("tuning", "smoothing"): {"rate": 0.1},
    ("tuning", "rdrop"): {"weight": 0.5},
    ("tuning", "mixout"): {"rate": 0.5},
    ("tuning", "adversarial"): {"epsilon": 0.5, "weight": 1.0},
    ("tuning", "coral"): {"weight": 1.0},
    ("tuning", "mmd"): {"weight": 1.0},
    ("tuning", "average"): {"decay": 0.5, "begin": 0.0, "every": 1},
    ("augment", "typo"): {"rate": 0.1, "copies": 1, "by": "keyboard"},
    **{
        ("augment", kind): {"rate": 0.1, "copies": 1}
        for kind in ("swap", "delete", "split", "case", "punctuation", "entity")
    },
    ("augment", "neighbour"): {"rate": 0.1, "copies": 1, "nearest": 3, "among": "table"},
    ("augment", "masked"): {"rate": 0.1, "copies": 1, "nearest": 3, "checkpoint": "./masked"},
    ("augment", "synonym"): {"rate": 0.1, "copies": 1, "senses": 1},
    ("tasks", "qa"): {"stride": 8, "answer_tokens": 4},
    ("tasks", "parsing"): {"form_tokens": 32, "decoder": {"layers": 1, "width": 16, "heads": 2, "dropout": 0.1}},
}
"""Settings without a default, for kinds that have such. A kind that is missing here fails its tests, as it should."""

ONE_OF = {("tuning", "freeze"): ("blocks", "pattern", "all_but_head")}
"""Settings of which exactly one is given."""


def changed(shelf: str, section: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Give a kind's section with another value of a setting, without what cannot stand beside it."""
    group = ONE_OF.get((shelf, section["kind"]), ())
    beside = {other: old for other, old in section.items() if name not in group or other not in group}
    return beside | {name: value}


def all_kinds(*shelves: str) -> list[tuple[str, str]]:
    """Give (shelf, kind) of everything that stands on some shelves."""
    return [(shelf, kind) for shelf in shelves for kind in kinds.shelf(shelf)]


def least(shelf: str, kind: str) -> dict[str, Any]:
    """Give the fewest settings that a kind takes."""
    return {"kind": kind, **NEEDED.get((shelf, kind), {})}


def in_recipe(shelf: str, section: Mapping[str, Any]) -> dict[str, Any]:
    """Give the part of a recipe that holds one kind's section."""
    return {"task": section} if shelf == "tasks" else {shelf: [section]}


def variations(shelf: str, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield (field, another value) for every setting but `kind`."""
    made = kinds.shelf(shelf)[kind](**least(shelf, kind))
    yield from _changed(made)


def _changed(made: BaseModel) -> Iterator[tuple[str, Any]]:
    """Yield (field, another value) for every setting but `kind`; of a section, for every setting in it."""
    for name, field in type(made).model_fields.items():
        value = getattr(made, name)
        if isinstance(value, BaseModel):
            whole = value.model_dump(mode="json")
            yield from ((name, whole | {inner: changed}) for inner, changed in _changed(value))
        elif name != "kind":
            yield name, other(field.annotation, value)


def _options(annotation: Any) -> list[Any]:
    """Give the words of a Literal, also of one that may be absent."""
    if get_origin(annotation) is typing.Literal:
        return list(get_args(annotation))
    return [option for part in get_args(annotation) if get_origin(part) is typing.Literal for option in get_args(part)]


def other(annotation: Any, value: Any) -> Any:
    """Give a value of a type that is not `value`."""
    for option in _options(annotation):
        if option != value:
            return option
    inner = [get_args(one) for one in get_args(annotation) if get_origin(one) is typing.Literal]
    if value is None and inner:  # a choice that may be left out
        return inner[0][0]
    if value is None and str in get_args(annotation):
        return "x"
    if value is None and int in get_args(annotation):
        return 1
    if value is None and float in get_args(annotation):
        return 0.5
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 0.75 if value else 0.25
    if isinstance(value, str):
        return f"{value}x"
    raise AssertionError(f"no other value of {annotation} than {value!r} is known here; teach this function one")
