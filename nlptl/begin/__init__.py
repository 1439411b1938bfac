"""From a file of one's own to a card and a recipe that can be run: what `nlptl init` does."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import regex

from nlptl import artifacts, checks, strict
from nlptl.begin import finding, writing
from nlptl.begin.drafting import Counts, Draft, counted, draft
from nlptl.begin.reading import Reading, read
from nlptl.begin.wishes import Begun, Said, Wishes
from nlptl.cards import DataCard
from nlptl.errors import BadInput, Problem
from nlptl.sniffing import Guess, names, training
from nlptl.tasks import Row

__all__ = ["Begun", "Said", "Wishes", "begin"]
TASKS = ("classification", "qa")
LATER = {"parsing": "for semantic parsing no card is written yet", "generation": "text to text cannot be trained yet"}


def begin(
    items: Sequence[str],
    dev: Sequence[str],
    test: Sequence[str],
    wishes: Wishes,
    *,
    say: Callable[[str], None] = lambda text: None,
) -> Begun:
    """Look at files, and write `data_cards/NAME.yaml` and `NAME.yaml` below `wishes.out`; nothing is overwritten. `say`
    is told what is being done.

    Raises BadInput for what cannot be read, and with one question for what cannot be decided; nothing is written then.
    """
    _check_task(wishes)
    found = finding.find(items, dev, test)
    first = Path(items[0])
    name = wishes.name or _name(first.resolve() if first.is_dir() else found.files[0].path)
    card_place, recipe_place = _places(name, wishes)
    root = _root(found)
    say("reading the data")
    reading = read(found, wishes, root)
    subject = ", ".join(items)
    drafted = draft(reading, found, wishes, subject)
    say("making the splits" if drafted.parts else "reading the splits")
    text, rows = _card(name, drafted, reading, root)
    _check_seen(rows, subject)
    checkpoint = wishes.checkpoint or training.DEFAULT
    chosen = _training(rows["train"], drafted, checkpoint)
    here = wishes.out.resolve() == Path.cwd()
    place = name if here else str(card_place.absolute())
    shown_root = "." if here and root.resolve() == Path.cwd() else str(root.resolve())
    select = training.select(len(rows["dev"]))
    recipe = writing.recipe(name, place, shown_root, checkpoint, drafted, chosen, select)
    _try(name, text, recipe)
    card_place.parent.mkdir(parents=True, exist_ok=True)
    artifacts.write_text(card_place, text)
    artifacts.write_text(recipe_place, recipe)
    said = (*found.said, *reading.said, *drafted.said, *_training_said(chosen, select, checkpoint))
    notes = (*drafted.notes, *_dropped(text, name), *_foreign(checkpoint, drafted))
    return Begun(card_place, recipe_place, said, {split: len(one) for split, one in rows.items()}, notes)


def _check_task(wishes: Wishes) -> None:
    if wishes.task in (None, *TASKS):
        return
    what = f"'{wishes.task}' is no task that nlptl trains"
    if wishes.task in LATER:
        what = LATER[wishes.task]
    raise BadInput("--task", Problem(what, "--task", fix=f"known: {', '.join(TASKS)}"))


def _name(path: Path) -> str:
    """Name card and recipe after the file, or after its folder where the file is named after a split."""
    stem = path.name if path.is_dir() else path.name.removesuffix(".gz").rsplit(".", 1)[0]
    split = names.split_in(stem)
    if split is not None:
        rest = regex.sub(r"(?i)(^|[\W_]+)(train|training|trn|dev|valid|validation|val|test)(?=$|[\W_])", "", stem)
        stem = rest.strip("-_. ") or path.resolve().parent.name
    plain = regex.sub(r"[^a-z0-9._-]+", "_", stem.casefold()).strip("-_.")[:60]
    return plain or "data"


def _places(name: str, wishes: Wishes) -> tuple[Path, Path]:
    if not regex.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        what = f"'{name}' cannot name a recipe: lower case, digits, '.', '_', '-'"
        raise BadInput("--name", Problem(what, "--name"))
    if not wishes.out.is_dir():
        raise BadInput(str(wishes.out), Problem("there is no such folder", fix="make it first, or name another: --out"))
    places = wishes.out / "data_cards" / f"{name}.yaml", wishes.out / f"{name}.yaml"
    there = [
        Problem("is there already", str(place), fix="--name NAME takes another name")
        for place in places
        if place.exists()
    ]
    if there:
        raise BadInput("init", there)
    return places


def _root(found: finding.Found) -> Path:
    """Give the folder that all files lie below: the working directory, or else their own."""
    resolved = [one.path.resolve() for one in found.files]
    here = Path.cwd()
    if all(path.is_relative_to(here) for path in resolved):
        return here
    parent = resolved[0].parent
    while not all(path.is_relative_to(parent) for path in resolved):
        parent = parent.parent
    return parent


def _card(name: str, drafted: Draft, reading: Reading, root: Path) -> tuple[str, dict[str, list[Row]]]:
    """Write the card's text three times: to count what must be dropped, to count and name the rows, and pinned."""
    from nlptl.data import rows as loading
    from nlptl.data import splits

    every = Counts(mend={"offset": {}}) if "answers" in drafted.columns else Counts()
    counts = counted(drafted, _value(writing.card(name, drafted, reading, root, every, {}), name), root)
    value = _value(writing.card(name, drafted, reading, root, counts, {}), name)
    try:
        rows = {split: loading.rows(loading.load(value, split, None, str(root))) for split in value.splits}
    except BadInput as fault:
        raise BadInput(
            ", ".join(one.shown for pool in value.pools.values() for one in pool.files) or name, fault.problems
        ) from None
    pins = {
        split: (len(found), splits.ids_hash([row.id for row in found]) if split in drafted.parts else "")
        for split, found in rows.items()
    }
    return writing.card(name, drafted, reading, root, counts, pins), rows


def _value(text: str, name: str) -> DataCard:
    document = strict.parse(text, f"{name}.yaml")
    return strict.validate(document, DataCard).value


def _check_seen(rows: dict[str, list[Row]], subject: str) -> None:
    from nlptl.data import suspicions

    problems = list(suspicions.unseen_labels(rows))
    if problems:
        raise BadInput(subject, problems)


def _training(rows: Sequence[Row], drafted: Draft, checkpoint: str) -> training.Training:
    lengths = [_tokens(row) for row in rows]
    if "answers" in drafted.columns:
        answers = [training.tokens(answer["text"]) for row in rows for answer in row.values["answers"]]
        return training.answering(len(rows), lengths, answers, checkpoint)
    counts = Counter(label for row in rows for label in _labels(row))
    return training.training(len(rows), counts, lengths, checkpoint, several=drafted.gold.several)


def _labels(row: Row) -> list[str]:
    return list(row.values["labels"]) if "labels" in row.values else [row.values["label"]]


def _tokens(row: Row) -> int:
    texts = ("text", "text_pair", "question", "context")
    return sum(training.tokens(row.values[name]) for name in texts if name in row.values)


def _try(name: str, card: str, recipe: str) -> None:
    """Check recipe and card as `nlptl check` will, before they are where they belong."""
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / f"{name}.yaml"
        (Path(folder) / "data_cards").mkdir()
        there.write_text(recipe, encoding="utf-8")
        copy = Path(folder) / "data_cards" / f"{name}.yaml"
        copy.write_text(card, encoding="utf-8")
        checks.check(there, [f"data.card={json.dumps(str(copy))}"])


def _training_said(chosen: training.Training, select: Guess[str], checkpoint: str) -> list[Said]:
    return [
        Said(
            "checkpoint",
            checkpoint,
            "as the shipped recipes" if checkpoint == training.DEFAULT else "you said so",
            "--checkpoint",
        ),
        Said("max_tokens", str(chosen.max_tokens.value), chosen.max_tokens.reason, "model.max_tokens=N"),
        Said("epochs", str(chosen.epochs.value), chosen.epochs.reason, "train.epochs=N"),
        Said("batch", str(chosen.batch.value), chosen.batch.reason, "train.batch=N"),
        Said("rate", chosen.learning_rate.value, chosen.learning_rate.reason, "train.learning_rate=X"),
        Said("select", select.value, select.reason, "train.select=SPLIT"),
    ]


def _dropped(text: str, name: str) -> list[str]:
    card = _value(text, name)
    return [f"{fault.what}: {fault.remedy}" for fault in card.faults]


def _foreign(checkpoint: str, drafted: Draft) -> list[str]:
    if checkpoint != training.DEFAULT or drafted.languages == ("eng",):
        return []
    said = ", ".join(drafted.languages)
    return [f"the checkpoint has learnt English alone; for {said} name one that knows the language: --checkpoint"]
