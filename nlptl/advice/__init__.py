"""Advice from the data: rules of thumb for what to train and how, each with its reason and its source.

Pure functions over `Facts`; nothing is read and nothing is measured. The rules of a setting stand in one table, the
first that holds is taken. They are starting points: what is best for a set is found by `nlptl tune`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nlptl.advice import sources
from nlptl.advice.facts import BASE, FEW, HUGE, LARGE, LONG, MANY, SMALL, Facts

__all__ = ["Advised", "Facts", "advise", "method_of"]


@dataclass(frozen=True)
class Rule:
    """One line of a table."""

    when: Callable[[Facts], bool]
    value: Callable[[Facts], Any]
    why: str
    source: str
    evidence: str
    """How far the source carries: what it was measured on, and what it was not."""


@dataclass(frozen=True)
class Advised:
    """A setting that is advised."""

    path: str
    """As in a recipe: `tuning`, `train.epochs`."""
    value: Any
    why: str
    source: str
    evidence: str


def always(facts: Facts) -> bool:
    """Hold for all."""
    return True


def constant(value: Any) -> Callable[[Facts], Any]:
    """Give the same for all."""
    return lambda facts: value


def held(facts: Facts) -> int:
    """Give how many of the lowest blocks to hold where languages are scored that are not trained on: a fourth."""
    return facts.blocks // 4


ADAPTERS = ("adalora", "adapter", "ia3", "lora", "prefix", "prompt")
"""Kinds that leave the body as it is and learn something beside it."""

FULL = "published at this size and enough rows to move all; the project's own table of methods is still to be run"
TUNING = (
    Rule(lambda one: one.body >= LARGE, constant([{"kind": "lora", "rank": 16, "targets": "all"}]),
         "a billion weights with gradient and two moments take 16 bytes each; LoRA needs them for the adapters alone",
         f"{sources.HU}; {sources.BIDERMAN}", "strong for memory; for quality only where the task is near what the "
         "checkpoint was trained on, full learns more where it is far"),
    Rule(lambda one: one.new_decoder, constant([{"kind": "decay", "factor": 1.0, "head": 8.0}]),
         "the decoder over the encoder is drawn anew and large: it learns faster than the body",
         sources.OURS_TASKS, "measured here on GeoQuery, 1 or 2 seeds; without a comparison of other factors"),
    Rule(lambda one: one.unseen and held(one) > 0, lambda one: [{"kind": "freeze", "blocks": held(one)}],
         "the lowest blocks and the embeddings hold what languages share; training on one of them alone moves it",
         f"{sources.WU}; {sources.OURS_FROZEN}", "published for mBERT, some tasks gain and some lose; not measured "
         "here for quality"),
    Rule(lambda one: one.family == "encoder" and not one.head and one.task == "classification"
         and one.classes > 1 and one.rows < 4 * one.classes, constant([{"kind": "freeze", "all_but_head": True}]),
         "fewer than four rows a class: moving the body over a random head distorts more than it learns",
         sources.KUMAR, "weak: measured for shifted test sets, mostly of images; the limit of four is a guess"),
    Rule(always, constant([{"kind": "full"}]),
         "the most that can be learnt, and it fits: freezing costs quality that only time could pay for",
         f"{sources.DEVLIN}; {sources.LEE}; {sources.OURS_CLASSIFICATION}", FULL),
)  # fmt: skip

USUAL = "usual values of the papers; a factor of two either way is often as good"
RATE = (
    Rule(lambda one: _method(one) == "adapter", lambda one: 2e-4 if one.body < HUGE else 1e-4,
         "adapters start at zero and want about ten times the rate of full fine-tuning", sources.BIDERMAN, USUAL),
    Rule(lambda one: _method(one) == "head", constant(1e-3),
         "the head alone, drawn anew: nothing that was learnt can be lost", sources.KUMAR,
         "weak: any high rate will do"),
    Rule(lambda one: one.new_decoder, constant(1e-4),
         "the body's rate; that of the new decoder is multiplied by `head`", sources.OURS_TASKS, "measured here"),
    Rule(lambda one: one.body < SMALL, lambda one: 5e-5 if one.head or one.unseen else 1e-4,
         "small bodies take higher rates; half of it where what is learnt must last",
         sources.OURS_CLASSIFICATION, "measured here on three English sets with one checkpoint, no other rate "
         "beside; goemotions fell short at it"),
    Rule(lambda one: one.body < BASE and one.rows < FEW, constant(2e-5),
         "few rows: a low rate for long is steadier", sources.MOSBACH, "RTE, MRPC and CoLA, 25 seeds each"),
    Rule(lambda one: one.body < BASE, constant(5e-5), "the size of BERT-base", sources.DEVLIN, USUAL),
    Rule(always, constant(1e-5), "large bodies fail at rates that smaller ones take", sources.MOSBACH, USUAL),
)  # fmt: skip
STEADY = "few rows: a few epochs are too few steps"
EPOCHS = (
    Rule(lambda one: _method(one) == "head", constant(50),
         "the head alone: an epoch over what is frozen costs next to nothing", sources.OURS_FROZEN,
         "speed measured here; the number is a guess"),
    Rule(lambda one: one.new_decoder, lambda one: 20 if one.rows < MANY else 8,
         "a decoder that is drawn anew learns to write", sources.OURS_TASKS, "measured here on GeoQuery"),
    Rule(lambda one: one.rows <= FEW, lambda one: 20 if one.body < LARGE else 5,
         STEADY, f"{sources.MOSBACH}; {sources.ZHANG}", "BERT, RoBERTa and ALBERT on GLUE; for others a guess"),
    Rule(lambda one: one.rows < MANY // 2, lambda one: 5 if one.body < LARGE else 3,
         "between few rows and many", f"{sources.ZHANG}; {sources.OURS_CLASSIFICATION}", "an interpolation"),
    Rule(always, constant(3), "many rows: three epochs are many steps", sources.DEVLIN, USUAL),
)  # fmt: skip
BATCH = (
    Rule(lambda one: one.rows < FEW, lambda one: max(1, min(16, one.rows // 4)),
         "few rows: smaller steps, more of them, four an epoch at least", sources.MOSBACH, USUAL),
    Rule(lambda one: one.characters >= LONG, constant(16),
         "long rows: sixteen of them hold as many tokens as a step of many short ones", sources.DEVLIN, USUAL),
    Rule(always, constant(32), "many rows", sources.DEVLIN, USUAL),
)  # fmt: skip
SCHEDULE = (
    Rule(always, constant("linear"), "falls to zero, so that the last steps are small", sources.MOSBACH, USUAL),
)
WARMUP = (Rule(always, constant(0.1), "keeps first steps small: most failed runs fail there", sources.MOSBACH, USUAL),)
WEIGHT_DECAY = (Rule(always, constant(0.01), "as in BERT's own fine-tuning", sources.LOSHCHILOV, USUAL),)
CLIP = (Rule(always, constant(1.0), "as in BERT's own fine-tuning", sources.PASCANU, USUAL),)
TABLE: dict[str, tuple[Rule, ...]] = {
    "tuning": TUNING, "train.learning_rate": RATE, "train.epochs": EPOCHS, "train.batch": BATCH,
    "train.schedule": SCHEDULE, "train.warmup": WARMUP, "train.weight_decay": WEIGHT_DECAY, "train.clip": CLIP,
}  # fmt: skip
"""By setting its rules; of those that hold the first counts."""


def _first(rules: tuple[Rule, ...], facts: Facts) -> Rule:
    return next(rule for rule in rules if rule.when(facts))


def method_of(tuning: dict[str, Any]) -> str:
    """Say what a kind with its settings trains: the `head` alone, an `adapter`, or the `body`."""
    if tuning.get("all_but_head"):
        return "head"
    return "adapter" if tuning["kind"] in ADAPTERS else "body"


def _method(facts: Facts) -> str:
    return facts.method or method_of(_first(TUNING, facts).value(facts)[0])


def advise(facts: Facts) -> list[Advised]:
    """Give what is advised for such data and such a checkpoint, the tuning first."""
    found = []
    for path, rules in TABLE.items():
        rule = _first(rules, facts)
        found.append(Advised(path, rule.value(facts), rule.why, rule.source, rule.evidence))
    return found
