"""SST-2 at 100, 500 and 2,000 rows, trained without augmentation and with each kind, and how many labels each flips.

    python benchmarks/augmentation.py --budget 15 --sizes 100

A side without copies gets twice the epochs, so both take the same number of steps; each epoch has another variant of
each copy. About a minute a run at 100 rows on one core, four at 2,000. Goes on where it was stopped: finished runs are
found again below benchmarks/work. `synonym` is run where WordNet's files are found.
"""

import argparse
import json
import math
import statistics
import time
from pathlib import Path
from typing import Any

from classification import HERE
from results import Row, write

import nlptl
from nlptl import auditing, augmenting, checks, prepare, wordnet
from nlptl.data import rows as reading
from nlptl.errors import BadInput
from nlptl.recipe import Recipe, science
from nlptl.statistics import paired_over_seeds
from nlptl.strict import read

EPOCHS = {100: 6, 500: 4, 2000: 3}
"""Rows -> epochs with a copy of each row; without copies twice as many."""
KINDS: dict[str, dict[str, Any]] = {
    "none": {},
    "typo": {"by": "keyboard"},
    "swap": {},
    "delete": {},
    "split": {},
    "punctuation": {},
    "neighbour": {"nearest": 5, "among": "table"},
    "synonym": {"senses": 1},
}
"""`case` shows nothing to an uncased checkpoint, `entity` needs gold with names, `masked` a checkpoint with a head."""
AUDITED = 2000
"""Rows whose copies are audited."""


def overrides(kind: str, size: int, seed: int) -> list[str]:
    """Give what turns the recipe of SST-2 into one cell's."""
    epochs = EPOCHS[size] * (2 if kind == "none" else 1)
    section = {"kind": kind, "rate": 0.1, "copies": 1, "variants": EPOCHS[size], **KINDS[kind]}
    return [
        f"name=sst2_{kind}_{size}", f"seeds=[{seed}]", f"data.train_rows={size}", f"train.epochs={epochs}",
        "train.batch=20", "train.precision=fp32", "train.select=last", "machine.threads=1",
        f"augment={json.dumps([] if kind == 'none' else [section])}",
    ]  # fmt: skip


def finished(wanted: Recipe) -> Path | None:
    """Find a finished run of the same recipe and seed, whichever state of nlptl made it."""
    for folder in (HERE / "work").glob(f"{wanted.name}-*"):
        if (folder / "report.json").is_file():
            made = read(folder / "recipe.yaml", Recipe).value
            if made.seeds == wanted.seeds and science(made) == science(wanted):
                return folder
    return None


def run(changes: list[str], end: float) -> Path | None:
    """Find a run, or make it while there is time."""
    found = finished(checks.check("tasks/sst2", changes).recipe)
    if found is None and time.monotonic() < end:
        (result,) = nlptl.run("tasks/sst2", overrides=changes, out=HERE / "work")
        found = result.directory
        print(f"{found.name}: {result.score():.4f}", flush=True)
    return found


def correct(folder: Path) -> list[float]:
    """Give 1 for each test row that is right."""
    lines = (folder / "predictions" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    return [float(json.loads(line)["correct"]) for line in lines]


def cell(kind: str, size: int, sides: list[tuple[Path, Path]]) -> list[Row]:
    """Make the lines of a kind at a size from its runs with their controls, a pair a seed."""
    ours, theirs = ([correct(pair[side]) for pair in sides] for side in (0, 1))
    each = [statistics.mean(one) - statistics.mean(other) for one, other in zip(ours, theirs, strict=True)]
    rows = [
        statistics.mean(one) - statistics.mean(other)
        for one, other in zip(zip(*ours, strict=True), zip(*theirs, strict=True), strict=True)
    ]
    error = statistics.stdev(rows) / math.sqrt(len(rows))
    found = paired_over_seeds(each, row_error=error, rows=len(rows), row_freedom=len(rows) - 1)
    means = [statistics.mean(statistics.mean(one) for one in side) for side in (ours, theirs)]
    took = [statistics.mean(map(seconds, side)) for side in zip(*sides, strict=True)]
    return [
        Row(f"{size} rows, {kind}: accuracy", *means, n=len(sides)),
        Row(f"{size} rows, {kind}: accuracy gained", found.value, low=found.low, high=found.high, n=len(sides)),
        Row(f"{size} rows, {kind}: seconds", *took, n=len(sides)),
    ]


def seconds(folder: Path) -> float:
    """Give what the training steps of a run took."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return float(report["training"]["seconds"])


def flips(auditor: Path, kinds: list[str]) -> list[Row]:
    """Let a run over all rows without augmentation say how many copies have another label."""
    found = []
    for kind in kinds:
        changes = [*overrides(kind, AUDITED, 13), "name=audit"]
        checked = checks.check("tasks/sst2", changes)
        plan = checked.recipe.model_copy(
            update={"augment": tuple(one.model_copy(update={"variants": 1}) for one in checked.recipe.augment)}
        )
        rows = prepare.chosen_rows(plan, reading.rows(reading.load(checked.card, "train", None, None, True)), 13)
        ground = prepare.ground_of(plan, checked.card, rows)
        copies = list(augmenting.copies(rows, plan.augment, plan.task, 13, ground))
        said = auditing.audit(str(auditor), plan, copies)[kind]
        found.append(Row(f"{kind}: labels flipped", said.share, low=said.low, high=said.high, n=said.rows))
        print(found[-1], flush=True)
    return found


def main() -> None:
    """Run what is missing within the budget, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=180, help="minutes after which no further run is begun")
    parser.add_argument("--sizes", nargs="*", type=int, default=list(EPOCHS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[13, 14, 15])
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.budget
    kinds = list(KINDS)
    try:
        wordnet.find(None)
    except BadInput as problem:
        print(f"without synonym: {problem}")
        kinds.remove("synonym")
    found = {
        (size, seed, kind): run(overrides(kind, size, seed), end)
        for size in given.sizes for seed in given.seeds for kind in kinds
    }  # fmt: skip
    lines = []
    for size in given.sizes:
        for kind in kinds[1:]:
            sides = [(found[size, seed, kind], found[size, seed, "none"]) for seed in given.seeds]
            whole = [(one, other) for one, other in sides if one is not None and other is not None]
            lines += cell(kind, size, whole) if len(whole) > 1 else []
    whole_set = ["name=sst2_auditor", "seeds=[13]", "train.epochs=1", "train.precision=fp32", "train.select=last"]
    auditor = run([*whole_set, "machine.threads=1"], math.inf)
    assert auditor is not None
    lines += flips(auditor, kinds[1:])
    notes = [
        "theirs: trained without copies for as many steps", "n: seeds; of flips, rows",
        "gained, with its 95 % interval over seeds and test rows: 1 is all of them",
        "flipped: of copies of rows that it gets right, those that a model of all rows without augmentation gets wrong",
    ]  # fmt: skip
    write("augmentation", lines, seeds=given.seeds, notes=notes)


if __name__ == "__main__":
    main()
