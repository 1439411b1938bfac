"""The base of every setting: frozen, strict, no unknown keys."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen group of settings that refuses unknown keys, wrong types, nan and inf.

    The docstring below a field is its description in the JSON Schema.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        protected_namespaces=(),
    )

    def __hash__(self) -> int:
        """Hash all fields, mappings and lists in them too: equal values have equal hashes."""
        return hash((type(self), tuple(_hashable(value) for value in self.__dict__.values())))


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    return frozenset(value) if isinstance(value, set) else value
