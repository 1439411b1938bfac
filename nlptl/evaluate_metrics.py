"""Metrics between nlptl and the `evaluate` library: ours as its metrics, and its scripts on our predictions."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from nlptl import metrics
from nlptl.errors import BadInput, did_you_mean

Said = str | Sequence[str]


def as_metric(name: str, labels: Sequence[str]) -> Any:
    """Give the metric `name` of `nlptl.metrics` as an `evaluate.Metric` on label names, {name: value} from `compute`.

    The `multilabel_…` metrics and `subset_accuracy` take a list of names for each row.
    """
    import datasets
    import evaluate

    known = {**metrics.SINGLE, **metrics.SEVERAL}
    if name not in known:
        raise BadInput("metric", f"no metric '{name}'; {did_you_mean(name, known)}")
    text = datasets.Value("string")
    column = text if name in metrics.SINGLE else datasets.List(text)

    class Ours(evaluate.Metric):  # type: ignore[misc]
        def _info(self) -> Any:
            features = datasets.Features({"predictions": column, "references": column})
            return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)

        def _compute(self, predictions: list[Any], references: list[Any]) -> dict[str, float]:
            sides = [metrics.alone(side) if name in metrics.SINGLE else side for side in (references, predictions)]
            return {name: float(known[name](metrics.count(sides[0], sides[1], labels))[0])}

    Ours.__name__ = name
    return Ours(keep_in_memory=True)


def external(
    place: str | Path,
    gold: Sequence[Said],
    predicted: Sequence[Said],
    *,
    runs_code: bool,
    labels: Sequence[str] = (),
    config: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Compute a metric script of `evaluate` on our predictions and give its numbers, {name: value}.

    `place` is a directory that holds `<its name>.py` (or that file), or `name@commit` of the hub with all 40 digits.
    The script is executed, so `runs_code`, the recipe's own word, must be true. Where a script wants numbers, names
    become their place in `labels`, or 0 and 1 for each of them where a row has several. `config` and `settings` go to
    the script (`multilabel`; `{"average": "macro"}`). What it gives that is no number (a list by label) is left out.

    Raises BadInput for all that the script or its place can do wrong.
    """
    if not runs_code:
        raise BadInput(
            f"metric {place}", "its script would be executed; say `runs_code: true` in the recipe to allow that"
        )
    script = _script(str(place))
    import evaluate

    try:
        with tempfile.TemporaryDirectory() as scratch:
            metric = evaluate.load(str(script), config, cache_dir=scratch, keep_in_memory=True, seed=0)
            sides = [
                _encoded(side, _feature(metric.features, column), labels, place)
                for side, column in ((gold, "references"), (predicted, "predictions"))
            ]
            found = metric.compute(references=sides[0], predictions=sides[1], **(settings or {}))
    except BadInput:
        raise
    except Exception as error:  # Whatever a stranger's script raises is for the one who named it, in one line.
        raise BadInput(f"metric {place}", f"its script failed with {type(error).__name__}: {error}") from error
    numbers = {key: float(value) for key, value in (found or {}).items() if _is_number(value)}
    if not numbers:
        raise BadInput(f"metric {place}", f"its script gave no number (got {found!r})")
    return numbers


def _script(place: str) -> Path:
    """Give the local script of a directory, a file, or `name@commit`, which is brought here first if it must be.

    Never by `evaluate.load(name)`: offline, that takes whichever revision was used last.
    """
    path = Path(place)
    if path.exists():
        script = path if path.is_file() else path.resolve() / f"{path.resolve().name}.py"
        if script.suffix != ".py" or not script.is_file():
            raise BadInput(
                f"metric {place}", f"there is no script at {script}; a metric's directory holds `<its name>.py`"
            )
    else:
        name, at, commit = place.rpartition("@")
        if not at or not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", name) or not re.fullmatch("[0-9a-f]{40}", commit):
            wanted = "give a directory that exists, or `name@commit` with the 40 hexadecimal digits of a commit"
            raise BadInput(f"metric {place}", f"it is neither here nor pinned to a revision; {wanted}")
        script = _from_hub(name if "/" in name else f"evaluate-metric/{name}", commit)
    if re.search(r"^\s*(import|from)\s.*#\s*From:", script.read_text(encoding="utf-8"), re.MULTILINE | re.IGNORECASE):
        raise BadInput(f"metric {place}", "its script imports a file from elsewhere (`# From:`), which nothing pins")
    return script


def _from_hub(repository: str, commit: str) -> Path:
    """Give the script of a metric's Space at a commit, out of the hub's cache where it is there already."""
    from huggingface_hub import snapshot_download

    subject = f"metric {repository}@{commit}"
    try:
        folder = snapshot_download(repository, repo_type="space", revision=commit, allow_patterns="*.py")
    except Exception as error:  # Not found, no network, offline and not in the cache: the hub's own words say which.
        raise BadInput(subject, f"cannot be brought from the hub: {type(error).__name__}: {error}") from error
    script = Path(folder) / f"{repository.rpartition('/')[2]}.py"
    if not script.is_file():
        raise BadInput(subject, f"has no script {script.name}")
    return script


def _feature(features: Any, column: str) -> Any:
    """Give what the script wants in a column; of several forms that it takes, the first."""
    return (features[0] if isinstance(features, list) else features)[column]


def _encoded(rows: Sequence[Said], feature: Any, labels: Sequence[str], place: str | Path) -> list[Any]:
    """Turn names into what the script takes: names, their numbers, or one 0 or 1 a label."""
    kind = getattr(getattr(feature, "feature", feature), "dtype", "")
    if not str(kind).startswith(("int", "uint", "float", "bool")):
        return [row if isinstance(row, str) else list(row) for row in rows]
    number = {label: at for at, label in enumerate(labels)}
    unknown = {name for row in rows for name in ([row] if isinstance(row, str) else row)} - set(number)
    if unknown:
        wanted = ", ".join(sorted(unknown)[:5])
        raise BadInput(f"metric {place}", f"its script takes numbers, and `labels` gives none for {wanted}")
    return [number[row] if isinstance(row, str) else [int(label in row) for label in labels] for row in rows]


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
