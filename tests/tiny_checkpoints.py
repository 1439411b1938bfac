"""Random checkpoints of two layers as transformers saves them, the same every time, with tokenizers of their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

ENCODERS = ("bert", "roberta", "distilbert", "electra", "xlm-roberta", "deberta-v2", "deberta-v3", "modernbert")
DECODERS = ("gpt2", "llama", "smollm2", "qwen2", "qwen3")
SEQ2SEQ = ("t5", "mt5", "bart", "mbart")
FAMILIES = (*ENCODERS, *DECODERS, *SEQ2SEQ)
POSITIONS = 64
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
BERTS = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
"""Changes to a configuration of BERT's kin: no dropout."""
STILL = {
    "distilbert": {"dropout": 0.0, "attention_dropout": 0.0, "seq_classif_dropout": 0.0, "qa_dropout": 0.0},
    "modernbert": {}, "llama": {}, "smollm2": {}, "qwen2": {}, "qwen3": {},
    "gpt2": {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0},
    "t5": {"dropout_rate": 0.0, "classifier_dropout": 0.0}, "mt5": {"dropout_rate": 0.0, "classifier_dropout": 0.0},
    "bart": {"dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0, "classifier_dropout": 0.0},
}  # fmt: skip
STILL["mbart"] = STILL["bart"]


def still(family: str) -> dict[str, float]:
    """Give the changes to a family's configuration that leave no dropout."""
    return dict(STILL.get(family, BERTS))


IDS = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
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
    if family in ("roberta", "bart", "modernbert", "gpt2", "smollm2", "qwen2", "qwen3"):
        return _bytes(family)
    if family in ("xlm-roberta", "mbart", "t5", "mt5", "deberta-v2", "deberta-v3"):
        return _unigram(family)
    return _sentencepiece() if family == "llama" else _wordpiece(family)


def _bytes(family: str) -> Any:
    """Byte-level BPE: no character is unknown, and U+0120 stands for a space."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    known = [piece for piece in pieces() if len(piece) == 2]
    joined = [tuple(piece) for piece in known] + [("\u0120", piece) for piece in known]
    rest = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *("".join(pair) for pair in joined)]
    if family in ("roberta", "bart"):
        kind = transformers.RobertaTokenizer if family == "roberta" else transformers.BartTokenizer
        return kind(vocab=_numbered([*MARKS, *rest]), merges=joined)
    if family == "modernbert":
        marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        backend = Tokenizer(models.BPE(vocab=_numbered([*marks, *rest]), merges=joined))
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        ends = [("[CLS]", 2), ("[SEP]", 3)]
        backend.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", ends)
        named = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), marks, strict=True))
        return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **named)
    kind = transformers.Qwen2Tokenizer if "qwen" in family else transformers.GPT2Tokenizer
    return kind(vocab=_numbered(["<|endoftext|>", *rest]), merges=joined)


def _unigram(family: str) -> Any:
    """Pieces with scores, as sentencepiece has them; U+2581 stands for the start of a word."""
    import transformers
    from transformers.models.mbart.tokenization_mbart import FAIRSEQ_LANGUAGE_CODES

    scored = [("\u2581", -3.0), *((piece, -6.0 + len(piece)) for piece in pieces())]
    if family in ("t5", "mt5", "mbart"):  # they write forms
        scored += [(sign, -7.0) for sign in "()',0123456789"]
    first = [(mark, 0.0) for mark in MARKS[:4]]
    if family == "xlm-roberta":
        return transformers.XLMRobertaTokenizer(vocab=[*first, *scored, ("<mask>", 0.0)])
    if family == "mbart":
        codes = [(code, 0.0) for code in FAIRSEQ_LANGUAGE_CODES]
        return transformers.MBartTokenizer(vocab=[*first, *scored, *codes, ("<mask>", 0.0)])
    if family in ("t5", "mt5"):
        marks = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
        return transformers.T5Tokenizer(vocab=[*marks, *scored], extra_ids=2)
    marks = [("[PAD]", 0.0), ("[CLS]", 0.0), ("[SEP]", 0.0), ("[UNK]", 0.0)]
    return transformers.DebertaV2Tokenizer(vocab=[*marks, *scored, ("[MASK]", 0.0)])


def _sentencepiece() -> Any:
    """Llama 2's: merges over sentencepiece's spaces, bytes for unknown letters, a mark before every text."""
    import transformers

    known = pieces()
    joined = [tuple(piece) for piece in known if len(piece) == 2]
    joined += [("\u2581", piece) for piece in known if len(piece) == 2]
    bytes_ = [f"<0x{number:02X}>" for number in range(256)]
    single = ["\u2581", *(piece for piece in known if len(piece) == 1)]
    names = ["<unk>", "<s>", "</s>", *bytes_, *single, *("".join(pair) for pair in joined)]
    return transformers.LlamaTokenizer(vocab=_numbered(names), merges=joined, add_bos_token=True)


def _wordpiece(family: str) -> Any:
    import transformers

    known = pieces()
    kind = transformers.DistilBertTokenizer if family == "distilbert" else transformers.BertTokenizer
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return kind(vocab=_numbered([*marks, *known, *(f"##{piece}" for piece in known)]))


def _numbered(names: list[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


MODERN = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
DEBERTA = {
    "type_vocab_size": 0, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False,
    "norm_rel_ebd": "layer_norm", "share_att_key": True, "position_buckets": 8, "max_relative_positions": -1,
}  # fmt: skip
"""What DeBERTa-v3 sets; v2's large ones have a convolution after the first layer too."""
ENDS = {"bos_token_id": 0, "eos_token_id": 0}
LLAMA = {"num_key_value_heads": 1, "head_dim": 16}
T5 = {
    "d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 2,
    "relative_attention_num_buckets": 8, "decoder_start_token_id": 0,
}  # fmt: skip
BART = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
}  # fmt: skip
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("BertConfig", SIZES),
    "electra": ("ElectraConfig", {**SIZES, "embedding_size": 16}),
    "roberta": ("RobertaConfig", {**SIZES, "type_vocab_size": 1, **IDS}),
    "xlm-roberta": ("XLMRobertaConfig", {**SIZES, "type_vocab_size": 1, **IDS}),
    "distilbert": ("DistilBertConfig", {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}),
    "deberta-v2": ("DebertaV2Config", {**SIZES, **DEBERTA, "conv_kernel_size": 3, "conv_act": "gelu"}),
    "deberta-v3": ("DebertaV2Config", {**SIZES, **DEBERTA}),
    "modernbert": ("ModernBertConfig", {**SIZES, **MODERN, "local_attention": 16}),
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 2, **ENDS}),
    "llama": ("LlamaConfig", {**SIZES, **LLAMA, "bos_token_id": 1, "eos_token_id": 2}),
    "smollm2": ("LlamaConfig", {**SIZES, **LLAMA, **ENDS, "tie_word_embeddings": True}),
    "qwen2": ("Qwen2Config", {**SIZES, **ENDS, "num_key_value_heads": 1, "tie_word_embeddings": True}),
    "qwen3": ("Qwen3Config", {**SIZES, **LLAMA, **ENDS, "tie_word_embeddings": True}),
    "t5": ("T5Config", {**T5, "feed_forward_proj": "relu"}),
    "mt5": ("MT5Config", {**T5, "feed_forward_proj": "gated-gelu"}),
    "bart": ("BartConfig", {**BART, **IDS, "decoder_start_token_id": 2, "forced_eos_token_id": None}),
    "mbart": ("MBartConfig", {**BART, **IDS, "forced_eos_token_id": None}),
}
"""family -> its class of configurations, and the sizes of a tiny one."""
SPREAD = {"t5": ("initializer_factor", 1.0), "mt5": ("initializer_factor", 1.0), "bart": ("init_std", 0.15),
          "mbart": ("init_std", 0.15)}  # fmt: skip
"""How wide weights are drawn: from 0.02, the usual range, small models learn nothing."""


def config(family: str, words: int, changes: Mapping[str, Any]) -> Any:
    """Give the configuration of a family's tiny model."""
    import transformers

    name, wide = SPREAD.get(family, ("initializer_range", 0.15))
    kind, sizes = KINDS[family]
    settings = {name: wide, "max_position_embeddings": POSITIONS, **sizes, **changes}
    if family in ("roberta", "xlm-roberta"):
        settings["max_position_embeddings"] += 2
    if family in ("t5", "mt5"):
        del settings["max_position_embeddings"]
    return getattr(transformers, kind)(vocab_size=words, **settings)


PRETRAINED = {"encoder": "AutoModelForMaskedLM", "decoder": "AutoModelForCausalLM", "seq2seq": "AutoModelForSeq2SeqLM"}


def family_of(family: str) -> str:
    """Say whether it is an encoder, a decoder or a seq2seq model."""
    return "encoder" if family in ENCODERS else "decoder" if family in DECODERS else "seq2seq"


def save_checkpoint(folder: Path, family: str, changes: Mapping[str, Any] | None = None, auto: str = "") -> Path:
    """Save a random checkpoint; `changes` are made to its configuration, `auto` names the class with a head."""
    import torch
    import transformers

    words = tokenizer(family)
    made = config(family, len(words) + 3, changes or {})
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = getattr(transformers, auto or PRETRAINED[family_of(family)]).from_config(made)
    save_pretrained(model, folder)
    words.save_pretrained(folder)
    return folder


def save_pretrained(model: Any, folder: Path) -> None:
    """Save a model without transformers' progress bar."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    model.save_pretrained(folder)
    logging.enable_progress_bar()
