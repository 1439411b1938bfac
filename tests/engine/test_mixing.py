"""Mixtures: one body, a head each; each step of the task that was drawn; a killed one goes on; bad ones are refused."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mixing_help
import pytest
import tiny

from nlptl import mixing, seeds
from nlptl.errors import BadInput, ReloadMismatch
from nlptl.job import Progress, Watch

Make = Callable[..., Path]


def test_shares_by_hand() -> None:
    assert mixing.shares([100, 400], 1) == pytest.approx([0.2, 0.8])
    assert mixing.shares([100, 400], 2) == pytest.approx([1 / 3, 2 / 3]), "10 and 20"
    assert mixing.shares([1, 8, 27], 3) == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    assert mixing.shares([100, 400], 1000) == pytest.approx([0.5, 0.5], abs=1e-3)


def test_draws_keep_to_the_shares_and_depend_on_the_step_alone() -> None:
    drawn = mixing.draws([0.2, 0.5, 0.3], 20_000, 13)
    counts = Counter(drawn)
    for number, share in enumerate((0.2, 0.5, 0.3)):  # four standard deviations of a binomial
        assert abs(counts[number] / 20_000 - share) < 4 * (share * (1 - share) / 20_000) ** 0.5
    assert mixing.draws([0.2, 0.5, 0.3], 50, 13) == drawn[:50]
    assert mixing.draws([0.2, 0.5, 0.3], 50, 14) != drawn[:50]
    firsts = [seeds.stream(13, "mix", step).random() for step in (1, 2, 3)]
    assert drawn[:3] == [int(one > 0.2) + int(one > 0.7) for one in firsts]


@pytest.fixture
def two(checkpoint: Make, tmp_path: Path) -> Any:
    """Give a mixture of two classifications without dropout, one of three labels, one of four."""
    body, rows = checkpoint("bert", still=True), {"train": 24, "dev": 8, "test": 8}
    return mixing_help.mixture({
        "a": mixing_help.inputs(tmp_path / "in", body, "a", source={"rows": rows}, epochs=2),
        "b": mixing_help.inputs(
            tmp_path / "in", body, "b", source={"seed": 2, "classes": 4, "rows": rows | {"train": 40}}, epochs=2
        ),
    })  # fmt: skip


def test_it_trains_as_a_plain_loop_over_one_body_does(two: Any, tmp_path: Path, near_gate: None) -> None:
    """Two heads on one body by transformers and torch alone: gradients, clipping, decay, schedule, idle heads."""
    import torch
    from transformers import AutoModelForSequenceClassification

    from nlptl import backbone
    from nlptl.data import batches
    from nlptl.mixing import running, training

    with running.opened(two, 13, tmp_path / "run", Watch()) as together:
        features = {name: list(job.features) for name, job in together.entries.items()}
        draws, total = list(together.draws), together.whole.total
        begun = {
            name: {key: one.detach().clone() for key, one in job.moving.bare.state_dict().items()}
            for name, job in together.entries.items()
        }
        training.train(together, Progress())
        ended = {name: dict(job.moving.bare.named_parameters()) for name, job in together.entries.items()}
        table = together.entries["a"].moving.trimmed
        assert table is together.entries["b"].moving.trimmed
        ended = {name: {**one, "bert.embeddings.word_embeddings.weight": table.whole()} for name, one in ended.items()}
    assert total == 16
    assert 0 < sum(draws) < total
    models = []
    for name, labels in (("a", 3), ("b", 4)):
        with backbone.silent():
            place = two.entries[name].checkpoint.directory
            one = AutoModelForSequenceClassification.from_pretrained(place, num_labels=labels)
        head = {key: value for key, value in begun[name].items() if "classifier" in key or "pooler" in key}
        one.load_state_dict(head, strict=False)
        models.append(one.train())
    for part in ("embeddings", "encoder"):  # the checkpoint has no pooler: each head brings its own
        setattr(models[1].bert, part, getattr(models[0].bert, part))
    named = dict(torch.nn.ModuleList(models).named_parameters())
    plain = [one for key, one in named.items() if "bias" in key or "LayerNorm" in key]
    rest = [one for one in named.values() if all(one is not other for other in plain)]
    optimizer = torch.optim.AdamW([{"params": rest, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}])
    orders = [
        batches.training_steps(features[name], batch=8, epochs=20, seed=seeds.derive(13, "mix", name)) for name in "ab"
    ]
    for step, drawn in enumerate(draws, 1):
        chosen = next(orders[drawn]).features
        longest = max(len(one.input_ids) for one in chosen)
        ids = torch.tensor([[*one.input_ids, *[0] * (longest - len(one.input_ids))] for one in chosen])
        mask = torch.tensor([[1] * len(one.input_ids) + [0] * (longest - len(one.input_ids)) for one in chosen])
        said = models[drawn](input_ids=ids, attention_mask=mask, labels=torch.tensor([one.target for one in chosen]))
        optimizer.zero_grad(set_to_none=True)
        said.loss.backward()
        torch.nn.utils.clip_grad_norm_([one for one in named.values() if one.grad is not None], 1.0)
        warm = 2  # a tenth of 16, rounded up
        rate = 1e-3 * (step / 3 if step <= warm else 1 - (step - 1 - warm) / (total - warm))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
    for name, model in zip("ab", models, strict=True):
        for key, tensor in model.named_parameters():
            if "key.bias" not in key:  # softmax does not see it: its gradient is rounding alone
                assert float((tensor - ended[name][key]).detach().abs().max()) < 2e-5, (name, key)
        moved = model.classifier.weight - begun[name]["classifier.weight"]
        assert float(moved.detach().abs().max()) > 1e-3


def outcomes(directory: Path) -> dict[str, Any]:
    return {name: tiny.outcome(directory / name) for name in ("a", "b")}


class Killed(Exception):
    """Stands for what ends a process in the midst."""


def test_a_killed_one_goes_on_as_if_nothing_had_happened(
    two: Any, checkpoint: Make, tmp_path: Path, near_gate: None
) -> None:
    """With dropout. Ended at an evaluation, between checkpoints, and between the ends of the two tasks."""
    body = checkpoint("bert")
    entries = {name: mixing_help.inputs(tmp_path / "drop", body, name, epochs=2, source={"classes": 3 + number},
                                        machine={"save_every": 3}) for number, name in enumerate("ab")}  # fmt: skip
    mixture = mixing_help.mixture(entries)
    whole = mixing.run_seed(mixture, 13, tmp_path / "whole", Watch())
    directory = whole["a"].directory.parent

    def look(step: int, score: float) -> None:
        raise Killed

    def step(one: Any, total: int) -> None:
        if one.number == 17:
            raise Killed

    def say(text: str) -> None:
        if text == "b: scoring and saving":
            raise Killed

    for watch in (Watch(looked=look), Watch(step=step), Watch(say=say)):
        with pytest.raises(Killed):
            mixing.run_seed(mixture, 13, tmp_path / "killed", watch)
        (begun,) = (tmp_path / "killed").iterdir()
        assert not json.loads((begun / "mixture.json").read_text())["finished"]
    assert (begun / "a" / "report.json").is_file()
    again = mixing.run_seed(mixture, 13, tmp_path / "killed", Watch())
    assert again["b"].directory.parent.name == directory.name
    assert outcomes(begun) == outcomes(directory)
    assert mixing.run_seed(mixture, 13, tmp_path / "killed", Watch())["a"].found


def test_one_body_is_saved_with_a_head_for_each(two: Any, tmp_path: Path, near_gate: None) -> None:
    from transformers import AutoModelForSequenceClassification

    found = mixing.run_seed(two, 13, tmp_path, Watch())
    first, second = (tiny.weights(found[name].directory) for name in "ab")
    body = [name for name in first if name.startswith("bert.") and "pooler" not in name]  # of which it has none
    assert all(first[name].numpy().tobytes() == second[name].numpy().tobytes() for name in body)
    assert first["classifier.weight"].shape != second["classifier.weight"].shape
    said = json.loads((found["a"].directory.parent / "mixture.json").read_text())
    assert said["shared_tensors"] == len(body)
    taken = [one["steps"] for one in said["entries"]]
    assert sum(taken) == said["steps"] == 16
    for number, name in enumerate("ab"):
        report = found[name].report
        assert report["mixed"]["with"] == ["b" if name == "a" else "a"]
        assert report["training"]["steps"] == taken[number]
        log = [json.loads(line)["number"] for line in (found[name].directory / "log.jsonl").read_text().splitlines()]
        assert log == list(range(1, taken[number] + 1))
        model = AutoModelForSequenceClassification.from_pretrained(found[name].directory / "model")
        assert model.config.num_labels == 3 + number
    page = (found["a"].directory.parent / "report.html").read_text()
    assert 'href="a/report.html"' in page
    assert "<script" not in page


def test_the_best_mean_chooses_the_weights(two: Any, tmp_path: Path, near_gate: None) -> None:
    found = mixing.run_seed(two, 13, tmp_path, Watch())
    said = json.loads((found["a"].directory.parent / "mixture.json").read_text())
    means = {
        one["step"]: sum(metrics["accuracy"] for metrics in one["entries"].values()) / 2 for one in said["history"]
    }
    assert list(means) == [8, 16]
    assert said["best_step"] == max(means, key=lambda step: means[step])
    assert said["best_score"] == pytest.approx(max(means.values()))
    for name in "ab":
        history = {one["step"]: one["entries"][name]["accuracy"] for one in said["history"]}
        assert found[name].report["selection"]["metrics"]["accuracy"] == pytest.approx(history[said["best_step"]])


TASKS = {
    "bert": ("qa", "classification", "parsing", "language"),
    "gpt2": ("language", "classification", "parsing"),
    "t5": ("classification", "parsing"),
}


@pytest.mark.parametrize("family", TASKS)
def test_any_tasks_share_a_body(family: str, checkpoint: Make, tmp_path: Path, near_gate: None) -> None:
    """Trained, saved, reloaded: the gate holds every task against what was trained; bodies are compared on the disk."""
    rows = {"train": 16, "dev": 8, "test": 8}
    entries = {
        kind: mixing_help.inputs(
            tmp_path / "in", checkpoint(family), kind, task=kind, generates=family != "bert", source={"rows": rows},
            evaluate_every=3,
        )
        for kind in TASKS[family]
    }
    found = mixing.run_seed(mixing_help.mixture(entries), 13, tmp_path, Watch())
    first = next(iter(found))
    whole = found[first].directory.parent
    said = json.loads((whole / "mixture.json").read_text())
    page = (whole / "report.html").read_text()
    assert all(f"{kind}/report.html" in page for kind in found)
    looks = json.loads((whole / "tables" / "history.json").read_text())["rows"]
    assert len(looks) == len(said["history"]) > 1
    assert said["shared_tensors"] > 20
    assert {one.report["task"] for one in found.values()} == set(TASKS[family])
    assert found[first].report["training"]["planned_steps"] > 0


KINDS = ("freeze", "lora", "ia3", "l2sp", "reinit", "mixout", "adversarial", "rdrop", "bias", "norms", "decay")


@pytest.mark.parametrize("kind", KINDS)
def test_a_tuning_moves_one_body(kind: str, checkpoint: Make, tmp_path: Path) -> None:
    import contract.shelves as shelves

    from nlptl.mixing import joining, running, training

    tuning = [shelves.least("tuning", kind)]
    train = {"weight_decay": 0.0} if kind == "l2sp" else {}
    tuning = tuning if kind in ("freeze", "lora", "ia3", "bias", "norms") else [{"kind": "full"}, *tuning]
    rows = {"train": 16, "dev": 8, "test": 8}
    entries = {
        name: mixing_help.inputs(
            tmp_path / "in", checkpoint("bert"), name, tuning=tuning, learning_rate=1e-2,
            source={"seed": number, "rows": rows}, **train,
        )
        for number, name in enumerate("ab")
    }  # fmt: skip
    with running.opened(mixing_help.mixture(entries), 13, tmp_path / "run", Watch()) as together:
        one, other = (joining.bodies(job.moving.model) for job in together.entries.values())
        before = {name: tensor.detach().clone() for name, tensor in one.items()}
        taken = list(itertools.islice(training._steps(together, 0), 4))
        assert len(taken) == 4
        one, other = (joining.bodies(job.moving.model) for job in together.entries.values())
        assert one.keys() == other.keys()
        assert all(tensor is other[name] for name, tensor in one.items())
        moved = {name for name, tensor in one.items() if not bool((tensor == before[name]).all())}
        assert moved <= {name for name, tensor in one.items() if tensor.requires_grad}
        assert moved


def test_adapters_are_saved_alike_and_found_again(checkpoint: Make, tmp_path: Path, near_gate: None) -> None:
    rows = {"train": 16, "dev": 8, "test": 8}
    entries = {
        name: mixing_help.inputs(
            tmp_path / "in", checkpoint("bert"), name, tuning=[{"kind": "lora"}], learning_rate=1e-2,
            source={"seed": number, "rows": rows},
        )
        for number, name in enumerate("ab")
    }  # fmt: skip
    found = mixing.run_seed(mixing_help.mixture(entries), 13, tmp_path, Watch())
    said = json.loads((found["a"].directory.parent / "mixture.json").read_text())
    assert said["shared_tensors"] >= 4


def test_what_is_frozen_is_replayed_for_each_task(checkpoint: Make, tmp_path: Path, near_gate: None) -> None:
    """With the store and without it the same predictions; both tasks use it."""
    said = []
    for frozen in ("auto", "off"):
        entries = {
            name: mixing_help.inputs(
                tmp_path / frozen, checkpoint("bert", still=True), name, epochs=2, source={"seed": number},
                tuning=[{"kind": "freeze", "blocks": 2}], machine={"frozen": frozen},
            )
            for number, name in enumerate("ab")
        }  # fmt: skip
        found = mixing.run_seed(mixing_help.mixture(entries), 13, tmp_path / "runs" / frozen, Watch())
        said.append({name: tiny.predictions(one.directory) for name, one in found.items()})
        hits = [one.report["training"]["frozen"]["hits"] for one in found.values()]
        assert all(hits) if frozen == "auto" else not any(hits)
        shutil.rmtree(tmp_path / "runs")
    for name in "ab":
        assert [one["predicted"] for one in said[0][name]] == [one["predicted"] for one in said[1][name]]


def test_one_head_for_all_is_moved_by_all_and_saved_once(checkpoint: Make, tmp_path: Path, near_gate: None) -> None:
    """Two worlds of the same labels: whole models are equal byte for byte, what follows from them is each one's own."""
    rows = {"train": 24, "dev": 8, "test": 8}

    def entries(folder: str, **changes: Any) -> dict[str, Any]:
        return {
            name: mixing_help.inputs(
                tmp_path / folder, checkpoint("bert"), name,
                source={"seed": number, "rows": rows} | changes.get(name, {}),
            )
            for number, name in enumerate("ab", 1)
        }  # fmt: skip

    found = mixing.run_seed(mixing.Mixture("joint", entries("same"), 1.0, "one"), 13, tmp_path, Watch())
    first, second = (tiny.weights(found[name].directory) for name in "ab")
    assert first.keys() == second.keys()
    assert all(first[name].numpy().tobytes() == second[name].numpy().tobytes() for name in first)
    whole = found["a"].directory.parent
    assert json.loads((whole / "mixture.json").read_text())["shared_tensors"] == len(first)
    each = mixing.run_seed(mixing.Mixture("joint", entries("same"), 1.0), 13, tmp_path, Watch())
    assert each["a"].directory.parent != whole
    assert not bool((tiny.weights(each["a"].directory)["classifier.weight"] == first["classifier.weight"]).all())
    other = mixing.Mixture("joint", entries("other", b={"classes": 4}), 1.0, "one")
    with pytest.raises(BadInput, match="is not what 'a' did"):
        mixing.run_seed(other, 13, tmp_path / "other", Watch())
    assert not list((tmp_path / "other").glob("joint-*"))


def test_bodies_that_differ_on_the_disk_are_a_fault_that_is_told() -> None:
    import torch

    from nlptl.mixing import ending

    stored: dict[str, Any] = {}
    shared: set[str] = set()
    ending._hold(stored, shared, "a", "encoder.weight", torch.zeros(3))
    ending._hold(stored, shared, "b", "encoder.weight", torch.zeros(3))
    assert shared == {"encoder.weight"}
    with pytest.raises(ReloadMismatch, match=r"encoder\.weight differs between the models of a and c"):
        ending._hold(stored, shared, "c", "encoder.weight", torch.tensor([0.0, 0.0, 1e-30]))
