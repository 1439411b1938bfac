"""`train.epochs=3` on the command line: the same YAML, the same checks, and messages that point at the argument."""

import re
from collections.abc import Sequence
from typing import Any

from nlptl.errors import BadInput, Problem
from nlptl.strict.document import Document, Path, Place, show, show_path
from nlptl.strict.parsing import DEEPEST, read_node

WAY = re.compile(r"[^.\[\]=\s]+(?:\.[^.\[\]=\s]+|\[[0-9]{1,6}\])*")
STEP = re.compile(r"\[([0-9]+)\]|[^.\[\]]+")


class _Fault(Exception):
    """Why an argument cannot be applied."""

    def __init__(self, what: str, *, field: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.field, self.fix = what, field, fix


def override(document: Document, arguments: Sequence[str]) -> Document:
    """Apply `a.b=value` and `a[0].b=value` (or `a.0.b=value`) in order; of two for one path the later stands.

    Sections that are missing are made; whether a key is known is for the model to say. Raises BadInput with the faults
    of all arguments.
    """
    problems: list[Problem] = []
    for argument in arguments:
        try:
            document = _apply(document, argument)
        except _Fault as fault:
            problems.append(Problem(fault.what, where=show_argument(argument), field=fault.field, fix=fault.fix))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(document.name, problems)
    return document


def show_argument(argument: str) -> str:
    """Give `argument 'key=value'`, on one line and not too long."""
    return f"argument {show(argument)}"


def _apply(document: Document, argument: str) -> Document:
    way, equals, text = argument.partition("=")
    if not equals:
        raise _Fault("has no '='", fix="write key=value, such as train.epochs=3")
    if not WAY.fullmatch(way) or not way.isprintable():
        what = f"{show(way)} is no path" if way.strip() else "no key stands before the '='"
        raise _Fault(what, fix="write a.b[0].c=value")
    place = show_argument(argument)
    given = read_node(text, document.name, lambda _: place)
    if given.data is None and text.lstrip()[:1] in ("", "#"):
        raise _Fault("no value stands after the '='", field=way, fix=f"write {way}=null, or a value")
    steps = [(match.group(), match.group(1)) for match in STEP.finditer(way)]
    if len(steps) > DEEPEST:
        raise _Fault(f"more than {DEEPEST} levels of nesting")
    return _with(document, steps, given.data, place)


def put(document: Document, way: str, value: Any, place: str) -> Document:
    """Set `a.b` or `a[0].b` to plain data that stand at `place`. Raises BadInput where that cannot be."""
    try:
        if not WAY.fullmatch(way) or not way.isprintable():
            raise _Fault(f"{show(way)} is no path", fix="write a.b[0].c: value")
        steps = [(match.group(), match.group(1)) for match in STEP.finditer(way)]
        if len(steps) > DEEPEST:
            raise _Fault(f"more than {DEEPEST} levels of nesting")
        return _with(document, steps, value, place)
    except _Fault as fault:
        raise BadInput(document.name, Problem(fault.what, where=place, field=fault.field, fix=fault.fix)) from None


def _with(document: Document, steps: list[tuple[str, str | None]], value: Any, place: Place) -> Document:
    data, path = _put(document.data, steps, value, ())
    places = {known: at for known, at in document.places.items() if known[: len(path)] != path}
    return Document(document.name, data, places | _new_places(document, path, place))


def _new_places(document: Document, path: Path, place: Place) -> dict[Path, Place]:
    """Give the argument as the place of what it set, and of the sections that it made on the way there."""
    made = [path[:end] for end in range(1, len(path)) if path[:end] not in document.places]
    return dict.fromkeys([*made, path], place)


def _put(data: Any, steps: list[tuple[str, str | None]], value: Any, path: Path) -> tuple[Any, Path]:
    """Give a copy of `data` with `value` at `steps`, and the path that the steps name in these data."""
    if not steps:
        return value, path
    (text, index), rest = steps[0], steps[1:]
    if isinstance(data, list):
        number = _index(data, text, index, path)
        item, whole = _put(data[number], rest, value, (*path, number))
        return [*data[:number], item, *data[number + 1 :]], whole
    if index is not None:
        got = "nothing" if data is None else show(data)
        raise _Fault(f"is no list (got {got})", field=show_path(path), fix="write the whole list, as [a, b]")
    if data is not None and not isinstance(data, dict):
        raise _Fault(f"is {show(data)}, so nothing can stand below it", field=show_path(path))
    item, whole = _put((data or {}).get(text), rest, value, (*path, text))
    return {**(data or {}), text: item}, whole


def _index(data: list[Any], text: str, index: str | None, path: Path) -> int:
    digits = index if index is not None else text
    if not re.fullmatch(r"[0-9]{1,6}", digits):
        fix = f"write {show_path(path)}[0]"
        raise _Fault(f"is a list, and {show(text)} is no number in it", field=show_path(path), fix=fix)
    if int(digits) >= len(data):
        items = f"{len(data)} item{'' if len(data) == 1 else 's'}"
        fix = "write the whole list, as [a, b]" if not data else f"the last is {show_path((*path, len(data) - 1))}"
        raise _Fault(f"there is no item {int(digits)} in a list of {items}", field=show_path(path), fix=fix)
    return int(digits)
