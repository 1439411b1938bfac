"""The part of a plan's page that a matrix has: a heat map of gains, what to take, and what could have been guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nlptl import pages
from nlptl.report.tables import Column, Table

ABOUT = (
    "Each cell is the gain of the target after the source over the same from scratch, in points: the mean over seeds, "
    "with its 95 % interval. A star marks what stays apart from no gain after Holm's correction; other cells are pale."
)
VERDICTS = {"better": "better", "worse": "worse", "open": "cannot be told apart"}
GUESSED = (
    "Regret is what one would have lost by a predictor's choice of the source: the greatest gain less that of the "
    "source it puts first, in points, a mean over targets. The truth is measured itself, so small regrets are noise."
)


def section(matrix: Mapping[str, Any], found: Mapping[str, Table]) -> pages.Section:
    """Give the section."""
    return pages.Section(
        "Matrix",
        [ABOUT, _heat(matrix), found["targets"].html(), GUESSED, found["predictors"].html(),
         found["matrix"].html()],
    )  # fmt: skip


def _heat(matrix: Mapping[str, Any]) -> pages.Markup:
    sources = list(dict.fromkeys(one["source"] for one in matrix["cells"]))
    targets = list(dict.fromkeys(one["target"] for one in matrix["cells"]))
    by_pair = {(one["source"], one["target"]): one for one in matrix["cells"]}
    values = [[by_pair.get((source, target)) for target in targets] for source in sources]
    shown = [[(_heat_of(one), _shown(one)) if one else None for one in line] for line in values]
    return pages.gains(sources, targets, shown, "Gain in points of each target after each source",
                       corner="source ↓ target →")  # fmt: skip


def _heat_of(one: Mapping[str, Any]) -> float:
    """Give the points that colour a cell: at most one where it is not told apart from no gain."""
    points = 100 * float(one["value"])
    return max(-1.0, min(1.0, points)) if one["outcome"] == "open" else points


def _shown(one: Mapping[str, Any]) -> str:
    star = "" if one["outcome"] == "open" else " *"
    return f"{100 * one['value']:+.1f}{star} ({100 * one['low']:+.1f} to {100 * one['high']:+.1f})"


def tables(matrix: Mapping[str, Any]) -> Iterator[Table]:
    """Give the tables of a matrix."""
    columns = [
        Column("source", "source"), Column("target", "target"), Column("set", "set"), Column("metric", "metric"),
        Column("rows_tested", "rows", "count"), Column("seeds", "seeds", "count"), Column("score", "score", "points"),
        Column("control", "from scratch", "points"), Column("value", "gain", "points"),
        Column("interval", "95 % interval", "gain"), Column("adjusted", "p (Holm)", "number"),
        Column("outcome", "verdict"), Column("logme", "LogME", "number"),
        Column("similarity", "similarity of texts", "number"), Column("rows", "source rows", "count"),
    ]  # fmt: skip
    rows = [
        [one["source"], one["target"], one["set"], one["metric"], one["tested"], len(one["seeds"]), one["score"],
         one["control"], one["value"], (one["low"], one["high"]), one["adjusted"], VERDICTS[one["outcome"]],
         one["logme"], one["similarity"], one["rows"]]
        for one in matrix["cells"]
    ]  # fmt: skip
    yield Table("matrix", "Gain of each target after each source", columns, rows)
    columns = [
        Column("target", "target"), Column("best", "best source"), Column("gain", "gain", "points"),
        Column("interval", "95 % interval", "gain"), Column("recommended", "recommended"),
        Column("order", "sources from best to worst"), Column("harmful", "negative transfer from"),
    ]  # fmt: skip
    rows = [
        [one["target"], one["best"], one["gain"], (one["low"], one["high"]), one["recommended"] or "from scratch",
         ", ".join(one["order"]), ", ".join(one["harmful"])]
        for one in matrix["targets"]
    ]  # fmt: skip
    yield Table("targets", "What to learn before each target", columns, rows)
    names = [one["target"] for one in matrix["targets"]]
    columns = [Column("name", "predictor"), Column("about", "what it is"), Column("regret", "mean regret", "points")]
    columns += [Column(f"pick_{name}", name) for name in names]
    rows = [
        [one["name"], one["about"], one["regret"], *(_pick(one, name) for name in names)]
        for one in matrix["predictors"]
    ]
    yield Table("predictors", "Predictors of the best source, by their regret", columns, rows)


def _pick(one: Mapping[str, Any], target: str) -> str:
    if target not in one["picks"]:
        return ""
    chosen = one["picks"][target]
    return f"{', '.join(chosen) if len(chosen) < 3 else f'{len(chosen)} alike'}: {100 * one['regrets'][target]:.1f}"
