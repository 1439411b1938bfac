"""What a second task makes a model forget, by itself and mixed with some rows of the first: `transfer/rehearsal`.

    python benchmarks/rehearsal.py --budget 30 --seeds 13 14 15

On two cores a seed takes some minutes. Goes on where it was stopped: finished runs are found again below
benchmarks/work/rehearsal. A seed counts when the plan of it is finished; with none finished nothing is written.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from results import Row, write

from nlptl.plan import running

HERE = Path(__file__).resolve().parent
RECIPE = HERE.parent / "recipes/transfer/rehearsal.yaml"
WORK = HERE / "work/rehearsal"


def rows_of(report: dict[str, Any]) -> list[Row]:
    """Make the lines: every step's test score, what earlier tasks lost, and what each stage gained."""
    seeds = len(report["seeds"])
    lines = [
        Row(f"{step['name']}: {one['metric']} on {one['set']}", 100 * one["mean"],
            low=100 * one["low"], high=100 * one["high"], n=seeds)
        for step in report["steps"] for one in step["scores"]
    ]  # fmt: skip
    for title, found in (("change of", report["again"]), ("gain of", report["gains"])):
        lines += [
            Row(f"{title} {one['first']} against {one['second']}, {one['metric']}", 100 * one["value"],
                low=100 * one["low"], high=100 * one["high"], n=seeds)
            for one in found
        ]  # fmt: skip
    return lines


def main() -> None:
    """Run what is missing within the budget, and write the table of the seeds that are whole."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=60, help="minutes after which no further seed is begun")
    parser.add_argument("--seeds", nargs="*", type=int, default=[13, 14, 15])
    given = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * given.budget
    whole = []
    for seed in given.seeds:
        if time.monotonic() > end:
            print(f"seed {seed}: not begun; the same command goes on")
            continue
        running.run(RECIPE, overrides=[f"seeds=[{seed}]"], out=WORK)
        whole.append(seed)
    if whole:
        done = running.run(RECIPE, overrides=[f"seeds={whole}"], out=WORK)
        notes = [
            "Test scores and differences in points, 200 training rows of each task; 95 % over seeds and rows",
            "Change: an earlier task's own head on the body after a later stage, against that task's own run",
        ]
        write("rehearsal", rows_of(done.report), seeds=whole, notes=notes)


if __name__ == "__main__":
    main()
