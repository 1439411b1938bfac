"""Which plain (unquoted) scalars of YAML are not texts.

This is the core schema of YAML 1.2 (section 10.3.2) with one narrowing: what is written as no number is usually written
stays a text. So `01`, `0o17`, `0x1F` are texts, as are dates, `no`, `yes`, `on` and `off` of YAML 1.1. A label or an id
is then kept as it was written, and where a number is due, a text is refused: nothing is guessed in either way.
"""

import math
import re

INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
LARGEST = 2**53
"""Beyond it a whole number is not the same in every reader of JSON."""


class NotPlain(ValueError):
    """A scalar that no value can hold; the text is for the user."""


def resolve(text: str) -> str | int | float | bool | None:
    """Give what a plain scalar means. Raises NotPlain for numbers that are not finite or lose digits."""
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        if len(text) > 20 or abs(int(text)) > LARGEST:
            what = f"{text[:24]} is too large for a whole number (at most 2**53)"
            raise NotPlain(f"{what}; put it in quotes if it is a text")
        return int(text)
    if NOT_FINITE.fullmatch(text):
        raise NotPlain(f"{text} is not a finite number")
    if FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise NotPlain(f"{text[:24]} is too large for a number")
        return number
    return text
