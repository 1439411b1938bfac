"""The page itself, its sections, and the plain parts that stand in them."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nlptl.pages import style
from nlptl.pages.markup import Content, Markup, join, plain


@dataclass(frozen=True)
class Section:
    """A part of a page with a heading of its own, which the list at the top links to."""

    title: str
    parts: Sequence[Content]


def page(title: str, sections: Sequence[Section], *, lead: Content = "", foot: Content = "") -> str:
    """Give a whole HTML document. It loads nothing and runs nothing: its policy forbids both."""
    sheet = style.sheet()
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    names = [f"{_slug(one.title)}-{number}" for number, one in enumerate(sections, 1)]
    links = join(
        Markup('<li><a href="#{}">{}</a></li>').format(name, plain(one.title))
        for name, one in zip(names, sections, strict=True)
    )
    body = join(_section(name, one) for name, one in zip(names, sections, strict=True))
    return str(
        Markup(
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
            "<title>{title}</title>\n<style>{sheet}</style>\n</head>\n<body>\n"
            '<header>\n<h1>{title}</h1>\n{lead}</header>\n<nav aria-label="Sections"><ul>{links}</ul></nav>\n'
            "<main>\n{body}</main>\n<footer>{foot}</footer>\n</body>\n</html>\n"
        ).format(
            policy=Markup(policy),
            title=plain(title),
            sheet=Markup(sheet),
            lead=_block(lead),
            links=links,
            body=body,
            foot=_block(foot),
        )
    )


def _section(name: str, one: Section) -> Markup:
    parts = join((_block(part) for part in one.parts), "\n")
    return Markup('<section aria-labelledby="{0}">\n<h2 id="{0}">{1}</h2>\n{2}\n</section>\n').format(
        name, plain(one.title), parts
    )


def _block(part: Content) -> Markup:
    if isinstance(part, Markup) or not part:
        return Markup(part)
    return paragraph(part)


def _slug(title: str) -> str:
    plain_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain_title).strip("-") or "section"


def paragraph(text: Content, *, kind: Literal["", "lead", "quiet", "big"] = "") -> Markup:
    """Give a paragraph: usual, larger at the top of a page, quiet for what is said in passing, or one big number."""
    opening = Markup('<p class="{}">').format(kind) if kind else Markup("<p>")
    return opening + Markup("{}</p>").format(plain(text))


def note(text: Content, kind: Literal["info", "warning", "success"] = "info") -> Markup:
    """Give a text that stands out. What kind it is must also be said in its words: colour alone tells nothing."""
    return Markup('<div class="note {}"><p>{}</p></div>').format(kind, plain(text))


def items(texts: Sequence[Content], *, kind: Literal["", "cards"] = "") -> Markup:
    """Give a list; `cards` are entries of several lines each."""
    opening = Markup('<ul class="cards">') if kind else Markup("<ul>")
    return opening + Markup("{}</ul>").format(join(Markup("<li>{}</li>").format(plain(text)) for text in texts))


def facts(pairs: Mapping[str, Content]) -> Markup:
    """Give names and what they stand for, one below the other."""
    lines = join(Markup("<dt>{}</dt><dd>{}</dd>").format(plain(name), plain(value)) for name, value in pairs.items())
    return Markup("<dl>{}</dl>").format(lines)


def details(summary: Content, *parts: Content) -> Markup:
    """Give something long that is closed until it is asked for; needs no script."""
    return Markup("<details><summary>{}</summary>{}</details>").format(plain(summary), join(map(_block, parts)))


def beside(*parts: Content) -> Markup:
    """Put parts beside each other where there is room, else below each other."""
    return Markup('<div class="beside">{}</div>').format(
        join(Markup("<div>{}</div>").format(_block(part)) for part in parts)
    )
