"""Questions and their answers: spans to predictions, predictions to scores. Nothing here needs torch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from nlptl import answers, metrics
from nlptl.spans import Span, best_threshold, probabilities
from nlptl.tasks import Prediction, Row, Scores

METRICS = ("f1", "exact_match", "f1_by_language", "exact_match_by_language", "calibration_error")
TEMPERATURES = tuple(2.0 ** (step / 4) for step in range(-12, 17))
"""What dev chooses from: 1/8 to 16, four to an octave."""


def prediction(
    row: Row, found: Sequence[Span], none: float, no_answer: bool, threshold: float, temperature: float
) -> Prediction:
    """Make a row's prediction of its best spans, best first, and the score of "no answer"."""
    context = row.values["context"]
    scores = [span.score for span in found]
    chances = probabilities([*scores, none] if no_answer else scores, temperature)
    listed = [
        {"text": context[span.start : span.end], "start": span.start, "end": span.end, "score": span.score,
         "probability": chance}
        for span, chance in zip(found, chances, strict=False)
    ]  # fmt: skip
    margin = scores[0] - none if scores else -math.inf
    said = bool(found) and (not no_answer or margin > threshold)
    detail: dict[str, Any] = {
        "start": found[0].start if said else None,
        "end": found[0].end if said else None,
        "probability": (chances[0] if said else chances[-1]) if chances else 1.0,
        "n_best": listed,
        "no_answer": {"score": none} | ({"probability": chances[-1]} if no_answer else {}),
    }
    return Prediction(row.id, context[found[0].start : found[0].end] if said else "", detail)


def threshold(predictions: Sequence[Prediction], rows: Sequence[Row]) -> float:
    """Choose by how much a span must beat "no answer": the best mean F1 on these rows."""
    by_id = {one.row_id: one for one in predictions}
    margins, spoken, silent = [], [], []
    for row in rows:
        listed = by_id[row.id].detail["n_best"]
        gold = texts_of(row)
        margins.append(listed[0]["score"] - by_id[row.id].detail["no_answer"]["score"] if listed else -1e9)
        spoken.append(answers.f1(listed[0]["text"], gold) if listed else 0.0)
        silent.append(answers.f1("", gold))
    return best_threshold(margins, spoken, silent)


def temperature(predictions: Sequence[Prediction], rows: Sequence[Row], no_answer: bool) -> float:
    """Choose what makes the probability of the first candidate likeliest to be that of being right (Guo et al. 2017).

    The candidates are the n best, and "no answer" where that is one; right is an exact match.
    """
    by_id = {one.row_id: one for one in predictions}
    cases = []
    for row in rows:
        detail = by_id[row.id].detail
        scored = [(one["score"], answers.exact_match(one["text"], texts_of(row))) for one in detail["n_best"]]
        if no_answer:
            scored.append((detail["no_answer"]["score"], float(not row.values["answers"])))
        if scored:
            top = max(range(len(scored)), key=lambda number: scored[number][0])
            cases.append((top, [score for score, _ in scored], scored[top][1]))

    def surprise(value: float) -> float:
        total = 0.0
        for top, scores, right in cases:
            chance = min(max(probabilities(scores, value)[top], 1e-6), 1 - 1e-6)
            total -= math.log(chance if right else 1 - chance)
        return total

    return min(TEMPERATURES, key=lambda value: (surprise(value), abs(math.log(value)))) if cases else 1.0


def texts_of(row: Row) -> list[str]:
    """Give the row's gold answers."""
    return [answer["text"] for answer in row.values["answers"]]


def score(predictions: Sequence[Prediction], rows: Sequence[Row]) -> Scores:
    """Score predictions against rows, matched by id."""
    by_id = {one.row_id: one for one in predictions}
    assert len(by_id) == len(predictions) == len(rows), "one prediction for each row"
    each: dict[str, list[float]] = {name: [] for name in METRICS[:4]}
    for row in rows:
        said, gold = by_id[row.id].value, texts_of(row)
        own = answers.normaliser(row.language)
        each["f1"].append(answers.f1(said, gold))
        each["exact_match"].append(answers.exact_match(said, gold))
        each["f1_by_language"].append(answers.f1(said, gold, own))
        each["exact_match_by_language"].append(answers.exact_match(said, gold, own))
    found = {name: sum(values) / len(values) for name, values in each.items()}
    sure = [by_id[row.id].detail.get("probability") for row in rows]
    if all(one is not None for one in sure):
        right = [value == 1.0 for value in each["exact_match"]]
        found["calibration_error"] = metrics.calibration_error([float(one) for one in sure if one is not None], right)
    return Scores(found, [row.id for row in rows], {"correct": each["exact_match"], **each}, _tables(rows, each))


def _tables(rows: Sequence[Row], each: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Give F1 and exact match of questions with and without an answer apart, where there are both."""
    kinds = Counter("answerable" if row.values["answers"] else "unanswerable" for row in rows)
    if len(kinds) < 2:
        return {}
    found = {}
    for kind, count in kinds.items():
        own = [number for number, row in enumerate(rows) if bool(row.values["answers"]) == (kind == "answerable")]
        means = {name: sum(each[name][number] for number in own) / count for name in ("f1", "exact_match")}
        found[kind] = {"rows": count, **means}
    return {"by_answerability": found}
