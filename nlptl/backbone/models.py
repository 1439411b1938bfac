"""From a checkpoint to transformers' model: the one place that calls a model's `from_pretrained`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nlptl.backbone.checkpoint import Checkpoint
from nlptl.screening import bad
from nlptl.tasks import Model


def open_model(
    checkpoint: Checkpoint, auto_class: str, changes: Mapping[str, Any], *, head: str, head_seed: int, pad_token_id: int
) -> Model:
    """Open the checkpoint as transformers' `auto_class`, its configuration changed, in fp32.

    `head`: `new` draws what is outside of the body from `head_seed`, `keep` takes it as it is stored, `none` says that
    there is nothing outside. Raises BadInput for weights that are missing or have other sizes: transformers would fill
    them with random values without a word.
    """
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(checkpoint.directory, trust_remote_code=False)
    for key, value in changes.items():
        setattr(config, key, value)
    config.pad_token_id = pad_token_id
    with silent(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(head_seed)
        module, told = getattr(transformers, auto_class).from_pretrained(
            checkpoint.directory, config=config, use_safetensors=True, trust_remote_code=False, dtype=torch.float32,
            ignore_mismatched_sizes=True, output_loading_info=True, **_without_pooler(auto_class, config),
        )  # fmt: skip
        prefix = f"{module.base_model_prefix}."
        names = [name for name, _ in module.named_parameters()]
        outside = {name for name in names if not name.startswith(prefix)} if head != "none" else set()
        if head == "new":
            _draw_again(module, {name for name in outside if name not in told["missing_keys"]})
    wrong = {key for key, *_ in told["mismatched_keys"]} - (outside if head == "new" else set())
    if wrong:
        raise bad(checkpoint.name, f"weights have other sizes than its config.json says: {sorted(wrong)[:5]}")
    missing = {key for key in told["missing_keys"] if key in names}
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


def blocks_of(module: Any) -> int:
    """Count the equal layers: those that freezing and layer-wise rates go by."""
    numbers = [int(found.group(1)) for name, _ in module.named_parameters() if (found := re.search(r"\.(\d+)\.", name))]
    return max(numbers) + 1 if numbers else 0
