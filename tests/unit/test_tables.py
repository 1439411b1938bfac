"""Figures in README and docs are those of the result files, to the letter."""

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tables", ROOT / "benchmarks" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_are_those_of_the_results() -> None:
    made = tables()
    pages = made.pages()
    assert ROOT / "README.md" in pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text == made.filled(text), f"{page.name} differs from the results: run python benchmarks/tables.py"


def test_a_missed_bar_is_said() -> None:
    row = {"what": "x", "ours": 0.91, "bar": 0.92}
    assert tables()._cell(row, "bar") == "0.92 (missed)"
    assert tables()._cell({**row, "ours": 0.92}, "bar") == "0.92"
