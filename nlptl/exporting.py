"""A saved model as a folder of its own, an adapter merged into the weights of its base where that is asked for.

What is written must answer as what was trained does: a fresh process loads it and is asked the same probe.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nlptl import artifacts, backbone, evaluate, model_card, saved, seeds
from nlptl.errors import BadInput, Problem, ReloadMismatch
from nlptl.tasks import Row

PROBE = 16
"""Rows of invented text that both must answer alike."""
LONGEST = 96
"""Tokens of the longest of their texts."""


@dataclass(frozen=True)
class Exported:
    """What was written: how far a logit of it is from one of the model as it was trained, over `rows` probe rows."""

    folder: Path
    merged: bool
    rows: int
    largest_difference: float
    bytes: int


def export(
    run: str | Path, folder: Path, *, merge: bool, say: Callable[[str], None] = lambda words: None
) -> Exported:
    """Write the model of a finished run to `folder`, whole and checked or not at all.

    `merge`: as plain weights that need neither peft nor the base. Raises BadInput where there is no model, where the
    folder holds something else, or where there is nothing to merge; ReloadMismatch where what was written answers
    otherwise.
    """
    source = saved.folder_of(run)
    if folder.resolve() == source.resolve() or source.resolve() in folder.resolve().parents:
        raise BadInput(str(folder), "is the model itself; name another folder")
    say(f"opening {source}")
    loaded = saved.load(run, device="cpu", numbers="fp32", merged=False)
    adapted = loaded.opened.checkpoint.base is not None
    if merge and not adapted:
        fix = "leave --merge out to copy it as it is"
        raise BadInput(str(run), Problem("its weights are whole already: there is no adapter to merge", fix=fix))
    rows = probe(loaded)
    expected = evaluate.witnesses(
        loaded.model.module, loaded.task, rows, loaded.opened, loaded.fitted, loaded.computing
    )
    if merge:
        whole = saved.load(run, device="cpu", numbers="fp32")
        numbers = artifacts.read_json(source / backbone.SETTINGS)["precision"]
        saved.save(folder, saved.plain(whole), whole.opened, whole.task, whole.fitted, numbers)
    else:
        artifacts.publish(folder, lambda staging: _copy(source, staging))
    say("loading it in a fresh process")
    try:
        difference = saved.gate(folder, rows, loaded.task, expected)
    except ReloadMismatch:
        shutil.rmtree(folder)
        raise
    if merge:
        _card(Path(run), folder)
    size = sum(file.stat().st_size for file in folder.iterdir())
    return Exported(folder, merge, len(rows), difference, size)


def _copy(source: Path, staging: Path) -> None:
    for file in source.iterdir():
        if file.is_file() and file.name != artifacts.MANIFEST:
            shutil.copyfile(file, staging / file.name)


def _card(run: Path, folder: Path) -> None:
    """Write the model's card, where the run's report is there to be told from."""
    if (run / "report.json").is_file() and (run / "environment.json").is_file():
        model_card.add(folder, artifacts.read_json(run / "report.json"), artifacts.read_json(run / "environment.json"))


def probe(loaded: saved.Loaded) -> list[Row]:
    """Invent rows of all lengths from the vocabulary, the same for the same model: a run need not bring its data."""
    task, tokenizer = loaded.task, loaded.opened.tokenizer
    draw = random.Random(seeds.derive(0, "probe"))
    longest = min(LONGEST, max(4, loaded.opened.max_tokens // 2))
    needed = {name for column in task.columns for name in column.split("|")}

    def text(number: int) -> str:
        size = max(2, longest * (number + 1) // PROBE)
        ids = [draw.randrange(len(tokenizer)) for _ in range(size)]
        return str(tokenizer.decode(ids, skip_special_tokens=True)).strip() or "a"

    return [
        Row(f"probe/{number}", {name: text(number) for name in task.given if name in needed}, "")
        for number in range(PROBE)
    ]


def told(found: Exported) -> Sequence[str]:
    """Say what was written, a line each."""
    how = "merged into plain weights" if found.merged else "copied"
    return [
        f"{found.folder}: {how}, {found.bytes / 1e6:,.1f} MB",
        f"asked {found.rows} rows in a fresh process: the largest difference of a logit is "
        f"{found.largest_difference:.2g}",
    ]
