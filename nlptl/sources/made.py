"""Made worlds: invented words, known truth, and a known best score, for tests and for methods that claim something.

Whatever a text says is said by its cue words, and every cue word belongs to one class alone; so the truth can always
be read off the text, and what keeps a model from it is the noise in the labels, whose share is a setting. The best
accuracy that any model can reach in expectation is therefore known: see `Made.best`.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from nlptl import planting, seeds
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.sources import Part, Record, Source

CUES = 6
"""Cue words of a class."""
FILLERS = 200
_HEADS = tuple(
    ["b", "br", "d", "dr", "f", "g", "gl", "k", "kr", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr", "v", "z"]
)
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ou")
_TAILS = ("", "", "n", "r", "s", "l", "k", "m")


class Made(Source):
    """Columns: `text`, `label` (topics); `text`, `labels` (several); `text`, `text_pair`, `label` (pairs); `question`,
    `context`, `answers` (questions); `text`, `form` (commands); `truth`.
    """

    kind: Literal["made"]

    world: Literal["topics", "several", "pairs", "questions", "commands"]
    """`topics`: one class. `several`: one to three. `pairs`: the two texts say the same, other things, or one of them
    denies what the other says; neither text alone tells which. `questions`: the question names a class, and the answer
    is the word behind that class's cue word in the context. `commands`: each cue word asks its class for the word
    behind it, and the form (of the language `functional`) says so: `both(class2('bruna'),class0('kleido'))`."""

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

    faults: Mapping[str, int] = Field(default_factory=dict)
    """Faults to plant, for trying what looks for them: kind -> how many (rows; of what concerns whole classes,
    classes)."""

    @model_validator(mode="after")
    def _faults_are_known(self) -> "Made":
        possible = [name for name, kind in planting.KINDS.items() if self.world in kind.worlds]
        for name, count in self.faults.items():
            if name not in possible:
                fix = did_you_mean(name, possible)
                raise ValueError(f"faults: the world '{self.world}' cannot have '{name}'; {fix}")
            if count < 1:
                raise ValueError(f"faults: {name}: {count} is not a number of faults")
        return self

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
        if self.faults:
            made = self._planted(part.language)[0].rows[part.split]
            yield from (Record(values, f"{part.name}#{number}") for number, values in enumerate(made, 1))
            return
        vocabulary = _vocabulary(self.seed, part.language, self.classes)
        for number in range(self.rows[part.split]):
            yield Record(self._row(vocabulary, part.split, part.language, number), f"{part.name}#{number + 1}")

    def planted(self, language: str) -> dict[str, list[tuple[str, int]]]:
        """Give kind of fault -> the rows that have it, by split and number from 0."""
        return self._planted(language)[1]

    def _planted(self, language: str) -> "tuple[planting.Ground, dict[str, list[tuple[str, int]]]]":
        vocabulary = _vocabulary(self.seed, language, self.classes)
        rows = {
            split: [self._row(vocabulary, split, language, number) for number in range(count)]
            for split, count in self.rows.items()
        }

        def again(split: str, number: int, label: str) -> dict[str, Any]:
            rng = seeds.stream(self.seed, "again", split, language, number)
            return self._topic(rng, vocabulary, self.names().index(label))

        ground = planting.Ground(rows, self.names(), vocabulary["fillers"], language, again)
        try:
            return ground, planting.plant(ground, self.faults, self.seed)
        except ValueError as fault:
            raise BadInput("source", Problem(str(fault), field="source.faults")) from None

    def _row(self, vocabulary: "Vocabulary", split: str, language: str, number: int) -> dict[str, Any]:
        make = {
            "topics": self._topic, "several": self._several, "pairs": self._pair, "questions": self._question,
            "commands": self._command,
        }[self.world]  # fmt: skip
        return make(seeds.stream(self.seed, "made", split, language, number), vocabulary)

    def _topic(self, rng: random.Random, vocabulary: "Vocabulary", truth: int | None = None) -> dict[str, Any]:
        truth = rng.randrange(self.classes) if truth is None else truth
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
        texts = [self._text(rng, vocabulary, [first]), self._text(rng, vocabulary, [second])]
        # Denied by one of the two is denied; denied by both or by none is not: so one text alone says nothing.
        coin = rng.random() < 0.5
        denying = [coin, not coin] if truth == "denied" else [coin, coin]
        texts = [f"{vocabulary['denial'][0]} {text}" if no else text for text, no in zip(texts, denying, strict=True)]
        return {"text": texts[0], "text_pair": texts[1], "label": self._noisy(rng, truth), "truth": truth}

    def _question(self, rng: random.Random, vocabulary: "Vocabulary") -> dict[str, Any]:
        """Put cue words with a value behind each among fillers; ask for one by another of its class's cue words."""
        there = rng.sample(range(self.classes), max(1, min(self.classes, self.words // 4)))
        values = vocabulary["fillers"]
        facts = {number: (rng.choice(vocabulary[f"class{number}"]), rng.choice(values)) for number in there}
        loose = [(rng.choice(values),) for _ in range(self.words - 2 * len(there))]
        pieces = [*facts.values(), *loose]
        rng.shuffle(pieces)
        asked = rng.choice(there)
        context = " ".join(word for piece in pieces for word in piece)
        told = asked if rng.random() >= self.noise else rng.choice(there)
        cue, answer = facts[told]
        start = len(" ".join([*(word for piece in pieces[: pieces.index(facts[told])] for word in piece), cue])) + 1
        question = rng.choice(vocabulary[f"class{asked}"])
        return {
            "question": question, "context": context, "answers": [{"text": answer, "start": start}],
            "truth": facts[asked][1],
        }  # fmt: skip

    def _command(self, rng: random.Random, vocabulary: "Vocabulary") -> dict[str, Any]:
        """Say one or two things to do: a cue word and behind it a value, in the order of the form."""
        chosen = rng.sample(range(self.classes), min(self.classes, self.words // 3, rng.randint(1, 2)) or 1)
        values = [rng.choice(vocabulary["fillers"]) for _ in chosen]
        cues = [rng.choice(vocabulary[f"class{number}"]) for number in chosen]
        pieces = list(zip(cues, values, strict=True))
        told = [self._noisy(rng, f"class{number}") for number in chosen]

        def form(names: Sequence[str]) -> str:
            parts = [f"{name}('{value}')" for name, value in zip(names, values, strict=True)]
            return parts[0] if len(parts) == 1 else f"both({','.join(parts)})"

        loose = [(rng.choice(vocabulary["fillers"]),) for _ in range(self.words - 2 * len(pieces))]
        places = sorted(rng.sample(range(len(pieces) + len(loose)), len(pieces)))
        order = [pieces[places.index(at)] if at in places else loose.pop() for at in range(len(pieces) + len(loose))]
        text = " ".join(word for piece in order for word in piece)
        return {"text": text, "form": form(told), "truth": form([f"class{number}" for number in chosen])}

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
