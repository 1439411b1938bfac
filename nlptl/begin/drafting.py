"""What was read -> the card as plain data: columns, labels, splits, rows to drop, each with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import regex

from nlptl.begin.finding import Found, Given
from nlptl.begin.gold import Gold, gold
from nlptl.begin.reading import Reading, below
from nlptl.begin.wishes import Said, Wishes
from nlptl.errors import BadInput, Problem
from nlptl.sniffing import columns, languages, roles, training
from nlptl.sniffing.roles import Roles, Told
from nlptl.sources import Record

SEED = 13
"""Of the division, and of the run: as in the shipped cards and recipes."""
FEWEST = 12
"""Rows below which there is nothing to divide."""
_ENTITY = regex.compile(r"&(amp|lt|gt|quot|nbsp|apos|#\d{2,5});")
_CODES = {
    "en": "eng", "de": "deu", "fr": "fra", "es": "spa", "it": "ita", "pt": "por", "nl": "nld", "sv": "swe", "da": "dan",
    "no": "nob", "nb": "nob", "fi": "fin", "pl": "pol", "cs": "ces", "sk": "slk", "hu": "hun", "ro": "ron", "tr": "tur",
    "id": "ind", "vi": "vie", "ca": "cat", "sw": "swh", "hr": "hrv", "et": "est", "lt": "lit", "ru": "rus", "uk": "ukr",
    "bg": "bul", "sr": "srp", "el": "ell", "he": "heb", "ar": "ara", "fa": "fas", "ur": "urd", "hi": "hin", "bn": "ben",
    "ta": "tam", "te": "tel", "th": "tha", "ko": "kor", "ja": "jpn", "zh": "zho",
}  # fmt: skip
"""ISO 639-1 -> ISO 639-3."""


@dataclass(frozen=True)
class Piece:
    """Records that are read together: of one file, perhaps of one value in some columns."""

    given: Given
    where: Mapping[str, str]
    language: str | None
    records: tuple[Record, ...]


@dataclass(frozen=True)
class Draft:
    """The card's fields, without what must be counted."""

    columns: Mapping[str, Any]
    gold: Gold
    languages: tuple[str, ...]
    pieces: Mapping[str, tuple[Piece, ...]]
    """Pool `all`, or split -> what it is read from."""
    parts: Mapping[str, float | None]
    """Split -> its part of the pool; the others have pieces of their own."""
    unescape: bool
    said: tuple[Said, ...]
    notes: tuple[str, ...] = field(default=())
    task: str = "classification"


def draft(reading: Reading, found: Found, wishes: Wishes, subject: str) -> Draft:
    """Guess what the columns are, the labels, the languages and the splits. Raises BadInput with one question."""
    training_records = [one for given, records in reading.records if given.split == "train" for one in records]
    if not training_records:
        raise BadInput(subject, Problem("0 rows", subject))
    if reading.settings["kind"] == "squad":
        return _asked(reading, wishes, subject)
    if wishes.task == "qa":
        what = "question answering is read from SQuAD's JSON alone, which this is not"
        raise BadInput(subject, Problem(what, subject, fix="docs/qa.md says how that is written"))
    values = [dict(columns.flat(record.values)) for record in training_records]
    profiles = columns.profiles([record.values for record in training_records])
    told = Told(wishes.text, wishes.text_pair, wishes.label)
    given = told if not found.labelled else Told("text", None, ("label",))
    role = roles.roles(profiles, given, subject, header=reading.header)
    folder = found.files[0].path.parent
    gold_ = gold(role.label.value, profiles, values, wishes, folder, subject)
    pieces_, lacking = _pieces(reading, role, found)
    used = [role.text.value] + ([role.text_pair.value] if role.text_pair else [])
    shown = [str(one.get(name) or "") for one in values for name in used]
    spoken, language_said = _languages(shown, role.language, wishes, profiles)
    by_split = {name: tuple(_by_language(ones, role, spoken)) for name, ones in pieces_.items()}
    pieces, parts, split_said = _division(by_split, subject)
    lacking += list(_foreign_rows(pieces_, by_split))
    escaped = sum(_ENTITY.search(text) is not None for text in shown[:: len(used)])
    said = [*_role_said(role, told, profiles, labelled=found.labelled), *gold_.said, language_said, *split_said]
    if escaped > 1:
        said.append(Said("unescape", "html", f"{escaped:,} texts hold entities such as &amp;"))
    names: dict[str, Any] = {"id": role.id.value} if role.id else {}
    names |= {"text": role.text.value} | ({"text_pair": role.text_pair.value} if role.text_pair else {})
    names |= gold_.column
    codes = tuple(dict.fromkeys(spoken.values()))
    return Draft(names, gold_, codes, pieces, parts, escaped > 1, tuple(said), (*gold_.notes, *lacking))


def _asked(reading: Reading, wishes: Wishes, subject: str) -> Draft:
    """Draft questions with their contexts and answers; the questions on one context stay in one split."""
    if wishes.task == "classification":
        raise BadInput(subject, Problem("SQuAD's JSON holds answers and no labels", subject, fix="leave --task out"))
    pieces: dict[str, tuple[Piece, ...]] = {}
    for given, records in reading.records:
        pieces[given.split] = (*pieces.get(given.split, ()), Piece(given, {}, None, records))
    every = [record for ones in pieces.values() for one in ones for record in one.records]
    train = [record.values for one in pieces.get("train", ()) for record in one.records]
    ids = {str(record.values["id"]) for record in every}
    names = {"id": "id"} if len(ids) == len(every) else {}
    names |= {name: name for name in ("question", "context", "answers")}
    spoken, language_said = _languages([str(one["context"]) for one in train], None, wishes, {})
    divided, parts, split_said = _division(pieces, subject)
    without = sum(not one["answers"] for one in train)
    said = [
        Said("task", "qa", f"{len(train):,} questions on {len({one['context'] for one in train}):,} texts"),
        *([Said("no answer", f"{without:,} questions", "the model learns to say so")] if without else []),
        language_said,
        *split_said,
    ]
    notes = () if names.get("id") else ("ids come twice: the rows are numbered instead",)
    gold_ = Gold({}, {}, (), ())
    return Draft(names, gold_, (spoken[""],), divided, parts, False, tuple(said), notes, "qa")


def _role_said(role: Roles, told: Told, profiles: Mapping[str, Any], *, labelled: bool) -> Iterator[Said]:
    if labelled:
        return
    yield Said("text", role.text.value, role.text.reason, "--text")
    if role.text_pair is not None:
        yield Said("second text", role.text_pair.value, role.text_pair.reason, "--text, which takes one alone")
    yield Said("label", ", ".join(role.label.value), role.label.reason, "--label")
    if role.id is not None:
        yield Said("id", role.id.value, role.id.reason)
    if role.left:
        yield Said("not used", ", ".join(role.left), "no role is seen for them")


def _pieces(reading: Reading, role: Roles, found: Found) -> tuple[dict[str, list[Piece]], list[str]]:
    """Sort the files' records by split; leave out files of dev and test that have no labels."""
    pieces: dict[str, list[Piece]] = {}
    notes = []
    for given, records in reading.records:
        if given.split != "train" and not _has(records, role):
            notes.append(
                f"{given.path.name} has no column {' or '.join(role.label.value)}: it cannot be scored, and is left out"
            )
            continue
        if given.split == "train" and role.split is not None and len(found.files) == 1:
            for split, value in role.split.value.items():
                chosen = tuple(one for one in records if one.values.get(role.split_column) == value)
                pieces.setdefault(split, []).append(Piece(given, {role.split_column: value}, None, chosen))
            continue
        pieces.setdefault(given.split, []).append(Piece(given, {}, None, records))
    return pieces, notes


def _has(records: Sequence[Record], role: Roles) -> bool:
    if not records:
        return False
    first = dict(columns.flat(records[0].values))
    return all(name in first for name in role.label.value)


def _languages(
    texts: Sequence[str], column: str | None, wishes: Wishes, profiles: Mapping[str, Any]
) -> tuple[dict[str, str], Said]:
    """Give value of the language column -> ISO 639-3 code; under "" where there is one language."""
    if wishes.language is not None:
        if not regex.fullmatch(r"[a-z]{3}", wishes.language):
            fix = f"write {_CODES[wishes.language]}" if wishes.language in _CODES else "such as eng, deu, jpn, or und"
            what = f"'{wishes.language}' is no code of ISO 639-3, which has three letters"
            raise BadInput("--language", Problem(what, "--language", fix=fix))
        return {"": wishes.language}, Said("language", wishes.language, "you said so")
    if column is not None and not profiles[column].empty:
        coded = {value: _code(value) for value in sorted(profiles[column].counts)}
        if all(coded.values()):
            codes = {value: str(code) for value, code in coded.items()}
            said = Said("languages", ", ".join(codes.values()), f"the column '{column}' says so", "--language")
            return (codes if len(codes) > 1 else {"": next(iter(codes.values()))}), said
    guess = languages.language(texts)
    return {"": guess.value}, Said("language", guess.value, guess.reason, "--language")


def _code(value: str) -> str | None:
    head = regex.split("[_-]", value.casefold())[0]
    return _CODES.get(head, head if len(head) == 3 else None)


def _by_language(pieces: Sequence[Piece], role: Roles, spoken: Mapping[str, str]) -> Iterator[Piece]:
    if "" in spoken:
        yield from pieces
        return
    assert role.language is not None
    for one in pieces:
        for value, code in spoken.items():
            chosen = tuple(record for record in one.records if record.values.get(role.language) == value)
            if chosen:
                yield Piece(one.given, {**one.where, role.language: value}, code, chosen)


def _foreign_rows(before: Mapping[str, Sequence[Piece]], after: Mapping[str, Sequence[Piece]]) -> Iterator[str]:
    """Say which rows are left out, since no training row has their language."""
    for split, ones in before.items():
        left = sum(len(one.records) for one in ones) - sum(len(one.records) for one in after[split])
        if left:
            yield f"{left:,} rows of {split} are in a language that no training row has: left out"


def _division(
    pieces: Mapping[str, tuple[Piece, ...]], subject: str
) -> tuple[dict[str, tuple[Piece, ...]], dict[str, float | None], list[Said]]:
    """Make the splits that are not given of the training rows."""
    if "train" not in pieces:
        raise BadInput(subject, Problem("no rows to train on", subject))
    lacking = [split for split in ("dev", "test") if split not in pieces]
    rows = sum(len(one.records) for one in pieces["train"])
    if rows < FEWEST:
        what = f"{rows} rows are too few to learn from and to score; {FEWEST} at least"
        raise BadInput(subject, Problem(what, subject))
    if not lacking:
        ordered = {split: pieces[split] for split in ("train", "dev", "test")}
        return ordered, {}, []
    dev, test, why = training.parts(rows)
    shares = {"dev": dev, "test": test}
    parts: dict[str, float | None] = {"train": None} | {split: shares[split] for split in lacking}
    given = {split: pieces[split] for split in ("dev", "test") if split in pieces}
    made = " and ".join(f"{split} {shares[split]:.0%}" for split in lacking)
    said = Said("division", f"{made} of the rows", f"{why}; near-duplicates stay together", "dev=FILE test=FILE")
    return {"all": pieces["train"], **given}, parts, [said]


@dataclass(frozen=True)
class Counts:
    """What must be dropped and mended: rule -> pool or split -> rows, or answers."""

    drop: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    mend: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def counted(draft_: Draft, card: Any, root: Path) -> Counts:
    """Count what must be dropped or mended. Raises BadInput for faults without a rule. `card` allows every mending."""
    from nlptl.cards.card import Rule
    from nlptl.data.canonical import Faults, Refused, canonical, mended

    rules = Rule.__args__  # type: ignore[attr-defined]
    drops: dict[str, dict[str, int]] = {}
    mends: dict[str, dict[str, int]] = {}
    faults = Faults(", ".join(sorted({below(one.given.path, root) for ones in draft_.pieces.values() for one in ones})))
    for name, ones in draft_.pieces.items():
        dropped: Counter[str] = Counter()
        offsets = 0
        for record in (record for one in ones for record in one.records):
            try:
                offsets += mended(record, card, canonical(card, record))
            except Refused as refused:
                if refused.sort in rules:
                    dropped[refused.sort] += 1
                else:
                    faults.add(refused.sort, Problem(refused.what, record.place, refused.column, refused.fix))
        for rule, count in sorted(dropped.items()):
            drops.setdefault(rule, {})[name] = count
        if offsets:
            mends.setdefault("offset", {})[name] = offsets
    faults.settle()
    return Counts(drops, mends)
