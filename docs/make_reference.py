"""Write the table of every recipe key into docs/recipes.md, from the models that read recipes.

    python docs/make_reference.py            writes it
    python docs/make_reference.py --check    ends with exit code 1 if it differs

A test holds the two together, so the page cannot drift.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent / "recipes.md"
BEGIN, END = "<!-- reference -->", "<!-- /reference -->"
NOUNS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "`null`",
}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}

Node = dict[str, Any]


def schema() -> Node:
    """Give the JSON Schema of recipes, as `nlptl schema` prints it."""
    from nlptl import strict
    from nlptl.recipe import Recipe

    return dict(strict.schema(Recipe, "nlptl recipe"))


def reference(whole: Node) -> str:
    """Give the tables, a section of a recipe each, in the order of a recipe."""
    parts: list[str] = []
    _section(whole, whole, "", parts)
    return "\n".join(parts)


def _section(whole: Node, model: Node, path: str, parts: list[str]) -> None:
    parts += [f"### {path or 'Top level'}", ""]
    if path:
        parts += [_words(model.get("description", "")), ""]
    parts += ["| key | value | absent | meaning |", "| --- | --- | --- | --- |"]
    required = model.get("required", [])
    inner: list[tuple[str, Node]] = []
    for key, node in model["properties"].items():
        found = _models(whole, node)
        inner += [(f"{path}.{key}".strip(".") + (f", kind: {kind}" if kind else ""), one) for kind, one in found]
        below = f"see `{f'{path}.{key}'.strip('.')}` below"
        own = node.get("description", "") if not found or node.get("type") == "array" else below
        meaning = {"kind": "chooses this kind", "evaluate": below}.get(key) or _words(own)
        absent = "must be there" if key in required else _absent(node, bool(found))
        parts.append(f"| `{key}` | {_value(whole, node)} | {absent} | {meaning} |")
    parts.append("")
    for title, one in inner:
        _section(whole, one, title, parts)


def _models(whole: Node, node: Node) -> list[tuple[str, Node]]:
    """Give (kind, model) of what a key may hold: a section has no kind, a shelf has several."""
    if "$ref" in node:
        model = whole["$defs"][node["$ref"].rpartition("/")[2]]
        return [(model["properties"].get("kind", {}).get("const", ""), model)]
    if "items" in node:
        return _models(whole, node["items"])
    return [pair for branch in node.get("oneOf", []) for pair in _models(whole, branch)]


def _value(whole: Node, node: Node) -> str:
    found = _models(whole, node)
    if found:
        what = "a kind" if found[0][0] else "a section"
        return f"list of {what.removeprefix('a ')}s" if node.get("type") == "array" else what
    if "anyOf" in node:
        return " or ".join(_value(whole, branch) for branch in node["anyOf"])
    if "enum" in node:
        return ", ".join(f"`{one}`" for one in node["enum"])
    if "const" in node:
        return f"`{json.dumps(node['const']).strip(chr(34))}`"
    if node.get("type") == "array":
        return f"list: {_value(whole, node['items'])}"
    if node.get("type") == "object":
        return "section of any keys"
    bounds = [f"{sign} {node[name]:,}" for name, sign in BOUNDS.items() if name in node]
    pattern = f" like `{node['pattern']}`" if "pattern" in node else ""
    return " ".join([NOUNS[node["type"]], ", ".join(bounds)]).strip() + pattern


def _absent(node: Node, section: bool) -> str:
    default = node.get("default")
    if section or default in (None, [], {}):
        return "may be left out"
    return f"`{json.dumps(default).strip(chr(34))}`"


def _words(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def with_reference(page: str) -> str:
    """Give the page with the tables as they must be."""
    before, rest = page.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n{reference(schema())}\n{END}{rest.split(END, 1)[1]}"


def main() -> int:
    """Write the page, or compare it."""
    have = PAGE.read_text(encoding="utf-8")
    wanted = with_reference(have)
    if "--check" in sys.argv:
        return int(have != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
