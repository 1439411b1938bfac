"""A value -> YAML that reads back as the same value."""

import re
from collections.abc import Iterator
from typing import Any

from nlptl.strict.scalars import resolve
from nlptl.strict.value import Value

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./+-]*(?: [A-Za-z0-9_./+-]+)*")
OLD_WORDS = frozenset(("y", "n", "yes", "no", "on", "off"))
"""Booleans to readers of YAML 1.1, who may read our files too."""
WIDTH = 100
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def dump(value: Value) -> str:
    """Write a value with all its fields. Whatever `parse` can give, it gives back from this text."""
    data = value.model_dump(mode="json", by_alias=True, serialize_as_any=True)
    return "\n".join(_block(data, "")) + "\n"


def _block(data: Any, indent: str) -> Iterator[str]:
    """Yield the lines of a value that stands alone at an indentation."""
    if isinstance(data, dict) and data:
        for key, item in data.items():
            yield from _entry(f"{indent}{_text(key)}:", item, indent + "  ")
    elif isinstance(data, list) and data:
        for item in data:
            if not isinstance(item, dict | list) or not item:
                yield f"{indent}- {_scalar(item)}"
                continue
            first, *rest = _block(item, indent + "  ")
            yield f"{indent}- {first[len(indent) + 2 :]}"
            yield from rest
    else:
        yield f"{indent}{_scalar(data)}"


def _entry(key: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, list) and item and not any(isinstance(part, dict | list) for part in item):
        line = f"{key} [{', '.join(map(_scalar, item))}]"
        if len(line) <= WIDTH:
            yield line
            return
    if isinstance(item, dict | list) and item:
        yield key
        yield from _block(item, indent)
    else:
        yield f"{key} {_scalar(item)}"


def _scalar(data: Any) -> str:
    if isinstance(data, str):
        return _text(data)
    if isinstance(data, dict | list):
        return "{}" if isinstance(data, dict) else "[]"
    if data is None or isinstance(data, bool):
        return {None: "null", True: "true", False: "false"}[data]
    return repr(data)


def _text(text: str) -> str:
    plain = PLAIN.fullmatch(text) and len(text) <= WIDTH and text.lower() not in OLD_WORDS
    if plain and isinstance(resolve(text), str):
        return text
    return f'"{"".join(map(_escape, text))}"'


def _escape(letter: str) -> str:
    if letter in ESCAPES:
        return ESCAPES[letter]
    # A line break of some readers, or nothing that can be seen, must not stand in a line as it is.
    if letter.isprintable():
        return letter
    return f"\\x{ord(letter):02x}" if ord(letter) < 0x100 else f"\\U{ord(letter):08x}"
