"""How fast a saved model predicts: transformers' pipeline as people call it, against nlptl on the same model and texts.

    python benchmarks/speed_predict.py --run runs/quickstart-… --budget 3

Both sides take turns, a round being all texts; answers that differ are counted. About a minute a round on two cores.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import results

import nlptl
from nlptl.checks import check
from nlptl.data import rows as reading

BAR = 5.0
SIDES = ("pipeline", "pipeline, batch_size=32", "nlptl fp32", "nlptl bf16")


def measure(folder: Path, texts: list[str], pieces: results.Pieces, threads: int) -> dict[str, list[str]]:
    """Let the sides take turns until the budget is used up, three rounds at least; give each side's answers."""
    import torch
    from transformers import pipeline

    torch.set_num_threads(threads)
    pipe = pipeline("text-classification", model=str(folder / "model"), device=-1)
    fast: dict[str, Any] = {name: nlptl.load(folder, precision=name[-4:]) for name in SIDES if name.startswith("nlptl")}
    answers: dict[str, list[str]] = {}
    rounds = 0
    while rounds < 3 or not pieces.over:
        piece: dict[str, Any] = {"kind": "round", "threads": threads}
        for name in SIDES:
            # The pipeline side runs with torch as it comes; nlptl sets its own kernels when it loads.
            torch.set_float32_matmul_precision("highest" if name.startswith("pipeline") else "medium")
            wall, cpu = time.perf_counter(), time.process_time()
            if name in fast:
                answers[name] = [str(said.value) for said in fast[name].predict(texts)]
            else:
                size = 32 if "32" in name else 1
                answers[name] = [said["label"] for said in pipe(texts, batch_size=size, truncation=True)]
            piece[name] = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        rounds += 1
        if rounds > 1:
            pieces.add(piece)
            print(f"round {rounds}: " + ", ".join(f"{name} {len(texts) / piece[name]['wall']:.0f}/s" for name in SIDES))
    return answers


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="a finished run of recipes/quickstart.yaml")
    parser.add_argument("--budget", type=float, default=3.0, metavar="MINUTES")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fresh", action="store_true")
    given = parser.parse_args()
    pieces = results.Pieces("speed_predict", given.budget, fresh=given.fresh)
    checked = check(given.run / "recipe.yaml")
    texts = [row.values["text"] for row in reading.rows(reading.load(checked.card, "test"))]
    answers = measure(given.run, texts, pieces, given.threads)
    rows = []
    rounds = pieces.of("round")
    for name in SIDES[1:]:
        for unit in ("wall", "cpu"):
            ratios = [one["pipeline"][unit] / one[name][unit] for one in rounds]
            ours, theirs = ([len(texts) / one[side][unit] for one in rounds] for side in (name, "pipeline"))
            bar = BAR if name == "nlptl bf16" and unit == "wall" else None
            rows.append(
                results.Row(
                    f"texts a {unit}-second, {name}, to pipeline",
                    statistics.median(ours),
                    statistics.median(theirs),
                    statistics.median(ratios),
                    len(rounds),
                    min(ratios),
                    max(ratios),
                    bar,
                )
            )
    for name in SIDES[2:]:
        changed = sum(ours != theirs for ours, theirs in zip(answers[name], answers["pipeline"], strict=True))
        rows.append(results.Row(f"answers that differ from the pipeline's, {name}", ours=changed, n=len(texts)))
    results.write("speed_predict", rows, seeds=[], notes=[f"{given.threads} threads", "low, high: of the rounds"])


if __name__ == "__main__":
    main()
