"""Earlier tasks scored again: the head of an earlier run on the body that a later run ended with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nlptl import artifacts, backbone, evaluate, mixtures, saved
from nlptl.errors import BadInput
from nlptl.job import Watch
from nlptl.plan.reading import CheckedPlan
from nlptl.plans import Memory
from nlptl.prepare import Inputs
from nlptl.runs import Result
from nlptl.tasks import Prediction, Row

FOLDER = "again"

Results = Mapping[tuple[str, int], Result]


def score(
    checked: CheckedPlan, results: Results, gathered: Mapping[str, Inputs], directory: Path, watch: Watch
) -> list[dict[str, Any]]:
    """Score every Memory of the plan for every seed; give a record a memory, seed and set, predictions in their files.

    What was scored before is found: its file names the two runs.
    """
    found = []
    recipes = {step.name: step.recipe for step in checked.plan.steps()}
    for memory in checked.plan.memories():
        for seed in checked.plan.seeds:
            earlier, later = results[memory.earlier, seed].directory, results[memory.later, seed].directory
            names = [mixtures.name_of(one).replace("/", ".") for one in (earlier, later)]
            file = directory / FOLDER / f"{'-on-'.join(names)}.json"
            if not file.is_file():
                watch.say(f"{memory.earlier} again after {memory.later}, seed {seed}")
                sets = _sets(gathered[recipes[memory.earlier]], earlier, later)
                file.parent.mkdir(exist_ok=True)
                artifacts.write_json(file, sets)
            found.append(_record(memory, seed, artifacts.read_json(file), results))
    return found


def _record(memory: Memory, seed: int, sets: Mapping[str, Any], results: Results) -> dict[str, Any]:
    return {
        "earlier": memory.earlier, "later": memory.later, "seed": seed,
        "runs": [mixtures.name_of(results[name, seed].directory) for name in (memory.earlier, memory.later)], **sets,
    }  # fmt: skip


def _sets(inputs: Inputs, earlier: Path, later: Path) -> dict[str, Any]:
    """Score the earlier task on all its sets; where its head cannot stand on the later body, say why."""
    try:
        loaded, kept = reattached(earlier, later)
    except BadInput as fault:
        return {"problem": "; ".join(str(one) for one in fault.problems), "kept": [], "sets": {}}
    found: dict[str, Any] = {}
    for one in inputs.recipe.evaluate:
        for language, rows in evaluate.by_language(inputs.rows[one.name], one.languages):
            said = loaded.predict_rows(rows)
            scores = loaded.task.score(said, rows, loaded.fitted)
            name = " ".join(part for part in (one.name, language) if part)
            lines = [_line(row, prediction) for row, prediction in zip(rows, said, strict=True)]
            found[name] = {"metrics": dict(scores.metrics), "rows": len(rows), "predictions": lines}
    return {"problem": "", "kept": kept, "sets": found}


def _line(row: Row, said: Prediction) -> dict[str, Any]:
    return {"id": row.id, "predicted": said.value, "detail": json.loads(json.dumps(dict(said.detail)))}


def reattached(earlier: Path, later: Path) -> tuple[saved.Loaded, list[str]]:
    """Open the earlier run's model and give its body the later run's weights; its head stays as it was.

    Gives the parameters of the body that stayed too, since the later model has none of theirs (a pooler, say). Raises
    BadInput where the two bodies are not of one shape.
    """
    import torch

    one, other = saved.load(earlier), saved.load(later)
    ours = backbone.transformer_of(one.model.module).base_model
    theirs = backbone.transformer_of(other.model.module).base_model.state_dict()
    head = {id(one.model.module.get_parameter(name)) for name in one.model.head}
    kept = []
    with torch.no_grad():
        for name, tensor in [*ours.named_parameters(), *ours.named_buffers()]:
            if id(tensor) in head:
                continue
            if name not in theirs:
                kept.append(name)
            elif theirs[name].shape != tensor.shape:
                what = f"{name} is of another size in {later.name}"
                raise BadInput(str(earlier), what)
            else:
                tensor.copy_(theirs[name])
    blocks = [name for name in kept if "pooler" not in name and name in dict(ours.named_parameters())]
    if blocks:
        raise BadInput(str(earlier), f"{later.name} has no {', '.join(blocks[:3])}: it is another architecture")
    return one, sorted(name for name in kept if name in dict(ours.named_parameters()))
