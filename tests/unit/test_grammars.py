"""Grammars learnt from forms, and Lark files of others."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from nlptl.errors import BadInput
from nlptl.grammars import Held, for_forms, from_file, led, matching
from nlptl.grammars.words import WordConstraint


def accepts(held: Held, text: str) -> bool:
    return WordConstraint(held, text.split()).complete(text.split())


FUNCTIONAL = (
    "answer ( city ( loc_2 ( stateid ( ' new york ' ) ) ) )",
    "answer ( count ( state ( all ) ) )",
    "answer ( exclude ( city ( all ) , loc_2 ( stateid ( ' texas ' ) ) ) )",
    "ask ( A , ( city ( A ) , loc ( A , B ) , const ( B , stateid ( new mexico ) ) , \\+ len ( A , 30 ) ) )",
)


@pytest.mark.parametrize("form", [*FUNCTIONAL, "answer ( count ( loc_2 ( stateid ( ' paris ' ) ) ) )"])
def test_functional_forms_are_put_together_anew(form: str) -> None:
    assert accepts(for_forms(FUNCTIONAL, "functional"), form)


@pytest.mark.parametrize(
    "form",
    [
        "answer ( city ( all )",
        "answer ( city ( all ) ) )",
        "answer ( city ( all , all ) )",
        "answer ( village ( all ) )",
        "city ( all )",
        "answer ( stateid ( state ( all ) ) )",
        "answer ( ' new york ' )",
    ],
)
def test_what_no_functional_form_is_like_is_refused(form: str) -> None:
    assert not accepts(for_forms(FUNCTIONAL, "functional"), form)


@pytest.mark.parametrize(
    ("language", "forms", "good", "bad"),
    [
        (
            "list",
            ["( call SW.listValue ( string 3 ) )", '( lambda s ( ( filter s ) en.x ) "two words" )'],
            ["( call SW.listValue ( lambda s ( filter en.x ) ) )", "( call ( string any thing ) )"],
            ["( call SW.listValue", "( SW.listValue )", "( call unheard )", "call"],
        ),
        (
            "frame",
            ["[IN:CALL call [SL:WHO my [IN:KIN mother ] ] ]"],
            ["[IN:KIN any words [SL:WHO it's ] here ]", "[IN:CALL ]", "[IN:CALL ' [SL:WHO \" ] ]"],
            ["[IN:CALL [IN:KIN x ] ]", "[IN:SEND x ]", "[IN:CALL x", "[SL:WHO x ]", "[IN:CALL x ] ]"],
        ),
        ("words", ["I_JUMP I_WALK", "I_WALK"], ["I_WALK I_WALK I_JUMP"], ["I_RUN", "I_WALKI_WALK", "I_WAL"]),
    ],
)
def test_other_languages(language: str, forms: list[str], good: list[str], bad: list[str]) -> None:
    held = for_forms(forms, language)
    assert [accepts(held, form) for form in [*forms, *good]] == [True] * (len(forms) + len(good))
    assert [accepts(held, form) for form in bad] == [False] * len(bad)


def test_a_grammar_needs_forms_of_a_known_language() -> None:
    with pytest.raises(BadInput, match="did you mean 'frame'"):
        for_forms(["x"], "frames")
    with pytest.raises(BadInput, match="no training forms"):
        for_forms([" "], "words")
    with pytest.raises(BadInput, match="no functional form"):
        for_forms(["answer ( , )"], "functional")


def test_a_lark_file_is_read(tmp_path: Path) -> None:
    place = tmp_path / "own.lark"
    place.write_text('// greetings\nstart: "hello" NAME+\nNAME: /[a-z]{1,9}/\n%ignore / +/\n', encoding="utf-8")
    held = from_file(place, "words")
    assert accepts(held, "hello big world")
    assert not accepts(held, "hello")
    assert not accepts(held, "hello World")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('start: "a"\nfoo: (\n', "line 2, column 7"),
        ("start: foo\n", 'line 1, column 8 unknown name: "foo"'),
        ('foo: "a"\n', "no start rule"),
        ("", "Empty grammar"),
        ("start: start\n", "NoExtension|no form can begin"),
        ("start: INT\n%import common.INT\n", "line 2 %import is not allowed"),
        ('start: x\nx: %json {"type": "object"}\n', "line 2 %json is not allowed"),
        ('start: "a" #' + "x" * 300_000, "larger than 256 KiB"),
        ("start: /(/\n", "invalid regex"),
    ],
)
def test_a_wrong_lark_file_is_refused_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    place = tmp_path / "own.lark"
    place.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=says):
        from_file(place, "words")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "own.lark"
    place.write_bytes(b'start: "\xff"')
    with pytest.raises(BadInput, match="byte 8"):
        from_file(place, "words")
    with pytest.raises(BadInput, match="cannot be read"):
        from_file(tmp_path / "absent.lark", "words")


HOSTILE = {
    "brackets": "start: " + "(" * 100_000 + '"a"' + ")" * 100_000,
    "regex": "start: /" + "(" * 100_000 + "a" + ")" * 100_000 + "/",
    "chain": "start: a0\n" + "".join(f"a{n}: a{n + 1}\n" for n in range(12_000)) + 'a12000: "x"\n',
    "words": "start: " + " | ".join(f'"w{n}"' for n in range(24_000)),
    "doubling": "start: a0\n" + "".join(f"a{n}: a{n + 1} a{n + 1} a{n + 1}\n" for n in range(60)) + 'a60: "x"?\n',
    "left": 'start: start start | start | "a" | ""\n',
    "repeats": "start: /(((a{1,1000}){1,1000}){1,1000}){1,1000}/\n",
    "states": "start: A+\nA: /(a|b)*a(a|b){500}c/\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_ends_within_the_limit(name: str, tmp_path: Path) -> None:
    """Refused, or compiled: none may crash this process or take longer than the trial may, and its start."""
    place = tmp_path / "hostile.lark"
    place.write_text(HOSTILE[name], encoding="utf-8")
    began = time.monotonic()
    with contextlib.suppress(BadInput):
        from_file(place, "words")
    assert time.monotonic() - began < 4


def test_what_is_forced_may_be_said_in_any_pieces() -> None:
    """llguidance narrows its masks where only one text can follow; pieces are cut in another way than its tokens."""
    held = Held('start: "hello world foo" | "bye"\n')
    words = WordConstraint(held, ["hello", "world", "world foo", "foo", "wor", "bye"])
    assert words.allowed([], ["hello", "world", "bye"]) == [True, False, True]
    assert words.allowed(["hello"], ["world", "world foo", "foo", "wor", "w"]) == [True, True, False, False, False]
    assert words.complete(["hello", "world", "foo"])
    assert not words.complete(["hello", "world"])


def test_a_space_may_stand_before_a_form_of_any_grammar() -> None:
    """The first rule may be used again, and its name may stand in literals, expressions and comments."""
    text = 'start: "start" | "(" start ")" // start: here\n     | WORD\nWORD: /restart|start [a-z]+/\nstarted: "x"'
    tokens = matching.made_tokenizer([])
    for form in ("start", "(start)", "restart", "((start us))"):
        for held, lead in ((Held(text), ""), (led(Held(text)), ""), (led(Held(text)), " ")):
            ids = list(f"{lead}{form}".encode())
            found = matching.matcher(held.text, tokens)
            assert found.validate_tokens(ids) == len(ids), (lead, form)
    assert matching.matcher(text, tokens).validate_tokens(list(b" start")) == 0
