"""Write docs/api.md, the Python interface, from the docstrings.

    python docs/make_api.py            writes it
    python docs/make_api.py --check    ends with exit code 1 if it differs

Read from the sources, so that nothing is imported and the order is the source's own. A test holds the two together.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE / "api.md"
PARTS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "Run and use": (
        "What most people need. `import nlptl` imports no torch.",
        {"": ("run", "load"), "runs": ("Result",), "saved": ("Loaded",)},
    ),
    "Records": (
        "Frozen values that travel through a run.",
        {"records": ("Row", "Prediction", "Scores", "Feature", "Batch", "Loss", "Partial", "Model")},
    ),
    "Kinds of your own": (
        "A kind is one class with settings as fields and verbs as methods. A package offers its own under the entry "
        "points `nlptl.tasks`, `nlptl.tuning`, "
        "`nlptl.augment` and `nlptl.sources`; recipes and cards then name it by its kind.",
        {"tasks": ("Task",), "tuning": ("Tuning",), "augment": ("Augment",), "edits": ("Edit",),
         "sources": ("Source", "Part", "Record")},
    ),
    "Errors": (
        "Every fault that a user can mend is one of these. `BadInput` holds all problems at once.",
        {"errors": ("NlptlError", "BadInput", "Problem", "Locked", "NoCheckpoint", "OutOfSpace", "NumericFailure",
                    "ReloadMismatch")},
    ),
}  # fmt: skip


def page() -> str:
    """Give the whole page."""
    lines = ["# Python interface", "", "Made from the docstrings by `docs/make_api.py`.", ""]
    for title, (about, modules) in PARTS.items():
        lines += [f"## {title}", "", about, ""]
        for module, names in modules.items():
            tree = _tree(module)
            for name in names:
                lines += _entry(module, tree[name])
    return "\n".join(lines).rstrip() + "\n"


def _tree(module: str) -> dict[str, ast.FunctionDef | ast.ClassDef]:
    """Give what a module defines by name; a folder's names may stand in any of its files."""
    place = HERE.parent / "nlptl" / module if module else HERE.parent / "nlptl" / "__init__.py"
    files = [place.with_suffix(".py")] if not place.is_dir() else sorted(place.glob("*.py"))
    if module in ("tasks", "tuning", "augment", "sources"):
        files = [place / "__init__.py"]
    found = {}
    for file in files:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name] = node
    return found


def _entry(module: str, node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    full = ".".join(part for part in ("nlptl", module, node.name) if part)
    if isinstance(node, ast.FunctionDef):
        yield from [f"### `{full}`", "", *_code(node), *_text(node)]
        return
    yield from [f"### `{full}`", "", *_text(node)]
    yield from _fields(node)
    for verb in node.body:
        if isinstance(verb, ast.FunctionDef) and not verb.name.startswith("_"):
            yield from [f"**`{verb.name}`**", "", *_code(verb), *_text(verb)]


def _fields(node: ast.ClassDef) -> Iterator[str]:
    """Yield a table of the annotated fields, each with the string that stands below it."""
    rows = []
    for field, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign):
            said = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            kind = ast.unparse(field.annotation).replace("|", "\\|")
            rows.append(f"| `{ast.unparse(field.target)}` | `{kind}` | {_line(str(said))} |")
    if rows:
        yield from ["| field | type | |", "| --- | --- | --- |", *rows, ""]


def _code(node: ast.FunctionDef) -> list[str]:
    """Give the signature as code, broken where it is long."""
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    given = ast.unparse(node.args).removeprefix("self, ").removeprefix("self")
    line = f"{node.name}({given}){result}"
    if len(line) > 110:
        parts = _split(given)
        line = "\n".join([f"{node.name}(", *(f"    {part}," for part in parts), f"){result}"])
    return ["```python", line, "```", ""]


def _split(arguments: str) -> list[str]:
    """Split at the commas that stand in no bracket."""
    parts, depth = [""], 0
    for sign in arguments:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def _text(node: ast.FunctionDef | ast.ClassDef) -> list[str]:
    text = ast.get_docstring(node) or ""
    return [*(textwrap.dedent(text).splitlines()), ""]


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    """Write the page, or compare it."""
    wanted = page()
    if "--check" in sys.argv:
        return int(not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
