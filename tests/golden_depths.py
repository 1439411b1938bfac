"""Where each parameter of a tiny model lies, written down by hand from the architectures: what freezing must keep."""

from __future__ import annotations

import re

HEAD = r"^(classifier|pre_classifier|score|classification_head|qa_outputs|head|pooler|bert\.pooler)\."
BERT = [(0, r"\.embeddings[._]"), (1, r"\.layer\.0\."), (2, r"\.layer\.1\.")]
DEBERTA = [(0, r"\.embeddings\.|\.rel_embeddings\.|\.encoder\.LayerNorm\."), *BERT, (2, r"\.encoder\.conv\.")]
LLAMA = [(0, r"\.embed_tokens\."), (1, r"\.layers\.0\."), (2, r"\.layers\.1\."), (3, r"\.norm\.")]
T5 = [
    (0, r"\.shared\."), (1, r"\.encoder\.block\.0\."), (2, r"\.encoder\.block\.1\."),
    (3, r"\.encoder\.final_layer_norm\.|\.decoder\.block\.0\."), (4, r"\.decoder\.block\.1\."),
    (5, r"\.decoder\.final_layer_norm\."),
]  # fmt: skip
"""The encoder's blocks come first; its last norm belongs to what comes next, the decoder's first block."""
BART = [
    (0, r"\.shared\.|\.embed_positions\.|\.layernorm_embedding\."), (1, r"\.encoder\.layers\.0\."),
    (2, r"\.encoder\.layers\.1\."), (3, r"\.encoder\.layer_norm\.|\.decoder\.layers\.0\."),
    (4, r"\.decoder\.layers\.1\."), (5, r"\.decoder\.layer_norm\."),
]  # fmt: skip
TABLE = {
    "bert": BERT, "roberta": BERT, "distilbert": BERT, "electra": BERT, "xlm-roberta": BERT, "deberta-v2": DEBERTA,
    "deberta-v3": DEBERTA,
    "modernbert": [(0, r"\.embeddings\."), (1, r"\.layers\.0\."), (2, r"\.layers\.1\."), (3, r"\.final_norm\.")],
    "gpt2": [(0, r"\.wte\.|\.wpe\."), (1, r"\.h\.0\."), (2, r"\.h\.1\."), (3, r"\.ln_f\.")],
    "llama": LLAMA, "smollm2": LLAMA, "qwen2": LLAMA, "qwen3": LLAMA, "t5": T5, "mt5": T5, "bart": BART, "mbart": BART,
}  # fmt: skip


def blocks(family: str) -> int:
    """Give how many equal layers the tiny model has."""
    return 4 if family in ("t5", "mt5", "bart", "mbart") else 2


def depth(family: str, name: str) -> int:
    """Give where a parameter lies: 0 embeddings, 1 … the blocks, one more on top."""
    if re.search(HEAD, name):
        return blocks(family) + 1
    (found,) = {depth for depth, pattern in TABLE[family] if re.search(pattern, f".{name}")}
    return found
