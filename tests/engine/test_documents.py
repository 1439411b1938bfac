"""Classification of texts that are longer than the window, and of texts and settings that are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from torch.nn import functional

from nlptl import documents, prepare
from nlptl.checks import check
from nlptl.errors import BadInput
from nlptl.tasks import Row

Make = Callable[..., tiny.Tiny]
WINDOWS = {"long": "windows", "stride": 4}


@pytest.mark.parametrize(
    ("tokens", "room", "stride", "starts"),
    [(4, 4, 0, [0]), (5, 4, 0, [0, 1]), (8, 4, 0, [0, 4]), (10, 4, 1, [0, 3, 6]), (11, 4, 1, [0, 3, 6, 7])],
)
def test_where_windows_begin(tokens: int, room: int, stride: int, starts: list[int]) -> None:
    assert documents.window_starts(tokens, room, stride) == starts


def encoded(parts: tiny.Parts, *texts: str, purpose: Any = "predict") -> list[Any]:
    """Encode texts, the first of class 0, the next of class 1."""
    rows = [Row(str(place), {"text": text, "label": f"class{place}"}, "") for place, text in enumerate(texts)]
    found: list[Any] = parts.inputs.recipe.task.encode(rows, parts.opened, parts.fitted, purpose)
    return found


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5", "mbart"])
def test_head_and_tail_and_windows_are_pieces_of_the_whole(make: Make, family: str) -> None:
    sections: dict[str, dict[str, Any]] = {"cut": {}, "head_tail": {}, "windows": WINDOWS}
    text = " ".join(["bado", "rik", "mena", "tolu", "sona"][number % 5] for number in range(40))
    short = "rik mena"
    parts = {
        long: make(family, model={"max_tokens": 24}, task={"long": long, **more}).parts()
        for long, more in sections.items()
    }
    tokenizer = parts["cut"].opened.tokenizer
    whole, inner = tokenizer(text)["input_ids"], tokenizer(text, add_special_tokens=False)["input_ids"]
    opening = {"bert": 1}.get(family, 0)
    before, after = whole[:opening], whole[opening + len(inner) :]
    room = 24 - len(before) - len(after)
    (cut,) = encoded(parts["cut"], text)
    assert list(cut.input_ids) == [*before, *inner[:room], *after]
    (both,) = encoded(parts["head_tail"], text)
    head = room // 4  # Sun et al.: 128 of 510, a quarter
    assert list(both.input_ids) == [*before, *inner[:head], *inner[-(room - head) :], *after]
    assert cut.cut == both.cut == len(inner) - room
    several = encoded(parts["windows"], text)
    assert [one.window for one in several] == list(range(len(several)))
    assert {one.cut for one in several} == {0}
    assert {len(one.input_ids) for one in several} == {24}
    pieces = [list(one.input_ids[len(before) : 24 - len(after)]) for one in several]
    assert pieces[0] == inner[:room]
    assert pieces[1] == inner[room - 4 : 2 * room - 4], "neighbours share the stride"
    assert pieces[-1] == inner[-room:], "the last one ends the text"
    for one in parts.values():
        assert [list(feature.input_ids) for feature in encoded(one, short)] == [tokenizer(short)["input_ids"]]


@pytest.mark.parametrize("weights", ["none", "balanced"])
@pytest.mark.parametrize("world", ["topics", "several"])
def test_a_row_of_many_windows_counts_once(make: Make, world: str, weights: str) -> None:
    """Against the definition: the mean over a row's windows, summed over rows, each row with its weight."""
    parts = make(source={"world": world}, model={"max_tokens": 16}, task={**WINDOWS, "weights": weights}).parts()
    texts = ["bado rik " * 20, "mena", "tolu sona " * 9]
    column, gold = ("labels", [["class0"], ["class1"], ["class0", "class2"]]) if world == "several" else (
        "label", ["class0", "class1", "class2"])  # fmt: skip
    rows = [Row(str(place), {"text": text, column: gold[place]}, "") for place, text in enumerate(texts)]
    task, module = parts.inputs.recipe.task, parts.moving.bare.eval()
    features = task.encode(rows, parts.opened, parts.fitted, "train")
    assert len(features) > 5
    found = parts.verbs.loss(module, parts.verbs.collate(features))
    factors = torch.ones(3) if parts.fitted.weights is None else torch.tensor(parts.fitted.weights)
    total = count = 0.0
    for row, labels in zip(rows, gold, strict=True):
        own = [one for one in features if one.row_id == row.id]
        with torch.no_grad():
            logits = torch.cat([module(**parts.verbs.collate([one]).inputs).logits for one in own])
        if world == "several":
            target = torch.tensor([float(name in labels) for name in parts.fitted.names]).expand_as(logits)
            losses = functional.binary_cross_entropy_with_logits(logits, target, pos_weight=factors, reduction="none")
            total, count = total + float(losses.mean(1).mean()), count + 1
        else:
            place = parts.fitted.names.index(labels)
            losses = functional.cross_entropy(logits, torch.full((len(own),), place), reduction="none")
            total, count = total + float(losses.mean() * factors[place]), count + float(factors[place])
    assert found.total.item() == pytest.approx(total, rel=1e-5)
    assert found.count.item() == pytest.approx(count, rel=1e-6)


def test_logits_of_windows_are_averaged(make: Make) -> None:
    from nlptl.tasks import Partial

    parts = make(task=WINDOWS).parts()
    partials = [Partial("a", 0, [0.0, 3.0, 0.0]), Partial("a", 1, [4.0, 0.0, -1.0])]
    row = Row("a", {"text": "rik"}, "")
    merged = parts.inputs.recipe.task.merge(row, partials, parts.opened, parts.fitted)
    exact = torch.tensor([2.0, 1.5, -0.5]).softmax(0).tolist()
    assert list(merged.detail["probabilities"].values()) == pytest.approx(exact, abs=1e-6)
    assert merged.value == parts.fitted.names[0]


def test_what_stands_at_the_end_is_read_or_not(make: Make, tmp_path: Path, near_gate: None) -> None:
    """The last word alone tells the class: whoever cuts must guess."""
    lines = [f"{'rik ' * 40}{word}\t{label}" for word, label in (("bado", "left"), ("mena", "right"))] * 8
    (tmp_path / "rows.tsv").write_text("\n".join(["text\tlabel", *lines]) + "\n")
    card = {
        "name": "ends", "title": "Ends", "description": "Invented.", "tasks": ["classification"], "languages": ["eng"],
        "licence": "none", "citation": "none", "labels": ["left", "right"],
        "source": {"kind": "table", "delimiter": "tab", "quoting": "none", "header": True},
        "columns": {"text": "text", "label": "label"}, "splits": {"train": {"files": [{"file": "rows.tsv"}]}},
    }  # fmt: skip
    (tmp_path / "ends.yaml").write_text(json.dumps(card))
    scores = {}
    for long in ("cut", "head_tail", "windows"):
        made = make(
            still=True, data={"card": str(tmp_path / "ends.yaml"), "root": str(tmp_path)}, model={"max_tokens": 24},
            task={"long": long, "stride": 4 if long == "windows" else 0}, evaluate=[{"split": "train"}],
            train={"epochs": 15, "learning_rate": 5e-3, "select": "last", "evaluate_every": 1000},
        )  # fmt: skip
        result = made.run(out=long)
        scores[long] = result.score("train")
        assert (result.report["cut"]["train"]["rows"] == 0) == (long == "windows")
    assert scores == {"cut": 0.5, "head_tail": 1.0, "windows": 1.0}


def test_settings_that_do_not_go_together_are_refused(make: Make) -> None:
    with pytest.raises(BadInput, match="there are none"):
        make(task={"stride": 4}).parts()
    with pytest.raises(BadInput, match="pairs of texts can only be cut"):
        make(source={"world": "pairs"}, task={"long": "head_tail"}).parts()
    made = make(model={"max_tokens": 16}, task={"long": "windows", "stride": 14})
    with pytest.raises(BadInput, match="windows hold 14 tokens of a text, so neighbours cannot share 14"):
        prepare.look_ahead(prepare.gather(check(made.recipe)), 13)


@pytest.mark.parametrize(
    ("kind", "task", "message"),
    [
        ("XGLMConfig", {"kind": "classification"}, "no sequence classifier of this architecture"),
        ("GemmaConfig", {"kind": "qa", "stride": 4, "answer_tokens": 4}, "no model for question answering of this"),
    ],
)
def test_architectures_without_a_class_are_refused(
    make: Make, tmp_path: Path, kind: str, task: dict[str, Any], message: str
) -> None:
    import transformers
    from tiny_checkpoints import tokenizer

    words = tokenizer("gpt2")
    sizes = {"d_model": 32, "ffn_dim": 64, "num_layers": 1, "attention_heads": 2} if kind == "XGLMConfig" else {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 16,
        "num_key_value_heads": 1}  # fmt: skip
    config = getattr(transformers, kind)(vocab_size=len(words), **sizes)
    tiny.save_pretrained(transformers.AutoModelForCausalLM.from_config(config), tmp_path / "start")
    words.save_pretrained(tmp_path / "start")
    world = "questions" if task["kind"] == "qa" else "topics"
    made = make(tmp_path / "start", source={"world": world}, task=task)
    with pytest.raises(BadInput, match=message):
        prepare.look_ahead(prepare.gather(check(made.recipe)), 13)
    assert not (tmp_path / "runs").exists()


def test_an_architecture_that_reads_its_padding_is_refused(make: Make, tmp_path: Path) -> None:
    """XLNet classifies at the last column, whatever stands there, and wants padding before the text."""
    import transformers
    from tiny_checkpoints import tokenizer

    words = tokenizer("xlm-roberta")
    config = transformers.XLNetConfig(vocab_size=len(words), d_model=32, n_layer=1, n_head=2, d_inner=64,
                                      initializer_range=0.3)  # fmt: skip
    tiny.save_pretrained(transformers.AutoModelForCausalLM.from_config(config), tmp_path / "start")
    words.save_pretrained(tmp_path / "start")
    with pytest.raises(BadInput, match="it reads the padding"):
        make(tmp_path / "start").parts()


@pytest.mark.parametrize("family", ["gpt2", "smollm2", "qwen2", "mbart", "t5"])
def test_a_text_without_a_token_is_answered_too(make: Make, family: str) -> None:
    """GPT's kin make no token of "": the end mark stands there alone, in any batch."""
    from nlptl import evaluate

    parts = make(family).parts()
    rows = [Row(str(place), {"text": text}, "") for place, text in enumerate(["", "bado rik mena tolu sona", "rik"])]

    def said(chosen: list[Row]) -> list[Any]:
        task, moving = parts.inputs.recipe.task, parts.moving
        return evaluate.witnesses(moving.bare, task, chosen, parts.opened, parts.fitted, moving.computing)

    assert said(rows[:1])[0] == pytest.approx(said(rows)[0], abs=1e-5)
