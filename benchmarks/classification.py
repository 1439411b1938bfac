"""What the recipes of recipes/tasks reach on test, mean over their seeds, against the bars that were set beforehand.

    python benchmarks/classification.py --budget 60 --only sst2 trec

About 5 minutes a seed for sst2 and trec, 12 for banking77, 20 for goemotions on one core. Goes on where it was stopped:
finished runs are found again below benchmarks/work.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from results import Row, write

import nlptl
from nlptl.recipe import Recipe, science
from nlptl.strict import read

HERE = Path(__file__).resolve().parent
BARS = {
    "movie_reviews": ("../recipes/quickstart.yaml", "accuracy", 0.85),
    "sst2": ("../recipes/tasks/sst2.yaml", "accuracy", 0.875),
    "trec": ("../recipes/tasks/trec.yaml", "accuracy", 0.955),
    "banking77": ("../recipes/tasks/banking77.yaml", "accuracy", 0.92),
    "goemotions": ("../recipes/tasks/goemotions.yaml", "macro_f1", None),
}
PUBLISHED = {"goemotions": 0.46, "banking77": 0.9366}
"""Macro F1 of BERT-base (Demszky et al. 2020); accuracy of BERT-base (Casanueva et al. 2020)."""


def finished(recipe: Path, seed: int) -> dict[str, Any] | None:
    """Find the report of a finished run of the same recipe and seed, whichever state of nlptl made it."""
    wanted = read(recipe, Recipe).value
    for folder in (HERE / "work").glob(f"{wanted.name}-*"):
        if (folder / "report.json").is_file():
            made = read(folder / "recipe.yaml", Recipe).value
            if made.seeds == (seed,) and science(made) == science(wanted):
                return dict(json.loads((folder / "report.json").read_text(encoding="utf-8")))
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=120, help="minutes after which no further run is begun")
    parser.add_argument("--only", nargs="*", default=list(BARS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[13, 14, 15])
    arguments = parser.parse_args()
    end = time.monotonic() + 60 * arguments.budget
    rows = []
    for name in BARS:
        recipe, metric, bar = BARS[name]
        scores, baselines = [], []
        for seed in arguments.seeds:
            report = finished(HERE / recipe, seed)
            if report is None and name in arguments.only and time.monotonic() < end:
                (result,) = nlptl.run(HERE / recipe, overrides=[f"seeds=[{seed}]"], out=HERE / "work")
                report = result.report
            if report is None:
                continue
            section = report["evaluation"][0]
            scores.append(section["metrics"][metric])
            baselines.append(section["baselines"]["tfidf_linear"]["metrics"][metric])
            print(f"{name}, seed {seed}: {metric} {scores[-1]:.4f}, TF-IDF {baselines[-1]:.4f}", flush=True)
        if scores:
            rows.append(
                Row(
                    what=f"{name}, test {metric}",
                    ours=statistics.mean(scores),
                    theirs=baselines[0],
                    n=len(scores),
                    low=min(scores),
                    high=max(scores),
                    bar=bar,
                )
            )
    published = [f"{name}: BERT-base, published, {value}" for name, value in PUBLISHED.items()]
    what = [
        "n: seeds",
        "theirs: TF-IDF and a linear classifier on the same rows",
        "low, high: the lowest and highest seed",
    ]
    notes = [*what, *published]
    write("classification", rows, seeds=arguments.seeds, notes=notes)


if __name__ == "__main__":
    main()
