"""What a model asks for: keys, kinds and types, in words and along pydantic's error locations."""

import types
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from nlptl.strict.document import Path

LISTS = (list, tuple, set, frozenset, Sequence, AbstractSet)
SECTIONS = (dict, Mapping)
NOUNS = {str: "a text", int: "a whole number", float: "a number", bool: "`true` or `false`", type(None): "null"}
EXAMPLES = {int: "3", float: "5e-5"}


@dataclass(frozen=True)
class Trace:
    """Where an error location leads: the path in the data, the type there, the model that holds the last key."""

    path: Path
    type: Any
    owner: type[BaseModel] | None
    unions: tuple[tuple[Path, str], ...]
    """Each union without a `kind` on the way: its path, and pydantic's name of the branch that was tried."""


def fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Give key -> field, under the names that a file uses."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def bare(annotation: Any) -> Any:
    """Take `Annotated` off."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def branches(annotation: Any) -> list[Any]:
    """Give the types that a union may be, those of unions within it too; of any other type itself alone."""
    annotation = bare(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        return [branch for part in get_args(annotation) for branch in branches(part)]
    return [annotation]


def choices(annotation: Any) -> list[Any]:
    """Give the branches that are not null."""
    return [branch for branch in branches(annotation) if branch is not type(None)]


def is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    """Say whether a type is a section with fixed keys."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def kinds(annotation: Any) -> dict[str, type[BaseModel]]:
    """Give kind -> model of a type that is chosen by `kind`, one or several; nothing for other types."""
    found: dict[str, type[BaseModel]] = {}
    for branch in choices(annotation):
        field = branch.model_fields.get("kind") if is_model(branch) else None
        if field is None or get_origin(bare(field.annotation)) is not Literal:
            return {}
        found.update(dict.fromkeys(map(str, get_args(bare(field.annotation))), branch))
    return dict(sorted(found.items()))


def items(annotation: Any) -> Any:
    """Give the type of the items of a list or of the values of a section without fixed keys; None where it has none."""
    annotation = bare(annotation)
    parts = get_args(annotation)
    if get_origin(annotation) in LISTS and parts:
        return parts[0]
    return parts[1] if get_origin(annotation) in SECTIONS and len(parts) == 2 else None


def trace(root: Any, location: Sequence[str | int]) -> Trace:
    """Follow an error location, which holds the names of union branches and kinds too, through the types."""
    here: Any = root
    owner: type[BaseModel] | None = None
    path: Path = ()
    unions: list[tuple[Path, str]] = []
    for part in location:
        options = choices(here)
        if len(options) > 1:
            by_kind = kinds(here)
            if not by_kind:
                unions.append((path, str(part)))
            here = by_kind.get(str(part)) or _branch(options, str(part))
            continue
        here = options[0] if options else None
        if part == "[key]":
            here = str
            continue
        owner = here if is_model(here) else None
        if owner is not None:
            field = fields(owner).get(str(part))
            here = _annotated(field) if field else None
        else:
            here = items(here)
        path = (*path, part)
    return Trace(path, here, owner, tuple(unions))


def _annotated(field: FieldInfo) -> Any:
    """Give a field's type; its own examples stand in words, so they travel with it."""
    return Annotated[field.annotation, field] if field.examples else field.annotation


def _branch(options: list[Any], label: str) -> Any:
    if label.startswith("tagged-union["):  # a choice by `kind` beside something plain; the kind's name comes next
        return Union[tuple(option for option in options if is_model(option))]  # noqa: UP007
    for option in options:
        if is_model(option) and option.__name__ in label:
            return option
        origin = get_origin(option)
        if origin is not None and label.startswith(f"{getattr(origin, '__name__', '?')}["):
            return option
    return next((option for option in options if getattr(option, "__name__", "") == label), None)


def in_words(annotation: Any) -> str:
    """Say what a type accepts: `a number or null`."""
    return listed(list(dict.fromkeys(_noun(branch) for branch in branches(annotation))))


def example(annotation: Any) -> str:
    """Give `, such as …` with an example: the field's own, or one of the type. Nothing where the words say all."""
    settings = [part for part in get_args(annotation) if isinstance(part, FieldInfo)]
    known = next(iter(kinds(annotation)), None)
    found = [str(given) for part in settings for given in part.examples or ()]
    found += [EXAMPLES[branch] for branch in choices(annotation) if branch in EXAMPLES]
    found += [f"{{kind: {known}}}"] if known else []
    return f", such as {found[0]}" if found else ""


def _noun(branch: Any) -> str:
    if get_origin(branch) is Literal:
        return listed([show_choice(value) for value in get_args(branch)])
    if get_origin(branch) in LISTS or branch in LISTS:
        return "a list (in [ ], or lines that begin with -)"
    if branch in NOUNS:
        return NOUNS[branch]
    return "a section with a `kind`" if kinds(branch) else "a section (`key: value` lines)"


def show_choice(value: Any) -> str:
    """Give an accepted value as it is written in a file, texts in quotes."""
    return {True: "`true`", False: "`false`"}[value] if isinstance(value, bool) else repr(value)


def listed(names: Sequence[str]) -> str:
    """Give `a, b or c`."""
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def homes(root: Any) -> Iterator[tuple[str, str]]:
    """Yield every key of every section, and the section as messages call it: `'train'`, `tuning kind 'lora'`."""
    yield from _homes(root, (), frozenset())


def _homes(annotation: Any, path: tuple[str, ...], above: frozenset[type[BaseModel]]) -> Iterator[tuple[str, str]]:
    for branch in choices(annotation):
        if not is_model(branch):
            inner = items(branch)
            if inner is not None:
                yield from _homes(inner, path, above)
            continue
        if branch in above:
            continue
        known = kinds(branch)
        place = f"'{'.'.join(path)}'" if path else "the top level"
        place = f"{'.'.join(path)} kind '{next(iter(known))}'".strip() if known else place
        for key, field in fields(branch).items():
            if not (known and key == "kind"):
                yield key, place
            yield from _homes(field.annotation, (*path, key), above | {branch})
