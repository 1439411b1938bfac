"""What a matrix lets one say: every pair's gain, every target's best source, and what could have guessed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nlptl.compare.words import points
from nlptl.plan.predictors import NAMES, Guesses
from nlptl.plans import Cell

CHANCE = "any source, by chance"


def summary(cells: Sequence[Cell], report: Mapping[str, Any], found: Guesses) -> dict[str, Any]:
    """Give cells, targets and predictors. The truth is the mean gain on the first set, on its clean part where texts
    leak.
    """
    records = [_cell(cell, report, found) for cell in cells]
    by_target: dict[str, list[dict[str, Any]]] = {}
    for one in records:
        by_target.setdefault(one["target"], []).append(one)
    return {
        "cells": records,
        "targets": [_target(name, own) for name, own in by_target.items()],
        "predictors": [_predictor(name, by_target) for name in [*NAMES, CHANCE]],
    }


def _cell(cell: Cell, report: Mapping[str, Any], found: Guesses) -> dict[str, Any]:
    gains = [*report["clean"]["gains"], *report["gains"]]
    gain = next(one for one in gains if one["first"] == cell.step)
    kept = ("set", "metric", "seeds", "value", "low", "high", "p", "adjusted", "outcome")
    return {
        "source": cell.source, "target": cell.target,
        **{key: gain[key] for key in kept},
        "tested": gain["rows"], "score": sum(gain["scores"]) / len(gain["scores"]),
        "control": sum(gain["against"]) / len(gain["against"]),
        **{name: values[cell.source, cell.target] for name, values in found.items()},
    }  # fmt: skip


def _target(name: str, own: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Say which source to take for a target, in what order the sources stand, and which of them harm."""
    order = sorted(own, key=lambda one: (-one["value"], one["source"]))
    best = order[0]
    harmful = [one["source"] for one in order if one["outcome"] == "worse"]
    between = f"{points(best['value'], sign=True)} points ({points(best['low'])} to {points(best['high'])})"
    if best["outcome"] == "better":
        words = f"{name}: best after {best['source']}, {between}"
    else:
        words = f"{name}: no source is shown to help; the highest gain is after {best['source']}, {between}"
    if harmful:
        words += f"; negative transfer from {', '.join(harmful)}"
    return {
        "target": name, "best": best["source"], "gain": best["value"], "low": best["low"], "high": best["high"],
        "recommended": best["source"] if best["outcome"] == "better" else "",
        "order": [one["source"] for one in order], "harmful": harmful, "words": words,
    }  # fmt: skip


def _predictor(name: str, by_target: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Give what one would have lost by a predictor's choice: the greatest gain less that of the source it puts first.
    Of several in the first place the mean, as one of them would be drawn.
    """
    picks: dict[str, list[str]] = {}
    regrets: dict[str, float] = {}
    for target, own in by_target.items():
        values = [0.0 if name == CHANCE else one[name] for one in own]
        if any(value is None for value in values):
            continue
        chosen = [one for one, value in zip(own, values, strict=True) if value == max(values)]
        picks[target] = [one["source"] for one in chosen]
        regrets[target] = max(one["value"] for one in own) - sum(one["value"] for one in chosen) / len(chosen)
    mean = sum(regrets.values()) / len(regrets) if regrets else None
    return {"name": name, "about": NAMES.get(name, CHANCE), "picks": picks, "regrets": regrets, "regret": mean}
