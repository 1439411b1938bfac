"""From a checkpoint's name to a Backbone: the one place that calls `from_pretrained`.

Nothing that a checkpoint brings is executed: safetensors only, no remote code, and configurations that ask for it
are refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlptl.errors import BadInput, Problem
from nlptl.tasks import Model

HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*@[\w./-]+$", re.ASCII)
WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]


@dataclass(frozen=True)
class Checkpoint:
    """A local directory in the layout of the Hugging Face hub, looked through and found safe to load."""

    name: str
    """As the recipe writes it."""
    directory: Path
    config: Mapping[str, Any]
    sha256: str
    """Over the names and contents of weights, configuration and tokenizer: it stands in the run's digest."""
    keys: frozenset[str]
    """Names of the stored tensors."""


@dataclass(frozen=True)
class Opened:
    """The Backbone that tasks see (contract `nlptl.tasks.Backbone`)."""

    checkpoint: Checkpoint
    tokenizer: Any
    family: str
    max_tokens: int
    padding_side: str
    head_seed: int
    notes: tuple[str, ...]
    """What was mended on opening, for the log."""

    def model(self, auto_class: str, config: Mapping[str, Any], head: str) -> Model:
        """Open the checkpoint as `auto_class`; a new head is drawn from the stream "head" of the run's seed."""
        return _open_model(self, auto_class, config, head)

    def head_labels(self) -> tuple[str, ...] | None:
        """Give the label names of the checkpoint's own classification head, or None where it stores none."""
        architectures = self.checkpoint.config.get("architectures") or []
        heads = [
            key for key in self.checkpoint.keys if key.split(".")[0] in ("classifier", "score", "classification_head")
        ]
        if not heads or not any("SequenceClassification" in name for name in architectures):
            return None
        labels = self.checkpoint.config.get("id2label") or {}
        return tuple(labels[number] for number in sorted(labels, key=int))


def resolve(name: str, *, offline: bool = False) -> Path:
    """Give the local directory of a checkpoint: a package's, a directory (a run's `model/`), or a hub snapshot.

    Raises BadInput for what is no checkpoint's name and for what is not there.
    """
    if name.startswith("package:"):
        from nlptl import archives

        return archives.checkpoint(name, offline=offline)
    if re.match(r"^[a-z]+://", name, re.IGNORECASE):
        raise _bad(name, "addresses are not accepted", "name a directory, package:DIST==VERSION or org/name@revision")
    path = Path(name).expanduser()
    if path.is_dir():
        return path / "model" if (path / "model" / "config.json").is_file() else path
    if name.startswith((".", "/", "~")) or path.exists():
        raise _bad(
            name, "there is no such directory" if not path.exists() else "this is a file; a checkpoint is a directory"
        )
    if not name.isascii():
        raise _bad(name, f"a hub id is plain ASCII; this one reads {name!a}", "type it again by hand")
    if not HUB_ID.match(name):
        raise _bad(
            name,
            "neither a directory nor a hub id with its revision",
            "write ./directory, package:DIST==VERSION or org/name@revision",
        )
    return _from_hub(name, offline)


def _from_hub(name: str, offline: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repository, revision = name.rsplit("@", 1)
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=WANTED, local_files_only=offline))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as problem:
        first = str(problem).strip().splitlines()[0]
        fix = f"bring it where there is a network with: nlptl fetch {name}"
        raise _bad(name, f"the hub does not give it ({first})", fix) from None


def inspect(name: str, *, offline: bool = False) -> Checkpoint:
    """Look through a checkpoint without loading it: what is in it, its sha256, and whether it is safe.

    Raises BadInput that names the file for pickled weights, remote code, missing shards and path traversal.
    """
    directory = resolve(name, offline=offline)
    config_file = directory / "config.json"
    if not config_file.is_file():
        raise _bad(name, f"{directory} has no config.json", "a checkpoint is a directory as transformers saves it")
    try:
        config = json.loads(config_file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as problem:
        raise _bad(name, f"config.json cannot be read: {problem}") from None
    if not isinstance(config, dict):
        raise _bad(name, "config.json holds no object")
    if "auto_map" in config:
        raise _bad(
            name,
            "its config.json asks for code of its own (auto_map), which is never run",
            "take an architecture that transformers has",
        )
    files = _weights(name, directory)
    keys = frozenset(key for file in files for key in _keys(name, file))
    total = hashlib.sha256()
    extra = [
        directory / part
        for part in ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "nlptl.json")
    ]
    for file in [*files, *(part for part in extra if part.is_file())]:
        total.update(f"{file.name}\0".encode())
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return Checkpoint(name, directory, config, total.hexdigest(), keys)


def _weights(name: str, directory: Path) -> list[Path]:
    single, index = directory / "model.safetensors", directory / "model.safetensors.index.json"
    if single.is_file():
        return [single]
    if index.is_file():
        shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        strange = [shard for shard in shards if Path(shard).name != shard]
        if strange:
            raise _bad(name, f"its index names files outside of it: {strange}")
        missing = [shard for shard in shards if not (directory / shard).is_file()]
        if missing:
            raise _bad(name, f"shards of its index are missing: {missing}")
        return [directory / shard for shard in shards]
    pickled = sorted(
        file.name for pattern in ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt") for file in directory.glob(pattern)
    )
    if pickled:
        fix = "where you trust them, load them with transformers and write them again with save_pretrained"
        raise _bad(name, f"its weights {pickled} are pickled, and loading a pickle runs code", fix)
    raise _bad(name, f"{directory} has no model.safetensors")


def _keys(name: str, file: Path) -> list[str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np") as tensors:
            return list(tensors.keys())
    except (SafetensorError, OSError) as problem:
        raise _bad(name, f"{file.name} is damaged: {problem}", "bring the file again") from None


def open_checkpoint(checkpoint: Checkpoint, *, max_tokens: int, head_seed: int) -> Opened:
    """Open tokenizer and configuration; the weights follow with `model`.

    Raises BadInput for a slow tokenizer, one that does not fit the model, or a window that is longer than the
    positions.
    """
    from transformers import AutoConfig, AutoTokenizer
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    name = checkpoint.name
    config = AutoConfig.from_pretrained(checkpoint.directory, trust_remote_code=False)
    if config.is_encoder_decoder:
        family = "seq2seq"
    elif config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        family = "encoder"
    elif config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        family = "decoder"
    else:
        raise _bad(name, f"models of type '{config.model_type}' are not known here")
    tokenizer = AutoTokenizer.from_pretrained(checkpoint.directory, use_fast=True, trust_remote_code=False)
    if not tokenizer.is_fast:
        raise _bad(name, "its tokenizer is a slow one, without offsets", "take a checkpoint with a tokenizer.json")
    notes = []
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
        notes.append(
            f"the tokenizer has no pad token; {tokenizer.pad_token!r} is used for padding and written to the config"
        )
    if len(tokenizer) > config.vocab_size:
        raise _bad(
            name,
            f"its tokenizer has {len(tokenizer)} entries, the embeddings {config.vocab_size}: they do not fit",
        )
    longest = _positions(config)
    if max_tokens > longest:
        raise BadInput("model.max_tokens", f"{max_tokens} is more than the {longest} positions of {name}")
    tokenizer.model_max_length = max_tokens
    return Opened(checkpoint, tokenizer, family, max_tokens, tokenizer.padding_side, head_seed, tuple(notes))


def _positions(config: Any) -> int:
    """Give how many tokens fit; RoBERTa's table starts behind the pad token (fairseq's habit)."""
    positions = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or 1_000_000
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "longformer", "mpnet"):
        positions -= config.pad_token_id + 1
    return int(positions)


def _open_model(backbone: Opened, auto_class: str, changes: Mapping[str, Any], head: str) -> Model:
    import torch
    import transformers

    checkpoint = backbone.checkpoint
    config = transformers.AutoConfig.from_pretrained(checkpoint.directory, trust_remote_code=False)
    for key, value in changes.items():
        setattr(config, key, value)
    config.pad_token_id = backbone.tokenizer.pad_token_id
    with silent(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(backbone.head_seed)
        module, told = getattr(transformers, auto_class).from_pretrained(
            checkpoint.directory, config=config, use_safetensors=True, trust_remote_code=False, dtype=torch.float32,
            ignore_mismatched_sizes=head == "new", output_loading_info=True,
        )  # fmt: skip
        prefix = f"{module.base_model_prefix}."
        names = [name for name, _ in module.named_parameters()]
        outside = {name for name in names if not name.startswith(prefix)}
        if head == "new":
            _draw_again(module, {name for name in outside if name not in told["missing_keys"]})
    missing = {key for key in told["missing_keys"] if key in names}
    body = {name for name in missing - outside if ".pooler." not in name}
    if body:
        raise _bad(
            checkpoint.name,
            f"weights of the body are missing: {sorted(body)[:5]}",
            "the checkpoint is not of this architecture",
        )
    if head == "keep" and missing:
        raise _bad(checkpoint.name, f"weights of the head are missing: {sorted(missing)}", "set task.head: new")
    return Model(module, frozenset(outside | missing))


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


def _bad(name: str, what: str, fix: str = "") -> BadInput:
    return BadInput(f"checkpoint {name}", Problem(what, fix=fix))
