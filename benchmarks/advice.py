"""What `tuning: auto` chooses, against plain full fine-tuning as most scripts do it: 3 epochs, batch 32, 5e-5.

    python benchmarks/advice.py --budget 120

About a minute a run of 100 rows, 3 of 500, 8 of 2,000 on one core. Goes on where it was stopped: finished runs are
found again below benchmarks/work.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from results import Row, write

import nlptl
from nlptl.checks import check
from nlptl.prepare import digest, gather
from nlptl.report import finished

HERE = Path(__file__).resolve().parent
CARDS = {"sst2": "accuracy", "trec": "accuracy", "banking77": "accuracy"}
SIZES = (100, 500, 2_000)
PLAIN = [
    "tuning=[{kind: full}]", "train.epochs=3", "train.batch=32", "train.learning_rate=5e-5", "train.schedule=linear",
    "train.warmup=0.06", "train.weight_decay=0.01", "train.clip=1.0",
]  # fmt: skip


def result(card: str, size: int, seed: int, plain: list[str], *, begin: bool) -> dict[str, Any] | None:
    """Give the report of a run, run it where it is not there and may begin; None where it may not."""
    changes = [f"data.card={card}", f"data.train_rows={size}", f"seeds=[{seed}]",
               f"name=advice_{'plain' if plain else 'auto'}_{card}_{size}", *plain]  # fmt: skip
    checked = check(HERE / "../recipes/tuning/auto.yaml", changes)
    place = HERE / "work" / f"{checked.recipe.name}-{digest(gather(checked), seed)}"
    found = finished(place)
    if found is None and begin:
        (made,) = nlptl.run(checked, out=HERE / "work")
        found = made.report
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=120, help="minutes after which no further run is begun")
    parser.add_argument("--cards", nargs="*", default=list(CARDS))
    parser.add_argument("--sizes", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--seeds", nargs="*", type=int, default=[13, 14, 15])
    arguments = parser.parse_args()
    end = time.monotonic() + 60 * arguments.budget
    rows = []
    for card in arguments.cards:
        for size in arguments.sizes:
            pairs = []
            for seed in arguments.seeds:
                both = [result(card, size, seed, plain, begin=time.monotonic() < end) for plain in ([], PLAIN)]
                if None not in both:
                    pairs.append(both)
            rows += compared(card, size, pairs) if pairs else []
    if rows:
        notes = ["n: seeds", "ours: auto", "theirs: full, 3 epochs, batch 32, 5e-5, which takes fewer steps",
                 "low, high: the lowest and highest gain of a seed", "scored on test, chosen on dev"]  # fmt: skip
        write("advice", rows, seeds=arguments.seeds, notes=notes)


def compared(card: str, size: int, pairs: list[Any]) -> list[Row]:
    """Give the lines of a cell: scores, gains by seed, seconds."""
    metric = CARDS[card]

    def score(report: Any) -> float:
        return float(report["evaluation"][-1]["metrics"][metric])

    ours, theirs = ([score(pair[side]) for pair in pairs] for side in (0, 1))
    gains = [one - other for one, other in zip(ours, theirs, strict=True)]
    seconds = [statistics.mean(float(pair[side]["training"]["seconds"]) for pair in pairs) for side in (0, 1)]
    what = f"{card}, {size} rows"
    return [
        Row(f"{what}: {metric}", ours=statistics.mean(ours), theirs=statistics.mean(theirs), n=len(pairs)),
        Row(f"{what}: {metric} gained", ours=statistics.mean(gains), low=min(gains), high=max(gains), n=len(pairs)),
        Row(f"{what}: seconds of training", ours=seconds[0], theirs=seconds[1], n=len(pairs)),
    ]


if __name__ == "__main__":
    main()
