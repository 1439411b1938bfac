"""Values from documents: faults in our words at their places, and arguments that override."""

import re
import time
from typing import Annotated

import pytest
from pydantic import Field, ValidationError
from strict_models import RECIPE, External, Full, Lora, Recipe, Train, changed, faults, value

from nlptl.strict import Value, override, parse, show_path, validate


def test_a_valid_recipe_is_a_frozen_hashable_value() -> None:
    recipe = value(RECIPE)
    assert recipe.seeds == (13, 14)
    assert recipe.tuning == (Full(kind="full"), Lora(kind="lora", rank=8))
    assert recipe.train.learning_rate == 5e-5
    assert hash(recipe) == hash(value(RECIPE))
    assert hash(recipe) != hash(value(RECIPE, "labels={a: 1}"))
    with pytest.raises(ValidationError):
        recipe.name = "other"  # type: ignore[misc]


def test_every_key_and_item_has_its_place() -> None:
    places = parse(RECIPE, "x.yaml").places
    assert places["name",] == (2, 1)
    assert places["seeds", 1] == (3, 13)
    assert places["task", "kind"] == (4, 8)
    assert places["tuning", 0] == places["tuning", 0, "kind"] == (6, 5)
    assert places["tuning", 1, "rank"] == (7, 18)
    assert places["train", "learning_rate"] == (10, 3)


def test_where_falls_back_to_the_nearest_parent() -> None:
    got = validate(override(parse(RECIPE, "recipes/x.yaml"), ["tuning[1].rank=4"]), Recipe)
    assert got.where("train", "epochs") == "x.yaml:9:3"
    assert got.where("train", "warmup") == "x.yaml:8:1"
    assert got.where("machine", "device") == "x.yaml:2:1"
    assert got.where("tuning", 1, "rank") == "argument 'tuning[1].rank=4'"
    assert got.where("tuning", 1, "kind") == "x.yaml:7:6"
    problem = got.problem(("tuning", 1, "targets"), "matches no module", "did you mean 'query'?")
    assert str(problem) == "x.yaml:7:5  tuning[1].targets: matches no module; did you mean 'query'?"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # RELIABILITY row 1
        (
            "  learning_rate:",
            "  lerning_rate:",
            [
                "x.yaml:8:1  train.learning_rate: missing",
                "x.yaml:10:3  train.lerning_rate: unknown key; did you mean 'learning_rate'?",
            ],
        ),
        # row 2
        (
            "  epochs: 3",
            "  epochs: 3\n  seeds: [1]",
            ["x.yaml:10:3  train.seeds: unknown key; belongs to the top level"],
        ),
        ("name: first", "name: first\nclip: 1", ["x.yaml:3:1  clip: unknown key; belongs to 'train'"]),
        (
            "kind: full",
            "kind: full\n    rank: 8",
            ["x.yaml:7:5  tuning[0].rank: unknown key; belongs to tuning kind 'lora'"],
        ),
        ("name: first", "name: first\nepoch: 1", ["x.yaml:3:1  epoch: unknown key; did you mean 'epochs' of 'train'?"]),
        # row 3
        ("5e-5", "fast", ["x.yaml:10:3  train.learning_rate: a number is needed, such as 5e-5 (got 'fast')"]),
        ("5e-5", "1\n  warmup: x", ["x.yaml:11:3  train.warmup: a number is needed, such as 0.06 (got 'x')"]),
        ("epochs: 3", "epochs: 3.5", ["x.yaml:9:3  train.epochs: a whole number is needed, such as 3 (got 3.5)"]),
        (
            "epochs: 3",
            "epochs: '3'",
            ["x.yaml:9:3  train.epochs: a whole number is needed, such as 3 (got '3'); remove the quotes"],
        ),
        ("epochs: 3", "epochs:", ["x.yaml:9:3  train.epochs: a whole number is needed, such as 3 (got null)"]),
        (
            "epochs: 3",
            "epochs: 3\n  clip: x",
            ["x.yaml:10:3  train.clip: a number or null is needed, such as 5e-5 (got 'x')"],
        ),
        ("name: first", "name: 7", ["x.yaml:2:1  name: a text is needed (got 7); put it in quotes if it is a text"]),
        ("name: first", "name: A b", ["x.yaml:2:1  name: must match ^[a-z0-9-]+$ (got 'A b')"]),
        ("name: first", "name: a\nstrict: on", ["x.yaml:3:1  strict: `true` or `false` is needed (got 'on')"]),
        (
            "[13, 14]",
            "13",
            ["x.yaml:3:1  seeds: a list (in [ ], or lines that begin with -) is needed (got 13); put it in [ ]"],
        ),
        (
            "{kind: classification}",
            "classification",
            [
                "x.yaml:4:1  task: a section with a `kind` is needed, such as {kind: classification} "
                "(got 'classification'); write {kind: classification}"
            ],
        ),
        (
            "name: first",
            "name: a\nlabels: {b: c}",
            ["x.yaml:3:10  labels.b: a whole number is needed, such as 3 (got 'c')"],
        ),
        # row 4
        ("epochs: 3", "epochs: -1", ["x.yaml:9:3  train.epochs: must be at least 1 (got -1)"]),
        ("epochs: 3", "epochs: 101", ["x.yaml:9:3  train.epochs: must be at most 100 (got 101)"]),
        ("5e-5", "0", ["x.yaml:10:3  train.learning_rate: must be greater than 0 (got 0)"]),
        ("5e-5", "1\n  warmup: 1", ["x.yaml:11:3  train.warmup: must be less than 1 (got 1)"]),
        ("[13, 14]", "[]", ["x.yaml:3:1  seeds: must have 1 item or more (got 0)"]),
        # row 28
        ("[13, 14]", "[1099511627776]", ["x.yaml:3:9  seeds[0]: must be at most 4294967295 (got 1099511627776)"]),
        # choices, and kinds
        (
            "epochs: 3",
            "epochs: 3\n  schedule: linaer",
            ["x.yaml:10:3  train.schedule: must be 'linear' or 'cosine' (got 'linaer'); did you mean 'linear'?"],
        ),
        (
            "kind: lora,",
            "kind: loar,",
            ["x.yaml:7:6  tuning[1].kind: no tuning kind 'loar'; did you mean 'lora'? known: full, lora"],
        ),
        ("kind: lora,", "kind: zzz,", ["x.yaml:7:6  tuning[1].kind: no tuning kind 'zzz'; known: full, lora"]),
        ("kind: lora,", "", ["x.yaml:7:5  tuning[1].kind: missing; known: full, lora"]),
        (
            "kind: lora,",
            "kind: 3,",
            ["x.yaml:7:6  tuning[1].kind: the name of a tuning kind is needed (got 3); known: full, lora"],
        ),
        (
            "kind: classification",
            "kind: clasification, weights: 1",
            ["x.yaml:4:8  task.kind: no task kind 'clasification'; did you mean 'classification'?"],
        ),
        # the texts of our own validators
        ("rank: 8", "rank: 65", ["x.yaml:7:18  tuning[1].rank: more than 64 needs targets"]),
        ("name: first", "name: first\nlanguage: xx", ["x.yaml:3:1  language: no such language"]),
    ],
)
def test_a_fault_is_told_in_our_words_at_its_place(old: str, new: str, expected: list[str]) -> None:
    assert faults(changed(old, new)) == expected


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    text = changed("[13, 14]", "[-1]").replace("rank: 8", "rank: 0").replace("epochs: 3", "epochs: x")
    assert [line.split()[0] for line in faults(text, "name=A")] == [
        "x.yaml:3:9",
        "x.yaml:7:18",
        "x.yaml:9:3",
        "argument",
    ]


def test_a_flood_of_problems_is_cut_and_answered_quickly() -> None:
    start = time.process_time()
    lines = faults(RECIPE + "".join(f"key{number}: 1\n" for number in range(5000)))
    assert len(lines) == 51
    assert lines[-1] == "… and 4950 more"
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("name", []),
        ("{file: a, rows: 3}", []),
        ("{file: a, row: 3}", ["extra.row: unknown key; did you mean 'rows'?"]),
        ("{file: a, rows: x}", ["extra.rows: a whole number or null is needed, such as 3 (got 'x')"]),
        ("{}", ["extra.file: missing"]),
        (
            "3",
            [
                "extra: a text, a section (`key: value` lines) or null is needed (got 3); "
                "put it in quotes if it is a text"
            ],
        ),
        ("[a]", ["extra: a text, a section (`key: value` lines) or null is needed (got a list)"]),
    ],
)
def test_of_a_union_only_the_meant_branch_complains(given: str, expected: list[str]) -> None:
    assert [line.split("  ", 1)[1] for line in faults(RECIPE + f"extra: {given}\n")] == expected


class Deep(Value):
    """A union in a list in a union."""

    parts: tuple[int | tuple[str | External, ...], ...]


def test_unions_within_unions_name_the_innermost_fault() -> None:
    assert faults("parts: [1, [a, {file: b}]]", model=Deep) == []
    assert faults("parts: [1, [a, {fil: b}]]", model=Deep) == [
        "x.yaml:1:16  parts[1][1].file: missing",
        "x.yaml:1:17  parts[1][1].fil: unknown key; did you mean 'file'?",
    ]


class Keyed(Value):
    """Keys that are checked too."""

    table: dict[Annotated[str, Field(pattern="^[a-z]+$")], int]


def test_a_key_that_breaks_its_rule_stands_at_its_own_place() -> None:
    assert faults("table:\n  a: 1\n  B: 2", model=Keyed) == ["x.yaml:3:3  table.B: must match ^[a-z]+$ (got 'B')"]


def test_names_of_other_sections_are_not_offered_by_chance() -> None:
    (line,) = faults(changed("epochs: 3", "epochs: 3\n  ranking: 1"))
    assert line.endswith("train.ranking: unknown key; known: clip, epochs, learning_rate, schedule, warmup")


def test_the_model_may_be_a_union_of_kinds() -> None:
    model = Annotated[Full | Lora, Field(discriminator="kind")]
    assert faults("kind: lora\nrank: 2", model=model) == []
    assert faults("kind: lroa\nrank: 2", model=model) == [
        "x.yaml:1:1  kind: no kind 'lroa'; did you mean 'lora'? known: full, lora"
    ]
    assert faults("kind: lora\nrank: 0", model=model) == ["x.yaml:2:1  rank: must be at least 1 (got 0)"]


# Row 16: arguments.


def test_arguments_override_and_keep_the_types_of_yaml() -> None:
    recipe = value(
        RECIPE,
        "train.epochs=5",
        "seeds=[1,2]",
        "tuning[1].rank=4",
        "tuning.0={kind: lora, rank: 2}",
        "language=no",
        "train.clip=null",
        "train.learning_rate=1e-3",
        "extra.file=a=b",
        "name='1'",
    )
    assert recipe.train == Train(epochs=5, learning_rate=1e-3)
    assert recipe.seeds == (1, 2)
    assert [part.model_dump().get("rank") for part in recipe.tuning] == [2, 4]
    assert (recipe.language, recipe.name, recipe.extra) == ("no", "1", External(file="a=b"))


def test_the_later_of_two_arguments_stands_and_the_document_stays() -> None:
    document = parse(RECIPE, "x.yaml")
    after = override(document, ["train.epochs=1", "train.epochs=2"])
    assert (after.data["train"]["epochs"], document.data["train"]["epochs"]) == (2, 3)
    assert document == parse(RECIPE, "x.yaml")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (
            "train.learning_rate=",
            "train.learning_rate: no value stands after the '='; write train.learning_rate=null, or a value",
        ),
        ("train.clip= # null", "train.clip: no value stands after the '='; write train.clip=null, or a value"),
        ("trian.batch=1", "trian: unknown key; did you mean 'train'?"),
        ("train.epoch=1", "train.epoch: unknown key; did you mean 'epochs'?"),
        ("a.b.c=1", "a: unknown key; known: extra, labels, language, name, seeds, strict, task, train, tuning"),
        ("train.epochs", "has no '='; write key=value, such as train.epochs=3"),
        ("=1", "no key stands before the '='; write a.b[0].c=value"),
        ("train..epochs=1", "'train..epochs' is no path; write a.b[0].c=value"),
        ("train.epochs[=1", "'train.epochs[' is no path; write a.b[0].c=value"),
        ("name.x=1", "name: is 'first', so nothing can stand below it"),
        ("tuning[2].rank=1", "tuning: there is no item 2 in a list of 2 items; the last is tuning[1]"),
        ("tuning.rank=1", "tuning: is a list, and 'rank' is no number in it; write tuning[0]"),
        ("train[0]=1", "train: is no list (got a section); write the whole list, as [a, b]"),
        ("train.epochs=0", "train.epochs: must be at least 1 (got 0)"),
        ("train.epochs=.inf", ".inf is not a finite number"),
        ("seeds=[1,2", "not YAML: while parsing a flow sequence, expected ',' or ']', but got '<stream end>'"),
        ("seeds=!x 1", "the tag '!x' is not allowed: files are plain data; remove it"),
        ("tuning=[{kind: loar}]", "tuning[0].kind: no tuning kind 'loar'; did you mean 'lora'? known: full, lora"),
    ],
)
def test_a_fault_of_an_argument_points_at_it(argument: str, expected: str) -> None:
    assert [re.sub(r"^argument ('.*?'|\".*?\") +", "", line) for line in faults(RECIPE, argument)] == [expected]
    assert faults(RECIPE, argument)[0].startswith(f"argument {argument!r}")


def test_faults_of_several_arguments_come_at_once() -> None:
    assert len(faults(RECIPE, "a", "=b", "name.x=1", "train.epochs=4")) == 3


def test_endless_arguments_are_refused() -> None:
    assert "levels of nesting" in faults(RECIPE, ".".join("a" * 500) + "=1")[0]
    assert faults(RECIPE, "tuning[" + "9" * 5000 + "]=1")


# Small things that all of it rests on.


def test_paths_are_shown_as_people_write_them() -> None:
    assert show_path(("tuning", 0, "kind")) == "tuning[0].kind"
    assert show_path(("a", "b c", "\x1b[0m", "x" * 500)).startswith("a.b c.'\\x1b[0m'.'xxx")
    assert len(show_path(("x" * 500,))) < 110


def test_long_values_are_cut_in_messages() -> None:
    (line,) = faults(changed("epochs: 3", f"epochs: {'x' * 5000}"))
    assert len(line) < 220
    assert "(5002 characters)" in line
