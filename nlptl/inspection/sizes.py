"""How many rows there are, and how long they are in characters and in a checkpoint's tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nlptl.inspection.finding import Finding, Severity, Table, at, counted
from nlptl.inspection.gathering import Gathered
from nlptl.tasks import Backbone, Row

MANY = 0.05
"""Share of a split's rows that are cut from which it is more than a note."""
BATCH = 2000


@dataclass(frozen=True)
class Lengths:
    """Tokens of each row by split, special tokens included, and the window that they must fit."""

    checkpoint: str
    window: int
    tokens: Mapping[str, Sequence[int]]


def sizes(gathered: Gathered) -> Table:
    """Count rows by split, those that cannot be used apart, with their lengths in characters."""
    refused = Counter(one.split for one in gathered.unusable)
    body: list[list[str | int | float | None]] = []
    for split, rows in gathered.rows.items():
        lengths = sorted(sum(len(row.values[column]) for column in gathered.columns) for row in rows)
        unusable = refused[split] + refused[gathered.card.splits[split].pool or ""]
        body.append([split, len(rows), unusable, quantile(lengths, 0.5), quantile(lengths, 1.0)])
    head = ["split", "rows", "unusable", "median characters", "longest"]
    remarks = ["Unusable rows of a pool are counted at each of its splits."] if gathered.card.pools else []
    return Table("sizes", "Sizes", head, body, remarks if refused else [])


def quantile(ordered: Sequence[int], share: float) -> int | None:
    """Give the least of sorted values that so great a share of them do not exceed."""
    if not ordered:
        return None
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def measure(gathered: Gathered, backbone: Backbone, name: str, window: int) -> Lengths:
    """Count the tokens of all rows, nothing cut."""
    return Lengths(name, window, {split: _tokens(gathered, rows, backbone) for split, rows in gathered.rows.items()})


def _tokens(gathered: Gathered, rows: Sequence[Row], backbone: Backbone) -> list[int]:
    found: list[int] = []
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        columns = [[row.values[column] for row in part] for column in gathered.columns]
        tokens = backbone.tokenizer(*columns, truncation=False, return_attention_mask=False, verbose=False)
        found += [len(one) for one in tokens["input_ids"]]
    return found


def table(lengths: Lengths) -> Table:
    """Give the lengths of each split, and what the window cuts."""
    body: list[list[str | int | float | None]] = []
    for split, tokens in lengths.tokens.items():
        ordered = sorted(tokens)
        over = [one - lengths.window for one in tokens if one > lengths.window]
        share = round(100 * sum(over) / max(1, sum(tokens)), 2)
        some = [quantile(ordered, part) for part in (0.5, 0.95, 0.99, 1.0)]
        body.append([split, *some, len(over), round(100 * len(over) / max(1, len(tokens)), 2), share])
    head = ["split", "median", "95 %", "99 %", "longest", "rows cut", "% of rows", "% of tokens"]
    title = f"Lengths in tokens, window {lengths.window}"
    first = sorted(next(iter(lengths.tokens.values())))
    remark = f"A window of {quantile(first, 0.99)} tokens holds 99 % of the rows of {next(iter(lengths.tokens))} whole."
    return Table("lengths", title, head, body, [f"Tokens of {lengths.checkpoint}.", *([remark] if first else [])])


def cut(gathered: Gathered, lengths: Lengths) -> Iterator[Finding]:
    """Yield the rows that are longer than the window, the longest first."""
    for split, tokens in lengths.tokens.items():
        long = [(count, row) for count, row in zip(tokens, gathered.rows[split], strict=True) if count > lengths.window]
        if long:
            long.sort(key=lambda one: -one[0])
            share = len(long) / len(tokens)
            lost = sum(count - lengths.window for count, _ in long)
            windows = "context" in gathered.columns
            what = (
                f"{counted(len(long), 'row')} of {split} ({100 * share:.1f} %) are longer than the window of"
                f" {lengths.window} tokens: "
            ) + ("they are read in several windows" if windows else f"{lost:,} tokens are cut off")
            fix = "raise model.max_tokens if the checkpoint allows it, or shorten them where you choose"
            fix = "nothing; a larger model.max_tokens makes fewer windows" if windows else fix
            found = [at(row, f"{count} tokens") for count, row in long]
            severity: Severity = "warning" if share >= MANY and not windows else "note"
            yield Finding("too_long", severity, what, fix, found, f"split {split}")


def bins(tokens: Sequence[int], most: int = 30) -> tuple[list[float], list[int]]:
    """Give edges and counts for a histogram; what is longer than four times the 95th percentile is in the last one."""
    top = max(1, min(max(tokens), 4 * (quantile(sorted(tokens), 0.95) or 1)))
    step = max(1, -(-top // most))
    counts = Counter(min(one, top) // step for one in tokens)
    last = top // step
    return [float(number * step) for number in range(last + 2)], [counts[number] for number in range(last + 1)]
