"""Bytes -> the text encoding that they are most likely in.

Not charset-normalizer: it knows every encoding, and of two that can both read a file it takes French in cp1252 for
cp1250. Here few encodings are known, and of each the characters that its languages write with.
"""

# ruff: noqa: RUF001 - the characters that look like others are what is looked for

from __future__ import annotations

import codecs
from collections.abc import Callable

from nlptl.sniffing import Guess

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARKS = set("’‘“”„–—…«»‚°€§£©®™¿¡·•´")
_WESTERN = set("äöüßéèêëàâçñáíóúôîïùûœøåæãõìòÄÖÜÉÈÀÇÑØÅÆÍÓÚÁÊÎÔ") | _MARKS
_CENTRAL = set("ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉÍŇŘŠŤÚÝŽőűŐŰöüäÖÜÄăâîșțşţľĺôŕđ") | set("’“”„–—…«»‚")
_TURKISH = set("çğıöşüÇĞİÖŞÜâî") | _MARKS
_HAN = set(
    "的一是不了在人有我他这這中大来來上个個们們为為到说說和地要就出会會可也你对對生能而子那得于於着著下自之年过過发發后後作里裡用道"
    "行所然家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開但因只从從想实實日很"
)
PLAIN = "every byte is ASCII"
LEAST = 0.6
"""Least score of a guess."""
FEW = 0.01
"""Share of letters outside of ASCII below which no language is written that needs them."""
_LOOKED_AT = 20_000
"""Characters outside of ASCII by which an encoding is judged."""


def encoding(content: bytes) -> Guess[str] | None:
    """Give Python's name of the encoding of a file, or None where nothing fits."""
    for mark, name in _BOMS:
        if content.startswith(mark):
            return Guess(name, "it begins with a byte order mark")
    if len(content) >= 8 and content.count(0) > len(content) // 50:
        name = "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
        return Guess(name, "every other byte is often zero") if _decoded(content, name) is not None else None
    if content.isascii():
        return Guess("utf-8", PLAIN)
    if _decoded(content, "utf-8") is not None:
        return Guess("utf-8", "every byte reads as UTF-8")
    letters = [byte for byte in content if chr(byte).isalpha() or byte > 0x7F]
    if sum(byte > 0x7F for byte in letters) < FEW * len(letters):
        name = "cp1252" if _decoded(content, "cp1252") is not None else "latin-1"
        return Guess(name, "it is not UTF-8, and few letters are outside of ASCII")
    scores = {name: _score(content, name, fits) for name, fits in _FITS.items()}
    best = max(scores, key=scores.__getitem__)
    if best == "cp1250" and scores["iso8859_2"] == scores[best] and not any(0x80 <= byte <= 0x9F for byte in content):
        best = "iso8859_2"  # the bytes that only Windows uses do not occur
    return Guess(best, "it is not UTF-8, and reads best so") if scores[best] >= LEAST else None


def _decoded(content: bytes, name: str) -> str | None:
    try:
        return content.decode(name)
    except UnicodeDecodeError:
        return None


def _score(content: bytes, name: str, fits: Callable[[str, str], float]) -> float:
    """Give the mean of what the characters outside of ASCII say for an encoding, each up to 1."""
    text = _decoded(content, name)
    if text is None:
        return -1.0
    total, count, before = 0.0, 0, " "
    for letter in text:
        if not letter.isascii():
            total += fits(letter, before)
            count += 1
            if count == _LOOKED_AT:
                break
        before = letter
    return total / count if count else 0.0


def _of(letters: set[str]) -> Callable[[str, str], float]:
    return lambda letter, before: 1.0 if letter in letters else -1.0


def _of_range(first: str, last: str) -> Callable[[str, str], float]:
    """Letters of one alphabet; a capital after a small letter speaks against it, as the wrong one of two shows."""

    def fits(letter: str, before: str) -> float:
        if letter in _MARKS:
            return 1.0
        if not first <= letter <= last:
            return -1.0
        return -1.0 if letter.isupper() and before.isalpha() and not before.isascii() else 1.0

    return fits


def _japanese(letter: str, before: str) -> float:
    if "぀" <= letter <= "ヿ" or letter in "、。「」！？ー":
        return 1.0
    return 0.6 if "一" <= letter <= "鿿" or "＀" <= letter <= "～" else -1.0


def _chinese(letter: str, before: str) -> float:
    if letter in _HAN or letter in "，。！？、：；“”（）《》":
        return 1.2
    return 0.5 if "一" <= letter <= "鿿" else -1.0


def _korean(letter: str, before: str) -> float:
    return 1.0 if "가" <= letter <= "힣" else -0.5


_FITS: dict[str, Callable[[str, str], float]] = {
    "cp1252": _of(_WESTERN),
    "cp1250": _of(_CENTRAL),
    "iso8859_2": _of(_CENTRAL - _MARKS),
    "cp1254": _of(_TURKISH),
    "cp1251": _of_range("Ё", "ё"),
    "koi8_r": _of_range("Ё", "ё"),
    "cp1253": _of_range("Ά", "ώ"),
    "cp1255": _of_range("א", "ת"),
    "cp1256": _of_range("،", "ے"),
    "cp932": _japanese,
    "euc_jp": _japanese,
    "gb18030": _chinese,
    "big5": _chinese,
    "cp949": _korean,
}
"""Encoding -> what a character, and the one before it, says for it. Of equals the first is taken."""
