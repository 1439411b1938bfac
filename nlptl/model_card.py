"""The card of a trained model, as the hub reads it: README.md beside the weights, with the scores as a model index."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nlptl import artifacts

README = "README.md"
HEADS = {
    "ForSequenceClassification": ("AutoModelForSequenceClassification", "text-classification"),
    "ForQuestionAnswering": ("AutoModelForQuestionAnswering", "question-answering"),
    "ForConditionalGeneration": ("AutoModelForSeq2SeqLM", None),
    "ForMaskedLM": ("AutoModelForMaskedLM", "fill-mask"),
    "ForCausalLM": ("AutoModelForCausalLM", "text-generation"),
}
"""Ending of an architecture's name -> the class that loads it, and what the hub calls such a model."""
HUB_ID = re.compile(r"^([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)@", re.ASCII)


def add(folder: Path, report: Mapping[str, Any], environment: Mapping[str, Any]) -> None:
    """Put the card into a saved model's folder and seal it anew: the folder is replaced whole or stays as it is."""
    config, settings = artifacts.read_json(folder / "config.json"), artifacts.read_json(folder / "nlptl.json")
    text = artifacts.redact(card(report, environment, config, adapter="base" in settings))

    def write(staging: Path) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name not in (artifacts.MANIFEST, README):
                _same(path, staging / path.relative_to(folder))
        artifacts.write_text(staging / README, text)

    artifacts.publish(folder, write)


def _same(old: Path, new: Path) -> None:
    """Give a file a second name, or copy it where the file system has no such thing."""
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)


def card(
    report: Mapping[str, Any], environment: Mapping[str, Any], config: Mapping[str, Any], *, adapter: bool = False
) -> str:
    """Give the whole card: what the hub reads of it, then what people do."""
    from huggingface_hub import ModelCard, ModelCardData

    auto, tag = _head(config)
    known, base = report["data"], HUB_ID.match(report["checkpoint"]["name"])
    data = ModelCardData(
        language=list(known["languages"]), library_name="peft" if adapter else "transformers", pipeline_tag=tag,
        tags=["nlptl"],
        datasets=[known["hub"]] if known["hub"] else None, base_model=base[1] if base else None,
        model_name=report.get("run", report["name"]), eval_results=_results(report, tag),
    )  # fmt: skip
    parts = [
        f"# {_plain(report['name'])}", _subject(report), _scores(report), _use(report, auto, tag, adapter=adapter),
        _labels(report), _data(report), _origin(report, environment),
    ]  # fmt: skip
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n" + "\n\n".join(part for part in parts if part) + "\n"))


def _head(config: Mapping[str, Any]) -> tuple[str, str | None]:
    for architecture in config.get("architectures") or []:
        for ending, found in HEADS.items():
            if architecture.endswith(ending):
                return found
    return "AutoModel", None


def _results(report: Mapping[str, Any], tag: str | None) -> list[Any]:
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type=tag or report["task"], dataset_type=report["data"]["hub"] or report["card"],
            dataset_name=report["data"]["title"], dataset_split=one["split"], dataset_config=one["language"] or None,
            metric_type=name, metric_value=value,
        )
        for one in report["evaluation"]
        for name, value in one["metrics"].items()
    ]  # fmt: skip


def _subject(report: Mapping[str, Any]) -> str:
    trained = report["parameters"]
    return (
        f"`{report['checkpoint']['name']}` trained for {report['task']} on {_plain(report['data']['title'])}: "
        f"{report['rows']['train']:,} rows, {trained['trainable']:,} of {trained['all']:,} parameters trained."
        + _together(report)
    )


def _together(report: Mapping[str, Any]) -> str:
    mixed = report.get("mixed")
    if not mixed:
        return ""
    others = ", ".join(mixed["with"])
    steps = f"{mixed['steps']:,} of {mixed['of']:,} steps"
    return f" Trained together with {others}, on one body: {steps} were of this task."


def _scores(report: Mapping[str, Any]) -> str:
    lines: list[Sequence[str]] = []
    for one in report["evaluation"]:
        name = " ".join(part for part in (one["split"], one["language"]) if part)
        for metric, value in one["metrics"].items():
            low, high = one["intervals"].get(metric, (None, None))
            between = "" if low is None else f"{_score(metric, low)} to {_score(metric, high)}"
            lines.append([name, f"{one['rows']:,}", metric, _score(metric, value), between])
        main = next(iter(one["metrics"]))
        for baseline, found in one["baselines"].items():
            gain = found["gain"]
            words = f"this model's gain: {100 * gain['low']:+.1f} to {100 * gain['high']:+.1f}"
            score = f"{100 * found['metrics'][main]:.1f}"
            lines.append([name, f"{one['rows']:,}", f"{main} of {baseline}", score, words])
    head = ["set", "rows", "metric", "score", "95 % interval"]
    names = sorted({name for one in report["evaluation"] for name in one["baselines"]})
    others = f" Without a checkpoint: {', '.join(f'`{name}`' for name in names)}." if names else ""
    losses = any("loss" in one["metrics"] for one in report["evaluation"])
    plain = ", but for loss (nats a token) and perplexity" if losses else ""
    return f"## Scores\n\nIn points of 100{plain}.{others}\n\n{_table(head, lines)}"


def _score(metric: str, value: float) -> str:
    """Write a score in points of 100, but for losses, which are no shares."""
    return f"{value:.4g}" if metric in ("loss", "perplexity") else f"{100 * value:.1f}"


def _use(report: Mapping[str, Any], auto: str, tag: str | None, *, adapter: bool) -> str:
    """Show how to load the model with transformers alone, or with peft where it is an adapter."""
    several, simple = report["fitted"].get("several", False), tag == "text-classification"
    load = [f"model = {auto}.from_pretrained(folder)"]
    if adapter:
        load = [
            f'base = "path/of/the/base"  # {report["checkpoint"]["name"]}',
            "config = AutoConfig.from_pretrained(folder)",
            f"model = {auto}.from_pretrained(base, config=config, ignore_mismatched_sizes=True)",
            "model = PeftModel.from_pretrained(model, folder)",
        ]
        if simple:
            load.append("model = model.merge_and_unload()")
    lines = [
        *(["from peft import PeftModel"] if adapter else []),
        f"from transformers import {'AutoConfig, ' if adapter else ''}{auto}, AutoTokenizer"
        + (", pipeline" if simple else ""), "",
        'folder = "path/of/this/folder"', *load, "tokenizer = AutoTokenizer.from_pretrained(folder)",
    ]  # fmt: skip
    if simple:
        more = ", top_k=None" if several else ""
        lines.append(f'predict = pipeline("{tag}", model=model, tokenizer=tokenizer{more})')
        lines.append('print(predict(["a text", "another text"], truncation=True))')
    text = "## Use\n\n```python\n" + "\n".join(lines) + "\n```"
    if several:
        text += f"\n\nA row has every label whose score is at least {report['fitted']['threshold']:g}."
    return text


def _labels(report: Mapping[str, Any]) -> str:
    names = report["fitted"].get("names", ())
    return f"## Labels\n\n{', '.join(f'`{_plain(name)}`' for name in names)}" if names else ""


def _data(report: Mapping[str, Any]) -> str:
    known = report["data"]
    lines = [f"## Data\n\n{_plain(known['title'])}. Licence of the data: {_plain(known['licence'])}."]
    lines += [f"Cite: {_plain(known['citation'])}"] if known["citation"] != "none" else []
    if known["faults"]:
        faults = "\n".join(f"- {_plain(one['what'])}: {_plain(one['remedy'])}" for one in known["faults"])
        lines.append(f"Known faults:\n\n{faults}")
    shared = [(one, one["overlap"]["rows"]) for one in report["evaluation"] if one["overlap"]["rows"]]
    lines += [f"{rows:,} rows of {one['split']} stand in the training split too." for one, rows in shared]
    lines.append("What the checkpoint was trained on before, and under which licence it stands, is not known here.")
    return "\n\n".join(lines)


def _origin(report: Mapping[str, Any], environment: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {one}" for name, one in environment.get("versions", {}).items() if one)
    return (
        f"## Origin\n\nRun `{report.get('run', '')}`, seed {report['seed']}; checkpoint sha256 "
        f"`{report['checkpoint']['sha256']}`. {versions}."
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", "---:", "---", "---:", "---"], *rows]
    return "\n".join(f"| {' | '.join(_plain(cell) for cell in line)} |" for line in lines)


def _plain(text: str) -> str:
    """Keep Markdown and HTML in names and texts from meaning anything."""
    flat = " ".join(text.split())
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("`", "'")
