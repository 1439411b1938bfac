"""What a file says, and where it says it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nlptl.errors import Problem

Path = tuple[str | int, ...]
"""The way to a value: keys of mappings, and indices of lists from 0."""

Place = tuple[int, int] | str
"""Line and column, from 1; or `argument 'key=value'` for what the command line says."""

PLAIN_KEY = re.compile(r"[\w/@+ -]{1,60}")


@dataclass(frozen=True)
class Document:
    """Plain data with the places of its keys and items. `name` is the path as the user wrote it."""

    name: str
    data: Any
    places: Mapping[Path, Place]

    def place(self, path: Path) -> Place:
        """Give the place of a key or item, or of the nearest one above it that has a place."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return (1, 1)

    def where(self, *path: str | int) -> str:
        """Give the place as messages show it: `file:line:column` with the file's bare name, or the argument."""
        return show_place(self.name, self.place(path))

    def problem(self, path: Path, what: str, fix: str = "") -> Problem:
        """Make a Problem of the value at `path`."""
        return Problem(what, where=self.where(*path), field=show_path(path), fix=fix)


def show_place(name: str, place: Place) -> str:
    """Give `file:line:column`, or the argument."""
    return place if isinstance(place, str) else f"{name.rpartition('/')[2]}:{place[0]}:{place[1]}"


def show_path(path: Path) -> str:
    """Give `tuning[0].kind` for `("tuning", 0, "kind")`; what a terminal should not see is escaped and cut."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if PLAIN_KEY.fullmatch(part) else show(part))
    return text


def show(data: Any) -> str:
    """Give a short form of a value for "(got …)"."""
    if isinstance(data, dict):
        return "a section" if data else "an empty section"
    if isinstance(data, list):
        return "a list" if data else "an empty list"
    if data is None or isinstance(data, bool):
        return {None: "null", True: "true", False: "false"}[data]
    text = repr(data)
    return text if len(text) <= 80 else f"{text[:70]}… ({len(text)} characters)"
