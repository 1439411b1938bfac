"""Text that is HTML already, and text that is not yet."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

Content = str
"""A plain text, which is escaped, or Markup, which is not. (Markup is a kind of str.)"""

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
# They turn the direction of what follows; a page that shows a text must not be turned by it.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

__all__ = ["Content", "Markup", "attribute", "escape", "join", "shown"]


def join(parts: Iterable[Content], between: str = "") -> Markup:
    """Put parts after each other, each escaped unless it is Markup."""
    return Markup(between).join(parts)


def attribute(text: str) -> Markup:
    """Give a text as the value of an attribute, quotation marks included."""
    return Markup('"{}"').format(plain(text))


def plain(text: str) -> str:
    """Make what HTML cannot hold visible: control characters, marks that turn the direction of writing."""
    if isinstance(text, Markup):
        return text
    pictured = _CONTROLS.sub(lambda found: chr(0x2400 + ord(found[0])) if found[0] != "\x7f" else "\u2421", text)
    lone = re.sub("[\ud800-\udfff]", _REPLACEMENT, pictured)
    return _TURNING.sub(lambda found: f"[U+{ord(found[0]):04X}]", lone)


def shown(text: str, *, most: int | None = None) -> Markup:
    """Show a text of the data: isolated, in its own direction, line breaks kept; of a longer one than `most` the
    beginning.
    """
    cut = most is not None and len(text) > most
    body = f"{text[:most]}…" if cut else text
    return Markup('<span class="text" dir="auto">{}</span>').format(plain(body))
