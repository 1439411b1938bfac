"""Trained in one language, tested in many: what the recipes of recipes/crosslingual reach, against bars set beforehand.

    python benchmarks/crosslingual.py --budget 60 --only sib200_zero_shot

On two cores a seed takes 5 to 20 minutes (sib200, GeoQuery). Goes on where it was stopped: finished runs are found
again below benchmarks/work.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from classification import HERE, finished
from results import Row, write

import nlptl
from nlptl.languages import name_of


@dataclass(frozen=True)
class Cell:
    """A recipe, its source language, and the languages whose mean is held against the source's score."""

    recipe: str
    what: str
    source: str
    held: tuple[str, ...]
    bar: float | None = None
    """For the source language."""
    within: float | None = None
    """How far below the source the mean may lie."""
    theirs: tuple[tuple[str, float], ...] = ()
    """Scores of a plain trial of one seed with the same checkpoint, by language."""


SIB = (("eng", 0.91), ("deu", 0.91), ("spa", 0.88), ("fra", 0.89), ("jpn", 0.89), ("rus", 0.88), ("zho", 0.86),
       ("swh", 0.74))  # fmt: skip
SIX = ("deu", "spa", "fra", "jpn", "rus", "zho")
FOUR = ("deu", "ell", "tha", "zho")
CELLS = (
    Cell("sib200_zero_shot", "sib200, from English", "eng", SIX, 0.90, 0.05, SIB),
    Cell("geoquery_funql_zero_shot", "GeoQuery FunQL, from English", "eng", FOUR),
    Cell("geoquery_funql_few_shot", "GeoQuery FunQL, from English and 50 rows each", "eng", FOUR),
    Cell("sib200_few_shot", "sib200, from English and 50 rows of Swahili", "eng", SIX),
)


def scores(report: dict[str, Any]) -> dict[str, float]:
    """Give language -> score on test."""
    return {one["language"]: one["score"] for one in report["languages"][0]["languages"]}


def rows_of(cell: Cell, reports: Sequence[dict[str, Any]]) -> list[Row]:
    """Make the lines of a cell: a language each, then the mean less the source, then how alike items are answered."""
    found = [scores(report) for report in reports]
    trial = dict(cell.theirs)
    metric = reports[0]["languages"][0]["metric"]
    lines = []
    for language in found[0]:
        values = [one[language] for one in found]
        low, high = _interval(reports, language) if len(reports) == 1 else (min(values), max(values))
        lines.append(
            Row(f"{cell.what}: {name_of(language)}, {metric}", statistics.mean(values), trial.get(language),
                n=len(values), low=low, high=high, bar=cell.bar if language == cell.source else None)
        )  # fmt: skip
    gaps = [statistics.mean(one[language] for language in cell.held) - one[cell.source] for one in found]
    names = ", ".join(name_of(language) for language in cell.held)
    theirs = statistics.mean(trial[one] for one in cell.held) - trial[cell.source] if trial else None
    lines.append(
        Row(f"{cell.what}: mean of {names}, less English", statistics.mean(gaps), theirs, n=len(gaps),
            low=min(gaps) if len(gaps) > 1 else None, high=max(gaps) if len(gaps) > 1 else None,
            bar=None if cell.within is None else -cell.within)
    )  # fmt: skip
    return lines + _alike(cell, reports)


def _interval(reports: Sequence[dict[str, Any]], language: str) -> tuple[float, float]:
    (one,) = [each for each in reports[0]["languages"][0]["languages"] if each["language"] == language]
    low, high = one["interval"]
    return low, high


def _alike(cell: Cell, reports: Sequence[dict[str, Any]]) -> list[Row]:
    """Say how many items get the answer that they get in English, over the languages that are held against it."""
    values = [
        statistics.mean(
            one["consistency"]["same"] for one in report["languages"][0]["languages"] if one["language"] in cell.held
        )
        for report in reports
    ]
    return [Row(f"{cell.what}: items answered as in English, mean of the same", statistics.mean(values), n=len(values))]


def main() -> None:
    """Run what is missing within the budget, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=120, help="minutes after which no further run is begun")
    parser.add_argument("--only", nargs="*", default=[cell.recipe for cell in CELLS])
    parser.add_argument("--seeds", nargs="*", type=int, default=[13, 14, 15])
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.budget
    reports: dict[str, list[dict[str, Any]]] = {}
    for seed in given.seeds:  # one seed of everything first
        for cell in CELLS:
            recipe = HERE / f"../recipes/crosslingual/{cell.recipe}.yaml"
            report = finished(recipe, seed)
            if report is None and cell.recipe in given.only and time.monotonic() < end:
                (result,) = nlptl.run(recipe, overrides=[f"seeds=[{seed}]"], out=HERE / "work")
                report = result.report
            if report is not None:
                reports.setdefault(cell.recipe, []).append(report)
                print(f"{cell.recipe}, seed {seed}: {scores(report)}", flush=True)
    lines = [line for cell in CELLS if cell.recipe in reports for line in rows_of(cell, reports[cell.recipe])]
    notes = [
        "n: seeds", "theirs: a plain trial of one seed with the same checkpoint and rows",
        "low, high: the 95 % interval over rows where there is one seed, else the lowest and highest seed",
    ]  # fmt: skip
    write("crosslingual", lines, seeds=given.seeds, notes=notes)


if __name__ == "__main__":
    main()
