"""One record a line: JSON Lines, or lines that a pattern with named groups takes apart."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, field_validator

from nlptl.errors import BadInput, Problem
from nlptl.sources import Part, Record, Source
from nlptl.texts import Encoding, json_object, lines, without_blank_end

SECONDS_PER_LINE = 1.0
SHOWN = 5


class Lines(Source):
    """JSON Lines (an object on each line), or any other format of one record a line."""

    kind: Literal["lines"]

    pattern: str | None = Field(default=None, min_length=1, max_length=2000)
    """A regular expression whose named groups are the columns, such as `(?P<label>[A-Z]+) (?P<text>.*)`; it must match
    the whole line. Absent: every line is a JSON object."""

    blank_lines: Literal["fault", "skip"] = "fault"
    """What empty lines between records are; those at the end of a file are nothing."""

    encoding: Encoding = "utf-8"
    """Python's name of the text encoding."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None and not _compiled(pattern).groupindex:
            raise ValueError("has no named group: (?P<text>.*) names one 'text'")
        return pattern

    def records(self, part: Part) -> Iterator[Record]:
        """Yield a record a line; blank lines at the end are none. A pattern that takes seconds for a line is
        refused.
        """
        assert part.path is not None, "lines are read from a file"
        read = self._json if self.pattern is None else self._matched
        numbered = without_blank_end(lines(part.path, part.name, self.encoding))
        if self.blank_lines == "skip":
            numbered = ((number, line) for number, line in numbered if line.strip())
        yield from read(part, numbered)

    def _json(self, part: Part, numbered: Iterator[tuple[int, str]]) -> Iterator[Record]:
        for number, line in numbered:
            where = f"{part.name}:{number}"
            yield Record(json_object(line, where), where)

    def _matched(self, part: Part, numbered: Iterator[tuple[int, str]]) -> Iterator[Record]:
        assert self.pattern is not None
        compiled = _compiled(self.pattern)
        misses: list[Problem] = []
        count = 0
        for number, line in numbered:
            where = f"{part.name}:{number}"
            try:
                match = compiled.fullmatch(line, timeout=SECONDS_PER_LINE)
            except TimeoutError:
                what = f"takes over {SECONDS_PER_LINE:g} second for the {len(line):,} characters of one line"
                fix = "a repetition inside a repetition, such as (a+)+, does that"
                raise BadInput(part.name, Problem(what, where=where, field="source.pattern", fix=fix)) from None
            if match is not None:
                yield Record({name: value or "" for name, value in match.groupdict().items()}, where)
                continue
            count += 1
            if count <= SHOWN:
                misses.append(
                    Problem(
                        f"the pattern does not match this line of {len(line):,} characters",
                        where=where,
                        field="source.pattern",
                    )
                )
        if count > SHOWN:
            misses.append(Problem(f"and {count - SHOWN} more lines"))
        if misses:
            raise BadInput(part.name, misses)


def _compiled(pattern: str) -> Any:
    """Compile with the `regex` package, which can be told to stop; Python's own `re` cannot."""
    import regex

    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
