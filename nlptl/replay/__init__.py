"""A run done again from what it wrote down, and held against itself."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nlptl import artifacts, checks
from nlptl.compare.opening import Run, open_run
from nlptl.errors import BadInput, NlptlError, Problem
from nlptl.job import Watch
from nlptl.launch import inside
from nlptl.replay.matching import Matched, Unlike, match
from nlptl.replay.surroundings import Plan, changes, plan_of, setting

__all__ = ["Matched", "Replayed", "Unlike", "replay"]

NOTHING = Watch()


@dataclass(frozen=True)
class Replayed:
    """What came out of running it again."""

    run: Path
    directory: Path
    """Where the replay lies, or lay."""
    kept: bool
    surroundings: Sequence[Unlike]
    """Versions, machine and code that are not those of the run: named before it is run."""
    notes: Sequence[str]
    found: Matched


def replay(
    place: str | Path, *, out: Path | None = None, keep: bool = False, offline: bool = False, watch: Watch = NOTHING
) -> Replayed:
    """Run a finished run again in a fresh directory and compare. The run itself is never written to.

    Without `out` the replay lies in a temporary folder, which is removed if everything is equal and `keep` is False.
    Raises BadInput where it is no finished run, or where data or checkpoint are no longer those of the run.
    """
    if inside():
        fix = "start it as one process; it starts as many as the run had"
        raise BadInput("replay", Problem("this is one of several processes", fix=fix))
    run = open_run(Path(place).absolute())
    if run.report.get("mixed"):
        others = ", ".join(run.report["mixed"]["with"])
        what = f"was trained together with {others}, which its recipe alone does not do"
        raise BadInput(str(place), Problem(what, fix="run its plan again with another --out"))
    fresh = _fresh(run, out)
    unlike = changes(run)
    for one in unlike:
        watch.say(f"not as it was: {one.what}: {one.run} -> {one.replay}")
    plan = plan_of(run)
    for note in plan.notes:
        watch.say(f"note: {note}")
    target = fresh or Path(tempfile.mkdtemp(prefix="nlptl-replay-")).resolve()
    stays = fresh is not None or keep
    try:
        directory = _run_again(run, plan, target, offline, watch)
        found = match(run, open_run(directory, "B"))
        stays = stays or not found.equal
    finally:
        if not stays:
            shutil.rmtree(target, ignore_errors=True)
    return Replayed(Path(place), directory, stays, unlike, plan.notes, found)


def _fresh(run: Run, out: Path | None) -> Path | None:
    """Give the folder for the replay, absolute; refuse one in which the run itself, or another, would be found."""
    if out is None:
        return None
    artifacts.check_place(out)
    place, own = out.resolve(), run.directory.resolve()
    if place == own.parent or place == own or own in place.parents:
        raise BadInput(
            str(out), Problem("here lies the run itself, which is never written to", fix="name a new folder")
        )
    if place.is_dir() and any(place.iterdir()):
        raise BadInput(
            str(out), Problem("is not empty: what lies there could be taken for it", fix="name a new folder")
        )
    return place


def _run_again(run: Run, plan: Plan, out: Path, offline: bool, watch: Watch) -> Path:
    """Run it in `out`; give the directory."""
    from nlptl import prepare, runs

    with setting(plan.variables), contextlib.chdir(plan.folder):
        checked = checks.check(run.directory / "recipe.yaml", plan.overrides)
        watch.say("reading data and checkpoint")
        inputs = prepare.gather(checked, offline=offline)
        if inputs.checkpoint.sha256 != run.data["checkpoint"]["sha256"]:
            was, name = run.data["checkpoint"]["sha256"], inputs.checkpoint.name
            what = f"checkpoint {name} had sha256 {was}, now it is {inputs.checkpoint.sha256}"
            raise BadInput(str(run.directory), Problem(what, where="data.json", fix="bring the one that the run had"))
        (seed,) = checked.recipe.seeds
        out.mkdir(exist_ok=True)
        if plan.processes == 1:
            return runs.run_seed(inputs, seed, out, watch).directory
        _start(run, plan, out, offline)
        return out / f"{checked.recipe.name}-{prepare.digest(inputs, seed)}"


def _start(run: Run, plan: Plan, out: Path, offline: bool) -> None:
    """Run it in processes of their own; what they print goes to standard error."""
    line = [sys.executable, "-m", "nlptl", "run", str(run.directory / "recipe.yaml"), *plan.overrides]
    line += ["--out", str(out), "--processes", str(plan.processes), *(["--offline"] if offline else [])]
    code = subprocess.run(line, stdout=sys.stderr.fileno(), check=False).returncode
    if code:
        fault = NlptlError(f"{run.directory}: the replay ended with exit code {code}; its own message says why")
        fault.exit_code = code if code > 0 else 128 - code
        raise fault
