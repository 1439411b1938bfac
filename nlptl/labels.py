"""Scores of labelled rows, one label each or several: metrics, their intervals, paired differences, baselines.

What `nlptl.metrics` and `nlptl.statistics` do with lists of names, put together for rows and predictions. Pure
functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nlptl import baselines, metrics, statistics
from nlptl.baselines import Baseline
from nlptl.statistics import Difference
from nlptl.tasks import Model, Prediction, Row, Scores

SINGLE = ("accuracy", "macro_f1", "micro_f1", "matthews", "calibration_error")
LEAST_SHARE = 1e-4
"""A label that no training row has, or all have, starts at this share or at 1 less it."""
SEVERAL = ("macro_f1", "micro_f1", "subset_accuracy", "calibration_error")


def of_row(row: Row) -> list[str]:
    """Give a row's gold labels, one or several."""
    return list(row.values["labels"]) if "labels" in row.values else [row.values["label"]]


def is_labelled(row: Row) -> bool:
    """Say whether a row has gold; texts of `data.target` have none."""
    return "labels" in row.values or "label" in row.values


def of_prediction(prediction: Prediction) -> list[str]:
    """Give a prediction's labels, one or several."""
    return [prediction.value] if isinstance(prediction.value, str) else list(prediction.value)


def probabilities(logits: Sequence[float], *, several: bool) -> list[float]:
    """Give each label's probability: softmax over the labels, or for several labels each one's own sigmoid."""
    if several:
        return [1 / (1 + math.exp(-one)) if one >= 0 else math.exp(one) / (1 + math.exp(one)) for one in logits]
    top = max(logits)
    powers = [math.exp(one - top) for one in logits]
    total = sum(powers)
    return [power / total for power in powers]


def decide(chances: Mapping[str, float], *, several: bool, threshold: float) -> str | list[str]:
    """Give the most probable label, or all that reach the threshold."""
    if several:
        return [name for name, chance in chances.items() if chance >= threshold]
    return max(chances, key=chances.__getitem__)


def score(predictions: Sequence[Prediction], rows: Sequence[Row], names: Sequence[str], *, several: bool) -> Scores:
    """Score by name; `per_example["correct"]` is 1.0 or 0.0 (for several labels: whether the whole set is right)."""
    given, gold, said, chances = _aligned(predictions, rows)
    correct = [float(set(true) == set(one)) for true, one in zip(gold, said, strict=True)]
    if several:
        values = {
            "macro_f1": metrics.multilabel_macro_f1(gold, said, names),
            "micro_f1": metrics.multilabel_micro_f1(gold, said, names),
            "subset_accuracy": metrics.subset_accuracy(gold, said),
            "calibration_error": metrics.multilabel_calibration_error(chances, gold, names),
        }
        by_label = metrics.multilabel_per_label(gold, said, names)
        return Scores(
            values,
            [row.id for row in rows],
            {"correct": correct},
            {"labels": list(names), "by_label": _plain(by_label)},
        )
    true, named = [labels[0] for labels in gold], [str(one.value) for one in given]
    confidence = [one[name] for one, name in zip(chances, named, strict=True)]
    values = {
        "accuracy": metrics.accuracy(true, named),
        "macro_f1": metrics.macro_f1(true, named, names),
        "micro_f1": metrics.micro_f1(true, named, names),
        "matthews": metrics.matthews(true, named),
        "calibration_error": metrics.calibration_error(confidence, [bool(one) for one in correct]),
    }
    tables = {
        "labels": list(names),
        "confusion": metrics.confusion(true, named, names),
        "by_label": _plain(metrics.per_label(true, named, names)),
    }
    return Scores(values, [row.id for row in rows], {"correct": correct, "confidence": confidence}, tables)


def intervals(
    predictions: Sequence[Prediction], rows: Sequence[Row], names: Sequence[str], *, several: bool, seed: int
) -> dict[str, tuple[float, float]]:
    """Give metric -> 95 % interval from the rows."""
    given, gold, said, chances = _aligned(predictions, rows)
    found: dict[str, tuple[float, float]] = {}
    for name in SEVERAL if several else SINGLE:
        if name == "calibration_error" and several:
            one = statistics.multilabel_calibration_interval(chances, gold, names, seed=seed)
        elif name == "calibration_error":
            sure = [chance[str(prediction.value)] for chance, prediction in zip(chances, given, strict=True)]
            right = [true == labels for true, labels in zip(gold, said, strict=True)]
            one = statistics.calibration_interval(sure, right, seed=seed)
        else:
            one = statistics.interval(
                _formula(name, several), _side(gold, several), _side(said, several), names, seed=seed
            )
        found[name] = (one.low, one.high)
    return found


def difference(
    first: Sequence[Prediction],
    second: Sequence[Prediction],
    rows: Sequence[Row],
    names: Sequence[str],
    *,
    several: bool,
    seed: int,
) -> Difference:
    """Give how much better `first` is than `second` by the main metric, on the same rows, with its paired interval."""
    _, gold, one, _ = _aligned(first, rows)
    _, _, other, _ = _aligned(second, rows)
    main = _formula((SEVERAL if several else SINGLE)[0], several)
    true, ours, theirs = (_side(side, several) for side in (gold, one, other))
    return statistics.paired_interval(main, true, ours, theirs, names, seed=seed)


def without_checkpoint(
    train: Sequence[Row], dev: Sequence[Row], test: Sequence[Row], names: Sequence[str], *, several: bool
) -> dict[str, list[Prediction]]:
    """Give what the majority label and TF-IDF with a linear classifier (tuned on `dev`) predict on `test`."""
    texts, dev_texts, test_texts = ([_text(row) for row in rows] for rows in (train, dev, test))
    found: dict[str, Baseline[Any]]
    if several:
        gold, dev_gold = [of_row(row) for row in train], [of_row(row) for row in dev]
        found = {
            "majority": baselines.multilabel_majority(gold, len(test)),
            "tfidf_linear": baselines.multilabel_tfidf_linear(
                texts, gold, test_texts, dev_texts=dev_texts, dev_labels=dev_gold
            ),
        }
    else:
        single, dev_single = [of_row(row)[0] for row in train], [of_row(row)[0] for row in dev]
        found = {
            "majority": baselines.majority(single, len(test)),
            "tfidf_linear": baselines.tfidf_linear(
                texts, single, test_texts, dev_texts=dev_texts, dev_labels=dev_single
            ),
        }
    none = dict.fromkeys(names, 0.0)
    return {
        name: [
            Prediction(row.id, said if isinstance(said, str) else sorted(said), {"probabilities": none | dict(chances)})
            for row, said, chances in zip(test, one.predicted, one.probabilities, strict=True)
        ]
        for name, one in found.items()
    }


def _text(row: Row) -> Any:
    pair = row.values.get("text_pair")
    return row.values["text"] if pair is None else (row.values["text"], pair)


def _aligned(
    predictions: Sequence[Prediction], rows: Sequence[Row]
) -> tuple[list[Prediction], list[list[str]], list[list[str]], list[Mapping[str, float]]]:
    """Match predictions and rows by id: predictions, gold, labels given, probabilities, all in the order of the
    rows.
    """
    by_id = {prediction.row_id: prediction for prediction in predictions}
    assert len(by_id) == len(predictions) == len(rows), "each row has one prediction"
    given = [by_id[row.id] for row in rows]
    return (
        given,
        [of_row(row) for row in rows],
        [of_prediction(one) for one in given],
        [one.detail["probabilities"] for one in given],
    )


def _formula(name: str, several: bool) -> str:
    return f"multilabel_{name}" if several and name != "subset_accuracy" else name


def _side(labels: list[list[str]], several: bool) -> Any:
    return labels if several else [one[0] for one in labels]


def _plain(table: Mapping[str, metrics.LabelScores]) -> dict[str, dict[str, float]]:
    from dataclasses import asdict

    return {name: asdict(scores) for name, scores in table.items()}


def start_at(model: Model, shares: Sequence[float]) -> None:
    """Set the biases of a new head to the log-odds of the labels, so that the first step need not learn how rare they
    are.

    Lin et al. 2017 (arXiv:1708.02002, section 3.3). With zeros the head of BERT's kin learns rarity by driving its
    tanh into saturation, where hardly a gradient passes: on GoEmotions two epochs went by on that plateau. A head
    without biases (GPT's kin) stays as it is.
    """
    import torch

    names = [name for name in model.head if name.endswith(".bias")]
    wide = [name for name in names if model.module.get_parameter(name).shape == (len(shares),)]
    if not wide:
        return
    order_of = {name: number for number, (name, _) in enumerate(model.module.named_parameters())}
    odds = [math.log(min(max(share, LEAST_SHARE), 1 - LEAST_SHARE)) for share in shares]
    odds = [one - math.log1p(-math.exp(one)) for one in odds]
    with torch.no_grad():
        model.module.get_parameter(max(wide, key=order_of.__getitem__)).copy_(torch.tensor(odds))


def reorder_head(model: Model, order: list[int], names: tuple[str, ...]) -> None:
    """Put the head's last layer into the order of `names`: output j becomes what was output `order[j]`."""
    import torch

    outputs = [name for name in model.head if model.module.get_parameter(name).shape[0] == len(names)]
    order_of = {name: number for number, (name, _) in enumerate(model.module.named_parameters())}
    owner = max(outputs, key=order_of.__getitem__).rsplit(".", 1)[
        0
    ]  # a hidden layer may be as wide as there are labels
    with torch.no_grad():
        for name in outputs:
            if name.rsplit(".", 1)[0] == owner:
                parameter = model.module.get_parameter(name)
                parameter.copy_(parameter[order])
    config: Any = model.module.config
    config.id2label = dict(enumerate(names))
    config.label2id = {name: number for number, name in enumerate(names)}
