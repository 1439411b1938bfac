"""What every benchmark writes: `benchmarks/results/<name>.json`, and the pieces that it goes on from when stopped."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Row:
    """One line of a benchmark's table; what does not apply is None and is not written."""

    what: str
    ours: float | None = None
    theirs: float | None = None
    ratio: float | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    bar: float | None = None


def write(name: str, rows: Sequence[Row], *, seeds: Sequence[int], notes: Sequence[str] = ()) -> Path:
    """Write the results of benchmark `name`, whole or not at all, and print the table."""
    from nlptl import artifacts

    environment = artifacts.environment()
    content = {
        "command": " ".join(["python", f"benchmarks/{name}.py", *sys.argv[1:]]),
        "versions": environment["versions"],
        "processor": environment["processor"],
        "cores": environment["cores"],
        "seeds": list(seeds),
        "notes": list(notes),
        "rows": [{key: _short(value) for key, value in asdict(row).items() if value is not None} for row in rows],
    }
    FOLDER.mkdir(exist_ok=True)
    place = FOLDER / f"{name}.json"
    beside = place.with_suffix(".json.part")
    beside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(beside, place)
    show(rows)
    return place


def show(rows: Sequence[Row]) -> None:
    """Print rows as a table; a bar that is missed is marked."""
    print(f"{'':68} {'ours':>9} {'theirs':>9} {'ratio':>7} {'95 %':>15} {'n':>6} {'bar':>6}")
    for row in rows:
        value = row.ratio if row.ratio is not None else row.ours
        missed = " missed" if row.bar is not None and value is not None and value < row.bar else ""
        between = "" if row.low is None or row.high is None else f"{row.low:.3g} to {row.high:.3g}"
        cells = [_cell(row.ours, 9), _cell(row.theirs, 9), _cell(row.ratio, 7), f"{between:>15}", _cell(row.n, 6)]
        print(f"{row.what:68} {' '.join(cells)} {_cell(row.bar, 6)}{missed}")


def rates(tokens: int) -> dict[str, float]:
    """Measure operations a second of matrix products at MiniLM's own shapes: forward and both gradients.

    The floor of a step is its operations over this rate.
    """
    import torch

    found = {}
    kinds = (("fp32", torch.float32, "highest"), ("fp32 oneDNN", torch.float32, "medium"), ("bf16", torch.bfloat16, ""))
    for name, dtype, setting in kinds:
        torch.set_float32_matmul_precision(setting or "highest")
        seconds = operations = 0.0
        for wide, narrow, times in ((384, 384, 4), (1536, 384, 1), (384, 1536, 1)):
            x, w, g = (torch.randn(shape).to(dtype) for shape in ((tokens, narrow), (wide, narrow), (tokens, wide)))
            products = (lambda x=x, w=w: x @ w.t(), lambda g=g, w=w: g @ w, lambda g=g, x=x: g.t() @ x)
            for product in products:
                product()
                began = time.perf_counter()
                for _ in range(4):
                    product()
                seconds += times * (time.perf_counter() - began) / 4
                operations += times * 2.0 * tokens * wide * narrow
        found[name] = operations / seconds
    torch.set_float32_matmul_precision("highest")
    return found


class Pieces:
    """What a stopped benchmark has measured already, one JSON object a line, and what is left of its budget."""

    def __init__(self, name: str, minutes: float, *, fresh: bool) -> None:
        self.place = FOLDER.parent / "work" / f"{name}.pieces.jsonl"
        self.place.parent.mkdir(exist_ok=True)
        if fresh:
            self.place.unlink(missing_ok=True)
        self.minutes = minutes
        self.restart()
        self.found: list[dict[str, Any]] = []
        if self.place.exists():
            lines = self.place.read_text(encoding="utf-8").splitlines()
            self.found = [json.loads(line) for line in lines if line.endswith("}")]

    def restart(self) -> None:
        """Begin the budget anew."""
        self.until = time.monotonic() + 60 * self.minutes

    def add(self, piece: dict[str, Any]) -> None:
        """Keep a measurement, on disk at once."""
        self.found.append(piece)
        with self.place.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(piece) + "\n")

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Give the measurements of a kind."""
        return [piece for piece in self.found if piece["kind"] == kind]

    @property
    def over(self) -> bool:
        """Whether the budget is used up."""
        return time.monotonic() >= self.until


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _cell(value: float | None, width: int) -> str:
    return " " * width if value is None else f"{value:>{width}.4g}"
