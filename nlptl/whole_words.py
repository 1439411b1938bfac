"""Which entries of a tokenizer's vocabulary are whole words, whatever marks the beginning of one; and their scripts."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

import regex

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")


def whole_words(tokenizer: Any) -> dict[int, str]:
    """Give number -> text of each entry that is a word of letters by itself: behind a space, the text becomes that
    entry and nothing else (but a mark of the space).

    So `##ing` of WordPiece, `ing` of byte-level BPE and of SentencePiece are none, while of a script without spaces
    each single character is one.
    """
    backend, special = tokenizer.backend_tokenizer, set(tokenizer.all_special_ids)
    numbers = [number for number in range(len(tokenizer)) if number not in special]
    texts = [text.strip() for text in backend.decode_batch([[number] for number in numbers], skip_special_tokens=False)]
    able = [(number, text) for number, text in zip(numbers, texts, strict=True) if _is_word(text)]
    coded = backend.encode_batch([f" {text}" for _, text in able], add_special_tokens=False)
    blank = {number for number, text in zip(numbers, texts, strict=True) if text in ("", "\u2581")}
    found: dict[int, str] = {}
    for (number, text), one in zip(able, coded, strict=True):
        if [each for each in one.ids if each not in blank] == [number]:
            found[number] = text
    return found


def _is_word(text: str) -> bool:
    return bool(_WORD.fullmatch(text)) and (len(text) == 1 or not _UNSPACED.search(text))


def script(word: str) -> str:
    """Name the script of a word's first letter, as Unicode's names begin: `LATIN`, `CYRILLIC`, `CJK`."""
    return unicodedata.name(word[0], "").split(" ")[0]


def entry(word: str, numbers: Mapping[str, int]) -> int | None:
    """Give the number of a word as it is written, or in small letters, or with a capital first."""
    forms = (word, word.lower(), word[:1].upper() + word[1:].lower())
    return next((numbers[form] for form in forms if form in numbers), None)
