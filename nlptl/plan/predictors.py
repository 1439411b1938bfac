"""Cheap guesses at the best source of a target, made without training on the target: to be held against the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nlptl import backbone, baselines, prepare
from nlptl.data import overlap
from nlptl.errors import BadInput
from nlptl.job import Watch
from nlptl.logme import logme
from nlptl.plan.again import Results, reattached
from nlptl.plan.reading import CheckedPlan
from nlptl.prepare import Inputs
from nlptl.tasks import Row

BATCH = 32
NAMES = {
    "logme": "LogME: evidence of the source model's features for the target's training labels",
    "similarity": "cosine of the mean TF-IDF vectors of source and target training texts",
    "rows": "training rows of the source",
}
"""Predictor -> what it is."""

Guesses = Mapping[str, Mapping[tuple[str, str], float | None]]


def guesses(checked: CheckedPlan, results: Results, gathered: Mapping[str, Inputs], watch: Watch) -> Guesses:
    """Give every predictor's value for every pair of the plan (source, target); None where it has none."""
    plan = checked.plan
    seeds = plan.seeds
    texts = {
        name: [text for seed in seeds for text in _texts(prepare.training_rows(gathered[name], seed))]
        for name in dict.fromkeys(name for cell in plan.cells() for name in (cell.source, cell.target))
    }
    alike = similarities(texts)
    found: dict[str, dict[tuple[str, str], float | None]] = {name: {} for name in NAMES}
    for cell in plan.cells():
        pair = cell.source, cell.target
        watch.say(f"predicting {cell.target} after {cell.source}")
        found["logme"][pair] = _logme(results, gathered[cell.target], seeds, *pair)
        found["similarity"][pair] = alike[pair]
        found["rows"][pair] = len(prepare.training_rows(gathered[cell.source], seeds[0]))
    return found


def _texts(rows: Sequence[Row]) -> list[str]:
    return [" ".join(str(row.values[name]) for name in overlap.READ if name in row.values) for row in rows]


def similarities(texts: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], float]:
    """Give the cosine of the mean TF-IDF vectors of all pairs of sets of texts; the rarity of words is that in all."""
    import numpy

    terms = baselines.vectorizer([text for each in texts.values() for text in each])
    terms.fit([text for each in texts.values() for text in each])
    means = {name: numpy.asarray(terms.transform(each).mean(axis=0)).ravel() for name, each in texts.items()}
    return {
        (one, other): float(ours @ theirs / (numpy.linalg.norm(ours) * numpy.linalg.norm(theirs) or 1.0))
        for one, ours in means.items() for other, theirs in means.items()
    }  # fmt: skip


def _logme(results: Results, target: Inputs, seeds: Sequence[int], source: str, name: str) -> float | None:
    """Give the mean over seeds; None for a target without labels, or where the bodies do not fit."""
    found = []
    for seed in seeds:
        rows = prepare.training_rows(target, seed)
        gold = _gold(rows)
        if gold is None:
            return None
        try:
            features = features_of(results[name, seed].directory, results[source, seed].directory, rows)
        except BadInput:
            return None
        found.append(logme(features, gold))
    return sum(found) / len(found)


def _gold(rows: Sequence[Row]) -> list[list[float]] | None:
    """Give the labels as columns of 0 and 1."""
    if not rows or not {"label", "labels"} & set(rows[0].values):
        return None
    each = [set(row.values["labels"] if "labels" in row.values else [row.values["label"]]) for row in rows]
    return [[float(name in labels) for name in sorted(set().union(*each))] for labels in each]


def features_of(target: Path, source: Path, rows: Sequence[Row]) -> Any:
    """Give [rows, H]: what the body of the source's run makes of the target's rows, the mean over the tokens of its
    last layer (over the windows, too, where a row has several).
    """
    import numpy
    import torch

    from nlptl.modules import first_token

    loaded, _ = reattached(target, source)
    model = backbone.transformer_of(loaded.model.module)
    first_token.restore(model)
    body = model.base_model.get_encoder() if model.config.is_encoder_decoder else model.base_model
    body.eval()
    features = sorted(loaded.task.encode(rows, loaded.opened, loaded.fitted, "predict"), key=lambda one: one.size)
    found: dict[str, list[Any]] = {row.id: [] for row in rows}
    for start in range(0, len(features), BATCH):
        chosen = features[start : start + BATCH]
        batch = loaded.task.collate(chosen, loaded.opened, loaded.fitted)
        names = ("input_ids", "attention_mask", "token_type_ids")
        inputs = {key: batch.inputs[key].to(loaded.computing.device) for key in names if key in batch.inputs}
        with torch.inference_mode():
            hidden_BTH = body(**inputs).last_hidden_state.float()
        mask_BT1 = inputs["attention_mask"][:, :, None].to(hidden_BTH.dtype)
        means_BH = (hidden_BTH * mask_BT1).sum(1) / mask_BT1.sum(1)
        for one, mean in zip(chosen, means_BH.cpu().numpy(), strict=True):
            found[one.row_id].append(mean)
    return numpy.stack([numpy.mean(found[row.id], axis=0) for row in rows])
