"""Random checkpoints of two layers, as transformers saves them, each with the kind of tokenizer that its family has."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FAMILIES = ("bert", "roberta", "distilbert", "electra", "xlm-roberta")
WORDS, POSITIONS = 300, 64
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
STILL = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
"""Changes to a configuration of BERT's kin: no dropout."""
MARKS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def sentences(count: int = 400) -> list[str]:
    """Invent a text to train tokenizers on."""
    rng = random.Random(5)
    words = ["".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(3)) for _ in range(150)]
    return [" ".join(rng.choices(words, k=9)) + "." for _ in range(count)]


def tokenizer(family: str) -> Any:
    """Train the kind of tokenizer that a family has."""
    import tokenizers
    import transformers
    from tokenizers import models, normalizers, pre_tokenizers, trainers

    if family == "roberta":
        raw = tokenizers.ByteLevelBPETokenizer()
        raw.train_from_iterator(sentences(), vocab_size=WORDS + 100, special_tokens=list(MARKS), show_progress=False)
        state = json.loads(raw.to_str())["model"]
        merges = [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in state["merges"]]
        return transformers.RobertaTokenizer(vocab=state["vocab"], merges=merges)
    if family == "xlm-roberta":
        built = tokenizers.Tokenizer(models.Unigram())
        built.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=WORDS, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
        )
        built.train_from_iterator(sentences(), trainer)
        vocab = [(piece, score) for piece, score in json.loads(built.to_str())["model"]["vocab"]]
        return transformers.XLMRobertaTokenizer(vocab=[*vocab, ("<mask>", 0.0)])
    built = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    built.normalizer = normalizers.BertNormalizer()
    built.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=WORDS, special_tokens=marks, show_progress=False)
    built.train_from_iterator(sentences(), trainer)
    kind = transformers.DistilBertTokenizer if family == "distilbert" else transformers.BertTokenizer
    return kind(vocab=built.get_vocab())


def config(family: str, words: int, changes: Mapping[str, Any]) -> Any:
    """Give the configuration of a family's tiny model; from 0.02, the usual range, so small ones learn nothing."""
    import transformers

    changes = {"initializer_range": 0.15, **changes}
    if family == "distilbert":
        sizes = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": POSITIONS}
        return transformers.DistilBertConfig(vocab_size=words, **sizes, **changes)
    marks = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    kinds = {
        "bert": (transformers.BertConfig, {}),
        "electra": (transformers.ElectraConfig, {"embedding_size": 16}),
        "roberta": (transformers.RobertaConfig, {"type_vocab_size": 1, **marks}),
        "xlm-roberta": (transformers.XLMRobertaConfig, {"type_vocab_size": 1, **marks}),
    }
    kind, own = kinds[family]
    positions = POSITIONS + (2 if "roberta" in family else 0)
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
