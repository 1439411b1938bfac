"""A scored set under noise: its scores, and what the noise changes, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nlptl import augmenting, pages
from nlptl.augment import Augment
from nlptl.report.facts import Facts, Made, title_of
from nlptl.report.headline import in_words
from nlptl.report.tables import Column, Table
from nlptl.tasks import Prediction, Row, Scores, Task


@dataclass(frozen=True)
class Draw:
    """One noisy set: its rows, what became of each, what the model says of them."""

    rows: Sequence[Row]
    counts: Mapping[str, int]
    predictions: Sequence[Prediction]
    scores: Scores


@dataclass(frozen=True)
class Noised:
    """A set under one kind of noise, drawn once or several times."""

    noise: Augment
    draws: Sequence[Draw]


def scored(
    noised: Noised, rows: Sequence[Row], clean: Sequence[Prediction], task: Task, fitted: Any, seed: int
) -> dict[str, Any]:
    """Give metrics and intervals under noise, and the paired change of the main metric from the clean rows to the
    noisy ones (below 0: worse). Of several noisy sets the mean, of the bounds of intervals too.
    """
    draws = noised.draws
    metrics = [one.scores.metrics for one in draws]
    intervals = [task.intervals(one.predictions, one.rows, fitted, seed) for one in draws]
    changes = [task.difference(one.predictions, clean, rows, fitted, seed) for one in draws]
    settings = noised.noise.model_dump(mode="json", exclude={"variants"})
    return {
        "kind": settings.pop("kind"),
        "settings": settings,
        "title": augmenting.title(noised.noise),
        "rows": len(rows),
        "counts": {fate: sum(one.counts[fate] for one in draws) for fate in augmenting.FATES},
        "metrics": {name: _mean([one[name] for one in metrics]) for name in metrics[0]},
        "intervals": {
            name: [_mean([one[name][end] for one in intervals]) for end in (0, 1)] for name in intervals[0]
        },
        "change": {key: _mean([getattr(one, key) for one in changes]) for key in ("value", "low", "high")},
        "predictions": [],
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def left_clean(noisy: Mapping[str, Any]) -> int:
    """Count the rows that stayed as they were, over all noisy sets."""
    return sum(count for fate, count in noisy["counts"].items() if fate != "made")


def lines(said: Mapping[str, Any], metric: str) -> list[list[str]]:
    """Give the lines of a set under noise for the table of scores on a terminal."""
    found = []
    for one in said.get("robust", ()):
        low, high = one["intervals"][metric]
        value, least, most = (one["change"][key] for key in ("value", "low", "high"))
        note = f"{low:.4f} to {high:.4f}, change {value:+.4f} ({least:+.4f} to {most:+.4f})"
        clean = left_clean(one)
        title = f"  under {one['title']}" + (f", {clean:,} left clean" if clean else "")
        found.append([title, str(one["rows"]), f"{one['metrics'][metric]:.4f}", note])
    return found


def noise(facts: Facts) -> Made:
    """Give the scores under noise beside the clean ones, and what the noise changes."""
    metric = facts.sets[0].metric
    rows: list[list[Any]] = []
    words = []
    for one in facts.sets:
        for noisy in one.said.get("robust", ()):
            change = noisy["change"]
            rows.append(
                [one.name, noisy["title"], one.said["metrics"][metric], noisy["metrics"][metric],
                 noisy["intervals"][metric], (change["low"], change["high"]), noisy["rows"],
                 noisy["settings"]["copies"], left_clean(noisy)]
            )  # fmt: skip
            words.append(f"{one.name} under {noisy['title']}: {in_words(change, 'on the clean rows')}")
    if not rows:
        return Made()
    columns = [
        Column("set", "set"), Column("noise", "noise"), Column("clean", "clean", "points"),
        Column("score", f"{title_of(metric)} under noise", "points"), Column("interval", "95 % interval", "range"),
        Column("change", "change from clean", "gain"), Column("rows", "rows", "count"),
        Column("sets", "noisy sets", "count"), Column("left_clean", "rows left clean", "count"),
    ]  # fmt: skip
    table = Table("noise", f"{title_of(metric).capitalize()} of the same rows under noise", columns, rows)
    how = (
        "The noise is the same for every run of these settings. A row stays clean where there is nothing to edit or "
        "its gold would no longer fit. The change is measured row by row. Of several noisy sets these are means."
    )
    return Made([pages.items(words), table.html(), pages.paragraph(how, kind="quiet")], [table])
