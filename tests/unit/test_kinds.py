"""The shelves: what stands on them, and who may put something there."""

import importlib.metadata
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import pytest

from nlptl import kinds
from nlptl.errors import BadInput
from nlptl.strict import Value


class Fancy(Value):
    """A kind of another distribution."""

    kind: Literal["fancy"]


class Wrong(Value):
    """Says another name than its entry point."""

    kind: Literal["other"]


class Full(Value):
    """Takes a name that is in use."""

    kind: Literal["full"]


@pytest.fixture
def fresh() -> Iterator[None]:
    kinds.shelf.cache_clear()
    yield
    kinds.shelf.cache_clear()


def offer(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    entry = importlib.metadata.EntryPoint(name, value, "nlptl.tuning")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: (entry,) if group == entry.group else ())


@pytest.mark.parametrize("name", kinds.SHELVES)
def test_every_file_of_a_shelf_is_a_kind_of_its_name(name: str) -> None:
    folder = Path(kinds.__file__).parent / name
    files = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    shelf = kinds.shelf(name)
    assert set(shelf) >= {stem for stem in files if not stem.startswith("_")}
    assert list(shelf) == sorted(shelf)
    assert all(kinds.kind_of(value) == kind for kind, value in shelf.items())


def test_a_kind_of_another_distribution_stands_beside_ours(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "fancy", f"{__name__}:Fancy")
    assert kinds.shelf("tuning")["fancy"] is Fancy
    assert "full" in kinds.shelf("tuning")


@pytest.mark.parametrize(
    ("name", "target", "why"),
    [
        ("full", "Full", "the kind 'full' is already on this shelf, from nlptl.tuning.full"),
        ("fancy", "Wrong", "must name a class with a field `kind: Literal['fancy']`"),
        ("fancy", "offer", "must name a class with a field `kind: Literal['fancy']`"),
        ("fancy", "Absent", "cannot be loaded: "),
    ],
)
def test_a_kind_that_cannot_stand_there_is_refused_by_its_entry_point(
    fresh: None, monkeypatch: pytest.MonkeyPatch, name: str, target: str, why: str
) -> None:
    offer(monkeypatch, name, f"{__name__}:{target}")
    with pytest.raises(BadInput) as caught:
        kinds.shelf("tuning")
    assert f"entry point {name} = {__name__}:{target} of nlptl.tuning" in str(caught.value)
    assert why in str(caught.value)


def made_shelf(monkeypatch: pytest.MonkeyPatch, folder: Path, files: dict[str, str]) -> None:
    package = types.ModuleType("nlptl.made_shelf")
    package.__path__ = [str(folder)]
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        monkeypatch.delitem(sys.modules, f"nlptl.made_shelf.{path.stem}", raising=False)
    monkeypatch.setitem(sys.modules, "nlptl.made_shelf", package)


KIND = "from typing import Literal\nfrom nlptl.strict import Value\nclass {0}(Value):\n    kind: Literal['{1}']\n"


def test_a_folder_is_a_kind_too_and_helpers_are_none(
    fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = {
        "first.py": KIND.format("First", "first"),
        "_helper.py": "",
        "second/__init__.py": "from nlptl.made_shelf.second.inner import Second\n",
        "second/inner.py": KIND.format("Second", "second"),
    }
    made_shelf(monkeypatch, tmp_path, files)
    assert list(kinds.shelf("made_shelf")) == ["first", "second"]
    made = get_args(get_args(kinds.one_of("made_shelf"))[0])
    assert [kind.__name__ for kind in made] == ["First", "Second"]


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "has 0"), (KIND.format("A", "x") + KIND.format("B", "x"), "has 2"), (KIND.format("A", "y"), "must be 'x'")],
)
def test_a_file_that_breaks_the_rule_is_our_own_fault(
    fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, why: str
) -> None:
    made_shelf(monkeypatch, tmp_path, {"x.py": text})
    with pytest.raises(AssertionError, match=why):
        kinds.shelf("made_shelf")


def test_one_kind_alone_is_itself(fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made_shelf(monkeypatch, tmp_path, {"only.py": KIND.format("Only", "only")})
    assert kinds.one_of("made_shelf").__name__ == "Only"
