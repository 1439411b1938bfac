"""Made geography: questions about a table of facts, their class, their SQL and a passage that answers them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.geography import database, grammar, items, writing
from nlptl.sources import Part, Record, Source


class Geography(Source):
    """Columns: `question`, `text` (the same), `label`, `form`, `database`, `context`, `answers`, `template`, `truth`.

    Row n is the same item in every language. `form` is SQL, `database` the path of the SQLite file that it runs on,
    `truth` what it gives there, as a JSON list of rows; names in both are English.
    """

    databases: ClassVar[bool] = True

    kind: Literal["geography"]

    edition: Literal[1]
    """Which facts and sentences: they change under a new number alone, so that a card's rows stay what they are."""

    seed: int = Field(ge=0, le=2**32 - 1)
    """One seed is one choice of questions, of their splits, and of the sentences around the answers."""

    rows: Mapping[str, int]
    """Rows of each split, for each language: `train`, `dev`, `test`, `test_compositional`. A longer split begins with
    the shorter one."""

    holdout: Literal["combinations", "depth"]
    """What training never shows, and `test_compositional` alone asks. `combinations`: a third of the pairs of what is
    asked ("How many people live in …") and how a country is described ("the largest country in Africa"); both parts
    stand in training with others. `depth`: every question that describes a country instead of naming it."""

    unanswered: float = Field(default=0.0, ge=0, le=0.5)
    """Share of questions whose answer is nothing: the query gives no row, the passage holds no answer."""

    @model_validator(mode="after")
    def _there_are_so_many(self) -> "Geography":
        for split, count in self.rows.items():
            if split not in items.SPLITS:
                raise ValueError(f"rows: no split '{split}'; {did_you_mean(split, items.SPLITS)}")
            if count < 0:
                raise ValueError(f"rows: {split}: {count} is not a number of rows")
            try:
                items.chosen(self.seed, self.holdout, split, count, self.unanswered)
            except ValueError as fault:
                raise ValueError(f"rows: {fault}") from None
        return self

    def best(self) -> float:
        """Give the best reachable score of every task: nothing is noisy, what is asked can be read off the text."""
        return 1.0

    def records(self, part: Part) -> Iterator[Record]:
        """Yield the rows of a split in one language. Raises BadInput for a split or language that there is not."""
        if part.split not in self.rows:
            fix = did_you_mean(part.split, self.rows)
            raise BadInput(
                part.name, Problem(f"the source makes no split '{part.split}'", field="source.rows", fix=fix)
            )
        if part.language not in grammar.LANGUAGES:
            fix = did_you_mean(part.language, grammar.LANGUAGES)
            raise BadInput(part.name, Problem(f"the source knows no language '{part.language}'", fix=fix))
        where = str(database.place())
        found = items.chosen(self.seed, self.holdout, part.split, self.rows[part.split], self.unanswered)
        for number, item in enumerate(found, 1):
            yield Record(self._row(item, part.language, where), f"{part.name}#{number}")

    def _row(self, item: items.Item, language: str, where: str) -> dict[str, Any]:
        truth = items.truth(item.template.name, item.args) or []
        return {
            **writing.row(item, language, self.seed), "label": item.template.label,
            "form": item.template.sql(item.args), "database": where, "template": item.template.name,
            "truth": json.dumps([[value] for value in truth], ensure_ascii=False),
        }  # fmt: skip
