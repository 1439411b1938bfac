"""The trimmed table against full training of the whole table."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import transformers
from torch import nn

from nlptl.modules import embedding

ROWS, USED = 200, [0, 3, 4, 7, 9, 50, 51, 199]


def _bert() -> Any:
    config = transformers.BertConfig(
        vocab_size=ROWS, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=48,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return transformers.BertForSequenceClassification(config).train()


def _train(model: Any, trimmed: embedding.TrimmedEmbedding | None, steps: int = 50, decay: float = 0.1) -> Any:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=decay, fused=True)
    generator = torch.Generator().manual_seed(3)
    for step in range(steps):
        rate = 1e-3 * (1 - step / steps)
        optimizer.param_groups[0]["lr"] = rate
        ids = torch.tensor(USED)[torch.randint(len(USED), (4, 9), generator=generator)]
        ids[0, 5:] = 0  # padding
        model(input_ids=ids).logits.square().sum().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1e9)
        optimizer.step()
        optimizer.zero_grad()
        if trimmed is not None:
            trimmed.decay_rest(1 - rate * decay)
    return model


def test_fifty_steps_equal_those_of_the_whole_table() -> None:
    full, ours = _bert(), _bert()
    start = full.get_input_embeddings().weight.detach().clone()
    trimmed = embedding.trim(ours, {3, 4, 7, 9, 50, 51, 199})
    assert isinstance(trimmed, embedding.TrimmedEmbedding)
    names = [name for name, _ in ours.named_parameters()]
    assert names == [name for name, _ in full.named_parameters()]
    assert "bert.embeddings.word_embeddings.weight" in names
    assert trimmed.weight.shape == (len(USED), 32)
    _train(full, None)
    _train(ours, trimmed)
    wanted = full.get_input_embeddings().weight.detach()
    assert float((wanted[USED] - start[USED]).abs().max()) > 1e-3
    assert float((trimmed.whole()[USED] - wanted[USED]).abs().max()) == 0.0
    rest = [row for row in range(ROWS) if row not in USED]
    assert float((wanted[rest] - start[rest]).abs().max()) > 1e-5, "the decay must be large enough to be seen"
    torch.testing.assert_close(trimmed.whole()[rest], wanted[rest], atol=1e-6, rtol=0)
    for (name, one), (_, other) in zip(ours.named_parameters(), full.named_parameters(), strict=True):
        if "word_embeddings" not in name:
            assert torch.equal(one, other), name


def test_in_eval_mode_every_row_answers() -> None:
    full, ours = _bert(), _bert()
    trimmed = embedding.trim(ours, set(USED))
    _train(full, None)
    _train(ours, trimmed)
    ids = torch.tensor([[3, 120, 0, 199], [7, 7, 4, 3]])
    full.eval()
    ours.eval()
    with torch.inference_mode():
        torch.testing.assert_close(ours(input_ids=ids).logits, full(input_ids=ids).logits, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(trimmed(ids), full.get_input_embeddings()(ids), atol=1e-6, rtol=0)
    ours.train()
    _train(ours, trimmed, steps=1)
    with pytest.raises(AssertionError, match="trim was not told"):
        ours(input_ids=ids)


def test_restore_gives_a_plain_table() -> None:
    full, ours = _bert(), _bert()
    trimmed = embedding.trim(ours, set(USED))
    _train(full, None)
    _train(ours, trimmed)
    assert embedding.restore(ours)
    assert not embedding.restore(ours)
    table = ours.get_input_embeddings()
    assert type(table) is nn.Embedding
    assert table.padding_idx == 0
    assert isinstance(table.weight, nn.Parameter)
    assert list(ours.state_dict()) == list(full.state_dict())
    torch.testing.assert_close(table.weight, full.get_input_embeddings().weight, atol=1e-6, rtol=0)


def test_state_goes_on_where_it_was() -> None:
    """A checkpoint holds the used rows and one number; the rest is the checkpoint that training began with."""
    model = _bert()
    trimmed = embedding.trim(model, set(USED))
    _train(model, trimmed)
    stored, number = copy.deepcopy(model.state_dict()), trimmed.rest_decay
    assert stored["bert.embeddings.word_embeddings.weight"].shape == (len(USED), 32)
    again = _bert()
    other = embedding.trim(again, set(USED))
    again.load_state_dict(stored)
    other.rest_decay = number
    assert torch.equal(other.whole(), trimmed.whole())


def test_the_source_rows_do_not_move() -> None:
    model = _bert()
    table = model.get_input_embeddings().weight.detach().clone()
    trimmed = embedding.trim(model, set(USED))
    _train(model, trimmed, steps=5)
    assert torch.equal(trimmed.rest, table)
    for _ in range(100_000):
        trimmed.decay_rest(1 - 1e-7)
    assert trimmed.rest_decay == pytest.approx(0.9900498337, rel=2e-3)


def _tied() -> Any:
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=ROWS))


def _changed(attribute: str, value: Any) -> Any:
    model = _bert()
    setattr(model.get_input_embeddings(), attribute, value)
    return model


def _frozen() -> Any:
    model = _bert()
    model.get_input_embeddings().weight.requires_grad_(False)
    return model


@pytest.mark.parametrize(
    ("make", "used", "why"),
    [
        (_tied, USED, "output layer"),
        (_bert, range(190), "190 of 200"),
        (_bert, [], "no row"),
        (_frozen, USED, "frozen"),
        (lambda: _changed("max_norm", 1.0), USED, "max_norm"),
        (lambda: _changed("scale_grad_by_freq", True), USED, "max_norm"),
        (lambda: _changed("sparse", True), USED, "max_norm"),
    ],
)
def test_where_it_is_not_exact_or_not_worth_it_it_says_why(make: Any, used: Any, why: str) -> None:
    model = make()
    table = model.get_input_embeddings()
    found = embedding.trim(model, set(used))
    assert isinstance(found, embedding.Off)
    assert why in found.why
    assert model.get_input_embeddings() is table
