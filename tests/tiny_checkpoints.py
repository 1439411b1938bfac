"""Random checkpoints of two layers as transformers saves them, the same every time, with tokenizers of their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FAMILIES = ("bert", "roberta", "distilbert", "electra", "xlm-roberta")
POSITIONS = 64
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
STILL = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
"""Changes to a configuration of BERT's kin: no dropout."""
MARKS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def pieces() -> list[str]:
    """Give what words are cut into: letters, syllables, some with an end.

    Written down and not trained: the trainers of `tokenizers` give another vocabulary in each process.
    """
    letters = list("abcdefghijklmnopqrstuvwxyz.")
    syllables = [first + vowel for first in "bdfgklmnprstvz" for vowel in "aeiou"]
    return [*letters, *syllables, *(syllable + end for syllable in syllables[:40] for end in "nr")]


def tokenizer(family: str) -> Any:
    """Give the kind of tokenizer that a family has."""
    import transformers
    from tokenizers import pre_tokenizers

    known = pieces()
    if family == "roberta":
        joined = [tuple(piece) for piece in known if len(piece) == 2]
        joined += [("\u0120", piece) for piece in known if len(piece) == 2]  # U+0120 stands for a space
        single = sorted(pre_tokenizers.ByteLevel.alphabet())
        names = [*MARKS, *single, *("".join(pair) for pair in joined)]
        return transformers.RobertaTokenizer(vocab=_numbered(names), merges=joined)
    if family == "xlm-roberta":
        scored = [(mark, 0.0) for mark in MARKS[:4]]
        scored += [("\u2581", -3.0), *((piece, -6.0 + len(piece)) for piece in known)]  # U+2581: the start of a word
        return transformers.XLMRobertaTokenizer(vocab=[*scored, ("<mask>", 0.0)])
    kind = transformers.DistilBertTokenizer if family == "distilbert" else transformers.BertTokenizer
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return kind(vocab=_numbered([*marks, *known, *(f"##{piece}" for piece in known)]))


def _numbered(names: list[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def config(family: str, words: int, changes: Mapping[str, Any]) -> Any:
    """Give the configuration of a family's tiny model; from 0.02, the usual range, so small ones learn nothing."""
    import transformers

    changes = {"initializer_range": 0.15, **changes}
    longest = changes.pop("max_position_embeddings", POSITIONS)
    if family == "distilbert":
        sizes = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": longest}
        return transformers.DistilBertConfig(vocab_size=words, **sizes, **changes)
    marks = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    kinds = {
        "bert": (transformers.BertConfig, {}),
        "electra": (transformers.ElectraConfig, {"embedding_size": 16}),
        "roberta": (transformers.RobertaConfig, {"type_vocab_size": 1, **marks}),
        "xlm-roberta": (transformers.XLMRobertaConfig, {"type_vocab_size": 1, **marks}),
    }
    kind, own = kinds[family]
    positions = longest + (2 if "roberta" in family else 0)
    return kind(vocab_size=words, max_position_embeddings=positions, **SIZES, **own, **changes)


def save_checkpoint(folder: Path, family: str, changes: Mapping[str, Any] | None = None, auto: str = "") -> Path:
    """Save a random checkpoint; `changes` are made to its configuration, `auto` names the class with a head."""
    import torch
    import transformers

    words = tokenizer(family)
    made = config(family, len(words) + 3, changes or {})
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = getattr(transformers, auto or "AutoModelForMaskedLM").from_config(made)
    save_pretrained(model, folder)
    words.save_pretrained(folder)
    return folder


def save_pretrained(model: Any, folder: Path) -> None:
    """Save a model without transformers' progress bar."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    model.save_pretrained(folder)
    logging.enable_progress_bar()
