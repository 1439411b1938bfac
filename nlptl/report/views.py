"""The page of a finished run, and its tables: made of what lies in its directory, again whenever it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nlptl import artifacts, pages
from nlptl.report import by_domain, by_language, course, data, errors, facts, forms, headline, robust, sets, tables
from nlptl.report.examples import Texts
from nlptl.report.facts import Facts, Made, Scored

MOST = 30
"""Sets that the page shows beside the first; of more there are the scores, and the tables."""
PAGE = "report.html"
TABLES = "tables"


def write(directory: Path, texts: Mapping[str, Texts], *, no_texts: str = "", page: Path | None = None) -> Path:
    """Write the page and the tables of a finished run into its directory, or with `page` the page alone there; give the
    page's path.

    `texts` is set -> row id -> texts; where there are none, `no_texts` says why.
    """
    found = facts.read(directory, texts, no_texts)
    made = dict(_parts(found))
    place = page or directory / PAGE
    artifacts.write_text(place, artifacts.redact(document(found, made)))
    if page is None:
        tables.write(directory / TABLES, [table for one in made.values() for table in one.tables])
    return place


def document(found: Facts, made: Mapping[str, Made]) -> str:
    """Give the page."""
    sections = [pages.Section(title, one.parts) for title, one in made.items() if one.parts]
    foot = (
        f"Made by nlptl {found.report['nlptl']} from the files of the run. Its tables lie in {TABLES}/ as CSV and JSON."
    )
    return pages.page(
        f"{found.report['name']}, seed {found.report['seed']}{by_language.oracle(found.report)}", sections,
        lead=headline.lead(found), foot=foot,
    )  # fmt: skip


def _parts(found: Facts) -> Iterator[tuple[str, Made]]:
    """Give the sections in their order."""
    yield "What was run", course.run(found)
    yield "Scores", headline.scores(found)
    yield "Languages", by_language.section(found)
    yield "Domains", by_domain.section(found)
    yield "Under noise", robust.noise(found)
    yield "Training", course.curves(found)
    first, *others = found.sets
    for title, one in _of_set(found, first):
        yield f"{title} ({first.name})" if others else title, one
    if others:
        yield "Other sets", _folded(found, others)
    yield "Data", data.data(found)
    yield "Cost", course.cost(found)
    yield "Run it again", course.again(found)


def _of_set(found: Facts, one: Scored) -> Iterator[tuple[str, Made]]:
    yield "Labels", sets.labels(one)
    yield "Forms", forms.forms(one)
    yield "Confusions", sets.confusions(one)
    yield "Calibration", sets.reliability(found, one)
    yield "Slices", sets.parts_of(one)
    yield "Errors", errors.errors(found, one)


def _folded(found: Facts, others: Sequence[Scored]) -> Made:
    """Fold what the sets after the first have to show."""
    parts: list[pages.Content] = []
    kept: list[tables.Table] = []
    for number, one in enumerate(others):
        inner: list[pages.Content] = []
        for title, made in _of_set(found, one):
            if made.parts:
                inner += [pages.Markup("<h3>{}</h3>").format(f"{title} ({one.name})"), *made.parts]
                kept += made.tables
        if number < MOST:
            parts.append(pages.details(one.name, *inner))
    if others[MOST:]:
        parts.append(f"{len(others) - MOST} more sets have their tables in {TABLES}/.")
    return Made(parts, kept)
