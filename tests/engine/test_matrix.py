"""Plans of kind matrix: all pairs beside the target from scratch, the best source, and what predictors lose."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import plans_help
import pytest
import tiny

from nlptl.errors import BadInput
from nlptl.plan import cells, looking, predictors, reading, running
from nlptl.plans import Cell

Make = Callable[..., Path]


def write(folder: Path, checkpoint: Path, *, seeds: tuple[int, ...] = (13,), **changes: Any) -> Path:
    """Write a matrix of three made worlds, the recipes beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in (("a", {"seed": 1}), ("b", {"seed": 2}), ("c", {"seed": 3, "classes": 4})):
        tree = tiny.recipe_tree(checkpoint, tiny.write_card(folder, f"card_{name}", **source))
        tiny.write_recipe(folder / f"{name}.yaml", tree | {"name": f"recipe_{name}"})
    tasks = [{"name": name, "recipe": f"{name}.yaml"} for name in "abc"]
    return plans_help.save(folder, {"kind": "matrix", "name": "tiny", "seeds": list(seeds), "tasks": tasks} | changes)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, checkpoint: Make) -> Any:
    """Run a matrix of two sources and two targets once."""
    from nlptl import saved

    folder = tmp_path_factory.mktemp("matrix")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved, "gate", tiny.near_gate)
        path = write(folder, checkpoint("bert"), sources=["a", "b"], targets=["b", "c"])
        return running.run(path, out=folder / "runs")


def correct(done: Any, name: str) -> list[float]:
    (step,) = [one for one in done.report["steps"] if one["name"] == name]
    return [one["correct"] for one in tiny.predictions(done.directory.parent / step["runs"][0]["run"])]


def test_every_pair_is_run_beside_the_target_from_scratch(done: Any) -> None:
    steps = {one["name"]: one["start"] for one in done.report["steps"]}
    assert steps == {"a": "", "b": "", "c": "", "b after a": "a", "c after a": "a", "c after b": "b"}
    found = {(one["source"], one["target"]): one for one in done.report["matrix"]["cells"]}
    assert list(found) == [("a", "b"), ("a", "c"), ("b", "c")]
    for (source, target), one in found.items():
        ours, scratch = correct(done, f"{target} after {source}"), correct(done, target)
        assert one["value"] == pytest.approx(numpy.mean(ours) - numpy.mean(scratch))
        assert (one["score"], one["control"]) == pytest.approx((numpy.mean(ours), numpy.mean(scratch)))
        assert one["low"] <= one["value"] <= one["high"]
        assert (one["rows"], one["tested"]) == (48, 24)


def test_what_is_done_is_found_and_shown(done: Any, near_gate: None) -> None:
    path = done.directory.parent.parent / "plan.yaml"
    once_more = running.run(path, out=done.directory.parent)
    assert once_more.found
    assert once_more.report == done.report
    looked = looking.look(reading.check(path), out=done.directory.parent)
    assert all(finished for one in looked.steps for _, _, finished in one.runs)
    assert looked.minutes == 0
    assert looking.look(reading.check(path, ["seeds=[13, 14]"]), out=done.directory.parent).minutes > 0


def test_the_page_has_the_heat_map_and_the_tables(done: Any) -> None:
    text = (done.directory / "report.html").read_text()
    for one in done.report["matrix"]["cells"]:
        assert f"({100 * one['low']:+.1f} to {100 * one['high']:+.1f})" in text
    for one in done.report["matrix"]["targets"]:
        assert one["words"] in text
    assert "<script" not in text
    names = {file.stem for file in (done.directory / "tables").glob("*.csv")}
    assert names == {"matrix", "targets", "predictors", "gains", "scores", "runs"}
    rows = json.loads((done.directory / "tables" / "matrix.json").read_text())["rows"]
    assert [(one["source"], one["target"]) for one in rows] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_logme_reads_the_sources_body_on_the_targets_rows(done: Any) -> None:
    """The features again by transformers alone, from the saved model."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from nlptl import prepare
    from nlptl.logme import logme

    checked = reading.check(done.directory.parent.parent / "plan.yaml")
    rows = prepare.training_rows(running.gather(checked)["c"], 13)
    (step,) = [one for one in done.report["steps"] if one["name"] == "a"]
    place = done.directory.parent / step["runs"][0]["run"] / "model"
    tokenizer, body = AutoTokenizer.from_pretrained(place), AutoModel.from_pretrained(place, add_pooling_layer=False)
    features = []
    for row in rows:
        with torch.inference_mode():
            said = body.eval()(**tokenizer(row.values["text"], return_tensors="pt", truncation=True, max_length=48))
        features.append(said.last_hidden_state[0].mean(0).numpy())
    gold = [[float(row.values["label"] == f"class{number}") for number in range(4)] for row in rows]
    (cell,) = [one for one in done.report["matrix"]["cells"] if (one["source"], one["target"]) == ("a", "c")]
    assert cell["logme"] == pytest.approx(logme(features, gold), rel=1e-4)


def made_report(gains: dict[tuple[str, str], float], **outcomes: str) -> dict[str, Any]:
    found = [
        {"first": f"{target} after {source}", "set": "test", "metric": "accuracy", "rows": 100, "seeds": [1],
         "scores": [0.5 + value], "against": [0.5], "value": value, "low": value - 0.01, "high": value + 0.01,
         "p": 0.01, "adjusted": 0.01, "outcome": outcomes.get(f"{source}_{target}", "open")}
        for (source, target), value in gains.items()
    ]  # fmt: skip
    return {"gains": found, "clean": {"gains": []}}


def test_regret_and_recommendations_by_arithmetic() -> None:
    values = (0.04, 0.01, -0.02, -0.03, 0.0, 0.02)
    gains = dict(zip([(source, target) for target in "tu" for source in "abc"], values, strict=True))
    guesses = {
        "logme": dict(zip(gains, (3.0, 2.0, 1.0, 3.0, 2.0, 1.0), strict=True)),
        "similarity": dict(zip(gains, (0.1, 0.5, 0.2, 0.1, 0.2, 0.9), strict=True)),
        "rows": dict.fromkeys(gains, 200),
    }
    plan_cells = [Cell(source, target, f"{target} after {source}") for source, target in gains]
    report = made_report(gains, a_t="better", c_t="worse")
    found = cells.summary(plan_cells, report, guesses)
    regrets = {one["name"]: one["regret"] for one in found["predictors"]}
    # logme takes a, a: 0 and 0.05; similarity b, c: 0.03 and 0; equal rows are chance: 0.03 and 0.02 + 0.01 / 3
    assert regrets == pytest.approx(
        {"logme": 0.025, "similarity": 0.015, "rows": (0.03 + 0.07 / 3) / 2, cells.CHANCE: (0.03 + 0.07 / 3) / 2}
    )
    first, second = found["targets"]
    assert (first["recommended"], first["order"], first["harmful"]) == ("a", ["a", "b", "c"], ["c"])
    assert first["words"] == "t: best after a, +4.0 points (3.0 to 5.0); negative transfer from c"
    assert (second["recommended"], second["order"]) == ("", ["c", "b", "a"])
    assert "no source is shown to help" in second["words"]
    report["clean"]["gains"] = made_report({("a", "t"): -0.05})["gains"]
    assert cells.summary(plan_cells, report, guesses)["targets"][0]["best"] == "b", "the clean part counts"


def test_texts_that_are_the_same_are_similar() -> None:
    found = predictors.similarities({"a": ["red fox", "red hen"], "b": ["red fox", "red hen"], "c": ["blue whale"]})
    assert found["a", "b"] == pytest.approx(1)
    assert found["a", "c"] == 0


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        ({"sources": ["a", "d"]}, "sources[1]", "no task 'd'"),
        ({"targets": ["a", "a"]}, "targets[1]", "stands here twice"),
        ({"sources": ["a"], "targets": ["a"]}, "tasks", "no source with a target but itself"),
        ({"tasks": [{"name": "a", "recipe": "a.yaml"}] * 2}, "tasks[1].name", "stands here twice"),
        ({"tasks": [{"name": "a", "recipe": "a.yaml"}]}, "tasks", "must have 2 items or more"),
        ({"control": "none"}, "control", "unknown key"),
    ],
)
def test_a_bad_matrix_is_refused_with_its_place(
    changes: dict[str, Any], where: str, what: str, checkpoint: Make, tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as fault:
        reading.check(write(tmp_path, checkpoint("bert"), **changes))
    found = [one for one in fault.value.problems if what in str(one)]
    assert found, fault.value
    assert found[0].field == where
