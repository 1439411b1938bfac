"""Hold a decoder of pieces to a grammar: which words may follow those that it has predicted.

The text that the grammar reads is the pieces with one space between any two, so it must ignore white space (SQL's,
FunQL's and the frames' do). The prefixes form a tree that rows and beams share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nlptl.grammars.matching import END, Matchers, made_tokenizer, matcher

if TYPE_CHECKING:
    from nlptl.grammars import Held
    from nlptl.grammars.scope_state import State

MOST_PREFIXES = 30_000
"""Prefixes that are kept; the tree is begun anew when there are more."""


class Words:
    """What a grammar and the scope of its names say about pieces: shared by all prefixes."""

    def __init__(self, held: Held, vocabulary: Sequence[str]) -> None:
        self.vocabulary = tuple(dict.fromkeys(vocabulary))
        self.pieces = frozenset(self.vocabulary)
        self.scope = held.scope
        self.marks = held.marks
        self.matchers = Matchers(matcher(held.text, made_tokenizer(self.vocabulary)))
        self.count = 0
        self.known: dict[tuple[State, int], frozenset[str]] = {}
        """What may follow where a query is in the same state and the grammar takes the same pieces."""
        self.root = Place(self, None, "")

    def begin_anew(self) -> None:
        """Forget all prefixes."""
        self.matchers.forget()
        self.known.clear()
        self.count = 0
        self.root = Place(self, None, "")


class Place:
    """What is known after a prefix of pieces."""

    __slots__ = ("_allowed", "_children", "_sorted", "_words", "fed", "literal", "parent", "state", "within")

    def __init__(self, words: Words, parent: Place | None, text: str) -> None:
        self._words = words
        self.parent = parent
        self.fed = tuple(text.encode())
        self.state: State | None = words.scope.start() if words.scope is not None else None
        self.literal = ""
        """The mark of the literal that is open, "" for none."""
        self.within: tuple[str, ...] = ()
        """The pieces in it."""
        self._children: dict[str, Place | None] = {}
        self._allowed: frozenset[str] | None = None
        self._sorted: list[str] | None = None

    def after(self, piece: str) -> Place | None:
        """Give the place behind one more piece; None where it cannot follow."""
        if piece not in self._children:
            self._children[piece] = self._new(piece) if self._follows(piece) else None
        return self._children[piece]

    def allowed(self) -> frozenset[str]:
        """Give the pieces of the vocabulary that may follow."""
        if self._allowed is None:
            self._allowed = self._find_allowed()
        return self._allowed

    def _find_allowed(self) -> frozenset[str]:
        found = self._fitting()
        return frozenset(piece for piece in found if not self._dead(piece)) if self._in_from() else found

    def _fitting(self) -> frozenset[str]:
        """Give the pieces that grammar and scope take here, whatever may follow them."""
        words = self._words
        if self.parent is None or self.literal:
            return frozenset(piece for piece in words.vocabulary if self._reads(piece) and self._in_scope(piece))
        # One mask for all pieces: with a space on both sides, and with one before (for the last piece of a form).
        here = words.matchers.at(self)
        if forced := here.compute_ff_bytes():
            # Where bytes are forced, llguidance allows one token alone, in its own way of cutting them.
            fits = [piece for piece in words.vocabulary if _agree(f"{self._text(piece)} ".encode(), forced)]
            return frozenset(piece for piece in fits if self._reads(piece) and self._in_scope(piece))
        bits = int.from_bytes(here.compute_bitmask(), "little") >> (END + 1)
        if self.state is None:  # only under a grammar that ignores white space do the bits say all
            return frozenset(self._readable(bits))
        key = (self.state, bits)
        if key not in words.known:
            words.known[key] = frozenset(piece for piece in self._readable(bits) if self._in_scope(piece))
        return words.known[key]

    def sorted_words(self) -> list[str]:
        """Give the pieces of the vocabulary that may follow, sorted."""
        if self._sorted is None:
            self._sorted = sorted(self.allowed())
        return self._sorted

    def permits(self, piece: str) -> bool:
        """Say whether a piece may follow, also one that the vocabulary lacks."""
        return self.after(piece) is not None

    def complete(self) -> bool:
        """Say whether the form may end here."""
        if self.literal or not self._words.matchers.at(self).is_accepting():
            return False
        return self._words.scope is None or self.state is None or self._words.scope.complete(self.state)

    def _follows(self, piece: str) -> bool:
        if self._allowed is not None and piece in self._words.pieces:
            return piece in self._allowed
        return self._reads(piece) and self._in_scope(piece) and not (self._in_from() and self._dead(piece))

    # ---- dead ends

    def _in_from(self) -> bool:
        return self.state is not None and bool(self.state.frames) and self.state.frames[-1].phase == "from"

    def _dead(self, piece: str) -> bool:
        """Say whether a table stands here that needs an alias (it is in FROM already), and no piece can give it one."""
        scope = self._words.scope
        if scope is None or self.state is None or self.literal:
            return False
        state = scope.after(self.state, self._sign(piece))
        return state is not None and scope.needs_alias(state) and not self._new(piece).allowed()

    # ---- the grammar

    def _text(self, piece: str) -> str:
        """Give what the grammar reads for a piece: in a literal its mark is doubled, but for what closes it."""
        mark = self.literal
        doubled = piece.replace(mark, mark * 2) if mark and piece.strip(mark) else piece
        return f" {doubled}" if self.parent is not None else doubled

    def _readable(self, bits: int) -> list[str]:
        found = []
        for piece in self._words.vocabulary:
            if bits & 1 or (bits & 2 and self._accepts(list(self._text(piece).encode()))):
                found.append(piece)
            bits >>= 2
        return found

    def _reads(self, piece: str) -> bool:
        """Say whether the grammar takes a whole piece: a space may follow it, or the form may end with it."""
        text = list(self._text(piece).encode())
        taken = self._words.matchers.at(self).validate_tokens([*text, 32])
        return taken > len(text) or (taken == len(text) and self._accepts(text))

    def _accepts(self, text: list[int]) -> bool:
        copy = self._words.matchers.at(self).deep_copy()
        return copy.try_consume_tokens(text) == len(text) and bool(copy.is_accepting())

    # ---- the names

    def _in_scope(self, piece: str) -> bool:
        scope = self._words.scope
        if scope is None or self.state is None or (self.literal and piece != self.literal):
            return True
        return scope.after(self.state, self._sign(piece)) is not None

    def _sign(self, piece: str) -> str:
        """Give the sign that a piece ends, a whole literal for the mark that closes it; `'?'` where one begins."""
        if self.literal:
            return f"{self.literal}{' '.join(self.within)}{self.literal}"
        return f"{piece}?{piece}" if self._opens(piece) else piece

    def _opens(self, piece: str) -> bool:
        return len(piece) == 1 and piece in self._words.marks

    def _new(self, piece: str) -> Place:
        words = self._words
        words.count += 1
        found = Place(words, self, self._text(piece))
        found.state = self.state
        if self.literal and piece != self.literal:
            found.literal, found.within = self.literal, (*self.within, piece)
        elif not self.literal and self._opens(piece):
            found.literal = piece
        elif words.scope is not None and self.state is not None:
            found.state = words.scope.after(self.state, self._sign(piece))
        return found


def _agree(text: bytes, forced: bytes) -> bool:
    return text.startswith(forced) or forced.startswith(text.rstrip(b" "))


class WordConstraint:
    """Which pieces may follow a prefix of pieces, under a grammar and, for SQL, the scope of its names."""

    def __init__(self, held: Held, vocabulary: Sequence[str]) -> None:
        self._words = Words(held, vocabulary)
        self.stuck = 0
        """Prefixes behind which neither a candidate nor the end could stand."""

    def allowed(self, prefix: Sequence[str], candidates: Sequence[str]) -> list[bool]:
        """Say of each candidate whether it may follow; copied words need not be in the vocabulary."""
        place = self._at(prefix)
        if place is None:
            return [False] * len(candidates)
        fits = place.allowed()
        found = [one in fits if one in self._words.pieces else place.permits(one) for one in candidates]
        if not any(found) and not place.complete():
            self.stuck += 1
        return found

    def complete(self, prefix: Sequence[str]) -> bool:
        """Say whether the form may end behind a prefix."""
        place = self._at(prefix)
        return place is not None and place.complete()

    def accepts(self, pieces: Sequence[str]) -> bool:
        """Say whether a whole form keeps to the grammar."""
        return self.complete(pieces)

    def _at(self, prefix: Sequence[str]) -> Place | None:
        if self._words.count > MOST_PREFIXES:
            self._words.begin_anew()
        place: Place | None = self._words.root
        for piece in prefix:
            place = place.after(piece) if place is not None else None
        return place
