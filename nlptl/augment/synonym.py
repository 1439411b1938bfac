"""Put words that share a sense in WordNet in each other's place."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from nlptl import edits, wordnet
from nlptl.augment import Asked, Augment, Ground
from nlptl.cards import DataCard
from nlptl.edits import Edit, Edits
from nlptl.errors import Problem
from nlptl.tasks import Task

LANGUAGE = "eng"
SHORTEST = 3
"""Letters of a word that is edited: WordNet knows `a` as a unit of length, and `in` as another."""
FUNCTION = frozenset({
    "have", "can", "could", "will", "would", "may", "might", "shall", "should", "must", "not", "more", "most",
    "very", "too", "off", "out", "over", "under", "down", "all", "any", "both", "each", "few", "much", "many",
    "some", "such", "other", "own", "same", "who", "then", "there", "here", "now", "are", "was", "been",
})  # fmt: skip
"""Words whose place no synonym can take, though WordNet lists them as nouns, verbs or adverbs."""


class Synonym(Augment):
    """Put a WordNet synonym in a word's place (of EDA, Wei and Zou 2019, arXiv:1901.11196). English alone, and base
    forms alone: `movie` has synonyms, `movies` is not in WordNet. The sense is not told from the text.
    """

    kind: Literal["synonym"]

    senses: int = Field(ge=1, le=100)
    """How many senses of a word, the commonest first, its synonyms are taken from."""

    directory: str | None = Field(default=None, min_length=1)
    """The folder with WordNet's `index.noun`, `data.noun` and so on; absent: where Debian, WordNet or NLTK put it."""

    def check(self, task: Task, card: DataCard) -> list[Problem]:
        """Refuse data without English, and a folder that is named and has not the files."""
        found = []
        if LANGUAGE not in card.languages:
            what = f"WordNet is English; card '{card.name}' has {', '.join(card.languages)}"
            found.append(Problem(what, field="kind", fix="take neighbour"))
        if self.directory is not None and (lacking := wordnet.missing(Path(self.directory).expanduser())):
            what = f"{self.directory} has no {', '.join(lacking[:4])}"
            found.append(Problem(what, field="directory", fix="name the folder that has index.noun and data.noun"))
        return found

    def stamp(self) -> str:
        """Give the sha256 of WordNet's files."""
        return wordnet.find(self.directory).sha256()

    def open(self, ground: Ground) -> wordnet.WordNet:
        """Find WordNet's files."""
        return wordnet.find(self.directory)

    def vary(self, asked: Sequence[Asked], opened: Any) -> list[Edits]:
        """Edit the English rows, each text by itself."""
        return [
            {column: self._edited(one.row.values[column], one.draw(column), opened) for column in one.columns}
            if one.row.language == LANGUAGE else {}
            for one in asked
        ]  # fmt: skip

    def _edited(self, text: str, draw: random.Random, opened: wordnet.WordNet) -> list[Edit]:
        found = edits.words(text)
        options = []
        for word in found:
            able = len(word.text) >= SHORTEST and word.text.lower() not in FUNCTION
            if able and (near := opened.synonyms(word.text, self.senses)):
                options.append([Edit(word.start, word.end, edits.cased(one, word.text)) for one in near])
        made = [draw.choice(one) for one in edits.drawn(draw, options, self.rate, len(found))]
        return [one for one in made if text[one.start : one.end] != one.replacement]
