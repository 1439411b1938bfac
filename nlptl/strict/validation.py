"""A document -> a value of a model, or every fault at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from nlptl.errors import BadInput, Problem
from nlptl.strict import shapes
from nlptl.strict.document import Document, Path
from nlptl.strict.files import load
from nlptl.strict.messages import WRONG_TYPE, Message, message, wrong_type
from nlptl.strict.overrides import override
from nlptl.strict.shapes import Trace

T = TypeVar("T")
MOST = 50
"""Problems that are shown; the others are counted."""

Found = tuple[dict[str, Any], Trace]


@dataclass(frozen=True)
class Read(Generic[T]):
    """A value with the document that it came from."""

    value: T
    document: Document

    def where(self, *path: str | int) -> str:
        """Give `file:line:column`, or the argument, of a key or of the nearest thing above it that has a place."""
        return self.document.where(*path)

    def problem(self, path: Path, what: str, fix: str = "") -> Problem:
        """Make a Problem of the value at `path`, for checks that look beyond one value."""
        return self.document.problem(path, what, fix)


def read(path: FilePath | str, model: type[T], overrides: Sequence[str] = ()) -> Read[T]:
    """Load a file, apply `key=value` arguments, validate. Raises BadInput."""
    return validate(override(load(path), overrides), model)


def validate(document: Document, model: type[T]) -> Read[T]:
    """Make the model's value of a document. Raises BadInput with every problem, in the order of the file."""
    text = json.dumps(document.data, allow_nan=False)
    adapter = TypeAdapter(model)
    try:
        # JSON mode: in strict Python mode a tuple must be a tuple, and YAML has lists only.
        return Read(adapter.validate_json(text, strict=True), document)
    except ValidationError as error:
        faults = [(dict(fault), shapes.trace(model, fault["loc"])) for fault in error.errors(include_url=False)]
    raise BadInput(document.name, _problems(document, model, faults)) from None


def _problems(document: Document, model: Any, faults: list[Found]) -> list[Problem]:
    kept, messages = _settle_unions(document.data, model, faults, 0)
    kept = [found for found in _without_followers(kept) if not _is_echo(*found, document.data)]
    kept.sort(key=lambda found: _order(document, found[1].path))
    messages += [message(error, at, model, _given(error, at, document.data)) for error, at in kept[:MOST]]
    ordered = sorted(dict.fromkeys(messages), key=lambda said: _order(document, said.path))
    problems = [document.problem(said.path, said.what, said.fix) for said in ordered]
    return [*problems, Problem(f"… and {len(kept) - MOST} more")] if len(kept) > MOST else problems


def _is_echo(error: dict[str, Any], at: Trace, data: Any) -> bool:
    """Say whether pydantic counted a list as too short because items in it are wrong."""
    given = value_at(data, at.path)
    return error["type"] == "too_short" and isinstance(given, list) and len(given) >= error["ctx"]["min_length"]


def _order(document: Document, path: Path) -> tuple[bool, tuple[int, int] | str]:
    place = document.place(path)
    return isinstance(place, str), place


def _given(error: dict[str, Any], at: Trace, data: Any) -> Any:
    """Give what a fault is about: the value at its path, or the key itself."""
    return at.path[-1] if error["loc"][-1:] == ("[key]",) else value_at(data, at.path)


def value_at(data: Any, path: Path) -> Any:
    """Give what stands at a path, None where nothing does."""
    for part in path:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def _settle_unions(data: Any, model: Any, faults: list[Found], level: int) -> tuple[list[Found], list[Message]]:
    """Keep, of each union without a `kind`, the faults of the one branch that was meant.

    pydantic tells those of every branch. Meant is a branch to which what came fits by its type; of several, the one
    with the fewest faults; where there is none, that is one message of its own.
    """
    if not any(len(at.unions) > level for _, at in faults):
        return faults, []
    kept = [(error, at) for error, at in faults if len(at.unions) <= level]
    tried: dict[Path, dict[str, list[Found]]] = {}
    for error, at in faults:
        if len(at.unions) > level:
            path, label = at.unions[level]
            tried.setdefault(path, {}).setdefault(label, []).append((error, at))
    messages: list[Message] = []
    for path, by_label in tried.items():
        fitting = [found for found in by_label.values() if not any(_misfit(error, at, path) for error, at in found)]
        if fitting:
            meant: list[Found] = min(fitting, key=len)
            kept += meant
        else:
            messages.append(wrong_type(path, _type_at(model, path, data), value_at(data, path)))
    kept, deeper = _settle_unions(data, model, kept, level + 1)
    return kept, messages + deeper


def _misfit(error: dict[str, Any], at: Trace, path: Path) -> bool:
    return at.path == path and (error["type"] in WRONG_TYPE or error["type"] in ("literal_error", "enum"))


def _type_at(model: Any, path: Path, data: Any) -> Any:
    """Give the type at a path of the data, choosing among kinds as the data do."""
    here = model
    for part in path:
        options = shapes.choices(here)
        if len(options) > 1:
            kind = data.get("kind") if isinstance(data, dict) else None
            fitting = [option for option in options if shapes.is_model(option) == isinstance(data, dict)]
            options = [shapes.kinds(here).get(str(kind))] if shapes.kinds(here) else fitting
        here = options[0] if options else None
        field = shapes.fields(here).get(str(part)) if shapes.is_model(here) else None
        here = field.annotation if field else shapes.items(here)
        data = value_at(data, (part,))
    return here


def _without_followers(faults: list[Found]) -> list[Found]:
    """Leave out what follows from a wrong `kind`: the keys of a section whose kind is not known cannot be judged."""
    wrong = {at.path[:-1] for error, at in faults if error["type"] == "literal_error" and at.path[-1:] == ("kind",)}
    return [
        (error, at)
        for error, at in faults
        if at.path[-1:] == ("kind",) or not any(at.path[:end] in wrong for end in range(len(at.path) + 1))
    ]
