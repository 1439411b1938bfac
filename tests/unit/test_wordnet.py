"""WordNet's files, read as wndb(5WN) says they are written. The files are written here, word by word."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlptl import wordnet
from nlptl.errors import BadInput

LICENCE = "  1 This software is not WordNet.\n  2 It has its form.\n"
SENSES = {
    "noun": [["film", "movie", "motion_picture"], ["film", "layer"], ["set"]],
    "verb": [["film", "shoot"], ["set", "put"], ["set", "lay", "place"]],
    "adj": [["big(p)", "large"]],
    "adv": [],
}
"""Part of speech -> its senses, each with its words, the commonest first."""
TAGGED = {("noun", "film"): 2, ("verb", "film"): 1, ("noun", "set"): 1, ("verb", "set"): 2, ("adj", "big"): 1}


def write(folder: Path) -> Path:
    """Write the files of SENSES."""
    folder.mkdir(exist_ok=True)
    for part, senses in SENSES.items():
        data, places = LICENCE, {}
        for words in senses:
            place = len(data.encode())
            for word in words:
                places.setdefault(word.split("(")[0], []).append(place)
            said = " ".join(f"{word} 0" for word in words)
            data += f"{place:08d} 04 {part[0]} {len(words):02x} {said} 000 | made up  \n"
        (folder / f"data.{part}").write_text(data, encoding="utf-8")
        lines = [
            f"{word} {part[0]} {len(at)} 1 @ {len(at)} {TAGGED.get((part, word), 0)} "
            f"{' '.join(f'{one:08d}' for one in at)}  \n"
            for word, at in sorted(places.items())
        ]
        (folder / f"index.{part}").write_text(LICENCE + "".join(lines), encoding="utf-8")
    return folder


def test_synonyms_share_a_sense_of_the_part_of_speech_that_was_tagged_most(tmp_path: Path) -> None:
    found = wordnet.find(str(write(tmp_path / "dict")))
    assert found.synonyms("film", 1) == ("movie", "motion picture")
    assert found.synonyms("Film", 2) == ("movie", "motion picture", "layer")
    assert found.synonyms("set", 9) == ("put", "lay", "place"), "as a verb"
    assert found.synonyms("big", 1) == ("large",)
    assert found.synonyms("movie", 1) == (), "it was seen in no tagged text"
    assert found.synonyms("films", 1) == ()


def test_files_that_do_not_fit_and_files_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "dict")
    before = wordnet.find(str(folder)).sha256()
    data = folder / "data.noun"
    data.write_text("  0 one line more\n" + data.read_text(encoding="utf-8"), encoding="utf-8")
    assert wordnet.find(str(folder)).sha256() != before
    with pytest.raises(BadInput, match=r"index.noun and data.noun do not fit"):
        wordnet.find(str(folder)).synonyms("film", 2)
    (folder / "index.adv").unlink()
    with pytest.raises(BadInput, match=r"not here; looked in .*install Debian's wordnet-base"):
        wordnet.find(str(folder))
    monkeypatch.setenv("WNHOME", str(tmp_path))
    assert wordnet.places()[0] == tmp_path / "dict"
    monkeypatch.setenv("WNSEARCHDIR", str(write(tmp_path / "other")))
    assert wordnet.find(None).folder == tmp_path / "other"
