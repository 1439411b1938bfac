"""Small files in the formats that importers read, written by code of their own: none of nlptl's is used here."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy

Array = numpy.ndarray[Any, numpy.dtype[Any]]
SIZES = {"hidden": 32, "layers": 2, "heads": 4, "inner": 64, "words": 20, "positions": 16, "types": 2}
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "a", "b", "c", "▁ab", "bc", "日", "本", "<mask>"]
SCORES = [0.0, 0.0, 0.0, 0.0, -1.5, -2.0, -2.5, -3.0, -1.0, -1.25, -4.0, -4.5, 0.0]
SPECIALS = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 12}


def e5_weights(seed: int, *, exact: bool) -> dict[str, Array]:
    """Draw weights by the names of the file. `exact`: those that 4 bits and a scale can hold without loss."""
    random = numpy.random.default_rng(seed)
    wide, inner = SIZES["hidden"], SIZES["inner"]

    def matrix(*shape: int) -> Array:
        if not exact:
            return random.normal(0, 0.3, shape).astype("f4")
        found = random.integers(-8, 8, (*shape[:-1], shape[-1] // 32, 32)).astype("f4")
        found[..., 0] = -8  # so that the scale of every block is the one that was drawn
        found *= 2.0 ** random.integers(-6, -2, (*shape[:-1], shape[-1] // 32, 1))
        return found.reshape(shape)

    def vector(length: int, around: float = 0.0) -> Array:
        return (around + random.normal(0, 0.1, length)).astype("f4")

    found = {
        "emb.word": matrix(SIZES["words"], wide),
        "emb.pos": random.normal(0, 0.3, (SIZES["positions"], wide)).astype("f4"),
        "emb.type": random.normal(0, 0.3, (SIZES["types"], wide)).astype("f4"),
        "emb.ln.w": vector(wide, 1.0),
        "emb.ln.b": vector(wide),
    }
    for layer in range(SIZES["layers"]):
        for name, rows, columns in (("q", wide, wide), ("k", wide, wide), ("v", wide, wide), ("ao", wide, wide),
                                    ("fi", inner, wide), ("fo", wide, inner)):  # fmt: skip
            found[f"l{layer}.{name}.w"] = matrix(rows, columns)
            found[f"l{layer}.{name}.b"] = vector(rows)
        for name in ("aln", "oln"):
            found[f"l{layer}.{name}.w"] = vector(wide, 1.0)
            found[f"l{layer}.{name}.b"] = vector(wide)
    return found


def q4_0(values: Array) -> bytes:
    """Pack as ggml's Q4_0: the value farthest from zero becomes -8 times the scale."""
    packed = b""
    for block in values.reshape(-1, 32):
        far = float(block[numpy.abs(block).argmax()])
        scale = far / -8
        halves = [min(15, max(0, int(numpy.floor(one / scale + 8.5)))) if scale else 8 for one in block.tolist()]
        packed += struct.pack("<e", scale) + bytes(halves[one] | halves[one + 16] << 4 for one in range(16))
    return packed


def e5_file(weights: Mapping[str, Array], *, epsilon: float = 1e-12, version: int = 1) -> bytes:
    """Lay the file out as e5.c reads it."""
    order = ("hidden", "layers", "heads", "inner", "words", "positions", "types")
    head = b"E5S1" + struct.pack("<I7ifi", version, *(SIZES[name] for name in order), epsilon, 32)
    pieces = [piece.encode() for piece in PIECES]
    begins = [sum(map(len, pieces[:number])) for number in range(len(pieces) + 1)]
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, begins[-1])
    head += struct.pack(f"<{len(begins)}I", *begins) + struct.pack(f"<{len(SCORES)}f", *SCORES) + b"".join(pieces)
    table = struct.pack("<IBI", 0xFF21, 1, 0x41)
    head += struct.pack("<iI", 1, len(table)) + table
    packed = {name: q4_0(one) if is_packed(name) else one.astype("<f4").tobytes() for name, one in weights.items()}
    place = len(head) + 4 + sum(2 + len(name) + 21 for name in weights)
    directory = struct.pack("<i", len(weights))
    for name, content in packed.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", is_packed(name), weights[name].size, place, len(content))
        place += len(content)
    return head + directory + b"".join(packed.values())


def is_packed(name: str) -> bool:
    """Say whether the file holds a tensor in blocks: matrices of the layers and the words."""
    return name == "emb.word" or (name.endswith(".w") and "ln" not in name)


def e5_tokenizer(pieces: Sequence[str] = PIECES) -> bytes:
    """Give a tokenizer.json of the unigram kind with those pieces."""
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

    made = Tokenizer(models.Unigram(list(zip(pieces, SCORES, strict=True)), unk_id=3))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in SPECIALS])
    made.post_processor = processors.TemplateProcessing("<s> $A </s>", None, [("<s>", 0), ("</s>", 2)])
    return str(made.to_str()).encode()


def e5_forward(weights: Mapping[str, Array], ids: Sequence[int]) -> Array:
    """Compute the last hidden states in float64, by e5.c's forward pass with float activations."""
    from scipy.special import erf

    one = {name: value.astype("f8") for name, value in weights.items()}

    def normalised(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        return centred / numpy.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * one[f"{name}.w"] + one[f"{name}.b"]

    def linear(x: Array, name: str) -> Array:
        return x @ one[f"{name}.w"].T + one[f"{name}.b"]

    heads, wide = SIZES["heads"], SIZES["hidden"] // SIZES["heads"]
    x = normalised(one["emb.word"][list(ids)] + one["emb.pos"][: len(ids)] + one["emb.type"][0], "emb.ln")
    for layer in range(SIZES["layers"]):
        q, k, v = (linear(x, f"l{layer}.{name}").reshape(-1, heads, wide) for name in "qkv")
        scores = numpy.einsum("thd,shd->hts", q, k) / numpy.sqrt(wide)
        scores = numpy.exp(scores - scores.max(-1, keepdims=True))
        seen = numpy.einsum("hts,shd->thd", scores / scores.sum(-1, keepdims=True), v).reshape(len(ids), -1)
        x = normalised(x + linear(seen, f"l{layer}.ao"), f"l{layer}.aln")
        inner = linear(x, f"l{layer}.fi")
        inner = 0.5 * inner * (1 + erf(inner / numpy.sqrt(2)))
        x = normalised(x + linear(inner, f"l{layer}.fo"), f"l{layer}.oln")
    return x


LLAMA = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 64, "rms_norm_eps": 1e-5}  # fmt: skip
MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["Ġ t", "t h", "h e", "Ġt he", "Ġ Ġ", "1 9", "i n"]


def llama_words() -> list[str]:
    """Give a vocabulary: marks, the 256 bytes as GPT-2 spells them, what the merges make."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return [*MARKS, *bytes_to_unicode().values(), *(merge.replace(" ", "") for merge in MERGES)]


def interleaved(matrix: Array, heads: int) -> Array:
    """Give the rows of a query or key matrix in llama.cpp's order: rotated pairs beside each other."""
    rows, columns = matrix.shape
    return matrix.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def gguf_file(path: Path, tensors: Mapping[str, Array], *, architecture: str = "llama", pre: str = "smollm") -> None:
    """Write a tiny tied Llama with the writer of llama.cpp; matrices in Q4_1, vectors in float32."""
    import gguf

    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("Tiny")
    writer.add_block_count(LLAMA["num_hidden_layers"])
    writer.add_context_length(LLAMA["max_position_embeddings"])
    writer.add_embedding_length(LLAMA["hidden_size"])
    writer.add_feed_forward_length(LLAMA["intermediate_size"])
    writer.add_head_count(LLAMA["num_attention_heads"])
    writer.add_head_count_kv(LLAMA["num_key_value_heads"])
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(LLAMA["rms_norm_eps"])
    writer.add_rope_dimension_count(LLAMA["hidden_size"] // LLAMA["num_attention_heads"])
    words = llama_words()
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(words)
    writer.add_token_types([3 if word in MARKS else 1 for word in words])
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    for name, values in tensors.items():
        kind = gguf.GGMLQuantizationType.Q4_1 if values.ndim > 1 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def llama_tensors(state: Mapping[str, Any]) -> dict[str, Array]:
    """Rename a Llama's tensors as llama.cpp names them."""
    short = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    }  # fmt: skip
    found = {}
    for name, tensor in state.items():
        values = tensor.detach().numpy()
        if name == "model.embed_tokens.weight":
            found["token_embd.weight"] = values
        elif name == "model.norm.weight":
            found["output_norm.weight"] = values
        elif name.startswith("model.layers."):
            _, _, layer, *rest = name.split(".")
            part = short[".".join(rest[:-1])]
            heads = {"attn_q": LLAMA["num_attention_heads"], "attn_k": LLAMA["num_key_value_heads"]}.get(part)
            found[f"blk.{layer}.{part}.weight"] = interleaved(values, int(heads)) if heads else values
    return found


def listed(folder: Path) -> dict[str, bytes]:
    """Give the files of a folder."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def as_json(folder: Path, name: str) -> Any:
    """Read one JSON file of a folder."""
    return json.loads((folder / name).read_text(encoding="utf-8"))
