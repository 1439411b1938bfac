"""The matrix of four classification sets: what each gains from each of the others, and who could have guessed it.

    python benchmarks/matrix.py --budget 15 --seeds 13

On two free cores a seed takes about a quarter of an hour. Goes on where it was stopped: finished runs are found again
below benchmarks/work/matrix. A seed counts when all of its runs are finished; with none finished nothing is written.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from results import Row, write

from nlptl import runs
from nlptl.job import Watch
from nlptl.plan import reading, running

HERE = Path(__file__).resolve().parent
RECIPE = HERE.parent / "recipes/transfer/matrix_classification.yaml"
WORK = HERE / "work/matrix"


def seed_done(seed: int, end: float, watch: Watch) -> bool:
    """Run all steps of one seed; begin none after `end`. Say whether all are finished."""
    checked = reading.check(RECIPE, [f"seeds=[{seed}]"])
    gathered = running.gather(checked)
    done: dict[tuple[str, int], Path] = {}
    for step in checked.plan.steps():
        if time.monotonic() > end:
            print(f"seed {seed}: stopped before {step.name}; the same command goes on")
            return False
        start = running.start_of(step, done, seed)
        inputs = running.inputs_of(checked, step, gathered[step.recipe], start)
        result = runs.run_seed(inputs, seed, WORK, watch)
        done[step.name, seed] = result.directory
        print(f"seed {seed}, {step.name}: {result.report['training']['seconds']:.0f} s of training")
    return True


def rows_of(report: dict[str, Any]) -> list[Row]:
    """Make the lines: a cell each, then the regret of each predictor."""
    matrix = report["matrix"]
    lines = [
        Row(f"{one['target']} after {one['source']}, gain in points ({one['outcome']})", 100 * one["value"],
            low=100 * one["low"], high=100 * one["high"], n=len(one["seeds"]))
        for one in matrix["cells"]
    ]  # fmt: skip
    return lines + [
        Row(f"regret in points of {one['name']}", 100 * one["regret"], n=len(one["regrets"]))
        for one in matrix["predictors"] if one["regret"] is not None
    ]  # fmt: skip


def main() -> None:
    """Run what is missing within the budget, and write the table of the seeds that are whole."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=60, help="minutes after which no further run is begun")
    parser.add_argument("--seeds", nargs="*", type=int, default=[13, 14, 15])
    given = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * given.budget
    whole = [seed for seed in given.seeds if seed_done(seed, end, Watch())]
    if whole:
        done = running.run(RECIPE, overrides=[f"seeds={whole}"], out=WORK)
        notes = [
            "Gains over the target from scratch, 200 training rows each; 95 % over seeds and rows (one seed: rows)",
            "Regret: the greatest gain less that of the source which the predictor puts first, a mean over targets",
        ]
        write("matrix", rows_of(done.report), seeds=whole, notes=notes)


if __name__ == "__main__":
    main()
