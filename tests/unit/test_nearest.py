"""The nearest training utterance, on rows whose neighbours are known, and on GeoQuery."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from nlptl import cards, forms, nearest
from nlptl.data.rows import load, rows
from nlptl.errors import BadInput
from nlptl.tasks import Row


def made(*pairs: tuple[str, str]) -> list[Row]:
    return [Row(str(number), {"text": text, "form": form}, "eng") for number, (text, form) in enumerate(pairs)]


TRAIN = made(("size of texas", "A"), ("rivers in ohio", "B"), ("capital of iowa", "B"), ("rivers in ohio", "C"))


def test_the_nearest_gives_its_form() -> None:
    found = nearest.predict(TRAIN, made(("capital of maine", ""), ("rivers in ohio", ""), ("xyz", "")))
    assert [one.value for one in found] == ["B", "B", "B"]
    assert [one.detail["nearest"] for one in found] == ["2", "1", None]
    assert found[1].detail["similarity"] == pytest.approx(1.0)
    assert [one.row_id for one in found] == ["0", "1", "2"]


def test_similarity_is_the_cosine_by_hand() -> None:
    """Two training texts of one word each: idf 1 + ln(3/2) for each (scikit-learn's smooth idf), one word in common."""
    found = nearest.predict(made(("a", "A"), ("b", "B")), made(("a b", "")))
    assert found[0].value == "A", "the first of equals"
    assert found[0].detail["similarity"] == pytest.approx(1 / math.sqrt(2), abs=1e-6)


def test_rows_are_compared_in_any_number(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = made(*((f"size of x{number}", "") for number in range(7)))
    whole = nearest.predict(TRAIN, asked)
    monkeypatch.setattr(nearest, "CHUNK", 2)
    assert nearest.predict(TRAIN, asked) == whole


def test_scripts_without_spaces() -> None:
    found = nearest.predict(made(("德克萨斯州有多大", "A"), ("俄亥俄州的河流", "B")), made(("密歇根州的河流", "")))
    assert found[0].value == "B"


def test_nothing_to_learn_from() -> None:
    with pytest.raises(BadInput, match="no training rows"):
        nearest.predict([], TRAIN)


PAGE = Path(__file__).resolve().parents[2] / "docs" / "parsing.md"
LINES = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8").split("## Data")[1], re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "line"),
    [pytest.param(*pair, marks=[pytest.mark.soak] if pair[0].startswith("scan") else [], id=pair[0]) for pair in LINES],
)
def test_the_page_says_what_is_counted(name: str, line: str, data: Path) -> None:
    """Rows, test forms that stand in train (whole; but for values), and what remembering reaches by exact match."""
    card = cards.find(name).value
    assert card.form is not None
    language = card.form.language
    counts, _, seen, reached = (field.strip() for field in line.split("|"))
    eng = ["eng"]
    train, test = (rows(load(card, split, eng, root=str(data), offline=True)) for split in ("train", "test"))
    numbers = [int(number) for number in re.findall(r"\d+", counts)]
    assert [numbers[0], numbers[1 if language == "words" else 2]] == [len(train), len(test)]
    right = {}
    for how in (forms.normal, forms.template):
        known = {how(row.values["form"], language) for row in train}
        right[how.__name__] = sum(how(row.values["form"], language) in known for row in test)
    assert [int(number) for number in re.findall(r"\d+", seen)] == list(right.values())[
        : 1 if language == "words" else 2
    ]
    if reached:
        said = nearest.predict(train, test)
        gold = [forms.normal(row.values["form"], language) for row in test]
        exact = sum(forms.normal(one.value, language) == want for one, want in zip(said, gold, strict=True))
        assert f"{exact / len(test):.3f}" == reached
        assert exact <= right["normal"]
