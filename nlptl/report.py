"""What a run says at its end: `report.json`, the predictions, and the small table of the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nlptl import artifacts, prepare, strict
from nlptl.data.overlap import overlap
from nlptl.job import Job, Progress, peak_memory_mib
from nlptl.prepare import Inputs
from nlptl.recipe import Evaluation
from nlptl.tasks import Prediction, Row, Scores
from nlptl.version import __version__

REPORT = "report.json"


@dataclass(frozen=True)
class Section:
    """One set that was scored."""

    asked: Evaluation
    language: str
    """"" where languages are not scored apart."""
    rows: Sequence[Row]
    predictions: Sequence[Prediction]
    scores: Scores

    @property
    def name(self) -> str:
        """Name of its file of predictions."""
        return f"{self.asked.split}-{self.language}" if self.language else self.asked.split


def finished(directory: Path) -> dict[str, Any] | None:
    """Give the report of a run that is finished and whole, else None."""
    if not (directory / REPORT).is_file() or artifacts.verify(directory / "model"):
        return None
    report: dict[str, Any] = artifacts.read_json(directory / REPORT)
    return report


def write_beginning(directory: Path, inputs: Inputs, seed: int) -> None:
    """Write down what the run is: the resolved recipe, the data, the environment. A run that goes on finds them
    there.
    """
    resolved = inputs.recipe.model_copy(update={"seeds": (seed,)})
    if not (directory / "recipe.yaml").exists():
        artifacts.write_text(directory / "recipe.yaml", artifacts.redact(strict.dump(resolved)))
        artifacts.write_json(directory / "data.json", prepare.fingerprint_of(inputs))
    artifacts.write_json(directory / "environment.json", artifacts.environment(Path.cwd()))


def write(
    job: Job,
    progress: Progress,
    fitted: Any,
    chosen: Mapping[str, Any],
    sections: Sequence[Section],
    gate: Mapping[str, Any],
) -> dict[str, Any]:
    """Write predictions, then `report.json`, last: a run that has one is finished."""
    inputs = job.inputs
    recipe = inputs.recipe
    for one in sections:
        _write_predictions(job.directory / "predictions" / f"{one.name}.jsonl", one, recipe.task.given)
    rows = prepare.training_rows(inputs, job.seed)
    dev, _ = job.select
    report = {
        "nlptl": __version__,
        "name": recipe.name,
        "seed": job.seed,
        "task": recipe.task.kind,
        "card": inputs.card.name,
        "checkpoint": {"name": inputs.checkpoint.name, "sha256": inputs.checkpoint.sha256},
        "fitted": fitted.model_dump(mode="json"),
        "selected_on": recipe.train.select,
        "rows": {"train": len(rows), recipe.train.select: len(dev)},
        "cut": {"train": _cut(job.features), recipe.train.select: _cut(job.select[1])},
        "parameters": {"all": job.moving.parameters, "trainable": job.moving.trainable},
        "training": _training(job, progress),
        "selection": dict(chosen),
        "evaluation": [_section(job, fitted, rows, dev, one) for one in sections],
        "reload_gate": dict(gate),
        "warnings": list(inputs.warnings),
    }
    artifacts.write_json(job.directory / REPORT, report)
    return report


def _cut(features: Sequence[Any]) -> dict[str, int]:
    """Count the rows that were longer than the window, and the tokens that were lost."""
    return {
        "rows": len({feature.row_id for feature in features if feature.cut}),
        "tokens": sum(feature.cut for feature in features),
    }


def _training(job: Job, progress: Progress) -> dict[str, Any]:
    examples = sum(record["examples"] for record in artifacts.read_lines(job.directory / "log.jsonl"))
    return {
        "steps": progress.step,
        "planned_steps": job.total,
        "best_step": progress.best_step,
        "best_score": progress.best_score,
        "stopped_early": progress.stopped_early,
        "seconds": progress.seconds,
        "examples_per_second": examples / progress.seconds if progress.seconds else None,
        "peak_memory_mib": peak_memory_mib(),
        "processes": job.moving.world,
        "history": list(progress.history),
    }


def _section(job: Job, fitted: Any, train: Sequence[Row], dev: Sequence[Row], one: Section) -> dict[str, Any]:
    task = job.inputs.recipe.task
    found: dict[str, Any] = {
        "split": one.asked.split,
        "language": one.language,
        "rows": len(one.rows),
        "predictions": f"predictions/{one.name}.jsonl",
        "metrics": dict(one.scores.metrics),
        "intervals": {
            name: list(pair) for name, pair in task.intervals(one.predictions, one.rows, fitted, job.seed).items()
        },
        "tables": dict(one.scores.tables),
        "baselines": {},
    }
    for name, predictions in task.baselines(train, dev, one.rows, fitted).items():
        gain = task.difference(one.predictions, predictions, one.rows, fitted, job.seed)
        found["baselines"][name] = {
            "metrics": dict(task.score(predictions, one.rows, fitted).metrics),
            "gain": asdict(gain),
        }
    found["overlap"] = _overlap(job, fitted, train, one)
    found["external"] = _external(job, fitted, one)
    return found


def _overlap(job: Job, fitted: Any, train: Sequence[Row], one: Section) -> dict[str, Any]:
    """Count the rows that the training split has too, exactly or nearly, and score the others by themselves."""
    pairs = overlap(train, one.rows)
    seen = {pair.second for pair in pairs}
    found: dict[str, Any] = {
        "rows": len(seen),
        "pairs": [[pair.first, pair.second, pair.similarity] for pair in pairs[:50]],
    }
    clean = [row for row in one.rows if row.id not in seen]
    if seen and clean:
        kept = [prediction for prediction in one.predictions if prediction.row_id not in seen]
        found["clean"] = {
            "rows": len(clean),
            "metrics": dict(job.inputs.recipe.task.score(kept, clean, fitted).metrics),
        }
    return found


def _external(job: Job, fitted: Any, one: Section) -> dict[str, float]:
    """Compute the metrics that the recipe takes from `evaluate`, on the values of gold and predictions."""
    from nlptl import evaluate_metrics

    found: dict[str, float] = {}
    by_id = {prediction.row_id: prediction.value for prediction in one.predictions}
    gold = [job.inputs.recipe.task.gold(row, fitted).value for row in one.rows]
    for asked in one.asked.external:
        predicted = [by_id[row.id] for row in one.rows]
        found |= evaluate_metrics.external(
            asked.metric, gold, predicted, runs_code=asked.runs_code,
            labels=getattr(fitted, "names", ()), config=asked.config, settings=asked.settings,
        )  # fmt: skip
    return found


def _write_predictions(path: Path, one: Section, given: Sequence[str]) -> None:
    """Write a JSON line a row: id, gold, prediction, whether it is right, probabilities."""
    import json

    by_id = {prediction.row_id: prediction for prediction in one.predictions}
    lines = []
    for row, right in zip(one.rows, one.scores.per_example["correct"], strict=True):
        said = by_id[row.id]
        gold = {key: value for key, value in row.values.items() if key not in given}
        record = {"id": row.id, "gold": gold, "predicted": said.value, "correct": right, "detail": dict(said.detail)}
        lines.append(json.dumps(record, ensure_ascii=False, allow_nan=False))
    path.parent.mkdir(exist_ok=True)
    artifacts.write_text(path, "\n".join(lines) + "\n")
