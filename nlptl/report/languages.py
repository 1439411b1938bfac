"""Scores by language: the gap to the languages that were trained on, means, families, what the tokenizer does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from nlptl import languages, statistics
from nlptl.cards import DataCard
from nlptl.tasks import Prediction, Row, Scores, Task

if TYPE_CHECKING:
    from nlptl.job import Job

LEAST = 4
"""Languages that a rank correlation needs."""
SAME = 0.9
"""Part of the items that must be there in both languages for them to be held against each other item by item."""
SIGNS = ("fertility", "unknown", "cut")


@dataclass(frozen=True)
class Part:
    """One language's rows of a split, scored."""

    language: str
    rows: Sequence[Row]
    predictions: Sequence[Prediction]
    scores: Scores
    cut: int
    """Rows that were longer than the window."""

    def items(self, of: str) -> dict[str, float]:
        """Give item -> its score; `of`: the name of what each row contributes."""
        return dict(zip((item_of(row) for row in self.rows), self.scores.per_example[of], strict=True))


def item_of(row: Row) -> str:
    """Give a row's id without its language: in parallel data that of the item."""
    return "/".join(part for part in row.id.split("/") if part != row.language)


def compared(split: str, parts: Sequence[Part], job: Job, fitted: Any, card: DataCard) -> dict[str, Any]:
    """Hold the languages of a split against each other: what `report.json` says of it.

    The gap of a language is the score of the languages trained on (their mean, where several were scored) less its own,
    with a 95 % interval: row by row over the same items where the card says that its languages are parallel.
    """
    recipe = job.inputs.recipe
    there = {part.language for part in parts}
    trained = [one for one in recipe.data.languages or job.inputs.card.languages if one in there]
    of, mean_of_rows = _contribution(parts, job.inputs.recipe.task)
    source = [part for part in parts if part.language in trained]
    found = []
    for part in parts:
        one = _language(part, job, of, trained)
        if source and part.language not in trained:
            one["gap"] = _gap(source, part, of, parallel=card.parallel, seed=job.seed)
        if source and card.parallel and part is not source[0]:
            one["consistency"] = _consistency(source[0], part, job.inputs.recipe.task, fitted)
        found.append(one)
    metric = next(iter(parts[0].scores.metrics)) if mean_of_rows else "correct"
    return {
        "split": split, "metric": metric, "trained": trained, "parallel": card.parallel,
        "oracle": recipe.train.oracle, "languages": found, "means": _means(parts, trained, of, card.parallel, job.seed),
        "correlations": _correlations([one for one in found if "gap" in one]),
    }  # fmt: skip


def _contribution(parts: Sequence[Part], task: Task) -> tuple[str, bool]:
    """Name what a row contributes to the main metric, where that is a mean of rows; else whether the row is right."""
    metric = next(iter(parts[0].scores.metrics))
    if metric in parts[0].scores.per_example:
        return metric, True
    exact = all(
        math.isclose(part.scores.metrics[metric], _mean(part.scores.per_example["correct"]), abs_tol=1e-9)
        for part in parts
    )
    return "correct", exact


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _language(part: Part, job: Job, of: str, trained: Sequence[str]) -> dict[str, Any]:
    values = part.scores.per_example[of]
    score = statistics.bootstrap_mean(values, seed=job.seed)
    if all(value in (0.0, 1.0) for value in values):
        score = statistics.wilson(round(sum(values)), len(values))
    return {
        "language": part.language, "name": languages.name_of(part.language),
        "family": languages.family_of(part.language), "trained": part.language in trained, "rows": len(part.rows),
        "score": score.value, "interval": [score.low, score.high], "cut": part.cut / len(part.rows),
        **_tokens(part, job.opened.tokenizer, job.inputs.recipe.task.given),
    }  # fmt: skip


def _tokens(part: Part, tokenizer: Any, given: Sequence[str]) -> dict[str, Any]:
    """Count tokens by word (by character, where words are not set apart) and those that stand for the unknown."""
    texts = [str(row.values[name]) for row in part.rows for name in given if row.values.get(name)]
    ids = tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
    spaced = part.language not in languages.UNSPACED
    units = sum(len(text.split()) if spaced else len("".join(text.split())) for text in texts)
    tokens = sum(len(one) for one in ids)
    unknown = tokenizer.unk_token_id
    lost = 0 if unknown is None else sum(one.count(unknown) for one in ids)
    return {
        "fertility": tokens / units if units else 0.0, "per": "word" if spaced else "character",
        "unknown": lost / tokens if tokens else 0.0,
    }  # fmt: skip


def _gap(source: Sequence[Part], part: Part, of: str, *, parallel: bool, seed: int) -> dict[str, Any]:
    """Give how much lower a language scores than those trained on."""
    theirs = part.items(of)
    ours = [one.items(of) for one in source]
    shared = [item for item in theirs if all(item in one for one in ours)]
    if parallel and len(shared) >= SAME * max(len(theirs), *(len(one) for one in ours)):
        first = [_mean([one[item] for one in ours]) for item in shared]
        found = statistics.paired_bootstrap(first, [theirs[item] for item in shared], seed=seed)
        return {**asdict(found), "paired": True}
    value = _mean([_mean(list(one.values())) for one in ours]) - _mean(list(theirs.values()))
    square = math.fsum(_square(list(one.values())) for one in ours) / len(ours) ** 2
    error = math.sqrt(square + _square(list(theirs.values())))
    return {"value": value, "low": value - 1.96 * error, "high": value + 1.96 * error, "paired": False,
            "n": len(theirs), "method": "normal, independent rows"}  # fmt: skip


def _square(values: Sequence[float]) -> float:
    """Give the squared standard error of a mean."""
    mean = _mean(values)
    return math.fsum((one - mean) ** 2 for one in values) / (len(values) - 1) / len(values) if len(values) > 1 else 0.0


def _consistency(source: Part, part: Part, task: Task, fitted: Any) -> dict[str, Any] | None:
    """Count the items that are answered alike in two languages, of those whose gold is the same; None where the gold
    itself is in the language (answers that are pieces of a text).
    """
    rows = {item_of(row): row for row in source.rows}
    ours = {item_of(row): one.value for row, one in zip(source.rows, source.predictions, strict=True)}
    right = source.items("correct")
    pairs = [
        (ours[item_of(row)] == one.value, right[item_of(row)] == 1.0)
        for row, one in zip(part.rows, part.predictions, strict=True)
        if item_of(row) in rows and task.gold(row, fitted).value == task.gold(rows[item_of(row)], fitted).value
    ]
    if len(pairs) < SAME * len(part.rows):
        return None
    given = [same for same, sure in pairs if sure]
    found: dict[str, Any] = {"items": len(pairs)} | _share("same", [same for same, _ in pairs])
    return found | ({"given_right_items": len(given)} | _share("given_right", given) if given else {})


def _share(name: str, seen: Sequence[bool]) -> dict[str, Any]:
    share = statistics.wilson(sum(seen), len(seen))
    return {name: share.value, f"{name}_interval": [share.low, share.high]}


def _means(parts: Sequence[Part], trained: Sequence[str], of: str, parallel: bool, seed: int) -> list[dict[str, Any]]:
    """Give means over languages: of all, of those not trained on, and of each family that has several."""
    groups = {"all": list(parts), "not trained on": [part for part in parts if part.language not in trained]}
    if not trained or not groups["not trained on"]:
        groups.pop("not trained on")
    families: dict[str, list[Part]] = {}
    for part in parts:
        families.setdefault(languages.family_of(part.language), []).append(part)
    groups |= {name: members for name, members in families.items() if name and len(families) > 1}
    return [
        {"of": name, "languages": [part.language for part in members], **_mean_over(members, of, parallel, seed)}
        for name, members in groups.items()
    ]


def _mean_over(parts: Sequence[Part], of: str, parallel: bool, seed: int) -> dict[str, Any]:
    """Give the mean of the languages' scores; what it would be with other rows, not with other languages."""
    items = [part.items(of) for part in parts]
    shared = [item for item in items[0] if all(item in one for one in items)]
    value = _mean([_mean(list(one.values())) for one in items])
    if parallel and all(len(shared) == len(one) for one in items):
        between_them = statistics.bootstrap_mean([_mean([one[item] for one in items]) for item in shared], seed=seed)
        return {"score": value, "interval": [between_them.low, between_them.high]}
    error = math.sqrt(sum(_square(list(one.values())) for one in items)) / len(items)
    return {"score": value, "interval": [max(0.0, value - 1.96 * error), min(1.0, value + 1.96 * error)]}


def _correlations(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give Spearman's rank correlation of the gap with what the tokenizer does, over the languages not trained on.

    Fertility by word and by character are different things, so only languages of the commoner sort are counted.
    """
    said: dict[str, Any] = {}
    for sign in SIGNS:
        chosen = list(found)
        if sign == "fertility":
            sorts = [one["per"] for one in found]
            chosen = [one for one in found if one["per"] == max(set(sorts), key=sorts.count)]
        signs, gaps = [one[sign] for one in chosen], [one["gap"]["value"] for one in chosen]
        if len(chosen) >= LEAST and len(set(signs)) > 1 and len(set(gaps)) > 1:
            rho = _spearman(signs, gaps)
            said[sign] = {"rho": rho, "languages": len(chosen), "interval": _around(rho, len(chosen))}
    return said


def _spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Give the correlation of ranks, equal values sharing theirs."""
    one, other = _ranks(first), _ranks(second)
    means = _mean(one), _mean(other)
    apart = [(a - means[0], b - means[1]) for a, b in zip(one, other, strict=True)]
    scale = math.sqrt(math.fsum(a * a for a, _ in apart) * math.fsum(b * b for _, b in apart))
    return math.fsum(a * b for a, b in apart) / scale


def _around(rho: float, n: int) -> list[float] | None:
    """Give the 95 % interval of a rank correlation over other languages of the kind, by Fisher's z with the variance of
    Fieller, Hartley and Pearson (1957); none at the ends, where it has no width.
    """
    if abs(rho) > 1 - 1e-12:
        return None
    half = 1.96 * math.sqrt(1.06 / (n - 3))
    return [math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)]


def _ranks(values: Sequence[float]) -> list[float]:
    return [sum(one < value for one in values) + (sum(one == value for one in values) - 1) / 2 for value in values]
