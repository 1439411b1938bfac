"""A path -> the text of a small regular file, or a fault that says what is there instead."""

import os
import stat
from itertools import islice
from pathlib import Path

from nlptl.errors import BadInput, Problem, nearest
from nlptl.strict.document import Document
from nlptl.strict.parsing import LONGEST, parse

UTF16 = (b"\xff\xfe", b"\xfe\xff")
KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def load(path: Path | str) -> Document:
    """Read a YAML file. Raises BadInput for all but a regular UTF-8 file of at most 1 MiB; never waits for a pipe."""
    name = show_file(path)
    return parse(_decode(_read(path, name), name), name)


def show_file(path: Path | str) -> str:
    """Give a path as text that can always be printed."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace") if "\0" not in str(path) else repr(str(path))[1:-1]
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text) or "''"


def _read(path: Path | str, name: str) -> bytes:
    try:
        # A pipe without a writer, or a terminal, would otherwise block here.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(Path(path), name) from None
    except ValueError:
        raise BadInput(name, "a path cannot hold a NUL character") from None
    except OSError as error:
        raise BadInput(name, f"cannot be opened: {error.strerror}") from None
    kind = stat.S_IFMT(os.fstat(handle).st_mode)
    if kind != stat.S_IFREG:
        os.close(handle)
        fix = _candidates(Path(path)) if kind == stat.S_IFDIR else ""
        raise BadInput(name, Problem(f"is {KINDS.get(kind, 'no regular file')}, not a file", fix=fix))
    with open(handle, "rb") as file:
        try:
            content = file.read(LONGEST + 1)
        except OSError as error:
            raise BadInput(name, f"cannot be read: {error.strerror}") from None
    if len(content) > LONGEST:
        raise BadInput(name, f"is larger than a file of settings may be ({LONGEST:,} bytes)")
    return content


def _missing(path: Path, name: str) -> BadInput:
    folder = path.parent
    if not folder.is_dir():
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        fix = f"the last folder of this path that exists is '{show_file(folder)}'"
        return BadInput(name, Problem("no such file", fix=fix))
    return BadInput(name, Problem("no such file", fix=_candidates(folder, path.name)))


def _candidates(folder: Path, wanted: str = "") -> str:
    """Say which file of a folder may have been meant."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in islice(entries, 2000))
    except OSError:
        return ""
    best = nearest(wanted, names) if wanted else None
    if best is None and wanted:
        best = next((name for name in names if Path(name).stem == wanted), None)
    if best is not None:
        return f"did you mean '{show_file(folder / best)}'?"
    found = [show_file(name) for name in names if name.endswith((".yaml", ".yml"))]
    if not found:
        return f"'{show_file(folder)}' holds no .yaml file"
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return f"'{show_file(folder)}' holds {', '.join(found[:5])}{more}"


def _decode(content: bytes, name: str) -> str:
    if content.startswith(UTF16):
        raise BadInput(name, Problem("is UTF-16 text", fix="save it as UTF-8"))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = len(content[content.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", "replace")) + 1
        what = f"byte 0x{content[error.start]:02x} at offset {error.start} is not UTF-8"
        place = f"{name.rpartition('/')[2]}:{line}:{column}"
        raise BadInput(name, Problem(what, where=place, fix="save the file as UTF-8")) from None
