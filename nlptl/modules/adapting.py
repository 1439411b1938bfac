"""Adapters of peft inside a model: put in, written in peft's own format, read back, merged into the weights.

peft's wrapper around a whole model is not used: layers are replaced in place, so the model keeps its class, and the
names of parameters stay as they are but for what lies inside a replaced layer. The body is named without the prefix
that its class gives it, so that what a classifier learnt can be put into a body that parses.
"""

from __future__ import annotations

import copy
import json
import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from nlptl.errors import BadInput, Problem
from nlptl.tasks import Model

if TYPE_CHECKING:
    from torch import Tensor, nn

LINEAR = frozenset({"Linear", "Conv1D"})
"""Classes that peft puts an adapter in; Conv1D is what transformers calls GPT-2's linear layers."""

KINDS = frozenset({"LORA", "IA3", "ADALORA"})
PARTS = ("lora_", "ia3_")
"""How peft's names for what stands in a layer begin."""
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
NAME = "default"
WRAPPED = "base_model.model."
"""What peft puts before each name in its files: the path to the model inside of its wrapper."""


def targets(model: Model, blocks: int | None, wanted: str | Sequence[str]) -> dict[str, str]:
    """Name the linear layers of the top blocks (None: of all) for an adapter, as in `base_model`, with their classes.

    `wanted`: "all", "attention" (where the path says so), or endings of paths. The head is never among them. Raises
    BadInput for more blocks than there are, and for endings that name no layer.
    """
    if blocks is not None and blocks > model.blocks:
        raise BadInput("tuning", f"{blocks} blocks are named, the checkpoint has {model.blocks}")
    lowest = 1 if blocks is None else model.blocks - blocks + 1
    base = _transformer(model.module).base_model
    depths = {
        id(one): model.depths[name] for name, one in model.module.named_parameters() if name not in model.head
    }  # by the tensor: an output layer that is the embedding table goes by one name
    found = {
        path: type(part).__name__
        for path, part in base.named_modules()
        if type(part).__name__ in LINEAR and lowest <= depths.get(id(part.weight), 0) <= model.blocks
    }
    if wanted == "all":
        return found
    if wanted == "attention":
        return {path: kind for path, kind in found.items() if re.search("att(entio)?n", path, re.IGNORECASE)}
    for ending in wanted:
        if not any(_ends(path, ending) for path in found):
            known = sorted({path.rpartition(".")[2] for path in found})
            what = f"no linear layer of these blocks has a name that ends in '{ending}'"
            raise BadInput("tuning", Problem(what, fix=f"layers that there are end in {', '.join(known)}"))
    return {path: kind for path, kind in found.items() if any(_ends(path, ending) for ending in wanted)}


def narrowing(model: Model, paths: Collection[str]) -> set[str]:
    """Give those of linear layers, named as in `base_model`, that have more inputs than outputs: the second layer of a
    feed-forward part.
    """
    base = _transformer(model.module).base_model

    def narrows(layer: Any) -> bool:
        outputs, inputs = layer.weight.shape if type(layer).__name__ == "Linear" else reversed(layer.weight.shape)
        return bool(inputs > outputs)

    return {path for path in paths if narrows(base.get_submodule(path))}


def _ends(path: str, ending: str) -> bool:
    return path == ending or path.endswith(f".{ending}")


def _transformer(module: Any) -> Any:
    from transformers import PreTrainedModel

    return next(part for part in module.modules() if isinstance(part, PreTrainedModel))


def adapt(model: Model, settings: Mapping[str, Any], seed: int) -> Model:
    """Put an adapter into the body, freeze all else but the head; what is new lies at the depth of its layer."""
    body = _transformer(model.module)
    if type(body).__name__.endswith("ForMaskedLM"):
        what = "peft's format cannot hold the head of masked language modelling, which is trained beside an adapter"
        raise BadInput("tuning", Problem(what, field="tuning", fix="take full, freeze or another kind without one"))
    depths = {id(one): model.depths[name] for name, one in model.module.named_parameters()}
    inject(body, settings, seed)
    for name, one in model.module.named_parameters():
        one.requires_grad_(one.requires_grad or name in model.head)
    own = {path: depths[id(layer.get_base_layer().weight)] for path, layer in layers(model.module)}
    named = {
        name: depths[id(one)] if id(one) in depths else next(own[path] for path in own if name.startswith(f"{path}."))
        for name, one in model.module.named_parameters()
    }
    return replace(model, depths=named)


def inject(model: Any, settings: Mapping[str, Any], seed: int) -> None:
    """Replace the layers that `settings` (peft's configuration, its `target_modules` named as in `base_model`) names;
    everything but the new parameters is frozen. They are drawn from `seed`.
    """
    import peft

    config = _config(settings)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        torch.default_generator.manual_seed(seed)
        warnings.simplefilter("ignore")  # of Conv1D, which it finds out for itself
        peft.inject_adapter_in_model(config, model, adapter_name=NAME)
    model.peft_config[NAME] = _config(settings)  # peft shortens the names in its own, as this model alone allows


def _config(settings: Mapping[str, Any]) -> Any:
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    kind: Any = PEFT_TYPE_TO_CONFIG_MAPPING[settings["peft_type"]]
    return kind(**{name: value for name, value in settings.items() if name != "peft_type"})


def adapted(model: Any) -> bool:
    """Say whether an adapter stands in a model."""
    return bool(getattr(model, "peft_config", None))


def layers(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """Give path and module of each layer that an adapter stands in."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    yield from [(path, part) for path, part in model.named_modules() if isinstance(part, BaseTunerLayer)]


def prefix_of(model: Any) -> str:
    """Give what the class of a model puts before the names of its body, the dot included: `bert.`, or nothing."""
    found = next(path for path, part in model.named_modules() if part is model.base_model)
    return f"{found}." if found else ""


def write(folder: Path, model: Any, base: str, revision: str | None) -> None:
    """Write the adapter and all else that was trained as peft's `save_pretrained` does; `base`: what it was put into.

    What was trained beside the adapter (the head) is named in `modules_to_save`, so that plain peft brings it back.
    """
    import peft
    from safetensors.torch import save_file

    adapter = peft.get_peft_model_state_dict(model, save_embedding_layers=False)
    own = {f"{path}." for path, _ in layers(model)}
    beside = {
        name: one.detach()
        for name, one in model.named_parameters()
        if one.requires_grad and not any(name.startswith(path) for path in own)
    }
    config = copy.deepcopy(model.peft_config[NAME])
    config.base_model_name_or_path, config.revision, config.inference_mode = base, revision, True
    config.modules_to_save = _modules(model, beside) or None
    config.save_pretrained(folder)
    tensors = {f"{WRAPPED}{name}": one.cpu().contiguous() for name, one in (adapter | beside).items()}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def _modules(model: nn.Module, names: Mapping[str, Tensor]) -> list[str]:
    """Give the outermost modules all of whose parameters are among `names`; they hold each of them."""
    left, found = set(names), []
    for path, part in model.named_modules():
        inside = {f"{path}.{name}" for name, _ in part.named_parameters()}
        if path and inside and inside <= left:
            found.append(path)
            left -= inside
    assert not left, f"no module of its own holds {sorted(left)[:5]}"
    return found


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Give the configuration and the tensors that `write` wrote, named as in the model that was written."""
    from safetensors.torch import load_file

    found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    if found.get("peft_type") not in KINDS:
        raise ValueError(f"adapters of kind {found.get('peft_type')!r} are not known here")
    tensors = {name.removeprefix(WRAPPED): one for name, one in load_file(folder / WEIGHTS).items()}
    return found, tensors


def put_back(model: Any, folder: Path, prefix: str, *, without: Collection[str], merge: bool) -> set[str]:
    """Bring what `write` wrote of a model with that `prefix` into one of perhaps another class; give the names of its
    parameters that were replaced, all but those `without`.

    `merge`: into the weights themselves, so that no adapter is left. Raises ValueError where it does not fit.
    """
    import peft

    settings, tensors = read(folder)
    own = prefix_of(model)
    renamed = {
        own + name.removeprefix(prefix) if name.startswith(prefix) else name: one for name, one in tensors.items()
    }
    known = {name for name, _ in model.named_parameters()}
    beside = {name: one for name, one in renamed.items() if name in known}
    inject(model, {**settings, "modules_to_save": None, "base_model_name_or_path": None, "inference_mode": False}, 0)
    new = {name for name, one in model.named_parameters() if one.requires_grad}
    adapter = {name: one for name, one in renamed.items() if any(part.startswith(PARTS) for part in name.split("."))}
    told: Any = peft.set_peft_model_state_dict(model, adapter)
    odd = sorted({*told.unexpected_keys, *(new & set(told.missing_keys))})
    if odd:
        raise ValueError(f"its tensors are others: {odd[:5]}")
    with torch.no_grad():
        named = dict(model.named_parameters())
        for name in beside.keys() - set(without):
            named[name].copy_(beside[name])
    for one in model.parameters():
        one.requires_grad_(True)
    if merge:
        merged(model)
    return beside.keys() - set(without)


def merged(model: Any) -> None:
    """Add what the adapters do to the weights of the layers in which they stand, and take them out."""
    for path, layer in layers(model):
        layer.merge()
        owner, _, name = path.rpartition(".")
        setattr(model.get_submodule(owner), name, layer.get_base_layer())
    del model.peft_config
