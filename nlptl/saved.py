"""A trained model on disk: the ecosystem's own format, plus `nlptl.json` with what a task must know to use it."""

from __future__ import annotations

import gc
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl import artifacts, backbone, evaluate, kinds, mixtures
from nlptl.computing import Computing, Numbers, open_machine
from nlptl.errors import BadInput, Problem, ReloadMismatch
from nlptl.tasks import Model, Prediction, Row, Task
from nlptl.version import __version__

if TYPE_CHECKING:
    from torch import nn

DISTRIBUTED = (
    "RANK",
    "WORLD_SIZE",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
    "GROUP_RANK",
    "NLPTL_PROCESSES",
)
TOLERANCE = 1e-4
"""Largest difference of a reloaded logit. Both processes compute in fp32; what differs is the order of a few sums."""


@dataclass(frozen=True)
class Loaded:
    """A saved model, ready to predict."""

    task: Task
    fitted: Any
    opened: backbone.Opened
    model: Model
    computing: Computing

    def predict(
        self, inputs: Iterable[str | Mapping[str, Any]], *, seen: Callable[[int], None] = lambda count: None
    ) -> list[Prediction]:
        """Predict texts, or mappings of canonical columns (`text`, `text_pair`, `id`), in the order of `inputs`.

        Inputs are computed sorted by length. Those without an `id` are numbered from 0. Raises BadInput for an input
        that has not what the task needs.
        """
        rows = [self.task.row_of(given, number) for number, given in enumerate(inputs)]
        if len({row.id for row in rows}) != len(rows):
            rows = [Row(f"{number}:{row.id}", row.values, row.language) for number, row in enumerate(rows)]
        return self.predict_rows(rows, seen=seen)

    def predict_rows(
        self, rows: Sequence[Row], *, seen: Callable[[int], None] = lambda count: None
    ) -> list[Prediction]:
        """Predict rows that have ids of their own."""
        features = self.task.encode(rows, self.opened, self.fitted, "predict")
        partials = evaluate.partials_of(
            self.model.module, self.task, features, self.opened, self.fitted,
            computing=self.computing, micro_tokens=16384, seen=seen,
        )  # fmt: skip
        return evaluate.predictions_of(self.task, rows, partials, self.opened, self.fitted)


def save(
    directory: Path, module: nn.Module, opened: backbone.Opened, task: Task, fitted: Any, numbers: Numbers
) -> None:
    """Write weights, configuration, tokenizer and `nlptl.json`; the directory appears whole or not at all.

    Where an adapter stands in the model, it and what was trained beside it are written in place of all weights.
    """
    base = backbone.base_of(module, opened.checkpoint)
    settings = ({"base": base} if base else {}) | {
        "nlptl": __version__,
        "task": task.model_dump(mode="json"),
        "fitted": fitted.model_dump(mode="json"),
        "max_tokens": opened.max_tokens,
        "precision": numbers,
    }

    def write(folder: Path) -> None:
        anything: Any = module
        with backbone.silent():
            if base:
                backbone.save_adapter(module, folder, opened.checkpoint)
            else:
                anything.save_pretrained(folder)
        opened.tokenizer.save_pretrained(folder)
        artifacts.write_json(folder / backbone.SETTINGS, settings)

    artifacts.publish(directory, write)


def load(
    run: str | Path, *, device: str = "auto", numbers: Numbers | None = None, merged: bool = True
) -> Loaded:
    """Open what a run saved: a run directory, or the `model` folder in it.

    `numbers` overrides the precision of the matrix products (`fp32`, `bf16`); an adapter is `merged` into the weights,
    or stands beside them as it did in training. Raises BadInput where there is no
    model of nlptl's, or where a byte of it is not as it was written.
    """
    folder = folder_of(run)
    faults = artifacts.verify(folder)
    if faults:
        raise BadInput(str(folder), [Problem(fault) for fault in faults])
    from nlptl.modules import attention, first_token

    settings = json.loads((folder / backbone.SETTINGS).read_text(encoding="utf-8"))
    task = _task(settings["task"])
    fitted = task.restore(settings["fitted"])
    opened = backbone.open_checkpoint(
        backbone.inspect(str(folder)), max_tokens=settings["max_tokens"], head_seed=0, merged=merged
    )
    model = task.attach(opened, fitted, "saved")
    chosen: Numbers = numbers or settings["precision"]
    computing = open_machine(device, chosen)
    attention.choose(backbone.transformer_of(model.module), "auto")
    first_token.narrow(backbone.transformer_of(model.module))
    model.module.to(computing.device)
    return Loaded(task, fitted, opened, model, computing)


def task_of(run: str | Path) -> Task:
    """Give the task of a saved model, without opening it. Raises BadInput where there is none."""
    return _task(artifacts.read_json(folder_of(run) / backbone.SETTINGS)["task"])


def plain(loaded: Loaded) -> nn.Module:
    """Give the module of a loaded model as transformers knows it, to be saved."""
    from nlptl.modules import attention, first_token

    body = backbone.transformer_of(loaded.model.module)
    first_token.restore(body)
    attention.restore(body)
    return loaded.model.module


def folder_of(run: str | Path) -> Path:
    """Give the folder of a saved model: `model` in a run's directory, or the folder itself. Raises BadInput where none
    is.
    """
    place = Path(run)
    mixtures.check_one(place)
    folder = place / "model" if (place / "model").is_dir() else place
    if not (folder / backbone.SETTINGS).is_file():
        fix = "name a finished run's directory; `nlptl ls` lists them"
        raise BadInput(str(run), Problem(f"no model of nlptl's here ({backbone.SETTINGS} is missing)", fix=fix))
    return folder


def _task(settings: Mapping[str, Any]) -> Task:
    from pydantic import TypeAdapter

    task: Task = TypeAdapter(kinds.one_of("tasks")).validate_json(json.dumps(settings))
    return task


def probe_of(rows: Sequence[Row], task: Task) -> list[Row]:
    """Choose at most 16 rows of all lengths, the shortest and the longest among them: they show a wrong pad, cut or
    head.
    """
    ordered = sorted(rows, key=lambda row: (sum(len(str(row.values.get(name, ""))) for name in task.given), row.id))
    if len(ordered) <= 16:
        return ordered
    return [ordered[number * (len(ordered) - 1) // 15] for number in range(16)]


def gate(folder: Path, probe: Sequence[Row], task: Task, expected: Sequence[Any]) -> float:
    """Let a fresh process load what was saved, tokenizer and all, and answer the probe; give the largest difference.

    Raises ReloadMismatch beyond TOLERANCE, or when the process cannot load it at all.
    """
    rows = [
        {"id": row.id, "values": {name: row.values[name] for name in task.given if name in row.values}} for row in probe
    ]
    question = json.dumps({"folder": str(folder.resolve()), "rows": rows})
    alone = {key: value for key, value in os.environ.items() if key not in DISTRIBUTED}
    # -P: what lies in the working directory must not stand in for a library.
    command = [sys.executable, "-P", "-m", "nlptl.saved"]
    try:
        child = subprocess.run(
            command, input=question, capture_output=True, text=True, env=alone, check=False, timeout=600
        )
    except subprocess.TimeoutExpired:
        raise ReloadMismatch(f"a fresh process did not load {folder} within ten minutes") from None
    if child.returncode != 0:
        raise ReloadMismatch(f"a fresh process cannot load {folder}:\n{child.stderr.strip()[-2000:]}")
    found = difference(json.loads(child.stdout.strip().splitlines()[-1]), expected)
    if not found <= TOLERANCE:
        raise ReloadMismatch(
            f"{folder}: reloaded in a fresh process, a logit differs by {found:.3g} (at most {TOLERANCE:g})"
        )
    return found


def difference(ours: Any, theirs: Any) -> float:
    """Give the largest difference of two nests of numbers; infinite where their shape differs or a number is none."""
    if isinstance(ours, Sequence) and not isinstance(ours, str):
        if not isinstance(theirs, Sequence) or len(ours) != len(theirs):
            return math.inf
        return max((difference(one, other) for one, other in zip(ours, theirs, strict=True)), default=0.0)
    if isinstance(ours, float | int) and isinstance(theirs, float | int):
        return math.inf if math.isnan(ours - theirs) else abs(ours - theirs)
    return 0.0 if ours == theirs else math.inf


def _answer_gate() -> None:
    """Be the fresh process of `gate`: question on standard input, answers on standard output."""
    gc.disable()  # half a second of the imports; this process is over before its garbage could matter
    question = json.loads(sys.stdin.read())
    loaded = load(question["folder"], device="cpu", numbers="fp32")
    plain(loaded)  # the answer is to be what transformers itself computes from the files
    rows = [Row(one["id"], one["values"], "") for one in question["rows"]]
    print(
        json.dumps(
            evaluate.witnesses(loaded.model.module, loaded.task, rows, loaded.opened, loaded.fitted, loaded.computing)
        )
    )


if __name__ == "__main__":
    _answer_gate()
