"""Files -> the source that reads them, guessed, and their records, read by it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlptl import kinds, texts
from nlptl.begin.finding import Found, Given
from nlptl.begin.wishes import Said, Wishes
from nlptl.errors import BadInput, Problem
from nlptl.sniffing import Guess, dialects, encodings
from nlptl.sources import Part, Record, Source

LOOKED_AT = 1 << 24
"""Bytes of a file that are looked at before it is read."""
NEARLY_ALL = 0.98
"""Share of even rows from which the others are faults of the table, and its format is not doubted."""
_USUAL = {".tsv": "tab", ".tab": "tab", ".psv": "pipe", ".txt": "tab"}


@dataclass(frozen=True)
class Reading:
    """How the files are read, and what is in them."""

    settings: dict[str, Any]
    """Of the card's source."""
    header: bool
    """Whether the columns have names of the data's own."""
    records: tuple[tuple[Given, tuple[Record, ...]], ...]
    said: tuple[Said, ...]


def read(found: Found, wishes: Wishes, root: Path) -> Reading:
    """Guess encoding and format of the files, and read all of them. Raises BadInput for what cannot be read so."""
    contents = [_content(path) for one in found.files for path in _files_of(one.path)]
    name = _shown(found.files[0].path, root)
    said = [_encoding(contents, wishes, name)]
    encoding = said[0].value
    decoded = [_decode(content, encoding, name) for content in contents]
    if any(len(content) == LOOKED_AT for content in contents):
        what = f"the first {LOOKED_AT >> 20} MiB of a file"
        said.append(
            Said("looked at", what, "encoding and format are guessed from them; all rows are read for the rest")
        )
    if found.labelled:
        settings: dict[str, Any] = {"kind": "labelled_files", "text": "file" if found.whole_files else "line"}
        header = True
    else:
        settings, header, more = _format(decoded, found, wishes, name)
        said += more
    settings |= {"encoding": encoding} if encoding != "utf-8" else {}
    source = kinds.shelf("sources")[settings["kind"]].model_validate_json(json.dumps(settings), strict=True)
    records = tuple((one, tuple(_records(source, one, root))) for one in found.files)
    return Reading(settings, header, records, tuple(said))


def below(path: Path, root: Path) -> str:
    """Give a file's place below the root, as a card writes it."""
    return path.resolve().relative_to(root.resolve()).as_posix()


def _shown(path: Path, root: Path) -> str:
    return below(path, root)


def _records(source: Source, one: Given, root: Path) -> Sequence[Record]:
    return list(source.records(Part(one.split, "und", one.path, below(one.path, root), one.label)))


def _files_of(path: Path) -> list[Path]:
    return sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]


def _content(path: Path) -> bytes:
    try:
        with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
            return file.read(LOOKED_AT)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(str(path), Problem(f"is damaged: {error}", str(path), fix="bring the file again")) from None
    except OSError as error:
        raise BadInput(str(path), Problem(f"cannot be read: {error.strerror or error}", str(path))) from None


def _encoding(contents: Sequence[bytes], wishes: Wishes, name: str) -> Said:
    if wishes.encoding is not None:
        try:
            texts.check_encoding(wishes.encoding)
        except ValueError as error:
            raise BadInput("--encoding", Problem(str(error), "--encoding")) from None
        return Said("encoding", wishes.encoding, "you said so")
    guesses = [encodings.encoding(_whole(content)) for content in contents]
    odd = [guess for guess in guesses if guess is not None and guess.reason != encodings.PLAIN]
    if None in guesses or len({guess.value for guess in odd}) > 1:
        seen = ", ".join(sorted({guess.value for guess in odd})) or "none that is known here"
        what = f"the encoding cannot be told; what fits the files: {seen}"
        raise BadInput(name, Problem(what, name, fix="which one is it? --encoding NAME, such as --encoding cp1252"))
    if not odd:
        return Said("encoding", "utf-8", encodings.PLAIN, "--encoding")
    return Said("encoding", odd[0].value, odd[0].reason, "--encoding")


def _whole(content: bytes) -> bytes:
    """Leave out what may be half a character at the end of a part of a file."""
    return content if len(content) < LOOKED_AT else content[: content.rfind(b"\n") + 1]


def _decode(content: bytes, encoding: str, name: str) -> str:
    try:
        return _whole(content).decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        what = f"byte 0x{content[error.start]:02x} at offset {error.start} is not {encoding}"
        raise BadInput(name, Problem(what, name, fix="say another one: --encoding NAME")) from None


def _format(decoded: Sequence[str], found: Found, wishes: Wishes, name: str) -> tuple[dict[str, Any], bool, list[Said]]:
    first = next((text for text in decoded if text.strip()), "")
    if not first:
        raise BadInput(name, Problem("0 rows: the file is empty", name))
    start = first.lstrip()
    if _is_squad(start):
        return {"kind": "squad"}, True, [Said("format", "squad", "JSON of paragraphs with questions and answers")]
    _refuse_documents(start, name)
    if start.startswith("{"):
        blank = any("" in (line.strip() for line in text.rstrip().split("\n")) for text in decoded)
        skip = {"blank_lines": "skip"} if blank else {}
        return {"kind": "lines", **skip}, True, [Said("format", "jsonl", "each line is a JSON object")]
    return _table(decoded, found, wishes, name)


def _is_squad(start: str) -> bool:
    return start.startswith("{") and '"paragraphs"' in start[:100_000] and '"data"' in start


def _refuse_documents(start: str, name: str) -> None:
    document = start.startswith("{") and not start.split("\n", 1)[0].rstrip().endswith("}")
    if start.startswith("[{") or (start.startswith("[") and start[1:].lstrip().startswith("{")) or document:
        what = "this is one JSON document; JSON Lines, with an object on each line, is read"
        change = "jq -c '.[]'" if start.startswith("[") else "jq -c ."
        raise BadInput(name, Problem(what, name, fix=f"write it anew: {change} {name} > {Path(name).stem}.jsonl"))


def _table(decoded: Sequence[str], found: Found, wishes: Wishes, name: str) -> tuple[dict[str, Any], bool, list[Said]]:
    if wishes.delimiter is not None and wishes.delimiter not in dialects.DELIMITERS:
        known = ", ".join(dialects.DELIMITERS)
        raise BadInput(
            "--delimiter", Problem(f"'{wishes.delimiter}' is not known", "--delimiter", fix=f"known: {known}")
        )
    if decoded[0].startswith("sep=") and len(decoded[0].split("\n", 1)[0].strip()) <= 5:
        what = "the first line, 'sep=', is a hint to Excel and no row"
        raise BadInput(name, Problem(what, f"{name}:1", fix="delete that line"))
    usual = _USUAL.get(Path(found.files[0].path.name.removesuffix(".gz")).suffix.lower(), "comma")
    guess = dialects.dialect(decoded[0], wishes.delimiter, usual)
    if (guess is None or guess.value.even < NEARLY_ALL) and wishes.delimiter is None:
        pattern = dialects.pattern([line.rstrip("\r") for text in decoded for line in text.split("\n")])
        if pattern is not None:
            return {"kind": "lines", "pattern": pattern.value}, True, [Said("format", "lines", pattern.reason)]
    if guess is None:
        what = "no delimiter (tab, comma, semicolon, pipe) cuts most lines into the same number of fields"
        fix = "which one is it? --delimiter NAME; texts without labels cannot be learnt from"
        raise BadInput(name, Problem(what, name, fix=fix))
    dialect, why = guess.value, guess.reason
    told = wishes.header
    named = dialects.header(dialect.rows) if told is None else Guess(told, "you said so")
    if named is None:
        shown = ", ".join(f"'{cell:.30}'" for cell in dialect.rows[0])
        what = f"the first row may be names of columns or a row: {shown}"
        raise BadInput(name, Problem(what, name, fix="which is it? --header or --no-header"))
    settings: dict[str, Any] = {"kind": "table", "delimiter": dialect.delimiter, "quoting": dialect.quoting}
    settings |= {"header": named.value}
    if not named.value:
        settings |= {"columns": [f"column{number}" for number in range(1, dialect.width + 1)]}
    others = [dialects.dialect(text, dialect.delimiter, usual) for text in decoded[1:]]
    blank = any(one is not None and one.value.blank_lines > 0 for one in [guess, *others])
    settings |= {"blank_lines": "skip"} if blank else {}
    said = [
        Said("delimiter", dialect.delimiter, why if wishes.delimiter is None else "you said so", "--delimiter"),
        Said("quoting", dialect.quoting, _why_quoting(dialect.quoting)),
        Said("header", "yes" if named.value else "no", named.reason, "--no-header" if named.value else "--header"),
    ]
    return settings, named.value, said


def _why_quoting(quoting: str) -> str:
    if quoting == "double":
        return 'fields in "…" may hold delimiters and line breaks'
    return "quotation marks are characters like others"
