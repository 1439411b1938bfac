"""What was run, how training went, what it cost, and how to do it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nlptl import augmenting, pages
from nlptl.pages.charts import thinned
from nlptl.report.facts import Facts, Made, title_of
from nlptl.report.tables import PLAIN, Column, Table, points

SHOWN = 12
"""Points of the loss that stand in its table."""


def run(facts: Facts) -> Made:
    """Say what was run: recipe, data, checkpoint, versions."""
    report, training = facts.report, facts.report["training"]
    trained = report["parameters"]
    counts = {**report["rows"], **{one.name: one.said["rows"] for one in facts.sets}}
    rows = ", ".join(f"{split} {count:,}" for split, count in counts.items())
    pairs: dict[str, pages.Content] = {
        "recipe": report["name"],
        "run": report.get("run", ""),
        "task": report["task"],
        "seed": str(report["seed"]),
        "checkpoint": report["checkpoint"]["name"],
        "data": f"{report['data']['title']} (card {report['card']})",
        "rows": rows,
        "trained": f"{trained['trainable']:,} of {trained['all']:,} parameters",
        "steps": f"{training['steps']:,} of {training['planned_steps']:,}"
        + (" (stopped early)" if training["stopped_early"] else ""),
        "nlptl": report["nlptl"],
    }
    if mixed := report.get("mixed"):
        pairs["trained together"] = (
            f"with {', '.join(mixed['with'])} in {mixed['stage']}, one body: {100 * mixed['share']:.1f} % of "
            f"{mixed['of']:,} steps, drawn at temperature {mixed['temperature']:g}"
        )
    if training.get("phases"):
        pairs["phases"] = "; ".join(one["said"] for one in training["phases"])
    if training.get("augment"):
        pairs["augmented"] = augmenting.told(training["augment"])
    recipe = pages.Markup("<pre>{}</pre>").format(facts.recipe)
    return Made([pages.facts(pairs), pages.details("The recipe, with all that was resolved", recipe)])


def curves(facts: Facts) -> Made:
    """Give the loss of training and the score on the selecting split, as lines and as tables."""
    report = facts.report
    losses = [(float(record["number"]), float(record["loss"])) for record in facts.log]
    parts: list[pages.Content] = []
    tables = []
    charts = []
    if losses:
        charts.append(pages.lines("Loss of the training steps", {"loss": losses}, x="step", y="loss"))
        rows = [[round(step), loss] for step, loss in thinned(losses, SHOWN)]
        columns = [Column("step", "about step", "count"), Column("loss", "mean loss", "number")]
        tables.append(Table("loss", f"Loss, mean of each {-(-len(losses) // SHOWN):,} steps or so", columns, rows))
    history = [one for one in report["training"]["history"] if one["metrics"]]
    if history:
        metric, select = facts.sets[0].metric, report["selected_on"]
        line = [(float(one["step"]), 100 * one["metrics"][metric]) for one in history]
        if len(line) > 1:
            title = f"{title_of(metric).capitalize()} on {select}"
            charts.append(pages.lines(title, {title_of(metric): line}, x="step", y="points"))
        tables.append(_history(facts, history))
        best = report["training"]["best_step"]
        many = f"Of {len(line)} evaluations on {select}, that of step {best:,} was the best"
        only = f"There was one evaluation on {select}, at step {best:,}"
        parts.append(f"{many if len(line) > 1 else only}: the model has its weights.")
    if not charts:
        return Made(["The log of this run holds no steps."], [])
    return Made([*parts, pages.beside(*charts), pages.details("The numbers", *(one.html() for one in tables))], tables)


def _history(facts: Facts, history: list[Mapping[str, Any]]) -> Table:
    names = list(history[0]["metrics"])
    columns = [Column("step", "step", "count"), *(
        Column(name, title_of(name), "number" if name in PLAIN else "points") for name in names
    )]  # fmt: skip
    rows = [[one["step"], *(one["metrics"][name] for name in names)] for one in history]
    return Table("history", f"Each evaluation on {facts.report['selected_on']}", columns, rows)


def cost(facts: Facts) -> Made:
    """Give seconds, rates and memory, and the share of the floor where it was measured."""
    training = facts.report["training"]
    known: dict[str, pages.Content] = {
        "training": f"{training['seconds']:,.1f} s in {training['steps']:,} steps",
        "machine": f"{facts.environment.get('processor') or 'unknown'}, {facts.environment.get('cores')} cores",
        "processes": str(training["processes"]),
        "memory": f"{training['peak_memory_mib']:,.0f} MiB at most",
    }
    if training["examples_per_second"]:
        known["examples per second"] = f"{training['examples_per_second']:,.1f}"
    if training.get("tokens_per_second"):
        known["tokens per second"] = f"{training['tokens_per_second']:,.0f}"
    frozen = training.get("frozen")
    if frozen and frozen["hits"]:
        known["frozen blocks"] = (
            f"{frozen['blocks']} computed once in {frozen['fill_seconds']:,.1f} s, "
            f"replayed for {frozen['hits']:,} inputs: about {frozen['saved_seconds']:,.0f} s saved"
        )
    elif frozen:
        known["frozen blocks"] = f"{frozen['blocks']}, computed every time{': ' * bool(frozen['why'])}{frozen['why']}"
    if training.get("peak_device_memory_mib") is not None:
        known["memory of the GPU"] = f"{training['peak_device_memory_mib']:,.0f} MiB at most"
    parts: list[pages.Content] = [pages.facts(known)]
    if floor := training.get("floor"):
        share = f": {points(floor['share'])} % of the time taken."
        if floor["share"] > 1:
            share = (
                ", by the rate that was measured at its end. That is more than it took: the machine was busier "
                "then than before, and no share of the floor can be given."
            )
        parts += [
            f"The products of training could have taken {floor['seconds']:,.1f} s here{share}",
            pages.paragraph(
                "That floor counts two operations for each weight of the layers' matrices and each token, forward, "
                "and four more for each that is trained, for the gradients; it is divided by the "
                f"{floor['operations_per_second'] / 1e9:,.0f} billion operations a second that products of the "
                "model's own shapes reached on this machine at the end of the run. Embeddings, head and all that is "
                "no product count nothing.",
                kind="quiet",
            ),
        ]
    return Made(parts)


def again(facts: Facts) -> Made:
    """Say how to run it again, and by which digests one knows that it is the same."""
    report, versions = facts.report, facts.environment.get("versions", {})
    command = f"nlptl replay {report.get('run', '.')}"
    pairs: dict[str, pages.Content] = {
        "seed": str(report["seed"]),
        "run": report.get("run", ""),
        "data": _code(f"sha256 {facts.fingerprint.get('sha256', '')}"),
        "checkpoint": _code(f"sha256 {report['checkpoint']['sha256']}"),
        "Python": str(facts.environment.get("python")),
        "libraries": ", ".join(f"{name} {version}" for name, version in versions.items() if version),
        "platform": str(facts.environment.get("platform")),
        "git commit": _code(str(facts.environment.get("git") or "none")),
    }
    return Made(
        [
            "In the folder that holds the run directory, this runs it again from the recipe, seed and paths that are "
            "written down there, and says whether the numbers are equal. The same versions on the same kind of "
            "processor give the same numbers. The name of the run ends in a digest of recipe, seed, data, checkpoint "
            "and version.",
            pages.Markup("<pre>{}</pre>").format(command), pages.facts(pairs),
        ]
    )  # fmt: skip


def _code(text: str) -> pages.Markup:
    return pages.Markup("<code>{}</code>").format(text)
