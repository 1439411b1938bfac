"""What the tests of the run directory share: files with known content, small processes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from nlptl import artifacts

FILES = ("model.safetensors", "optimizer.safetensors", "rng.json", "sub/tokenizer.json", "state.json")
EVERY_FILE = (*FILES, artifacts.MANIFEST)


def content(name: str, step: int, of: str = "this run") -> bytes:
    return random.Random(f"{name} {step} {of}").randbytes(3000) + name.encode()


def writer(step: int, of: str = "this run") -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "sub").mkdir()
        for name in FILES:
            (folder / name).write_bytes(content(name, step, of))

    return write


def silent(text: str) -> None:
    assert text


def python(code: str, *arguments: object, **variables: str) -> subprocess.Popen[str]:
    """Start a small process that finds nlptl and this file, which import nothing slow."""
    here = Path(__file__)
    environment = {**os.environ, "PYTHONPATH": f"{here.parents[2]}:{here.parent}", **variables}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def two_checkpoints(run: Path) -> Path:
    """Make two good checkpoints, steps 10 and 20."""
    for step in (10, 20):
        artifacts.save(run, step, writer(step), keep=2)
    return run
