"""Dropout that a model calls as a function: by example as well, the same mathematics, and nothing left behind."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from nlptl.modules import called_dropout, dropout


class Calling(nn.Module):
    """Calls dropout twice, as BART's layers do."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.dropout = p

    def forward(self, x: torch.Tensor, fail: bool = False) -> torch.Tensor:
        """Drop, and drop again."""
        once = functional.dropout(x, p=self.dropout, training=self.training)
        if fail:
            raise ValueError("on purpose")
        return functional.dropout(torch.ones_like(x), p=self.dropout, training=self.training) + 2 * once


class Attending(nn.Module):
    """Attends by torch's fused kernel."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.attention_dropout = p

    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, **how: Any) -> torch.Tensor:
        """Attend."""
        p = self.attention_dropout if self.training else 0.0
        return functional.scaled_dot_product_attention(query, key, value, dropout_p=p, **how)


def noise_for(keys: list[int], lengths: list[int]) -> dropout.Noise:
    noise = dropout.Noise()
    noise.begin(keys, [dropout.Stream(lengths, max(lengths))])
    return noise


def test_each_call_has_masks_of_its_own_that_belong_to_the_example() -> None:
    model, x = nn.Sequential(Calling()).train(), torch.ones(3, 6, 32)
    noise = noise_for([7, 8, 9], [6, 6, 6])
    assert called_dropout.install(model, noise) == 1
    together = model(x)
    assert set(together.unique().tolist()) == {0.0, 2.0, 4.0, 6.0}, "two masks, drawn apart"
    noise.begin([8], [dropout.Stream([6], 6)])
    assert torch.equal(model(x[1:2])[0], together[1])
    again = model(x[1:2])
    assert not torch.equal(again[0], together[1]), "a second pass draws others"


def test_what_is_frozen_or_evaluated_is_left_alone() -> None:
    model, x = nn.Sequential(Calling(), Calling()), torch.ones(1, 4, 8)
    called_dropout.install(model, noise_for([1], [4]))
    assert torch.equal(model.eval()(x), 7 * x)
    model.train()[0].eval()
    assert not torch.equal(model(x), 7 * x)


@pytest.mark.parametrize("how", ["plain", "bool", "float", "causal", "scale", "gqa"])
def test_attention_is_torchs(how: str) -> None:
    """At a probability too small to drop anything the answer is torch's own."""
    torch.manual_seed(3)
    query, key, value = (torch.randn(2, 4, 5, 8) for _ in range(3))
    allowed = torch.rand(2, 1, 5, 5) > 0.4
    allowed |= torch.eye(5, dtype=torch.bool)
    settings: dict[str, Any] = {
        "bool": {"attn_mask": allowed}, "float": {"attn_mask": torch.randn(2, 1, 5, 5)}, "causal": {"is_causal": True},
        "scale": {"scale": 1.0}, "gqa": {"enable_gqa": True},
    }.get(how, {})  # fmt: skip
    if how == "gqa":
        key, value = key[:, :2], value[:, :2]
    model = Attending(1e-6).train()
    called_dropout.install(model, noise_for([1, 2], [5, 5]))
    expected = functional.scaled_dot_product_attention(query, key, value, **settings)
    assert torch.allclose(model(query, key, value, **settings), expected, atol=1e-6)


def test_attention_drops_weights_by_example() -> None:
    """The values are the identity, so the weights come out: each 0 or twice what it is."""
    query, key = torch.randn(2, 2, 3, 5, 4)
    value = torch.eye(5).expand(2, 3, 5, 5)
    model = Attending(0.5).train()
    noise = noise_for([4, 5], [5, 5])
    called_dropout.install(model, noise)
    query, key = query.expand(2, 3, 5, 4), key.expand(2, 3, 5, 4)
    dropped, whole = model(query, key, value), model.eval()(query, key, value)
    kept = dropped != 0
    assert 0.3 < kept.float().mean() < 0.7
    assert torch.allclose(dropped[kept], 2 * whole[kept])
    noise.begin([5], [dropout.Stream([5], 5)])
    assert torch.equal(model.train()(query[1:], key[1:], value[1:])[0], dropped[1])


def test_an_error_and_a_removal_leave_torchs_dropout() -> None:
    model, x = nn.Sequential(Calling()).train(), torch.ones(1, 4, 8)
    called_dropout.install(model, noise_for([1], [4]))
    with pytest.raises(ValueError, match="on purpose"):
        model[0](x, fail=True)
    torch.manual_seed(1)
    plain = functional.dropout(x, 0.5, True)
    torch.manual_seed(1)
    assert torch.equal(functional.dropout(x, 0.5, True), plain), "outside of a module that is watched"
    assert called_dropout.remove(model) == 1
    assert not model[0]._forward_hooks
    assert not model[0]._forward_pre_hooks
    torch.manual_seed(1)
    first = model(x)
    torch.manual_seed(1)
    assert torch.equal(model(x), first), "by torch's generator again"


@pytest.mark.parametrize("p", [0.1, 0.3])
def test_as_many_stay_as_should(p: float) -> None:
    model, x = Calling(p).train(), torch.zeros(2, 50, 400)
    called_dropout.install(model, noise_for([1, 2], [50, 50]))
    kept = (model(x) > 0).float().mean()
    assert abs(kept - (1 - p)) < 0.01
