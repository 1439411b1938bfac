"""The form of messages, and the names that are offered."""

import pickle

import pytest

from nlptl import errors
from nlptl.errors import BadInput, Problem, did_you_mean, nearest


def test_a_problem_says_where_which_what_and_what_to_do() -> None:
    problem = Problem("unknown key", where="x.yaml:9:3", field="train.lr", fix="did you mean 'learning_rate'?")
    assert str(problem) == "x.yaml:9:3  train.lr: unknown key; did you mean 'learning_rate'?"


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("no such file"), "no such file"),
        (Problem("missing", field="a"), "a: missing"),
        (Problem("not YAML", where="x:1:2"), "x:1:2 not YAML"),
        (Problem("no such file", fix="did you mean 'b'?"), "no such file; did you mean 'b'?"),
    ],
)
def test_parts_that_are_absent_leave_no_trace(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_bad_input_shows_all_problems_under_its_subject() -> None:
    error = BadInput("x.yaml", [Problem("one"), Problem("two")])
    assert str(error) == "x.yaml: 2 problems\n  one\n  two"
    assert str(BadInput("x.yaml", "one")) == "x.yaml: 1 problem\n  one"
    assert BadInput("x.yaml", Problem("one")).problems == (Problem("one"),)


def test_bad_input_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(BadInput("x.yaml", [Problem("one", where="x:1:1"), Problem("two")])))
    assert (type(error), error.subject, len(error.problems)) == (BadInput, "x.yaml", 2)
    assert str(error) == str(BadInput("x.yaml", [Problem("one", where="x:1:1"), Problem("two")]))


def test_exit_codes_are_the_documented_ones() -> None:
    codes = {
        kind.__name__: kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.NlptlError)
    }
    assert codes == {
        "NlptlError": 70,
        "BadInput": 2,
        "Locked": 3,
        "NoCheckpoint": 4,
        "OutOfSpace": 5,
        "NumericFailure": 6,
        "ReloadMismatch": 70,
    }


def test_nearest_forgives_case_and_slips_but_does_not_guess() -> None:
    known = ["learning_rate", "epochs", "Batch"]
    assert nearest("lerning_rate", known) == "learning_rate"
    assert nearest("LEARNING_RATE", known) == "learning_rate"
    assert nearest("batch", known) == "Batch"
    assert nearest("zzz", known) is None
    assert nearest("x", []) is None


def test_did_you_mean_falls_back_to_what_is_known() -> None:
    assert did_you_mean("epoch", ["epochs", "batch"]) == "did you mean 'epochs'?"
    assert did_you_mean("zzz", ["epochs", "batch"]) == "known: batch, epochs"
    assert did_you_mean("zzz", []) == "there is none"
