"""Texts to what language modelling reads: windows, and the places at which a token must be guessed. No torch here.

`places` are pairs (place, id): what the model says at a place of the window is held against that token; HIDDEN stands
for a token that nobody knows, where the text itself holds a mask.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nlptl import seeds
from nlptl.tasks import Backbone, Feature, Purpose

HIDDEN = -1
Places = tuple[tuple[int, int], ...]
FIXED = 0
"""The seed of the masks that are scored: they depend on the text alone, so that all models answer the same
questions, and a text under another id too."""
MASKED, REPLACED = 0.8, 0.1
"""Of the places to guess these parts show the mask, or some other token; the rest show the token itself.

Devlin, Chang, Lee, Toutanova 2019 (arXiv:1810.04805, section 3.1).
"""


def encoded(
    ids: Sequence[str], texts: Sequence[str], backbone: Backbone, share: float, purpose: Purpose
) -> list[Feature]:
    """Cut texts into windows, of which each token is in exactly one; give those in which something is to be guessed.

    For `predict` a text without any gives its first window all the same.
    """
    if not texts:
        return []
    cut = _around if backbone.family == "encoder" else _streams
    found: list[Feature] = []
    for row_id, windows in zip(ids, cut(texts, backbone), strict=True):
        made = [_feature(row_id, number, window, backbone, share, purpose) for number, window in enumerate(windows)]
        asked = [one for one in made if purpose == "predict" or one.target]
        found += [replace(one, window=number) for number, one in enumerate(asked)]
    return found


def _feature(
    row_id: str, number: int, ids: Sequence[int], backbone: Backbone, share: float, purpose: Purpose
) -> Feature:
    places: Places
    if backbone.family == "decoder":
        places = tuple(enumerate(ids[1:]))
    elif purpose == "predict" and (hidden := _hidden(ids, backbone)):
        places = hidden
    else:
        ids, places = masked(ids, backbone, share, seeds.stream(FIXED, "mask", *ids))
    types = [0] * len(ids) if "token_type_ids" in backbone.tokenizer.model_input_names else None
    if purpose == "train":
        return Feature(row_id, ids, number, types, target=places)
    return Feature(row_id, ids, number, types, extra=places)


def _hidden(ids: Sequence[int], backbone: Backbone) -> Places:
    """Give the masks that a text holds itself."""
    mask = backbone.tokenizer.mask_token_id
    return tuple((place, HIDDEN) for place, one in enumerate(ids) if one == mask)


def masked(ids: Sequence[int], backbone: Backbone, share: float, rng: random.Random) -> tuple[list[int], Places]:
    """Give the window as it is shown, and the places to guess: a share of all tokens but the marks, one at least."""
    tokenizer = backbone.tokenizer
    special = set(tokenizer.all_special_ids)
    open_places = [place for place, one in enumerate(ids) if one not in special]
    count = min(len(open_places), max(1, round(share * len(open_places))))
    shown = list(ids)
    chosen = sorted(rng.sample(open_places, count))
    for place in chosen:
        drawn = rng.random()
        if drawn < MASKED:
            shown[place] = tokenizer.mask_token_id
        elif drawn < MASKED + REPLACED:
            shown[place] = _any(len(tokenizer), special, rng)
    return shown, tuple((place, ids[place]) for place in chosen)


def _any(words: int, special: set[int], rng: random.Random) -> int:
    """Draw a token that is no mark."""
    found = rng.randrange(words)
    while found in special:
        found = rng.randrange(words)
    return found


def drawn_again(
    features: Sequence[Feature], backbone: Backbone, share: float, *, seed: int, step: int
) -> list[Feature]:
    """Draw the masks of training features anew, by (seed, step, row, window): whatever else is in the batch."""
    found = []
    for one in features:
        ids = list(one.input_ids)
        for place, known in one.target:
            ids[place] = known
        rng = seeds.stream(seed, "mask", step, one.row_id, one.window)
        shown, places = masked(ids, backbone, share, rng)
        found.append(replace(one, input_ids=shown, target=places))
    return found


def _around(texts: Sequence[str], backbone: Backbone) -> list[list[list[int]]]:
    """Cut each text into windows between the marks that the tokenizer puts around one."""
    tokens = backbone.tokenizer(list(texts), truncation=False, verbose=False)
    found = []
    for number, ids in enumerate(tokens["input_ids"]):
        own = tokens.encodings[number].special_tokens_mask
        inner = [place for place, special in enumerate(own) if not special]
        begin, stop = (inner[0], inner[-1] + 1) if inner else (len(ids), len(ids))
        room = backbone.max_tokens - (len(ids) - (stop - begin))
        starts = range(begin, max(stop, begin + 1), room)
        found.append([[*ids[:begin], *ids[one : min(stop, one + room)], *ids[stop:]] for one in starts])
    return found


def _streams(texts: Sequence[str], backbone: Backbone) -> list[list[list[int]]]:
    """Cut each text, with a mark before it and the end mark behind, into windows that begin with what was said last.

    So every token but the first mark is predicted exactly once.
    """
    tokenizer, room = backbone.tokenizer, backbone.max_tokens - 1
    first = next(one for one in (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
                 if one is not None)  # fmt: skip
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    found = []
    for ids in tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)["input_ids"]:
        stream = [first, *ids, *end]
        starts = range(0, max(1, len(stream) - 1), room)
        found.append([stream[one : one + room + 1] for one in starts])
    return found


def places_of(feature: Feature) -> Places:
    """Give the places of a feature, made for training or for prediction."""
    found: Any = feature.extra if feature.target is None else feature.target
    return tuple(found)


def tokens_of(features: Sequence[Feature], backbone: Backbone) -> list[int]:
    """Give every token that training features could ask for, each once."""
    if backbone.family == "decoder":
        return [token for one in features for _, token in places_of(one)]
    special, found = set(backbone.tokenizer.all_special_ids), []
    for one in features:
        asked = dict(places_of(one))
        ids = (asked.get(place, token) for place, token in enumerate(one.input_ids))
        found += [token for token in ids if token not in special]
    return found
