"""Faults of programs like this one, in checkpoints: label order, pad tokens, heads that are lost or not what was saved.

Every test has two halves: with the guard the numbers are right; with the guard taken away the fault appears. So no
test passes because the fault was never there.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from nlptl import cli, evaluate, labels, saved
from nlptl.backbone import models
from nlptl.errors import BadInput, ReloadMismatch
from nlptl.job import Watch
from nlptl.tasks import Batch

Make = Callable[..., tiny.Tiny]


def classifier(folder: Path, names: list[str]) -> Path:
    """Save a tiny checkpoint with a head for these labels."""
    labels = {"id2label": dict(enumerate(names)), "label2id": {name: number for number, name in enumerate(names)}}
    return tiny.save_checkpoint(folder, "bert", labels, auto="AutoModelForSequenceClassification")


def chances(made: tiny.Tiny) -> list[dict[str, float]]:
    """Give what an untrained start says of the test rows, by label name."""
    parts = made.parts()
    task, module = parts.inputs.recipe.task, parts.moving.bare.eval()
    rows = parts.inputs.rows["test"]
    batch = task.collate(task.encode(rows, parts.opened, parts.fitted, "predict"), parts.opened, parts.fitted)
    with torch.inference_mode():
        found = task.decode(module, Batch(batch.features, batch.inputs, {}), parts.opened, parts.fitted)
    said = evaluate.predictions_of(task, rows, found, parts.opened, parts.fitted)
    return [dict(one.detail["probabilities"]) for one in said]


def plainly(folder: Path, made: tiny.Tiny) -> list[dict[str, float]]:
    """Give what transformers alone says of them, by the label names in the checkpoint's configuration."""
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    words = transformers.AutoTokenizer.from_pretrained(folder)
    found = []
    for row in made.parts().inputs.rows["test"]:
        tokens = words(row.values["text"], truncation=True, max_length=48, return_tensors="pt")
        with torch.inference_mode():
            values = model(**tokens).logits[0].softmax(-1)
        found.append({model.config.id2label[number]: float(one) for number, one in enumerate(values)})
    return found


def apart(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> float:
    return max(abs(one[name] - other[name]) for one, other in zip(ours, theirs, strict=True) for name in one)


@pytest.mark.parametrize("order", list(itertools.permutations(["class0", "class1", "class2"])))
def test_labels_in_another_order(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: tuple[str, ...]
) -> None:
    """A head whose labels stand in another order than the card's: outputs go by name, never by number."""
    folder = classifier(tmp_path / "start", list(order))
    made = make(folder, task={"head": "keep"})
    expected = plainly(folder, made)
    assert apart(chances(made), expected) < 1e-6
    if list(order) == sorted(order):
        return
    monkeypatch.setattr(labels, "reorder_head", lambda model, order, names: None)
    assert apart(chances(made), expected) > 0.01


def test_labels_of_another_task_are_refused(make: Make, tmp_path: Path) -> None:
    made = make(classifier(tmp_path / "start", ["class0", "class1", "sport"]), task={"head": "keep"})
    with pytest.raises(BadInput, match=r"the labels differ; only the checkpoint: \['sport'\], only the card"):
        made.parts()


def test_a_trained_head_is_neither_kept_nor_lost_without_a_word(make: Make, tmp_path: Path) -> None:
    made = make(classifier(tmp_path / "start", ["class0", "class1", "class2"]))
    with pytest.raises(BadInput, match=r"set task\.head: new to replace it, or task\.head: keep"):
        made.parts()


def test_a_new_head_is_new_and_the_seeds_own(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`head: new` on a checkpoint that has one: nothing of it is left, and the same seed draws the same again."""
    folder = classifier(tmp_path / "start", ["class0", "class1", "class2"])
    made = make(folder, task={"head": "new"})
    from safetensors.torch import load_file

    old = load_file(folder / "model.safetensors")["classifier.weight"]
    new = made.parts().tensors()["classifier.weight"]
    torch.manual_seed(99)
    assert torch.equal(made.parts().tensors()["classifier.weight"], new), "whatever the global generator is at"
    assert not torch.isclose(old, new).any()
    monkeypatch.setattr(models, "_draw_again", lambda module, names: None)
    assert torch.equal(made.parts().tensors()["classifier.weight"], old), "transformers keeps what fits"


def padless(folder: Path, family: str, changes: dict[str, Any]) -> Path:
    """Save a tiny checkpoint whose tokenizer has no pad token."""
    tiny.save_checkpoint(folder, family, changes)
    settings = folder / "tokenizer_config.json"
    told = json.loads(settings.read_text())
    told |= {"pad_token": None, "tokenizer_class": "PreTrainedTokenizerFast"}
    settings.write_text(json.dumps(told))
    return folder


@pytest.mark.parametrize(
    ("family", "changes", "expected"),
    [
        # RoBERTa counts positions from the pad token that its configuration names: another would shift them all.
        ("roberta", {}, "<pad>"),
        ("bert", {"pad_token_id": None}, "[UNK]"),
    ],
)
def test_a_missing_pad_token(
    make: Make, tmp_path: Path, near_gate: None, family: str, changes: dict[str, Any], expected: str
) -> None:
    """Peers stop at batch 2, or count padding as text. Here one is found, masked, written down, and said."""
    import transformers

    folder = padless(tmp_path / "start", family, changes)
    assert transformers.AutoTokenizer.from_pretrained(folder).pad_token is None
    said: list[str] = []
    result = make(folder, model={"max_tokens": 64}).run(watch=Watch(say=said.append))
    assert any(f"has no pad token; {expected!r} is used" in one for one in said)
    config = json.loads((result.directory / "model" / "config.json").read_text())
    tokenizer = transformers.AutoTokenizer.from_pretrained(result.directory / "model")
    assert tokenizer.pad_token == expected
    assert config["pad_token_id"] == tokenizer.pad_token_id
    loaded = saved.load(result.directory)
    short, longest = "bado", "bado rik lomu " * 40
    together, alone = loaded.predict([short, longest])[0], loaded.predict([short])[0]
    assert dict(together.detail["probabilities"]) == pytest.approx(dict(alone.detail["probabilities"]), abs=1e-5)


def test_a_body_without_token_types_and_a_tokenizer_that_gives_them(
    make: Make, tmp_path: Path, near_gate: None
) -> None:
    """DistilBERT's body with BERT's tokenizer, as some checkpoints on the hub have it."""
    import transformers

    folder = tiny.save_checkpoint(tmp_path / "start", "distilbert")
    transformers.BertTokenizer.from_pretrained(folder).save_pretrained(folder)
    assert "token_type_ids" in transformers.AutoTokenizer.from_pretrained(folder)("bado")
    made = make(folder)
    directory = made.run().directory
    ours = [one["detail"]["probabilities"] for one in tiny.predictions(directory)]
    assert apart(ours, plainly(directory / "model", made)) < 1e-5


def test_padding_that_is_not_masked_would_change_what_is_said(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other half: a short text beside a long one, with the mask and without."""
    parts = make().parts()
    task, module = parts.inputs.recipe.task, parts.moving.bare.eval()
    rows = [task.row_of(text, number) for number, text in enumerate(["bado", "bado rik lomu " * 4])]
    features = task.encode(rows, parts.opened, parts.fitted, "predict")

    def first(chosen: Any, *, masked: bool) -> torch.Tensor:
        inputs = dict(task.collate(chosen, parts.opened, parts.fitted).inputs)
        if not masked:
            inputs["attention_mask"] = torch.ones_like(inputs["attention_mask"])
        with torch.inference_mode():
            return module(**inputs).logits[0]

    alone = first(features[:1], masked=True)
    assert torch.allclose(first(features, masked=True), alone, atol=1e-5)
    assert not torch.allclose(first(features, masked=False), alone, atol=1e-2)


def lose_head(folder: Path) -> None:
    """Replace the saved head by other numbers of the same shape, as a load that draws it anew does."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    tensors["classifier.weight"] = torch.randn(tensors["classifier.weight"].shape, generator=torch.manual_seed(1))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_head_that_is_not_what_was_trained(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The reload gate, with its fresh process, stops a run whose saved head is not the trained one."""
    from nlptl import artifacts
    from nlptl.artifacts import manifest

    write = saved.save

    def save(directory: Path, *arguments: Any) -> None:
        write(directory, *arguments)
        lose_head(directory)
        (directory / artifacts.MANIFEST).unlink()
        manifest.seal(directory, None)

    monkeypatch.setattr(saved, "save", save)
    made = make()
    with pytest.raises(SystemExit) as caught:
        cli.main(["run", str(made.recipe), "--out", str(tmp_path / "runs")])
    assert caught.value.code == ReloadMismatch.exit_code == 70
    (directory,) = (tmp_path / "runs").iterdir()
    assert not (directory / "report.json").exists(), "no numbers without a model that gives them"
    monkeypatch.setattr(saved, "gate", lambda *_: 0.0)
    assert (made.run(out="runs").directory / "report.json").exists(), "without the gate nobody would know"


def test_a_head_that_was_not_saved(make: Make, near_gate: None) -> None:
    """transformers draws a missing head anew and goes on; nlptl does not load such a model."""
    import transformers
    from safetensors.torch import load_file, save_file

    from nlptl import artifacts
    from nlptl.artifacts import manifest

    folder = make().run().directory / "model"
    tensors = load_file(folder / "model.safetensors")
    kept = {name: one for name, one in tensors.items() if not name.startswith("classifier")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadInput, match=r"sha256|bytes"):
        saved.load(folder)
    (folder / artifacts.MANIFEST).unlink()
    manifest.seal(folder, None)
    with pytest.raises(BadInput, match="head"):
        saved.load(folder)
    transformers.utils.logging.set_verbosity_error()
    drawn = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    transformers.utils.logging.set_verbosity_warning()
    assert not torch.isclose(drawn.classifier.weight, tensors["classifier.weight"]).any()
