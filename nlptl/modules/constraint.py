"""Hold a model that generates subwords to a grammar: a mask over its vocabulary for every prefix.

B rows, V the width of the model's logits. The states of all prefixes form a tree that rows and beams share; llguidance
gives the mask of the grammar, and for SQL the scope of its names takes out what would name a thing that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nlptl.errors import BadInput, Problem
from nlptl.grammars.matching import Matchers, matcher, reason
from nlptl.grammars.signs import Reading, complete, read
from nlptl.grammars.words import Words

if TYPE_CHECKING:
    from llguidance import LLTokenizer
    from numpy.typing import NDArray

    from nlptl.grammars import Held

MOST_PREFIXES = 20_000
"""Prefixes that are kept, with a bit for each token; the tree is begun anew when there are more."""


class _Step:
    """A prefix of tokens."""

    __slots__ = ("allowed", "children", "ended", "fed", "parent", "reading")

    def __init__(self, parent: _Step | None, fed: tuple[int, ...], reading: Reading | None, *, ended: bool) -> None:
        self.parent = parent
        self.fed = fed
        self.reading = reading
        self.ended = ended
        self.children: dict[int, _Step | None] = {}
        self.allowed: NDArray[np.uint8] | None = None
        """A bit for each token."""


class Constraint:
    """Which tokens may follow a prefix of tokens, under a grammar and, for SQL, the scope of its names.

    Raises BadInput where the grammar is wrong, or cannot be written with this tokenizer.
    """

    def __init__(self, held: Held, tokenizer: Any) -> None:
        self.held = held
        self._tokens = _tokenizer(tokenizer)
        self._ends = frozenset(self._tokens.eos_tokens)
        self._end = self._tokens.eos_token
        self._never = self._ends | ({tokenizer.unk_token_id} - {None})
        """Tokens that write nothing of a form; llguidance gives the unknown one where a forced text has no other."""
        self._matchers = Matchers(matcher(held.text, self._tokens))
        self._words = Words(held, held.scope.words) if held.scope is not None else None
        self._bytes: list[str | None] = [None] * self._tokens.vocab_size
        self._marked: NDArray[np.bool_] | None = None
        self._count = 0
        self._root = self._begin()
        self.stuck = 0
        """Prefixes behind which the grammar let nothing stand, not even the end: they were ended."""
        self._ids(())
        if self.stuck:
            raise BadInput("grammar", Problem("no form of it can begin with a token of this tokenizer"))

    # ---- what callers ask

    def allowed(self, prefix: Sequence[int], width: int | None = None) -> torch.Tensor:
        """Give bool [V]: what may follow the tokens generated so far (without the prompt)."""
        known = self._tokens.vocab_size
        found = torch.zeros(width or known, dtype=torch.bool)
        bits = np.unpackbits(self._bits(prefix), count=known, bitorder="little").view(np.bool_)
        found[:known] = torch.from_numpy(bits)[: len(found)]
        return found

    def mask(self, prefixes: Sequence[Sequence[int]], width: int | None = None) -> torch.Tensor:
        """Give bool [B, V]: the same for several rows."""
        return torch.stack([self.allowed(prefix, width) for prefix in prefixes])

    def complete(self, prefix: Sequence[int]) -> bool:
        """Say whether these tokens, with or without an end-of-text, are a whole form."""
        step = self._at(prefix)
        return step is not None and (step.ended or self._may_end(step))

    def forced(self, prefix: Sequence[int]) -> list[int]:
        """Give the tokens that must follow, as far as there is one way only."""
        found: list[int] = []
        while len(ids := self._ids([*prefix, *found])) == 1 and int(ids[0]) not in self._ends:
            found.append(int(ids[0]))
        return found

    def writes(self, form: str) -> str:
        """Give "" for a form that keeps to the grammar, else its text from the first token that does not."""
        ids = self._tokens.tokenize_str(form)
        step: _Step | None = self._root
        for number, one in enumerate(ids):
            step = self._after(step, one) if step is not None else None
            if step is None:
                return str(self._tokens.decode_str(ids[number:]))
        return "" if step is not None and self._may_end(step) else "(the form is not whole)"

    # ---- the tree

    def _begin(self) -> _Step:
        return _Step(None, (), Reading(self._words.root) if self._words is not None else None, ended=False)

    def _at(self, prefix: Sequence[int]) -> _Step | None:
        if self._count > MOST_PREFIXES:
            self._matchers.forget()
            self._count = 0
            if self._words is not None:
                self._words.begin_anew()
            self._root = self._begin()
        step: _Step | None = self._root
        for one in prefix:
            if step is None or step.ended:
                return step
            step = self._after(step, one)
        return step

    def _after(self, step: _Step, one: int) -> _Step | None:
        if one not in step.children:
            self._count += 1
            step.children[one] = self._new(step, one)
        return step.children[one]

    def _new(self, step: _Step, one: int) -> _Step | None:
        if one in self._ends:
            return _Step(step, (), step.reading, ended=True)
        if not self._follows(step, one):
            return None
        reading = read(step.reading, self._text(one)) if step.reading is not None else None
        if step.reading is not None and reading is None:
            return None
        return _Step(step, (one,), reading, ended=False)

    def _follows(self, step: _Step, one: int) -> bool:
        if step.allowed is not None:
            return one < self._tokens.vocab_size and bool(step.allowed[one >> 3] >> (one & 7) & 1)
        return one < self._tokens.vocab_size and self._matchers.at(step).validate_tokens([one]) == 1

    def _may_end(self, step: _Step) -> bool:
        if not self._matchers.at(step).is_accepting():
            return False
        return step.reading is None or complete(step.reading)

    # ---- the masks

    def _bits(self, prefix: Sequence[int]) -> NDArray[np.uint8]:
        """Give a bit for each token that may follow; behind an end, or what breaks the grammar, the end alone."""
        step = self._at(prefix)
        if step is None or step.ended:
            return self._packed(np.array([self._end]))
        if step.allowed is None:
            step.allowed = self._packed(self._allowed(step))
        return step.allowed

    def _packed(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        found = np.zeros(self._tokens.vocab_size, dtype=np.bool_)
        found[ids] = True
        return np.packbits(found, bitorder="little")

    def _ids(self, prefix: Sequence[int]) -> NDArray[np.int64]:
        bits = np.unpackbits(self._bits(prefix), count=self._tokens.vocab_size, bitorder="little")
        return np.flatnonzero(bits)

    def _allowed(self, step: _Step) -> NDArray[np.int64]:
        bits = np.frombuffer(self._matchers.at(step).compute_bitmask(), dtype=np.uint8)
        found = np.flatnonzero(np.unpackbits(bits, count=self._tokens.vocab_size, bitorder="little"))
        ends = [one for one in found.tolist() if one in self._ends] if self._may_end(step) else []
        found = found[~np.isin(found, list(self._never))]
        if step.reading is not None:
            found = self._in_scope(step.reading, found)
        if not len(found) and not ends:
            self.stuck += 1
            ends = [self._end]
        return np.concatenate([found, np.array(ends, dtype=np.int64)]).astype(np.int64)

    def _in_scope(self, reading: Reading, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        free = np.zeros(len(ids), dtype=np.bool_)
        if reading.sort in ("'", '"'):
            free = ~self._closing()[ids]  # in a literal all is free but for what closes it
        known: dict[str, Reading | None] = {}
        checked = ids[~free].tolist()
        fits = [one for one in checked if read(reading, self._text(one), known) is not None]
        return np.concatenate([ids[free], np.array(fits, dtype=np.int64)])

    def _text(self, one: int) -> str:
        """Give a token's bytes, one character each."""
        found = self._bytes[one]
        if found is None:
            found = self._bytes[one] = bytes(self._tokens.decode_bytes([one])).decode("latin-1")
        return found

    def _closing(self) -> NDArray[np.bool_]:
        """Give bool [V]: the tokens that hold a quotation mark."""
        if self._marked is None:
            texts = [self._text(one) for one in range(self._tokens.vocab_size)]
            self._marked = np.array(["'" in text or '"' in text for text in texts])
        return self._marked


class _Pieces:
    """A SentencePiece vocabulary in the shape that llguidance reads; it knows none that write a space as U+2581."""

    bos_token_id = None

    def __init__(self, tokenizer: Any) -> None:
        from tokenizers import Tokenizer, pre_tokenizers

        # A part of a text is cut as it stands: no space is put before it, nothing is normalised away.
        self._backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._backend.no_padding()
        self._backend.no_truncation()
        self._backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
        self._backend.normalizer = None
        self.eos_token_id = tokenizer.eos_token_id
        self.special_token_ids = sorted(set(tokenizer.all_special_ids))
        names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        self.tokens = [_bytes_of(name or f"<gap {number}>") for number, name in enumerate(names)]

    def __call__(self, text: bytes) -> list[int]:
        return list(self._backend.encode(text.decode("utf-8"), add_special_tokens=False).ids)


def _bytes_of(name: str) -> bytes:
    byte = re.fullmatch(r"<0x([0-9A-F]{2})>", name)
    return bytes([int(byte[1], 16)]) if byte else name.replace("\u2581", " ").encode()


def _tokenizer(tokenizer: Any) -> LLTokenizer:
    """Give a tokenizer of transformers in llguidance's form. Raises BadInput."""
    import llguidance.hf

    if getattr(tokenizer, "backend_tokenizer", None) is None or tokenizer.eos_token_id is None:
        what = "decoding can be held to it only with a fast tokenizer that has an end-of-text"
        raise BadInput("grammar", Problem(what))
    try:
        if "Metaspace" in repr(tokenizer.backend_tokenizer.decoder):
            return llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Pieces(tokenizer)))
        return llguidance.hf.from_tokenizer(tokenizer)
    except (ValueError, RuntimeError) as error:
        what = f"decoding cannot be held to it with this tokenizer ({reason(str(error))})"
        raise BadInput("grammar", Problem(what)) from error


class ConstrainedLogits:
    """A logits processor of transformers (`generate(logits_processor=[…])`): what breaks the grammar gets -inf.

    `start` is where the generated tokens begin: the width of the (left-padded) prompts for a decoder, 1 for a seq2seq
    model, whose rows begin with one start token.
    """

    def __init__(self, constraint: Constraint, start: int) -> None:
        self._constraint = constraint
        self._start = start

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Take ids [B, T] and scores [B, V]; give the scores with -inf where the grammar does not go on."""
        prefixes = input_ids[:, self._start :].tolist()
        mask = self._constraint.mask(prefixes, scores.shape[-1]).to(scores.device)
        held = scores.masked_fill(~mask, -torch.inf)
        # Where another processor has forced a token that the grammar does not know (BART's first), that one stays.
        forced = held.isneginf().all(dim=-1, keepdim=True)
        return torch.where(forced, scores, held)
