"""What a checkpoint's directory must be before anything is loaded from it: whole, plain data, no code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nlptl.errors import BadInput, Problem

PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model")
INDEX = "model.safetensors.index.json"
ADAPTER = ("adapter_config.json", "adapter_model.safetensors")
"""What peft calls the files of an adapter."""
WRAPPED = "base_model.model."
"""What peft puts before each name in them: the path to the model inside of its wrapper."""


def bad(name: str, what: str, fix: str = "") -> BadInput:
    """Make the error of a checkpoint."""
    return BadInput(f"checkpoint {name}", Problem(what, fix=fix))


def config_of(name: str, directory: Path) -> dict[str, Any]:
    """Give the configuration. Raises BadInput for one that is none, for code of its own, and where no tokenizer is.

    transformers makes an empty tokenizer of a directory without one, and cuts texts to letters with it.
    """
    if not (directory / "config.json").is_file():
        raise bad(name, f"{directory} has no config.json", "a checkpoint is a directory as transformers saves it")
    config = settings_of(name, directory / "config.json")
    settings = directory / "tokenizer_config.json"
    others = settings_of(name, settings) if settings.is_file() else {}
    for file, tree in (("config.json", config), (settings.name, others)):
        if "auto_map" in tree:
            what = f"its {file} asks for code of its own (auto_map), which is never run"
            raise bad(name, what, "take an architecture that transformers has")
    if not any((directory / file).is_file() for file in TOKENIZERS):
        raise bad(
            name, f"{directory} has no tokenizer (none of {', '.join(TOKENIZERS)})", "save the tokenizer there too"
        )
    return config


def settings_of(name: str, file: Path) -> dict[str, Any]:
    """Give the object of a JSON file of a checkpoint. Raises BadInput for one that cannot be read or holds none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as problem:
        raise bad(name, f"{file.name} cannot be read: {problem}", "bring the file again") from None
    if not isinstance(found, dict):
        raise bad(name, f"{file.name} holds no object", "bring the file again")
    return found


def holds_adapter(name: str, directory: Path) -> bool:
    """Say whether a directory holds an adapter. Raises BadInput for one that is not whole, or beside whole weights."""
    there = [file for file in ADAPTER if (directory / file).is_file()]
    if there and len(there) < len(ADAPTER):
        missing = next(file for file in ADAPTER if file not in there)
        raise bad(name, f"{directory} has {there[0]} without {missing}", "bring it too")
    if there and any((directory / file).is_file() for file in ("model.safetensors", INDEX)):
        raise bad(name, f"{directory} holds an adapter beside whole weights", "keep one of them")
    return bool(there)


def weights_of(name: str, directory: Path) -> list[Path]:
    """Give the files of weights. Raises BadInput for pickles, and for an index that is not whole or leads outside."""
    single, index = directory / "model.safetensors", directory / INDEX
    if single.is_file():
        return [single]
    if index.is_file():
        return _shards(name, directory)
    pickled = sorted(file.name for pattern in PICKLED for file in directory.glob(pattern))
    if pickled:
        fix = "where you trust them, load them with transformers and write them again with save_pretrained"
        raise bad(name, f"its weights {pickled} are pickled, and loading a pickle runs code", fix)
    raise bad(name, f"{directory} has no model.safetensors")


def _shards(name: str, directory: Path) -> list[Path]:
    named = settings_of(name, directory / INDEX).get("weight_map")
    if not isinstance(named, dict) or not all(isinstance(shard, str) for shard in named.values()):
        raise bad(name, f"{INDEX} has no weight_map of names", "bring the file again")
    shards = sorted(set(named.values()))
    if strange := [shard for shard in shards if Path(shard).name != shard]:
        raise bad(name, f"its index names files outside of it: {strange}")
    if missing := [shard for shard in shards if not (directory / shard).is_file()]:
        raise bad(name, f"shards of its index are missing: {missing}", "bring them too")
    return [directory / shard for shard in shards]


def keys_of(name: str, file: Path) -> list[str]:
    """Name the tensors of a file. Raises BadInput for one that is cut or whose head is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np") as tensors:
            return list(tensors.keys())
    except (SafetensorError, OSError) as problem:
        raise bad(name, f"{file.name} is damaged: {problem}", "bring the file again") from None
