"""A small recipe and its models, for the tests of reading."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from nlptl.errors import BadInput
from nlptl.strict import Value, override, parse, validate


class Full(Value):
    """Move everything."""

    kind: Literal["full"]


class Lora(Value):
    """Move a low rank."""

    kind: Literal["lora"]

    rank: int = Field(ge=1)
    """Width of the update."""

    targets: tuple[str, ...] = ()
    """Modules."""

    @model_validator(mode="after")
    def _some_targets(self) -> "Lora":
        if self.rank > 64 and not self.targets:
            raise ValueError("rank: more than 64 needs targets")
        return self


class Only(Value):
    """The only task there is."""

    kind: Literal["classification"]


class Train(Value):
    """How the weights move."""

    epochs: int = Field(ge=1, le=100)
    """Passes."""

    learning_rate: float = Field(gt=0)
    """Peak rate."""

    schedule: Literal["linear", "cosine"] = "linear"
    """Its course."""

    clip: float | None = None
    """Largest norm."""

    warmup: float = Field(default=0.0, ge=0, lt=1, examples=[0.06])
    """Part of the steps."""


class External(Value):
    """Rows from elsewhere."""

    file: str
    """Where."""

    rows: int | None = None
    """How many."""


class Recipe(Value):
    """One experiment."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    """Its name."""

    seeds: tuple[Annotated[int, Field(ge=0, le=2**32 - 1)], ...] = Field(min_length=1)
    """Its seeds."""

    task: Only
    tuning: tuple[Annotated[Full | Lora, Field(discriminator="kind")], ...] = ()
    train: Train
    language: str = "eng"
    """Of the texts."""

    extra: str | External | None = None
    """A name, or a section."""

    labels: dict[str, int] = Field(default={})
    """Text to number."""

    strict: bool = False
    """A switch."""

    @field_validator("language")
    @classmethod
    def _three_letters(cls, value: str) -> str:
        if value == "xx":
            raise ValueError("no such language")
        return value


RECIPE = """\
# An experiment.
name: first
seeds: [13, 14]
task: {kind: classification}
tuning:
  - kind: full
  - {kind: lora, rank: 8}
train:
  epochs: 3
  learning_rate: 5e-5
"""


def faults(text: str, *arguments: str, model: Any = Recipe) -> list[str]:
    """Give the problems of a text, line by line; none where it is accepted."""
    try:
        validate(override(parse(text, "recipes/x.yaml"), arguments), model)
    except BadInput as error:
        head, *lines = str(error).split("\n")
        assert head == f"recipes/x.yaml: {len(lines)} problem{'s' if len(lines) > 1 else ''}"
        return [line[2:] for line in lines]
    return []


def value(text: str, *arguments: str) -> Recipe:
    return validate(override(parse(text, "x.yaml"), arguments), Recipe).value


def changed(old: str, new: str) -> str:
    assert old in RECIPE
    return RECIPE.replace(old, new)
