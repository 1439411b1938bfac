"""What decays, how fast each part moves, and the schedule, on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import golden_depths
import pytest
import tiny
import transformers

from nlptl import groups
from nlptl.errors import BadInput
from nlptl.recipe import Train

Make = Callable[..., tiny.Tiny]


def settings(**changes: Any) -> Train:
    return Train(**{**tiny.TRAIN, "learning_rate": 1.0, **changes})


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("linear", [1 / 3, 2 / 3, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]),
        ("constant", [1 / 3, 2 / 3, 1, 1, 1, 1, 1, 1, 1, 1]),
        # Half a cosine over eighths of pi: (1 + cos) / 2 at 0, 22.5, 45 … degrees.
        ("cosine", [1 / 3, 2 / 3, 1, 0.9619398, 0.8535534, 0.6913417, 0.5, 0.3086583, 0.1464466, 0.0380602]),
    ],
)
def test_schedules(schedule: str, expected: list[float]) -> None:
    found = [groups.rate(step, 10, settings(schedule=schedule, warmup=0.2)) for step in range(1, 11)]
    assert found == pytest.approx(expected, abs=1e-7)


def test_a_schedule_without_warm_up_starts_at_the_peak_and_never_takes_a_step_of_zero() -> None:
    found = [groups.rate(step, 4, settings(warmup=0)) for step in range(1, 5)]
    assert found == [1, 0.75, 0.5, 0.25]
    assert groups.rate(1, 1, settings(warmup=0)) == 1
    assert groups.rate(1, 1, settings(warmup=0.5)) > 0


def test_the_schedule_is_transformers_own_shifted_by_one_step() -> None:
    import torch

    total, warm = 20, 4
    for name, made in (
        ("linear", transformers.get_linear_schedule_with_warmup),
        ("cosine", transformers.get_cosine_schedule_with_warmup),
    ):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule = made(optimizer, warm, total)
        theirs = []
        for _ in range(total):
            theirs.append(schedule.get_last_lr()[0])
            optimizer.step()
            schedule.step()
        ours = [groups.rate(step, total, settings(schedule=name, warmup=warm / total)) for step in range(1, total + 1)]
        assert ours[warm:] == pytest.approx(theirs[warm:])
        assert theirs[0] == 0
        assert ours[0] > 0


def members(parts: tiny.Parts) -> dict[str, tuple[float, float]]:
    """Give name -> (factor on the rate, weight decay) as the optimizer has them."""
    names = {parameter: name for name, parameter in parts.moving.bare.named_parameters()}
    return {
        names[one]: (scale, group["weight_decay"])
        for group, scale in zip(parts.moving.optimizer.param_groups, parts.moving.scales, strict=True)
        for one in group["params"]
    }


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_biases_and_norms_do_not_decay_as_in_transformers_trainer(make: Make, family: str) -> None:
    parts = make(family, train={"weight_decay": 0.25}).parts()
    found = members(parts)
    # The method looks at the model alone; making a Trainer to call it would need a data set and an output folder.
    theirs = set(transformers.Trainer.get_decay_parameter_names(None, parts.moving.bare))  # type: ignore[arg-type]
    theirs &= {name for name, _ in parts.moving.bare.named_parameters()}  # a table that three share has one name
    assert {name for name, (_, decay) in found.items() if decay == 0.25} == theirs
    assert {name for name, (_, decay) in found.items() if decay == 0.0} == set(found) - theirs
    assert set(found) == {name for name, _ in parts.moving.bare.named_parameters()}
    assert theirs, "something decays"


ANSWERS = ("bert", "deberta-v2", "modernbert", "gpt2", "llama", "t5", "mbart")


@pytest.mark.parametrize(
    ("family", "task"),
    [*((family, "classification") for family in tiny.FAMILIES), *((family, "qa") for family in ANSWERS)],
)
def test_layer_wise_rates(make: Make, family: str, task: str) -> None:
    """The head learns at the full rate, each floor below at half of the one above; the table was written by hand."""
    asked = {"kind": "qa", "stride": 4, "answer_tokens": 8}
    section: dict[str, Any] = {"source": {"world": "questions"}, "task": asked}
    tuning = [{"kind": "full"}, {"kind": "decay", "factor": 0.5}]
    parts = make(family, tuning=tuning, **(section if task == "qa" else {})).parts()
    found = {name: scale for name, (scale, _) in members(parts).items()}
    top = golden_depths.blocks(family) + 1
    assert found == {name: 0.5 ** (top - golden_depths.depth(family, name)) for name in found}
    assert set(found.values()) == {0.5**depth for depth in range(top + 1)}
    (first, *_) = parts.train(1)
    rates = [group["lr"] for group in parts.moving.optimizer.param_groups]
    assert rates == [first.learning_rate * scale for scale in parts.moving.scales]


def test_nothing_to_train_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from nlptl.tasks import Model

    module = torch.nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(BadInput, match="no parameter is trainable"):
        groups.make_groups(Model(module, frozenset()), settings(), [])


def test_more_frozen_blocks_than_there_are_is_refused(make: Make) -> None:
    with pytest.raises(BadInput, match="3 blocks are named, the checkpoint has 2"):
        make(tuning=[{"kind": "freeze", "blocks": 3}]).parts()


def test_a_new_head_may_learn_faster(make: Make) -> None:
    """`decay` with a factor of 1 and a head of 8: the body at the base rate, the head at eight times it."""
    parts = make(tuning=[{"kind": "decay", "factor": 1.0, "head": 8}]).parts()
    scales = {name: scale for name, (scale, _) in members(parts).items()}
    head = parts.inputs.recipe.task.attach(parts.opened, parts.fitted, "recipe").head
    assert head
    assert {scales[name] for name in head} == {8.0}
    assert {scale for name, scale in scales.items() if name not in head} == {1.0}
