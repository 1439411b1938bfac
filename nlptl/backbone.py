"""From a checkpoint's name to a Backbone: the one place that calls `from_pretrained`.

Nothing that a checkpoint brings is executed: safetensors only, no remote code, and configurations that ask for it
are refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlptl import screening
from nlptl.errors import BadInput
from nlptl.screening import bad
from nlptl.tasks import Model

HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*@[\w./-]+$", re.ASCII)
MANIFEST = "MANIFEST.json"
"""What a run writes beside the files of its model; it says nothing that they do not."""
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

    def has_head(self, of: str) -> bool:
        """Say whether the checkpoint stores a head of the sort that transformers' classes `…For{of}` have."""
        architectures = self.checkpoint.config.get("architectures") or []
        return any(name.endswith(f"For{of}") for name in architectures) and any(
            key.split(".")[0] == "qa_outputs" for key in self.checkpoint.keys
        )

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
        raise bad(name, "addresses are not accepted", "name a directory, package:DIST==VERSION or org/name@revision")
    path = Path(name).expanduser()
    if path.is_dir():
        return path / "model" if (path / "model" / "config.json").is_file() else path
    if name.startswith((".", "/", "~")) or path.exists():
        raise bad(
            name, "there is no such directory" if not path.exists() else "this is a file; a checkpoint is a directory"
        )
    if not name.isascii():
        raise bad(name, f"a hub id is plain ASCII; this one reads {name!a}", "type it again by hand")
    if not HUB_ID.match(name):
        raise bad(
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
        raise bad(name, f"the hub does not give it ({first})", fix) from None


def inspect(name: str, *, offline: bool = False) -> Checkpoint:
    """Look through a checkpoint without loading it: what is in it, its sha256, and whether it is safe.

    Raises BadInput that names the file for pickled weights, remote code, missing shards and path traversal.
    """
    directory = resolve(name, offline=offline)
    config = screening.config_of(name, directory)
    files = screening.weights_of(name, directory)
    keys = frozenset(key for file in files for key in screening.keys_of(name, file))
    total = hashlib.sha256()
    others = {file for pattern in WANTED[1:] for file in directory.glob(pattern)} - {directory / MANIFEST}
    for file in [*files, *sorted(others)]:
        total.update(f"{file.name}\0".encode())
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return Checkpoint(name, directory, config, total.hexdigest(), keys)


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
    with _told(name, "config.json"):
        config = AutoConfig.from_pretrained(checkpoint.directory, trust_remote_code=False)
    if config.is_encoder_decoder:
        family = "seq2seq"
    elif config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        family = "encoder"
    elif config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        family = "decoder"
    else:
        raise bad(name, f"models of type '{config.model_type}' are not known here")
    with _told(name, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.directory, use_fast=True, trust_remote_code=False)
    if not tokenizer.is_fast:
        raise bad(name, "its tokenizer is a slow one, without offsets", "take a checkpoint with a tokenizer.json")
    notes = []
    if family == "encoder":
        tokenizer.padding_side = "right"  # positions count from the first column, whatever stands in it
    if tokenizer.pad_token is None:
        tokenizer.pad_token = _pad_token(tokenizer, config)
        notes.append(
            f"the tokenizer has no pad token; {tokenizer.pad_token!r} is used for padding and written to the config"
        )
    if len(tokenizer) > config.vocab_size:
        raise bad(
            name,
            f"its tokenizer has {len(tokenizer)} entries, the embeddings {config.vocab_size}: they do not fit",
        )
    if getattr(config, "type_vocab_size", 0) < 2:  # DistilBERT's body with BERT's tokenizer, say
        tokenizer.model_input_names = [one for one in tokenizer.model_input_names if one != "token_type_ids"]
    longest = _positions(config)
    if max_tokens > longest:
        raise BadInput("model.max_tokens", f"{max_tokens} is more than the {longest} positions of {name}")
    tokenizer.model_max_length = max_tokens
    return Opened(checkpoint, tokenizer, family, max_tokens, tokenizer.padding_side, head_seed, tuple(notes))


@contextlib.contextmanager
def _told(name: str, part: str) -> Iterator[None]:
    """Turn whatever transformers raises over a part of a checkpoint into BadInput: its kinds are many."""
    try:
        yield
    except Exception as problem:
        first = " ".join(str(problem).split())[:200]
        raise bad(name, f"transformers cannot use its {part}: {type(problem).__name__}: {first}") from problem


def _pad_token(tokenizer: Any, config: Any) -> str | None:
    """Choose what pads: what the configuration names, from which RoBERTa counts its positions, or else the end mark."""
    named = getattr(config, "pad_token_id", None)
    known = tokenizer.convert_ids_to_tokens(named) if named is not None and 0 <= named < len(tokenizer) else None
    found: str | None = known or tokenizer.eos_token or tokenizer.unk_token
    return found


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
            ignore_mismatched_sizes=True, output_loading_info=True,
        )  # fmt: skip
        prefix = f"{module.base_model_prefix}."
        names = [name for name, _ in module.named_parameters()]
        outside = {name for name in names if not name.startswith(prefix)}
        if head == "new":
            _draw_again(module, {name for name in outside if name not in told["missing_keys"]})
    # transformers would fill them with random values without a word.
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
