"""YAML text -> plain data with places. ruamel.yaml finds the events, the data are built here: nothing can execute."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from nlptl.errors import BadInput, Problem
from nlptl.strict.document import Document, Path, Place, show, show_place
from nlptl.strict.scalars import NotPlain, resolve

LONGEST = 2**20
"""Characters of a text."""
DEEPEST = 32
MOST_NODES = 50_000
"""Values in one document, those that aliases repeat counted as often as they are repeated."""
RECIPES = "`nlptl cp` lists recipes to start from"
BAD_CHARACTER = re.compile("[\0\ud800-\udfff]")
DIRECTIVE = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*%")


class _Stop(Exception):
    """After this fault the rest of the text cannot be read."""

    def __init__(self, mark: tuple[int, int], what: str, fix: str = "") -> None:
        super().__init__(what)
        self.mark, self.what, self.fix = mark, what, fix


@dataclass
class _Build:
    """What is known while the events of one text pass by."""

    events: Iterator[Any]
    place: Callable[[tuple[int, int]], Place]
    places: dict[Path, Place] = field(default_factory=dict)
    faults: list[tuple[tuple[int, int], str, str]] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int, int]] = field(default_factory=dict)
    """Name -> data, how many nodes, how many levels."""
    open_anchors: set[str] = field(default_factory=set)
    texts: list[tuple[int, int]] = field(default_factory=list)
    """First and last line of quoted and block texts: a tab may stand in them."""
    nodes: int = 0
    deepest: int = 0


def parse(text: str, name: str) -> Document:
    """Read one YAML mapping. Raises BadInput that names every fault that could be found, with line and column."""
    document = read_node(text, name, lambda mark: mark)
    if not isinstance(document.data, dict):
        got = "nothing" if document.data is None else show(document.data)
        what = f"`key: value` lines are needed at the top (got {got})"
        raise BadInput(name, Problem(what, where=show_place(name, (1, 1)), fix=RECIPES))
    return document


def read_node(text: str, name: str, place: Callable[[tuple[int, int]], Place]) -> Document:
    """Read one YAML value of any type; `place` says how a (line, column) is shown. Raises BadInput."""
    text = text.removeprefix("\ufeff")
    build = _Build(iter(()), place)
    data = None
    try:
        _check_characters(text)
        build.events = _events(text)
        data = _document(build)
        _check_tabs(build, text)
    except _Stop as stop:
        build.faults.append((stop.mark, stop.what, stop.fix))
    if build.faults:
        faults = sorted(build.faults, key=lambda fault: fault[0])
        problems = [Problem(what, where=show_place(name, place(mark)), fix=fix) for mark, what, fix in faults]
        raise BadInput(name, problems)
    return Document(name, data, build.places)


def _check_characters(text: str) -> None:
    if len(text) > LONGEST:
        raise _Stop((1, 1), f"{len(text):,} characters are more than a file of settings may have ({LONGEST:,})")
    found = BAD_CHARACTER.search(text)
    if found:
        what = "a NUL character" if found.group() == "\0" else "a lone surrogate (text that was not UTF-8)"
        raise _Stop(_mark_at(text, found.start()), f"{what} at offset {found.start()}", "save the file as UTF-8 text")
    directive = DIRECTIVE.match(text)
    if directive:
        raise _Stop(_mark_at(text, directive.end() - 1), "directives (`%…`) are not read", "remove the line")


def _mark_at(text: str, offset: int) -> tuple[int, int]:
    start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - start + 1


def _mark(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _events(text: str) -> Iterator[Any]:
    """Yield ruamel's events. Whatever it raises becomes a fault with a place: its scanner has bugs on broken text."""
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.loader import SafeLoader
    from ruamel.yaml.reader import ReaderError

    loader = None
    try:
        loader = SafeLoader(text)
        while loader.check_event():
            yield loader.get_event()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _syntax_fault(text, at, ", ".join(filter(None, (error.context, error.problem)))) from None
    except ReaderError as error:
        what = f"the character U+{error.character:04X} is not allowed in YAML"
        fix = 'write it as an escape in double quotes, such as "\\u001b"'
        raise _Stop(_mark_at(text, error.position), what, fix) from None
    except Exception as error:
        at = (loader.line + 1, loader.column + 1) if loader else (1, 1)
        raise _syntax_fault(text, at, str(error) or type(error).__name__) from error


def _syntax_fault(text: str, at: tuple[int, int], what: str) -> _Stop:
    line = text.split("\n")[at[0] - 1 : at[0]]
    if line and "\t" in line[0][: len(line[0]) - len(line[0].lstrip())]:
        return _tab_fault(at[0], line[0])
    if line and line[0][at[1] - 1 : at[1]] == "\t":
        return _Stop(at, "a tab between values", "use spaces, or put the text in quotes")
    return _Stop(at, f"not YAML: {' '.join(what.split())}")


def _tab_fault(number: int, line: str) -> _Stop:
    return _Stop((number, line.index("\t") + 1), "a tab in the indentation", "use spaces")


def _check_tabs(build: _Build, text: str) -> None:
    """Refuse tabs before a value even where YAML takes them: the line may look as if it stood one level deeper."""
    if "\t" not in text:
        return
    inside = {number for first, last in build.texts for number in range(first + 1, last + 1)}
    for number, line in enumerate(text.split("\n"), start=1):
        content = line.lstrip()
        if content and content[0] != "#" and "\t" in line[: len(line) - len(content)] and number not in inside:
            raise _tab_fault(number, line)


def _document(build: _Build) -> Any:
    from ruamel.yaml.events import DocumentStartEvent, StreamEndEvent

    next(build.events)  # the start of the stream
    start = next(build.events)
    if isinstance(start, StreamEndEvent):
        return None
    first = next(build.events)
    build.places[()] = build.place(_mark(first))
    data = _node(build, first, ())
    for event in build.events:
        if isinstance(event, DocumentStartEvent):
            raise _Stop(_mark(event), "a second document begins here (`---`)", "write one file for each")
    return data


def _node(build: _Build, event: Any, path: Path) -> Any:
    """Build the value that begins with `event`."""
    from ruamel.yaml.events import AliasEvent, MappingStartEvent, SequenceStartEvent

    if isinstance(event, AliasEvent):
        return _alias(build, event, path)
    _count(build, event, 1, len(path))
    tag = str(event.ctag) if event.ctag is not None else None
    if tag is not None:
        tag = tag.replace("tag:yaml.org,2002:", "!!", 1)
        build.faults.append((_mark(event), f"the tag {show(tag)} is not allowed: files are plain data", "remove it"))
    anchor, before, above = event.anchor, build.nodes, build.deepest
    if anchor:
        build.open_anchors.add(anchor)
        build.deepest = len(path)
    if isinstance(event, MappingStartEvent):
        data: Any = _mapping(build, path)
    elif isinstance(event, SequenceStartEvent):
        data = _sequence(build, path)
    else:
        data = _scalar(build, event)
    if anchor:
        build.open_anchors.discard(anchor)
        build.anchors[anchor] = (data, build.nodes - before + 1, build.deepest - len(path))
        build.deepest = max(above, build.deepest)
    return data


def _count(build: _Build, event: Any, nodes: int, depth: int) -> None:
    build.nodes += nodes
    build.deepest = max(build.deepest, depth)
    if build.nodes > MOST_NODES:
        raise _Stop(_mark(event), f"more than {MOST_NODES:,} values, repeated ones counted each time")
    if depth > DEEPEST:
        raise _Stop(_mark(event), f"more than {DEEPEST} levels of nesting")


def _alias(build: _Build, event: Any, path: Path) -> Any:
    known = build.anchors.get(event.anchor)
    if known is None or event.anchor in build.open_anchors:
        why = "stands inside its own value" if event.anchor in build.open_anchors else "is not defined above"
        raise _Stop(_mark(event), f"the anchor {show('&' + event.anchor)} {why}")
    data, nodes, levels = known
    _count(build, event, nodes, len(path) + levels)
    return data


def _mapping(build: _Build, path: Path) -> dict[str, Any]:
    from ruamel.yaml.events import CollectionEndEvent

    data: dict[str, Any] = {}
    lines: dict[str, int] = {}
    while not isinstance(event := next(build.events), CollectionEndEvent):
        key = _key(build, event, path)
        here = (*path, key) if key is not None else (*path, "?")
        if key is not None and key not in lines:
            build.places[here] = build.place(_mark(event))
        value = _node(build, next(build.events), here)
        if key is None:
            continue
        if key in lines:
            what = f"the key {show(key)} is given twice, here and on line {lines[key]}"
            build.faults.append((_mark(event), what, "keep one"))
            continue
        lines[key] = _mark(event)[0]
        data[key] = value
    return data


def _key(build: _Build, event: Any, path: Path) -> str | None:
    """Give a key, or None after noting why it cannot be one."""
    from ruamel.yaml.events import ScalarEvent

    if isinstance(event, ScalarEvent) and event.style is None and event.value == "<<":
        fix = "write every key out: a recipe is complete"
        build.faults.append((_mark(event), "merge keys (`<<`) are not read", fix))
        return None
    faults = len(build.faults)
    key = _node(build, event, (*path, "?"))
    if isinstance(key, str) and isinstance(event, ScalarEvent):
        return key
    if len(build.faults) == faults:
        got = show(key) if isinstance(event, ScalarEvent) else "a list, section or alias"
        build.faults.append((_mark(event), f"a key must be a text (got {got})", "put it in quotes"))
    return None


def _sequence(build: _Build, path: Path) -> list[Any]:
    from ruamel.yaml.events import CollectionEndEvent

    data: list[Any] = []
    while not isinstance(event := next(build.events), CollectionEndEvent):
        here = (*path, len(data))
        build.places[here] = build.place(_mark(event))
        data.append(_node(build, event, here))
    return data


def _scalar(build: _Build, event: Any) -> Any:
    text = str(event.value)
    if event.style is not None:
        build.texts.append((event.start_mark.line + 1, event.end_mark.line + 1))
    elif event.ctag is None:
        try:
            return resolve(text)
        except NotPlain as error:
            build.faults.append((_mark(event), str(error), ""))
    if BAD_CHARACTER.search(text):
        build.faults.append((_mark(event), r"\0 and lone surrogates cannot stand in a text", "remove the escape"))
    return text
