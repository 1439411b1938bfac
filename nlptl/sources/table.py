"""Tables: one record a row, fields between delimiters, every field the string that is written."""

import csv
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field, model_validator

from nlptl.errors import BadInput, Problem
from nlptl.sources import Part, Record, Source
from nlptl.texts import Encoding, lines, whole_lines, without_blank_end

DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
SHOWN = 5
LONGEST_FIELD = 1 << 30
"""csv's own limit of 131,072 characters is shorter than texts are."""


class Table(Source):
    """Delimited text, as RFC 4180 has it or without any quoting."""

    kind: Literal["table"]

    delimiter: Literal["tab", "comma", "semicolon", "pipe"]
    """What stands between fields."""

    quoting: Literal["none", "double"]
    """`none`: a quotation mark is a character like others. `double`: "…" may hold delimiters, line ends, ""."""

    header: bool
    """Whether the first row names the columns."""

    columns: tuple[str, ...] | None = Field(default=None, min_length=1)
    """The names of the columns, for a table without a header."""

    blank_lines: Literal["fault", "skip"] = "fault"
    """What empty lines between rows are; those at the end of a file are nothing."""

    encoding: Encoding = "utf-8"
    """Python's name of the text encoding."""

    @model_validator(mode="after")
    def _named(self) -> "Table":
        if self.header == (self.columns is not None):
            raise ValueError("'columns' names them where there is no header, and only there")
        if self.columns is not None and len(set(self.columns)) < len(self.columns):
            raise ValueError("'columns' names one twice")
        return self

    def records(self, part: Part) -> Iterator[Record]:
        """Yield the rows; after the last, raise BadInput if any had another number of fields than the table."""
        assert part.path is not None, "a table is read from a file"
        fields = self._plain(part) if self.quoting == "none" else self._quoted(part)
        names = self.columns
        ragged: list[Problem] = []
        count = 0
        for number, row in fields:
            if self.blank_lines == "skip" and row in ([], [""]):
                continue
            if names is None:
                names = _header(row, f"{part.name}:{number}")
            elif len(row) == len(names):
                yield Record(dict(zip(names, row, strict=True)), f"{part.name}:{number}")
            else:
                count += 1
                if count <= SHOWN:
                    what = f"{len(row)} field{'' if len(row) == 1 else 's'} in a table of {len(names)}"
                    ragged.append(
                        Problem(what, where=f"{part.name}:{number}", fix="check the delimiter and the quoting")
                    )
        if count > SHOWN:
            ragged.append(Problem(f"and {count - SHOWN} more rows like these"))
        if ragged:
            raise BadInput(part.name, ragged)

    def _plain(self, part: Part) -> Iterator[tuple[int, Sequence[str]]]:
        assert part.path is not None
        delimiter = DELIMITERS[self.delimiter]
        for number, line in without_blank_end(lines(part.path, part.name, self.encoding)):
            yield number, line.split(delimiter)

    def _quoted(self, part: Part) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield (line where the row begins, fields): a quoted field may go over several lines."""
        assert part.path is not None
        plain = (line for _, line in whole_lines(part.path, part.name, self.encoding))
        reader = csv.reader(plain, delimiter=DELIMITERS[self.delimiter], doublequote=True, strict=True)
        blank: list[tuple[int, Sequence[str]]] = []
        while True:
            first = reader.line_num + 1
            try:
                row = _next(reader)
            except csv.Error as error:
                what = f"cannot be read as quoted fields: {error}"
                fix = "a quotation mark in a field is written twice; if this table quotes nothing: 'quoting: none'"
                raise BadInput(part.name, Problem(what, where=f"{part.name}:{first}", fix=fix)) from None
            if row is None:
                return
            if not row:  # blank lines at the end of a file are no rows; elsewhere they are faults
                blank.append((first, [""]))
                continue
            yield from blank
            blank = []
            yield first, row


def _next(reader: "csv._reader") -> list[str] | None:  # type: ignore[name-defined]
    """Read one row with no limit on its fields; the limit is the whole process's, so it is put back each time."""
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)


def _header(row: Sequence[str], where: str) -> tuple[str, ...]:
    doubled = sorted({name for name in row if row.count(name) > 1})
    if doubled:
        raise BadInput(where, Problem(f"the header names {doubled} twice", where=where))
    return tuple(row)
