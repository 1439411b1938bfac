"""Wrong recipes: each is refused by `nlptl check` with exit code 2, its line, its key and what to do; nothing is
written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from artifact_help import tree
from bad_inputs_help import RECIPE, command, problems_of, recipe

from nlptl.checks import check

Capsys = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty folder, and hold that a refused command leaves it as it was."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not (tmp_path / "runs").exists()


CASES = {
    "1 unknown key": (
        {"learning_rate": "  lerning_rate: 1e-5"},
        ["recipe.yaml:10:3", "train.lerning_rate: unknown key; did you mean 'learning_rate'?"],
    ),
    "2 key of another section": ({"name": "name: bad\nepochs: 3"}, ["recipe.yaml:2:1", "epochs", "'train'"]),
    "3 wrong type": (
        {"learning_rate": "  learning_rate: fast"},
        ["recipe.yaml:10:3", "train.learning_rate: a number is needed", "5e-5", "(got 'fast')"],
    ),
    "4 negative epochs": ({"epochs": "  epochs: -1"}, [":8:3", "train.epochs: must be at least 1 (got -1)"]),
    "4 empty batch": ({"batch": "  batch: 0"}, [":9:3", "train.batch: must be at least 1 (got 0)"]),
    "7 key twice": ({"batch": "  batch: 4\n  batch: 8"}, [":10:3", "'batch' is given twice", "line 9"]),
    "8 tab": ({"batch": "\tbatch: 4"}, ["recipe.yaml:9:1", "tab", "use spaces"]),
    "12 tag": ({"name": "name: !!python/object/apply:os.system ['touch x']"}, [":1:7", "tag", "remove it"]),
    "18 contradicting tunings": (
        {"tuning": "tuning:\n  - kind: full\n  - {kind: freeze, blocks: 1}"},
        ["recipe.yaml:8:5", "'freeze' contradicts 'full' at recipe.yaml:7:5", "remove one"],
    ),
    "22 fp16 on a CPU": (
        {"precision": "  precision: fp16", "evaluate": "evaluate: [{split: test}]\nmachine: {device: cpu}"},
        [":15:3", "train.precision: fp16", "bf16"],
    ),
    "24 select names no split": ({"select": "  select: deev"}, [":16:3", "train.select", "did you mean 'dev'?"]),
    "24 metric is none": (
        {"select": "  select: dev\n  metric: rouge"},
        [":17:3", "train.metric", "accuracy, macro_f1, matthews, micro_f1"],
    ),
    "25 newer format": ({"name": "name: bad\nnlptl: '99.1'"}, [":2:1", "nlptl 99.1 or later", "pip install"]),
    "27 name that escapes": ({"name": "name: ../../bad"}, [":1:1", "name: must match"]),
    "28 seed too large": ({"seeds": f"seeds: [{2**40}]"}, [":2:9", "seeds[0]", "must be at most 4294967295"]),
    "28 nan": ({"learning_rate": "  learning_rate: .nan"}, [":10:", "nan"]),
    "28 inf": ({"clip": "  clip: .inf"}, [":14:", "inf"]),
    "seed twice": ({"seeds": "seeds: [13, 13]"}, ["seeds", "names one twice"]),
    "S96 remote code": (
        {"model": "model: {checkpoint: ., max_tokens: 32, trust_remote_code: true}"},
        [":3:", "model.trust_remote_code: unknown key"],
    ),
    "S100 path out": ({"model": "model: {checkpoint: ../../x, max_tokens: 32}"}, [":3:9", "'../../x'"]),
    "S110 address": (
        {"model": "model: {checkpoint: 'http://evil.example/x', max_tokens: 32}"},
        [":3:9", "model.checkpoint", "org/name@revision"],
    ),
    "S110 file address": ({"model": "model: {checkpoint: 'file:///etc', max_tokens: 32}"}, [":3:9", "'file:///etc'"]),
    "S110 homoglyph": (
        {"model": "model: {checkpoint: 'googl\u0435/bert@main', max_tokens: 32}"},
        [":3:9", "googl\\u0435/bert@main"],
    ),
    "no such card": ({"data": "data: {card: movie_revews}"}, [":5:8", "no data card", "did you mean 'movie_reviews'?"]),
    "language that the card lacks": (
        {"data": "data: {card: movie_reviews, languages: [deu]}"},
        [":5:", "data.languages", "no language 'deu'", "eng"],
    ),
    "training rows cannot select": ({"select": "  select: train"}, [":16:3", "cannot choose the checkpoint"]),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "parts"), CASES.values(), ids=CASES)
def test_is_refused_with_its_line(changes: dict[str, str], parts: list[str], tmp_path: Path, capsys: Capsys) -> None:
    path = recipe(tmp_path, **changes)
    before = tree(tmp_path)
    said = command(capsys, "check", path)
    said.has(*parts)
    assert said.out == ""
    assert tree(tmp_path) == before


def test_the_recipe_itself_is_good(tmp_path: Path, capsys: Capsys) -> None:
    """Without this every refusal above could be of something else."""
    said = command(capsys, "check", recipe(tmp_path))
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith("recipe.yaml: ok\n")


def test_all_problems_come_at_once(tmp_path: Path, capsys: Capsys) -> None:
    path = recipe(
        tmp_path, epochs="  epochs: -1", batch="  bach: 4", precision="  precision: fp12", tuning="tuning: []"
    )
    said = command(capsys, "check", path, "--json")
    assert said.code == 2
    found = problems_of(said)
    assert {one["field"] for one in found} >= {"train.epochs", "train.bach", "train.batch", "train.precision", "tuning"}
    assert all(one["where"].startswith("recipe.yaml:") for one in found)


def test_5_numbers_as_people_write_them(tmp_path: Path) -> None:
    assert check(recipe(tmp_path)).recipe.train.learning_rate == 1e-5


def test_6_no_is_a_text(tmp_path: Path, capsys: Capsys) -> None:
    path = recipe(tmp_path, data="data: {card: movie_reviews, languages: [no]}")
    command(capsys, "check", path).has("no language 'no'")


@pytest.mark.parametrize("text", ["\ufeff" + RECIPE, RECIPE.replace("\n", "\r\n")], ids=["BOM", "CRLF"])
def test_9_other_line_ends_are_fine(text: str, tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "recipe.yaml").write_bytes(text.encode())
    assert command(capsys, "check", "recipe.yaml").code == 0


@pytest.mark.parametrize("text", ["", "# nothing but this\n", "- a\n- b\n"], ids=["empty", "comments", "list"])
def test_11_no_recipe_at_all(text: str, tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "recipe.yaml").write_text(text)
    command(capsys, "check", "recipe.yaml").has("recipe.yaml:1:1", "nlptl cp")


def test_15_what_is_no_file(tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "large.yaml").write_bytes(b"a: 1\n" * 300_000)
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    for name, part in {
        "large.yaml": "1,048,576 bytes",
        "pipe.yaml": "is a pipe",
        "folder.yaml": "is a directory",
        "larg.yaml": "did you mean 'large.yaml'?",
        "quikstart": "did you mean 'quickstart'?",
    }.items():
        command(capsys, "check", name).has(name, part)


@pytest.mark.parametrize(
    ("argument", "parts"),
    [
        ("train.learning_rate=", ["train.learning_rate", "no value"]),
        ("trian.batch=1", ["trian", "did you mean 'train'?"]),
        ("a.b.c=1", ["a: unknown key"]),
        ("train.epochs=-1", ["train.epochs: must be at least 1"]),
        ("train.epochs", ["has no '='"]),
    ],
)
def test_16_overrides_are_named(argument: str, parts: list[str], tmp_path: Path, capsys: Capsys) -> None:
    said = command(capsys, "run", recipe(tmp_path), argument)
    said.has(f"argument '{argument}'", *parts)


def test_23_settings_that_are_odd_are_warned_of(tmp_path: Path, capsys: Capsys) -> None:
    said = command(capsys, "check", recipe(tmp_path, warmup="  warmup: 0.9", evaluate="evaluate: [{split: dev}]"))
    assert said.code == 0
    assert "train.warmup: 90%" in said.err
    assert "'dev' chose the checkpoint" in said.err


def test_27_places_that_take_no_output(tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    path = recipe(tmp_path)
    for place, part in {"/": "root of the file system", str(home): "home folder", "no/such": "does not exist"}.items():
        command(capsys, "run", path, "--out", place).has("output folder", part)
    (tmp_path / "file").write_text("")
    command(capsys, "run", path, "--out", "file").has("is a file")


def test_107_a_secret_on_the_command_line(tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "planted-value-1")
    said = command(capsys, "check", recipe(tmp_path), "data.root=planted-value-1", "train.epochs=planted-value-1")
    assert "warning: a secret stands on the command line" in said.err
    assert "planted-value-1" not in said.err + said.out
    assert "[hidden]" in said.err
    assert "secret" not in command(capsys, "check", recipe(tmp_path)).err
