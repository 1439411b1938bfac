"""`nlptl compare` and `nlptl replay`: runs beside each other, and a run beside itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nlptl.doors.options import AsJson, Offline
from nlptl.terminal import show_json, table

if TYPE_CHECKING:
    from nlptl.compare import Compared, GroupPair, Leaf, Pair
    from nlptl.replay import Replayed

SIDES = {
    "right_to_wrong": "right in {0}, wrong in {1}",
    "wrong_to_right": "wrong in {0}, right in {1}",
    "both_wrong_differently": "wrong in both, differently",
}
LONGEST = 60
"""Characters of a value in a line."""
SHOWN = 5
"""Differences of one sort."""


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Finished runs' directories; all are compared with the first."),
    ],
    examples: Annotated[int, typer.Option(min=0, help="How many rows that changed sides to show, of each kind.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Compare finished runs. What differs in recipe, data, versions and code; which is better and by how much, with
    a 95 % interval; which examples changed sides.
    """
    from nlptl.compare import compare as compare_runs

    found = compare_runs(runs, examples=examples)
    if as_json:
        show_json(_record(found))
        return
    print("\n".join(_told(found)))


def _record(found: Compared) -> dict[str, Any]:
    """Give what was found as JSON values; of each run, what it was and scored."""
    return {
        "runs": [
            {
                "run": one.letter, "directory": str(one.directory), "name": one.report["name"],
                "seed": one.report["seed"],
                "metrics": {name: dict(scored.metrics) for name, scored in one.sets.items()},
            }
            for one in found.runs
        ],
        "differs": [asdict(leaf) for leaf in found.leaves],
        "pairs": [asdict(pair) for pair in found.pairs],
        "groups": [{"group": one.name, "seeds": list(one.seeds)} for one in found.groups],
        "means": [asdict(mean) for mean in found.means],
        "group_pairs": [asdict(pair) for pair in found.group_pairs],
        "notes": list(found.notes),
    }  # fmt: skip


def _told(found: Compared) -> Iterator[str]:
    """Give the lines of a comparison: what the runs are, where they differ, then set by set."""
    yield from (
        f"{run.letter}  {run.directory}  ({run.report['name']}, seed {run.report['seed']})" for run in found.runs
    )
    yield ""
    yield from _leaves(found.leaves, [run.letter for run in found.runs])
    for name in dict.fromkeys([one.set for one in found.pairs] + [one.set for one in found.means]):
        pairs = [one for one in found.pairs if one.set == name]
        by_group = [one for one in found.group_pairs if one.set == name]
        many = len(pairs) + len(by_group) > 1
        yield ""
        if found.means:
            yield from (_means(found, name), "")
        if pairs and len(found.runs) > 2:
            yield from (_against_first(found, pairs), "")
        for one in by_group:
            yield from _group(one)
        for pair in pairs:
            yield from (_in_short(pair) if len(found.runs) > 2 else _in_full(pair))
        if many:
            yield (
                f"{len(pairs) + len(by_group)} comparisons on {name}: Holm's correction decides who is called better; "
                "the intervals are each for itself"
            )
    if found.notes:
        yield ""
        yield from (f"note: {note}" for note in found.notes)


def _leaves(leaves: Sequence[Leaf], letters: Sequence[str]) -> Iterator[str]:
    from nlptl.compare.settings import SECTIONS

    yield "what differs" if leaves else "nothing differs"
    for leaf in leaves:
        title = leaf.path if leaf.path == leaf.section else f"{leaf.section}: {leaf.path}"
        values = [_short(leaf.values[letter], sha="sha256" in leaf.path or "ids of" in leaf.path) for letter in letters]
        if len(letters) == 2:
            yield f"  {title}: {values[0]} -> {values[1]}"
        else:
            yield f"  {title}: {', '.join(f'{letter} {value}' for letter, value in zip(letters, values, strict=True))}"
    same = [name for name in SECTIONS if name not in {leaf.section for leaf in leaves}]
    if same and leaves:
        yield f"the same: {', '.join(same)}"


def _short(value: Any, *, sha: bool = False) -> str:
    """Give a value in a line; of a sha256 the beginning."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text[:12] if sha and text != "absent" else text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _in_full(pair: Pair) -> Iterator[str]:
    """Tell all of a comparison of two."""
    from nlptl.compare.pairs import shown_p

    titles = {name: f"{name} (lower is better)" if name in pair.errors else name for name in pair.metrics}
    lines = [
        [titles[name], f"{one:.4f}", f"{other:.4f}", f"{other - one:+.4f}"]
        for name, (one, other) in pair.metrics.items()
    ]
    head = [f"{pair.set}, {pair.rows} rows", pair.first, pair.second, f"{pair.second} - {pair.first}"]
    yield table(head, lines)
    yield ""
    yield f"{pair.metric}: {pair.words}"
    yield f"  95 % interval over the {pair.rows} rows, paired; {shown_p(pair.p)} ({pair.test})"
    if pair.note:
        yield f"  {pair.note}"
    if pair.test != "exact McNemar":
        yield f"  rows wholly right: exact McNemar {shown_p(pair.mcnemar)}"
    yield f"  the smallest difference that these rows can show: {_smallest(pair)}"
    yield from _left_out(pair.left_out)
    yield from _sides(pair)


def _smallest(pair: Pair) -> str:
    return f"{100 * pair.smallest:.1f} points (power 0.8)" if pair.smallest is not None else "not known from these two"


def _sides(pair: Pair) -> Iterator[str]:
    sides = pair.sides
    yield f"  right in both: {sides.both_right}; wrong in both, alike: {sides.both_wrong_alike}"
    for side, title in SIDES.items():
        count, shown = getattr(sides, side), sides.examples[side]
        yield f"  {title.format(pair.first, pair.second)}: {count}"
        if shown:
            rows = [[one.id, _short(one.gold), _short(one.first), _short(one.second)] for one in shown]
            lines = table(["row", "gold", pair.first, pair.second], rows).splitlines()
            yield from (f"    {line}" for line in (lines[0], *lines[2:]))


def _against_first(found: Compared, pairs: Sequence[Pair]) -> str:
    """Lay out runs against the first one; scores are those of all of a run's rows."""
    from nlptl.compare.pairs import shown_p

    metric, name = pairs[0].metric, pairs[0].set
    first = next(run for run in found.runs if run.letter == pairs[0].first)
    lines = [[first.letter, f"{first.sets[name].metrics[metric]:.4f}", "", "", "", "", "", ""]]
    for pair in pairs:
        low, value, high = (100 * one for one in pair.difference)
        p = pair.p if pair.adjusted is None else pair.adjusted
        moved = [str(pair.sides.right_to_wrong), str(pair.sides.wrong_to_right)]
        score = f"{pair.metrics[metric][1]:.4f}"
        lines.append(
            [
                pair.second,
                score,
                str(pair.rows),
                f"{value:+.1f}",
                f"{low:.1f} to {high:.1f}",
                shown_p(p).removeprefix("p ").removeprefix("= "),
                *moved,
            ]
        )
    head = [name, metric, "rows", f"less {first.letter}, points", "95 % interval"]
    return table([*head, "p (Holm)" if len(pairs) > 1 else "p", "right -> wrong", "wrong -> right"], lines)


def _in_short(pair: Pair) -> Iterator[str]:
    yield pair.words + (f" ({pair.note})" if pair.note else "")
    yield from _left_out(pair.left_out)


def _means(found: Compared, name: str) -> str:
    lines = []
    for one in (mean for mean in found.means if mean.set == name):
        spread = ["", ""] if one.deviation is None else [f"{one.deviation:.4f}", f"{one.low:.4f} to {one.high:.4f}"]
        lines.append([one.group, ", ".join(map(str, one.seeds)), f"{one.mean:.4f}", *spread])
    metric = next(mean.metric for mean in found.means if mean.set == name)
    return table([name, "seeds", f"mean {metric}", "deviation", "95 % over seeds"], lines)


def _group(pair: GroupPair) -> Iterator[str]:
    from nlptl.compare.pairs import shown_p

    yield pair.words
    p = pair.p if pair.adjusted is None else pair.adjusted
    yield (
        f"  95 % interval over {pair.seeds[0]} and {pair.seeds[1]} seeds and {pair.rows} rows together; "
        f"{shown_p(p)} ({pair.test})"
    )
    yield from ([f"  {pair.note}"] if pair.note else [])
    yield from _left_out(pair.left_out)


def _left_out(left_out: Mapping[str, int]) -> Iterator[str]:
    if left_out:
        yield f"  rows that are not compared: {', '.join(f'{count} {why}' for why, count in left_out.items())}"


def replay(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A finished run's directory; it is never written to.")],
    out: Annotated[
        Path | None, typer.Option(help="New or empty folder for the replay, which stays. Absent: a temporary one.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the temporary folder although all is equal.")] = False,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Run a finished run again and say whether the numbers are equal. From what it wrote down, in a fresh directory;
    every metric, row, step and weight is compared to the last digit. Exit code 0 if all are equal, 1 if not.
    """
    from nlptl import terminal
    from nlptl.replay import replay as replay_run

    with terminal.watch(quiet=False) as watch:
        done = replay_run(run, out=out, keep=keep, offline=offline, watch=watch)
    if as_json:
        show_json({**asdict(done), "equal": done.found.equal})
    else:
        print("\n".join(_replayed(done)))
    if not done.found.equal:
        raise typer.Exit(1)


def _replayed(done: Replayed) -> Iterator[str]:
    found, sorts = done.found, ("metrics", "rows", "steps", "weights")
    titles = ("numbers of the report", "predicted rows", "training steps", "files of weights")
    lines = [
        [title, str(found.compared[sort]), str(len(getattr(found, sort))) if getattr(found, sort) else "equal"]
        for sort, title in zip(sorts, titles, strict=True)
    ]
    yield table(["replay", "compared", "differ"], lines)
    for sort in sorts:
        for one in getattr(found, sort)[:SHOWN]:
            ours, theirs = _what_differs(one.run, one.replay)
            yield f"  {one.what}: {_short(ours)} -> {_short(theirs)}"
        if len(getattr(found, sort)) > SHOWN:
            yield f"  and {len(getattr(found, sort)) - SHOWN} more"
    if not found.equal and done.surroundings:
        yield f"not as it was: {', '.join(one.what for one in done.surroundings)}"
    yield f"{done.run}: {'equal to the last digit' if found.equal else 'NOT equal'}"
    if done.kept:
        yield f"replay: {done.directory}"


def _what_differs(run: Any, replay: Any) -> tuple[Any, Any]:
    """Give of two records the parts that differ alone."""
    if not isinstance(run, dict) or not isinstance(replay, dict):
        return run, replay
    keys = [key for key in {**run, **replay} if run.get(key) != replay.get(key)]
    return {key: run.get(key) for key in keys}, {key: replay.get(key) for key in keys}


COMMANDS: dict[str, Callable[..., None]] = {"compare": compare, "replay": replay}
"""Name -> command."""
