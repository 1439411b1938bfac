"""What the tests of bad inputs share: a small recipe as text, a small card over a file, and the command line in this
process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nlptl import cli

RECIPE = """\
name: bad
seeds: [13]
model: {checkpoint: ., max_tokens: 32}
task: {kind: classification}
data: {card: movie_reviews}
tuning: [{kind: full}]
train:
  epochs: 2
  batch: 4
  learning_rate: 1e-5
  schedule: linear
  warmup: 0.1
  weight_decay: 0.01
  clip: 1.0
  precision: fp32
  select: dev
evaluate: [{split: test}]
"""
GOOD = "text,label\nfine day,good\npoor day,bad\nnice one,good\nugly one,bad\n"


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    def has(self, *parts: str) -> None:
        """Hold that the command was refused as bad input, in these words."""
        assert self.code == 2, self
        for part in parts:
            assert part in self.err, f"{part!r} is not in:\n{self.err}"


def command(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Said:
    """Run a command line in this process."""
    with pytest.raises(SystemExit) as end:
        cli.main([str(one) for one in arguments])
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err + shown.out
    assert isinstance(end.value.code, int)
    return Said(end.value.code, shown.out, shown.err)


def recipe(folder: Path, **changes: str) -> Path:
    """Write the recipe with lines changed: `batch="  batch: 0"` replaces the line of that key, "" removes it."""
    lines = []
    for line in RECIPE.splitlines():
        new = changes.pop(line.split(":")[0].strip(), line)
        lines += [new] if new else []
    assert not changes, f"no such lines: {list(changes)}"
    path = folder / "recipe.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def card(folder: Path, **changes: Any) -> Path:
    """Write a card `small` over train.csv, dev.csv and test.csv of `folder`; keywords replace its fields."""
    tree: dict[str, Any] = {
        "name": "small", "title": "Small", "description": "Invented.", "tasks": ["classification"],
        "languages": ["eng"], "licence": "none", "citation": "none",
        "source": {"kind": "table", "delimiter": "comma", "quoting": "double", "header": True},
        "columns": {"text": "text", "label": "label"},
        "splits": {split: {"files": [{"file": f"{split}.csv"}]} for split in ("train", "dev", "test")},
    }  # fmt: skip
    path = folder / "small.yaml"
    path.write_text(json.dumps(tree | changes), encoding="utf-8")
    return path


def files(folder: Path, **contents: str | bytes) -> None:
    """Write train, dev and test; what is not given is good."""
    for split in ("train", "dev", "test"):
        content = contents.get(split, GOOD)
        (folder / f"{split}.csv").write_bytes(content.encode() if isinstance(content, str) else content)


def problems_of(said: Said) -> list[Mapping[str, str]]:
    """Give the problems of a command that was asked for JSON."""
    found = json.loads(said.out)
    return list((found[0] if isinstance(found, list) else found)["problems"])
