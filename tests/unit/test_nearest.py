"""The nearest training utterance, on rows whose neighbours are known, and on GeoQuery."""

from __future__ import annotations

import math
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


def test_remembering_answers_no_new_query(data: Path) -> None:
    """On the query split no query can be remembered; on the question split some can."""
    right = {}
    for name in ("geoquery", "geoquery_query"):
        card = cards.find(name).value
        train, test = (rows(load(card, split, root=str(data), offline=True)) for split in ("train", "test"))
        said = nearest.predict(train, test)
        pairs = zip(said, test, strict=True)
        right[name] = sum(
            forms.normal(one.value, "sql") == forms.normal(row.values["form"], "sql") for one, row in pairs
        ) / len(test)
    assert right["geoquery_query"] == 0.0
    assert 0.1 < right["geoquery"] < 118 / 279
