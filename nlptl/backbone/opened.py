"""Tokenizer and configuration of a checkpoint: the Backbone that tasks see, which hides how families differ."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nlptl.backbone.checkpoint import Checkpoint
from nlptl.backbone.models import HEADS, open_model
from nlptl.errors import BadInput
from nlptl.screening import bad
from nlptl.tasks import Model

RELATIVE = frozenset({"t5", "mt5", "umt5"})
"""Models without a table of positions: what their configuration says of it is how long their training texts were."""


LANGUAGE = frozenset({"MaskedLM", "CausalLM"})
"""Heads over the vocabulary. Most share the table of embeddings, so that weights alone do not show them."""


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
    separator: str = ""
    """What stands between two texts where the tokenizer itself puts nothing there (GPT-2, Qwen, mBART)."""
    merged: bool = True
    """Whether what an adapter does is added to the weights on opening, so that it costs nothing."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The checkpoint's configuration as it is stored."""
        return self.checkpoint.config

    def model(self, auto_class: str, config: Mapping[str, Any], head: str) -> Model:
        """Open the checkpoint as `auto_class`; a new head is drawn from the stream "head" of the run's seed."""
        return open_model(
            self.checkpoint, auto_class, config, head=head, head_seed=self.head_seed,
            pad_token_id=self.tokenizer.pad_token_id, merged=self.merged,
        )  # fmt: skip

    def stored(self, file: str) -> Mapping[str, Any] | None:
        """Give the tensors of a further safetensors file of the checkpoint, None where there is no such file."""
        from safetensors.torch import load_file

        place = self.checkpoint.directory / file
        return load_file(place) if place.is_file() else None

    def offers(self, auto_class: str) -> bool:
        """Say whether transformers has a class of this architecture for `auto_class`."""
        import transformers

        names = getattr(transformers, auto_class)._model_mapping._model_mapping
        return self.checkpoint.config.get("model_type") in names

    def has_head(self, of: str) -> bool:
        """Say whether the checkpoint stores a head of the sort that transformers' classes `…For{of}` have."""
        architectures = self.checkpoint.config.get("architectures") or []
        if of in LANGUAGE:
            stored = of == "MaskedLM" and any(key.startswith("cls.predictions.") for key in self.checkpoint.keys)
            return stored or any(name.endswith(f"For{of}") for name in architectures)
        outermost = {key.split(".")[0] for key in self.checkpoint.keys}
        return any(name.endswith(f"For{of}") for name in architectures) and bool(outermost & HEADS)

    def head_labels(self) -> tuple[str, ...] | None:
        """Give the label names of the checkpoint's own classification head, or None where it stores none."""
        if not self.has_head("SequenceClassification"):
            return None
        labels = self.checkpoint.config.get("id2label") or {}
        return tuple(labels[number] for number in sorted(labels, key=int))


def open_checkpoint(
    checkpoint: Checkpoint, *, max_tokens: int, head_seed: int, merged: bool = True
) -> Opened:
    """Open tokenizer and configuration; the weights follow with `model`.

    Raises BadInput for a slow tokenizer, one that does not fit the model, or a window that is longer than the
    positions.
    """
    from transformers import AutoConfig, AutoTokenizer

    name = checkpoint.name
    with _told(name, "config.json"):
        config = AutoConfig.from_pretrained(checkpoint.directory, trust_remote_code=False)
    family = _family(name, config)
    with _told(name, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.directory, use_fast=True, trust_remote_code=False)
    if not tokenizer.is_fast:
        raise bad(name, "its tokenizer is a slow one, without offsets", "take a checkpoint with a tokenizer.json")
    notes = []
    # Positions count from the first column, whatever stands in it (BERT, GPT-2), and decoders of seq2seq models see it.
    tokenizer.padding_side = "right"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = _pad_token(tokenizer, config)
        if tokenizer.pad_token is None:
            raise bad(name, "its tokenizer has no token that could pad: no pad, end or unknown token")
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
    longest = positions_of(config)
    if max_tokens > longest:
        raise BadInput("model.max_tokens", f"{max_tokens} is more than the {longest} positions of {name}")
    tokenizer.model_max_length = max_tokens
    between = _separator(tokenizer)
    return Opened(
        checkpoint, tokenizer, family, max_tokens, tokenizer.padding_side, head_seed, tuple(notes), between, merged
    )


def _family(name: str, config: Any) -> str:
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    if config.is_encoder_decoder:
        return "seq2seq"
    if config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        return "encoder"
    if config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return "decoder"
    raise bad(name, f"models of type '{config.model_type}' are not known here")


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


def _separator(tokenizer: Any) -> str:
    """Choose what stands between two texts: nothing where the tokenizer's template has a mark there, else a new line,
    or the opening mark where spaces are lost (sentencepiece).
    """
    sides = tokenizer("a", "b").encodings[0].sequence_ids
    if sides[len(sides) - 1 - sides[::-1].index(0) + 1] != 1:
        return ""
    line = tokenizer("\n", add_special_tokens=False)["input_ids"]
    mark: str = tokenizer.bos_token or tokenizer.pad_token
    return "\n" if line and tokenizer.unk_token_id not in line else mark


def positions_of(config: Any) -> int:
    """Give how many tokens fit; RoBERTa's table starts behind the pad token (fairseq's habit)."""
    positions = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or 0
    if config.model_type in RELATIVE or positions <= 0:  # XLNet says -1
        return 1_000_000
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "longformer", "mpnet"):
        positions -= config.pad_token_id + 1
    return int(positions)
