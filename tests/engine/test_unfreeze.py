"""Gradual unfreezing: what a phase leaves closed stays to the bit, what is open moves, however a run is cut or kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from nlptl import artifacts, kinds, phases, plan, terminal
from nlptl.checks import check
from nlptl.errors import BadInput
from nlptl.frozen import files
from nlptl.job import Watch
from nlptl.modules.embedding import TrimmedEmbedding

Make = Callable[..., tiny.Tiny]
UNFREEZE = [{"kind": "unfreeze", "blocks": 1, "epochs": 1}]
"""Two blocks: the head alone, block 2, block 1, the embeddings; six steps each."""
TRAIN = {"epochs": 4, "learning_rate": 3e-3, "select": "last"}
KEYS = ("key.bias", "k_proj.bias", "k_lin.bias")
"""Softmax does not see them: they move by rounding, if at all."""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NLPTL_FROZEN", str(tmp_path / "frozen"))


def made(**section: Any) -> Any:
    return kinds.shelf("tuning")["unfreeze"](kind="unfreeze", **section)


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"blocks": 1, "epochs": 1}, [(1, 7), (11, 6), (21, 5), (31, 4), (41, 3), (51, 2), (61, 1), (71, 0)]),
        ({"blocks": 2, "epochs": 2}, [(1, 7), (21, 5), (41, 3), (61, 1), (81, 0)]),
        ({"blocks": 4, "first": 1, "part": 0.25}, [(1, 6), (26, 2), (51, 0)]),
        ({"blocks": 9, "part": 0.001}, [(1, 0)]),
        ({"blocks": 3, "until": 0.5}, [(1, 7), (17, 4), (34, 1), (51, 0)]),
        ({"blocks": 1, "until": 0.03}, [(1, 5), (2, 3), (3, 1), (4, 0)]),
    ],
)
def test_phases_open_from_the_top(section: dict[str, Any], expected: list[tuple[int, int]]) -> None:
    """By hand: 100 steps, 10 an epoch, 6 blocks. 7 is the depth of the head, 0 that of the embeddings."""
    found = made(**section).phases(ends=range(10, 101, 10), blocks=6)
    assert [(phase.first, phase.lowest) for phase in found] == expected


@pytest.mark.parametrize("family", ["bert", "gpt2", "modernbert", "t5"])
def test_what_is_closed_stays_to_the_bit_and_what_is_open_moves(make: Make, family: str) -> None:
    """After every phase of two steps; what opens next has no moments before."""
    tuning = [{"kind": "unfreeze", "blocks": 1, "part": 0.09}]
    parts = make(family, tuning=tuning, train=TRAIN).parts()  # 24 steps: two in a phase
    blocks, depths = parts.moving.course.model.blocks, parts.moving.course.model.depths
    before, opened = parts.tensors(), set()
    for number in range(blocks + 2):
        lowest = blocks + 1 - number
        taken = parts.plans(2 * number + 2)[-2:]
        parts.plans = lambda count, taken=taken: taken  # type: ignore[method-assign]
        parts.train(2, total=24)
        del parts.plans
        after = parts.tensors()
        moved = {name for name in before if not torch.equal(before[name], after[name])}
        seen = {name for name in before if not name.endswith(KEYS)}
        assert {depths[name] for name in moved} <= set(range(lowest, blocks + 2))
        assert moved & seen == {name for name in seen if depths[name] >= lowest}
        with_moments = {id(one) for one in parts.moving.optimizer.state}
        names = {name for name, one in parts.moving.bare.named_parameters() if id(one) in with_moments}
        assert names == {name for name in before if depths[name] >= lowest}
        opened |= moved
    assert {depths[name] for name in opened} == set(range(blocks + 2))


def test_a_newly_opened_block_takes_adams_first_step(make: Make) -> None:
    """|m / sqrt(v)| is 1 at a parameter's first step: it moves by the rate, whatever step of the run it is."""
    tuning = [{"kind": "unfreeze", "blocks": 1, "epochs": 1}, {"kind": "decay", "factor": 0.5}]
    train = TRAIN | {"schedule": "constant", "warmup": 0.0, "weight_decay": 0.0}
    parts = make("bert", still=True, tuning=tuning, train=train).parts()
    depths = parts.moving.course.model.depths
    name = next(name for name in depths if depths[name] == 2 and "intermediate" in name)
    parts.train(6, total=24)
    before = parts.tensors()[name]
    seventh = parts.plans(7)[-1:]
    parts.plans = lambda count: seventh  # type: ignore[method-assign]
    parts.train(1, total=24)
    moved = (parts.tensors()[name] - before).abs()
    assert float(moved.median()) == pytest.approx(3e-3 * 0.5, rel=1e-3), "the decay of one block's distance counts too"


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("family", ["bert", "t5"])
def test_each_phase_is_computed_once_and_changes_no_number(make: Make, tmp_path: Path, family: str) -> None:
    """Dropout on; one pass fills the stores of all phases, training and dev alike."""
    said: list[str] = []
    world = make(family, tuning=UNFREEZE, train=TRAIN | {"select": "dev"})
    ours = world.run(out="with", watch=Watch(say=said.append))
    theirs = world.run("machine.frozen=off", out="without")
    assert ours.directory.name == theirs.directory.name
    ours_log, theirs_log = ([step["loss"] for step in artifacts.read_lines(run.directory / "log.jsonl")]
                            for run in (ours, theirs))  # fmt: skip
    assert ours_log[0] == pytest.approx(theirs_log[0], rel=1e-6)
    assert ours_log == pytest.approx(theirs_log, rel=5e-5)
    counts = [text.split(" frozen")[0] for text in said if "computed once" in text]
    # Two stacks of two: while the decoder's learn, the encoder's two are frozen in each phase, and one store serves.
    assert counts == ["2 and 1"] * 2
    facts = ours.report["training"]["frozen"]
    looks = {"bert": 2, "t5": 5}[family]  # of T5 a block is frozen to the end, so to calibrate counts too
    run = world.parts().moving.course
    steps = sum(run.steps(number) for number in range(len(run.phases)) if run.frozen(number) > 0)
    assert (facts["why"], facts["hits"]) == ("", steps * 8 + 24 * looks)
    assert theirs.report["training"]["frozen"]["hits"] == 0
    said_of = [[one["predicted"] for one in tiny.predictions(run.directory)] for run in (ours, theirs)]
    assert said_of[0] == said_of[1]


@pytest.mark.usefixtures("near_gate")
def test_a_store_that_is_lost_between_phases_is_made_again(make: Make, tmp_path: Path) -> None:
    """With the same bits; a budget that holds one phase alone computes each at its beginning."""
    world = make("gpt2", tuning=UNFREEZE, train=TRAIN)
    said: list[str] = []
    whole = tiny.outcome(world.run(out="whole").directory)
    size = max(path.stat().st_size for path in (tmp_path / "frozen").glob("*/" + files.DATA))
    shutil.rmtree(tmp_path / "frozen")

    def lose(step: Any, total: int) -> None:
        if step.number == 6:
            shutil.rmtree(tmp_path / "frozen")

    assert tiny.outcome(world.run(out="lost", watch=Watch(say=said.append, step=lose)).directory) == whole
    small = f"machine.frozen_gib={1.5 * size / 2**30:.9f}"
    assert tiny.outcome(world.run(small, out="small", watch=Watch(say=said.append)).directory) == whole
    counts = [text.split(" frozen")[0] for text in said if "computed once" in text]
    assert counts == ["2 and 1", "1", "2", "1"][: len(counts)]
    assert len(counts) == 4


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("after", [6, 13])
def test_a_run_that_is_stopped_goes_on_with_the_same_bits(make: Make, after: int) -> None:
    """At the border of two phases, and within one; the average of the weights goes on too."""

    class Crash(Exception):
        pass

    def look(taken: Any, total: int) -> None:
        if taken.number == after + 1:
            raise Crash

    tuning = [*UNFREEZE, {"kind": "average", "decay": 0.9, "begin": 0.0, "every": 1}]
    world = make("bert", tuning=tuning, train=TRAIN, machine={"save_every": 1})
    whole = tiny.outcome(world.run(out="whole").directory)
    with pytest.raises(Crash):
        world.run(out="cut", watch=Watch(step=look))
    said: list[str] = []
    assert tiny.outcome(world.run(out="cut", watch=Watch(say=said.append)).directory) == whole
    assert f"going on after step {after} of 24" in said


def test_cut_steps_train_as_whole_ones(make: Make) -> None:
    """Gradient accumulation: other micro-batches, the same losses in all phases, dropout on."""
    found = []
    for micro_tokens in (64, 8192):
        parts = make("bert", tuning=UNFREEZE, train=TRAIN, machine={"micro_tokens": micro_tokens}).parts()
        found.append([step.loss for step in parts.train(24, total=24)])
    assert found[0] == pytest.approx(found[1], rel=1e-4)


@pytest.mark.usefixtures("near_gate")
def test_two_processes_train_as_one_does(make: Make) -> None:
    """The exchange of gradients is made anew at each change."""
    world = make("bert", tuning=UNFREEZE, train=TRAIN | {"batch": 7})
    alone = world.run(out="alone")
    done = world.warm("machine.micro_tokens=64", out="two", ranks=2)
    assert done.returncode == 0, done.stderr
    (two,) = (world.folder / "two").iterdir()
    assert json.loads((two / "report.json").read_text())["training"]["processes"] == 2
    one, other = tiny.weights(alone.directory), tiny.weights(two)
    seen = [name for name in one if not name.endswith(KEYS)]
    apart = tiny.largest_difference({name: one[name] for name in seen}, {name: other[name] for name in seen})
    assert apart < 3e-5, "a step moves a weight by up to 3e-3"
    losses = [[step["loss"] for step in artifacts.read_lines(place / "log.jsonl")] for place in (alone.directory, two)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_average_counts_what_is_closed_as_well(make: Make) -> None:
    """Of a block that is closed the mean is the checkpoint's value, not zero; l2sp and mixout hold it there."""
    tuning = [
        *UNFREEZE, {"kind": "l2sp", "body": 0.1, "head": 0.01}, {"kind": "mixout", "rate": 0.5},
        {"kind": "average", "decay": 0.5, "begin": 0.0, "every": 1},
    ]  # fmt: skip
    parts = make("bert", tuning=tuning, train=TRAIN | {"weight_decay": 0.0}).parts()
    before = parts.tensors()
    parts.train(3, total=24)
    depths = parts.moving.course.model.depths
    means = parts.inputs.recipe.tuning[-1].instead(parts.moving.bare, parts.moving.memories["average"])
    assert set(before) <= set(means)
    for name, mean in means.items():
        if name in before and depths[name] < 3:
            assert torch.allclose(mean, before[name], atol=1e-6), name
    mixed = parts.moving.memories["mixout"]
    assert {depths[name] for name in mixed} == {1, 2}
    assert {depths[name] for name in parts.moving.memories["l2sp"]} == {0, 1, 2, 3}


def test_rows_that_no_text_uses_are_what_whole_training_makes_of_them(make: Make) -> None:
    """Closed: the checkpoint's. Open: multiplied by 1 - rate * decay a step, as AdamW does to a gradient of zero."""
    train = TRAIN | {"weight_decay": 0.3, "schedule": "constant", "warmup": 0.0}
    parts = make("bert", tuning=UNFREEZE, train=train).parts()
    table = parts.moving.trimmed
    assert isinstance(table, TrimmedEmbedding)
    unused = sorted(set(range(table.num_embeddings)) - set(table.used.tolist()))
    start = table.rest[unused].clone()
    parts.train(18, total=24)
    assert table.rest_decay == 1.0
    assert torch.equal(table.whole()[unused], start)
    last = parts.plans(24)[18:]
    parts.plans = lambda count: last  # type: ignore[method-assign]
    parts.train(6, total=24)
    assert torch.allclose(table.whole()[unused], start * (1 - 3e-3 * 0.3) ** 6, rtol=1e-6)


def test_freeze_and_bias_leave_less_to_open(make: Make) -> None:
    """Phases that would open nothing are none; what freeze holds is held for good."""
    held = make("bert", tuning=[{"kind": "freeze", "blocks": 1}, *UNFREEZE], train=TRAIN).parts().moving
    assert [(phase.first, phase.lowest) for phase in held.course.phases] == [(1, 3), (7, 2)]
    assert {held.course.model.depths[name] for name in held.course.names} == {2, 3}
    few = make("bert", tuning=[{"kind": "bias"}, *UNFREEZE], train=TRAIN).parts()
    head = few.moving.course.model.head
    assert all(name.endswith("bias") or name in head for name in few.moving.course.names)
    assert few.moving.frozen.bottom is not None


def test_a_model_with_nothing_above_its_blocks_begins_with_the_top_one(tmp_path: Path) -> None:
    """BART that writes has no head, no norm on top, and an output that is the table of embeddings."""
    card = tiny.write_card(tmp_path, world="commands", rows={"train": 16, "dev": 8, "test": 8})
    tree = tiny.recipe_tree(tiny.save_checkpoint(tmp_path / "bart", "bart", {}), card) | {
        "task": {"kind": "parsing", "form_tokens": 24}, "tuning": [UNFREEZE[0] | {"first": 0}],
        "train": tiny.TRAIN | {"epochs": 6, "select": "last"},
    }  # fmt: skip
    parts = tiny.Tiny(tmp_path, tiny.write_recipe(tmp_path / "recipe.yaml", tree)).parts()
    run, before = parts.moving.course, parts.tensors()
    blocks = run.model.blocks
    assert [(phase.first, phase.lowest) for phase in run.phases][:2] == [(1, blocks), (5, blocks - 1)]
    parts.train(2, total=12)
    moved = {name for name, one in parts.tensors().items() if not torch.equal(one, before[name])}
    assert {run.model.depths[name] for name in moved} == {blocks}


def test_a_run_that_ends_before_freezes_the_rest_and_says_so(make: Make) -> None:
    parts = make("bert", tuning=UNFREEZE, train=TRAIN | {"epochs": 2}).parts()
    told = parts.moving.course.facts()
    assert [one["what"] for one in told] == [
        f"steps 1 to 6: the head learns ({told[0]['trainable']:,} parameters)",
        "steps 7 to 12: block 2 of 2 and the head learn; the run ends before what lies below would "
        f"({told[1]['trainable']:,} parameters)",
    ]
    assert told[1]["trainable"] == parts.moving.trainable
    members = {id(one) for group in parts.moving.optimizer.param_groups for one in group["params"]}
    named = dict(parts.moving.bare.named_parameters())
    assert {parts.moving.course.model.depths[name] for name, one in named.items() if id(one) in members} == {2, 3}


def test_the_plan_and_the_report_tell_the_phases(
    make: Make, near_gate: None, capsys: pytest.CaptureFixture[str]
) -> None:
    world, said = make("bert", tuning=UNFREEZE, train=TRAIN), []
    result = world.run(watch=Watch(say=said.append))
    assert "from step 7 on: block 2 of 2 and the head learn" in said
    told = result.report["training"]["phases"]
    names = ("first_step", "steps", "open_blocks", "embeddings")
    assert [tuple(one[name] for name in names) for one in told] == [
        (1, 6, 0, False), (7, 6, 1, False), (13, 6, 2, False), (19, 6, 2, True),
    ]  # fmt: skip
    assert told[-1]["trainable"] == result.report["parameters"]["trainable"]
    assert "steps 13 to 18: blocks 1 to 2 of 2 and the head learn" in (result.directory / "report.html").read_text()
    terminal.show_plan(plan.plan(check(world.recipe)), as_json=False)
    shown = capsys.readouterr().out
    assert not [one["what"] for one in told if f"  {one['what']}\n" not in shown]


@pytest.mark.parametrize(
    ("tuning", "words"),
    [
        ([{"kind": "unfreeze", "blocks": 1}], "exactly one of 'epochs', 'part' and 'until'"),
        ([{"kind": "unfreeze", "blocks": 1, "epochs": 1, "part": 0.5}], "exactly one of 'epochs', 'part' and 'until'"),
        ([{"kind": "unfreeze", "blocks": 1, "epochs": 4}], "train.epochs: 'unfreeze' at recipe.yaml:1:"),
        ([{"kind": "full"}, *UNFREEZE], "'unfreeze' contradicts 'full' at recipe.yaml:1:"),
        ([{"kind": "lora"}, *UNFREEZE], "'unfreeze' contradicts 'lora' at recipe.yaml:1:"),
        ([{"kind": "freeze", "all_but_head": True}, *UNFREEZE], "'unfreeze' contradicts 'freeze.all_but_head'"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Make, tuning: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(BadInput) as problem:
        check(make(tuning=tuning, train=TRAIN).recipe)
    assert words in str(problem.value)


def test_what_the_checkpoint_shows_is_refused_then(make: Make) -> None:
    with pytest.raises(BadInput, match="first: 3 blocks are named, the checkpoint has 2"):
        make("bert", tuning=[UNFREEZE[0] | {"first": 3}], train=TRAIN).parts()
    with pytest.raises(BadInput, match="reinit draws anew would not learn at first"):
        make("bert", tuning=[{"kind": "reinit", "blocks": 1}, *UNFREEZE], train=TRAIN).parts()
    parts = make("bert", tuning=[{"kind": "reinit", "blocks": 1}, UNFREEZE[0] | {"first": 1}], train=TRAIN).parts()
    assert not phases.enter(parts.moving, 6)
    assert phases.enter(parts.moving, 7)
