"""Files of text read as they are: every line with its number, nothing guessed, faults with line and byte.

Universal newlines and `str.splitlines` are not used: they take form feeds, U+2028 and the like for line ends and shift
every number after them. A line ends with a line feed, or a carriage return and a line feed.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Annotated, Any

from pydantic import AfterValidator

from nlptl.errors import BadInput, Problem, did_you_mean

ENCODINGS = (
    "utf-8",
    "latin-1",
    "cp1252",
    "utf-16",
    "ascii",
    "shift_jis",
    "euc_jp",
    "gb18030",
    "big5",
    "euc_kr",
    "cp1251",
    "koi8_r",
)
"""Those that messages offer; every text encoding of Python is accepted."""
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 1 << 16


def check_encoding(name: str) -> str:
    """Give an encoding's name back; ValueError for one that Python does not know as a text encoding."""
    try:
        if codecs.lookup(name)._is_text_encoding:
            return name
    except LookupError:
        pass
    raise ValueError(f"'{name}' is no text encoding; {did_you_mean(name, ENCODINGS)}")


Encoding = Annotated[str, AfterValidator(check_encoding)]
"""Python's name of a text encoding, as a setting."""


def lines(path: Path, name: str, encoding: str) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line without its end) of a file; one whose name ends in .gz is decompressed.

    A byte order mark is left out. Raises BadInput with byte offset, line and likely encoding for what is not text.
    """
    for number, line in whole_lines(path, name, encoding):
        yield number, line.removesuffix("\n").removesuffix("\r")


def without_blank_end(numbered: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Leave out empty lines at the end of a file; within it they stay, and are faults or empty texts."""
    blank: list[tuple[int, str]] = []
    for number, line in numbered:
        if line:
            yield from blank
            blank = []
            yield number, line
        else:
            blank.append((number, line))


def whole_lines(path: Path, name: str, encoding: str) -> Iterator[tuple[int, str]]:
    """Yield as `lines` does, line ends included."""
    try:
        with _open(path) as binary:
            sample = binary.read(_SAMPLE)
        _check_sample(sample, name, encoding)
        plain = codecs.lookup(encoding).name
        with (
            _open(path) as binary,
            io.TextIOWrapper(binary, "utf-8-sig" if plain == "utf-8" else encoding, newline="\n") as file,
        ):
            yield from enumerate(file, 1)
    except UnicodeDecodeError as error:
        raise BadInput(name, _undecodable(path, name, encoding, error)) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(name, Problem(f"is damaged: {error}", where=name, fix="bring the file again")) from None
    except OSError as error:
        raise BadInput(name, Problem(f"cannot be read: {error.strerror or error}", where=name)) from None


def json_object(line: str, where: str) -> dict[str, Any]:
    """Give the object on a line of JSON Lines. Whole numbers stay the text they are, other numbers become Decimal.

    Raises BadInput with line and column, or with what the file looks like when it is no JSON Lines.
    """
    try:
        value = json.loads(line, parse_int=str, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        fix = _json_fix(line, where)
        raise BadInput(where, Problem(f"not JSON: {error.msg}", where=f"{where}:{error.colno}", fix=fix)) from None
    except (ValueError, RecursionError) as error:
        raise BadInput(where, Problem(f"not a JSON object: {error}", where=where)) from None
    if not isinstance(value, dict):
        what = f"a {_json_kind(value)} where an object {{…}} must stand"
        raise BadInput(where, Problem(what, where=where, fix=_json_fix(line, where)))
    return value


def _json_kind(value: object) -> str:
    kinds = {list: "list", str: "text or number", bool: "true or false", Decimal: "number"}
    return kinds.get(type(value), "null")


def _json_fix(line: str, where: str) -> str:
    if not where.endswith(":1"):
        return ""
    if line.lstrip().startswith("["):
        return "this looks like one JSON list; JSON Lines has an object on each line: jq -c '.[]' FILE > FILE.jsonl"
    if '"data"' in line and '"paragraphs"' in line:
        return "this looks like SQuAD's format, which is one JSON document"
    if line.strip() in ("{", "[") or line.lstrip().startswith("{"):
        return "if this is one JSON document over several lines: jq -c . FILE > FILE.jsonl"
    return "the source kind 'lines' without a pattern reads JSON Lines"


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key '{next(key for key in keys if keys.count(key) > 1)}' stands twice")
    return found


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def _check_sample(sample: bytes, name: str, encoding: str) -> None:
    """Refuse what would decode, but wrongly: UTF-16 of ASCII is valid UTF-8 and Latin-1, full of zero bytes."""
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
        return
    found = next((known for mark, known in _BOMS if sample.startswith(mark)), None)
    if found is None and len(sample) >= 8 and sample.count(0) > len(sample) // 4:
        found = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    if found is not None:
        what = f"looks like {found.upper()}, the card says {encoding}"
        raise BadInput(
            name, Problem(what, where=f"{name}:1 (byte 0)", fix=f"write 'encoding: {found}' in the card's source")
        )


def _undecodable(path: Path, name: str, encoding: str, error: UnicodeDecodeError) -> Problem:
    """Read again from the start to find the byte: the reader above knows its own buffer only."""
    decoder = codecs.getincrementaldecoder(encoding)()
    offset, line, rest = 0, 1, b""
    with _open(path) as binary:
        while chunk := binary.read(_SAMPLE):
            held = len(decoder.getstate()[0])
            try:
                line += decoder.decode(chunk).count("\n")
            except UnicodeDecodeError as found:
                offset, rest = offset - held + found.start, found.object[found.start :] + binary.read(_SAMPLE)
                line += found.object[: found.start].count(b"\n")
                break
            offset += len(chunk)
        else:  # the last character of the file is cut off
            held = len(decoder.getstate()[0])
            offset, rest = offset - held, decoder.getstate()[0]
    likely = _likely(path, encoding)
    byte = f"byte 0x{rest[0]:02x} at offset {offset}" if rest else "the last character"
    fix = (
        f"it looks like {likely}: write 'encoding: {likely}' in the card's source"
        if likely
        else "mend the file, or say its encoding"
    )
    return Problem(f"{byte} is not {encoding}: {error.reason}", where=f"{name}:{line}", fix=fix)


def _likely(path: Path, encoding: str) -> str | None:
    """Guess the encoding of a file that is not `encoding`: the strictest that can read all of it."""
    with _open(path) as binary:
        content = binary.read(1 << 24)
    has_c1 = any(0x80 <= byte <= 0x9F for byte in set(content))
    for candidate in ("utf-8", "cp1252" if has_c1 else "latin-1", "latin-1"):
        if codecs.lookup(candidate) != codecs.lookup(encoding):
            try:
                content.decode(candidate)
            except UnicodeDecodeError:
                continue
            return candidate
    return None
