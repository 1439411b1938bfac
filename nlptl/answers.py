"""Answers to questions, as pure functions on texts: how two are compared, and where one stands in its context.

Two ways of comparing, and both are reported. `plain` is SQuAD's (Rajpurkar et al. 2016; empty answers as in SQuAD 2.0,
2018): the one that published figures use in every language. `by_language` follows MLQA (Lewis et al. 2020, its
`mlqa_evaluation_v1.py`) in the seven languages that it covers: all of Unicode's punctuation goes, articles are the
language's own, Chinese is compared by characters. For others ours: no articles; Japanese, Thai, Lao, Khmer, Burmese by
characters, since they set no spaces; the rest by words.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

ARTICLES = {
    "eng": r"\b(a|an|the)\b",
    "spa": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "deu": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "vie": r"\b(của|là|cái|chiếc|những)\b",
    "ara": "\\s\u0627\u0644^|\u0627\u0644",
}
"""What MLQA takes out, by ISO 639-3 code; its Arabic pattern takes the article off words, too."""

HAN = "\u4e00-\u9fa5"
BY_CHARACTER = {
    "zho": HAN,
    "cmn": HAN,
    "yue": HAN,
    "jpn": "\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f",
    "tha": "\u0e00-\u0e7f",
    "lao": "\u0e80-\u0eff",
    "mya": "\u1000-\u109f",
    "khm": "\u1780-\u17ff",
}
"""The characters that are tokens by themselves; Chinese as in MLQA."""

Normalise = Callable[[str], list[str]]


def plain(text: str) -> list[str]:
    """Give the tokens of an answer as SQuAD compares them: lower case, no ASCII punctuation, no English articles."""
    kept = "".join(sign for sign in text.lower() if sign not in string.punctuation)
    return re.sub(ARTICLES["eng"], " ", kept).split()


def by_language(text: str, language: str) -> list[str]:
    """Give the tokens of an answer as its language asks; `language` is an ISO 639-3 code."""
    kept = "".join(sign for sign in text.lower() if not _is_punctuation(sign))
    if language in ARTICLES:
        kept = re.sub(ARTICLES[language], " ", kept)
    if language in BY_CHARACTER:
        kept = re.sub(f"([{BY_CHARACTER[language]}])", r" \1 ", kept)
    return kept.split()


def normaliser(language: str) -> Normalise:
    """Give `by_language` for one language."""
    return partial(by_language, language=language)


def exact_match(predicted: str, gold: Sequence[str], normalise: Normalise = plain) -> float:
    """Give 1.0 if the answer is one of the gold ones after normalising, else 0.0; no gold means that "" is right."""
    said = normalise(predicted)
    return max(float(said == normalise(one)) for one in gold or ("",))


def f1(predicted: str, gold: Sequence[str], normalise: Normalise = plain) -> float:
    """Give the best F1 of shared tokens over the gold answers, in [0, 1]; no gold means that "" is right."""
    said = normalise(predicted)
    return max(_f1(said, normalise(one)) for one in gold or ("",))


def _f1(said: list[str], wanted: list[str]) -> float:
    if not said or not wanted:
        return float(said == wanted)
    shared = (Counter(said) & Counter(wanted)).total()
    return 2 * shared / (len(said) + len(wanted))


def locate(context: str, text: str, start: int) -> int | None:
    """Give where an answer stands: at `start` as said, or where it must be meant; None where that is in doubt.

    It must be meant where the text occurs once, or where the offset counts another unit (UTF-8 bytes or UTF-16 code
    units) and fits then. Offsets count code points, as Python's strings do.
    """
    if not text:
        return None
    if start >= 0 and context[start : start + len(text)] == text:
        return start
    for unit, width in (("utf-8", 1), ("utf-16-le", 2)):
        before = context.encode(unit)[: max(start, 0) * width].decode(unit, errors="ignore")
        if len(before) != start and context.startswith(text, len(before)):
            return len(before)
    first = context.find(text)
    return first if first >= 0 and context.find(text, first + 1) < 0 else None


def _is_punctuation(sign: str) -> bool:
    return sign in string.punctuation or unicodedata.category(sign).startswith("P")
