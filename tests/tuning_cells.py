"""Which tuning works with which task on which architecture: tried, not claimed.

`python tests/tuning_cells.py` tries every cell (ten to twenty minutes), keeps what came of it in `tuning_cells.json`
and writes the table of docs/tuning.md.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tiny

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "tuning_cells.json"
PAGE = HERE.parent / "docs" / "tuning.md"
MARKS = ("<!-- tuning cells -->", "<!-- /tuning cells -->")
TASKS: dict[str, dict[str, Any]] = {
    "classification": {"world": "topics"}, "qa": {"world": "questions"}, "parsing": {"world": "commands"},
}  # fmt: skip
WORKS = "works"


def kinds() -> dict[str, dict[str, Any]]:
    """Give a section of every kind of tuning, with the fewest settings that it takes."""
    sys.path.insert(0, str(HERE / "contract"))
    import shelves

    from nlptl import kinds as shelf

    return {kind: shelves.least("tuning", kind) for kind in sorted(shelf.shelf("tuning"))}


def tried(folder: Path, kind: str, task: str, family: str) -> str:
    """Take two steps, save, load, and hold the logits against each other; "works", or why it was refused."""
    from nlptl import evaluate, phases, saved
    from nlptl import kinds as shelf
    from nlptl.errors import BadInput

    card = tiny.write_card(folder, rows={"train": 16, "dev": 4, "test": 4}, **TASKS[task])
    tree = tiny.recipe_tree(tiny.save_checkpoint(folder / "start", family), card)
    if shelf.shelf("tuning")[kind].aligns:
        tree["data"] = tree["data"] | {"target": {"split": "test"}}
    tree |= {"tuning": [kinds()[kind]], "train": {**tree["train"], "weight_decay": 0.0}}
    if task == "qa":
        tree["task"] = {"kind": "qa", "stride": 4, "answer_tokens": 8}
    if task == "parsing":
        own = {"decoder": {"layers": 1, "width": 16, "heads": 2, "dropout": 0.1}} if family in tiny.ENCODERS else {}
        tree["task"] = {"kind": "parsing", "form_tokens": 24, **own}
    try:
        parts = tiny.Tiny(folder, tiny.write_recipe(folder / "recipe.yaml", tree)).parts()
    except BadInput as refused:
        return refused.problems[0].what
    for phase, _, _ in list(phases.left(parts.moving, 0, 2))[:1]:
        if phase is not None:
            phases.enter(parts.moving, phase, "")
    before = parts.tensors()
    parts.train(2)
    after = parts.tensors()
    assert any(not bool((before[name] == after[name]).all()) for name in before), "nothing moved"
    rows = parts.rows[:3]
    own_task, moving = parts.inputs.recipe.task, parts.moving
    ours = evaluate.witnesses(moving.bare, own_task, rows, parts.opened, parts.fitted, moving.computing)
    parts.save(folder / "model")
    one = saved.load(folder / "model", device="cpu", numbers="fp32")
    again = evaluate.witnesses(one.model.module, one.task, rows, one.opened, one.fitted, one.computing)
    assert saved.difference(again, ours) <= saved.TOLERANCE
    return WORKS


def table(results: Mapping[str, Mapping[str, Mapping[str, str]]]) -> str:
    """Give the table: a row a kind, a column a task, and in the cell how many architectures it was tried on and why
    others are refused.
    """
    lines = [f"| kind | {' | '.join(TASKS)} |", f"|{' --- |' * (1 + len(TASKS))}"]
    for kind, by_task in sorted(results.items()):
        cells = []
        for task in TASKS:
            found = by_task[task]
            refused: dict[str, list[str]] = {}
            for family, said in found.items():
                if said != WORKS:
                    refused.setdefault(said.split(";")[0].removeprefix(f"{kind}: "), []).append(family)
            works = sum(said == WORKS for said in found.values())
            cell = f"all {works}" if works == len(found) else f"{works} of {len(found)}"
            cell += "".join(f"; not {', '.join(names)}: {why}" for why, names in refused.items())
            cells.append(cell if works else "no: " + next(iter(refused)))
        lines.append(f"| `{kind}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def written(page: str) -> str:
    """Give the page with the table of what was tried last."""
    before, rest = page.split(MARKS[0])
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    return f"{before}{MARKS[0]}\n\n{table(results)}\n\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


def main(only: list[str]) -> None:
    """Try every cell of the kinds that are named, or of all, and write what came of it."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() and only else {}
    for kind in only or kinds():
        results[kind] = {}
        for task in TASKS:
            results[kind][task] = {}
            for family in tiny.FAMILIES:
                with tempfile.TemporaryDirectory() as folder:
                    results[kind][task][family] = tried(Path(folder), kind, task, family)
        print(kind, {task: sum(one == WORKS for one in found.values()) for task, found in results[kind].items()})
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
