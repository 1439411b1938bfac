"""A mixture becomes a run directory, in which each of its tasks has a run directory of its own."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nlptl import artifacts, launch, prepare, report, runs, state
from nlptl.computing import open_machine
from nlptl.errors import BadInput, Problem
from nlptl.job import Job, Watch
from nlptl.mixing import drawing, ending, joining, training
from nlptl.mixing.training import Together
from nlptl.plans import Heads
from nlptl.prepare import Inputs
from nlptl.runs import Result


@dataclass(frozen=True)
class Mixture:
    """Tasks that are trained together."""

    name: str
    """Names the run's directory."""
    entries: Mapping[str, Inputs]
    """By the name of each: what it reads. One checkpoint and one `tuning` for all."""
    temperature: float
    heads: Heads = "each"


def directory_of(mixture: Mixture, seed: int, out: Path) -> Path:
    """Give the directory of a seed's run: named by all that its tasks read, their names, heads and temperature."""
    tree = {name: prepare.digest(one, seed) for name, one in mixture.entries.items()}
    text = json.dumps({"entries": list(tree.items()), "temperature": mixture.temperature, "heads": mixture.heads})
    return out / f"{mixture.name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def run_seed(mixture: Mixture, seed: int, out: Path, watch: Watch) -> dict[str, Result]:
    """Run one seed, or go on with it, or find it done; give a Result for each task, by name, whose directory lies in
    that of the mixture.

    Raises BadInput for what the user can mend, and where this is one of several processes.
    """
    directory = directory_of(mixture, seed, out)
    done = {name: report.finished(directory / name) for name in mixture.entries}
    if all(done.values()) and ending.finished(directory):
        watch.say(f"{directory} is finished; nothing to do")
        return {name: Result(directory / name, one or {}, True) for name, one in done.items()}
    if launch.inside():
        what = "tasks are mixed on one process so far: idle heads have no gradient to exchange"
        raise BadInput("processes", Problem(what, fix="start it without --processes"))
    with opened(mixture, seed, directory, watch) as together:
        progress = training.train(together, state.resume(together.whole))
        found = ending.finish(together, progress)
        if state.asked(together.whole) == "leave":
            together.whole.stop.leave()
        return {name: Result(directory / name, one, False) for name, one in found.items()}


@contextlib.contextmanager
def opened(mixture: Mixture, seed: int, directory: Path, watch: Watch) -> Iterator[Together]:
    """Open every task as a run of its own, locked; then join them. One that cannot begin leaves nothing."""
    for inputs in mixture.entries.values():
        prepare.look_ahead(inputs, seed)
    plan = next(iter(mixture.entries.values())).recipe
    computing = open_machine(plan.machine.device, plan.train.precision, plan.machine.threads)
    with artifacts.lock(directory), artifacts.signals() as stop:
        jobs: dict[str, Job] = {}
        fresh = [name for name in mixture.entries if not (directory / name).exists()]
        try:
            for name, inputs in mixture.entries.items():
                (directory / name).mkdir(exist_ok=True)
                artifacts.recover(directory / name)
                jobs[name] = runs.open_parts(inputs, seed, directory / name, computing, stop, watch)
            if mixture.heads == "one":
                joining.check_heads(jobs)
        except BadInput:
            for name in fresh:
                shutil.rmtree(directory / name, ignore_errors=True)
            artifacts.forget(directory)
            raise
        yield _together(mixture, jobs, directory)


def _together(mixture: Mixture, jobs: Mapping[str, Job], directory: Path) -> Together:
    """Join what was opened, and draw which task takes which step."""
    first = next(iter(jobs.values()))
    own = [one.total for one in jobs.values()]
    total = sum(own)
    shares = drawing.shares(own, mixture.temperature)
    drawn = drawing.draws(shares, total, first.seed)
    joined, moving = joining.join(jobs, first.watch.say, heads=mixture.heads)
    entries = {
        name: replace(one, total=total, mixed={
            "stage": mixture.name, "with": [other for other in jobs if other != name], "share": share,
            "temperature": mixture.temperature, "steps": drawn.count(number), "of": total,
        })
        for number, ((name, one), share) in enumerate(zip(joined.items(), shares, strict=True))
    }  # fmt: skip
    whole = replace(
        first, directory=directory, moving=moving, features=[], select=([], []), total=total, pools=(), augmented={}
    )
    together = Together(whole, entries, drawn)
    ending.write_beginning(together, mixture.name, mixture.temperature, mixture.heads, shares)
    return together
