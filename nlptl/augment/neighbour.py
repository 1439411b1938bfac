"""Put words in the place of others that lie close in a checkpoint's own table of word vectors."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nlptl import edits, whole_words
from nlptl.augment import Asked, Augment, Ground
from nlptl.edits import Edit, Edits, Word

if TYPE_CHECKING:
    import torch

CHUNK = 256
"""Words that are looked up at once. W of them, V words of the table, H hidden."""
SPARE = 8
"""Further candidates whose order is settled in fp64, so that rounding in fp32 chooses nobody."""


class Neighbour(Augment):
    """Put one of the closest words, by cosine, of the checkpoint's input embeddings in a word's place (of the
    paraphrases of Wang and Yang 2015, D15-1306). Whole words of the same script alone, which the vocabulary has as one
    entry; written as the word was.
    """

    kind: Literal["neighbour"]

    nearest: int = Field(ge=1, le=1000)
    """How many of the closest words may be taken, each as likely as the others."""

    among: Literal["table", "seen"]
    """`table`: all words of the vocabulary, which in one of many languages may be of another language; `seen`: those of
    the training rows in the row's language."""

    checkpoint: str | None = Field(default=None, min_length=1)
    """Whose embeddings; absent: those of the checkpoint that is trained."""

    def checkpoints(self) -> tuple[str, ...]:
        """Name the checkpoint of its own, if it has one."""
        return () if self.checkpoint is None else (self.checkpoint,)

    def open(self, ground: Ground) -> "Table":
        """Read the table, and which words are seen in which language."""
        backbone = ground.backbone(self.checkpoint)
        module: Any = backbone.model("AutoModel", {}, "none").module
        weight = module.get_input_embeddings().weight.detach()
        seen: dict[str, set[str]] | None = None
        if self.among == "seen":
            seen = {}
            for row in ground.rows:
                texts = (row.values.get(column) for column in ground.task.rewritable)
                found = (word.text.casefold() for text in texts if isinstance(text, str) for word in edits.words(text))
                seen.setdefault(row.language, set()).update(found)
        return Table(whole_words.whole_words(backbone.tokenizer), weight, seen, self.nearest)

    def vary(self, asked: Sequence[Asked], opened: Any) -> list[Edits]:
        """Draw words that the table knows, look all of them up, and draw of what is close."""
        chosen: list[dict[str, tuple[Any, list[Word]]]] = []
        for one in asked:
            drawn = {}
            for column in one.columns:
                found, draw = edits.words(one.row.values[column]), one.draw(column)
                able = [word for word in found if opened.knows(word.text)]
                drawn[column] = (draw, edits.drawn(draw, able, self.rate, len(found)))
            chosen.append(drawn)
            opened.wanted(one.row.language, (word.text for _, words in drawn.values() for word in words))
        opened.look_up()
        made: list[Edits] = []
        for one, drawn in zip(asked, chosen, strict=True):
            made.append({
                column: [
                    Edit(word.start, word.end, edits.cased(draw.choice(near), word.text))
                    for word in words
                    if (near := opened.near(one.row.language, word.text))
                ]
                for column, (draw, words) in drawn.items()
            })  # fmt: skip
        return made


class Table:
    """Words of a vocabulary with their vectors, and which of them are close to which, as far as it was asked."""

    def __init__(
        self, words: Mapping[int, str], weight: "torch.Tensor", seen: Mapping[str, set[str]] | None, nearest: int
    ) -> None:
        self._numbers = {word: number for number, word in words.items()}
        self._words, self._weight, self._seen, self._nearest = words, weight, seen, nearest
        self._found: dict[tuple[str, int], tuple[str, ...]] = {}
        self._asked: dict[tuple[str, int], None] = {}
        self._groups: dict[tuple[str, str], tuple[list[int], torch.Tensor]] = {}

    def knows(self, word: str) -> bool:
        """Say whether a word is one entry."""
        return whole_words.entry(word, self._numbers) is not None

    def wanted(self, language: str, words: Iterable[str]) -> None:
        """Note words, all of which the table knows, for `look_up`."""
        spoken = self._spoken(language)
        for word in words:
            number = whole_words.entry(word, self._numbers)
            if number is not None and (spoken, number) not in self._found:
                self._asked[spoken, number] = None

    def near(self, language: str, word: str) -> tuple[str, ...]:
        """Give the closest words of one that was looked up, the closest first."""
        number = whole_words.entry(word, self._numbers)
        return () if number is None else self._found[self._spoken(language), number]

    def look_up(self) -> None:
        """Find the closest words of all that are noted."""
        groups: dict[tuple[str, str], list[int]] = {}
        for spoken, number in self._asked:
            groups.setdefault((spoken, whole_words.script(self._words[number])), []).append(number)
        for (spoken, script), numbers in groups.items():
            for start in range(0, len(numbers), CHUNK):
                part = numbers[start : start + CHUNK]
                near = self._nearest_of(part, spoken, script)
                self._found.update({(spoken, number): one for number, one in zip(part, near, strict=True)})
        self._asked.clear()

    def _spoken(self, language: str) -> str:
        return language if self._seen is not None else ""

    def _nearest_of(self, numbers: list[int], spoken: str, script: str) -> list[tuple[str, ...]]:
        import torch

        others, unit_VH = self._group(spoken, script)
        asked_WH = _unit(self._weight[torch.tensor(numbers)])
        count = min(len(others), 3 * self._nearest + SPARE)  # a word may be there in three ways of writing
        if not count:
            return [()] * len(numbers)
        places = (asked_WH @ unit_VH.T).topk(count, dim=1).indices
        exact = torch.einsum("wh,wch->wc", asked_WH.double(), unit_VH[places].double())
        return [
            self._distinct(number, [(-round(value, 9), others[place]) for value, place in zip(*pair, strict=True)])
            for number, *pair in zip(numbers, exact.tolist(), places.tolist(), strict=True)
        ]

    def _distinct(self, number: int, ranked: list[tuple[float, int]]) -> tuple[str, ...]:
        own, found = self._words[number].casefold(), dict[str, str]()
        for _, other in sorted(ranked):
            found.setdefault(self._words[other].casefold(), self._words[other])
        found.pop(own, None)
        return tuple(found.values())[: self._nearest]

    def _group(self, spoken: str, script: str) -> "tuple[list[int], torch.Tensor]":
        """Give the words of a script, those seen in a language alone where that is asked, with their unit vectors."""
        import torch

        if (spoken, script) not in self._groups:
            seen = None if self._seen is None else self._seen.get(spoken, set())
            numbers = [
                number for number, word in self._words.items()
                if whole_words.script(word) == script and (seen is None or word.casefold() in seen)
            ]  # fmt: skip
            self._groups[spoken, script] = numbers, _unit(self._weight[torch.tensor(numbers, dtype=torch.long)])
        return self._groups[spoken, script]


def _unit(rows: "torch.Tensor") -> "torch.Tensor":
    import torch

    return torch.nn.functional.normalize(rows.float(), dim=-1)
