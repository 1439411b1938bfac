"""Our metrics as `evaluate` metrics, and scripts of `evaluate` on our predictions, without a network."""

import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest

from nlptl import evaluate_metrics, metrics
from nlptl.errors import BadInput

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GOLD, SAID, LABELS = ["a", "b", "b", "c"], ["a", "b", "c", "c"], ["a", "b", "c"]

SCRIPT = """
import datasets
import evaluate

from .helper import same


class Tiny(evaluate.Metric):
    def _info(self):
        kind = datasets.Value("{kind}")
        column = datasets.Sequence(kind) if self.config_name == "multilabel" else kind
        features = datasets.Features({{"predictions": column, "references": column}})
        return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)

    def _compute(self, predictions, references, fail=False):
        if fail:
            raise RuntimeError("as asked")
        return {{"agreement": same(predictions, references), "seen": len(str(predictions)), "rows": [1.0], "all": True}}
"""
HELPER = "def same(one, other):\n    return sum(a == b for a, b in zip(one, other)) / len(one)\n"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fail on any connection; put what evaluate and the hub keep where the test ends with it."""
    import evaluate.loading
    from huggingface_hub import constants

    def refuse(*arguments: Any) -> NoReturn:
        raise AssertionError(f"a connection was tried: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    assert evaluate.loading


def written(folder: Path, kind: str = "string") -> Path:
    folder.mkdir(parents=True)
    (folder / f"{folder.name}.py").write_text(SCRIPT.format(kind=kind), encoding="utf-8")
    (folder / "helper.py").write_text(HELPER, encoding="utf-8")
    return folder


def test_directory(tmp_path: Path) -> None:
    place = written(tmp_path / "tiny")
    found = evaluate_metrics.external(place, GOLD, SAID, runs_code=True)
    assert found == {"agreement": 3 / 4, "seen": float(len(str(SAID)))}
    assert evaluate_metrics.external(place / "tiny.py", GOLD, SAID, runs_code=True) == found


def test_numbers_for_names(tmp_path: Path) -> None:
    place = written(tmp_path / "tiny", "int32")
    found = evaluate_metrics.external(place, GOLD, SAID, runs_code=True, labels=LABELS)
    assert found == {"agreement": 3 / 4, "seen": float(len("[0, 1, 2, 2]"))}
    sets = [["b"], []], [["b"], ["c", "a"]]
    found = evaluate_metrics.external(place, *sets, runs_code=True, labels=LABELS, config="multilabel")
    assert found == {"agreement": 1 / 2, "seen": float(len("[[0, 1, 0], [1, 0, 1]]"))}
    with pytest.raises(BadInput, match="takes numbers, and `labels` gives none for b, c"):
        evaluate_metrics.external(place, GOLD, SAID, runs_code=True, labels=["a"])


def test_pinned_revision_from_the_hub_cache(tmp_path: Path) -> None:
    for commit, kind in ((COMMIT, "string"), (COMMIT[::-1], "int32")):
        written(tmp_path / "hub" / "spaces--someone--tiny" / "snapshots" / commit / "tiny", kind)
        folder = tmp_path / "hub" / "spaces--someone--tiny" / "snapshots" / commit
        for file in (folder / "tiny").iterdir():
            file.rename(folder / file.name)
        (folder / "tiny").rmdir()
    found = evaluate_metrics.external(f"someone/tiny@{COMMIT}", GOLD, SAID, runs_code=True)
    assert found["seen"] == len(str(SAID))
    other = evaluate_metrics.external(f"someone/tiny@{COMMIT[::-1]}", GOLD, SAID, runs_code=True, labels=LABELS)
    assert other["seen"] == len("[0, 1, 2, 2]")
    # A revision that is not there is an error, never another one that is.
    with pytest.raises(BadInput, match="cannot be brought from the hub"):
        evaluate_metrics.external(f"someone/tiny@{'f' * 40}", GOLD, SAID, runs_code=True)


def test_nothing_runs_unless_the_recipe_says_so(tmp_path: Path) -> None:
    place = tmp_path / "tiny"
    place.mkdir()
    canary = tmp_path / "canary"
    (place / "tiny.py").write_text(f"open({str(canary)!r}, 'w').close()\n", encoding="utf-8")
    with pytest.raises(BadInput, match="runs_code: true"):
        evaluate_metrics.external(place, GOLD, SAID, runs_code=False)
    assert not canary.exists()


@pytest.mark.parametrize("place", ["accuracy", "accuracy@main", f"accuracy@{COMMIT[:7]}", "a/f1", f"../x@{COMMIT}"])
def test_what_is_not_pinned_is_refused(place: str) -> None:
    with pytest.raises(BadInput, match="pinned to a revision"):
        evaluate_metrics.external(place, GOLD, SAID, runs_code=True)


def test_scripts_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"no script at .*empty\.py"):
        evaluate_metrics.external(tmp_path / "empty", GOLD, SAID, runs_code=True)
    place = written(tmp_path / "tiny")
    with pytest.raises(BadInput, match="RuntimeError: as asked"):
        evaluate_metrics.external(place, GOLD, SAID, runs_code=True, settings={"fail": True})
    with pytest.raises(BadInput, match="its script failed"):
        evaluate_metrics.external(place, GOLD, SAID[:2], runs_code=True)
    script = place / "tiny.py"
    script.write_text("import other  # From: https://example.org/other.py\n" + script.read_text(encoding="utf-8"))
    with pytest.raises(BadInput, match="nothing pins"):
        evaluate_metrics.external(place, GOLD, SAID, runs_code=True)


@pytest.mark.parametrize("name", [*metrics.SINGLE, *metrics.SEVERAL])
def test_ours_as_theirs(name: str) -> None:
    several = name in metrics.SEVERAL
    gold: list[Any] = [[label] for label in GOLD] if several else GOLD
    said: list[Any] = [[label, "a"] for label in SAID] if several else SAID
    sides = (metrics.alone(GOLD), metrics.alone(SAID)) if not several else (gold, said)
    expected = float({**metrics.SINGLE, **metrics.SEVERAL}[name](metrics.count(*sides, LABELS))[0])
    metric = evaluate_metrics.as_metric(name, LABELS)
    assert metric.compute(predictions=said, references=gold) == {name: expected}
    # In parts, as evaluate's users do, and with the rows' order as the only link between the two.
    for true, one in zip(gold, said, strict=True):
        metric.add(reference=true, prediction=one)
    assert metric.compute() == {name: expected}


def test_ours_by_a_wrong_name() -> None:
    with pytest.raises(BadInput, match="did you mean 'macro_f1'"):
        evaluate_metrics.as_metric("macrof1", LABELS)
