"""Scores of predicted forms: equal to the gold form, parsing, and where there is a database, giving what gold gives."""

from __future__ import annotations

import functools
import hashlib
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from nlptl import execution, forms
from nlptl.tasks import Prediction, Row, Scores

WITH_DATABASE = ("execution", "exact_match", "execution_robust", "parses")
FORM_ALONE = ("exact_match", "parses")
FORM_SEEN, TEMPLATE_SEEN, UNSEEN = "the form itself", "the form with other values", "no such form"
SHOWN = 20
"""Rows of a query's result that a prediction holds."""
LENGTHS = (10, 20, 40, 80)
"""Upper ends, in pieces, of the lengths that scores are told apart by; the last has none."""


def hashes(form: str, language: str) -> tuple[str, str]:
    """Give short hashes of a form's template and of its normal form; of its text where it does not parse."""
    try:
        texts = "template " + forms.template(form, language), "form " + forms.normal(form, language)
    except forms.FormError:
        texts = "template " + form, "form " + form
    template, whole = (hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12] for text in texts)
    return template, whole


def novelty(form: str, language: str, seen: Collection[str]) -> str:
    """Name what training has of a form; `seen` holds the hashes of its forms."""
    template, whole = hashes(form, language)
    return FORM_SEEN if whole in seen else TEMPLATE_SEEN if template in seen else UNSEEN


def structure(form: str, language: str) -> list[str]:
    """Give the pieces of a form without those that are values alone."""
    try:
        values = Counter(forms.pieces(form, language)) - Counter(forms.pieces(forms.template(form, language), language))
    except forms.FormError:
        return forms.pieces(form, language)
    return [piece for piece in forms.pieces(form, language) if piece not in values]


def prediction(row_id: str, found: Sequence[Sequence[Any]], database: str | None = None) -> Prediction:
    """Make a prediction of [form, log-probability, whether it was cut], the best first; run it where there is a
    database.
    """
    listed = [{"form": form, "probability": math.exp(min(0.0, score))} for form, score, _ in found]
    detail = {"probability": listed[0]["probability"], "cut": bool(found[0][2]), "n_best": listed}
    if database is not None:
        detail["result"] = result(found[0][0], Path(database))
    return Prediction(row_id, found[0][0], detail)


def runs(form: str, database: str | None) -> bool:
    """Say whether a query runs on its database; one that has none is not tried."""
    return database is None or execution.run(Path(database), form).status == "rows"


def result(form: str, database: Path) -> dict[str, Any]:
    """Give what a query gives as JSON can hold it: its fate, columns, the first rows, and how many there are."""
    outcome = execution.run(database, form)
    rows = [[_plain(value) for value in row] for row in outcome.rows[:SHOWN]]
    found: dict[str, Any] = {"fate": execution.fate(outcome)}
    if outcome.status == "rows":
        found |= {"columns": list(outcome.columns), "rows": rows, "count": len(outcome.rows)}
    elif outcome.message:
        found["message"] = outcome.message
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


@functools.lru_cache(maxsize=1 << 16)
def _comparable(form: str, language: str) -> str | None:
    """Give what two forms are compared by: the normal form of the shortened query; None where it does not parse."""
    try:
        return forms.normal(forms.shortened(form, language), language)
    except forms.FormError:
        return None


def is_equal(said: str, gold: str, language: str) -> bool:
    """Say whether two forms are one after normalisation; a gold form that does not parse is compared as text."""
    wanted = _comparable(gold, language)
    return said.strip() == gold.strip() if wanted is None else _comparable(said, language) == wanted


def score(
    predictions: Sequence[Prediction], rows: Sequence[Row], language: str, seen: Collection[str],
    database: str | None = None,
) -> Scores:  # fmt: skip
    """Score predictions against rows, matched by id; `database` is that of rows which name none.

    `execution` holds the rows that a query gives against those of the gold query. A row whose gold query gives
    nothing, or does not run, cannot be judged so: there a wrong query would be right by luck, and it counts as right
    where the forms are equal. `execution_robust` must also hold on five databases with other contents.
    """
    by_id = {one.row_id: one for one in predictions}
    assert len(by_id) == len(predictions) == len(rows), "one prediction for each row"
    said = [str(by_id[row.id].value) for row in rows]
    gold = [str(row.values["form"]) for row in rows]
    equal = [is_equal(one, other, language) for one, other in zip(said, gold, strict=True)]
    each = {name: [float(one) for one in equal] for name in FORM_ALONE}
    each["parses"] = [float(_comparable(one, language) is not None) for one in said]
    classes = _by_form(said, equal, each["parses"], [bool(by_id[row.id].detail.get("cut")) for row in rows])
    tables: dict[str, Any] = {}
    asked = [row.values.get("database") or database for row in rows]
    if language == "sql" and rows and all(asked):
        found = execution.score(said, gold, [Path(str(one)) for one in asked])
        judged = [one.gold_fate == "rows" and not one.gold_empty for one in found]
        triples = list(zip(found, judged, equal, strict=True))
        each["execution"] = [float(one.match if known else same) for one, known, same in triples]
        each["execution_robust"] = [float(bool(one.robust) if known else same) for one, known, same in triples]
        classes = [_by_outcome(one, known, name) for one, known, name in zip(found, judged, classes, strict=True)]
        tables["execution"] = _agreement(judged, equal, each["execution"], each["execution_robust"])
        each = {name: each[name] for name in WITH_DATABASE}
    tables["outcomes"] = dict(Counter(classes).most_common())
    tables["by_pieces"] = _by([_length(form, language) for form in gold], each)
    tables["by_query"] = _by([novelty(form, language, seen) for form in gold], each)
    means = {name: sum(values) / len(values) for name, values in each.items()}
    right = next(iter(each.values()))
    return Scores(means, [row.id for row in rows], {"correct": right, **each}, tables)


def _by_form(said: Sequence[str], equal: Sequence[bool], parses: Sequence[float], cut: Sequence[bool]) -> list[str]:
    """Name what became of each row by its form alone."""
    found = []
    for form, same, whole, short in zip(said, equal, parses, cut, strict=True):
        found.append("equal" if same else "empty" if not form.strip() else "cut" if short and not whole else
                     "another form" if whole else "does not parse")  # fmt: skip
    return found


def _by_outcome(one: execution.Executed, judged: bool, name: str) -> str:
    """Name what became of a row that was executed; `name` is what its form alone says."""
    if name in ("equal", "empty", "cut"):
        return name
    if one.fate != "rows":
        return one.fate
    return "gold cannot be judged" if not judged else "another form, same rows" if one.match else "wrong rows"


def _agreement(
    judged: Sequence[bool], equal: Sequence[bool], right: Sequence[float], robust: Sequence[float]
) -> dict[str, int]:
    """Count where the form and what it gives say the same, and where they do not, over the rows that can be judged."""
    counts: Counter[str] = Counter()
    for known, same, match, sure in zip(judged, equal, right, robust, strict=True):
        if not known:
            counts["gold gives nothing or does not run"] += 1
            continue
        counts["judged"] += 1
        counts["equal, same rows"] += same and match == 1
        counts["equal, other rows"] += same and match == 0
        counts["not equal, same rows"] += not same and match == 1
        counts["not equal, same rows on this database alone"] += not same and match == 1 and sure == 0
    return dict(counts)


def _length(form: str, language: str) -> str:
    size, low = forms.length(form, language), 1
    for high in LENGTHS:
        if size <= high:
            return f"{low} to {high} pieces"
        low = high + 1
    return f"{low} pieces and more"


def _by(parts: Sequence[str], each: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Give rows and means of each part; nothing where there is one part alone."""
    counts = Counter(parts)
    if len(counts) < 2:
        return {}
    order = sorted(counts, key=lambda name: (int(name.split()[0]) if name[0].isdigit() else 0, name))
    return {
        part: {"rows": counts[part]}
        | {name: sum(v for p, v in zip(parts, values, strict=True) if p == part) / counts[part]
           for name, values in each.items()}
        for part in order
    }  # fmt: skip
