"""The languages of a split on the page, in the tables and on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nlptl import languages, pages
from nlptl.report.facts import Facts, Made, title_of
from nlptl.report.tables import Column, Table, between, points


def oracle(report: Mapping[str, Any]) -> str:
    """Give what a title says where languages that were not trained on, or another domain, chose the checkpoint."""
    chosen = report.get("oracle", False) or any(one["oracle"] for one in report.get("languages", ()))
    return " (oracle)" if chosen else ""


def lines(report: Mapping[str, Any]) -> list[str]:
    """Give what a terminal says of the languages, a sentence a line."""
    found = []
    for one in report.get("languages", ()):
        by = {mean["of"]: mean for mean in one["means"]}
        trained = ", ".join(languages.name_of(code) for code in one["trained"])
        if "not trained on" in by and one["trained"]:
            mean = by["not trained on"]
            gaps = [each["gap"]["value"] for each in one["languages"] if "gap" in each]
            low, high = mean["interval"]
            found.append(
                f"{one['split']}: trained on {trained}; {len(mean['languages'])} other languages"
                f"{' (oracle)' if one['oracle'] else ''}: mean "
                f"{mean['score']:.4f} ({low:.4f} to {high:.4f}), {sum(gaps) / len(gaps):.4f} below"
            )
    return found


def table(one: Mapping[str, Any]) -> Table:
    """Give a split's languages, the smallest gap first, those trained on above them."""
    def place(each: Mapping[str, Any]) -> tuple[bool, float, str]:
        return not each["trained"], each.get("gap", {}).get("value", 0.0), each["language"]

    ordered = sorted(one["languages"], key=place)
    rows = []
    for each in ordered:
        gap, same = each.get("gap"), each.get("consistency")
        rows.append(
            [each["name"], each["family"], "yes" if each["trained"] else "no", each["rows"], each["score"],
             each["interval"], gap and gap["value"], gap and (gap["low"], gap["high"]), same and same["same"],
             same and same.get("given_right"), each["fertility"], each["per"], each["unknown"], each["cut"]]
        )  # fmt: skip
    columns = [
        Column("language", "language"), Column("family", "family"), Column("trained", "trained on"),
        Column("rows", "rows", "count"), Column("score", _title(one["metric"]), "points"),
        Column("interval", "95 % interval", "range"), Column("gap", "gap", "points"),
        Column("gap_interval", "its interval", "gain"), Column("same", "answered alike", "points"),
        Column("given_right", "alike, source right", "points"), Column("fertility", "tokens a unit", "number"),
        Column("per", "unit"), Column("unknown", "unknown tokens", "points"), Column("cut", "rows cut", "points"),
    ]  # fmt: skip
    return Table(f"languages-{one['split']}", f"Languages of {one['split']}", columns, rows)


def _title(metric: str) -> str:
    return "wholly right" if metric == "correct" else title_of(metric)


def mean_table(one: Mapping[str, Any]) -> Table:
    """Give the means over languages."""
    rows = [
        [mean["of"], len(mean["languages"]), mean["score"], mean["interval"],
         ", ".join(languages.name_of(code) for code in mean["languages"])]
        for mean in one["means"]
    ]  # fmt: skip
    columns = [
        Column("of", "languages"), Column("languages", "how many", "count"), Column("score", "mean", "points"),
        Column("interval", "95 % interval", "range"), Column("names", "which"),
    ]  # fmt: skip
    return Table(f"language-means-{one['split']}", f"Means over languages of {one['split']}", columns, rows)


def section(facts: Facts) -> Made:
    """Give the languages of every split that was scored in several."""
    parts: list[pages.Content] = []
    kept: list[Table] = []
    for one in facts.report.get("languages", ()):
        main, means = table(one), mean_table(one)
        apart = [each for each in one["languages"] if "gap" in each]
        gaps = [
            pages.Between(
                f"{each['name']} ({points(each['score'])})", each["gap"]["low"] * 100, each["gap"]["value"] * 100,
                each["gap"]["high"] * 100,
                f"{points(each['gap']['value'])} ({between(each['gap']['low'], each['gap']['high'])})",
            )
            for each in sorted(apart, key=lambda each: float(each["gap"]["value"]))
        ]  # fmt: skip
        if one["oracle"]:
            words = "Oracle: rows of languages not trained on chose the checkpoint. No score here is zero-shot."
            parts.append(pages.paragraph(words, kind="lead"))
        if gaps:
            trained = " and ".join(languages.name_of(code) for code in one["trained"])
            parts.append(pages.intervals(f"{one['split']}: gap to {trained}", gaps, x="points below"))
        parts += [main.html(), means.html(), pages.paragraph(_how(one), kind="quiet")]
        kept += [main, means]
    return Made(parts, kept)


def _how(one: Mapping[str, Any]) -> str:
    """Say how to read it."""
    parallel = "item by item, since the same items stand in every language" if one["parallel"] else "between other rows"
    words = [
        f"The gap is how far a language scores below those trained on, {parallel}; intervals are for other rows, not "
        "for other languages or another seed. Tokens are counted a word, or a character where words are not set apart."
    ]
    for sign, said in one["correlations"].items():
        name = {"fertility": "tokens a unit", "unknown": "unknown tokens", "cut": "cut rows"}[sign]
        around = "" if not said.get("interval") else " ({:+.2f} to {:+.2f})".format(*said["interval"])
        how = f"{said['rho']:+.2f}{around} over {said['languages']} languages"
        words.append(f"Rank correlation of the gap with {name}: {how}.")
    return " ".join(words)
