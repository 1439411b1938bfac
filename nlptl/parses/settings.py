"""The settings of a parser, and what it learns of the training forms."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from nlptl.strict import Value
from nlptl.tasks import Fitted

if TYPE_CHECKING:
    from nlptl.grammars import Held


class Decoder(Value):
    """The decoder of ours that stands over an encoder."""

    layers: int = Field(ge=1, le=48)
    """Transformer layers."""

    width: int = Field(ge=8, le=8192)
    """Width of its layers; the feed-forward part is four times as wide."""

    heads: int = Field(ge=1, le=128)
    """Attention heads; they must divide the width."""

    dropout: float = Field(ge=0, lt=1)
    """Dropout behind each part of a layer."""


class Search(Value):
    """How forms are searched for."""

    beams: int = Field(default=1, ge=1, le=64)
    """How many hypotheses are kept at each step; 1 takes the most probable piece each time."""

    grammar: Literal["sql", "card", "learnt"] | None = None
    """What a form is held to while it is written: `sql` (with the tables and columns of the card's database), `card`
    (the Lark file that the card names), `learnt` (made of the training forms); absent: nothing."""


class Forms(Fitted):
    """What is learnt of the training forms."""

    language: str
    """The language of the forms, as the card names it."""
    lower: bool = False
    """Whether words are copied in lower case."""
    pieces: tuple[str, ...] = ()
    """The vocabulary of the decoder over an encoder; empty for models that bring their own."""
    seen: tuple[str, ...] = ()
    """Hashes of the training forms and of their templates: what is not among them was never seen."""
    databases: tuple[str, ...] = ()
    """The SQLite files that forms are executed on."""
    grammar: str = ""
    """The Lark text that forms are held to, where it is not made of tables."""
    tables: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Tables with their columns, where SQL is held to them."""
    given_names: tuple[str, ...] = ()
    """Names that training queries give to tables and columns."""

    def held(self) -> "Held | None":
        """Give what decoding is held to."""
        from nlptl import grammars

        if self.tables:
            return grammars.for_sql(grammars.Schema(dict(self.tables)), [" ".join(self.given_names)])
        return grammars.from_text(self.grammar, self.language) if self.grammar else None
