"""Runs beside each other: what differs, who is better, by how much, and what cannot be said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest
import scipy.stats
import sklearn.metrics
import tiny

from nlptl import labels, statistics
from nlptl.compare import compare, pairs, words
from nlptl.errors import BadInput
from nlptl.tasks import Prediction, Row

ROWS = {"train": 24, "dev": 24, "test": 120}
NAMES = ("class0", "class1", "class2")


@pytest.fixture(scope="module")
def trained(checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Path]]:
    """Give a function that trains a tiny run, each kind of it once a module."""
    folder = tmp_path_factory.mktemp("trained")
    made: dict[str, Path] = {}

    def run(*overrides: str, world: str = "topics") -> Path:
        key = repr((overrides, world))
        if key not in made:
            card = tiny.write_card(folder / world, rows=ROWS, world=world)
            recipe = tiny.write_recipe(folder / world / "recipe.yaml", tiny.recipe_tree(checkpoint("bert"), card))
            made[key] = tiny.Tiny(folder / world, recipe).run(*overrides).directory
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlptl.saved.gate", tiny.near_gate)
        yield run


def write_variant(run: Path, place: Path, said: Sequence[Any], *, seed: int = 13, rate: float = 1e-3) -> Path:
    """Copy a run and let it say something else of its test rows; its report says what that scores."""
    shutil.copytree(run, place)
    lines = tiny.predictions(run)
    several = isinstance(said[0], list)
    for line, value in zip(lines, said, strict=True):
        given = value if several else [value]
        line["predicted"] = value
        line["detail"] = {"probabilities": {name: 0.8 if name in given else 0.1 for name in NAMES}}
        line["correct"] = float(sorted(given) == sorted(line["gold"].get("labels", [line["gold"].get("label")])))
    rewrite(place, lines)
    recipe = json.loads(json.dumps(tiny_recipe(place)))
    recipe["seeds"], recipe["train"]["learning_rate"] = [seed], rate
    tiny.write_recipe(place / "recipe.yaml", recipe)
    rows = [Row(line["id"], line["gold"], "eng") for line in lines]
    predictions = [Prediction(line["id"], line["predicted"], line["detail"]) for line in lines]
    edit(place, seed=seed, metrics=dict(labels.score(predictions, rows, NAMES, several=several).metrics))
    return place


def tiny_recipe(run: Path) -> Any:
    from nlptl import strict

    return strict.load(run / "recipe.yaml").data


def rewrite(run: Path, lines: Sequence[Any]) -> None:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run / "predictions" / "test.jsonl").write_text(text, encoding="utf-8")


def edit(run: Path, *, seed: int, metrics: dict[str, float]) -> None:
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    report["seed"], report["evaluation"][0]["metrics"] = seed, metrics
    report["evaluation"][0]["rows"] = len((run / "predictions" / "test.jsonl").read_text().splitlines())
    (run / "report.json").write_text(json.dumps(report), encoding="utf-8")


def gold_of(run: Path) -> list[str]:
    return [line["gold"]["label"] for line in tiny.predictions(run)]


def wrong(label: str, by: int = 1) -> str:
    return NAMES[(NAMES.index(label) + by) % 3]


def mostly(gold: Sequence[str], share: float, seed: int) -> list[str]:
    """Give labels that are right so often, at random."""
    generator = numpy.random.default_rng(seed)
    return [one if generator.random() < share else wrong(one, int(generator.integers(1, 3))) for one in gold]


def numpy_bootstrap(statistic: Callable[[Any], float], n: int, resamples: int) -> tuple[float, float]:
    """Draw row numbers with replacement and take the percentiles: the bootstrap as the textbook has it."""
    generator = numpy.random.default_rng(7)
    drawn = [statistic(generator.integers(n, size=n)) for _ in range(resamples)]
    low, high = numpy.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def test_the_interval_of_two_runs_is_that_of_a_plain_bootstrap(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained()
    gold = gold_of(run)
    first = write_variant(run, tmp_path / "a", mostly(gold, 0.6, 1))
    second = write_variant(run, tmp_path / "b", mostly(gold, 0.9, 2))
    (pair,) = compare([first, second]).pairs
    hits = [numpy.array([line["correct"] for line in tiny.predictions(one)]) for one in (first, second)]
    gaps = hits[1] - hits[0]
    low, high = numpy_bootstrap(lambda drawn: float(gaps[drawn].mean()), len(gaps), 10_000)
    assert pair.difference == pytest.approx((low, gaps.mean(), high), abs=0.009), "one row of 120 is 0.0083"
    assert pair.difference[1] == pytest.approx(gaps.mean(), abs=1e-12)
    only = int((gaps == 1).sum()), int((gaps == -1).sum())
    assert pair.p == pair.mcnemar == pytest.approx(scipy.stats.binomtest(only[0], sum(only)).pvalue)
    assert pair.words.startswith("B is better by ")
    assert compare([second, first]).pairs[0].words == pair.words.replace("B is", "A is"), "whoever is named first"


def test_several_labels_are_compared_by_their_own_metric(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained(world="several")
    gold = [line["gold"]["labels"] for line in tiny.predictions(run)]
    fewer = [one[:1] if number % 2 else one for number, one in enumerate(gold)]
    noisy = [sorted({*one, "class0"}) if number % 3 == 0 else one for number, one in enumerate(gold)]
    (pair,) = compare([write_variant(run, tmp_path / "a", fewer), write_variant(run, tmp_path / "b", noisy)]).pairs
    assert (pair.metric, pair.test) == ("macro_f1", "paired bootstrap")

    def table(side: Sequence[Sequence[str]]) -> Any:
        return numpy.array([[name in one for name in NAMES] for one in side])

    true, ours, theirs = map(table, (gold, fewer, noisy))

    def gain(drawn: Any) -> float:
        one, other = (sklearn.metrics.f1_score(true[drawn], side[drawn], average="macro", zero_division=0)
                      for side in (ours, theirs))  # fmt: skip
        return float(other - one)

    low, high = numpy_bootstrap(gain, len(gold), 600)
    assert pair.difference[1] == pytest.approx(gain(slice(None)), abs=1e-12)
    assert pair.difference == pytest.approx((low, pair.difference[1], high), abs=0.012)
    error = (pair.difference[2] - pair.difference[0]) / 2 / scipy.stats.norm.ppf(0.975)
    assert pair.smallest == pytest.approx(error * (scipy.stats.norm.ppf(0.975) + scipy.stats.norm.ppf(0.8)))


def test_rows_that_changed_sides_are_counted_and_named(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained()
    gold = gold_of(run)
    first, second = list(gold), list(gold)
    for number in range(6):  # right -> wrong
        second[number] = wrong(gold[number])
    for number in range(10, 13):  # wrong -> right
        first[number] = wrong(gold[number])
    first[20], second[20] = wrong(gold[20], 1), wrong(gold[20], 2)
    first[21] = second[21] = wrong(gold[21])
    found = compare([write_variant(run, tmp_path / "a", first), write_variant(run, tmp_path / "b", second)], examples=4)
    sides = found.pairs[0].sides
    counts = (sides.both_right, sides.right_to_wrong, sides.wrong_to_right)
    assert counts == (109, 6, 3)
    assert (sides.both_wrong_differently, sides.both_wrong_alike) == (1, 1)
    shown = sides.examples["right_to_wrong"]
    assert [one.id for one in shown] == [f"test/{number:06d}" for number in range(4)]
    assert [(one.gold, one.first, one.second) for one in shown] == list(zip(gold, first, second, strict=True))[:4]
    (only,) = sides.examples["both_wrong_differently"]
    assert (only.gold, only.first, only.second) == (gold[20], first[20], second[20])


def test_five_rows_are_too_few_although_the_bootstrap_excludes_0(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained()
    gold = gold_of(run)
    worse = [wrong(one) if number < 5 else one for number, one in enumerate(gold)]
    (pair,) = compare([write_variant(run, tmp_path / "a", worse), write_variant(run, tmp_path / "b", gold)]).pairs
    assert pair.difference[0] > 0, "no resample of 120 rows lacks all of the five often enough"
    assert pair.mcnemar == 2 / 2**5
    assert "cannot be told apart" in pair.words
    assert "exact McNemar p = 0.062" in pair.note


def test_equal_predictions_are_not_called_equal_models(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained()
    same = write_variant(run, tmp_path / "a", gold_of(run)), write_variant(run, tmp_path / "b", gold_of(run), seed=14)
    (pair,) = compare(same).pairs
    assert pair.words == "A and B cannot be told apart: +0.00 points (0.00 to 0.00)"
    assert (pair.note, pair.smallest) == ("they say the same of every row", None)


def test_one_recipe_is_not_better_than_itself(trained: Callable[..., Path], tmp_path: Path) -> None:
    """A hundred rows apart, and only the seed differs: what it made is said, and nobody is called better."""
    run = trained()
    gold = gold_of(run)
    worse = [wrong(one) if number < 100 else one for number, one in enumerate(gold)]
    first = write_variant(run, tmp_path / "a", worse)
    (pair,) = compare([first, write_variant(run, tmp_path / "b", gold, seed=14)]).pairs
    assert pair.p < 0.001
    assert pair.words.startswith("A and B cannot be told apart: they are one recipe, and the seed made +83.3 points")
    (pair,) = compare([first, write_variant(run, tmp_path / "c", gold)]).pairs
    assert pair.words.startswith("B is better by 83.3 points")


@pytest.mark.parametrize(
    ("difference", "p", "expected"),
    [
        ((0.012, 0.031, 0.05), 0.01, "B is better by 3.1 points (1.2 to 5.0)"),
        ((-0.05, -0.031, -0.012), 0.01, "A is better by 3.1 points (1.2 to 5.0)"),
        ((-0.011, 0.003, 0.017), 0.6, "A and B cannot be told apart: +0.3 points (-1.1 to 1.7)"),
        ((0.012, 0.031, 0.05), 0.051, "A and B cannot be told apart: +3.1 points (1.2 to 5.0)"),
        ((-0.001, 0.031, 0.05), 0.01, "A and B cannot be told apart: +3.1 points (-0.1 to 5.0)"),
        ((0.0001, 0.0011, 0.0021), 0.01, "B is better by 0.11 points (0.01 to 0.21)"),
        ((-0.02, -0.0001, 0.02), 1.0, "A and B cannot be told apart: +0.0 points (-2.0 to 2.0)"),
    ],
)
def test_words(difference: tuple[float, float, float], p: float, expected: str) -> None:
    assert words.verdict("A", "B", difference, p) == expected


def test_only_common_rows_are_compared_and_that_is_said(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained()
    gold = gold_of(run)
    first = write_variant(run, tmp_path / "a", mostly(gold, 0.5, 3))
    second = write_variant(run, tmp_path / "b", gold)
    lines = tiny.predictions(second)[3:]  # without the first three, and with another gold for the last
    lines[-1]["gold"] = {"label": wrong(gold[-1])}
    lines[-1]["correct"] = 0.0
    rewrite(second, lines)
    rows = [Row(line["id"], line["gold"], "eng") for line in lines]
    said = [Prediction(line["id"], line["predicted"], line["detail"]) for line in lines]
    edit(second, seed=13, metrics=dict(labels.score(said, rows, NAMES, several=False).metrics))
    (pair,) = compare([first, second]).pairs
    assert pair.left_out == {"only in A": 3, "with another gold": 1}
    kept = tiny.predictions(first)[3:-1]
    assert pair.rows == len(kept) == 116
    assert pair.metrics["accuracy"] == (sum(line["correct"] for line in kept) / 116, 1.0)


def test_every_leaf_that_differs_is_named(trained: Callable[..., Path]) -> None:
    found = compare(
        [trained(), trained("train.learning_rate=0.002", "tuning=[{kind: freeze, blocks: 1}]", "seeds=[14]")]
    )
    leaves = {(leaf.section, leaf.path): tuple(leaf.values.values()) for leaf in found.leaves}
    assert leaves == {
        ("recipe", "tuning[0].kind"): ("full", "freeze"), ("recipe", "tuning[0].blocks"): ("absent", 1),
        ("recipe", "tuning[0].pattern"): ("absent", None), ("recipe", "tuning[0].all_but_head"): ("absent", False),
        ("recipe", "train.learning_rate"): (0.001, 0.002), ("seed", "seed"): (13, 14),
    }  # fmt: skip
    assert any("5 settings differ" in note for note in found.notes)


def write_seeds(run: Path, folder: Path, name: str, shares: Sequence[float], rate: float) -> list[Path]:
    gold = gold_of(run)
    return [
        write_variant(
            run, folder / f"{name}{seed}", mostly(gold, share, int(1000 * rate) * 100 + seed), seed=seed, rate=rate
        )
        for seed, share in enumerate(shares)
    ]


def test_groups_of_seeds_take_seeds_and_rows_into_account(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained()
    ours = write_seeds(run, tmp_path, "a", (0.5, 0.55, 0.6), 1e-3)
    theirs = write_seeds(run, tmp_path, "b", (0.9, 0.85), 2e-3)
    found = compare([*ours, *theirs])
    assert [group.seeds for group in found.groups] == [(0, 1, 2), (0, 1)]
    (pair,) = found.group_pairs
    assert not found.pairs
    a, b = (
        numpy.array([[line["correct"] for line in tiny.predictions(one)] for one in side]) for side in (ours, theirs)
    )
    one, other = a.mean(1), b.mean(1)
    squares = numpy.array([one.var(ddof=1) / 3, other.var(ddof=1) / 2, (b.mean(0) - a.mean(0)).var(ddof=1) / 120])
    value, error = other.mean() - one.mean(), numpy.sqrt(squares.sum())

    def critical(level: float) -> float:
        """Cochran 1964."""
        return float(numpy.average(scipy.stats.t.ppf(level, [2, 1, 119]), weights=squares))

    half = critical(0.975) * error
    assert pair.difference == pytest.approx((value - half, value, value + half), abs=1e-9)
    assert critical(1 - pair.p / 2) * error == pytest.approx(abs(value), abs=1e-9)
    assert pair.words.startswith("A+B+C and D+E" if pair.p > 0.05 else "D+E is better by ")
    first = found.means[0]
    assert (first.mean, first.deviation) == pytest.approx((one.mean(), one.std(ddof=1)))


@pytest.mark.parametrize("seeds", [(2, 2), (1, 2)])
def test_groups_without_a_difference_are_told_apart_in_a_twentieth_at_most(seeds: tuple[int, int]) -> None:
    """The seeds of one recipe spread, those of the other do not: with Satterthwaite's degrees of freedom 12 % of
    such comparisons claim a difference. 800 comparisons have a standard error of 0.8 points.
    """
    draw = numpy.random.default_rng(0)
    tried, rows, claimed = 800, 40, 0
    for _ in range(tried):
        common = draw.normal(0, 1, (2, rows))
        sides = [
            one + draw.normal(0, spread, (count, 1)) + draw.normal(0, 0.3, (count, rows))
            for one, count, spread in zip(common, seeds, (1.0 if seeds[0] == 1 else 0.0, 1.0), strict=True)
        ]
        gaps = sides[1].mean(0) - sides[0].mean(0)
        found = statistics.difference_over_seeds(
            sides[0].mean(1).tolist(), sides[1].mean(1).tolist(),
            row_error=float(scipy.stats.sem(gaps)), rows=rows, row_freedom=rows - 1,
        )  # fmt: skip
        claimed += found.low > 0 or found.high < 0
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
    assert claimed / tried < 0.08


def test_the_jackknife_serves_metrics_that_are_no_share() -> None:
    """On a share, whose error has a formula, with a group a row: they are the same number."""
    generator = numpy.random.default_rng(5)
    right = generator.random(40) < 0.7
    without = [float(numpy.delete(right, number).mean()) for number in range(40)]
    assert statistics.jackknife_error(without) == pytest.approx(right.std(ddof=1) / numpy.sqrt(40))


def test_a_group_whose_metric_is_no_share(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained(world="several")
    gold = [line["gold"]["labels"] for line in tiny.predictions(run)]

    def noisy(every: int, seed: int) -> list[list[str]]:
        return [sorted({*one, "class0"}) if (number + seed) % every == 0 else one for number, one in enumerate(gold)]

    ours = [write_variant(run, tmp_path / f"a{seed}", noisy(3, seed), seed=seed) for seed in (1, 2)]
    theirs = [write_variant(run, tmp_path / f"b{seed}", noisy(9, seed), seed=seed, rate=2e-3) for seed in (1, 2)]
    (pair,) = compare([*ours, *theirs]).group_pairs
    true = numpy.array([[name in one for name in NAMES] for one in gold])
    sides = [
        [numpy.array([[name in line["predicted"] for name in NAMES] for line in tiny.predictions(one)]) for one in side]
        for side in (ours, theirs)
    ]

    def mean(side: int, drawn: Any) -> float:
        return float(
            numpy.mean([sklearn.metrics.f1_score(true[drawn], one[drawn], average="macro") for one in sides[side]])
        )

    generator = numpy.random.default_rng(3)
    drawn = [generator.integers(len(gold), size=len(gold)) for _ in range(200)]
    over_rows = numpy.std([mean(1, rows) - mean(0, rows) for rows in drawn])
    spread = [
        numpy.var([sklearn.metrics.f1_score(true, one, average="macro") for one in side], ddof=1) / 2 for side in sides
    ]
    error = numpy.sqrt(over_rows**2 + sum(spread))
    # Cochran's critical value: t of many groups of rows, and of two seeds on either side, each with its share.
    critical = (2.0 * over_rows**2 + 12.706 * sum(spread)) / error**2
    half = (pair.difference[2] - pair.difference[0]) / 2
    assert pair.difference[1] == pytest.approx(mean(1, slice(None)) - mean(0, slice(None)))
    assert half / error == pytest.approx(critical, rel=0.2)


def test_three_recipes_are_held_against_the_first_with_holm(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained()
    gold = gold_of(run)
    places = [
        write_variant(run, tmp_path / name, mostly(gold, share, number), rate=1e-3 * (number + 1))
        for number, (name, share) in enumerate((("a", 0.7), ("b", 0.74), ("c", 0.95)))
    ]
    found = compare(places)
    assert [(pair.first, pair.second) for pair in found.pairs] == [("A", "B"), ("A", "C")]
    near, far = found.pairs
    assert far.p < near.p
    assert far.adjusted == pytest.approx(2 * far.p)
    assert near.adjusted == pytest.approx(max(near.p, 2 * far.p))
    assert "cannot be told apart" in near.words
    assert far.words.startswith("C is better by ")


def test_another_card_is_another_test(trained: Callable[..., Path], tmp_path: Path) -> None:
    other = shutil.copytree(trained(), tmp_path / "other")
    data = json.loads((other / "data.json").read_text())
    (other / "data.json").write_text(json.dumps({**data, "card": "another", "sha256": "0" * 64}))
    found = compare([trained(), other])
    assert found.pairs == []
    assert ("data", "card") in {(leaf.section, leaf.path) for leaf in found.leaves}
    assert any("the settings are compared, the scores are not" in note for note in found.notes)


def test_runs_that_know_different_labels_are_not_scored_against_each_other(
    trained: Callable[..., Path], tmp_path: Path
) -> None:
    other = shutil.copytree(trained(world="several"), tmp_path / "other")
    report = json.loads((other / "report.json").read_text())
    report["fitted"]["names"].append("class3")  # macro F1 is then a mean over four
    one = report["evaluation"][0]["metrics"]
    lines = tiny.predictions(other)
    for line in lines:
        line["detail"]["probabilities"]["class3"] = 0.0
    rewrite(other, lines)
    said = [Prediction(line["id"], line["predicted"], line["detail"]) for line in lines]
    rows = [Row(line["id"], line["gold"], "eng") for line in lines]
    one.update(labels.score(said, rows, report["fitted"]["names"], several=True).metrics)
    (other / "report.json").write_text(json.dumps(report))
    found = compare([trained(world="several"), other])
    assert found.pairs == []
    assert any("they know different labels" in note for note in found.notes)


def damage_model(run: Path) -> None:
    path = run / "model" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def change_prediction(run: Path) -> None:
    lines = tiny.predictions(run)
    lines[5]["predicted"] = wrong(lines[5]["predicted"])
    rewrite(run, lines)


FAULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "gone": (shutil.rmtree, "there is no such directory"),
    "no run": (lambda run: (run / "recipe.yaml").unlink(), "recipe.yaml is missing"),
    "unfinished": (lambda run: (run / "report.json").unlink(), "this run is not finished"),
    "damaged": (damage_model, "model.safetensors"),
    "a prediction was changed": (change_prediction, "from the predictions"),
    "predictions are cut": (
        lambda run: rewrite(run, tiny.predictions(run)[:-2]),
        "118 predictions, the report has 120",
    ),
    "no predictions": (lambda run: (run / "predictions" / "test.jsonl").unlink(), "no such file"),
    "half a report": (lambda run: (run / "report.json").write_text('{"seed": 1}'), "is damaged"),
    "a report cut off": (lambda run: (run / "report.json").write_text('{"seed": '), "is not whole JSON"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_whole_run_is_refused(trained: Callable[..., Path], tmp_path: Path, fault: str) -> None:
    spoil, expected = FAULTS[fault]
    bad = shutil.copytree(trained(), tmp_path / "bad")
    spoil(bad)
    with pytest.raises(BadInput) as told:
        compare([trained(), bad])
    assert expected in str(told.value)
    assert "bad" in str(told.value)


def test_a_run_is_named_once(trained: Callable[..., Path]) -> None:
    with pytest.raises(BadInput, match="is named twice"):
        compare([trained(), f"{trained()}/"])
    with pytest.raises(BadInput, match="between two and 26"):
        compare([trained()])


def ends(arguments: Sequence[str]) -> int:
    from nlptl import cli

    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    return int(end.value.code or 0)


def test_the_command_says_what_the_record_says(
    trained: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained()
    gold = gold_of(run)
    places = [
        write_variant(run, tmp_path / "a", mostly(gold, 0.6, 1)),
        write_variant(run, tmp_path / "b", gold, seed=14),
    ]
    line = ["compare", *map(str, places), "--examples", "1"]
    assert ends(line) == 0
    text = capsys.readouterr().out
    assert ends([*line, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    (pair,) = record["pairs"]
    for expected in (pair["words"], "seed: 13 -> 14", f"{pairs.shown_p(pair['p'])} (exact McNemar)",
                     f"wrong in A, right in B: {pair['sides']['wrong_to_right']}", "test/"):  # fmt: skip
        assert expected in text
    assert len(pair["sides"]["examples"]["wrong_to_right"]) == 1
    assert record["differs"] == [{"section": "seed", "path": "seed", "values": {"A": 13, "B": 14}}]
    assert "no difference" not in text
    assert ends(["compare", str(places[0]), str(tmp_path)]) == 2
    assert "Traceback" not in capsys.readouterr().err
