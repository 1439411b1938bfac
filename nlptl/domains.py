"""How far apart two domains are in a model: the proxy A-distance, before training and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nlptl import artifacts, evaluate, seeds, statistics, targets
from nlptl.data import batches
from nlptl.job import Job
from nlptl.tasks import Feature

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.float32]

FILE = "domains.json"
MOST = 1000
"""Texts of each domain that are looked at."""
LEAST = 30
"""Texts of each domain below which a distance says nothing."""
STRENGTHS = (0.001, 0.01, 0.1, 1.0)
"""Values of C, the inverse of the penalty, of which a third of the texts chooses."""


def before(job: Job) -> None:
    """Measure the domains as training finds them, once."""
    if job.target and not (job.directory / FILE).exists():
        artifacts.write_json(job.directory / FILE, {"before": _measured(job)})


def after(job: Job) -> dict[str, Any] | None:
    """Measure them in the weights as they are; give what the report says, nothing for a run without a target."""
    if not job.target or not (job.directory / FILE).exists():
        return None
    plan = job.inputs.recipe
    assert plan.data.target is not None
    named = plan.data.target
    found: dict[str, Any] = {
        "target": {
            "card": targets.card_of(plan, job.inputs.card).name, "split": named.split,
            "texts": len({one.row_id for one in job.target}),
        },
        "before": artifacts.read_json(job.directory / FILE)["before"],
        "after": _measured(job),
    }  # fmt: skip
    counts = job.moving.memories.get("self_training")
    if counts:
        seen, taken = int(counts["seen"]), int(counts["taken"])
        found["self_training"] = {"seen": seen, "taken": taken}
    return found


def _measured(job: Job) -> dict[str, Any] | None:
    sides = [_features(job, _chosen(side, job.seed)) for side in (job.features, job.target)]
    return proxy_distance(sides[0], sides[1], job.seed)


def _chosen(features: Sequence[Feature], seed: int) -> list[Feature]:
    """Draw the texts, by their first windows."""
    first = [one for one in features if one.window == 0]
    return first if len(first) <= MOST else seeds.stream(seed, "domains").sample(first, MOST)


def _features(job: Job, features: list[Feature]) -> Array:
    """Give [N, H]: what the head reads of texts, dropout off."""
    import numpy
    import torch

    from nlptl.modules import representation

    task, module, device = job.inputs.recipe.task, job.moving.bare, job.computing.device
    module.eval()
    found: dict[int, Any] = {}
    with torch.inference_mode(), job.computing.forward():
        for chosen in batches.evaluation_batches(features, tokens=evaluate.CPU_TOKENS):
            batch = task.collate(chosen, job.opened, job.fitted).to(device)
            with representation.watched(module) as read:
                module(**batch.inputs)
            told = representation.of_texts(read[0], batch.inputs["attention_mask"]).cpu().numpy()
            found |= {id(one): row for one, row in zip(chosen, told, strict=True)}
    return numpy.stack([found[id(one)] for one in features])


def proxy_distance(source: Any, target: Any, seed: int) -> dict[str, Any] | None:
    """Give the proxy A-distance 2 (1 - 2 e) of two sets of features [N, H] (Ben-David et al. 2007, NIPS 19): e is the
    error of a linear classifier of domains on texts that it did not see. 0: not to be told apart; 2: always.

    As many texts of either side; a third fits, a third chooses the penalty, a third counts, with Wilson's interval.
    None for fewer than 30 texts a side.
    """
    import numpy
    from sklearn.linear_model import LogisticRegression

    size = min(len(source), len(target))
    if size < LEAST:
        return None
    rng = numpy.random.default_rng(seeds.derive(seed, "distance"))
    parts: list[list[Any]] = [[], [], []]
    for side in (source, target):
        order = rng.permutation(len(side))[:size]
        for part, places in zip(parts, numpy.array_split(order, 3), strict=True):
            part.append(numpy.asarray(side)[places].astype(float))
    mean, spread = numpy.concatenate(parts[0]).mean(0), numpy.concatenate(parts[0]).std(0) + 1e-6
    given = [(numpy.concatenate(part) - mean) / spread for part in parts]
    gold = [numpy.repeat([0, 1], [len(part[0]), len(part[1])]) for part in parts]
    fitted = [LogisticRegression(C=one, max_iter=1000).fit(given[0], gold[0]) for one in STRENGTHS]
    best = max(fitted, key=lambda one: one.score(given[1], gold[1]))
    wrong = int((best.predict(given[2]) != gold[2]).sum())
    error = statistics.wilson(wrong, len(gold[2]))
    return {
        "distance": 2 * (1 - 2 * wrong / len(gold[2])), "interval": [2 * (1 - 2 * error.high), 2 * (1 - 2 * error.low)],
        "error": wrong / len(gold[2]), "texts": len(gold[2]),
    }  # fmt: skip


