"""Pages: what they forbid, what they escape, and how their parts are marked up."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import product

import pytest

from nlptl import pages
from nlptl.pages import style
from nlptl.pages.tables import LEVELS

EVIL = "<script>alert(1)</script>\"'>&<img src=x onerror=y>"


class Seen(HTMLParser):
    """Collects tags with their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "img", "input", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def everything(text: str) -> str:
    """Put one text into every place that takes one."""
    parts = [
        text, pages.note(text, "warning"), pages.paragraph(text, kind="lead"), pages.items([text], kind="cards"),
        pages.facts({text: text}), pages.details(text, text), pages.beside(text, text), pages.shown(text, most=20),
        pages.table([text, text], [[text, text]], text, wide=[1], marks={0: "low"}),
        pages.matrix([text, "b"], [[1, 2], [3, 4]], text, down=text, across=text),
        pages.bars(text, [pages.Bar(text, 0.5, text, 0.4, 0.6)]),
        pages.lines(text, {text: [(0, 1), (1, 2)], "b": [(0, 2)]}, x=text, y=text, said=text),
        pages.histogram(text, [0, 1], [3], x=text, y=text, limit=2),
        pages.reliability(text, [pages.Bin(0, 1, 3, 0.5, 0.4, 0.2, 0.6)], x=text, y=text),
    ]  # fmt: skip
    return pages.page(text, [pages.Section(text, parts)], lead=text, foot=text)


def test_everything_is_escaped_in_every_place() -> None:
    seen = Seen(everything(EVIL))
    tags = {tag for tag, _ in seen.tags}
    assert not tags & {"script", "img", "iframe", "object", "link", "form"}
    attributes = {name for _, found in seen.tags for name in found}
    assert not {name for name in attributes if name.startswith("on")} | attributes & {"src", "style", "onerror"}
    assert "".join(seen.text).count("alert(1)") >= 25


def test_the_policy_lets_nothing_in_but_the_one_style_sheet() -> None:
    text = everything("a")
    policy = next(one["content"] for one in Seen(text).of("meta") if one.get("http-equiv") == "Content-Security-Policy")
    sheets = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(sheets) == 1
    digest = base64.b64encode(hashlib.sha256(sheets[0].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"url\(|@import|https?:", text)


def test_a_page_has_language_one_title_headings_in_order_and_links_that_lead_somewhere() -> None:
    text = pages.page(
        "A title", [pages.Section(name, ["x"]) for name in ("One", "One", "日本")]
    )
    seen = Seen(text)
    assert seen.of("html") == [{"lang": "en"}]
    assert [tag for tag, _ in seen.tags if re.fullmatch(r"h\d", tag)] == ["h1", "h2", "h2", "h2"]
    targets = [one["id"] for one in seen.of("h2")]
    assert targets == ["one-1", "one-2", "section-3"]
    assert [one["href"] for one in seen.of("a")] == [f"#{name}" for name in targets]


def test_a_table_names_its_rows_and_columns_and_sets_numbers_to_the_right() -> None:
    text = pages.table(
        ["set", "rows", "score", "note"],
        [["test", 1200, "86.4 (84.1 to 88.5)", "x"], ["dev", None, "-3", "7 x"]],
        "Scores",
    )
    seen = Seen(text)
    assert [one.get("scope") for one in seen.of("th")] == ["col"] * 4 + ["row"] * 2
    assert [one.get("class") for one in seen.of("th")[:4]] == [None, "n", "n", None]
    assert "".join(seen.text).startswith("Scores")
    assert "1,200" in seen.text
    assert seen.of("div") == [{"class": "scroll", "role": "group", "tabindex": "0", "aria-label": "Scores"}]


def test_a_table_refuses_a_row_of_another_width() -> None:
    with pytest.raises(AssertionError, match="a row of 1 cells below 2 titles"):
        pages.table(["a", "b"], [["x"]], "Short")


def test_heat_is_by_share_of_the_row_and_the_diagonal_has_a_colour_of_its_own() -> None:
    # 100 rows of a: 96, 3, 1; of b: 10, 70, 20; none of c.
    text = pages.matrix(["a", "b", "c"], [[96, 3, 1], [10, 70, 20], [0, 0, 0]], "M")
    found = [one["class"] for one in Seen(text).of("td")]
    assert LEVELS == (0.0, 0.05, 0.25, 0.6)
    assert found == ["r4", "w1", "w1", "w2", "r4", "w2", "z", "z", "z"]


def test_what_html_cannot_hold_and_what_turns_a_line_around_is_made_visible() -> None:
    assert pages.shown("a\x00b\u202ec\ud800") == (
        '<span class="text" dir="auto">a\u2400b[U+202E]c\ufffd</span>'
    )
    assert pages.shown("x" * 30, most=5) == '<span class="text" dir="auto">xxxxx…</span>'


def luminance(colour: str) -> float:
    """Give the relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_definition() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


GROUNDS = ("ground", "raised", "bad-ground", "good-ground", "info-ground")
PAIRS = [
    *product(("ink", "quiet", "link"), GROUNDS),
    ("good", "ground"), ("bad", "ground"),
    *(("ink", f"{side}{level}") for side in ("right", "wrong") for level in (1, 2, 3)),
    ("strong", "right4"), ("strong", "wrong4"),
]  # fmt: skip


@pytest.mark.parametrize("colours", [style.LIGHT, style.DARK], ids=["light", "dark"])
def test_every_text_stands_out_from_its_ground(colours: dict[str, str]) -> None:
    assert not [(text, ground) for text, ground in PAIRS if contrast(colours[text], colours[ground]) < 4.5]
    marks = [name for name in ("mark", "other", "third", "quiet") if contrast(colours[name], colours["ground"]) < 3]
    assert not marks, "lines and bars need 3 to 1"


def test_both_sheets_have_the_same_colours_and_the_rules_use_no_other() -> None:
    assert set(style.LIGHT) == set(style.DARK)
    sheet = style.sheet()
    assert set(re.findall(r"var\(--([\w-]+)\)", sheet)) <= set(style.LIGHT)
    assert "prefers-color-scheme:dark" in sheet
