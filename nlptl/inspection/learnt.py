"""What a linear model on words says of the rows: labels that it doubts, and splits that it tells from each other."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nlptl import labels, seeds
from nlptl.baselines import vectorizer
from nlptl.data import overlap
from nlptl.inspection.classes import RARE
from nlptl.inspection.finding import Finding, at, counted
from nlptl.tasks import Row

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.float64]

FOLDS = 3
MOST = 20_000
"""Rows of the training split whose labels are doubted; of more, so many are drawn."""
ODDS = 10.0
"""How many times likelier another label must be than the row's own. More would miss rows that have one telling word."""
CLEAR = 3.0
"""How many times likelier it must be than any third."""
TELLING = 0.95
"""Share of rows that the model gets right from which `CLEAR` is enough: where words tell the label nearly always, a row
that they contradict is suspect.
"""
EARNED = 0.8
"""Share of the rows with one label so clear before all others that must have it, or nothing is doubted: else the
model is sure without reason. A fifth of wrong labels is more than careful data have.
"""
LEARNT = 30
"""Rows that a label must have before its rows are doubted: of a label that it hardly knows the model says nothing."""
SIDE = 2_000
"""Rows of each of two splits that are held against each other."""
AREA = 0.8
"""Area under the ROC curve from which two splits are told apart: 0.5 is chance."""
C = 10.0
"""Inverse of the penalty. Less would hold the odds near 1 on a few thousand rows."""


def doubted(rows: Sequence[Row], skip: Collection[str], split: str) -> tuple[list[Finding], list[str]]:
    """Find rows whose label a model trained on the other rows of the split finds far less likely than another.

    Rows in `skip` are left out: their texts have several labels. Equal texts lie in one fold. Gives remarks too.
    """
    counts = Counter(label for row in rows for label in labels.of_row(row))
    fit = [row for row in rows if row.id not in skip and counts[labels.of_row(row)[0]] >= RARE]
    remarks = []
    if len(fit) > MOST:
        drawn = sorted(seeds.stream(0, "doubted").sample(range(len(fit)), MOST))
        fit = [fit[number] for number in drawn]
        remarks.append(f"labels were doubted in {MOST:,} rows of {split} that were drawn")
    import numpy

    gold = [labels.of_row(row)[0] for row in fit]
    names = sorted(set(gold))
    if len(names) < 2:
        return [], remarks
    texts = [overlap.text_of(row).replace("\x1f", " ") for row in fit]
    shares = _out_of_fold(texts, gold, names)
    order = shares.argsort(1)
    every = range(len(fit))
    best = order[:, -1]
    own = numpy.array([names.index(label) for label in gold])
    certain = shares[every, best] >= CLEAR * shares[every, order[:, -2]]
    if not certain.any() or (best == own)[certain].mean() < EARNED:
        return [], [*remarks, "no labels are doubted: what a word count is certain of is often wrong here"]
    needed = CLEAR if (best == own).mean() >= TELLING else ODDS
    odds = shares[every, best] / shares[every, own].clip(1e-12)
    wrong = [
        number for number in every if certain[number] and odds[number] >= needed and counts[gold[number]] >= LEARNT
    ]
    found = [
        at(fit[number], f"{gold[number]}; the words say {names[best[number]]}, {min(odds[number], 9999):.0f} to 1")
        for number in sorted(wrong, key=lambda number: -odds[number])
    ]
    if not found:
        return [], remarks
    what = f"{counted(len(found), 'row')} of {split} have a label that their words speak against"
    what += f", {needed:.0f} to 1 or more"
    fix = "look at them, the clearest first: some are labelled wrongly, the others are what words alone cannot tell"
    return [Finding("flipped_label", "note", what, fix, found, f"split {split}")], remarks


def _out_of_fold(texts: Sequence[str], gold: Sequence[str], names: Sequence[str]) -> Array:
    """Give each row's probabilities of the names, by a model that saw no row of its fold."""
    import numpy

    fold = numpy.array([zlib.crc32(overlap.normalise(text).encode()) % FOLDS for text in texts])
    matrix = vectorizer(texts, pairs=False).fit_transform(texts)
    shares = numpy.full((len(texts), len(names)), 1e-9)
    for number in range(FOLDS):
        seen, asked = fold != number, fold == number
        for column, name in enumerate(names):
            own = numpy.array([label == name for label in gold])
            if asked.any() and own[seen].any() and not own[seen].all():
                shares[asked, column] = _probability(matrix[seen], own[seen], matrix[asked])
    total: Array = shares / shares.sum(1, keepdims=True)
    return total


def _probability(seen: Any, own: Any, asked: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=C, solver="liblinear", tol=1e-2, max_iter=1000).fit(seen, own)
    return model.predict_proba(asked)[:, 1]


def _asked(row: Row) -> str:
    """Give the text; of a question without its passage, since splits have other passages by design."""
    return str(row.values.get("question", overlap.text_of(row).replace("\x1f", " ")))


def shifted(rows: Mapping[str, Sequence[Row]], train: str) -> Iterator[Finding]:
    """Yield the splits whose texts a model tells from those of the training split."""
    from sklearn.metrics import roc_auc_score

    for split, members in rows.items():
        size = min(len(members), len(rows[train]), SIDE)
        if split == train or size < 5 * RARE:
            continue
        there, here = (
            [found[number] for number in sorted(seeds.stream(0, "shift", split, side).sample(range(len(found)), size))]
            for side, found in (("there", rows[train]), ("here", members))
        )
        texts = [_asked(row) for row in (*there, *here)]
        chance = _out_of_fold(texts, ["there"] * size + ["here"] * size, ["here", "there"])[:, 0]
        area = float(roc_auc_score([0] * size + [1] * size, chance))
        if area < AREA:
            continue
        ranked = sorted(zip(chance[size:].tolist(), here, strict=True), key=lambda one: -one[0])
        found = [at(row, f"{share:.2f}") for share, row in ranked if share >= 0.5]
        what = f"the texts of {split} are other than those of {train}: a word count tells them apart (area {area:.2f}"
        what += f", {size:,} rows of each)" if size < max(len(members), len(rows[train])) else ")"
        fix = "scores on it are not those of more of the same; say where each comes from"
        yield Finding("text_shift", "warning", what, fix, found, f"split {split}")
