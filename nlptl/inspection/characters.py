"""What single texts look like: encoding faults, leftovers of markup, hidden characters, next to nothing in them."""

from __future__ import annotations

import html
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import regex

from nlptl.data.overlap import normalise
from nlptl.data.suspicions import BIDI
from nlptl.inspection.finding import Finding, RowAt, Severity, agreeing, at, counted
from nlptl.inspection.gathering import Gathered

# A byte from 0x80 to 0xBF goes on a character of UTF-8. Read as Latin-1 or as Windows-1252 it is one of these.
_ON = "[\x80-\xbf" + "".join(bytes([byte]).decode("cp1252", "ignore") for byte in range(0x80, 0xA0)) + "]"
# Letters with accents, signs and emoji betray themselves alone; Greek, Cyrillic and the rest only two in a row, since a
# capital with an accent before a closing quotation mark looks the same.
_MOJIBAKE = regex.compile(
    f"[\xc2\xc3]{_ON}|\xe2{_ON}{_ON}|\xef[\xbb\xbf]{_ON}|\xf0\u0178{_ON}{_ON}|\xf0\x9f{_ON}{_ON}"
    f"|(?:[\xc4-\xdf]{_ON}){{2,}}|(?:[\xe0-\xef]{_ON}{_ON}){{2,}}"
)
_TAG = regex.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|center|code|div|em|font|h[1-6]|hr|i|img|li|ol|p|pre|s|script|small|span|strong|"
    r"style|sub|sup|table|tbody|td|th|tr|tt|u|ul)(?:\s[^<>]*)?/?>",
    regex.IGNORECASE,
)
_ENTITY = regex.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_CONTROL = regex.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# The joiners belong into emoji and into the scripts of Iran and India; between these letters they hide.
_WIDTHLESS = regex.compile(
    "[\u200b\u2060\ufeff\xad]|(?<=[\\p{Latin}\\p{Cyrillic}\\p{Greek}])[\u200c\u200d](?=[\\p{Latin}\\p{Cyrillic}\\p{Greek}])"
)
SHORT = 2
"""Letters and digits of a text that say next to nothing, in scripts that set spaces between words."""
_WHOLE_WORDS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Khmer}\p{Lao}\p{Myanmar}]")


def mojibake(text: str) -> str:
    """Say which signs are UTF-8 that was read as something else; "" where there are none."""
    found = None if text.isascii() else _MOJIBAKE.search(text)
    return f"{found[0]!r}" if found else ""


def leftovers(text: str) -> str:
    """Say which tag or entity of HTML stands in a text."""
    tag = _TAG.search(text) if "<" in text else None
    if tag:
        return repr(tag[0][:30])
    entities = (one[0] for one in _ENTITY.finditer(text)) if "&" in text else ()
    return next((repr(one) for one in entities if html.unescape(one) != one), "")


def bare(text: str) -> str:
    """Say that a text has neither letter nor digit nor picture, only punctuation."""
    if any(sign.isalnum() for sign in text):
        return ""
    return "" if any(unicodedata.category(sign) in ("So", "Lo", "Mn") for sign in text) else repr(text[:20])


def short(text: str) -> str:
    """Say that a text is hardly there."""
    letters = [sign for sign in normalise(text) if sign.isalnum()]
    few = 0 < len(letters) <= SHORT and not any(_WHOLE_WORDS.match(sign) for sign in letters)
    return repr(text[:20]) if few else ""


def _pattern(pattern: regex.Pattern[str]) -> Callable[[str], str]:
    def found(text: str) -> str:
        match = pattern.search(text)
        return f"U+{ord(match[0][0]):04X} as character {match.start() + 1}" if match else ""

    return found


@dataclass(frozen=True)
class Check:
    """One look at a text: "" where all is well, else a note."""

    look: Callable[[str], str]
    severity: Severity
    said: str
    fix: str


CHECKS: Mapping[str, Check] = {
    "mojibake": Check(
        mojibake, "warning", "hold UTF-8 that was read in another encoding", "read the original as UTF-8"
    ),
    "replacement_character": Check(
        lambda text: "U+FFFD" if "\ufffd" in text else "", "warning",
        "hold U+FFFD, which stands for bytes that could not be read", "read the original in its own encoding",
    ),
    "html": Check(
        leftovers, "warning", "hold tags or entities of HTML",
        "take the tags out; for entities write 'unescape: html' into the card",
    ),
    "control_character": Check(
        _pattern(_CONTROL), "warning", "hold control characters", "take them out of the data"
    ),
    "bidi_control": Check(
        lambda text: _pattern(BIDI)(text), "warning",
        "hold characters that change the direction of writing: people do not see what the model reads",
        "take them out unless the language needs them",
    ),
    "zero_width": Check(
        _pattern(_WIDTHLESS), "warning", "hold characters without width, which part words for the model alone",
        "take them out of the data",
    ),
    "punctuation_only": Check(bare, "note", "are punctuation alone", "drop them if they say nothing"),
    "very_short": Check(
        short, "note", f"have at most {SHORT} letters or digits", "look whether their labels can be known"
    ),
}  # fmt: skip
"""Kind -> check."""


def strange(gathered: Gathered) -> Iterator[Finding]:
    """Yield a finding for each kind of strange text in each split."""
    for split, rows in gathered.rows.items():
        found: dict[str, list[RowAt]] = defaultdict(list)
        for row in rows:
            for column in gathered.columns:
                text = row.values[column]
                for kind, check in CHECKS.items():
                    note = check.look(text)
                    if note and not (kind == "control_character" and mojibake(text)):
                        found[kind].append(at(row, note))
        for kind in CHECKS:
            if kind in found:
                rows_of = list({one.id: one for one in found[kind]}.values())
                check = CHECKS[kind]
                what = f"{counted(len(rows_of), 'row')} of {split} {agreeing(len(rows_of), check.said)}"
                yield Finding(kind, check.severity, what, check.fix, rows_of, f"split {split}")
