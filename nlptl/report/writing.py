"""What a run says at its end: the predictions, `report.json`, and what is made of both."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nlptl import artifacts, mixtures, model_card, phases, prepare, strict, targets
from nlptl.data.overlap import Pair, overlap
from nlptl.job import Job, Progress, peak_memory_mib
from nlptl.prepare import Inputs
from nlptl.recipe import Evaluation
from nlptl.report import cost, examples, languages, robust, views
from nlptl.tasks import Feature, Prediction, Row, Scores
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
    noised: Sequence[robust.Noised] = ()
    """The same rows under noise."""

    @property
    def name(self) -> str:
        """Name of its file of predictions."""
        return f"{self.asked.name}-{self.language}" if self.language else self.asked.name


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
    apart: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write predictions and the model's card, then `report.json`: a run that has one is finished. The page and the
    tables are made of what is then there, and a fault in that loses nothing.
    """
    inputs, recipe = job.inputs, job.inputs.recipe
    rows = prepare.training_rows(inputs, job.seed)
    report = _begun(job, progress, fitted, chosen, rows)
    report["evaluation"] = [_section(job, fitted, rows, one) for one in sections]
    if found := _languages(job, fitted, sections, report["evaluation"]):
        report["languages"] = found
    if targets.oracle(recipe, inputs.card):
        report["oracle"] = True
    if apart is not None:
        report["domains"] = dict(apart)
    report["reload_gate"] = dict(gate)
    report["warnings"] = list(inputs.warnings)
    if inputs.taken:
        report["taken"] = list(inputs.taken)
    environment = artifacts.read_json(job.directory / "environment.json")
    _attempt(job, "model card", lambda: model_card.add(job.directory / "model", report, environment))
    artifacts.write_json(job.directory / REPORT, report)
    texts = {one.name: examples.texts_of(one.rows, recipe.task.given) for one in sections}
    _attempt(job, "page", lambda: views.write(job.directory, texts))
    return report


def _languages(
    job: Job, fitted: Any, sections: Sequence[Section], said: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Hold the languages of each split that was scored in several against each other."""
    parts: dict[str, list[languages.Part]] = {}
    for one, told in zip(sections, said, strict=True):
        if one.language and one.rows:
            part = languages.Part(one.language, one.rows, one.predictions, one.scores, told["cut"]["rows"])
            parts.setdefault(one.asked.name, []).append(part)
    asked = {one.name: one for one in job.inputs.recipe.evaluate}
    return [
        languages.compared(split, members, job, fitted, job.inputs.card_of(asked[split]))
        for split, members in parts.items()
        if len({part.language for part in members}) == len(members) > 1
    ]


def _attempt(job: Job, what: str, make: Callable[[], object]) -> None:
    """Make something that a run can do without; say a fault and go on."""
    try:
        make()
    except Exception as fault:
        first = " ".join(str(fault).split())[:300]
        job.watch.say(f"warning: the {what} could not be made ({type(fault).__name__}: {first}); the run is whole")


def _begun(job: Job, progress: Progress, fitted: Any, chosen: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """Give what stands in a report before its scores."""
    inputs, recipe = job.inputs, job.inputs.recipe
    return {
        "nlptl": __version__,
        "run": mixtures.name_of(job.directory),
        "name": recipe.name,
        "seed": job.seed,
        "task": recipe.task.kind,
        "card": inputs.card.name,
        "checkpoint": {"name": inputs.checkpoint.name, "sha256": inputs.checkpoint.sha256},
        "fitted": fitted.model_dump(mode="json"),
        "selected_on": recipe.train.select,
        "rows": {"train": len(rows), recipe.train.select: len(job.select[0])},
        "cut": {"train": _cut(job.features), recipe.train.select: _cut(job.select[1])},
        "parameters": {"all": job.moving.parameters, "trainable": job.moving.trainable},
        "training": _training(job, progress),
        "selection": _selection(job, fitted, chosen),
        "data": _data(job),
    } | ({"mixed": dict(job.mixed)} if job.mixed else {})


def _selection(job: Job, fitted: Any, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the chosen weights score on the selecting split; write its predictions where they are at hand."""
    found = {name: value for name, value in chosen.items() if name != "said"}
    if "said" in chosen:
        task, (rows, features) = job.inputs.recipe.task, job.select
        asked = Evaluation(split=f"{job.inputs.recipe.train.select}.selection")
        one = Section(asked, "", rows, chosen["said"], task.score(chosen["said"], rows, fitted))
        found["predictions"] = _write_predictions(job, one, features, None)
    return found


def _data(job: Job) -> dict[str, Any]:
    """Give what a reader of the report must know of the data, from their card; the languages are those trained on."""
    card = job.inputs.card
    names = {"title", "licence", "citation", "homepage", "faults"}
    languages = list(job.inputs.recipe.data.languages or card.languages)
    hub = card.hub.repository if card.hub else None
    return {**card.model_dump(mode="json", include=names), "languages": languages, "hub": hub}


def _cut(features: Sequence[Any]) -> dict[str, int]:
    """Count the rows that were longer than the window, and the tokens that were lost."""
    return {
        "rows": len({feature.row_id for feature in features if feature.cut}),
        "tokens": sum(feature.cut for feature in features),
    }


def _training(job: Job, progress: Progress) -> dict[str, Any]:
    log = artifacts.read_lines(job.directory / "log.jsonl")
    done = {name: sum(record[name] for record in log) for name in ("examples", "tokens")}
    return {
        "steps": progress.step,
        "planned_steps": job.total,
        "best_step": progress.best_step,
        "best_score": progress.best_score,
        "stopped_early": progress.stopped_early,
        "seconds": progress.seconds,
        "examples_per_second": done["examples"] / progress.seconds if progress.seconds else None,
        "tokens_per_second": done["tokens"] / progress.seconds if progress.seconds else None,
        "peak_memory_mib": peak_memory_mib(),
        "peak_device_memory_mib": cost.device_memory_mib(job.computing.device),
        "floor": cost.floor(job, log, progress.seconds),
        "frozen": job.moving.frozen.facts(),
        "processes": job.moving.world,
        "phases": phases.facts(job.moving, job.total),
        "history": list(progress.history),
        "augment": {kind: dict(fates) for kind, fates in job.augmented.items()},
    }


def _section(job: Job, fitted: Any, train: Sequence[Row], one: Section) -> dict[str, Any]:
    """Score a set beside its baselines and write its predictions."""
    task = job.inputs.recipe.task
    features = task.encode(one.rows, job.opened, fitted, "predict")
    pairs = overlap(train, one.rows)
    found: dict[str, Any] = {
        "split": one.asked.name,
        "language": one.language,
        "rows": len(one.rows),
        "metrics": dict(one.scores.metrics),
        "intervals": {
            name: list(pair) for name, pair in task.intervals(one.predictions, one.rows, fitted, job.seed).items()
        },
        "tables": dict(one.scores.tables),
        "cut": _cut(features),
        "baselines": {},
    }
    for name, predictions in _baselines(job, train, one.rows, fitted).items():
        gain = task.difference(one.predictions, predictions, one.rows, fitted, job.seed)
        found["baselines"][name] = {
            "metrics": dict(task.score(predictions, one.rows, fitted).metrics),
            "gain": asdict(gain),
        }
    found["overlap"] = _overlap(job, fitted, pairs, one)
    found["external"] = _external(job, fitted, one)
    found["predictions"] = _write_predictions(job, one, features, {pair.second for pair in pairs})
    if one.noised:
        found["robust"] = [_noised(job, fitted, one, number) for number in range(len(one.noised))]
    return found


def _baselines(job: Job, train: Sequence[Row], rows: Sequence[Row], fitted: Any) -> Mapping[str, Sequence[Prediction]]:
    return job.inputs.recipe.task.baselines(train, job.select[0], rows, fitted, job.opened)


def _noised(job: Job, fitted: Any, one: Section, number: int) -> dict[str, Any]:
    """Give what noise does to the scores of a set; write what was predicted under it, a file a noisy set."""
    task, noised = job.inputs.recipe.task, one.noised[number]
    found = robust.scored(noised, one.rows, one.predictions, task, fitted, job.seed)
    for place, draw in enumerate(noised.draws):
        name = f"{one.asked.name}.robust-{number + 1}{f'-{place + 1}' if place else ''}"
        asked = Evaluation(split=name)
        features = task.encode(draw.rows, job.opened, fitted, "predict")
        section = Section(asked, one.language, draw.rows, draw.predictions, draw.scores)
        found["predictions"].append(_write_predictions(job, section, features, None))
    return found


def _overlap(job: Job, fitted: Any, pairs: Sequence[Pair], one: Section) -> dict[str, Any]:
    """Count the rows that the training split has too, exactly or nearly, and score the others by themselves."""
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


def _write_predictions(job: Job, one: Section, features: Sequence[Feature], seen: set[str] | None) -> str:
    """Write a JSON line a row: id, gold, prediction, whether it is right, what slices go by (`seen`: in training too),
    probabilities. Give the file's name in the run directory.
    """
    columns = job.inputs.recipe.task.gold_columns()
    tokens: Counter[str] = Counter()
    for feature in features:  # the windows of a row are added up
        tokens[feature.row_id] += len(feature.input_ids) + feature.cut
    by_id = {prediction.row_id: prediction for prediction in one.predictions}
    lines = []
    for row, right in zip(one.rows, one.scores.per_example["correct"], strict=True):
        said = by_id[row.id]
        gold = {key: row.values[key] for key in columns if key in row.values}
        record = {
            "id": row.id, "gold": gold, "predicted": said.value, "correct": right, "language": row.language,
            "tokens": tokens[row.id], "detail": dict(said.detail),
        } | ({} if seen is None else {"seen": row.id in seen})  # fmt: skip
        lines.append(json.dumps(record, ensure_ascii=False, allow_nan=False))
    path = job.directory / "predictions" / f"{one.name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    artifacts.write_text(path, "\n".join(lines) + "\n")
    return path.relative_to(job.directory).as_posix()
