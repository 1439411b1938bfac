"""The search itself: optuna proposes, a trial trains, the selecting split judges. The test split is never read.

Every trial stands in `trials.jsonl` as it goes, so a search that was killed goes on where it was. What optuna draws for
a trial depends on the seed, on the trial's number and on the trials that ended before it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import statistics as plain_statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl import advising, artifacts, prepare, recipe, runs, statistics, strict
from nlptl.checks import Checked, check
from nlptl.errors import BadInput, NumericFailure, Problem
from nlptl.job import Watch
from nlptl.recipe import Evaluation
from nlptl.search import proposing
from nlptl.search.proposing import Trial
from nlptl.search.space import Dimension, usual

if TYPE_CHECKING:
    import optuna

TRIALS = "trials.jsonl"
BEST = "best.yaml"
TAKEN = "auto.yaml"
"""The recipe with what `auto` took, which a search goes on from."""
DIGITS = 3
"""Digits that are kept of a number that is searched."""
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "encoder_layers", "num_layers")
DECODER_LAYERS = ("decoder_layers", "num_decoder_layers")
"""What configurations call the number of equal layers."""

@dataclass(frozen=True)
class Found:
    """What a search came to."""

    directory: Path
    space: Sequence[Dimension]
    metric: str
    split: str
    rows: int
    """Of that split."""
    trials: Sequence[Trial]
    best: Trial | None
    visible: float | None
    """The least gain over the best score that a paired test on those rows would find with power 0.8, of accuracies."""
    recipe: Path | None
    """The recipe with the best settings."""


@dataclass
class _Search:
    """A search while it goes on."""

    path: str | Path
    overrides: Sequence[str]
    checked: Checked
    space: Sequence[Dimension]
    seed: int
    directory: Path
    offline: bool
    watch: Watch
    trials: dict[int, Trial] = field(default_factory=dict)


class _Pruned(Exception):
    """The trial is not worth its time."""


def search(
    path: str | Path, *, overrides: Sequence[str] = (), space: Sequence[Dimension] = (), trials: int = 20,
    minutes: float | None = None, seed: int = 0, out: Path = Path("runs"), offline: bool = False,
    watch: Watch | None = None,
) -> Found:  # fmt: skip
    """Search settings of a recipe: `trials` in all, as many as fit into `minutes`; those that were made are found.

    `space`: what is searched; none: what usually is (`usual`). A trial is the recipe's first run, chosen and judged by
    the selecting split; one that does worse than the median of those before it at the same step is stopped. Raises
    BadInput for a recipe without such a split, and for a space that is not the recipe's.
    """
    checked = check(path, overrides)
    if checked.recipe.train.select == "last":
        raise BadInput(
            checked.source, Problem("a search needs a split to judge by", field="train.select", fix="name one, dev say")
        )
    artifacts.check_place(out)
    inputs = _inputs(checked, offline)
    whole, taken = advising.settled(checked.recipe, inputs.card, inputs.checkpoint, inputs.rows["train"])
    inputs, checked = prepare.with_recipe(inputs, _judged(whole)), replace(checked, recipe=whole)
    chosen = list(space) or usual(whole, _blocks(inputs.checkpoint.config))
    tree = [recipe.science(whole), [str(one) for one in chosen], seed, inputs.fingerprint,
            inputs.checkpoint.sha256]  # fmt: skip
    name = hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:12]
    directory = out / f"{whole.name}-tune-{name}"
    if taken:  # trials change what `auto` took, so it must stand written
        path, overrides = directory / TAKEN, ()
        directory.mkdir(parents=True, exist_ok=True)
        artifacts.write_text(path, strict.dump(whole))
    one = _Search(path, overrides, checked, chosen, seed, directory, offline, watch or Watch())
    for dimension in chosen:
        _try_ends(one, dimension)
    with artifacts.lock(one.directory):
        one.trials = _read(one.directory)
        _go_on(one, inputs, trials, minutes)
        return _found(one, inputs)


def _inputs(checked: Checked, offline: bool) -> prepare.Inputs:
    """Read what a trial needs: the training split and the selecting one."""
    return prepare.gather(replace(checked, recipe=_judged(checked.recipe), warnings=()), offline=offline)


def _judged(whole: recipe.Recipe) -> recipe.Recipe:
    return whole.model_copy(update={"evaluate": (Evaluation(split=whole.train.select),)})


def _blocks(config: Mapping[str, Any]) -> int | None:
    """Give how many equal layers a configuration names, those of a decoder beside an encoder too."""
    own = next((config[name] for name in LAYERS if isinstance(config.get(name), int)), None)
    beside = next((config[name] for name in DECODER_LAYERS if isinstance(config.get(name), int)), 0)
    return None if own is None else own + (beside or (own if config.get("is_encoder_decoder") else 0))


def _try_ends(one: _Search, dimension: Dimension) -> None:
    """Raise BadInput where an end of a range, or a choice, cannot stand in the recipe."""
    ends = dimension.choices or (dimension.low, dimension.high)
    for value in ends:
        check(one.path, [*one.overrides, _override(dimension.path, value)])


def _override(path: str, value: Any) -> str:
    return f"{path}={json.dumps(value)}"


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _read(directory: Path) -> dict[int, Trial]:
    """Give the trials that were made, each as its last line says."""
    found: dict[int, Trial] = {}
    for line in artifacts.read_lines(directory / TRIALS) if (directory / TRIALS).exists() else ():
        scores = {int(step): score for step, score in line.pop("scores").items()}
        found[line["number"]] = Trial(**line, scores=scores)
    return found


def _write(one: _Search, trial: Trial) -> None:
    one.trials[trial.number] = trial
    artifacts.append_line(one.directory / TRIALS, asdict(trial))


def _go_on(one: _Search, inputs: prepare.Inputs, count: int, minutes: float | None) -> None:
    """Make the trials that are left, as long as there is time for one more."""
    began = time.monotonic()
    for number in range(count):
        known = one.trials.get(number)
        if known is not None and known.state != "begun":
            continue
        ended = [trial.seconds for trial in one.trials.values() if trial.state == "finished"]
        spent = time.monotonic() - began
        if minutes is not None and spent + (plain_statistics.median(ended) if ended else 0.0) > 60 * minutes:
            one.watch.say(f"{spent / 60:.1f} of {minutes:g} minutes are spent; {number} of {count} trials are made")
            return
        study = proposing.study(one.trials, one.space, one.seed, number)
        asked = study.ask()
        params = dict(known.params) if known else {each.path: proposing.draw(asked, each) for each in one.space}
        settings = {path: _rounded(value) for path, value in params.items()}
        if known is None:
            _write(one, Trial(number, params, settings))
        one.watch.say(f"trial {number + 1} of {count}: {_said(settings)}")
        ended_trial = _train(one, inputs, study, one.trials[number])
        _write(one, ended_trial)
        shutil.rmtree(one.directory / f"trial-{number}", ignore_errors=True)
        one.watch.say(_outcome(one, ended_trial))


def _said(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{path} {json.dumps(value)}" for path, value in settings.items())


def _outcome(one: _Search, trial: Trial) -> str:
    best = max((each.score for each in one.trials.values() if each.score is not None), default=None)
    if trial.score is None:
        return f"trial {trial.number + 1} failed: {trial.why}"
    early = " when it was stopped: below the median" if trial.state == "stopped" else ""
    return f"trial {trial.number + 1}: {trial.score:.4f}{early}; the best so far is {best:.4f}"


def _train(one: _Search, inputs: prepare.Inputs, study: optuna.Study, trial: Trial) -> Trial:
    """Train a trial and give it as it ended."""
    import optuna

    scores, began = dict(trial.scores), time.monotonic()
    values = [_override(path, value) for path, value in trial.settings.items()]
    checked = check(one.path, [*one.overrides, *values])
    own = checked.recipe.model_copy(update={"evaluate": inputs.recipe.evaluate})
    others = [
        each for each in study.get_trials(deepcopy=False)
        if each.state in (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    ]  # fmt: skip

    def looked(step: int, score: float) -> None:
        scores[step] = score
        now = replace(trial, scores=dict(scores), seconds=trial.seconds + time.monotonic() - began)
        _write(one, now)
        if proposing.behind(others, scores, step):
            raise _Pruned

    watch = Watch(say=lambda words: None, step=one.watch.step, work=one.watch.work, looked=looked)
    state, why = "finished", ""
    try:
        runs.train_seed(replace(inputs, recipe=own), own.seeds[0], one.directory / f"trial-{trial.number}", watch)
    except _Pruned:
        state = "stopped"
    except NumericFailure as fault:
        state, why = "failed", " ".join(str(fault).split())[:300]
    ended = trial.seconds + time.monotonic() - began
    return replace(trial, state=state, scores=scores, seconds=ended, why=why)  # type: ignore[arg-type]


def _found(one: _Search, inputs: prepare.Inputs) -> Found:
    """Sum the search up and write the recipe with the best settings."""
    made = [one.trials[number] for number in sorted(one.trials)]
    scored = [trial for trial in made if trial.state == "finished" and trial.score is not None]
    best = max(scored, key=lambda trial: (trial.score, -trial.number), default=None)
    wanted = one.checked.recipe.train
    metric = wanted.metric or inputs.recipe.task.metrics_of(inputs.card)[0]
    rows = prepare.selecting_rows(inputs)
    place = None
    if best is not None:
        place = one.directory / BEST
        values = [_override(path, value) for path, value in best.settings.items()]
        chosen = check(one.path, [*one.overrides, *values]).recipe
        tuned = chosen.model_copy(update={"name": f"{chosen.name[:58]}_tuned"})
        artifacts.write_text(place, strict.dump(tuned))
    accuracy = best.score if best is not None and metric == "accuracy" and best.score is not None else None
    visible = None if accuracy is None else statistics.smallest_detectable_difference(len(rows), accuracy)
    return Found(one.directory, one.space, metric, wanted.select, len(rows), made, best, visible, place)
