"""Text and files: what is read as what, and what is refused where."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from strict_models import RECIPE, Recipe, value

from nlptl.errors import BadInput
from nlptl.strict import load, override, parse, read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-5", 1e-5),
        ("3e-4", 3e-4),
        ("5.e-5", 5e-5),
        (".5", 0.5),
        ("+1", 1),
        ("-0.0", -0.0),
        ("9007199254740992", 2**53),
        ("true", True),
        ("~", None),
        ("", None),
        ("Null", None),
        # A text that is no number as people write numbers stays what it is.
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("01", "01"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-05-01", "2024-05-01"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e", "1e"),
        ("'1'", "1"),
        ('"\\u00e9"', "é"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("a\n  b", "a b"),
        ("[1, {a: no}]", [1, {"a": "no"}]),
    ],
)
def test_scalars_follow_the_core_schema_narrowed(text: str, expected: Any) -> None:
    got = parse(f"key: {text}", "x").data["key"]
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        # row 7
        ("a: 1\nb: 2\na: 3", "3:1", "the key 'a' is given twice, here and on line 1"),
        ("a: {b: 1, b: 2}", "1:11", "twice"),
        # row 8
        ("a:\n\tb: 1", "2:1", "use spaces"),
        ("a: x\n\tb: 1", "2:1", "use spaces"),
        ("a: {\n  \tb: 1}", "2:3", "use spaces"),
        ("a: |\n  x\n\tb: 1", "3:1", "use spaces"),
        ("a: b\tc", "1:5", "a tab between values; use spaces, or put the text in quotes"),
        # row 11
        ("", "1:1", "`nlptl cp` lists recipes"),
        ("# only\n# comments\n", "1:1", "`nlptl cp` lists recipes"),
        ("---\n", "1:1", "`nlptl cp` lists recipes"),
        ("- a\n- b", "1:1", "(got a list); `nlptl cp` lists recipes"),
        ("hello", "1:1", "(got 'hello'); `nlptl cp` lists recipes"),
        # row 12
        ("a: 1\nb: !!python/object/apply:os.system [ls]", "2:4", "the tag '!!python/object/apply:os.system'"),
        ("a: !x 3", "1:4", "the tag '!x'"),
        ("a: !x [3]", "1:4", "the tag '!x'"),
        ("!x a: 3", "1:1", "the tag '!x'"),
        ("a: !!str 3", "1:4", "the tag '!!str'"),
        ("a: ! 3", "1:4", "the tag '!'"),
        # row 28
        ("a: .nan", "1:4", ".nan is not a finite number"),
        ("a: [-.inf]", "1:5", "-.inf is not a finite number"),
        ("a: 1e999", "1:4", "too large"),
        ("a: 9007199254740993", "1:4", "too large for a whole number (at most 2**53); put it in quotes"),
        ("a: " + "9" * 5000, "1:4", "too large for a whole number"),
        # others like them
        ("a: 1\n---\nb: 2", "2:1", "a second document"),
        ("<<: {a: 1}\nb: 2", "1:1", "merge keys"),
        ("1: a", "1:1", "a key must be a text (got 1)"),
        ("null: a", "1:1", "a key must be a text (got null)"),
        ("[a]: b", "1:1", "a key must be a text (got a list, section or alias)"),
        ("a: &x b\n*x : c", "2:1", "a key must be a text (got a list, section or alias)"),
        ("a: &x [*x]", "1:8", "the anchor '&x' stands inside its own value"),
        ("a: &x 1\nb: &x [*x]", "2:8", "the anchor '&x' stands inside its own value"),
        ("a: *x", "1:4", "the anchor '&x' is not defined above"),
        ("%YAML 1.1\n---\na: no", "1:1", "directives"),
        ("# c\n%TAG ! x\n---\na: no", "2:1", "directives"),
        ("a: 1\nb: \0", "2:4", "a NUL character at offset 8"),
        ('a: "\\0"', "1:4", "cannot stand in a text"),
        ('a: "\\ud800"', "1:4", "cannot stand in a text"),
        ("a: \ud800", "1:4", "a lone surrogate"),
        ("a: 1\nb: \x1b[0m", "2:4", "the character U+001B"),
        ('a: "\\UFFFFFFFF"', "1:7", "not YAML"),
        ("a: [1,\n", "2:1", "not YAML"),
        ("a: b: c", "1:5", "not YAML"),
        ("a: 1\nb", "2:2", "not YAML"),
        ("a: @", "1:4", "not YAML"),
        ("a: " + "[" * 40, "1:36", "more than 32 levels"),
        ("[" * 5000, "1:34", "more than 32 levels"),
        ("- " * 5000, "1:67", "more than 32 levels"),
        ("a: " + "x" * 2**20, "1:1", "more than a file of settings may have"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_place(text: str, line: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text, "folder/x.yaml")
    assert caught.value.subject == "folder/x.yaml"
    assert [problem.where for problem in caught.value.problems] == [f"x.yaml:{line}"]
    assert words in str(caught.value)


def test_faults_of_the_text_come_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        parse("a: .nan\na: 1\nb: !x 1\n2: c\n<<: d\n", "x.yaml")
    assert [problem.where for problem in caught.value.problems] == [
        f"x.yaml:{at}" for at in ("1:4", "2:1", "3:4", "4:1", "5:1")
    ]


def test_aliases_repeat_a_value_within_limits() -> None:
    text = "a: &a {b: [1]}\nc: *a\n"
    assert parse(text, "x").data == {"a": {"b": [1]}, "c": {"b": [1]}}
    assert override(parse(text, "x"), ["a.b=2"]).data == {"a": {"b": 2}, "c": {"b": [1]}}
    bomb = ["a0: &a0 [1, 1]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))]
    deep = ["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 40))]
    for lines, words in ((bomb, "more than 50,000 values"), (deep, "more than 32 levels")):
        with pytest.raises(BadInput, match=words):
            parse("\n".join(lines), "x")


def test_tabs_may_stand_inside_texts() -> None:
    text = "a: \"x\n\ty\"\nb: |\n  \tc\nd: 'e\tf' # a\tcomment\n"
    assert parse(text, "x").data == {"a": "x y", "b": "\tc\n", "d": "e\tf"}


def test_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + RECIPE.replace("\n", "\r\n").encode())
    assert read(path, Recipe).value == value(RECIPE)
    assert load(path).places["train", "epochs"] == (9, 3)


# Row 15: what a path may hold instead of a recipe.


def test_a_missing_file_offers_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "quickstart.yaml").write_text(RECIPE)
    with pytest.raises(BadInput) as caught:
        load(tmp_path / "quikstart.yaml")
    assert str(caught.value).endswith(f"no such file; did you mean '{tmp_path}/quickstart.yaml'?")
    with pytest.raises(BadInput, match=r"did you mean '.*quickstart.yaml'"):
        load(str(tmp_path / "quickstart"))
    with pytest.raises(BadInput, match=r"no such file; '.*' holds quickstart\.yaml"):
        load(tmp_path / "zzz")
    with pytest.raises(BadInput, match=rf"the last folder of this path that exists is '{tmp_path}'"):
        load(tmp_path / "a" / "b" / "c.yaml")
    with pytest.raises(BadInput, match="no such file"):
        load(tmp_path / "quickstart.yaml" / "c.yaml")


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(BadInput, match="is a pipe, not a file"):
        load(tmp_path / "pipe.yaml")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/dev/zero", "is a device"),
        ("/dev/null", "is a device"),
        (".", "is a directory, not a file"),
        ("", "no such file"),
        ("a\0b", "a path cannot hold a NUL"),
        ("a" * 300, "cannot be opened: File name too long"),
        ("a\udc80\x1b", "no such file"),
    ],
)
def test_what_is_no_file_is_refused(path: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        load(path)
    assert str(caught.value).encode()
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name: a\nx: \xff\n", r"x\.yaml:2:4 byte 0xff at offset 11 is not UTF-8"),
        ("name: é\n".encode("latin-1"), r"x\.yaml:1:7 byte 0xe9 at offset 6 is not UTF-8"),
        ("name: a".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        (b"name: a\nb: \0", r"x\.yaml:2:4 a NUL character at offset 11"),
        (b"#" * (2**20 + 1), r"larger than a file of settings may be \(1,048,576 bytes\)"),
        (b"", "lists recipes"),
    ],
)
def test_content_that_is_no_small_utf8_text_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(BadInput, match=words):
        load(tmp_path / "x.yaml")


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # the tests may run as root, whom no file refuses
    with pytest.raises(BadInput, match="cannot be opened: Permission denied"):
        load(tmp_path / "x.yaml")


def test_importing_is_light_and_reading_is_quick() -> None:
    heavy = ("ruamel.yaml", "torch", "numpy", "transformers")
    code = f"import sys, nlptl.strict; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == "[]"
    text = "".join(f"s{n}:\n  epochs: 3\n  rate: 5e-5\n  list:\n    - a\n    - {{b: c}}\n" for n in range(10))
    parse(text, "warm up")
    times = []
    for _ in range(5):
        start = time.process_time()
        parse(text, "x")
        times.append(time.process_time() - start)
    assert min(times) < 0.03
