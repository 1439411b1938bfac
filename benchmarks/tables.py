"""Write the tables of README.md and docs/ from benchmarks/results/*.json; a test fails where they differ.

python benchmarks/tables.py
"""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = re.compile(r"(<!-- results (\w+) -->\n).*?(<!-- /results -->)", re.DOTALL)
COLUMNS = ("ours", "theirs", "ratio", "low", "high", "n", "bar")


def table(name: str) -> str:
    """Give the Markdown table of one result file, with the command that measured it; a missed bar says so."""
    content = json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8"))
    used = [column for column in COLUMNS if any(column in row for row in content["rows"])]
    lines = [f"| what | {' | '.join(used)} |", f"| --- |{' ---: |' * len(used)}"]
    for row in content["rows"]:
        cells = [_cell(row, column) for column in used]
        lines.append(f"| {row['what']} | {' | '.join(cells)} |")
    versions = content["versions"]
    below = [
        f"`{content['command']}`, {content['processor']}, {content['cores']} cores, torch {versions['torch']}, "
        f"transformers {versions['transformers']}.",
        *(f"{note[0].upper()}{note[1:]}." for note in content["notes"]),
    ]
    return "\n".join([*lines, "", *below]) + "\n"


def _cell(row: dict[str, float], column: str) -> str:
    if column not in row:
        return ""
    text = f"{row[column]:.4g}"
    reached = row.get("ratio", row.get("ours"))
    return f"{text} (missed)" if column == "bar" and reached is not None and reached < row["bar"] else text


def filled(text: str) -> str:
    """Give a page with each of its tables made anew."""
    return PLACE.sub(lambda found: f"{found[1]}\n{table(found[2])}\n{found[3]}", text)


def pages() -> list[Path]:
    """Give the pages that hold tables."""
    return [
        page
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        if PLACE.search(page.read_text("utf-8"))
    ]


if __name__ == "__main__":
    for page in pages():
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(page.relative_to(ROOT))
