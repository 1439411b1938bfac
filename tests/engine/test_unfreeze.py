"""Gradual unfreezing: what has not opened does not move, to the bit; and each phase computes what is frozen once."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny
import torch

from nlptl import artifacts, engine, phases
from nlptl import filling as filling_of_runs
from nlptl.checks import check
from nlptl.errors import BadInput
from nlptl.frozen import filling
from nlptl.job import Watch
from nlptl.plan import trying
from nlptl.tuning import Phase
from nlptl.tuning.unfreeze import Unfreeze

Make = Callable[..., tiny.Tiny]
UNFREEZE: dict[str, Any] = {"kind": "unfreeze", "until": 1.0}
LAYERS = ("bert", "modernbert", "gpt2", "llama", "t5", "bart")
FREEZE = {"kind": "freeze", "blocks": 1}
KEYS = ("key.bias", "k_proj.bias", "k_lin.bias")


def course(parts: tiny.Parts) -> list[Phase]:
    return list(parts.moving.phases)


def walk(parts: tiny.Parts, total: int) -> list[dict[str, torch.Tensor]]:
    """Take the run's first `total` steps, phase by phase; give the weights after each phase, those at first before."""
    plans = iter(parts.plans(total))
    found = [parts.tensors()]
    for phase, first, last in phases.left(parts.moving, 0, total):
        assert phase is not None
        phases.enter(parts.moving, phase, "")
        recipe = parts.inputs.recipe
        list(
            engine.train(
                parts.moving, parts.verbs, [next(plans) for _ in range(last - first + 1)], total=total,
                settings=recipe.train, tuning=recipe.tuning, seed=13, micro_tokens=recipe.machine.micro_tokens,
            )
        )  # fmt: skip
        found.append(parts.tensors())
    return found


def model(blocks: int, *, above: bool = True) -> Any:
    from nlptl.tasks import Model

    depths = {f"p{depth}": depth for depth in range(blocks + 1 + above)}
    return Model(torch.nn.Module(), frozenset(), depths, blocks)


def test_phases_open_a_block_each_and_the_embeddings_last() -> None:
    """On paper: three blocks make five phases; over 20 steps, until half of them, one opens every 2.5 steps."""
    kind = Unfreeze(kind="unfreeze", until=0.5)
    assert kind.phases(model(3), 20, 1) == [Phase(1, 4), Phase(3, 3), Phase(6, 2), Phase(8, 1), Phase(11, 0)]
    two = Unfreeze(kind="unfreeze", until=1.0, blocks=2)
    assert two.phases(model(3), 30, 1) == [Phase(1, 4), Phase(11, 2), Phase(21, 1), Phase(31, 0)][:3]
    assert two.phases(model(4), 30, 1) == [Phase(1, 5), Phase(11, 3), Phase(21, 1)]


def test_a_phase_may_last_so_many_epochs() -> None:
    """On paper: 6 steps an epoch; the paper's layer an epoch, and one and a half."""
    one = Unfreeze(kind="unfreeze", epochs=1)
    assert one.phases(model(3), 18, 3) == [Phase(1, 4), Phase(7, 3), Phase(13, 2)], "what has not opened never learns"
    assert one.phases(model(1), 18, 3) == [Phase(1, 2), Phase(7, 1), Phase(13, 0)]
    assert Unfreeze(kind="unfreeze", epochs=1.5).phases(model(3), 18, 3) == [Phase(1, 4), Phase(10, 3)]
    assert Unfreeze(kind="unfreeze").phases(model(3), 20, 1) == Unfreeze(kind="unfreeze", until=0.5).phases(
        model(3), 20, 1
    )


def test_two_lengths_of_a_phase_are_refused(make: Make) -> None:
    with pytest.raises(BadInput, match=r"recipe.yaml:1:\d+ .*'until' and 'epochs' both say"):
        check(make(tuning=[UNFREEZE | {"epochs": 1}]).recipe)


def test_a_model_with_nothing_above_its_blocks_begins_with_the_top_ones() -> None:
    assert Unfreeze(kind="unfreeze", until=0.5).phases(model(2, above=False), 8, 1) == [
        Phase(1, 2), Phase(3, 1), Phase(5, 0)
    ]  # fmt: skip


def test_phases_that_would_begin_together_are_one() -> None:
    assert Unfreeze(kind="unfreeze", until=0.5).phases(model(6), 4, 1) == [Phase(1, 4), Phase(2, 1), Phase(3, 0)]


@pytest.mark.parametrize("family", LAYERS)
def test_what_has_not_opened_keeps_its_bits_and_what_has_moves(make: Make, family: str) -> None:
    parts = make(family, still=True, tuning=[UNFREEZE | {"until": 0.8}], train={"epochs": 2}).parts()
    total = 12
    parts.moving.phases = parts.inputs.recipe.tuning[0].phases(parts.moving.model, total, 2)
    after = walk(parts, total)
    depths, head = parts.moving.model.depths, parts.moving.model.head
    assert len(course(parts)) == len(after) - 1 > 2
    for number, phase in enumerate(course(parts)):
        before, now = after[number], after[number + 1]
        moved = {name for name in now if not torch.equal(before[name], now[name])}
        opened = {name for name in now if name in head or depths[name] >= phase.lowest}
        assert moved <= opened, f"phase {number}"
        seen = {name for name in opened if not name.endswith(KEYS) and "embed" not in name and "wte" not in name}
        assert not {name for name in seen - moved if "wpe" not in name and "relative" not in name}, f"phase {number}"
        assert head <= moved


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_each_phase_replays_what_it_froze_to_the_same_losses(make: Make, family: str) -> None:
    """Dropout on; three epochs for the head, three more for a block, and so on."""
    train = {"epochs": 8 if family != "t5" else 12, "select": "last", "learning_rate": 1e-3}
    world = make(family, tuning=[UNFREEZE | {"until": 0.75}], train=train)
    ours, theirs = world.run(out="with"), world.run("machine.frozen=off", out="without")
    assert ours.directory.name == theirs.directory.name
    facts = ours.report["training"]["frozen"]
    assert facts["hits"] > 48
    assert facts["why"] == ""
    assert theirs.report["training"]["frozen"]["hits"] == 0
    logs = [[step["loss"] for step in artifacts.read_lines(run.directory / "log.jsonl")] for run in (ours, theirs)]
    assert logs[0][0] == pytest.approx(logs[1][0], rel=1e-6)
    assert logs[0] == pytest.approx(logs[1], rel=1e-3)
    first = [one["predicted"] for one in tiny.predictions(ours.directory)]
    assert first == [one["predicted"] for one in tiny.predictions(theirs.directory)]
    told = ours.report["training"]["phases"]
    assert [one["blocks"] for one in told] == [*range(len(told) - 1), len(told) - 2]
    assert [one["embeddings"] for one in told] == [0] * (len(told) - 1) + [1]


EPOCHS = {"kind": "unfreeze", "epochs": 1}
"""Two blocks: the head alone, block 2, block 1, the embeddings; an epoch of six steps each, as in the paper."""


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("family", ["bert", "t5"])
def test_one_pass_keeps_what_all_phases_need(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    """Dropout on: no row is seen twice over the same bottom, and still each block is computed once for it."""
    monkeypatch.setenv("NLPTL_FROZEN", str(tmp_path / "frozen"))
    said: list[str] = []
    world = make(family, tuning=[EPOCHS], train={"epochs": 4})
    ours = world.run(out="with", watch=Watch(say=said.append))
    theirs = world.run("machine.frozen=off", out="without")
    logs = [[step["loss"] for step in artifacts.read_lines(run.directory / "log.jsonl")] for run in (ours, theirs)]
    assert logs[0][0] == pytest.approx(logs[1][0], rel=1e-6)
    assert logs[0] == pytest.approx(logs[1], rel=5e-5)
    # Of T5 the encoder's two blocks stay frozen while the decoder's two open, and one store serves them all.
    assert [text.split(" frozen")[0] for text in said if "computed once" in text] == ["2 and 1"] * 2, "training, dev"
    facts = ours.report["training"]["frozen"]
    # The phases with a frozen block: two, of T5 all four; dev once each, and of T5 once more to calibrate.
    expected = {"bert": 2 * 48 + 2 * 24, "t5": 4 * 48 + 5 * 24}[family]
    assert (facts["why"], facts["hits"]) == ("", expected)
    first, second = (tiny.predictions(run.directory) for run in (ours, theirs))
    assert [one["predicted"] for one in first] == [one["predicted"] for one in second]
    spent = sum(float(text.split(" in ")[1].split(" s")[0]) for text in said if "computed once" in text)
    assert facts["fill_seconds"] == pytest.approx(spent, abs=0.11), "each pass counts once"


@pytest.mark.usefixtures("near_gate")
def test_a_store_that_is_gone_or_had_no_room_is_filled_with_its_phase(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the same bits, whether one pass filled it, or the phase itself."""
    folder = tmp_path / "frozen"
    monkeypatch.setenv("NLPTL_FROZEN", str(folder))
    world = make("gpt2", tuning=[EPOCHS], train={"epochs": 4, "select": "last"})
    whole = tiny.outcome(world.run(out="whole").directory)
    sizes = [path.stat().st_size for path in folder.glob("*/hidden.bin")]
    assert len(sizes) == 2
    shutil.rmtree(folder)
    said: list[str] = []

    def lose(step: engine.Step, total: int) -> None:
        if step.number == 6:
            shutil.rmtree(folder)

    assert tiny.outcome(world.run(out="lost", watch=Watch(say=said.append, step=lose)).directory) == whole
    shutil.rmtree(folder)
    small = f"machine.frozen_gib={1.5 * max(sizes) / 2**30:.9f}"
    assert tiny.outcome(world.run(small, out="small", watch=Watch(say=said.append)).directory) == whole
    counts = [text.split(" frozen")[0] for text in said if "computed once" in text]
    assert counts == ["2 and 1", "1", "2", "1"]


def test_what_the_filling_costs_decides(make: Make) -> None:
    """Phases that see each row a fifth of a time spare less than the pass that would fill them."""
    result = make("bert", tuning=[{"kind": "unfreeze", "until": 0.9}], train={"epochs": 1, "select": "last"}).parts()
    short = filling_of_runs._pays(SimpleNamespace(moving=result.moving, total=6, inputs=result.inputs))  # type: ignore[arg-type]
    longer = make("bert", tuning=[EPOCHS], train={"epochs": 4, "select": "last"}).parts()
    pays = filling_of_runs._pays(SimpleNamespace(moving=longer.moving, total=24, inputs=longer.inputs))  # type: ignore[arg-type]
    assert (short, pays) == (False, True)


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("kept", [2, 4])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(make: Make, kept: int) -> None:
    """In the middle of a phase, and where one ends."""
    world = make(tuning=[UNFREEZE | {"until": 0.75}], train={"epochs": 4}, machine={"save_every": 3, "keep": 9})
    whole = world.run(out="whole")
    stopped = world.folder / "stopped" / whole.directory.name
    shutil.copytree(whole.directory, stopped)
    (stopped / "report.json").unlink()
    for folder in sorted((stopped / "checkpoints").glob("step-*"))[kept:]:
        shutil.rmtree(folder)
    again = world.run(out="stopped")
    assert not again.found
    ours, theirs = ((run.directory / "model" / "model.safetensors").read_bytes() for run in (whole, again))
    assert ours == theirs


def stopped(world: tiny.Tiny, whole: Any, step: int) -> Any:
    """Go on with a copy of a run that was stopped after a step."""
    folder = world.folder / "stopped" / whole.directory.name
    shutil.copytree(whole.directory, folder)
    (folder / "report.json").unlink()
    shutil.rmtree(folder / "model")
    for each in (folder / "checkpoints").glob("step-*"):
        if int(each.name.removeprefix("step-")) > step:
            shutil.rmtree(each)
    again = world.run(out="stopped")
    assert not again.found
    return again


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize(
    ("tuning", "epochs", "all_steps"), [(UNFREEZE | {"epochs": 2, "until": None}, 4, 24), (FREEZE, 2, 12)]
)
def test_a_run_that_goes_on_replays_what_it_would_have(
    make: Make, tuning: dict[str, Any], epochs: int, all_steps: int
) -> None:
    """Also where less than an epoch is left, of a phase or of all: what is replayed has other last bits."""
    machine = {"save_every": 3, "keep": 9}
    world = make(tuning=[tuning], train={"epochs": epochs, "select": "last"}, machine=machine)
    whole = world.run(out="whole")
    assert whole.report["training"]["frozen"]["hits"] == all_steps * 8
    again = stopped(world, whole, 9)
    assert again.report["training"]["frozen"]["hits"] == (all_steps - 9) * 8


@pytest.mark.usefixtures("near_gate")
def test_what_is_left_after_the_last_step_is_done_in_the_last_phase(make: Make) -> None:
    world = make(tuning=[UNFREEZE | {"epochs": 9.0, "until": None}], train={"epochs": 2}, machine={"save_every": 3})
    whole = world.run(out="whole")
    again = stopped(world, whole, 12)
    assert again.report["training"]["frozen"]["blocks"] == whole.report["training"]["frozen"]["blocks"] == 2
    assert again.report["training"]["frozen"]["hits"] == 24, "the dev rows, for the weights that were chosen"
    assert tiny.predictions(again.directory) == tiny.predictions(whole.directory)


def test_the_plan_and_the_page_say_the_phases(make: Make) -> None:
    world = make(tuning=[UNFREEZE | {"epochs": 1, "until": None}], train={"epochs": 3, "select": "last"})
    said = [
        "phase 1 of 3, from step 1 on: 0 of 2 blocks and what is above them learn",
        "phase 2 of 3, from step 7 on: 1 of 2 blocks and what is above them learn",
        "phase 3 of 3, from step 13 on: 2 of 2 blocks and what is above them learn",
    ]
    planned = trying.plan(check(world.recipe))
    assert list(planned.phases[:-1]) == [f"{one}: 6 steps" for one in said]
    run = world.run()
    assert [one["said"] for one in run.report["training"]["phases"]] == said
    assert "; ".join(said) in (run.directory / "report.html").read_text()
    assert not trying.plan(check(make().recipe)).phases


@pytest.mark.usefixtures("near_gate")
def test_two_processes_learn_what_one_does(make: Make) -> None:
    world = make(tuning=[UNFREEZE], train={"epochs": 2, "batch": 7, "select": "last"})
    alone = world.run(out="alone")
    done = world.warm("machine.micro_tokens=100", out="two", ranks=2)
    assert done.returncode == 0, done.stderr
    (two,) = (world.folder / "two").iterdir()
    ours, theirs = (tiny.weights(each) for each in (alone.directory, two))
    seen = [name for name in ours if "key.bias" not in name]
    assert tiny.largest_difference({name: ours[name] for name in seen}, {name: theirs[name] for name in seen}) < 2e-5


def test_rows_of_a_table_that_no_text_uses_decay_only_once_it_is_open(make: Make) -> None:
    """The full table gives the same: weight decay begins with the phase that opens it."""
    train = {"weight_decay": 0.3, "learning_rate": 1e-2, "schedule": "constant", "warmup": 0.0}
    parts = make("xlm-roberta", still=True, tuning=[UNFREEZE | {"until": 0.5}], train=train | {"epochs": 2}).parts()
    assert parts.moving.trimmed is not None, "the tiny vocabulary is large enough to be trimmed"
    parts.moving.phases = parts.inputs.recipe.tuning[0].phases(parts.moving.model, 12, 2)
    start = make("xlm-roberta", still=True).parts().state_dict()
    walk(parts, 12)
    opened = course(parts)[-1]
    assert opened.lowest == 0
    factor = (1 - 1e-2 * 0.3) ** (12 - opened.begin + 1)
    assert parts.moving.trimmed.rest_decay == pytest.approx(factor, rel=1e-9)
    name = next(one for one in start if one.endswith("word_embeddings.weight"))
    unused = sorted(set(range(len(start[name]))) - set(parts.moving.trimmed.used.tolist()))
    table = parts.state_dict()[name]
    assert torch.allclose(table[unused], start[name][unused] * factor, atol=1e-6)


def test_a_store_is_named_by_the_rows_that_the_table_was_trimmed_of_too(make: Make) -> None:
    """Rows that evaluation looks up and no training text does are not in the table's state."""
    parts = make("xlm-roberta", still=True, tuning=[UNFREEZE]).parts()
    phases.enter(parts.moving, parts.moving.phases[0], "")
    table, bottom = parts.moving.trimmed, parts.moving.frozen.bottom
    other = next(one for one in range(len(table.rest)) if one not in set(table.used.tolist()))

    def name(token: int) -> str:
        feature = dataclasses.replace(parts.features[0], input_ids=(token,))
        return filling._key(bottom, len(bottom.blocks), [feature], parts.moving.computing, ("float32", True))

    used = int(table.used[5])
    before = name(other), name(used)
    table.rest[other] += 1.0
    assert name(other) != before[0]
    assert name(used) == before[1]


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("beside", [{"kind": "decay", "factor": 0.5}, {"kind": "mixout", "rate": 0.5},
                                    {"kind": "l2sp", "body": 0.1, "head": 0.01}, {"kind": "rdrop", "weight": 1.0},
                                    {"kind": "adversarial", "epsilon": 0.5, "weight": 1.0}])  # fmt: skip
def test_it_goes_with_rates_and_with_what_holds_the_body_back(make: Make, beside: dict[str, Any]) -> None:
    world = make(tuning=[UNFREEZE, beside], train={"epochs": 2, "weight_decay": 0.0})
    run = world.run()
    assert run.report["training"]["steps"] == 12
    before, after = make().parts().state_dict(), tiny.weights(run.directory)
    table, top = "bert.embeddings.word_embeddings.weight", "bert.encoder.layer.1.output.dense.weight"
    assert torch.equal(before[table], after[table]), "they open after the last step"
    assert not torch.equal(before[top], after[top])


@pytest.mark.parametrize("other", [{"kind": "freeze", "blocks": 1}, {"kind": "lora"}, {"kind": "full"},
                                   {"kind": "reinit", "blocks": 1},
                                   {"kind": "average", "decay": 0.9, "begin": 0.0, "every": 1}])  # fmt: skip
def test_what_contradicts_it_is_refused_with_both_lines(make: Make, other: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=rf"'unfreeze' contradicts '{other['kind']}' at recipe.yaml:1:"):
        check(make(tuning=[other, UNFREEZE]).recipe)


def test_what_is_said_of_a_phase() -> None:
    class Moving:
        """What `told` reads of the moving parts."""

        phases = (Phase(1, 3), Phase(4, 2), Phase(9, 0))
        model = model(2)

    moving: Any = Moving()
    assert phases.told(moving, Phase(1, 3)).endswith("from step 1 on: 0 of 2 blocks and what is above them learn")
    assert "2 of 2 blocks and the embeddings" in phases.told(moving, Phase(9, 0))
    assert [one[1:] for one in phases.left(moving, 0, 12)] == [(1, 3), (4, 8), (9, 12)]
    assert [one[1:] for one in phases.left(moving, 5, 12)] == [(6, 8), (9, 12)]
    assert [one[1:] for one in phases.left(moving, 8, 12)] == [(9, 12)]
