"""From a checkpoint to transformers' model: the one place that calls a model's `from_pretrained`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from nlptl.backbone.adapters import put_in
from nlptl.backbone.checkpoint import Checkpoint
from nlptl.screening import bad
from nlptl.tasks import Model


def open_model(
    checkpoint: Checkpoint, auto_class: str, changes: Mapping[str, Any], *,
    head: str, head_seed: int, pad_token_id: int, merged: bool,
) -> Model:  # fmt: skip
    """Open the checkpoint as transformers' `auto_class`, its configuration changed, in fp32.

    `head`: `new` draws what is outside of the body from `head_seed` (but for a layer that masked language modelling
    trained), `keep` takes it as it is stored, `none` says that there is nothing outside. `merged`: what an adapter does
    is added to the weights. Raises BadInput for weights that are missing or have other sizes: transformers would fill
    them with random values without a word.
    """
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(checkpoint.directory, trust_remote_code=False)
    for key, value in changes.items():
        setattr(config, key, value)
    config.pad_token_id = pad_token_id
    kind = getattr(transformers, auto_class)._model_mapping[type(config)]
    root = checkpoint.root
    renamed = _renamed(root, getattr(kind, "base_model_prefix", ""))
    with silent(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(head_seed)
        module, told = getattr(transformers, auto_class).from_pretrained(
            root.directory, config=config, use_safetensors=True, trust_remote_code=False, dtype=torch.float32,
            ignore_mismatched_sizes=True, output_loading_info=True, key_mapping=renamed,
            **_without_pooler(auto_class, config),
        )  # fmt: skip
        if renamed:
            module._weight_conversions = None  # or saving would undo it, and what is saved could not be loaded
        names = [name for name, _ in module.named_parameters()]
        outside = _outside(module, names) if head != "none" else set()
        if head == "new" and not _is_masked(checkpoint):
            _draw_again(module, {name for name in outside if name not in told["missing_keys"]})
    known = put_in(checkpoint, module, outside, head=head, merged=merged)
    wrong = {key for key, *_ in told["mismatched_keys"]} - known - (outside if head == "new" else set())
    if wrong:
        raise bad(checkpoint.name, f"weights have other sizes than its config.json says: {sorted(wrong)[:5]}")
    missing = {key for key in told["missing_keys"] if key in names} - known
    body = {name for name in missing - outside if ".pooler." not in name}
    if body:
        raise bad(
            checkpoint.name,
            f"weights of the body are missing: {sorted(body)[:5]}",
            "the checkpoint is not of this architecture",
        )
    if head == "keep" and missing:
        raise bad(checkpoint.name, f"weights of the head are missing: {sorted(missing)}", "set task.head: new")
    return Model(module, frozenset(outside | missing))


def _renamed(checkpoint: Checkpoint, prefix: str) -> dict[str, str] | None:
    """Give what turns the stored names of a body into those of a class that calls its body otherwise.

    Llama's and Qwen's classes for answers say "transformer" where all others of theirs say "model"; without this
    transformers fills the whole body with random values, and warns.
    """
    other = {"transformer": "model", "model": "transformer"}.get(prefix, "")
    stored = {key.split(".")[0] for key in checkpoint.keys}
    if prefix in stored or f"{other}.embed_tokens.weight" not in checkpoint.keys:
        return None
    return {rf"^{other}\.": f"{prefix}."}


HEADS = frozenset({"classifier", "score", "classification_head", "qa_outputs"})
"""What transformers calls its heads: what T5's for answers has beside its stacks, and a mark of one elsewhere."""


def _outside(module: Any, names: list[str]) -> set[str]:
    """Name the parameters that are not of the body."""
    prefix = module.base_model_prefix
    if hasattr(module, prefix):
        return {name for name in names if not name.startswith(f"{prefix}.")}
    found = {name for name in names if name.split(".")[0] in HEADS}
    assert found, f"no head is known in {type(module).__name__}"
    return found


def _is_masked(checkpoint: Checkpoint) -> bool:
    """Say whether the checkpoint's own head is of masked language modelling.

    ModernBERT's classifiers stand on that head's dense layer, trained as it is; no other architecture shares one.
    """
    return any(name.endswith("ForMaskedLM") for name in checkpoint.config.get("architectures") or [])


def _without_pooler(auto_class: str, config: Any) -> dict[str, bool]:
    """Leave the pooler of a bare body away: nothing reads it, and not every checkpoint stores one."""
    import inspect

    import transformers

    if auto_class != "AutoModel":
        return {}
    kind = transformers.AutoModel._model_mapping[type(config)]
    return {"add_pooling_layer": False} if "add_pooling_layer" in inspect.signature(kind).parameters else {}


def transformer_of(module: Any) -> Any:
    """Give transformers' model: the module itself, or the `body` of a module of ours."""
    from transformers import PreTrainedModel

    return module if isinstance(module, PreTrainedModel) else module.body


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Keep transformers from printing what it loads: what matters of it is checked and raised here."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _draw_again(module: Any, names: set[str]) -> None:
    """Draw the head that the checkpoint brought anew, as the architecture initialises it."""
    for owner in sorted({name.rsplit(".", 1)[0] for name in names}):
        part = module.get_submodule(owner)
        for parameter in part.parameters():
            parameter._is_hf_initialized = False
        part._is_hf_initialized = False
        module._init_weights(part)
