"""The way back to text, the schema, and recipes that are broken at random."""

import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import Field
from strict_models import RECIPE, Lora, Recipe, changed, value

from nlptl.errors import BadInput
from nlptl.strict import Read, Value, dump, override, parse, schema, validate

# The way back.

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
TRICKY = st.sampled_from(
    [
        "no",
        "01",
        "1e5",
        "~",
        "null",
        "",
        " a",
        "a ",
        "a: b",
        "a #b",
        "- a",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x1b",
        "\t",
        "😀",
        "<<",
        "=",
        "true",
        ".inf",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a",
        "'",
        '"',
        "\\",
        "a\nb",
        "---",
        "...",
        "y",
        "0x1F",
        "2024-01-01",
    ]
)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**53), 2**53)


class Kitchen(Value):
    """Every type that a file can hold."""

    text: str
    number: float
    whole: int
    switch: bool
    maybe: float | str | None
    texts: tuple[str, ...]
    table: dict[str, tuple[int, ...]]
    nested: tuple["Kitchen", ...] = ()
    empty: dict[str, str] = Field(default={})


def kitchens(nested: st.SearchStrategy[tuple[Kitchen, ...]]) -> st.SearchStrategy[Kitchen]:
    texts = TEXT | TRICKY
    return st.builds(
        Kitchen,
        text=texts,
        number=NUMBER,
        whole=WHOLE,
        switch=st.booleans(),
        maybe=st.none() | NUMBER | texts,
        texts=st.lists(texts, max_size=4).map(tuple),
        table=st.dictionaries(texts, st.lists(WHOLE, max_size=3).map(tuple), max_size=3),
        nested=nested,
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kitchens(st.lists(kitchens(st.just(())), max_size=2).map(tuple)))
def test_what_is_dumped_reads_back_the_same(made: Kitchen) -> None:
    again = validate(parse(dump(made), "x"), Kitchen).value
    assert again == made
    assert repr(again) == repr(made)
    assert dump(again) == dump(made)


def test_dump_is_a_block_that_people_can_read() -> None:
    assert dump(value(RECIPE, "labels={no: 1}")) == (
        "name: first\nseeds: [13, 14]\ntask:\n  kind: classification\ntuning:\n  - kind: full\n"
        "  - kind: lora\n    rank: 8\n"
        "    targets: []\ntrain:\n  epochs: 3\n  learning_rate: 5e-05\n"
        "  schedule: linear\n  clip: null\n  warmup: 0.0\n"
        'language: eng\nextra: null\nlabels:\n  "no": 1\nstrict: false\n'
    )


def test_dump_keeps_the_fields_of_a_kind_behind_its_base() -> None:
    class Holder(Value):
        part: Value

    assert dump(Holder(part=Lora(kind="lora", rank=3))) == "part:\n  kind: lora\n  rank: 3\n  targets: []\n"


# The schema for editors.


def test_the_schema_accepts_what_the_model_accepts_and_describes_every_key() -> None:
    made = schema(Recipe, "a recipe")
    Draft202012Validator.check_schema(made)
    assert (made["$schema"], made["title"]) == ("https://json-schema.org/draft/2020-12/schema", "a recipe")
    check = Draft202012Validator(made)
    assert check.is_valid(parse(RECIPE, "x").data)
    assert not check.is_valid(parse(changed("epochs: 3", "epochs: 0"), "x").data)
    assert not check.is_valid(parse(changed("epochs: 3", "epochs: 3\n  x: 1"), "x").data)
    sections = [made, *made["$defs"].values()]
    assert all(entry["description"] for section in sections for entry in section["properties"].values())
    assert made["properties"]["seeds"]["description"] == "Its seeds."
    assert made["properties"]["train"]["description"] == "How the weights move."
    assert made["$defs"]["Lora"]["properties"]["kind"]["description"] == "Move a low rank."
    assert json.dumps(made)


# Row T16: whatever is done to a recipe, the answer is a value or a message.

PIECES = [
    "\t",
    "\n",
    " ",
    ":",
    "-",
    "[",
    "]",
    "{",
    "}",
    ",",
    "#",
    "&a ",
    "*a",
    "!",
    "!!int ",
    "|",
    ">",
    "'",
    '"',
    "\\",
    "%",
    "@",
    "?",
    "<<: ",
    "---",
    "\0",
    "\ufeff",
    "\r",
    "\x85",
    "\u2028",
    "é",
    "😀",
    "\ud800",
    "1e999",
    ".nan",
    "null",
    "~",
    "kind: ",
    "lora",
    "rank: 1",
    "\x1b",
]
EDIT = st.tuples(st.integers(0, len(RECIPE)), st.integers(0, 12), st.sampled_from(PIECES) | st.text(max_size=4))
ARGUMENT = st.builds(
    "{}{}{}".format,
    st.sampled_from(["train.epochs", "tuning[0].kind", "tuning.1", "seeds", "a.b", "train", "", "tuning[9]"]) | TEXT,
    st.sampled_from(["=", "", "=="]),
    st.sampled_from([*PIECES, "3", "[1,2]", "{kind: full}"]) | st.text(max_size=6),
)


def outcome(attempt: Callable[[], Read[Recipe]]) -> Recipe | BadInput:
    try:
        return attempt().value
    except BadInput as error:
        return error


def answered(attempt: Callable[[], Read[Recipe]]) -> None:
    """A value, or a message that can be printed, holds no control character, and names at least one problem."""
    got = outcome(attempt)
    if isinstance(got, Recipe):
        assert validate(parse(dump(got), "x"), Recipe).value == got
        return
    text = str(got)
    assert text.encode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert 0 < len(got.problems) == text.count("\n")


@settings(max_examples=300, deadline=None)
@given(st.lists(EDIT, min_size=1, max_size=6))
@example([(0, 0, '"\\UFFFFFFFF": 1\n')])
def test_edited_characters_never_end_in_a_traceback(edits: list[tuple[int, int, str]]) -> None:
    text = RECIPE
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    answered(lambda: validate(parse(text, "x.yaml"), Recipe))


@settings(max_examples=150, deadline=None)
@given(st.lists(ARGUMENT, min_size=1, max_size=3))
def test_arguments_never_end_in_a_traceback(arguments: list[str]) -> None:
    answered(lambda: validate(override(parse(RECIPE, "x.yaml"), arguments), Recipe))


KEYS = st.sampled_from(["kind", "rank", "file", "x", "lora"])
DATA = st.recursive(
    st.none() | st.booleans() | WHOLE | NUMBER | TEXT | st.sampled_from(["full", "lora", "linear"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)
WAYS = [
    (),
    ("name",),
    ("seeds",),
    ("seeds", 0),
    ("task",),
    ("task", "kind"),
    ("tuning",),
    ("tuning", 0),
    ("tuning", 1, "rank"),
    ("tuning", 1, "kind"),
    ("train",),
    ("train", "epochs"),
    ("train", "clip"),
    ("extra",),
    ("labels",),
    ("new key",),
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(WAYS), DATA, st.booleans()), min_size=1, max_size=3))
def test_exchanged_values_never_end_in_a_traceback(changes: list[tuple[tuple[str | int, ...], Any, bool]]) -> None:
    data = json.loads(json.dumps(parse(RECIPE, "x").data))
    for way, new, remove in changes:
        here: Any = data
        for part in way[:-1]:
            inside = isinstance(part, int) and isinstance(here, list) and part < len(here)
            here = here[part] if inside or (isinstance(here, dict) and part in here) else None
        if way and isinstance(here, dict) and remove:
            here.pop(way[-1], None)
        elif way and (isinstance(here, dict) or (isinstance(here, list) and here)):
            here[way[-1] if isinstance(here, dict) else 0] = new
    answered(lambda: validate(parse(json.dumps(data, ensure_ascii=True), "x.yaml"), Recipe))
