"""A shelf is a folder, a kind is a file: the listing is the registry.

Kinds of other distributions stand on the same shelves through entry points of `nlptl.sources`, `nlptl.tasks`,
`nlptl.tuning` and `nlptl.augment`; each names a class that keeps the shelf's contract.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import pkgutil
from typing import Any, get_args

from nlptl.errors import BadInput

SHELVES = ("sources", "tasks", "tuning", "augment")


@functools.cache
def shelf(name: str) -> dict[str, type[Any]]:
    """Give kind -> class of a shelf, sorted by kind.

    The class of a file `lora.py` (or a folder `lora/`) is the one class in it that is a Value with a field `kind`; its
    one allowed value is the file's name. Raises BadInput where another distribution brings what cannot stand here.
    """
    package = importlib.import_module(f"nlptl.{name}")
    found: dict[str, type[Any]] = {}
    for info in pkgutil.iter_modules(package.__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"nlptl.{name}.{info.name}")
        classes = [value for value in vars(module).values() if is_kind(value) and _is_from(value, module.__name__)]
        assert len(classes) == 1, f"nlptl/{name}/{info.name}.py must define exactly one kind, has {len(classes)}"
        assert kind_of(classes[0]) == info.name, f"the kind of nlptl/{name}/{info.name}.py must be '{info.name}'"
        found[info.name] = classes[0]
    for entry in importlib.metadata.entry_points(group=f"nlptl.{name}"):
        found[entry.name] = _from_entry(name, entry, found)
    return dict(sorted(found.items()))


def _from_entry(name: str, entry: importlib.metadata.EntryPoint, found: dict[str, type[Any]]) -> type[Any]:
    subject = f"entry point {entry.name} = {entry.value} of nlptl.{name}"
    if entry.name in found:
        owner = found[entry.name].__module__
        raise BadInput(subject, f"the kind '{entry.name}' is already on this shelf, from {owner}")
    try:
        loaded = entry.load()
    except (ImportError, AttributeError) as error:
        raise BadInput(subject, f"cannot be loaded: {error}") from error
    if not is_kind(loaded) or kind_of(loaded) != entry.name:
        raise BadInput(subject, f"must name a class with a field `kind: Literal['{entry.name}']`")
    return loaded  # type: ignore[no-any-return]


def is_kind(value: Any) -> bool:
    """Say whether something is a class of settings that a field `kind` chooses."""
    return isinstance(value, type) and "kind" in getattr(value, "model_fields", {})


def kind_of(value: type[Any]) -> str | None:
    """Give the one value that a class allows for its field `kind`, None where it does not fix one."""
    allowed = get_args(value.model_fields["kind"].annotation)
    return allowed[0] if len(allowed) == 1 and isinstance(allowed[0], str) else None


def _is_from(value: type[Any], module: str) -> bool:
    return value.__module__ == module or value.__module__.startswith(f"{module}.")


def one_of(name: str) -> Any:
    """Give the pydantic type "any kind of this shelf, chosen by its field `kind`"."""
    from typing import Annotated, Union

    from pydantic import Field

    kinds = tuple(shelf(name).values())
    if len(kinds) == 1:
        return kinds[0]
    return Annotated[Union[kinds], Field(discriminator="kind")]  # noqa: UP007 - a union of a computed tuple
