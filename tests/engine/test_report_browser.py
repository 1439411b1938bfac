"""The page in a browser: axe finds nothing, it fits a phone, nothing is asked for. Skipped without Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(found is None, reason="there is no Chromium here")
Make = Callable[..., tiny.Tiny]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as starter:
        # Its own sandbox cannot be had by root in a container; what it opens here are our own files.
        options = ["--no-sandbox"] if os.getuid() == 0 else []
        one = starter.chromium.launch(executable_path=found, args=options)
        yield one
        one.close()


SOURCES: dict[str, dict[str, Any]] = {
    "one label": {},
    "several labels": {"world": "several"},
    "many labels": {"classes": 20, "rows": {"train": 240, "dev": 40, "test": 40}},
}


@pytest.fixture
def write(make: Make, near_gate: None) -> Callable[[str], Path]:
    """Run a tiny model on data of a kind, and give its page."""

    def written(kind: str) -> Path:
        one = make(source=SOURCES[kind], evaluate=[{"split": "test"}, {"split": "dev"}])
        directory: Path = one.run().directory
        return directory / "report.html"

    return written


@pytest.mark.parametrize("kind", SOURCES)
def test_axe_finds_nothing_and_the_page_fits(write: Callable[[str], Path], browser: Any, kind: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = write(kind)
    for width, scheme in ((390, "dark"), (1280, "light")):
        # Axe is a script, which the page's own policy forbids.
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        shown = context.new_page()
        shown.goto(page.as_uri())
        shown.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert shown.evaluate("document.documentElement.scrollWidth") <= width, "the page itself scrolls sideways"
        ground = shown.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 21, 26)"}[scheme]
        result = Axe().run(shown)
        assert result.violations_count == 0, result.generate_report()
        context.close()


def test_the_page_needs_no_script_asks_nothing_and_breaks_no_rule_of_its_policy(
    write: Callable[[str], Path], browser: Any
) -> None:
    page = write("one label")
    context = browser.new_context(java_script_enabled=False)
    shown = context.new_page()
    asked: list[str] = []
    told: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: told.append(message.text))
    shown.goto(page.as_uri())
    assert asked == [page.as_uri()]
    assert told == [], "a style or an asset was refused"
    assert shown.locator("h2").first.is_visible()
    context.close()
