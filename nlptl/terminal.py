"""What a person sees: tables on standard output; progress and messages on standard error, plain where it is no
terminal.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nlptl.errors import BadInput, NlptlError

if TYPE_CHECKING:
    from nlptl.checks import Checked
    from nlptl.job import Watch
    from nlptl.plan import Planned
    from nlptl.plan.reading import CheckedPlan
    from nlptl.runs import Result

EVERY = 10.0
"""Seconds between two plain lines of progress."""


def say(text: str) -> None:
    """Print a message on standard error."""
    print(text, file=sys.stderr, flush=True)


def show_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    as_ascii = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    print(json.dumps(value, indent=2, ensure_ascii=as_ascii, default=str))


def show_problem(problem: NlptlError, *, as_json: bool) -> None:
    """Print an error: a line a problem on standard error, or an object on standard output; secrets are hidden."""
    from nlptl.artifacts.redaction import redact

    if as_json:
        show_json(json.loads(redact(json.dumps(_as_record(problem)))))
    else:
        say(redact(str(problem)))


def _as_record(problem: NlptlError) -> dict[str, Any]:
    found: dict[str, Any] = {"error": type(problem).__name__, "exit_code": problem.exit_code, "message": str(problem)}
    if isinstance(problem, BadInput):
        found |= {"subject": problem.subject, "problems": [asdict(one) for one in problem.problems]}
    return found


@contextmanager
def watch(*, quiet: bool) -> Iterator[Watch]:
    """Give a Watch that shows progress: a bar with rate and time left on a terminal, else a line every ten seconds."""
    from nlptl.job import Watch

    if quiet:
        yield Watch()
    elif sys.stderr.isatty():
        with _bar() as seen:
            yield seen
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from nlptl.job import Watch

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        tasks: dict[str, Any] = {}

        def update(name: str, done: int, total: int, note: str = "") -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total, note="")
            elif done < progress.tasks[tasks[name]].completed:  # the same work begins anew: its rate too
                progress.reset(tasks[name])
            progress.update(tasks[name], completed=done, total=total, note=note, visible=done < total)

        def step(one: Any, total: int) -> None:
            update("train", one.number, total, f"loss {one.loss:.3f}  {one.examples / one.seconds:.0f} examples/s")

        yield Watch(say=lambda text: console.print(text, markup=False, highlight=False), step=step, work=update)


def _lines() -> Watch:
    from nlptl.job import Watch

    shown: dict[str, float] = {}
    began: dict[str, tuple[float, int]] = {}
    last: dict[str, int] = {}

    def update(name: str, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        if name not in last or done < last[name]:  # first seen, or the same work begins anew
            began[name], shown[name] = (now, done), now
        last[name] = done
        first, offset = began[name]
        if now - shown[name] < EVERY:
            return
        shown[name] = now
        left = (now - first) / max(1, done - offset) * (total - done)
        say(f"{name}: {done} of {total}{note}, {left:.0f} s left")

    def step(one: Any, total: int) -> None:
        update("train", one.number, total, f", loss {one.loss:.3f}, {one.examples / one.seconds:.0f} examples/s")

    return Watch(say=say, step=step, work=update)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[int] = ()) -> str:
    """Lay out a table in plain characters: the first column and those of `left` to the left, others to the right."""
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]

    def laid(line: Sequence[str]) -> str:
        cells = [
            cell.rjust(width) if number and number not in left else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([laid(head), "  ".join("-" * width for width in widths), *map(laid, rows)])


def show_results(results: Sequence[Result], *, as_json: bool) -> None:
    """Print each run's scores with intervals beside its baselines, then where it lies."""
    if as_json:
        show_json([{"directory": str(one.directory), "found": one.found, **one.report} for one in results])
        return
    for result in results:
        print(_scores(result.report))
        print(_cost(result.report))
        page = result.directory / "report.html"
        print(f"results: {result.directory}" + (f"\nreport:  {page}\n" if page.is_file() else "\n"))
    if len(results) > 1:
        print(_over_seeds(results))


def _scores(report: Mapping[str, Any]) -> str:
    from nlptl.report import by_domain, by_language, robust

    lines: list[list[str]] = []
    name = next(iter(report["evaluation"][0]["metrics"]))
    if chosen := report["selection"]:
        low, high = chosen["intervals"][name]
        title = f"{report['selected_on']} (chose the checkpoint)"
        lines.append([title, str(chosen["rows"]), f"{chosen['metrics'][name]:.4f}", f"{low:.4f} to {high:.4f}"])
    for one in report["evaluation"]:
        title = " ".join(part for part in (one["split"], one["language"]) if part)
        low, high = one["intervals"][name]
        lines.append([title, str(one["rows"]), f"{one['metrics'][name]:.4f}", f"{low:.4f} to {high:.4f}"])
        lines += robust.lines(one, name)
        if clean := one["overlap"].get("clean"):
            lines.append([f"{title}, rows not in train", str(clean["rows"]), f"{clean['metrics'][name]:.4f}", ""])
        for baseline, found in one["baselines"].items():
            gain = found["gain"]
            note = f"gain {gain['value']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})"
            lines.append([f"  {baseline}", str(one["rows"]), f"{found['metrics'][name]:.4f}", note])
    head = [f"{report['name']}, seed {report['seed']}{by_language.oracle(report)}", "rows", name, "95 % interval"]
    return "\n".join([table(head, lines), *by_language.lines(report), *by_domain.lines(report)])


def _cost(report: Mapping[str, Any]) -> str:
    training = report["training"]
    rate = training["examples_per_second"]
    return (
        f"{training['steps']} steps in {training['seconds']:.0f} s, {rate:.0f} examples/s, "
        f"{report['parameters']['trainable']:,} of {report['parameters']['all']:,} parameters trained, "
        f"{training['peak_memory_mib']:.0f} MiB{_frozen(training.get('frozen'))}"
    )


def _frozen(known: Mapping[str, Any] | None) -> str:
    if not known or not known["hits"]:
        return ""
    return f"; {known['blocks']} frozen blocks computed once, replayed for {known['hits']:,} inputs"


def _over_seeds(results: Sequence[Result]) -> str:
    from nlptl import statistics

    lines = []
    for number, one in enumerate(results[0].report["evaluation"]):
        name = next(iter(one["metrics"]))
        spread = statistics.mean_and_spread([each.report["evaluation"][number]["metrics"][name] for each in results])
        title = " ".join(part for part in (one["split"], one["language"]) if part)
        lines.append(
            [title, name, f"{spread.mean:.4f}", f"{spread.deviation:.4f}", f"{spread.low:.4f} to {spread.high:.4f}"]
        )
    return table([f"mean of {len(results)} seeds", "metric", "mean", "deviation", "95 % interval"], lines)


def show_checked(found: Mapping[str, Checked | CheckedPlan | BadInput], *, as_json: bool) -> None:
    """Print for each recipe that it holds together, with its warnings, or everything that is wrong with it."""
    records = []
    for name, one in found.items():
        if isinstance(one, BadInput):
            records.append({"recipe": name, "ok": False, "warnings": [], **_as_record(one)})
            if not as_json:
                show_problem(one, as_json=False)
            continue
        records.append({"recipe": name, "ok": True, "warnings": list(one.warnings)})
        if not as_json:
            print(f"{name}: ok", flush=True)
            for warning in one.warnings:
                say(f"  warning: {warning}")
    if as_json:
        show_json(records)


def show_plan(planned: Planned, *, as_json: bool) -> None:
    """Print what a recipe will do and cost."""
    if as_json:
        show_json(asdict(planned))
        return
    for warning in planned.warnings:
        say(f"warning: {warning}")
    rows = [[split, str(count)] for split, count in planned.rows.items()]
    print(table(["split", "rows"], rows))
    most = list(planned.labels.items())
    shown = ", ".join(f"{label} {count}" for label, count in most[:6]) + (
        f", and {len(most) - 6} more" if len(most) > 6 else ""
    )
    print(f"\ntraining rows by label: {shown}" if most else "")
    print(f"tokens: {planned.tokens:,} an epoch; {planned.cut} rows are longer than the window and are cut")
    print(f"steps: {planned.steps} a run; {planned.seconds_per_step:.3f} s each, measured here")
    print("\n".join([f"parameters: {planned.trainable:,} of {planned.parameters:,} are trained", *planned.phases]))
    print(f"memory: {planned.memory_mib:.0f} MiB while trying")
    for seed, directory, done in planned.runs:
        print(f"seed {seed}: {directory}{' (finished)' if done else ''}")
    print(f"time: {planned.minutes:.1f} minutes of training for what is not finished")
    for split, least in planned.smallest_difference.items():
        what = f"{100 * least:.1f} points" if least is not None else "nothing (too few rows)"
        print(f"{split} can show: {what} over an accuracy of 0.9 (paired, power 0.8)")


def show_doctor(*, as_json: bool) -> None:
    """Print what this machine has."""
    from nlptl import doctor

    found = doctor.examine()
    if as_json:
        show_json(found)
        return
    for section, values in found.items():
        print(section)
        for key, value in values.items():
            print(f"  {key}: {value}")
