"""The scores with their intervals, beside what a model without a checkpoint reaches, and the gain in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nlptl import pages
from nlptl.report.facts import Facts, Made, Scored, title_of
from nlptl.report.tables import PLAIN, Column, Table, between, points, scored

BASELINES = {
    "majority": "the commonest label",
    "tfidf_linear": "TF-IDF with a linear classifier",
    "question_overlap": "the words that are near those of the question",
    "no_answer": "never giving an answer",
}
"""What a baseline is called in a text; others by their own name."""


def name_of(baseline: str) -> str:
    """Give a baseline's name as it stands in a text."""
    return BASELINES.get(baseline, baseline.replace("_", " "))


def in_words(gain: Mapping[str, Any], than: str) -> str:
    """Say whether a score is better than another by the paired interval of their difference."""
    value, low, high = (100 * gain[key] for key in ("value", "low", "high"))
    if low == high == 0:
        return f"Scores just as {than}."
    if low > 0:
        return f"Better than {than} by {value:.1f} points ({low:.1f} to {high:.1f})."
    if high < 0:
        return f"Worse than {than} by {-value:.1f} points ({-high:.1f} to {-low:.1f})."
    return f"Cannot be told apart from {than}: the difference is {value:+.1f} points ({low:+.1f} to {high:+.1f})."


def lead(facts: Facts) -> pages.Markup:
    """Give the first set's main score, large, with its interval and rows, then the gains over the baselines."""
    first = facts.sets[0]
    low, high = first.said["intervals"][first.metric]
    big = pages.Markup("{} <small>{} on {}</small>").format(
        points(first.said["metrics"][first.metric]), title_of(first.metric), first.name
    )
    under = f"95 % interval {between(low, high)}, from {first.said['rows']:,} rows. Scores are in points of 100."
    plain = [_plain(first.said, name) for name in first.said["metrics"] if name in PLAIN]
    under += f" {'; '.join(plain).capitalize()}." if plain else ""
    gains = [in_words(one["gain"], name_of(name)) for name, one in first.said["baselines"].items()]
    return (
        pages.paragraph(subject(facts), kind="lead") + pages.paragraph(big, kind="big") + pages.paragraph(under)
        + (pages.items(gains) if gains else "")
    )  # fmt: skip


def _plain(said: Mapping[str, Any], name: str) -> str:
    low, high = (scored(name, one) for one in said["intervals"][name])
    return f"{title_of(name)} {scored(name, said['metrics'][name])} ({low} to {high})"


def subject(facts: Facts) -> str:
    """Say in a sentence what was run."""
    report = facts.report
    start, data = report["checkpoint"]["name"], report["data"]["title"]
    return f"{start} trained on {data} ({report['task']}), seed {report['seed']}."


def scores(facts: Facts) -> Made:
    """Give each set's main score beside its baselines, as bars and as a table, and all metrics."""
    main, others, losses = main_table(facts), metric_table(facts), loss_table(facts)
    parts: list[pages.Content] = [
        pages.beside(*(_bars(one) for one in facts.sets[:12])), main.html(),
        pages.paragraph(
            "Intervals say what other rows of the same kind would do to the score; they do not say what another seed "
            "would do. The gain is measured row by row: its interval can lie wholly beside 0 where those of the scores "
            "overlap.",
            kind="quiet",
        ),
        pages.details("All metrics", others.html(), *([losses.html()] if losses.rows else [])),
    ]  # fmt: skip
    return Made(parts, [main, others, *([losses] if losses.rows else [])])


def _bars(one: Scored) -> pages.Markup:
    low, high = one.said["intervals"][one.metric]
    value = one.said["metrics"][one.metric]
    found = [pages.Bar("this model", value, f"{points(value)} ({between(low, high)})", low, high)]
    for name, baseline in one.said["baselines"].items():
        found.append(pages.Bar(name_of(name), baseline["metrics"][one.metric], points(baseline["metrics"][one.metric])))
    return pages.bars(f"{one.name}: {title_of(one.metric)}", found, top=1.0, first=True)


def main_table(facts: Facts) -> Table:
    """Give the main metric of every set: the model, the rows that training did not see, the baselines, the gains."""
    metric = facts.sets[0].metric
    rows: list[list[Any]] = []
    chosen = facts.report["selection"]
    if chosen:
        name = f"{facts.report['selected_on']} (chose the checkpoint)"
        rows.append([name, "this model", chosen["metrics"][metric], chosen["intervals"][metric], None, chosen["rows"]])
    for one in facts.sets:
        said = one.said
        rows.append([one.name, "this model", said["metrics"][metric], said["intervals"][metric], None, said["rows"]])
        if clean := said["overlap"].get("clean"):
            name = f"{one.name}, rows not in train"
            rows.append([name, "this model", clean["metrics"][metric], None, None, clean["rows"]])
        for name, other in said["baselines"].items():
            gain = (other["gain"]["low"], other["gain"]["high"])
            rows.append([one.name, name_of(name), other["metrics"][metric], None, gain, said["rows"]])
    columns = [
        Column("set", "set"), Column("model", "model"), Column("score", title_of(metric), "points"),
        Column("interval", "95 % interval", "range"), Column("gain", "this model's gain", "gain"),
        Column("rows", "rows", "count"),
    ]  # fmt: skip
    return Table("scores", f"{title_of(metric).capitalize()} of the model and of its baselines", columns, rows)


def metric_table(facts: Facts) -> Table:
    """Give every metric of every set."""
    rows: list[Sequence[Any]] = []
    for one in facts.sets:
        intervals = one.said["intervals"]
        rows += [[one.name, title_of(name), value, intervals.get(name)] for name, value in one.said["metrics"].items()
                 if name not in PLAIN]
        rows += [[one.name, f"{name} (external)", value, None] for name, value in one.said["external"].items()]
    columns = [
        Column("set", "set"), Column("metric", "metric"), Column("value", "score", "points"),
        Column("interval", "95 % interval", "range"),
    ]  # fmt: skip
    return Table("metrics", "All metrics (the calibration error is better when it is smaller)", columns, rows)


def loss_table(facts: Facts) -> Table:
    """Give the metrics of every set that are no shares, as they are."""
    rows: list[Sequence[Any]] = [
        [one.name, title_of(name), value, *one.said["intervals"].get(name, (None, None))]
        for one in facts.sets for name, value in one.said["metrics"].items() if name in PLAIN
    ]  # fmt: skip
    columns = [
        Column("set", "set"), Column("metric", "metric"), Column("value", "value", "number"),
        Column("low", "95 % from", "number"), Column("high", "to", "number"),
    ]  # fmt: skip
    return Table("losses", "Loss (nats a token) and perplexity: better when smaller", columns, rows)
