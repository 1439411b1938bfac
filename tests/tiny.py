"""Tiny worlds for tests: random checkpoints with real tokenizers, made data cards, recipes, runs.

Nothing here is a mock: a checkpoint is a directory as transformers saves it, only small.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import warm as forks
from tiny_checkpoints import BERTS, DECODERS, ENCODERS, FAMILIES, SEQ2SEQ, save_checkpoint, save_pretrained, still

__all__ = ["BERTS", "DECODERS", "ENCODERS", "FAMILIES", "SEQ2SEQ", "save_checkpoint", "save_pretrained", "still"]
ROOT = Path(__file__).resolve().parent.parent


def write_card(folder: Path, name: str = "tiny", **source: Any) -> Path:
    """Write a card of a made world; keywords change its source."""
    made = {
        "kind": "made", "world": "topics", "seed": 1, "rows": {"train": 48, "dev": 24, "test": 24},
        "classes": 3, "words": 5, "noise": 0.0,
    } | source  # fmt: skip
    several = made["world"] == "several"
    names = [f"class{number}" for number in range(made["classes"])]
    columns = {"text": "text"} | ({"labels": "labels"} if several else {"label": "label"})
    if made["world"] == "pairs":
        names, columns["text_pair"] = ["same", "other", "denied"], "text_pair"
    asked = made["world"] == "questions"
    if asked:
        names, columns = [], {name: name for name in ("question", "context", "answers")}
    task = {"questions": "qa", "commands": "parsing"}.get(made["world"], "classification")
    if task == "parsing":
        names, columns = [], {"text": "text", "form": "form"}
    card = {
        "name": name, "title": "Made", "description": "Invented words.", "tasks": [task],
        "languages": ["eng"], "licence": "none", "citation": "none", "source": made, "columns": columns,
        "labels": names, "splits": {split: {} for split in made["rows"]},
    }  # fmt: skip
    if task == "parsing":
        card["form"] = {"language": "functional"}
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(card), encoding="utf-8")
    return path


TRAIN: dict[str, Any] = {
    "epochs": 1, "batch": 8, "learning_rate": 1e-3, "schedule": "linear", "warmup": 0.1, "weight_decay": 0.01,
    "clip": 1.0, "precision": "fp32", "select": "dev",
}  # fmt: skip


def recipe_tree(checkpoint: Path, card: Path) -> dict[str, Any]:
    """Give a recipe as plain data."""
    return {
        "name": "tiny", "seeds": [13], "model": {"checkpoint": str(checkpoint), "max_tokens": 48},
        "task": {"kind": "classification"}, "data": {"card": str(card)}, "tuning": [{"kind": "full"}],
        "train": dict(TRAIN), "evaluate": [{"split": "test"}], "machine": {"device": "cpu", "threads": 1},
    }  # fmt: skip


def write_recipe(path: Path, tree: Mapping[str, Any]) -> Path:
    """Write a recipe; JSON is YAML."""
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


@dataclass
class Parts:
    """What the loop needs, opened as `nlptl.run` and `nlptl.plan` open it."""

    inputs: Any
    opened: Any
    fitted: Any
    rows: Any
    features: Any
    moving: Any
    verbs: Any

    def plans(self, count: int) -> list[Any]:
        """Give the first steps of the run."""
        from nlptl.data import batches

        train = self.inputs.recipe.train
        found = batches.training_steps(self.features, batch=train.batch, epochs=train.epochs, seed=13)
        return [next(found) for _ in range(count)]

    def train(self, count: int, *, total: int = 10, verbs: Any = None) -> list[Any]:
        """Take the first steps."""
        from nlptl import engine

        recipe = self.inputs.recipe
        return list(
            engine.train(
                self.moving, verbs or self.verbs, self.plans(count), total=total, settings=recipe.train,
                tuning=recipe.tuning, seed=13, micro_tokens=recipe.machine.micro_tokens,
            )
        )  # fmt: skip

    def gradients(self, count: int = 1) -> list[dict[str, Any]]:
        """Take the first steps; give the gradient, by name, that each handed to the optimizer."""
        names = {parameter: name for name, parameter in self.moving.bare.named_parameters()}
        found: list[dict[str, Any]] = []

        def look(optimizer: Any, *_: Any) -> None:
            members = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            found.append({names[one]: one.grad.clone() for one in members if one.grad is not None and one in names})

        self.moving.optimizer.register_step_pre_hook(look)
        self.train(count)
        return found

    def tensors(self) -> dict[str, Any]:
        """Copy the parameters as they are now."""
        return {name: one.detach().clone() for name, one in self.moving.bare.named_parameters()}

    def save(self, folder: Path) -> None:
        """Save the model as a run does."""
        from nlptl import saved, state

        saved.save(folder, state.plain(self.moving), self.opened, self.inputs.recipe.task, self.fitted, "fp32")

    def state_dict(self) -> dict[str, Any]:
        """Give the tensors as they would be saved: whole embedding table, stock modules."""
        from nlptl.modules import embedding

        embedding.restore(self.moving.bare)
        return dict(self.moving.bare.state_dict())


@dataclass(frozen=True)
class Tiny:
    """A folder with a recipe, ready to run."""

    folder: Path
    recipe: Path

    def run(self, *overrides: str, out: str = "runs", watch: Any = None) -> Any:
        """Run it in this process; give the one Result."""
        from nlptl.runs import run

        (result,) = run(self.recipe, overrides=overrides, out=self.folder / out, watch=watch)
        return result

    def parts(self, *overrides: str) -> Parts:
        """Open everything up to the loop."""
        from nlptl import backbone, prepare, state, unlabelled
        from nlptl.checks import check
        from nlptl.computing import open_machine
        from nlptl.data import batches

        inputs = prepare.gather(check(self.recipe, overrides))
        recipe = inputs.recipe
        rows = prepare.training_rows(inputs, 13)
        fitted = recipe.task.fit(rows, inputs.card)
        head_seed = state.head_seed(13)
        opened = backbone.open_checkpoint(inputs.checkpoint, max_tokens=recipe.model.max_tokens, head_seed=head_seed)
        features = recipe.task.encode(prepare.augmented_rows(inputs, 13).rows, opened, fitted, "train")
        computing = open_machine("cpu", recipe.train.precision, 1)
        total = recipe.train.epochs * batches.steps_per_epoch(len(features), recipe.train.batch)
        target = recipe.task.encode(inputs.target, opened, fitted, "predict")
        moving = state.build(recipe, opened, fitted, [*features, *target], computing, 13, total=total)
        verbs = unlabelled.added(state.verbs(recipe.task, opened, fitted), target, recipe, 13)
        return Parts(inputs, opened, fitted, rows, features, moving, verbs)

    def command(self, *arguments: str, out: str = "runs", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `nlptl run RECIPE` in a process of its own; keywords are environment variables."""
        return python(*self._line(arguments, out), **variables)

    def warm(
        self, *arguments: str, out: str = "runs", ranks: int = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Do what `command` does in a fork that has the libraries, or in `ranks` of them, started without torchrun."""
        return warm(*self._line(arguments, out), ranks=ranks, **variables)

    def _line(self, arguments: Sequence[str], out: str) -> list[str]:
        return ["-m", "nlptl", "run", str(self.recipe), *arguments, "--out", str(self.folder / out)]


def warm(*arguments: str, given: str = "", ranks: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    """Do what `python` does in a fork of a process that has imported the libraries, or in `ranks` of them."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return forks.run(arguments, given=given, environment=environment, ranks=ranks)


def python(*arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Start Python in the repository's root, with `given` on its standard input, and wait for it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    line = [sys.executable, *arguments]
    pipe = subprocess.PIPE
    child = subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=ROOT)
    try:
        out, err = child.communicate(given, timeout=150)
    except subprocess.TimeoutExpired:
        child.terminate()  # not kill: a launcher ends its processes on this signal, and would leave them otherwise
        out, err = child.communicate()
        raise AssertionError(f"{' '.join(line)} hangs:\n{err[-2000:]}") from None
    return subprocess.CompletedProcess(line, child.returncode, out, err)


def near_gate(folder: Path, probe: Any, task: Any, expected: Any) -> float:
    """Stand in for `saved.gate`: load the model in this process."""
    from nlptl import evaluate, saved

    one = saved.load(folder, device="cpu", numbers="fp32")
    again = evaluate.witnesses(one.model.module, one.task, probe, one.opened, one.fitted, one.computing)
    found = saved.difference(again, expected)
    assert found <= saved.TOLERANCE
    return found


def outcome(directory: Path) -> dict[str, Any]:
    """Give what two runs that are the same to the bit must have in common."""
    report = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = {"weights": sha256(directory / "model" / "model.safetensors")}
    found |= {path.name: sha256(path) for path in sorted((directory / "predictions").iterdir())}
    found["metrics"] = [one["metrics"] for one in report["evaluation"]]
    found["history"] = report["training"]["history"]
    return found


def sha256(path: Path) -> str:
    """Give the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def weights(directory: Path) -> dict[str, Any]:
    """Give the tensors of a run's saved model."""
    from safetensors.torch import load_file

    return dict(load_file(directory / "model" / "model.safetensors"))


def largest_difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> float:
    """Give the largest difference of two sets of tensors of the same names."""
    assert set(first) == set(second)
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def predictions(directory: Path, name: str = "test") -> list[dict[str, Any]]:
    """Give the records of a file of predictions."""
    text = (directory / "predictions" / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def ids_of(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give the row ids of predictions."""
    return [record["id"] for record in records]
