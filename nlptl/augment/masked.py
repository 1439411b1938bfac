"""Let a masked language model propose words for places of a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nlptl import edits, whole_words
from nlptl.augment import Asked, Augment, Ground
from nlptl.edits import Edit, Edits, Word
from nlptl.errors import BadInput, Problem

if TYPE_CHECKING:
    import torch

TOKENS = 4096
"""Padded tokens of a batch."""
DECIMALS = 3
"""To which logits are rounded before they are ranked: how a text is batched moves them by less than that."""


@dataclass(frozen=True)
class Asking:
    """A text with words masked: which, and the tokens that stand in their places."""

    place: tuple[int, str]
    words: Sequence[Word]
    ids: Sequence[int]
    masks: Mapping[int, int]
    """Number of a word -> place of its mask among `ids`; words beyond the model's window have none."""


class Masked(Augment):
    """Mask words and put one of the likeliest words in each place (of Kobayashi 2018, arXiv:1805.06201, with a masked
    language model as in Wu et al. 2019, arXiv:1812.06705, without labels). All words drawn of a text are masked at
    once; whole words that the vocabulary has as one entry alone, written as the word was.
    """

    kind: Literal["masked"]

    checkpoint: str = Field(min_length=1)
    """A checkpoint with a head of masked language modelling."""

    nearest: int = Field(ge=1, le=1000)
    """How many of the likeliest words may be taken, each as likely as the others."""

    def checkpoints(self) -> tuple[str, ...]:
        """Name the checkpoint."""
        return (self.checkpoint,)

    def open(self, ground: Ground) -> "Proposer":
        """Open the model. Raises BadInput for a checkpoint that stores no such head."""
        backbone = ground.backbone(self.checkpoint)
        architectures = list(backbone.config.get("architectures") or [])
        tokenizer = backbone.tokenizer
        fix = "name one that was trained by masked language modelling, such as BERT's or RoBERTa's own"
        if not any(name.endswith("ForMaskedLM") for name in architectures) or tokenizer.mask_token_id is None:
            stored = ", ".join(architectures) or "a body alone"
            what = f"it has no head of masked language modelling (it stores {stored})"
            raise BadInput(f"checkpoint {self.checkpoint}", Problem(what, field="augment.masked.checkpoint", fix=fix))
        try:
            module = backbone.model("AutoModelForMaskedLM", {}, "keep").module
        except BadInput as problem:
            faults = [Problem(one.what, field="augment.masked.checkpoint", fix=fix) for one in problem.problems]
            raise BadInput(f"checkpoint {self.checkpoint}", faults) from None
        return Proposer(module.eval(), tokenizer, backbone.max_tokens, self.nearest)

    def vary(self, asked: Sequence[Asked], opened: Any) -> list[Edits]:
        """Mask the words drawn of every text, ask the model about all, and draw of what it proposes."""
        asking, draws = [], {}
        for number, one in enumerate(asked):
            for column in one.columns:
                text, draw = one.row.values[column], one.draw(column)
                found = edits.words(text)
                chosen = edits.drawn(draw, found, self.rate, len(found)) if found else []
                if chosen:
                    draws[number, column] = draw
                    asking.append(opened.masked((number, column), text, chosen))
        made: list[dict[str, list[Edit]]] = [{} for _ in asked]
        proposed = opened.propose(asking)
        for one in asking:
            number, column = one.place
            near = proposed[one.place]
            made[number][column] = [
                Edit(word.start, word.end, edits.cased(draws[one.place].choice(near[place]), word.text))
                for place, word in enumerate(one.words)
                if near.get(place)
            ]
        return list(made)


class Proposer:
    """A masked language model that is asked about many texts at once. B texts, T tokens, V entries."""

    def __init__(self, module: Any, tokenizer: Any, longest: int, nearest: int) -> None:
        self._module, self._tokenizer, self._longest, self._nearest = module, tokenizer, longest, nearest
        self._words = whole_words.whole_words(tokenizer)

    def masked(self, place: tuple[int, str], text: str, words: Sequence[Word]) -> Asking:
        """Put a mask in the place of each word, and find it again among the tokens."""
        mask, parts, starts, at, length = self._tokenizer.mask_token, [], [], 0, 0
        for word in words:
            parts += [text[at : word.start], mask]
            length += word.start - at
            starts.append(length)
            length += len(mask)
            at = word.end
        coded = self._tokenizer(
            "".join([*parts, text[at:]]), truncation=True, max_length=self._longest, return_offsets_mapping=True
        )
        # By their ends: some tokenizers count the space before a mask to it.
        pairs = enumerate(zip(coded.input_ids, coded.offset_mapping, strict=True))
        there = {end: number for number, (one, (_, end)) in pairs if one == self._tokenizer.mask_token_id}
        ends = [start + len(mask) for start in starts]
        return Asking(place, words, coded.input_ids, {
            number: there[end] for number, end in enumerate(ends) if end in there
        })  # fmt: skip

    def propose(self, asking: Sequence[Asking]) -> dict[tuple[int, str], dict[int, list[str]]]:
        """Give place of a text -> number of a word -> the likeliest other words, the likeliest first."""
        import torch

        found: dict[tuple[int, str], dict[int, list[str]]] = {}
        ordered = sorted(asking, key=lambda one: (len(one.ids), one.place))
        with torch.no_grad():
            while ordered:
                count = max(1, TOKENS // len(ordered[-1].ids))
                batch, ordered = ordered[-count:], ordered[:-count]
                logits_BTV = self._logits(batch)
                for one, logits_TV in zip(batch, logits_BTV, strict=True):
                    found[one.place] = {
                        number: self._likeliest(logits_TV[place], one.words[number].text)
                        for number, place in one.masks.items()
                    }
        return found

    def _logits(self, batch: Sequence[Asking]) -> "torch.Tensor":
        import torch

        longest = max(len(one.ids) for one in batch)
        pad = self._tokenizer.pad_token_id
        ids = torch.tensor([[*one.ids, *[pad] * (longest - len(one.ids))] for one in batch])
        real = torch.tensor([[1] * len(one.ids) + [0] * (longest - len(one.ids)) for one in batch])
        logits: torch.Tensor = self._module(input_ids=ids, attention_mask=real).logits
        return logits

    def _likeliest(self, logits_V: "torch.Tensor", word: str) -> list[str]:
        count = min(len(logits_V), max(64, 8 * self._nearest))
        best = logits_V.topk(count)
        pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ranked = sorted((-round(value, DECIMALS), number) for value, number in pairs if number in self._words)
        found: dict[str, str] = {}
        for _, number in ranked:
            if whole_words.script(self._words[number]) == whole_words.script(word):
                found.setdefault(self._words[number].casefold(), self._words[number])
        found.pop(word.casefold(), None)
        return list(found.values())[: self._nearest]
