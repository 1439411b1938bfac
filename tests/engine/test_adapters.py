"""Adapters through peft: what moves, what is saved, that plain peft reads it, and that merging changes no answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from nlptl import artifacts, backbone, exporting, kinds, saved, seeds
from nlptl.errors import BadInput, ReloadMismatch

Make = Callable[..., tiny.Tiny]
LORA: dict[str, Any] = {"kind": "lora", "rank": 2}
ADALORA: dict[str, Any] = {"kind": "adalora", "rank": 2, "start_rank": 4, "every": 2, "begin": 0.0, "end": 0.8}
FORMS: dict[str, dict[str, Any]] = {
    "lora": LORA, "dora": LORA | {"dora": True}, "rank_stabilised": LORA | {"rank_stabilised": True, "alpha": 3.0},
    "ia3": {"kind": "ia3"}, "adalora": ADALORA,
}  # fmt: skip
FAST = {"learning_rate": 2e-2, "weight_decay": 0.0}
QA: dict[str, Any] = {"source": {"world": "questions"}, "task": {"kind": "qa", "stride": 4, "answer_tokens": 4}}
TEXTS = ["ba be bi", "do du fa", "ka"]
AUTO = {"classification": "AutoModelForSequenceClassification", "qa": "AutoModelForQuestionAnswering"}
quiet = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
"""peft's wrapper reads what transformers gives up; nlptl does not use it."""
every_family = pytest.mark.parametrize("family", tiny.FAMILIES)


def shape(one: Any) -> tuple[int, ...]:
    return tuple(one.shape)


def trained(make: Make, family: str, tuning: dict[str, Any], folder: Path, **sections: Any) -> tiny.Parts:
    """Take three large steps and save."""
    parts = make(family, still=True, tuning=[tuning], train=FAST, **sections).parts()
    parts.train(3)
    parts.save(folder)
    return parts


def logits(module: Any, batch: Any) -> torch.Tensor:
    module.eval()
    with torch.no_grad():
        found = module(**batch)
    return torch.cat([one.flatten() for one in (getattr(found, name, None) for name in NAMES) if one is not None])


NAMES = ("logits", "start_logits", "end_logits")


@every_family
@pytest.mark.parametrize("tuning", [LORA, {"kind": "ia3"}, ADALORA], ids=["lora", "ia3", "adalora"])
def test_the_adapter_and_the_head_move_and_the_body_does_not_to_the_bit(
    make: Make, family: str, tuning: dict[str, Any]
) -> None:
    parts = make(family, still=True, tuning=[tuning], train=FAST).parts()
    head = parts.inputs.recipe.task.attach(parts.opened, parts.fitted, "recipe").head
    before = parts.tensors()
    parts.train(3)
    after = parts.tensors()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    adapter = {name for name in before if ".lora_" in name or ".ia3_l." in name}
    assert adapter
    assert moved <= adapter | head
    assert head <= moved
    # A decoder's single token attends to itself alone, whatever its query and key are.
    assert len(adapter - moved) <= len(adapter) // 4, sorted(adapter - moved)


@every_family
def test_training_begins_with_the_checkpoints_own_function(make: Make, family: str) -> None:
    """B is zero, and scales are one."""
    plain = make(family, still=True).parts()
    (batch,) = [plain.verbs.collate(plain.features[:4]).inputs]
    theirs = logits(plain.moving.bare, batch)
    for tuning in FORMS.values():
        ours = make(family, still=True, tuning=[tuning]).parts()
        assert torch.allclose(logits(ours.moving.bare, batch), theirs, atol=1e-6), tuning


@quiet
@every_family
@pytest.mark.parametrize("form", ["lora", "ia3"])
def test_plain_peft_reads_it_head_and_all_and_merging_changes_no_logit(
    make: Make, tmp_path: Path, family: str, form: str
) -> None:
    assert_read_by_peft(make, tmp_path, family, FORMS[form], "classification")


@quiet
@pytest.mark.parametrize(
    ("family", "form", "task"),
    [
        ("bert", "dora", "classification"), ("gpt2", "dora", "classification"),
        ("bert", "adalora", "classification"), ("gpt2", "adalora", "classification"), ("t5", "adalora", "qa"),
        ("bert", "rank_stabilised", "classification"), ("bert", "lora", "qa"), ("t5", "lora", "qa"),
        ("bart", "ia3", "qa"), ("gpt2", "lora", "qa"),
    ],
)  # fmt: skip
def test_peft_reads_the_other_forms_and_questions(
    make: Make, tmp_path: Path, family: str, form: str, task: str
) -> None:
    assert_read_by_peft(make, tmp_path, family, FORMS[form], task)


def assert_read_by_peft(make: Make, tmp_path: Path, family: str, tuning: dict[str, Any], task: str) -> None:
    import peft
    import transformers

    folder = tmp_path / "model"
    parts = trained(make, family, tuning, folder, **({"qa": QA}.get(task, {})))
    assert not (folder / "model.safetensors").exists()
    batch = parts.verbs.collate(parts.features[:4]).inputs
    ours = logits(parts.moving.bare, batch)
    settings = json.loads((folder / "adapter_config.json").read_text())
    config = transformers.AutoConfig.from_pretrained(folder)
    with backbone.silent():
        kind = getattr(transformers, AUTO[task])
        base = kind.from_pretrained(settings["base_model_name_or_path"], config=config, ignore_mismatched_sizes=True)
    theirs = peft.PeftModel.from_pretrained(base, folder)
    assert torch.allclose(logits(theirs, batch), ours, atol=1e-5)
    for merged in (True, False):
        again = saved.load(folder, merged=merged)
        assert any(".lora_" in name or ".ia3_l" in name for name, _ in again.model.module.named_parameters()) != merged
        assert torch.allclose(logits(again.model.module, batch), ours, atol=1e-5), f"merged: {merged}"


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_where_transformers_loses_the_body_nlptl_does_not(make: Make, tmp_path: Path, family: str) -> None:
    """Their class for answers calls the body otherwise than the checkpoint does: transformers draws it at random."""
    parts = trained(make, family, LORA, tmp_path / "model", **QA)
    batch = parts.verbs.collate(parts.features[:4]).inputs
    again = saved.load(tmp_path / "model").model.module
    assert torch.allclose(logits(again, batch), logits(parts.moving.bare, batch), atol=1e-5)


def test_merged_weights_are_the_papers_formula(make: Make, tmp_path: Path) -> None:
    """W + alpha / r · B A (Hu et al. 2022, section 4.1); with rank stabilisation alpha / √r."""
    for form, scale in (("lora", 4 / 2), ("rank_stabilised", 3 / 2**0.5)):
        parts = trained(make, "bert", FORMS[form], tmp_path / form)
        named = dict(parts.moving.bare.named_parameters())
        layer = "bert.encoder.layer.1.intermediate.dense"
        first, second = (named[f"{layer}.lora_{one}.default.weight"].detach() for one in "AB")
        assert (shape(first), shape(second)) == ((2, 32), (64, 2))
        wanted = named[f"{layer}.base_layer.weight"].detach() + scale * second @ first
        whole = saved.load(tmp_path / form).model.module.get_parameter(f"{layer}.weight")
        assert torch.allclose(whole, wanted, atol=1e-6)


def targets(make: Make, family: str, **settings: Any) -> set[str]:
    parts = make(family, tuning=[LORA | settings]).parts()
    return {name.split(".lora_A")[0] for name, _ in parts.moving.bare.named_parameters() if ".lora_A" in name}


def test_blocks_and_targets_choose_the_layers(make: Make) -> None:
    layer = "bert.encoder.layer.{}.{}"
    attention = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
    whole = [*attention, "intermediate.dense", "output.dense"]
    assert targets(make, "bert") == {layer.format(block, one) for block in (0, 1) for one in whole}
    assert targets(make, "bert", blocks=1) == {layer.format(1, one) for one in whole}
    assert targets(make, "bert", targets="attention", blocks=1) == {layer.format(1, one) for one in attention}
    assert targets(make, "bert", targets=["query", "self.value"]) == {
        layer.format(block, f"attention.self.{one}") for block in (0, 1) for one in ("query", "value")
    }
    assert targets(make, "gpt2", targets="attention", blocks=1) == {
        "transformer.h.1.attn.c_attn", "transformer.h.1.attn.c_proj"
    }  # fmt: skip
    lower = targets(make, "t5", blocks=2)
    assert lower
    assert all(name.startswith("transformer.decoder.block.") for name in lower), "the decoder's blocks are the upper"


@every_family
def test_no_adapter_stands_in_the_head(make: Make, family: str) -> None:
    """T5's and BART's heads are linear layers too, and peft's own "all-linear" takes a QA head."""
    for sections in ({}, QA):
        parts = make(family, tuning=[LORA], **sections).parts()
        head = parts.inputs.recipe.task.attach(parts.opened, parts.fitted, "recipe").head
        named = dict(parts.moving.bare.named_parameters())
        assert head <= named.keys(), "its names are as they were"
        assert all(named[name].requires_grad for name in head)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"blocks": 3}, "3 blocks are named, the checkpoint has 2"),
        ({"targets": ["q_proj"]}, "ends in 'q_proj'; layers that there are end in dense, key, query, value"),
    ],
)
def test_layers_that_are_not_there_are_refused(make: Make, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        make(tuning=[LORA | settings]).parts()


def test_ia3_scales_keys_values_and_inner_activations(make: Make) -> None:
    """Liu et al. 2022, section 3.3; in T5 those of the decoder's second attention too."""
    ends = {
        "bert": {"key", "value", "output.dense"}, "llama": {"k_proj", "v_proj", "down_proj"}, "t5": {"k", "v", "wo"},
        "gpt2": {"c_attn", "mlp.c_proj"}, "distilbert": {"k_lin", "v_lin", "lin2"}, "modernbert": {"Wqkv", "mlp.Wo"},
        "bart": {"k_proj", "v_proj", "fc2"},
    }  # fmt: skip
    for family, expected in ends.items():
        parts = make(family, tuning=[{"kind": "ia3"}]).parts()
        found = {name.split(".ia3_l")[0] for name, _ in parts.moving.bare.named_parameters() if ".ia3_l" in name}
        assert all(any(name.endswith(f".{end}") for end in expected) for name in found), (family, found)
        assert all(any(name.endswith(f".{end}") for name in found) for end in expected), (family, found)
        assert "attention.output.dense" not in " ".join(found)


def test_scales_do_not_decay_and_matrices_do(make: Make) -> None:
    """A scale that decays to 0 would switch its layer off."""
    for form, part, decays in (("ia3", "ia3_l", 0.0), ("dora", "magnitude", 0.0), ("dora", "lora_A", 0.01)):
        moving = make(tuning=[FORMS[form]], train={"weight_decay": 0.01}).parts().moving
        groups = {id(one): group["weight_decay"] for group in moving.optimizer.param_groups for one in group["params"]}
        found = {groups[id(one)] for name, one in moving.bare.named_parameters() if part in name}
        assert found == {decays}, (form, part)


def test_adalora_deals_ranks_as_peft_does(make: Make) -> None:
    """peft's own allocator, over a copy of the adapter that gets the same weights and gradients at each step."""
    from peft.tuners.adalora.layer import RankAllocator

    parts = make(tuning=[ADALORA], train=FAST | {"epochs": 2}).parts()
    module, total, (kind,) = parts.moving.bare, 10, parts.inputs.recipe.tuning
    settings = module.peft_config["default"]
    settings.total_step, settings.tinit, settings.tfinal, settings.deltaT = total, 0, 2, 2
    theirs = RankAllocator(module, settings, "default")
    memory, pattern = kind.start(backbone.with_depths(model_of(parts))), {}
    draw = torch.Generator().manual_seed(3)
    entries = {name: one for name, one in module.named_parameters() if ".lora_E." in name}
    for step in range(1, total + 1):
        for name, one in module.named_parameters():
            if ".lora_" in name and one.requires_grad:
                one.grad = torch.randn(one.shape, generator=draw)
                one.data.add_(torch.randn(one.shape, generator=draw), alpha=0.1)
        before = {name: one.detach().clone() for name, one in entries.items()}
        if step <= total - settings.tfinal:
            _, found = theirs.update_and_allocate(module, step, force_mask=step == total - settings.tfinal)
            pattern = found or pattern
        else:
            theirs.mask_using_rank_pattern(module, pattern)
        wanted = {name: one.detach().clone() for name, one in entries.items()}
        for name, one in entries.items():
            one.data.copy_(before[name])
        kind.after_step(module, memory, step=step, total=total)
        assert all(torch.equal(one, wanted[name]) for name, one in entries.items()), step
    kept = [int((one != 0).sum()) for one in entries.values()]
    assert sum(kept) == 2 * len(entries)
    assert len(set(kept)) > 1, "some layers have more than others"


def model_of(parts: tiny.Parts) -> Any:
    from nlptl.tasks import Model

    return Model(parts.moving.bare, frozenset())


def test_adalora_holds_both_factors_orthogonal(make: Make) -> None:
    """peft adds the same to its loss (Zhang et al. 2023, equation 4, without the square)."""
    parts = make("bert", still=True, tuning=[ADALORA]).parts()
    (kind,), module = parts.inputs.recipe.tuning, parts.moving.bare
    found = []
    for name, one in module.named_parameters():
        if ".lora_A." in name or ".lora_B." in name:
            product = one @ one.T if ".lora_A." in name else one.T @ one
            found.append((product - torch.eye(4)).square().sum().sqrt())
    assert float(kind.penalty(module, {}).detach()) == pytest.approx(0.5 * float(sum(found).detach()) / len(found))
    loose = kinds.shelf("tuning")["adalora"](**ADALORA | {"orthogonal": 0.0})
    assert loose.penalty(module, {}) is None


@pytest.mark.parametrize(
    ("section", "words"),
    [({"begin": 0.5, "end": 0.5}, "must be below end"), ({"rank": 4}, "start_rank 4 must be above rank 4")],
)
def test_adalora_without_anything_to_deal_is_refused(make: Make, section: dict[str, Any], words: str) -> None:
    from nlptl.checks import check

    with pytest.raises(BadInput, match=words):
        check(make(tuning=[ADALORA | section]).recipe)


def test_with_decay_an_adapter_learns_at_the_rate_of_its_block(make: Make) -> None:
    moving = make(tuning=[LORA, {"kind": "decay", "factor": 0.5}]).parts().moving
    scale = {
        id(one): scale
        for group, scale in zip(moving.optimizer.param_groups, moving.scales, strict=True)
        for one in group["params"]
    }
    found = {name: scale[id(one)] for name, one in moving.bare.named_parameters() if one.requires_grad}
    assert {one for name, one in found.items() if ".layer.1." in name} == {0.5}
    assert {one for name, one in found.items() if ".layer.0." in name} == {0.25}
    assert found["classifier.weight"] == 1.0


def test_what_is_drawn_comes_from_the_seed_alone(make: Make) -> None:
    def drawn(seed: int) -> torch.Tensor:
        parts = make().parts()
        model = backbone.with_depths(parts.inputs.recipe.task.attach(parts.opened, parts.fitted, "recipe"))
        torch.rand(seed)
        state = torch.random.get_rng_state()
        kinds.shelf("tuning")["lora"](**LORA).apply(model, seed)
        assert torch.equal(torch.random.get_rng_state(), state)
        named = dict(model.module.named_parameters())
        return named["bert.encoder.layer.0.output.dense.lora_A.default.weight"].detach()

    assert torch.equal(drawn(13), drawn(13))
    assert not torch.equal(drawn(13), drawn(14))
    assert seeds.derive(13, "lora") != seeds.derive(13, "head")


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("family", ["bert", "modernbert", "gpt2", "llama"])
def test_below_adapters_in_top_blocks_all_is_computed_once(make: Make, family: str) -> None:
    """The losses are those without the store, dropout on."""
    tuning, train = [LORA | {"blocks": 1, "dropout": 0.1}], {"epochs": 2, "select": "last"}
    world = make(family, tuning=tuning, train=train)
    ours, theirs = world.run(out="with"), world.run("machine.frozen=off", out="without")
    facts = ours.report["training"]["frozen"]
    assert (facts["blocks"], facts["why"], facts["hits"]) == (1, "", 2 * 48)
    logs = [[step["loss"] for step in artifacts.read_lines(run.directory / "log.jsonl")] for run in (ours, theirs)]
    assert logs[0] == pytest.approx(logs[1], rel=2e-5)


def test_micro_batches_change_no_gradient(make: Make) -> None:
    """Dropout before A draws a mask an example, as everywhere."""
    found = [
        make(tuning=[LORA | {"dropout": 0.3}], machine={"micro_tokens": tokens}).parts().gradients(2)[1]
        for tokens in (10_000, 64)
    ]
    assert found[0].keys() == found[1].keys()
    for name, one in found[0].items():
        assert torch.allclose(one, found[1][name], atol=2e-7), name


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("tuning", [LORA, ADALORA], ids=["lora", "adalora"])
def test_a_run_is_saved_reloaded_stopped_and_gone_on_with(make: Make, tuning: dict[str, Any]) -> None:
    """One that lost its end goes on to the same bits."""
    world = make(tuning=[tuning], train={"epochs": 2, "learning_rate": 5e-3}, machine={"save_every": 2})
    whole = world.run(out="whole")
    assert whole.report["reload_gate"]["largest_difference"] < 1e-5
    assert whole.report["parameters"]["trainable"] < whole.report["parameters"]["all"] / 4
    card = (whole.directory / "model" / "README.md").read_text()
    assert "PeftModel.from_pretrained(model, folder)" in card
    assert "library_name: peft" in card
    stopped = world.folder / "stopped" / whole.directory.name
    shutil.copytree(whole.directory, stopped)
    for name in ("report.json", "report.html"):
        (stopped / name).unlink()
    last = max((stopped / "checkpoints").glob("step-*"))
    shutil.rmtree(last)
    again = world.run(out="stopped")
    assert not again.found
    ours, theirs = (
        (run.directory / "model" / "adapter_model.safetensors").read_bytes() for run in (whole, again)
    )
    assert ours == theirs


@pytest.mark.usefixtures("near_gate")
def test_two_processes_learn_what_one_does(make: Make) -> None:
    world = make(tuning=[LORA | {"dropout": 0.1}], train={"batch": 7, "select": "last"})
    alone = world.run(out="alone")
    done = world.warm("machine.micro_tokens=100", out="two", ranks=2)
    assert done.returncode == 0, done.stderr
    (two,) = (world.folder / "two").iterdir()
    ours, theirs = (adapter(each) for each in (alone.directory, two))
    assert tiny.largest_difference(ours, theirs) < 2e-5


def adapter(run: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(run / "model" / "adapter_model.safetensors")


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_parsers_too(tmp_path: Path, family: str) -> None:
    """A decoder of ours is stored beside the adapter; decoders and T5 have no head but their own."""
    decoder = {"decoder": {"layers": 1, "width": 16, "heads": 2, "dropout": 0.1}} if family == "bert" else {}
    card = tiny.write_card(tmp_path, world="commands", rows={"train": 24, "dev": 8, "test": 8})
    tree = tiny.recipe_tree(tiny.save_checkpoint(tmp_path / family, family, {}), card) | {
        "task": {"kind": "parsing", "form_tokens": 24, **decoder}, "tuning": [LORA],
        "train": tiny.TRAIN | {"learning_rate": 1e-2, "select": "last"},
    }  # fmt: skip
    run = tiny.Tiny(tmp_path, tiny.write_recipe(tmp_path / "recipe.yaml", tree)).run()
    names = {file.name for file in (run.directory / "model").iterdir()}
    assert "adapter_model.safetensors" in names
    assert ("decoder.safetensors" in names) == (family == "bert")
    assert ("generation_config.json" in names) == (family != "bert")
    said = [one["predicted"] for one in tiny.predictions(run.directory)]
    again = saved.load(run.directory)
    rows = [json.loads(line) for line in (run.directory / "predictions" / "test.jsonl").read_text().splitlines()]
    assert len(rows) == len(said)
    assert again.opened.checkpoint.base is not None


@pytest.mark.usefixtures("near_gate")
def test_one_goes_on_from_another_merged_and_with_its_head(make: Make, tmp_path: Path) -> None:
    """A second adapter over the first: opened, both are in the weights; the base of the second is the first run."""
    first = make(tuning=[LORA], train=FAST).run(out="first")
    both = {}
    for head in ("new", "keep"):
        world = make(first.directory, tuning=[LORA | {"targets": "attention"}], train=FAST | {"epochs": 1},
                     task={"kind": "classification", "head": head})  # fmt: skip
        second = world.run(out=head)
        opened = backbone.inspect(str(second.directory))
        assert opened.base is not None
        assert opened.base.base is not None
        both[head] = saved.load(second.directory).model.module
    one = saved.load(first.directory).model.module
    inner = "bert.encoder.layer.0.intermediate.dense.weight"
    assert torch.equal(one.get_parameter(inner), both["new"].get_parameter(inner)), "of the first, as it was"
    batch = {"input_ids": torch.tensor([[2, 9, 11, 3]]), "attention_mask": torch.ones(1, 4, dtype=torch.int64)}
    beside = saved.load(second.directory, merged=False).model.module
    assert torch.allclose(logits(beside, batch), logits(both["keep"], batch), atol=1e-5), "the second stands beside"
    outer = "bert.encoder.layer.0.attention.self.value.weight"
    assert not torch.equal(one.get_parameter(outer), both["new"].get_parameter(outer))
    assert not torch.equal(one.classifier.weight, both["keep"].classifier.weight), "it went on learning"
    for head in both:
        begun = make(first.directory, task={"kind": "classification", "head": head}).parts().tensors()
        assert torch.equal(begun["classifier.weight"], one.classifier.weight) == (head == "keep")


@pytest.mark.usefixtures("near_gate")
def test_another_task_takes_the_body_with_what_the_adapter_learnt(make: Make, tmp_path: Path) -> None:
    run = make(tuning=[LORA], train=FAST).run(out="first")
    answers = make(run.directory, **QA).parts()
    one = saved.load(run.directory).model.module
    for name, found in answers.moving.bare.named_parameters():
        if name.startswith("bert.encoder."):
            assert torch.equal(found, one.get_parameter(name)), name
    plain = make(**QA).parts().tensors()
    inner = "bert.encoder.layer.0.output.dense.weight"
    assert not torch.equal(plain[inner], one.get_parameter(inner))


@pytest.mark.usefixtures("near_gate")
@pytest.mark.parametrize("family", ["bert", "t5"])
def test_a_body_that_another_class_names_otherwise_takes_it_too(make: Make, tmp_path: Path, family: str) -> None:
    """A classifier says `bert.encoder`, the encoder under a decoder of ours `encoder`; T5's `transformer.` goes too."""
    run = make(family, tuning=[LORA], train=FAST).run(out="first")
    one = saved.load(run.directory).model.module
    decoder = {"decoder": {"layers": 1, "width": 16, "heads": 2, "dropout": 0.1}} if family == "bert" else {}
    card = tiny.write_card(tmp_path, "forms", world="commands", rows={"train": 24, "dev": 8, "test": 8})
    tree = tiny.recipe_tree(run.directory, card) | {"task": {"kind": "parsing", "form_tokens": 24, **decoder}}
    parts = tiny.Tiny(tmp_path, tiny.write_recipe(tmp_path / "forms.json", tree)).parts()
    body = dict(backbone.transformer_of(parts.moving.bare).base_model.named_parameters())
    theirs = {name: own for name, own in one.base_model.named_parameters() if "layer" in name}
    assert len(theirs) > 10
    assert not [name for name, own in theirs.items() if not torch.equal(own, body[name])]


def test_a_base_that_is_gone_or_other_is_told(make: Make, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(json.loads(make().recipe.read_text())["model"]["checkpoint"], base)
    parts = make(base, tuning=[LORA]).parts()
    parts.save(tmp_path / "model")
    settings = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(settings | {"layer_norm_eps": 1e-3}))
    with pytest.raises(BadInput, match="holds other bytes than when the adapter was trained"):
        saved.load(tmp_path / "model")
    shutil.rmtree(base)
    with pytest.raises(BadInput, match=r"is not to be had(.|\n)*nlptl export RUN FOLDER --merge"):
        saved.load(tmp_path / "model")


def test_adapters_of_others_are_told_what_to_do(make: Make, tmp_path: Path) -> None:
    parts = make(tuning=[LORA]).parts()
    place = tmp_path / "model"
    parts.save(place)
    (place / "MANIFEST.json").unlink()
    settings = json.loads((place / "nlptl.json").read_text())
    (place / "nlptl.json").write_text(json.dumps({name: one for name, one in settings.items() if name != "base"}))
    with pytest.raises(BadInput, match=r"an adapter that nlptl did not save.*merge_and_unload"):
        backbone.inspect(str(place))
    (place / "nlptl.json").write_text(json.dumps(settings))
    (place / "adapter_config.json").rename(tmp_path / "away")
    with pytest.raises(BadInput, match=r"has adapter_model.safetensors without adapter_config.json"):
        backbone.inspect(str(place))
    odd = json.loads((tmp_path / "away").read_text()) | {"peft_type": "XLORA"}
    (place / "adapter_config.json").write_text(json.dumps(odd))
    opened = backbone.open_checkpoint(backbone.inspect(str(place)), max_tokens=16, head_seed=0)
    with pytest.raises(BadInput, match="adapters of kind 'XLORA' are not known here"):
        opened.model("AutoModelForSequenceClassification", {"num_labels": 3}, "keep")
    (place / "model.safetensors").write_bytes(b"")
    with pytest.raises(BadInput, match="an adapter beside whole weights"):
        backbone.inspect(str(place))


@pytest.mark.usefixtures("near_gate")
def test_export_gives_a_plain_checkpoint_that_answers_alike(make: Make, tmp_path: Path) -> None:
    """In a fresh process; and with transformers' own pipeline."""
    import transformers

    run = make(tuning=[LORA], train=FAST).run()
    done = tiny.warm("-m", "nlptl", "export", str(run.directory), str(tmp_path / "plain"), "--merge")
    assert done.returncode == 0, done.stderr
    assert "merged into plain weights" in done.stdout
    names = {file.name for file in (tmp_path / "plain").iterdir()}
    assert "model.safetensors" in names
    assert not {name for name in names if name.startswith("adapter")}
    assert "PeftModel" not in (tmp_path / "plain" / "README.md").read_text()
    pipeline = transformers.pipeline("text-classification", model=str(tmp_path / "plain"), top_k=None)
    with_adapter = saved.load(run.directory, merged=False)
    for text, said in zip(TEXTS, with_adapter.predict(TEXTS), strict=True):
        (theirs,) = pipeline([text])
        ours = said.detail["probabilities"]
        assert {one["label"]: one["score"] for one in theirs} == pytest.approx(dict(ours), abs=1e-5)
    assert backbone.inspect(str(tmp_path / "plain")).base is None


def test_export_that_answers_otherwise_leaves_nothing(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when merging lost what the adapter does; the fresh process loads whole weights."""
    from nlptl.modules import adapting

    run = make(tuning=[LORA], train=FAST).run()
    monkeypatch.undo()
    monkeypatch.setattr(adapting, "merged", lambda model: _taken_out(model, adapting))
    with pytest.raises(ReloadMismatch):
        exporting.export(run.directory, tmp_path / "plain", merge=True)
    assert not (tmp_path / "plain").exists()


def _taken_out(model: Any, adapting: Any) -> None:
    """Lose what the adapter does."""
    for path, layer in adapting.layers(model):
        owner, _, name = path.rpartition(".")
        setattr(model.get_submodule(owner), name, layer.get_base_layer())
    del model.peft_config


@pytest.mark.usefixtures("near_gate")
def test_export_of_whole_weights_is_a_copy_and_has_nothing_to_merge(make: Make, tmp_path: Path) -> None:
    run = make().run()
    found = exporting.export(run.directory, tmp_path / "copy", merge=False)
    assert (found.merged, found.rows) == (False, exporting.PROBE)
    names = [{file.name for file in place.iterdir()} for place in (run.directory / "model", tmp_path / "copy")]
    assert names[0] == names[1]
    with pytest.raises(BadInput, match="no adapter to merge"):
        exporting.export(run.directory, tmp_path / "other", merge=True)
    with pytest.raises(BadInput, match="is the model itself"):
        exporting.export(run.directory, run.directory / "model", merge=False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("a")
    with pytest.raises(BadInput, match="was not made by nlptl"):
        exporting.export(run.directory, tmp_path / "full", merge=False)
