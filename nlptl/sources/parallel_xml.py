"""XML that holds the same items in several languages, each with what is the same for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from xml.parsers import expat

from pydantic import Field

from nlptl.errors import BadInput, Problem
from nlptl.sources import Part, Record, Source
from nlptl.texts import Encoding, whole_lines

DEEPEST = 100


@dataclass
class _Reading:
    """Where the parser stands, and the item that it is in."""

    depth: int = 0
    item: dict[str, str] | None = None
    item_depth: int = 0
    item_line: int = 0
    column: str | None = None
    text: list[str] = field(default_factory=list)
    done: list[tuple[int, dict[str, str]]] = field(default_factory=list)


class ParallelXml(Source):
    """Columns of an item: its attributes, `text` in the language that is read, and `TAG.VALUE` for each element within
    that has the attribute which tells languages apart (`mrl.geo-funql`), else `TAG`. Spaces around texts are left out.

    Items without a text in that language are left out. Entities of a document's own and files that it names are
    refused: neither is needed for data, and both have been used to attack readers.
    """

    kind: Literal["parallel_xml"]

    item: str = Field(min_length=1)
    """The element that is an item: `example`."""

    text: str = Field(min_length=1)
    """The element within it that holds the text: `nl`."""

    attribute: str = Field(min_length=1)
    """The attribute that says its language: `lang`."""

    languages: Mapping[str, str]
    """Language of the card -> what the attribute says: `{deu: de}`."""

    complete: tuple[str, ...] = ()
    """Only the items that have a text in all of these languages of the card; absent: all items."""

    encoding: Encoding = "utf-8"
    """Python's name of the text encoding; what the document says of its own is not looked at."""

    def records(self, part: Part) -> Iterator[Record]:
        """Yield a record an item that has a text in the language of `part`, in the order of the file.

        Raises BadInput with the line for what is not well-formed, for entities, and for a language without an entry.
        """
        assert part.path is not None, "XML is read from a file"
        if part.language not in self.languages:
            what = f"nothing says how the file calls '{part.language}'"
            raise BadInput(part.name, Problem(what, field="source.languages"))
        texts = {language: f"{self.text}.{said}" for language, said in self.languages.items()}
        own = set(texts.values())
        for line, item in self._items(part):
            needed = [texts[language] for language in (*self.complete, part.language) if language in texts]
            if all(item.get(name) for name in needed):
                values: dict[str, Any] = {name: value for name, value in item.items() if name not in own}
                yield Record({**values, "text": item[texts[part.language]]}, f"{part.name}:{line}")

    def _items(self, part: Part) -> Iterator[tuple[int, dict[str, str]]]:
        assert part.path is not None
        reading = _Reading()
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = lambda tag, attributes: self._start(reading, parser, tag, attributes)
        parser.EndElementHandler = lambda tag: self._end(reading, tag)
        parser.CharacterDataHandler = reading.text.append
        parser.EntityDeclHandler = _refuse
        parser.ExternalEntityRefHandler = _refuse
        try:
            for _, line in whole_lines(part.path, part.name, self.encoding):
                parser.Parse(line.encode())
                yield from reading.done
                reading.done.clear()
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            where = f"{part.name}:{error.lineno}:{error.offset + 1}"
            what = f"not well-formed XML: {expat.errors.messages[error.code]}"
            raise BadInput(part.name, Problem(what, where)) from None
        except _Refused as refused:
            where = f"{part.name}:{parser.CurrentLineNumber}"
            raise BadInput(part.name, Problem(str(refused), where, fix="write the text out in the file")) from None
        yield from reading.done

    def _start(self, reading: _Reading, parser: expat.XMLParserType, tag: str, attributes: Mapping[str, str]) -> None:
        reading.depth += 1
        if reading.depth > DEEPEST:
            raise _Refused(f"elements more than {DEEPEST} deep")
        if reading.item is None and tag == self.item:
            reading.item, reading.item_depth = dict(attributes), reading.depth
            reading.item_line = parser.CurrentLineNumber
        elif reading.item is not None and reading.depth == reading.item_depth + 1:
            said = attributes.get(self.attribute)
            reading.column = tag if said is None else f"{tag}.{said}"
            reading.text.clear()

    def _end(self, reading: _Reading, tag: str) -> None:
        if reading.item is not None and reading.depth == reading.item_depth:
            reading.done.append((reading.item_line, reading.item))
            reading.item = None
        elif reading.item is not None and reading.depth == reading.item_depth + 1 and reading.column is not None:
            reading.item.setdefault(reading.column, "".join(reading.text).strip())
        reading.depth -= 1


class _Refused(Exception):
    """What a document has and must not."""


def _refuse(*entity: object) -> int:
    raise _Refused(f"declares or uses an entity ({entity[0]}), which is refused")
