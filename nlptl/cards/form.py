"""What a card says of logical forms: their language, and what they are run on and held to."""

from typing import Literal

from pydantic import Field, field_validator

from nlptl.cards.files import Sha256, below
from nlptl.strict import Value


class Database(Value):
    """A SQLite file that the forms ask."""

    file: str = Field(min_length=1)
    """Path below `data.root` or `$NLPTL_DATA`."""

    sha256: Sha256
    """Of its bytes. Checked whenever rows are read."""

    @field_validator("file")
    @classmethod
    def _below_the_root(cls, file: str) -> str:
        return below(file)


class Form(Value):
    """The logical forms of a data set: the column `form`, and further right ones in `forms`."""

    language: Literal["sql", "functional", "list", "frame", "words"]
    """How they are written: SQL, FunQL or Prolog, brackets as in Lisp, MTOP's frames, or words alone."""

    database: Database | None = None
    """What SQL is run on; rows then have its path here in the column `database`."""

    grammar: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*\.lark$")
    """A Lark grammar that every form follows, beside the card."""
