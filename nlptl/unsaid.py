"""Recipes that leave settings of `train` to `tuning: [{kind: auto}]`: which those are, and what reads them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from nlptl import kinds
from nlptl.errors import Problem
from nlptl.recipe import Recipe, Train
from nlptl.strict import Document, Read, validate

if TYPE_CHECKING:
    from nlptl.tuning import Tuning as Kind
else:
    Kind = kinds.one_of("tuning")

LEFT = ("epochs", "batch", "learning_rate", "schedule", "warmup", "weight_decay", "clip")
"""What `auto` sets where a recipe does not. Precision and selecting split are never guessed."""
BESIDE = ("average", "dropout", "smoothing")
"""Kinds of tuning that may stand beside `auto`: they go together with all that it takes."""


class TrainUnsaid(Train):
    """`train` beside `auto`: a key that is left out holds a stand-in until the advice is taken; pydantic's
    `model_fields_set` tells the two apart.
    """

    epochs: int = Field(default=1, ge=1, le=10_000)
    batch: int = Field(default=1, ge=1, le=1_000_000)
    learning_rate: float = Field(default=1e-5, gt=0, le=10)
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup: float = Field(default=0.1, ge=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0, lt=1)
    clip: float | None = Field(default=1.0, gt=0)

    @model_serializer(mode="wrap")
    def _without_stand_ins(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write what was said: a stand-in that is read again would be taken for it."""
        return {name: one for name, one in handler(self).items() if name not in LEFT or name in self.model_fields_set}


class RecipeUnsaid(Recipe):
    """A recipe with `auto` among its tunings."""

    tuning: tuple[Kind, ...] = Field(
        min_length=1, json_schema_extra={"contains": {"properties": {"kind": {"const": "auto"}}}}
    )
    train: TrainUnsaid


def asks(data: Any) -> bool:
    """Say whether what was read of a recipe has `auto` among its tunings."""
    tunings = data.get("tuning") if isinstance(data, dict) else None
    return isinstance(tunings, list) and any(isinstance(one, dict) and one.get("kind") == "auto" for one in tunings)


def read(document: Document) -> Read[Recipe]:
    """Make the recipe of a document; keys of `train` may be left out where `auto` sets them. Raises BadInput."""
    if not asks(document.data):
        return validate(document, Recipe)
    found = validate(document, RecipeUnsaid)
    return Read(found.value, found.document)


def problems(found: Read[Recipe]) -> Iterator[Problem]:
    """Yield the kinds of tuning that say what `auto` is to choose, with both places."""
    named = [kind.kind for kind in found.value.tuning]
    if "auto" not in named:
        return
    first = found.where("tuning", named.index("auto"))
    for number, kind in enumerate(named):
        if kind != "auto" and kind not in BESIDE:
            what = f"'{kind}' says what 'auto' at {first} is to choose"
            yield found.problem(("tuning", number), what, f"remove one; beside it stand {', '.join(BESIDE)}")
