"""llguidance over bytes and over whole pieces: what may follow a text under a grammar."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from nlptl.errors import BadInput, Problem

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLParserLimits, LLTokenizer

END = 256
"""The id of end-of-text in a made vocabulary; 0 to 255 are the bytes, what follows are the pieces."""


class _Made:
    """A made vocabulary in the shape that llguidance reads: the bytes, end-of-text, and pieces with spaces."""

    eos_token_id = END
    bos_token_id = None
    special_token_ids = (END,)

    def __init__(self, pieces: Sequence[str]) -> None:
        single = [bytes([number]) for number in range(256)]
        spaced = [text.encode() for piece in pieces for text in (f" {piece} ", f" {piece}")]
        self.tokens = [*single, b"<end>", *spaced]

    def __call__(self, text: bytes) -> list[int]:
        return list(text)


def made_tokenizer(pieces: Sequence[str]) -> LLTokenizer:
    """Make a vocabulary of bytes and pieces; 257 + 2n is piece n with a space on both sides, 258 + 2n before it."""
    from llguidance import LLTokenizer, TokenizerWrapper

    return LLTokenizer(TokenizerWrapper(_Made(pieces)), slices=[])


@functools.cache
def limits() -> LLParserLimits:
    """Give the bounds within which a grammar must keep: llguidance's own, but for its size."""
    from llguidance import LLParserLimits

    return LLParserLimits(max_grammar_size=100_000, verbose_errors=False)


def matcher(grammar: str, tokenizer: LLTokenizer, what: str = "grammar") -> LLMatcher:
    """Compile a grammar for a tokenizer. Raises BadInput, with the line where it is known."""
    from llguidance import LLMatcher

    found = LLMatcher(tokenizer, grammar, log_level=0, limits=limits())
    if found.is_error():
        raise BadInput(what, Problem(reason(found.get_error())))
    return found


def reason(error: str) -> str:
    """Give llguidance's message in one line: `12(3): unexpected token` where it names a place."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    return " ".join(lines[:2])[:400] if lines else "the grammar cannot be read"


class Prefix(Protocol):
    """A place in a tree of prefixes."""

    @property
    def parent(self) -> Prefix | None:
        """The prefix that is one piece or token shorter."""

    @property
    def fed(self) -> tuple[int, ...]:
        """The ids behind those of the parent."""


class Matchers:
    """The states of a grammar at many prefixes: the last used ones are kept, others are built again from these.

    A state takes about 0.1 kB and a copy of it 1.5 microseconds for each byte of the prefix.
    """

    def __init__(self, root: LLMatcher, most: int = 512) -> None:
        self._root = root
        self._most = most
        self._kept: OrderedDict[int, tuple[Prefix, LLMatcher]] = OrderedDict()

    def at(self, place: Prefix) -> LLMatcher:
        """Give the state at a prefix; it must not be changed."""
        way: list[Prefix] = []
        found = self._root
        above: Prefix | None = place
        while above is not None and above.parent is not None:
            kept = self._kept.get(id(above))
            if kept is not None:
                self._kept.move_to_end(id(above))
                found = kept[1]
                break
            way.append(above)
            above = above.parent
        if not way:
            return found
        found = found.deep_copy()
        for one in reversed(way):
            found.try_consume_tokens(list(one.fed))
        self._kept[id(place)] = (place, found)  # holds the place too, so that its id stays its own
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return found

    def forget(self) -> None:
        """Drop what is kept."""
        self._kept.clear()
