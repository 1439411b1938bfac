"""A model -> JSON Schema, for editors that complete and check while one writes."""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, TypeAdapter

from nlptl.strict import shapes

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema(model: Any, title: str) -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a model. Descriptions are the docstrings below fields and of classes."""
    made = TypeAdapter(model).json_schema()
    definitions: dict[str, Any] = made.get("$defs", {})
    for known in _models(model, set()):
        section = definitions.get(known.__name__, made if made.get("title") == known.__name__ else None)
        if section is not None:
            _describe(section, known, definitions)
    return {"$schema": DRAFT, **made, "title": title}


def _models(annotation: Any, seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    for branch in shapes.choices(annotation):
        if not shapes.is_model(branch):
            inner = shapes.items(branch)
            if inner is not None:
                yield from _models(inner, seen)
        elif branch not in seen:
            seen.add(branch)
            yield branch
            for field in branch.model_fields.values():
                yield from _models(field.annotation, seen)


def _describe(section: dict[str, Any], model: type[BaseModel], definitions: dict[str, Any]) -> None:
    told = docstrings(model)
    of_class = (inspect.getdoc(model) or model.__name__).partition("\n")[0]
    for key, entry in section.get("properties", {}).items():
        if "description" in entry:
            continue
        target = definitions.get(str(entry.get("$ref", "")).rpartition("/")[2], {})
        fallback = of_class if key == "kind" else target.get("description", "").partition("\n")[0]
        entry["description"] = told.get(key) or fallback or _choices_in_words(key, entry, definitions)


def _choices_in_words(key: str, entry: dict[str, Any], definitions: dict[str, Any]) -> str:
    refs = [option.get("$ref", "").rpartition("/")[2] for option in entry.get("oneOf", ())]
    lines = [definitions.get(ref, {}).get("description", ref).partition("\n")[0] for ref in refs]
    return f"Chosen by its `kind`. {' '.join(lines)}" if lines else key


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Give key -> the docstring below the field, in classes above too; nothing where the source is not at hand."""
    found: dict[str, str] = {}
    for part in reversed(model.__mro__):
        if issubclass(part, BaseModel) and part is not BaseModel:
            found.update(_own_docstrings(part))
    aliases = {name: field.alias or name for name, field in model.model_fields.items()}
    return {aliases.get(name, name): text for name, text in found.items()}


def _own_docstrings(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    except (OSError, TypeError, SyntaxError):
        return
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    for field, text in itertools.pairwise(body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            yield field.target.id, inspect.cleandoc(text.value.value)
