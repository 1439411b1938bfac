"""The table of tunings by task and architecture: it stands on the page as it was tried, and a part is tried again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny
import tuning_cells

KINDS = sorted(tuning_cells.kinds())
TASKS = list(tuning_cells.TASKS)
SAMPLE = [
    (kind, TASKS[number % 3], tiny.FAMILIES[(5 * number) % len(tiny.FAMILIES)]) for number, kind in enumerate(KINDS)
]
"""A cell a kind, all tasks and many architectures among them."""


def test_the_page_shows_what_was_tried() -> None:
    page = tuning_cells.PAGE.read_text(encoding="utf-8")
    assert page == tuning_cells.written(page), "run: python tests/tuning_cells.py"


def test_every_kind_task_and_architecture_was_tried() -> None:
    results = json.loads(tuning_cells.RESULTS.read_text(encoding="utf-8"))
    assert sorted(results) == KINDS, "run: python tests/tuning_cells.py KIND"
    for by_task in results.values():
        assert sorted(by_task) == sorted(TASKS)
        assert all(set(found) == set(tiny.FAMILIES) for found in by_task.values())


@pytest.mark.parametrize(("kind", "task", "family"), SAMPLE)
def test_a_cell_is_as_the_table_says(tmp_path: Path, kind: str, task: str, family: str) -> None:
    results = json.loads(tuning_cells.RESULTS.read_text(encoding="utf-8"))
    assert tuning_cells.tried(tmp_path, kind, task, family) == results[kind][task][family]
