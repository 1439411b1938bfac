"""Write the tables and examples of docs/geography.md from the made world itself.

    python docs/make_geography.py            writes them
    python docs/make_geography.py --check    ends with exit code 1 if they differ

A test holds the two together, so the page cannot drift.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from nlptl.geography import described, grammar, items, writing
from nlptl.geography.items import Holdout, Item

PAGE = Path(__file__).resolve().parent / "geography.md"
SHOWN = (("train", 0), ("train", 12), ("test_compositional", 7))
"""Split and number of the rows of seed 1 that are shown."""


def classes() -> str:
    """Give a table: class, an example of each of its questions."""
    found: dict[str, dict[str, str]] = {}
    for item in items.pool(1, "depth", "train", True):
        found.setdefault(item.template.label, {}).setdefault(item.template.words, writing.question(item, "eng"))
    rows = [f"| `{label}` | {' '.join(asked.values())} |" for label, asked in sorted(found.items())]
    return "\n".join(["| class | is asked by |", "| --- | --- |", *rows])


def held_out() -> str:
    """Give a table: what is asked against how a country is described; an x where only test_compositional has it."""
    ways = [way for way in described.DESCRIPTIONS if way]
    lines = [f"| | {' | '.join(f'`{way}`' for way in ways)} |", f"| --- |{' --- |' * len(ways)}"]
    for asked in described.ASKED:
        marks = []
        for way in ways:
            template = items.templates().get(f"{asked}/{way}")
            marks.append("" if template is None else "x" if items.held_out(template, "combinations") else "train")
        lines.append(f"| `{asked}` | {' | '.join(marks)} |")
    return "\n".join(lines)


def sizes() -> str:
    """Give a table: how many different questions each split has at most, in each language."""
    lines = ["| `holdout` | " + " | ".join(f"`{split}`" for split in items.SPLITS) + " |"]
    lines.append(f"| --- |{' ---: |' * len(items.SPLITS)}")
    for holdout in get_args(Holdout):
        counts = items.sizes(1, holdout)
        cells = [f"{counts[split][0]:,} + {counts[split][1]:,}" for split in items.SPLITS]
        lines.append(f"| `{holdout}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def examples() -> str:
    """Show rows in every language."""
    chosen = [items.chosen(1, "combinations", split, number + 1, 0.0)[-1] for split, number in SHOWN]
    return "\n\n".join(_example(item, *place) for item, place in zip(chosen, SHOWN, strict=True))


def _example(item: Item, split: str, number: int) -> str:
    head = f"Row {number:06d} of `{split}`: template `{item.template.name}`, class `{item.template.label}`"
    lines = [f"{head}, form", "", "```sql", item.template.sql(item.args), "```", ""]
    lines += ["| | question | passage, its answer in bold |", "| --- | --- | --- |"]
    for language in grammar.LANGUAGES:
        found = writing.passage(item, language, 1)
        assert found.start is not None
        end = found.start + len(found.answer)
        text = f"{found.text[: found.start]}**{found.answer}**{found.text[end:]}"
        lines.append(f"| {language} | {writing.question(item, language)} | {text} |")
    return "\n".join(lines)


PARTS: dict[str, Callable[[], str]] = {
    "classes": classes, "held out": held_out, "sizes": sizes, "examples": examples,
}  # fmt: skip


def with_parts(page: str) -> str:
    """Give the page with its tables as they must be."""
    for name, make in PARTS.items():
        before, rest = page.split(f"<!-- {name} -->", 1)
        page = f"{before}<!-- {name} -->\n\n{make()}\n\n<!-- /{name} -->{rest.split(f'<!-- /{name} -->', 1)[1]}"
    return page


def main() -> int:
    """Write the page, or compare it."""
    have = PAGE.read_text(encoding="utf-8")
    wanted = with_parts(have)
    if "--check" in sys.argv:
        return int(have != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
