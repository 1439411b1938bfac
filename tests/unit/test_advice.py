"""Advice from facts: cases worked out by hand, and every rule has its reason, source and evidence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nlptl import advice
from nlptl.advice import Facts

ROOT = Path(__file__).resolve().parents[2]
MINILM = Facts(
    task="classification", family="encoder", rows=6_900, classes=2, characters=110.0, pairs=False,
    parameters=22_700_000, body=10_900_000, blocks=6, head=False,
)  # fmt: skip
BERT = replace(MINILM, parameters=110_000_000, body=86_000_000, blocks=12)
LLAMA = replace(MINILM, family="decoder", parameters=8_000_000_000, body=7_500_000_000, blocks=32, head=True)
FULL = [{"kind": "full"}]
LORA = [{"kind": "lora", "rank": 16, "targets": "all"}]
DECODER = [{"kind": "decay", "factor": 1.0, "head": 8.0}]
PROBE = [{"kind": "freeze", "all_but_head": True}]


@pytest.mark.parametrize(
    ("facts", "tuning", "rate", "epochs", "batch"),
    [
        (MINILM, FULL, 1e-4, 5, 32),
        (replace(MINILM, rows=600), FULL, 1e-4, 20, 16),
        (replace(MINILM, rows=30), FULL, 1e-4, 20, 7),
        (replace(MINILM, rows=67_000), FULL, 1e-4, 3, 32),
        (replace(MINILM, rows=200, classes=77), PROBE, 1e-3, 50, 16),
        (replace(MINILM, rows=308, classes=77), FULL, 1e-4, 20, 16),
        (replace(MINILM, rows=2, classes=2), PROBE, 1e-3, 50, 1),
        (replace(MINILM, head=True), FULL, 5e-5, 5, 32),
        (replace(MINILM, characters=2_000.0), FULL, 1e-4, 5, 16),
        (replace(MINILM, task="parsing", classes=0, rows=550), DECODER, 1e-4, 20, 16),
        (replace(MINILM, blocks=12, unseen=True), [{"kind": "freeze", "blocks": 3}], 5e-5, 5, 32),
        (replace(MINILM, blocks=2, unseen=True), FULL, 5e-5, 5, 32),
        (BERT, FULL, 5e-5, 5, 32),
        (replace(BERT, rows=999), FULL, 2e-5, 20, 16),
        (replace(BERT, body=300_000_000), FULL, 1e-5, 5, 32),
        (LLAMA, LORA, 1e-4, 3, 32),
        (replace(LLAMA, body=1_000_000_000, rows=500), LORA, 2e-4, 5, 16),
        (replace(BERT, method="adapter"), FULL, 2e-4, 5, 32),
        (replace(BERT, method="head"), FULL, 1e-3, 50, 32),
    ],
)
def test_cases_by_hand(facts: Facts, tuning: object, rate: float, epochs: int, batch: int) -> None:
    found = {one.path: one.value for one in advice.advise(facts)}
    wanted = {"tuning": tuning, "train.learning_rate": rate, "train.epochs": epochs, "train.batch": batch}
    assert {path: found[path] for path in wanted} == wanted


def test_every_rule_says_why_by_whom_and_how_far_that_carries() -> None:
    for path, rules in advice.TABLE.items():
        assert rules[-1].when(MINILM), f"{path}: the last rule holds for all"
        for rule in rules:
            assert rule.why, path
            assert rule.evidence, path
            for source in rule.source.split("; "):
                if source.startswith("benchmarks/"):
                    assert (ROOT / source.split(":")[0]).is_file(), source
                else:
                    assert "arXiv:" in source, source


@pytest.mark.parametrize(
    ("section", "method"),
    [({"kind": "lora"}, "adapter"), ({"kind": "freeze", "all_but_head": True}, "head"), ({"kind": "bias"}, "body")],
)
def test_what_a_kind_trains(section: dict[str, object], method: str) -> None:
    assert advice.method_of(section) == method
