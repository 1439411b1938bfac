"""Three tasks on three families of checkpoints: what the recipes of recipes/tasks reach, against bars set beforehand.

    python benchmarks/tasks.py --budget 60 --only geoquery tydiqa

On two cores a seed takes minutes (sib200, geoquery over an encoder), a quarter of an hour (trec and geoquery with
SmolLM2) or up to hours (TyDiQA with SmolLM2). Goes on where it was stopped: finished runs are found again below
benchmarks/work.
"""

import argparse
import statistics
import time
from dataclasses import dataclass
from typing import Any

from classification import HERE, finished
from results import Row, write

import nlptl


@dataclass(frozen=True)
class Cell:
    """A recipe, what of its report is held against a bar, and the baseline beside it."""

    recipe: str
    what: str
    metric: str
    bar: float | None
    baseline: str
    part: str = ""
    """A part of the test rows: `unseen`, those whose whole query (names and all) no training row has."""


CELLS = (
    Cell("banking77", "classification, MiniLM: banking77", "accuracy", 0.92, "tfidf_linear"),
    Cell("trec_smollm2", "classification, SmolLM2: trec", "accuracy", 0.95, "tfidf_linear"),
    Cell("sib200_e5", "classification, e5-small: sib200, English", "accuracy", 0.90, "tfidf_linear"),
    Cell("tydiqa", "QA, MiniLM: TyDiQA-GoldP, English dev", "f1", 0.65, "question_overlap"),
    Cell("tydiqa_smollm2", "QA, SmolLM2: TyDiQA-GoldP, English dev", "f1", 0.40, "question_overlap"),
    Cell("tydiqa_e5", "QA, e5-small: TyDiQA-GoldP, English dev", "f1", 0.66, "question_overlap"),
    Cell("geoquery", "parsing, MiniLM: GeoQuery, question split", "execution", 0.82, "nearest"),
    Cell("geoquery", "the same, queries that training has not", "execution", 0.60, "nearest", "unseen"),
    Cell("geoquery_query", "parsing, MiniLM: GeoQuery, query split", "execution", 0.47, "nearest"),
    Cell("geoquery_smollm2", "parsing, SmolLM2: GeoQuery, question split", "execution", 0.82, "nearest"),
    Cell("geoquery_query_smollm2", "parsing, SmolLM2: GeoQuery, query split", "execution", 0.50, "nearest"),
    Cell("geoquery_funql_e5", "parsing, e5-small: GeoQuery FunQL, German", "exact_match", 0.60, "nearest"),
)
MORE = ("exact_match", "execution", "execution_robust", "exact_match_by_language", "macro_f1")
"""Further metrics that are written down, without a bar."""


def section_of(report: dict[str, Any], part: str) -> dict[str, float]:
    """Give the metrics of a set, or of a part of it."""
    section = report["evaluation"][0]
    if not part:
        return dict(section["metrics"])
    others = [one for name, one in section["tables"]["by_query"].items() if name != "the form itself"]
    rows = sum(one["rows"] for one in others)
    return {name: sum(one["rows"] * one[name] for one in others) / rows for name in section["metrics"]}


def rows_of(cell: Cell, reports: list[dict[str, Any]]) -> list[Row]:
    """Make the lines of a cell: the metric with its bar, then the others of a whole set."""
    lines = []
    for metric in (cell.metric, *(name for name in MORE if name != cell.metric and not cell.part)):
        values = [found[metric] for one in reports if metric in (found := section_of(one, cell.part))]
        if not values:
            continue
        baseline = reports[0]["evaluation"][0]["baselines"].get(cell.baseline, {}).get("metrics", {}).get(metric)
        lines.append(
            Row(f"{cell.what}: {metric}", statistics.mean(values), None if cell.part else baseline, n=len(values),
                low=min(values), high=max(values), bar=cell.bar if metric == cell.metric else None)
        )  # fmt: skip
    return lines


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
        for name in dict.fromkeys(cell.recipe for cell in CELLS):
            recipe = HERE / f"../recipes/tasks/{name}.yaml"
            report = finished(recipe, seed)
            if report is None and name in given.only and time.monotonic() < end:
                (result,) = nlptl.run(recipe, overrides=[f"seeds=[{seed}]"], out=HERE / "work")
                report = result.report
            if report is not None:
                reports.setdefault(name, []).append(report)
                print(f"{name}, seed {seed}: {report['evaluation'][0]['metrics']}", flush=True)
    lines = [line for cell in CELLS if cell.recipe in reports for line in rows_of(cell, reports[cell.recipe])]
    notes = ["n: seeds", "theirs: the baseline on the same rows (TF-IDF, overlap of words, nearest training utterance)",
             "low, high: the lowest and highest seed"]  # fmt: skip
    write("tasks", lines, seeds=given.seeds, notes=notes)


if __name__ == "__main__":
    main()
