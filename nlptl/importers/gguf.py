"""GGUF, the format of llama.cpp, read once through transformers' own reader.

What a model read that way needs before it is an ordinary one: it counts as quantised though its weights are float32, so
transformers refuses to save it and its tokenizer splits numbers as GPT-2 does, whatever the file says. Here the
tensors, the configuration and the tokenizer are written by us; nothing of the quantised state is in them.

The weights stay float32. The value of a block of 4 bits is q x scale + minimum with two float16: float32 holds
it, float16 would round a second time.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl.errors import BadInput, Problem
from nlptl.importers import writing

if TYPE_CHECKING:
    from nlptl.importers.writing import Tensors

VERSION = 1
"""Grows with every change of what is written."""
ARCHITECTURES = ("llama",)
"""Those that were tried; another one wants its fields here and a test."""
_FIELDS = (
    "attention_bias", "bos_token_id", "eos_token_id", "head_dim", "hidden_act", "hidden_size", "intermediate_size",
    "max_position_embeddings", "mlp_bias", "model_type", "num_attention_heads", "num_hidden_layers",
    "num_key_value_heads", "pad_token_id", "rms_norm_eps", "rope_parameters", "tie_word_embeddings", "vocab_size",
)  # fmt: skip
"""Of the configuration: what the file says, and nothing that a version of transformers adds."""
_DIGITS = ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva")
"""Vocabularies whose numbers fall into single digits before words are looked for (llama.cpp, src/llama-vocab.cpp)."""
_LIKE_GPT2 = ("gpt-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "default")


def convert(parts: Mapping[str, Path], target: Path) -> None:
    """Write the file `gguf` as a directory in the layout of the Hugging Face hub.

    Raises BadInput for a file that is no GGUF, is cut or damaged, or is of an architecture that was not tried.
    """
    path = parts["gguf"]
    told = _metadata(path)
    with _reading(path.name):
        model, config, tokenizer = _read(path)
    writing.write_tensors(target / "model.safetensors", _tensors(model, path.name))
    writing.write_json(target / "config.json", _config(config))
    writing.write_tokenizer(target / "tokenizer.json", _tokenizer(tokenizer, told, path.name))
    writing.write_json(target / "tokenizer_config.json", _tokenizer_settings(tokenizer, config))
    if tokenizer.chat_template:
        (target / "chat_template.jinja").write_bytes(str(tokenizer.chat_template).encode())


def _metadata(path: Path) -> dict[str, Any]:
    """Read what must be known before transformers looks at the file: its architecture and how it splits texts."""
    from gguf import GGUFReader

    try:
        reader = GGUFReader(path)
        names = ("general.architecture", "tokenizer.ggml.model", "tokenizer.ggml.pre", "tokenizer.ggml.add_bos_token")
        found = {name: reader.fields[name].contents() for name in names if name in reader.fields}
    except Exception as error:  # a cut file ends in whatever numpy raises
        what = f"cannot be read as GGUF: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise BadInput(path.name, Problem(what, fix="bring the file again")) from error
    architecture = found.get("general.architecture")
    if architecture not in ARCHITECTURES or found.get("tokenizer.ggml.model") != "gpt2":
        what = f"architecture {architecture!r} with tokenizer {found.get('tokenizer.ggml.model')!r} was not tried"
        raise BadInput(
            path.name, Problem(what, fix=f"those of {', '.join(ARCHITECTURES)} with 'gpt2' can be converted")
        )
    return found


@contextlib.contextmanager
def _reading(subject: str) -> Iterator[None]:
    """Keep transformers quiet and the random streams as they are; turn what it raises into BadInput.

    One of its bars asks nobody, and is kept off standard error.
    """
    import torch
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with torch.random.fork_rng(devices=[]), contextlib.redirect_stderr(io.StringIO()):
            yield
    except Exception as error:
        what = f"transformers cannot read it: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise BadInput(subject, Problem(what, fix="bring the file again")) from error
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _read(path: Path) -> tuple[Any, Any, Any]:
    """Give model, configuration and tokenizer as transformers makes them of the file."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    folder, name = path.parent, path.name
    config = AutoConfig.from_pretrained(folder, gguf_file=name, trust_remote_code=False)
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name, trust_remote_code=False)
    model, told = AutoModelForCausalLM.from_pretrained(
        folder, config=config, gguf_file=name, dtype=torch.float32, trust_remote_code=False, output_loading_info=True
    )
    lost = {key: sorted(told[key]) for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if told.get(key)}
    if lost:
        raise ValueError(f"its tensors do not fit the architecture: {lost}")
    return model, config, tokenizer


def _tensors(model: Any, subject: str) -> Tensors:
    """Give the parameters, tied ones once, under the first of their names."""
    import torch

    found = {}
    for name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            raise BadInput(subject, Problem(f"tensor {name} holds what is no number", fix="bring the file again"))
        found[name] = (tuple(parameter.shape), lambda one=parameter: one.detach().numpy())
    return found


def _config(config: Any) -> dict[str, Any]:
    tree = config.to_dict()
    found = {name: tree[name] for name in _FIELDS if tree.get(name) is not None}
    found["rms_norm_eps"] = writing.shortest(found["rms_norm_eps"])
    return found | {"architectures": ["LlamaForCausalLM"], "dtype": "float32"}


def _tokenizer(tokenizer: Any, told: Mapping[str, Any], subject: str) -> dict[str, Any]:
    """Give the tree of tokenizer.json, with the splitting of numbers that the file's vocabulary was learnt with."""
    tree: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    kind = told.get("tokenizer.ggml.pre", "default")
    if kind in _DIGITS:
        words = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        digits = {"type": "Digits", "individual_digits": True}
        tree["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [digits, words]}
    elif kind not in _LIKE_GPT2:
        fix = "add it to nlptl/importers/gguf.py with a test on texts with numbers"
        raise BadInput(subject, Problem(f"how the vocabulary {kind!r} splits texts is not known here", fix=fix))
    return tree


def _tokenizer_settings(tokenizer: Any, config: Any) -> dict[str, Any]:
    marks = ("bos_token", "eos_token", "pad_token", "unk_token")
    return {name: getattr(tokenizer, name) for name in marks if getattr(tokenizer, name)} | {
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": config.max_position_embeddings,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
