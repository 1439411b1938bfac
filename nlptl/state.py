"""The moving parts of a run: built, checkpointed, resumed, and the best weights kept. All as safetensors and JSON."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nlptl import artifacts, backbone, engine, frozen, groups, memories, seeds
from nlptl.computing import Computing
from nlptl.errors import BadInput, Problem
from nlptl.job import Job, Progress
from nlptl.prepare import Inputs
from nlptl.recipe import Recipe
from nlptl.tasks import Feature, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

LOG = "log.jsonl"


def head_seed(seed: int) -> int:
    """Give the seed of a new head."""
    return seeds.derive(seed, "head")


def build(
    recipe: Recipe, opened: backbone.Opened, fitted: Any, features: Sequence[Feature], computing: Computing, seed: int,
    *, total: int,
) -> engine.Trained:  # fmt: skip
    """Attach the head, tune, make the optimizer, prepare for the device and the processes, in this order; `total` is
    the number of steps.
    """
    from nlptl.modules import attention, called_dropout, dropout, embedding, first_token, recomputing

    model = backbone.with_depths(recipe.task.attach(opened, fitted, "recipe"))
    body = backbone.transformer_of(model.module)
    for kind in recipe.tuning:
        model = kind.apply(model, seed)
    module: Any = model.module
    noise = None
    attention.choose(body, recipe.machine.attention)
    first_token.narrow(body)
    if recipe.machine.gradient_checkpointing is True:
        recomputing.enable(body)
    if computing.device.type == "cpu":
        noise = dropout.Noise(padding=opened.padding_side)
        dropout.install(module, noise)
        called_dropout.install(module, noise)
    bottom = backbone.frozen_bottom(model)
    if bottom is not None and recipe.machine.frozen == "auto":
        bottom.install()
    counts = [(one.numel(), one.requires_grad) for one in module.parameters()]
    used = {token for feature in features for token in feature.input_ids}
    table = embedding.trim(body, range(body.config.vocab_size) if recipe.task.varies(opened) else used)
    made = groups.make_groups(model, recipe.train, recipe.tuning)
    optimizer = groups.optimizer(made, recipe.train.learning_rate)
    module.to(computing.device)
    course = next((found for kind in recipe.tuning if (found := kind.phases(model, total, recipe.train.epochs))), [])
    remembered = {kind.kind: kind.start(model) for kind in recipe.tuning}
    own = [one for kind in recipe.tuning for one in kind.learns(remembered[kind.kind])]
    if own:
        optimizer.add_param_group({"params": own, "weight_decay": 0.0})
    return engine.Trained(  # each phase prepares anew
        module=module if course or computing.accelerator.num_processes == 1 else computing.accelerator.prepare(module),
        computing=computing, bare=module, optimizer=optimizer, scales=[one.scale for one in made] + [1.0] * bool(own),
        parameters=sum(size for size, _ in counts), trainable=sum(size for size, moves in counts if moves),
        trimmed=table if isinstance(table, embedding.TrimmedEmbedding) else None, noise=noise,
        frozen=frozen.Frozen(bottom, computed_each_time(recipe, opened)), model=model, phases=course,
        memories=remembered,
        world=computing.accelerator.num_processes, rank=computing.accelerator.process_index,
    )  # fmt: skip


def computed_each_time(recipe: Recipe, opened: backbone.Opened) -> str:
    """Say why what is frozen is computed for each pass; nothing where it is replayed."""
    off = "machine.frozen: off" if recipe.machine.frozen == "off" else ""
    return next(filter(None, (off, recipe.task.varies(opened), *(kind.replays() for kind in recipe.tuning))), "")


def verbs(task: Task, opened: backbone.Opened, fitted: Any) -> engine.Verbs:
    """Fill the task's verbs with what they need."""
    return engine.Verbs(
        collate=lambda features: task.collate(features, opened, fitted),
        loss=lambda module, batch: task.loss(module, batch, opened, fitted),
        drawn=lambda features, seed, step: task.drawn(features, opened, fitted, seed=seed, step=step),
    )


def log(directory: Path, step: engine.Step) -> None:
    """Append a step to the log."""
    artifacts.append_line(directory / LOG, asdict(step))


def checkpoint(job: Job, progress: Progress) -> None:
    """Save all that the next step depends on. Randomness needs nothing: every draw is a function of seed, step and
    example.
    """
    if job.main:
        artifacts.save(job.directory, progress.step, partial(_write, job, progress), job.inputs.recipe.machine.keep)
        _prune_best(job.directory, progress.best_step)
    job.computing.wait()


def _prune_best(directory: Path, best_step: int) -> None:
    """Remove the best weights that no kept checkpoint would go on with."""
    named = {f"best-{best_step:08d}"}
    for file in directory.glob("checkpoints/step-*/state.json"):
        named.add(f"best-{artifacts.read_json(file)['progress']['best_step']:08d}")
    for folder in directory.glob("best-*"):
        if folder.name not in named:
            shutil.rmtree(folder)


def _write(job: Job, progress: Progress, folder: Path) -> None:
    from safetensors.torch import save_file

    save_file(_tensors(job.moving.bare), folder / "model.safetensors")
    save_file(_moments(job), folder / "optimizer.safetensors")
    memories.write(folder, job.inputs.recipe.tuning, job.moving.memories)
    trimmed = job.moving.trimmed
    state = {
        "progress": asdict(progress),
        "world": job.moving.world,
        "versions": _versions(),
        "scaler": job.computing.scaler.state_dict() if job.computing.scaler else None,
        "rest_decay": trimmed.rest_decay if trimmed else None,
    }
    artifacts.write_json(folder / "state.json", state)


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Give the parameters and buffers by name; tensors that share memory once, under their first name."""
    found: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in module.state_dict().items():
        if tensor.data_ptr() not in seen or tensor.numel() == 0:
            seen.add(tensor.data_ptr())
            found[name] = tensor.detach().cpu().contiguous()
    return found


def _moments(job: Job) -> dict[str, Tensor]:
    inner: Any = job.moving.optimizer
    found = {}
    for group_number, group in enumerate(inner.param_groups):
        for number, parameter in enumerate(group["params"]):
            for name, tensor in inner.state.get(parameter, {}).items():
                found[f"{group_number}.{number}.{name}"] = tensor.detach().cpu().contiguous()
    return found


def resume(job: Job) -> Progress:
    """Take up the newest good checkpoint, if there is one, and cut the log to it."""
    if job.main:
        artifacts.recover(job.directory)
    found = artifacts.newest(job.directory, job.watch.say) if job.main else None
    if job.moving.world > 1:
        from accelerate.utils import broadcast_object_list

        (found,) = broadcast_object_list([found])
    if found is None:
        if job.main:
            artifacts.truncate_log(job.directory / LOG, lambda record: False)
        return Progress()
    progress = _read(job, found)
    if job.main:
        artifacts.truncate_log(job.directory / LOG, lambda record: record["number"] <= progress.step)
    job.watch.say(f"going on after step {progress.step} of {job.total}")
    return progress


def _read(job: Job, folder: Path) -> Progress:
    import torch
    from safetensors.torch import load_file

    state = artifacts.read_json(folder / "state.json")
    if state["world"] != job.moving.world:
        what = f"begun with {state['world']} processes, it cannot go on with {job.moving.world}: other sums, other bits"
        raise BadInput(str(job.directory), Problem(what, fix=f"use --processes {state['world']}, or another --out"))
    changed = [
        f"{name} was {old}, is {new}"
        for name, new in _versions().items()
        if (old := state["versions"].get(name)) != new
    ]
    if changed:
        fix = "install those versions again, or start anew with another --out"
        raise BadInput(str(job.directory), Problem(f"begun with other libraries: {'; '.join(changed)}", fix=fix))
    _load_tensors(job.moving.bare, load_file(folder / "model.safetensors"))
    moments = load_file(folder / "optimizer.safetensors")
    inner: Any = job.moving.optimizer
    for key, tensor in moments.items():
        group, number, name = key.split(".", 2)
        parameter = inner.param_groups[int(group)]["params"][int(number)]
        inner.state.setdefault(parameter, {})[name] = tensor.to(parameter.device).clone(
            memory_format=torch.preserve_format
        )
    memories.read(folder, job.moving.memories)
    if job.moving.trimmed is not None:
        job.moving.trimmed.rest_decay = state["rest_decay"]
    if job.computing.scaler:
        job.computing.scaler.load_state_dict(state["scaler"])
    saved: Mapping[str, Any] = state["progress"]
    return Progress(**{**saved, "history": tuple(saved["history"])})


def _load_tensors(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy tensors into a module; shared ones are stored once, so only unknown names are faults."""
    missing, unexpected = module.load_state_dict(dict(tensors), strict=False)
    assert not unexpected, f"stored tensors that the model has not: {unexpected[:5]}"
    own = module.state_dict()
    stored = {own[name].data_ptr() for name in tensors}
    lost = [name for name in missing if own[name].data_ptr() not in stored]
    assert not lost, f"tensors of the model that are not stored: {lost[:5]}"


def _versions() -> dict[str, str]:
    """Give the versions of the libraries that decide on the bits of a step."""
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "transformers", "tokenizers", "accelerate")}


def asked(job: Job) -> Literal["", "save", "leave"]:
    """Say what signals asked for since the last step; all processes agree, whichever of them the signal reached."""
    stop = job.stop
    found = 2 * int(stop.stop or 0) + int(stop.take_save())
    if job.moving.world > 1:
        import torch

        flag = torch.tensor([found], device=job.computing.device)
        found = int(job.computing.accelerator.gather(flag).max())
    if found >= 2:
        stop.stop = signal.Signals(found // 2)
        return "leave"
    return "save" if found else ""


def check_room(directory: Path, inputs: Inputs) -> None:
    """Refuse to begin where the disk has no room for the checkpoints: weights and two moments each, in fp32."""
    one = 3 * sum(file.stat().st_size for file in inputs.checkpoint.root.directory.glob("*.safetensors"))
    artifacts.space_for(directory.parent, int((inputs.recipe.machine.keep + 1.2) * one))


def keep_best(job: Job, step: int) -> None:
    """Write the weights as they are now to `best-STEP/`, whole or not at all; older ones stay until no checkpoint
    names them.
    """
    from safetensors.torch import save_file

    def write(folder: Path) -> None:
        save_file(_tensors(job.moving.bare), folder / "model.safetensors")
        trimmed = job.moving.trimmed
        artifacts.write_json(
            folder / "best.json", {"step": step, "rest_decay": trimmed.rest_decay if trimmed else None}
        )

    if job.main:
        artifacts.publish(job.directory / f"best-{step:08d}", write)
    job.computing.wait()


def load_best(job: Job, step: int) -> None:
    """Put the best weights back into the model, after checking every byte of them."""
    from safetensors.torch import load_file

    folder = job.directory / f"best-{step:08d}"
    faults = artifacts.verify(folder)
    stored = artifacts.read_json(folder / "best.json")
    if faults or stored["step"] != step:
        fix = f"remove {folder.parent} and run again"
        raise BadInput(
            str(folder), [Problem(fault, fix=fix) for fault in faults or [f"holds step {stored['step']}, not {step}"]]
        )
    _load_tensors(job.moving.bare, load_file(folder / "model.safetensors"))
    if job.moving.trimmed is not None:
        job.moving.trimmed.rest_decay = stored["rest_decay"]


def plain(moving: engine.Trained) -> nn.Module:
    """Give the model as transformers knows it: whole embedding table, stock dropout and attention."""
    from nlptl.modules import attention, called_dropout, dropout, embedding, first_token

    module = moving.bare
    if moving.frozen.bottom is not None:
        moving.frozen.bottom.remove()
    body = backbone.transformer_of(module)
    embedding.restore(body)
    dropout.remove(module)
    called_dropout.remove(module)
    first_token.restore(body)
    attention.restore(body)
    return module
