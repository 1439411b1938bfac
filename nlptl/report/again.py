"""The page of a run that was finished before: `nlptl report`."""

from __future__ import annotations

from pathlib import Path

from nlptl import artifacts
from nlptl.errors import BadInput, NlptlError, Problem
from nlptl.report import views
from nlptl.report.examples import Texts, texts_of
from nlptl.report.writing import REPORT


def make_again(run: str | Path, page: Path | None = None) -> Path:
    """Write page and tables of a finished run anew, or with `page` the page alone; give the page's path.

    The texts come from the data, where they can be read and are still those of the run. Raises BadInput where there is
    no finished run.
    """
    directory = Path(run)
    if not (directory / REPORT).is_file():
        fix = "name a finished run's directory; `nlptl ls` lists them"
        raise BadInput(str(run), Problem(f"no finished run here ({REPORT} is missing)", fix=fix))
    if page is not None:
        artifacts.check_place(page.parent)
    texts, reason = _texts(directory)
    return views.write(directory, texts, no_texts=reason, page=page)


def _texts(directory: Path) -> tuple[dict[str, Texts], str]:
    """Read the texts of the scored rows again: set -> row id -> texts, or why there are none."""
    from nlptl import checks, evaluate, prepare, scored_cards
    from nlptl.data import rows as reading

    try:
        checked = checks.check(directory / "recipe.yaml")
        plan, card = checked.recipe, checked.card
        told = artifacts.read_json(directory / "data.json")
        if prepare.fingerprint_of_rows(plan, card, sorted(told["rows"])) != told["sha256"]:
            return {}, "the data are no longer those of the run."
        found: dict[str, Texts] = {}
        others = scored_cards.other_cards(plan)
        for one in plan.evaluate:
            rows = reading.rows(reading.load(others.get(one.name, card), one.split, None, plan.data.root, offline=True))
            for language, part in evaluate.by_language(rows, one.languages):
                name = "-".join(piece for piece in (one.name, language) if piece)
                found[name] = texts_of(part, plan.task.given)
    except (NlptlError, OSError) as fault:
        first = str(fault).strip().splitlines()
        return {}, f"the data cannot be read again ({' '.join(first[:2])})"
    return found, ""
