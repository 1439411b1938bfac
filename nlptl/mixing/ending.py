"""The end of a mixture: every task scored, saved and reloaded as a run of its own, bodies held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nlptl import artifacts, finishing, mixtures, report, state
from nlptl.errors import ReloadMismatch
from nlptl.job import Job, Progress
from nlptl.mixing import joining, page
from nlptl.mixing.training import Together, metric_of
from nlptl.plans import Heads
from nlptl.version import __version__


def write_beginning(together: Together, stage: str, temperature: float, heads: Heads, shares: Sequence[float]) -> None:
    """Write down which tasks a run trains together. One that goes on finds it there."""
    job = together.whole
    if (job.directory / mixtures.MIXTURE).is_file():
        return
    entries = [
        {"name": name, "recipe": one.inputs.recipe.name, "task": one.inputs.recipe.task.kind,
         "card": one.inputs.card.name, "share": share, "steps": len(together.taken(name, job.total))}
        for (name, one), share in zip(together.entries.items(), shares, strict=True)
    ]  # fmt: skip
    begun = {"nlptl": __version__, "stage": stage, "seed": job.seed, "temperature": temperature, "heads": heads}
    written = {**begun, "steps": job.total, "entries": entries, "finished": False}
    artifacts.write_json(job.directory / mixtures.MIXTURE, written)


def finished(directory: Path) -> bool:
    """Say whether a mixture's run is finished."""
    said = mixtures.read(directory)
    return said is not None and bool(said.get("finished"))


def finish(together: Together, progress: Progress) -> dict[str, dict[str, Any]]:
    """Take the best weights, conclude each task as a run of its own, and say what all of it was; give the reports by
    task. Raises ReloadMismatch where the bodies that were saved are not equal byte for byte.
    """
    state.load_best(together.whole, progress.best_step)
    found = {}
    for name, job in together.entries.items():
        done = report.finished(job.directory)
        if done is None:
            job.watch.say(f"{name}: scoring and saving")
            own, log = _of(together, name, progress)
            artifacts.write_text(job.directory / state.LOG, "")
            for record in log:
                artifacts.append_line(job.directory / state.LOG, record)
            done = finishing.conclude(replace(job, total=len(together.taken(name, job.total))), own)
        found[name] = done
    said = mixtures.read(together.whole.directory) or {}
    shared = _same(together, one_head=said["heads"] == "one")
    chosen = {"taken": progress.step, "best_step": progress.best_step, "best_score": progress.best_score}
    whole = {"seconds": progress.seconds, "stopped_early": progress.stopped_early, "shared_tensors": shared}
    written = {**said, **chosen, **whole, "history": list(progress.history), "finished": True}
    artifacts.write_json(together.whole.directory / mixtures.MIXTURE, written)
    _attempt(together.whole)
    return found


def _attempt(job: Job) -> None:
    """Make the page, which a run can do without; say a fault and go on."""
    try:
        page.write(job.directory)
    except Exception as fault:
        first = " ".join(str(fault).split())[:300]
        job.watch.say(f"warning: the page could not be made ({type(fault).__name__}: {first}); the run is whole")


def _of(together: Together, name: str, progress: Progress) -> tuple[Progress, list[dict[str, Any]]]:
    """Give how one task went, and its log, its own steps counted from 1."""
    job = together.entries[name]
    taken = together.taken(name, progress.step)
    own = {step: number for number, step in enumerate(taken, 1)}
    log = [
        {**record, "number": own[record["number"]]}
        for record in artifacts.read_lines(together.whole.directory / state.LOG)
        if record["number"] in own
    ]

    def until(step: int) -> int:
        return sum(one <= step for one in taken)

    history = tuple({"step": until(one["step"]), "metrics": one["entries"].get(name, {})} for one in progress.history)
    best: dict[str, Any] = next((one["entries"] for one in progress.history if one["step"] == progress.best_step), {})
    score = metric_of(job, best[name]) if name in best else progress.best_score
    told = replace(
        progress, step=len(taken), best_step=until(progress.best_step), best_score=score, history=history,
        seconds=sum(record["seconds"] for record in log),
    )  # fmt: skip
    return told, log


def _same(together: Together, *, one_head: bool) -> int:
    """Hold the bodies that were saved against each other, and the heads where there is one for all; give how many
    tensors two or more of them share.
    """
    from safetensors import safe_open

    stored: dict[str, tuple[str, Any]] = {}
    shared: set[str] = set()
    for name, job in together.entries.items():
        prefix = _prefix(job)
        ours = set(joining.bodies(job.moving.model))
        ours |= {name.removeprefix(prefix) for name in job.moving.model.head if one_head}
        for file in sorted((job.directory / "model").glob("*.safetensors")):
            with safe_open(file, framework="pt") as tensors:
                for key in tensors.keys():  # noqa: SIM118 - no mapping, though it has this verb
                    short = key.removeprefix("base_model.model.").removeprefix(prefix)
                    if short in ours or _in_body(short, ours):
                        _hold(stored, shared, name, short, tensors.get_tensor(key))
    return len(shared)


def _prefix(job: Job) -> str:
    from nlptl import backbone

    return f"{backbone.transformer_of(job.moving.bare).base_model_prefix}."


def _in_body(short: str, ours: set[str]) -> bool:
    """Say whether a stored name is an adapter's: peft's files leave the adapter's own name out."""
    return any(short == name.replace(".default.", ".") for name in ours if ".default." in name)


def _hold(stored: dict[str, tuple[str, Any]], shared: set[str], name: str, key: str, tensor: Any) -> None:
    import torch

    first, held = stored.setdefault(key, (name, tensor))
    if held is tensor:
        return
    if not torch.equal(held, tensor):
        raise ReloadMismatch(f"{key} differs between the models of {first} and {name}: they were to have one body")
    shared.add(key)
