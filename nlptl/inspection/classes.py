"""Labels: which there are, how often, in which splits, and how they are written."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from nlptl import labels
from nlptl.errors import did_you_mean
from nlptl.inspection.finding import Finding, Table, at, counted
from nlptl.inspection.gathering import Gathered
from nlptl.tasks import Row

RARE = 10
"""Training rows below which a label is hardly learnt, and below which a tenth of them, for dev, is not one row."""
IMBALANCE = 20
"""How many times commoner one label is than another: of two such labels, always saying the common one is right in 95 %
of the rows.
"""
SHIFT, CHANCE = 0.1, 0.001
"""Share of a split's rows that would need another label to be as the training split is, and the p-value (chi-squared)
that allows to call it more than chance. A tenth is what a score can be off when a model learns how often labels are.
"""
ORDERED = 0.5
"""How far neighbours with one label are on the way from what chance gives (0) to a sorted file (1)."""


def alike(label: str) -> str:
    """Give what labels have in common that people take for one: case, outer spaces and leading zeros aside."""
    return re.sub(r"\b0+(?=\d)", "", label.strip().casefold())


def known(gathered: Gathered) -> dict[str, list[Row]]:
    """Give the rows whose labels are on the card, or, where it names none, the commonest of those that look alike."""
    allowed = set(gathered.card.labels) or set(_usual(_counts(gathered)).values())
    return {
        split: [row for row in rows if all(label in allowed for label in labels.of_row(row))]
        for split, rows in gathered.rows.items()
    }


def _counts(gathered: Gathered) -> Counter[str]:
    return Counter(label for rows in gathered.rows.values() for row in rows for label in labels.of_row(row))


def _usual(counts: Counter[str]) -> dict[str, str]:
    """Give for each way of writing, without its accidents, the commonest one."""
    found: dict[str, str] = {}
    for label, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        found.setdefault(alike(label), label)
    return found


def by_label(rows: Sequence[Row]) -> Counter[str]:
    """Count rows by label."""
    return Counter(label for row in rows for label in labels.of_row(row))


def written(gathered: Gathered) -> Iterator[Finding]:
    """Yield labels that look like another, and labels that the card does not have."""
    counts = _counts(gathered)
    names = gathered.card.labels
    usual = {alike(name): name for name in names} or _usual(counts)
    for label in sorted(counts):
        meant = usual.get(alike(label))
        if label == meant or label in names:
            continue
        found = [at(row, split) for split, rows in gathered.rows.items() for row in rows if label in labels.of_row(row)]
        if meant is not None:
            what = f"{counted(len(found), 'row')} have the label {label!r}, which looks like {meant!r} and is another"
            severity, kind = ("fault" if names else "warning"), "label_alike"
            fix = f"write {meant!r}; or map both in the card's 'label_values'"
        else:
            what, severity, kind = (
                f"{counted(len(found), 'row')} have the label {label!r}, which the card has not",
                "fault",
                "unknown_label",
            )
            fix = did_you_mean(label, names)
        yield Finding(kind, severity, what, fix, found, f"label {label}")  # type: ignore[arg-type]


def spread(gathered: Gathered, rows: Mapping[str, Sequence[Row]]) -> Iterator[Finding]:
    """Yield labels that are absent or rare, how uneven they are, and how the splits differ in them."""
    train = gathered.train
    counts = {split: by_label(found) for split, found in rows.items()}
    names = gathered.card.labels or tuple(sorted({label for each in counts.values() for label in each}))
    yield from _absent(train, names, rows, counts)
    learnt = counts[train]
    for label in names:
        if 0 < learnt[label] < RARE:
            what = f"the label {label!r} has only {counted(learnt[label], 'row')} of {train}"
            fix = "find more, join it with another label, or weigh the labels: task.weights: balanced"
            found = [at(row, label) for row in rows[train] if label in labels.of_row(row)]
            yield Finding("rare_class", "warning", what, fix, found, f"label {label}")
    frequent = {label: count for label, count in learnt.items() if count >= RARE}
    top = max(frequent, key=lambda label: frequent[label], default="")
    for label, count in sorted(frequent.items()):
        if frequent[top] >= IMBALANCE * count:
            times = frequent[top] / count
            what = f"the label {label!r} has {count:,} rows of {train}, {times:.0f} times fewer than {top!r}"
            fix = "look at macro F1 beside accuracy; task.weights: balanced weighs the labels"
            found = [at(row, label) for row in rows[train] if label in labels.of_row(row)]
            yield Finding("imbalance", "note", what, fix, found, f"label {label}")
    if not gathered.card.several:
        yield from _shifts(train, rows, counts)
        yield from _ordered(train, rows[train])


def _absent(
    train: str, names: Sequence[str], rows: Mapping[str, Sequence[Row]], counts: Mapping[str, Counter[str]]
) -> Iterator[Finding]:
    others = [split for split in rows if split != train and rows[split]]
    for label in names:
        scored = [split for split in others if counts[split][label]]
        if not counts[train][label] and scored:
            found = [at(row, split) for split in scored for row in rows[split] if label in labels.of_row(row)]
            where = ", ".join(scored)
            what = f"{counted(len(found), 'row')} of {where} have the label {label!r}, which no row of {train} has"
            fix = "a run is refused: no model can give it; divide anew, or drop the rows"
            yield Finding("unseen_label", "fault", what, fix, found, f"label {label}")
            continue
        missing = [split for split in (others if counts[train][label] else rows) if not counts[split][label]]
        if missing:
            found = [at(row, train) for row in rows[train] if label in labels.of_row(row)]
            what = f"the label {label!r} has no row in {', '.join(missing)}"
            fix = (
                "no score there says anything of it" if counts[train][label] else "take it from the card, or find rows"
            )
            yield Finding("empty_class", "warning", what, fix, found, f"label {label}")


def _shifts(train: str, rows: Mapping[str, Sequence[Row]], counts: Mapping[str, Counter[str]]) -> Iterator[Finding]:
    from scipy.stats import chi2_contingency

    for split in rows:
        both = [label for label in counts[train] if counts[split][label] and counts[train][label]]
        if split == train or len(both) < 2:
            continue
        here, there = ([counts[one][label] for label in both] for one in (split, train))
        gaps = [one / sum(here) - other / sum(there) for one, other in zip(here, there, strict=True)]
        distance = sum(map(abs, gaps)) / 2
        if distance >= SHIFT and chi2_contingency([here, there]).pvalue < CHANCE:
            most = max(range(len(both)), key=lambda number: abs(gaps[number]))
            label = both[most]
            shares = (
                f"{label!r} has {100 * here[most] / sum(here):.1f} %, in {train} {100 * there[most] / sum(there):.1f} %"
            )
            what = f"{100 * distance:.0f} % of {split} would need other labels to be spread as in {train}: {shares}"
            fix = "find out which is how the data will be; look at macro F1, which does not go by how often labels are"
            found = [at(row, label) for row in rows[split] if label in labels.of_row(row)]
            yield Finding("label_shift", "warning", what, fix, found, f"split {split}")


def _ordered(split: str, rows: Sequence[Row]) -> Iterator[Finding]:
    gold = [labels.of_row(row)[0] for row in rows]
    if len(gold) < 2 * RARE:
        return
    equal = sum(one == other for one, other in itertools.pairwise(gold)) / (len(gold) - 1)
    chance = sum((count / len(gold)) ** 2 for count in Counter(gold).values())
    if chance < 1 and (equal - chance) / (1 - chance) >= ORDERED:
        starts = [at(rows[0], gold[0])]
        starts += [
            at(row, label) for row, label, before in zip(rows[1:], gold[1:], gold, strict=False) if label != before
        ]
        what = f"{split} is sorted by label: {100 * equal:.0f} % of neighbours have the same one"
        what += f", by chance {100 * chance:.0f} %"
        fix = "nothing for nlptl, which shuffles; take no first part of the file for a sample or a split"
        yield Finding("ordered", "note", what, fix, starts, f"split {split}")


def balance(gathered: Gathered, rows: Mapping[str, Sequence[Row]]) -> Table:
    """Count labels by split, with the weight that `task.weights: balanced` gives."""
    counts = {split: by_label(found) for split, found in rows.items()}
    learnt, total = counts[gathered.train], len(rows[gathered.train])
    names = gathered.card.labels or tuple(sorted(learnt))
    body: list[list[str | int | float | None]] = []
    for name in sorted(names, key=lambda name: -learnt[name]):
        weight = None
        if learnt[name]:
            weight = total / (len(names) * learnt[name])
            weight = (total - learnt[name]) / learnt[name] if gathered.card.several else weight
        share = round(100 * learnt[name] / max(1, total), 2)
        body.append(
            [name, *(counts[split][name] for split in rows), share, None if weight is None else round(weight, 4)]
        )
    remark = "The weights are those of task.weights: balanced."
    return Table("labels", "Labels", ["label", *rows, f"% of {gathered.train}", "weight"], body, [remark])


def suspects(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Give the rows of each label."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for label in labels.of_row(row):
            found[label].append(row)
    return found
