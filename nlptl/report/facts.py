"""What the page of a run is made of: all that its directory says, read once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nlptl import artifacts, pages
from nlptl.report.examples import Example, Texts, examples
from nlptl.report.tables import Table


@dataclass(frozen=True)
class Scored:
    """One set that was scored: what `report.json` says of it, and its rows."""

    name: str
    said: Mapping[str, Any]
    rows: Sequence[Example]
    texts: Texts

    @property
    def metric(self) -> str:
        """The task's main metric."""
        return str(next(iter(self.said["metrics"])))


@dataclass(frozen=True)
class Facts:
    """What is known of a finished run."""

    report: Mapping[str, Any]
    log: Sequence[Mapping[str, Any]]
    environment: Mapping[str, Any]
    fingerprint: Mapping[str, Any]
    """What `data.json` says."""
    recipe: str
    """The resolved recipe as it is written there."""
    sets: Sequence[Scored]
    selection: Sequence[Example]
    """Rows of the selecting split, where the run wrote their predictions."""
    no_texts: str
    """Why there are no texts; "" where there are."""


@dataclass(frozen=True)
class Made:
    """What a part of the report gives: contents for the page, and its tables."""

    parts: list[pages.Content] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def read(directory: Path, texts: Mapping[str, Texts], no_texts: str = "") -> Facts:
    """Read a finished run; `texts` is set -> row id -> texts. Secrets that stand in it are hidden."""
    report = _hidden(directory / "report.json")
    sets = []
    for one in report["evaluation"]:
        name = "-".join(part for part in (one["split"], one["language"]) if part)
        rows = examples(_lines(directory / one["predictions"]))
        sets.append(Scored(name, one, rows, texts.get(name, {})))
    chosen = report["selection"].get("predictions")
    return Facts(
        report=report,
        log=artifacts.read_lines(directory / "log.jsonl"),
        environment=_hidden(directory / "environment.json"),
        fingerprint=_hidden(directory / "data.json"),
        recipe=artifacts.redact((directory / "recipe.yaml").read_text(encoding="utf-8")),
        sets=sets,
        selection=examples(_lines(directory / chosen)) if chosen else [],
        no_texts=no_texts,
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return artifacts.read_lines(path)


def _hidden(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(artifacts.redact(json.dumps(artifacts.read_json(path), ensure_ascii=False)))
    return found


def title_of(metric: str) -> str:
    """Give a metric's name as it stands in a text."""
    return metric.replace("_", " ")
