"""Dropout whose mask belongs to the example: invariance, statistics, gradient, and putting it back."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from nlptl.modules import dropout

P = 0.1


def announce(noise: dropout.Noise, keys: list[int], lengths: list[int], shared: int = 0) -> None:
    """Begin a micro-batch of one stream, as long as its longest."""
    noise.begin(keys, [dropout.Stream(lengths, max(lengths))], shared=shared)


def _site(noise: dropout.Noise, name: str = "site", p: float = P) -> dropout.ExampleDropout:
    return dropout.ExampleDropout(p, noise, name).train()


def _masks(noise: dropout.Noise, keys: list[int], lengths: list[int], tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Give what a hidden site and an attention site of a micro-batch multiply by."""
    noise.begin(keys, [dropout.Stream(lengths, tokens)])
    hidden = _site(noise, "hidden")(torch.ones(len(keys), tokens, 24))
    attention = _site(noise, "attention")(torch.ones(len(keys), 3, tokens, tokens))
    return hidden, attention


@pytest.mark.parametrize("padding", ["left", "right"])
@pytest.mark.parametrize("width", [9, 11])
def test_a_mask_does_not_depend_on_neighbours_or_padding(padding: str, width: int) -> None:
    noise = dropout.Noise(padding=padding)
    keys, lengths = [11, 2**63 - 1, 5], [9, 4, 7]
    hidden, attention = _masks(noise, keys, lengths, width)
    for row, (key, length) in enumerate(zip(keys, lengths, strict=True)):
        alone_hidden, alone_attention = _masks(noise, [key], [length], length)
        real = slice(width - length, None) if padding == "left" else slice(length)
        assert torch.equal(hidden[row, real], alone_hidden[0])
        assert torch.equal(attention[row, :, real, real], alone_attention[0])


def test_a_decoder_has_tokens_of_its_own() -> None:
    """Hidden values, attention to itself and to the encoder; the same widths must not hide whose tokens they are."""
    names = ("decoder.0.hidden", "decoder.0.self", "decoder.0.EncDecAttention", "encoder.0.hidden")
    for widths in ((6, 9), (7, 7)):
        noise = dropout.Noise(padding="left")
        sites = [_site(noise, name, p=0.5) for name in names]
        lengths, decoder_lengths = [5, 3], [4, 6]

        def shapes(examples: int, inputs: int, outputs: int) -> list[torch.Tensor]:
            shaped = [(outputs, 8), (2, outputs, outputs), (2, outputs, inputs), (inputs, 8)]
            return [torch.ones(examples, *shape) for shape in shaped]

        noise.begin([1, 2], [dropout.Stream(lengths, widths[0]), dropout.Stream(decoder_lengths, widths[1])])
        together = [site(x) for site, x in zip(sites, shapes(2, *widths), strict=True)]
        for row, key in enumerate((1, 2)):
            reads, writes = lengths[row], decoder_lengths[row]
            noise.begin([key], [dropout.Stream([reads], reads), dropout.Stream([writes], writes)])
            alone = [site(x)[0] for site, x in zip(sites, shapes(1, reads, writes), strict=True)]
            real, made = slice(widths[0] - reads, None), slice(writes)
            cut = [together[0][row, made], together[1][row, :, made, made], together[2][row, :, made, real]]
            cut.append(together[3][row, real])
            assert all(torch.equal(one, other) for one, other in zip(cut, alone, strict=True))
            assert [int((one[row] != 0).sum()) for one in together] == [int((one != 0).sum()) for one in alone]


def test_masks_differ_between_examples_steps_sites_and_passes() -> None:
    noise = dropout.Noise()
    x = torch.ones(2, 8, 64)
    first, second = _site(noise, "first"), _site(noise, "second")
    announce(noise, [1, 2], [8, 8])
    found = [first(x)[0], second(x)[0], first(x)[0]]
    found.append(first(x)[1])
    announce(noise, [3, 4], [8, 8])
    found.append(first(x)[0])
    for number, one in enumerate(found):
        assert not any(torch.equal(one, other) for other in found[number + 1 :])
    announce(noise, [1, 2], [8, 8])
    second(x)  # the order of calls is of no account
    assert torch.equal(first(x)[0], found[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("p", [0.1, 0.25, 0.5])
def test_rate_and_factor(p: float, dtype: torch.dtype) -> None:
    noise = dropout.Noise()
    announce(noise, [7, 8, 9, 10], [100] * 4)
    found = _site(noise, p=p)(torch.ones(4, 100, 500, dtype=dtype))
    count = found.numel()
    kept = float((found != 0).double().mean())
    assert abs(kept - (1 - p)) < 4 * math.sqrt(p * (1 - p) / count)
    factor = torch.tensor(1 / (1 - p), dtype=dtype)
    assert set(found.unique().tolist()) <= {0.0, *torch.tensor([factor]).tolist()} or torch.allclose(
        found[found != 0].double(), factor.double(), rtol=2e-5
    )
    # no structure along any axis: each row's rate lies within what chance allows
    rates = (found != 0).double().mean(dim=2).flatten()
    assert float((rates - (1 - p)).abs().max()) < 5 * math.sqrt(p * (1 - p) / 500)


def test_neighbouring_keys_give_unrelated_masks() -> None:
    noise = dropout.Noise()
    announce(noise, list(range(64)), [64] * 64)
    kept = (_site(noise, p=0.5)(torch.ones(64, 64, 16)) != 0).double().flatten(1) - 0.5
    correlation = kept @ kept.T / (0.25 * kept.shape[1])
    off = correlation - torch.diag(correlation.diagonal())
    assert float(off.abs().max()) < 5 / math.sqrt(kept.shape[1])


def test_the_gradient_is_the_mask() -> None:
    noise = dropout.Noise()
    announce(noise, [1, 2], [5, 3])
    x = torch.randn(2, 5, 8, requires_grad=True)
    y = _site(noise)(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient * x, y)
    assert (gradient[1, 3:] == 0).all()


def test_gradient_checkpointing_draws_the_same_mask() -> None:
    noise = dropout.Noise()
    site, layer = _site(noise, p=0.5), nn.Linear(8, 8)
    x = torch.randn(2, 5, 8)
    gradients = []
    for recompute in (False, True):
        announce(noise, [1, 2], [5, 3])
        layer.zero_grad()
        out = checkpoint(lambda x: site(layer(x)), x, use_reentrant=False) if recompute else site(layer(x))
        out.square().sum().backward()
        gradients.append(layer.weight.grad.clone())
    assert torch.equal(*gradients)


def test_identity_in_eval_mode_and_zeros_at_one() -> None:
    noise = dropout.Noise()
    x = torch.randn(2, 5, 8)
    assert _site(noise).eval()(x) is x
    assert not _site(noise, p=1.0)(x).any()


def test_what_belongs_to_no_example_is_drawn_from_the_steps_key() -> None:
    noise, x = dropout.Noise(), torch.ones(64, 8)
    announce(noise, [1, 2], [5, 3], shared=99)
    first = _site(noise, p=0.5)(x)
    announce(noise, [7, 8, 9], [5, 3, 2], shared=99)
    assert torch.equal(_site(noise, p=0.5)(x), first)
    announce(noise, [7, 8, 9], [5, 3, 2], shared=98)
    assert not torch.equal(_site(noise, p=0.5)(x), first)


def test_relative_positions_are_no_examples_even_where_there_are_as_many() -> None:
    noise, x = dropout.Noise(), torch.ones(2, 8)
    site = _site(noise, "layer.0.pos_dropout", p=0.5)
    found = []
    for keys in ([1, 2], [1, 2, 3]):
        announce(noise, keys, [5] * len(keys), shared=99)
        found.append(site(x))
    assert torch.equal(*found)


def test_a_batch_that_was_not_announced_is_an_error() -> None:
    noise = dropout.Noise()
    announce(noise, [1, 2], [5, 3])
    with pytest.raises(AssertionError, match="begin"):
        _site(noise)(torch.ones(3, 5, 8))


def test_install_and_remove_leave_names_and_state() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.3), nn.Sequential(nn.Dropout(0.0), nn.Dropout(0.2))).eval()
    before = str(model), list(model.state_dict())
    noise = dropout.Noise()
    assert dropout.install(model, noise) == 2
    assert list(model.state_dict()) == before[1]
    assert not model[1].training
    announce(noise, [1, 2], [4, 4])
    assert (model.train()(torch.ones(2, 4)) == 0).any()
    assert dropout.remove(model.eval()) == 2
    assert (str(model), list(model.state_dict())) == before


def test_the_first_bits_are_those_of_sfc64() -> None:
    """By hand: SFC64 of PractRand, 12 rounds after (key, site, 0, 1), sixteen bits at a time, low bits first."""
    noise = dropout.Noise()
    key, site = 123456789, _site(noise, "golden").site
    a, b, c, counter = key, site, 0, 1
    outputs = []
    for _ in range(12 + 2):
        out = (a + b + counter) % 2**64
        counter += 1
        a, b = b ^ (b >> 11), (c + (c << 3)) % 2**64
        c = (((c << 24) | (c >> 40)) + out) % 2**64
        outputs.append(out)
    bits = [(one >> shift) & 0xFFFF for one in outputs[12:] for shift in (0, 16, 32, 48)]
    announce(noise, [key], [8])
    kept = _site(noise, "golden", p=0.5)(torch.ones(1, 8)) != 0
    assert kept[0].tolist() == [one >= 32768 for one in bits]
