"""The file, or the folder it lies in, is the label: a text a line, or a text a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from nlptl.errors import BadInput, Problem
from nlptl.sources import Part, Record, Source
from nlptl.texts import Encoding, lines, whole_lines, without_blank_end


class LabelledFiles(Source):
    """Files without labels in them; the card says each one's. Columns: `text`, `label`, `file` (the file's name)."""

    kind: Literal["labelled_files"]

    text: Literal["line", "file"]
    """What one text is: each line of the files, or each whole file."""

    encoding: Encoding = "utf-8"
    """Python's name of the text encoding."""

    def records(self, part: Part) -> Iterator[Record]:
        """Yield the texts of a file, or of all files of a folder in the order of their names."""
        assert part.path is not None, "labelled files are files"
        if part.label is None:
            raise BadInput(
                part.name,
                Problem("no label is said for this file", where=part.name, fix="add 'label' beside it in the card"),
            )
        for path, name in _files(part.path, part.name):
            if self.text == "file":
                text = "".join(line for _, line in whole_lines(path, name, self.encoding))
                yield Record({"text": text, "label": part.label, "file": path.name}, name)
                continue
            for number, line in without_blank_end(lines(path, name, self.encoding)):
                yield Record({"text": line, "label": part.label, "file": path.name}, f"{name}:{number}")


def _files(path: Path, name: str) -> list[tuple[Path, str]]:
    if not path.is_dir():
        return [(path, name)]
    found = sorted(each for each in path.rglob("*") if each.is_file())
    return [(each, f"{name.rstrip('/')}/{each.relative_to(path).as_posix()}") for each in found]
