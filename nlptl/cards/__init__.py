"""The data card: the one place that knows a data set: where its files lie, what their columns mean, their faults."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from nlptl.cards.card import Band, DataCard, Fault, OnHub, Overlap
from nlptl.cards.faults import faults
from nlptl.cards.files import Division, File, Packaged, Pool, Split
from nlptl.cards.form import Database, Form
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.strict import Read, read

__all__ = [
    "Band",
    "DataCard",
    "Database",
    "Division",
    "Fault",
    "File",
    "Form",
    "OnHub",
    "Overlap",
    "Packaged",
    "Pool",
    "Split",
    "find",
    "names",
    "shipped",
]


def shipped(kind: Literal["data_cards", "recipes"]) -> Path:
    """Give the folder of the shipped cards or recipes: in the installed package, or beside it in the repository."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_shipped" / kind
    return inside if inside.is_dir() else package.parent / kind


def names() -> list[str]:
    """Name the cards that can be found without a path: those of ./data_cards and the shipped ones."""
    return sorted({path.stem for folder in _folders() for path in folder.glob("*.yaml")})


def find(name: str) -> Read[DataCard]:
    """Read a card: a path that ends in .yaml, or a name that ./data_cards or nlptl has, in this order.

    Raises BadInput with every fault of the card, or with the nearest name.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name).expanduser()
    else:
        found = [
            folder / f"{name}.yaml" for folder in _folders() if name in {path.stem for path in folder.glob("*.yaml")}
        ]
        if not found:
            raise BadInput(name, Problem(f"no data card '{name}'", fix=did_you_mean(name, names())))
        path = found[0]
    card = read(path, DataCard)
    card.value._place = path
    found_faults = list(faults(card.value))
    if card.value.name != path.stem:
        found_faults.append((("name",), f"the file is named '{path.stem}'", "give both one name"))
    if found_faults:
        raise BadInput(str(path), [card.problem(*fault) for fault in found_faults])
    return card


def _folders() -> list[Path]:
    return [Path("data_cards"), shipped("data_cards")]
