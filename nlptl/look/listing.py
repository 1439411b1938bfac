"""The cards at hand: `nlptl cards`."""

from __future__ import annotations

from dataclasses import dataclass

from nlptl import archives, cards
from nlptl.cards import DataCard, File
from nlptl.data import places
from nlptl.errors import BadInput


@dataclass(frozen=True)
class Listed:
    """A card in a word each."""

    card: str
    tasks: tuple[str, ...]
    languages: tuple[str, ...]
    rows: int | None
    """Of all splits; None where the card does not say."""
    licence: str
    here: str
    """`yes`, `made` (no files are needed), `no`, or what is wrong with the card."""


def listed() -> list[Listed]:
    """List the cards of ./data_cards and the shipped ones; a faulty one says so."""
    found = []
    for name in cards.names():
        try:
            found.append(_listed(cards.find(name).value))
        except BadInput as fault:
            found.append(Listed(name, (), (), None, "", f"faulty: {fault.problems[0]}"))
    return found


def _listed(card: DataCard) -> Listed:
    made = getattr(card.source, "rows", None) if card.source.kind == "made" else None
    counts = [split.rows for split in card.splits.values()]
    rows = None if None in counts else sum(count or 0 for count in counts)
    if made is not None:
        rows = sum(made.get(split, 0) for split in card.splits) * len(card.languages)
    return Listed(card.name, card.tasks, card.languages, rows, card.licence, _here(card))


def _here(card: DataCard) -> str:
    files = [file for pool in card.pools.values() for file in pool.files]
    files += [file for split in card.splits.values() for file in split.files]
    if not files:
        return "made" if card.source.kind == "made" else "no"
    return "yes" if all(_lies_here(file) for file in files) else "no"


def _lies_here(file: File) -> bool:
    """Tell whether a file is below the data root, or unpacked or brought in the cache. Contents are not checked."""
    if file.file is not None:
        return bool(places._below(places.data_root(None), file.file))
    assert file.package is not None
    cache = archives.cache_folder()
    archive = cache / "archives" / file.package.sha256 / file.package.archive
    members = cache / "members" / file.package.sha256
    return archive.is_file() or any(members.glob(f"{file.sha256}-*"))
