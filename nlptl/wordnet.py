"""WordNet's own files (the manual page wndb(5WN)), read as they are, without a package: which words share a sense."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from nlptl.errors import BadInput, Problem

PARTS = ("noun", "verb", "adj", "adv")
"""Parts of speech; each has a file `index.…` and a file `data.…`."""
_MARK = re.compile(r"\((?:a|p|ip)\)$")
"""Where an adjective may stand, written behind it."""


def places() -> list[Path]:
    """Give the folders where WordNet's files are looked for: its own variables, Debian's place, NLTK's."""
    found = []
    for name, below in (("WNSEARCHDIR", ""), ("WNHOME", "dict"), ("NLTK_DATA", "corpora/wordnet")):
        if value := os.environ.get(name):
            found.append(Path(value, below))
    known = ("/usr/share/wordnet", "/usr/local/WordNet-3.0/dict", "/usr/share/nltk_data/corpora/wordnet")
    return [*found, *map(Path, known), Path.home() / "nltk_data/corpora/wordnet"]


def missing(folder: Path) -> list[str]:
    """Name the files that a folder lacks."""
    return [name for part in PARTS for name in (f"index.{part}", f"data.{part}") if not (folder / name).is_file()]


def find(directory: str | None) -> WordNet:
    """Open the files of a folder, or of the first place that has them. Raises BadInput where there are none."""
    asked = [Path(directory).expanduser()] if directory is not None else places()
    for folder in asked:
        if not missing(folder):
            return WordNet(folder)
    looked = ", ".join(str(folder) for folder in asked)
    fix = "install Debian's wordnet-base, or write directory: with the folder that has index.noun and data.noun"
    raise BadInput("WordNet", Problem(f"its files are not here; looked in {looked}", fix=fix))


@dataclass(frozen=True)
class WordNet:
    """A folder with WordNet's files."""

    folder: Path

    def sha256(self) -> str:
        """Give one over all files that are read."""
        total = hashlib.sha256()
        for part in PARTS:
            for name in (f"index.{part}", f"data.{part}"):
                total.update(hashlib.sha256((self.folder / name).read_bytes()).digest())
        return total.hexdigest()

    def synonyms(self, word: str, senses: int) -> tuple[str, ...]:
        """Give the words that share one of the first `senses` senses of a word, the commonest sense first.

        Of a word of several parts of speech the one is taken of which most senses were seen in WordNet's tagged texts;
        one that was seen in none has no synonyms.
        """
        return _synonyms(self.folder, word.lower(), senses)


@functools.lru_cache(maxsize=1 << 16)
def _synonyms(folder: Path, word: str, senses: int) -> tuple[str, ...]:
    best, tagged, chosen = "", 0, list[int]()
    for part in PARTS:
        count, offsets = _senses(folder, part, word)
        if count > tagged:
            best, tagged, chosen = part, count, offsets
    found: dict[str, None] = {}
    for offset in chosen[:senses]:
        found.update(dict.fromkeys(_words(folder, best, offset)))
    return tuple(one for one in found if one.casefold() != word)


def _senses(folder: Path, part: str, word: str) -> tuple[int, list[int]]:
    """Give how many senses of a word were tagged, and where all are written, the commonest first."""
    line = _index(folder, part).get(word)
    if line is None:
        return 0, []
    fields = line.split()
    count = int(fields[2])
    return int(fields[-count - 1]), [int(one) for one in fields[-count:]]


@functools.lru_cache(maxsize=8)
def _index(folder: Path, part: str) -> dict[str, str]:
    """Read an index: lemma -> its line. Lines that begin with a space are the licence."""
    with (folder / f"index.{part}").open(encoding="utf-8") as lines:
        return {line.split(" ", 1)[0]: line for line in lines if not line.startswith(" ")}


def _words(folder: Path, part: str, offset: int) -> list[str]:
    """Read the words of the sense that is written at a byte of a data file."""
    with (folder / f"data.{part}").open("rb") as file:
        file.seek(offset)
        fields = file.readline().decode("utf-8", "replace").split()
    if not fields or fields[0] != f"{offset:08d}":
        what = f"index.{part} and data.{part} do not fit: no sense is written at byte {offset}"
        raise BadInput(str(folder), Problem(what, fix="take both files from one release"))
    count = int(fields[3], 16)
    return [_MARK.sub("", word).replace("_", " ") for word in fields[4 : 4 + 2 * count : 2]]
