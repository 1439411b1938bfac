"""YAML 1.2 text -> frozen values; every problem at once, each with `file:line:column`. ruamel.yaml is imported late."""

from nlptl.strict.document import Document, Path, Place, show_path
from nlptl.strict.dumping import dump
from nlptl.strict.files import load
from nlptl.strict.overrides import override, put
from nlptl.strict.parsing import parse
from nlptl.strict.schemas import schema
from nlptl.strict.validation import Read, read, validate
from nlptl.strict.value import Value

__all__ = [
    "Document",
    "Path",
    "Place",
    "Read",
    "Value",
    "dump",
    "load",
    "override",
    "parse",
    "put",
    "read",
    "schema",
    "show_path",
    "validate",
]
