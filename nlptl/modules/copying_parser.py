"""How an encoder with the copying decoder parses: the verbs of the task that depend on the family of the checkpoint.

Shapes as in `nlptl.modules.copying`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from nlptl.errors import BadInput, Problem
from nlptl.grammars.words import WordConstraint
from nlptl.modules import beams
from nlptl.modules.copying import WEIGHTS, CopyingDecoder, CopyingParser, Words
from nlptl.modules.padding import in_parts, padded
from nlptl.modules.stepping import Stepper
from nlptl.parses import vocabulary
from nlptl.tasks import Backbone, Batch, Feature, Loss, Model, Partial, Said

if TYPE_CHECKING:
    from nlptl.parses.settings import Decoder, Forms

IGNORED = -1
PREFIXES = 1 << 16
"""Pieces of all prefixes that are read at once; 65,536 take 0.8 GB in layers of a width of 384."""
WITNESSES = 8, 200
"""Pieces of a fixed prefix, and how many of the vocabulary's probabilities after each, that a reloaded model must
give again."""


def attach(backbone: Backbone, pieces: int, settings: Decoder, longest: int, *, saved: bool) -> Model:
    """Open the encoder and draw the decoder, or load it where it was saved."""
    body: Any = backbone.model("AutoModel", {}, "none").module
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(backbone.head_seed)
        decoder = CopyingDecoder(
            memory=int(body.config.hidden_size), vocabulary=pieces, layers=settings.layers, width=settings.width,
            heads=settings.heads, longest=longest + 1, dropout=settings.dropout,
        )  # fmt: skip
    if saved:
        stored = backbone.stored(WEIGHTS)
        if stored is None:
            raise BadInput("model", Problem(f"{WEIGHTS} is missing", fix="the decoder is stored beside the encoder"))
        decoder.load_state_dict(dict(stored))
    parser = CopyingParser(body, decoder.train(body.training), vocabulary.UNKNOWN)
    return Model(parser, frozenset(f"decoder.{name}" for name, _ in decoder.named_parameters()))


def encode(
    ids: Sequence[str], texts: Sequence[str], forms: Sequence[Sequence[str]] | None, backbone: Backbone,
    pieces: Sequence[str], *, lower: bool,
) -> list[Feature]:  # fmt: skip
    """Tokenise utterances, find the words that can be copied, and number the pieces of the forms, where given."""
    tokens = backbone.tokenizer(
        list(texts), truncation=True, max_length=backbone.max_tokens, return_offsets_mapping=True,
        return_attention_mask=False,
    )  # fmt: skip
    numbers = {piece: number for number, piece in enumerate(pieces)}
    types = tokens.get("token_type_ids")
    found = []
    for row, (row_id, text) in enumerate(zip(ids, texts, strict=True)):
        places, copies = _words(text, tokens["offset_mapping"][row], lower=lower)
        written = None if forms is None else vocabulary.numbered(forms[row], numbers, copies)
        overflow = tokens.encodings[row].overflowing
        found.append(
            Feature(
                row_id=row_id, input_ids=tokens["input_ids"][row], token_types=None if types is None else types[row],
                target=None if written is None else [*written, vocabulary.END],
                decoder_ids=() if written is None else [vocabulary.START, *written],
                extra=(places, vocabulary.copied(copies, numbers), copies),
                cut=sum(len(part.ids) - sum(part.special_tokens_mask) for part in overflow),
            )
        )  # fmt: skip
    return found


def _words(text: str, offsets: Sequence[tuple[int, int]], *, lower: bool) -> tuple[list[int], list[str]]:
    """Give the token where each word begins, and the words; those that were cut off are not there."""
    at = {sign: token for token, (start, end) in reversed(list(enumerate(offsets))) for sign in range(start, end)}
    pairs = [(at[place], word) for place, word in vocabulary.words(text, lower=lower) if place in at]
    return [token for token, _ in pairs], [word for _, word in pairs]


def collate(features: Sequence[Feature], backbone: Backbone) -> Batch:
    """Pad tokens, words and pieces; `targets["pieces"]` is [B, U], IGNORED where padding stands."""
    inputs = padded(features, backbone)
    shift = [inputs["input_ids"].shape[1] - len(one.input_ids) if backbone.padding_side == "left" else 0
             for one in features]  # fmt: skip
    most = max(1, *(len(one.extra[0]) for one in features))
    words = [[token + gap for token in one.extra[0]] for one, gap in zip(features, shift, strict=True)]
    inputs["word_tokens"] = _filled(words, most, 0)
    inputs["word_pieces"] = _filled([one.extra[1] for one in features], most, 0)
    inputs["word_real"] = _filled([[1] * len(one.extra[0]) for one in features], most, 0).bool()
    targets = {}
    if all(one.target is not None for one in features):
        longest = max(len(one.decoder_ids) for one in features)
        inputs["decoder_input_ids"] = _filled([one.decoder_ids for one in features], longest, vocabulary.END)
        targets["pieces"] = _filled([one.target for one in features], longest, IGNORED)
    return Batch(features, inputs, targets)


def _filled(rows: Sequence[Sequence[int]], width: int, filler: int) -> torch.Tensor:
    return torch.tensor([[*row, *[filler] * (width - len(row))] for row in rows], dtype=torch.long)


def loss(model: Any, batch: Batch) -> Loss:
    """Give the negative log-likelihood of the pieces, the end included; counted in pieces."""
    ahead_BUN = model(**batch.inputs)
    target_BU = batch.targets["pieces"]
    real = target_BU != IGNORED
    picked = ahead_BUN.gather(2, target_BU.clamp(min=0)[..., None])[..., 0]
    return Loss(-(picked * real).sum(), real.sum(), lambda: Said(ahead_BUN.flatten(0, 1), real.flatten().float()))


@functools.lru_cache(maxsize=4)
def constraint(fitted: Forms) -> WordConstraint | None:
    """Give what holds the decoder to a grammar, one object for a run: it remembers what may follow."""
    held = fitted.held()
    return None if held is None else WordConstraint(held, fitted.pieces[len(vocabulary.SPECIAL) :])


def decode(
    model: Any, batch: Batch, pieces: Sequence[str], *, beam: int, longest: int, held: WordConstraint | None = None
) -> list[Partial]:
    """Give each feature's best sequences of pieces as [pieces, log-probability, whether it was cut]."""
    parts = list(in_parts(batch, PREFIXES // (beam * (longest + 1))))
    if len(parts) > 1:
        return [one for part in parts for one in decode(model, part, pieces, beam=beam, longest=longest, held=held)]
    inputs = batch.inputs
    memory_BTH = model.encode(inputs["input_ids"], inputs["attention_mask"], inputs.get("token_type_ids"))
    unseen_BT = inputs["attention_mask"] == 0
    words = Words(inputs["word_tokens"], inputs["word_pieces"], inputs["word_real"], model.unknown)
    there_BN = _there(words, len(pieces))

    ahead = Stepper(model.decoder, memory_BTH, unseen_BT, words)

    def step(prefix_PU: torch.Tensor, row_P: torch.Tensor, parent_P: torch.Tensor) -> torch.Tensor:
        return ahead(prefix_PU, row_P, parent_P).masked_fill(~there_BN[row_P], -torch.inf)

    copies = [one.extra[2] for one in batch.features]
    allowed = None if held is None else _held(held, pieces, copies, words.tokens.shape[1])
    found = beams.search(
        step, rows=len(batch.features), beams=beam, longest=longest, start=vocabulary.START, end=vocabulary.END,
        allowed=allowed, device=memory_BTH.device,
    )  # fmt: skip
    return [
        Partial(one.row_id, one.window, [[_spoken(best.pieces, pieces, mine), best.score, best.cut] for best in row])
        for one, row, mine in zip(batch.features, found, copies, strict=True)
    ]


def _there(words: Words, pieces: int) -> torch.Tensor:
    """Give bool [B, V + W]: what can be said of a row. All else keeps a little probability, LEAST, and has no word."""
    rows, places = words.tokens.shape
    found = torch.zeros(rows, pieces + places, dtype=torch.bool, device=words.tokens.device)
    found.scatter_(1, words.pieces.masked_fill(~words.real, vocabulary.START), True)
    found[:, :pieces] = True
    found[:, [vocabulary.START, vocabulary.UNKNOWN]] = False
    return found


def _spoken(numbers: Sequence[int], pieces: Sequence[str], copies: Sequence[str]) -> list[str]:
    return [pieces[one] if one < len(pieces) else copies[one - len(pieces)] for one in numbers]


def _held(
    held: WordConstraint, pieces: Sequence[str], copies: Sequence[Sequence[str]], most: int
) -> beams.Allowed:
    """Ask a constraint on words which pieces and copies may follow, and whether the form may end."""
    first = len(vocabulary.SPECIAL)

    def may(prefix: Sequence[int], row: int) -> torch.Tensor:
        spoken = _spoken(prefix, pieces, copies[row])
        found = torch.zeros(len(pieces) + most, dtype=torch.bool)
        said = held.allowed(spoken, [*pieces[first:], *copies[row]])
        found[first : first + len(said)] = torch.tensor(said, dtype=torch.bool)
        found[vocabulary.END] = held.complete(spoken)
        return found

    return may


def witness(model: Any, batch: Batch, pieces: int) -> list[Any]:
    """Give the probabilities after each piece of one prefix that all rows share.

    Not their logarithms: a trained decoder makes more of its encoder's last bits than an encoder's head does. Of one on
    GeoQuery, two exact ways to compute attention (3e-6 apart) gave logarithms 2e-4 apart, at a probability of 3.5e-4.
    """
    length, shown = min(WITNESSES[0], model.decoder.places.num_embeddings), WITNESSES[1]
    prefix = torch.arange(length, device=batch.inputs["input_ids"].device) % pieces
    inputs = {name: tensor for name, tensor in batch.inputs.items() if name != "decoder_input_ids"}
    ahead_BUN = model(**inputs, decoder_input_ids=prefix.expand(len(batch.features), -1))
    found: list[Any] = ahead_BUN[:, :, : min(shown, pieces)].exp().tolist()
    return found
