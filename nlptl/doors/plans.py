"""What `run` and `plan` do with a plan: call, and print what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl.errors import BadInput, Problem
from nlptl.terminal import say, show_json, table

if TYPE_CHECKING:
    from nlptl.plan.looking import Looked, LookedStep
    from nlptl.plan.running import Finished


def run(name: str, overrides: Sequence[str], out: Path, processes: int, offline: bool, as_json: bool) -> None:
    """Run a plan and print what it lets one say."""
    from nlptl import launch, terminal
    from nlptl.plan import looking, reading, running

    if processes > 1 or launch.inside():
        fix = "run its recipes with --processes one after the other, or the plan on one process"
        raise BadInput("processes", Problem("a plan runs on one process so far", fix=fix))
    checked = reading.check(name, overrides)
    with terminal.watch(quiet=False) as watch:
        for line in _smallest(looking.smallest(checked, running.gather(checked, offline=offline)), checked.plan.seeds):
            watch.say(line)
        done = running.run(checked, out=out, offline=offline, watch=watch)
    if as_json:
        show_json({"directory": str(done.directory), "found": done.found, **done.report})
        return
    print("\n".join(_told(done)))


def plan(name: str, overrides: Sequence[str], out: Path, offline: bool, as_json: bool) -> None:
    """Print all runs of a plan, which of them are done, and how small a gain it could show."""
    from nlptl.plan import leaks, looking, reading

    say("reading the data")
    checked = reading.check(name, overrides)
    looked = looking.look(checked, out=out, offline=offline, tried=True)
    if as_json:
        show_json(asdict(looked))
    else:
        for warning in looked.warnings:
            say(f"warning: {warning}")
        print("\n".join(_tree(looked)))
    if looked.leaks.found and looked.on_leak == "stop":
        raise leaks.refusal(checked, looked.leaks)


def _tree(looked: Looked) -> Iterator[str]:
    """Give the lines of a plan that was looked through."""
    head = ["stage", "from", "recipe", "task", "train", "test", "steps a run", "done", "seconds a run"]
    yield table(head, [_line(one) for one in looked.steps], left=(1, 2, 3))
    yield ""
    for mixed in looked.mixtures:
        parts = ", ".join(f"{name} {100 * share:.1f} %" for name, share in mixed.shares.items())
        yield f"{mixed.name} mixes, at temperature {mixed.temperature:g}, {mixed.steps} steps: {parts}"
    for one in looked.steps:
        for seed, directory, finished in one.runs:
            place = directory or f"known when {one.start} is done"
            yield f"{one.name}, seed {seed}: {place}{' (finished)' if finished else ''}"
    for earlier, later in looked.memories:
        yield f"scored again: {earlier} after {later}"
    total = sum(len(one.runs) for one in looked.steps)
    left = sum(not finished for one in looked.steps for _, _, finished in one.runs)
    yield f"runs: {total}, of which {left} are not finished; report: {looked.directory}"
    if left and looked.minutes is not None:
        yield f"training what is left takes about {looked.minutes:.1f} minutes; scoring comes on top"
    yield from _smallest(looked.smallest, looked.seeds)
    yield from _guarded(looked)


def _guarded(looked: Looked) -> Iterator[str]:
    """Say what the leak guard looked at, and what it found."""
    from nlptl.plan import leaks

    texts = ", ".join(f"{name} {count:,}" for name, count in looked.leaks.texts.items())
    if texts:
        found = "" if looked.leaks.found else "; none stands in a test set of the plan that comes after it"
        yield f"leak guard: training texts of {texts}{found} ({looked.leaks.seconds:.1f} s)"
    yield from looked.leaks.unread
    if looked.on_leak == "report":
        yield from leaks.told(looked.leaks)


def _line(one: LookedStep) -> list[str]:
    test = sum(count for split, count in one.rows.items() if split not in ("train", "dev"))
    start = f"{one.start} ({one.take})" if one.start else "its checkpoint"
    done = f"{sum(finished for _, _, finished in one.runs)} of {len(one.runs)}"
    known, guess = one.seconds, one.estimate
    seconds = f"{known:.0f}" if known is not None else "" if guess is None else f"about {guess:.0f}"
    return [one.name, start, one.recipe, one.task, str(one.rows["train"]), str(test), str(one.steps), done, seconds]


def _smallest(smallest: Mapping[str, Any], seeds: Sequence[int]) -> Iterator[str]:
    for name, (rows, both) in smallest.items():
        yield f"{name} can show a gain of {_points(rows)} by its rows alone" + (
            f", of {_points(both)} by {len(seeds)} seeds and rows if gains differ by 1 point between seeds"
            if both is not None
            else "; one seed shows nothing of others"
        )
    if smallest:
        many = f"; before Holm's correction over all {len(smallest)}" if len(smallest) > 1 else ""
        yield f"(over an accuracy of 0.9, paired, power 0.8{many})"


def _points(share: float | None) -> str:
    return "nothing (too few rows)" if share is None else f"{100 * share:.1f} points"


def _told(done: Finished) -> Iterator[str]:
    """Give the lines of a finished plan: scores, gains, what became of earlier stages, where it lies."""
    report = done.report
    lines = [
        [step["name"], one["set"], one["metric"], str(one["rows"]), str(len(one["scores"])), f"{one['mean']:.4f}",
         f"{one['low']:.4f} to {one['high']:.4f}"]
        for step in report["steps"] for one in step["scores"]
    ]  # fmt: skip
    over = report["steps"][0]["scores"][0]["over"]
    yield table(["stage", "set", "metric", "rows", "seeds", "mean", f"95 % over {over}"], lines, left=(1, 2))
    for title, key in (("gains over the control", "gains"), ("earlier stages again, with their own head", "again")):
        if report[key]:
            yield f"\n{title} (95 % over {'seeds and rows' if len(report['seeds']) > 1 else 'rows'}, paired)"
            yield from (f"  {one['words']}; {_p(one, len(report[key]))}" for one in report[key])
            if clean := report["clean"][key]:
                yield "  on the rows that no earlier stage was trained on:"
                yield from (f"  {one['words']}; {_p(one, len(clean))}" for one in clean)
    yield from (
        f"LEAK: {one['rows']:,} rows of {one['split']} of {one['tested']} stand in what {' and '.join(one['trained'])} "
        "is trained on: believe the scores on the clean rows" for one in report["leaks"]["sets"]
    )
    if "matrix" in report:
        yield from _matrix(report["matrix"])
    yield from (f"not scored again: {one}" for one in report["not_again"])
    yield f"\nresults: {done.directory}\nreport:  {done.directory / 'report.html'}"


def _p(one: dict[str, Any], many: int) -> str:
    from nlptl.compare.pairs import shown_p

    return shown_p(one["adjusted"]) + (" after Holm's correction" if many > 1 else "")


def _matrix(matrix: dict[str, Any]) -> Iterator[str]:
    """Give the lines of a matrix: gains as a table, what to take, and what predictors would have lost."""
    sources, targets = (list(dict.fromkeys(one[key] for one in matrix["cells"])) for key in ("source", "target"))
    by_pair = {
        (one["source"], one["target"]): f"{100 * one['value']:+.1f}{'' if one['outcome'] == 'open' else ' *'}"
        for one in matrix["cells"]
    }
    yield ""
    lines = [[source, *(by_pair.get((source, target), "") for target in targets)] for source in sources]
    yield table(["gain, source down", *targets], lines)
    yield "(* told apart from no gain after Holm's correction over all cells)"
    yield from (f"  {one['words']}; order: {', '.join(one['order'])}" for one in matrix["targets"])
    if whole := matrix.get("order"):
        yield f"  {whole['words']}"
    told = [
        f"{one['name']} {100 * one['regret']:.1f}" for one in matrix["predictors"] if one["regret"] is not None
    ]
    yield f"points lost by taking the source that a predictor puts first: {'; '.join(told)}"
