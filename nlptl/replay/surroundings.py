"""What a run had around it, and how to give it that again: folder, variables, threads, device, processes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nlptl import artifacts, checks, prepare
from nlptl.checks import Checked
from nlptl.compare.opening import Run
from nlptl.compare.settings import leaves
from nlptl.errors import BadInput, Problem
from nlptl.replay.matching import Unlike, unlike


@dataclass(frozen=True)
class Plan:
    """How a run is done again: the folder that its relative paths mean, and what it must be told of the machine."""

    folder: Path
    overrides: tuple[str, ...]
    processes: int
    variables: Mapping[str, str]
    notes: tuple[str, ...]


def changes(run: Run) -> list[Unlike]:
    """Give what is not here as it was for the run: versions, processor, git commit, variables."""
    return unlike(dict(leaves(run.environment)), dict(leaves(artifacts.environment(Path.cwd()))))


def plan_of(run: Run) -> Plan:
    """Find out how to give the run the surroundings that it had."""
    notes, overrides, variables = [], [], {}
    before = run.environment.get("variables", {})
    data = before.get("NLPTL_DATA")
    if data and not os.environ.get("NLPTL_DATA") and Path(data).is_dir():
        variables["NLPTL_DATA"] = data
        notes.append(f"$NLPTL_DATA is not set; the run's is taken: {data}")
    threads = before.get("OMP_NUM_THREADS", "")
    told = run.recipe.get("machine", {}).get("threads")
    if told is None and threads.isdigit() and int(threads) and threads != os.environ.get("OMP_NUM_THREADS"):
        overrides.append(f"machine.threads={threads}")
        notes.append(f"with $OMP_NUM_THREADS of the run: {threads} threads")
    on_cuda = run.report["training"].get("peak_device_memory_mib") is not None
    overrides += _device(run, on_cuda, notes)
    with setting(variables):
        folder = _folder(run)
    if folder != Path.cwd():
        notes.append(f"relative paths of the recipe are meant from {folder}")
    processes = int(run.report["training"].get("processes") or 1)
    if processes > 1:
        notes.append(f"with {processes} processes, as the run had")
    return Plan(folder, tuple(overrides), processes, variables, tuple(notes))


def _device(run: Run, on_cuda: bool, notes: list[str]) -> list[str]:
    """Give the override that puts the replay on the run's device, where the recipe leaves the choice."""
    if run.recipe.get("machine", {}).get("device") != "auto":
        return []
    import torch

    if on_cuda and not torch.cuda.is_available():
        notes.append("the run was on a GPU and there is none here: the last digits of its numbers will differ")
    elif not on_cuda and torch.cuda.is_available():
        notes.append("on the CPU, as the run was")
        return ["machine.device=cpu"]
    return []


def _folder(run: Run) -> Path:
    """Give the folder from which the recipe's relative paths lead to the run's card and data: the working directory,
    or one above the run. Raises what stands in the way here where there is none.
    """
    faults: list[BadInput] = []
    for folder in (Path.cwd(), *run.directory.resolve().parents):
        try:
            with contextlib.chdir(folder):
                checked = checks.check(run.directory / "recipe.yaml")
                try:
                    _check_data(run, checked)
                except BadInput as fault:  # the card is here: this says more than that other folders have none
                    faults.insert(0, fault)
                    continue
            return folder
        except BadInput as fault:
            faults.append(fault)
        except OSError:
            continue
    raise faults[0]


def _check_data(run: Run, checked: Checked) -> None:
    """Raise BadInput unless card and data have the fingerprint that the run wrote down."""
    found = prepare.fingerprint_of_rows(checked.recipe, checked.card, sorted(run.data["rows"]))
    if found != run.data["sha256"]:
        what = f"card and data '{checked.card.name}' had sha256 {run.data['sha256']}, now it is {found}"
        fix = "a replay needs the card, the files and the nlptl that the run had"
        raise BadInput(str(run.directory), Problem(what, where="data.json", fix=fix))


@contextlib.contextmanager
def setting(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment, all of them unset before."""
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
