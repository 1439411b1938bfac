"""The SQLite file that a card's queries ask: found below the data root and verified, opened by others."""

from __future__ import annotations

from pathlib import Path

from nlptl import archives
from nlptl.cards import DataCard
from nlptl.data import places
from nlptl.errors import BadInput, Problem

HEADER = b"SQLite format 3\0"
"""The first 16 bytes of every SQLite database: https://www.sqlite.org/fileformat2.html, section 1.3."""


def verified(card: DataCard, root: str | None) -> Path:
    """Give the database of a card that names one, with an absolute path.

    Raises BadInput where it is missing, is no SQLite file, is not the one that the card describes, or has a journal
    beside it whose changes are not in the file yet.
    """
    assert card.form is not None
    assert card.form.database is not None
    wanted = card.form.database
    path = places.data_root(root) / wanted.file
    problem = _problem(path, wanted.sha256)
    if problem is not None:
        raise BadInput(f"card {card.name}, database", problem)
    return path.resolve()


def _problem(path: Path, sha256: str) -> Problem | None:
    where = str(path)
    if not path.is_file():
        return Problem("no such file", where, fix="set $NLPTL_DATA or data.root to the folder that holds it")
    with path.open("rb") as file:
        first = file.read(len(HEADER))
    if first != HEADER:
        return Problem(f"not a SQLite database: it begins with {first!r}", where, fix="bring the file again")
    for ending in ("-wal", "-journal"):
        journal = path.with_name(path.name + ending)
        if journal.is_file() and journal.stat().st_size:
            fix = "open and close it once with sqlite3, or bring the file again"
            return Problem(f"changes wait in {journal.name}", where, fix=fix)
    have = archives.sha256_of(path)
    if have != sha256:
        return Problem(
            f"has sha256 {have}, the card says {sha256}", where, fix="bring the file again, or mend the card"
        )
    return None
