"""Values -> YAML as a person would write it: plain words, flow lists that are wrapped, everything else quoted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import regex

WIDTH = 118
_PLAIN = regex.compile(r"[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_HASH = regex.compile(r"[0-9a-f]{64}")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"))


def scalar(value: Any) -> str:
    """Write one value; a text that could be anything else is quoted."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _HASH.fullmatch(value) and set(value) & set("abcdf"):
        return value  # with such a letter it cannot be read as a number
    if _PLAIN.fullmatch(value) and value.casefold() not in _WORDS and not value.endswith("-"):
        return value
    return "".join(map(_shown, json.dumps(value, ensure_ascii=False)))


def _shown(letter: str) -> str:
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) <= 0xFFFF else f"\\U{ord(letter):08x}"


def flow(value: Any) -> str:
    """Write a value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def entry(key: str, value: Any, indent: int = 0) -> str:
    """Write `key: value`, over several lines where one would be too long."""
    head = f"{' ' * indent}{scalar(key)}: "
    one = f"{head}{flow(value)}"
    if len(one) <= WIDTH or not isinstance(value, Mapping | Sequence) or isinstance(value, str) or not value:
        return one
    pad = " " * (indent + 2)
    items = [f"{scalar(k)}: {flow(v)}" for k, v in value.items()] if isinstance(value, Mapping) else map(flow, value)
    lines, line = [], pad
    for item in items:
        if len(line) + len(item) + 1 > WIDTH and line != pad:
            lines.append(line.rstrip())
            line = pad
        line += f"{item}, "
    opened, closed = "{}" if isinstance(value, Mapping) else "[]"
    return "\n".join([f"{head.rstrip()} {opened}", *lines, f"{line.rstrip(' ,')}", f"{' ' * indent}{closed}"])


def comment(text: str) -> str:
    """Write a comment, wrapped."""
    lines, line = [], "#"
    for word in "".join(letter if letter.isprintable() else " " for letter in text).split():
        if len(line) + len(word) + 1 > WIDTH and line != "#":
            lines.append(line)
            line = "#"
        line += f" {word}"
    return "\n".join([*lines, line])
