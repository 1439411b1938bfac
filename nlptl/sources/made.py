"""Made worlds: invented words, known truth, and a known best score, for tests and for methods that claim something.

Whatever a text says is said by its cue words, and every cue word belongs to one class alone; so the truth can always
be read off the text, and what keeps a model from it is the noise in the labels, whose share is a setting. The best
accuracy that any model can reach in expectation is therefore known: see `Made.best`.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from nlptl import seeds
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.sources import Part, Record, Source

CUES = 6
"""Cue words of a class."""
FILLERS = 200
_HEADS = (
    "b",
    "br",
    "d",
    "dr",
    "f",
    "g",
    "gl",
    "k",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "z",
)
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ou")
_TAILS = ("", "", "n", "r", "s", "l", "k", "m")


class Made(Source):
    """Columns: `text`, `label` (topics); `text`, `labels` (several); `text`, `text_pair`, `label` (pairs); `truth`."""

    kind: Literal["made"]

    world: Literal["topics", "several", "pairs"]
    """`topics`: one class. `several`: one to three. `pairs`: the second text says the same as the first,
    another thing, or denies it."""

    seed: int = Field(ge=0, le=2**32 - 1)
    """One seed is one world: its words, its texts, its noise."""

    rows: Mapping[str, int]
    """Rows of each split, for each language."""

    classes: int = Field(ge=2, le=100)
    """`class0`, `class1`, …; of `pairs`, how many things there are to say."""

    words: int = Field(ge=3, le=2000)
    """Words of a text, cue words included."""

    noise: float = Field(ge=0, lt=1)
    """Share of labels that are replaced: by another class, at random (of `several`: by its opposite)."""

    @model_validator(mode="after")
    def _noise_leaves_truth(self) -> "Made":
        if self.noise >= 1 - 1 / len(self.names()):
            raise ValueError(
                f"noise {self.noise:g} leaves nothing to learn: with {len(self.names())} labels it must be less"
            )
        return self

    def names(self) -> tuple[str, ...]:
        """Give the names of the labels."""
        if self.world == "pairs":
            return ("same", "other", "denied")
        return tuple(f"class{number}" for number in range(self.classes))

    def best(self) -> float:
        """Give the expected accuracy (of `several`: of each label by itself) of a model that knows the world."""
        return 1 - self.noise

    def records(self, part: Part) -> Iterator[Record]:
        """Yield the rows of a split in one language. A row depends on seed, split, language and its number alone."""
        if part.split not in self.rows:
            fix = did_you_mean(part.split, self.rows)
            raise BadInput(
                part.name, Problem(f"the source makes no split '{part.split}'", field="source.rows", fix=fix)
            )
        vocabulary = _vocabulary(self.seed, part.language, self.classes)
        make = {"topics": self._topic, "several": self._several, "pairs": self._pair}[self.world]
        for number in range(self.rows[part.split]):
            rng = seeds.stream(self.seed, "made", part.split, part.language, number)
            yield Record(make(rng, vocabulary), f"{part.name}#{number + 1}")

    def _topic(self, rng: random.Random, vocabulary: "Vocabulary") -> dict[str, Any]:
        truth = rng.randrange(self.classes)
        text = self._text(rng, vocabulary, [truth])
        return {"text": text, "label": self._noisy(rng, f"class{truth}"), "truth": f"class{truth}"}

    def _several(self, rng: random.Random, vocabulary: "Vocabulary") -> dict[str, Any]:
        most = min(3, self.classes, self.words // 2)
        truth = sorted(rng.sample(range(self.classes), rng.randint(1, most)))
        given = [number for number in range(self.classes) if (number in truth) != (rng.random() < self.noise)]
        text = self._text(rng, vocabulary, truth)
        return {
            "text": text,
            "labels": [f"class{number}" for number in given],
            "truth": [f"class{number}" for number in truth],
        }

    def _pair(self, rng: random.Random, vocabulary: "Vocabulary") -> dict[str, Any]:
        truth = rng.choice(self.names())
        first = rng.randrange(self.classes)
        second = first if truth != "other" else rng.choice([each for each in range(self.classes) if each != first])
        pair = self._text(rng, vocabulary, [second])
        if truth == "denied":
            pair = f"{vocabulary['denial'][0]} {pair}"
        return {
            "text": self._text(rng, vocabulary, [first]),
            "text_pair": pair,
            "label": self._noisy(rng, truth),
            "truth": truth,
        }

    def _noisy(self, rng: random.Random, truth: str) -> str:
        if rng.random() < self.noise:
            return rng.choice([name for name in self.names() if name != truth])
        return truth

    def _text(self, rng: random.Random, vocabulary: "Vocabulary", said: Sequence[int]) -> str:
        """Say each class by one or two of its cue words, among words that every class uses."""
        cues = [rng.choice(vocabulary[f"class{number}"]) for number in said for _ in range(rng.randint(1, 2))]
        words = cues[: self.words] + [rng.choice(vocabulary["fillers"]) for _ in range(self.words - len(cues))]
        rng.shuffle(words)
        return " ".join(words)


Vocabulary = Mapping[str, Sequence[str]]


def _vocabulary(seed: int, language: str, classes: int) -> Vocabulary:
    """Invent the words of a language: no word has two uses, and no two languages are made of the same draw."""
    rng = seeds.stream(seed, "words", language)
    seen: set[str] = set()

    def words(count: int) -> list[str]:
        found: list[str] = []
        while len(found) < count:
            word = "".join(
                rng.choice(_HEADS) + rng.choice(_VOWELS) + rng.choice(_TAILS) for _ in range(rng.randint(2, 3))
            )
            if word not in seen:
                seen.add(word)
                found.append(word)
        return found

    return {"denial": words(1), "fillers": words(FILLERS)} | {
        f"class{number}": words(CUES) for number in range(classes)
    }
