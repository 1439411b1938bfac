"""The copying decoder: a mixture that sums to one, causal, blind to padding, and able to learn to copy unseen words."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from nlptl.modules import copying_parser
from nlptl.modules.copying import CopyingDecoder, CopyingParser, Words
from nlptl.tasks import Batch, Feature

V, W, T, H = 12, 4, 6, 16


def decoder(dropout: float = 0.0) -> CopyingDecoder:
    torch.manual_seed(0)
    return CopyingDecoder(memory=H, vocabulary=V, layers=2, width=24, heads=3, longest=10, dropout=dropout)


def words(rows: int = 1) -> Words:
    """Two words of the vocabulary, one of them twice, and one that is not in it."""
    tokens = torch.tensor([[1, 2, 3, 4]]).repeat(rows, 1)
    pieces = torch.tensor([[5, 7, 5, V + 3]]).repeat(rows, 1)
    return Words(tokens, pieces, torch.ones(rows, W, dtype=torch.bool), 2)


def test_writing_and_copying_are_one_distribution() -> None:
    model, memory = decoder().eval(), torch.randn(1, T, H)
    found = model(torch.tensor([[0, 5, V + 3]]), memory, torch.zeros(1, T, dtype=torch.bool), words()).exp()
    assert found.shape == (1, 3, V + W)
    assert torch.allclose(found.sum(-1), torch.ones(1, 3), atol=1e-5)
    assert (found[..., V : V + 3] < 1e-8).all(), "a word of the vocabulary has its number there"
    assert (found[..., V + 3] > 1e-4).all(), "a word that is not in it can be copied"


def test_copies_of_one_word_are_added_up() -> None:
    """By hand: gate * softmax of the output + (1 - gate) * pointer, summed over the places of a word."""
    model, memory = decoder().eval(), torch.randn(1, T, H)
    seen: dict[str, torch.Tensor] = {}
    model.norm.register_forward_hook(lambda module, given, found: seen.update(hidden=found))
    found = model(torch.tensor([[0, 5]]), memory, torch.zeros(1, T, dtype=torch.bool), words()).exp()[0, 1]
    hidden = seen["hidden"][0, 1]
    gate = torch.sigmoid(model.gate(hidden))
    scores = torch.stack([model.asks(hidden) @ model.answers(memory[0, at]) for at in (1, 2, 3, 4)]) / 24**0.5
    pointer, written = scores.softmax(0), model.written(hidden).softmax(0)
    assert torch.allclose(found[5], gate * written[5] + (1 - gate) * (pointer[0] + pointer[2]), atol=1e-6)
    assert torch.allclose(found[7], gate * written[7] + (1 - gate) * pointer[1], atol=1e-6)
    assert torch.allclose(found[V + 3], (1 - gate) * pointer[3], atol=1e-6)
    assert torch.allclose(found[6], gate * written[6], atol=1e-6)


def test_it_reads_neither_what_comes_later_nor_padding() -> None:
    model, memory = decoder().eval(), torch.randn(2, T, H)
    prefix = torch.tensor([[0, 5, 6, 7], [0, 5, 9, 3]])
    unseen = torch.zeros(2, T, dtype=torch.bool)
    unseen[:, 5:] = True
    memory[1, :5] = memory[0, :5]
    found = model(prefix, memory, unseen, words(2))
    assert torch.allclose(found[0, :2], found[1, :2], atol=1e-5)
    assert not torch.allclose(found[0, 2], found[1, 2], atol=1e-3)
    assert torch.allclose(model(prefix, memory, unseen, words(2), last=True), found[:, -1:], atol=1e-6)


def test_it_learns_to_copy_words_that_it_never_saw() -> None:
    """Copy the word behind the mark: after training on 8 words, on others that have no number of their own."""
    torch.manual_seed(1)
    model = decoder()
    table, mark = torch.randn(200, H), torch.randn(H)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)

    def batch(pool: range, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        chosen = torch.stack([torch.randperm(len(pool))[:W] + pool[0] for _ in range(size)])
        marked = torch.randint(W, (size,))
        memory = torch.zeros(size, T, H)
        memory[:, 1 : W + 1] = table[chosen]
        memory[torch.arange(size), marked + 1] += 2 * mark
        return memory, marked

    def said(memory: torch.Tensor) -> torch.Tensor:
        size = len(memory)
        own = Words(torch.arange(1, W + 1).repeat(size, 1), torch.arange(V, V + W).repeat(size, 1),
                    torch.ones(size, W, dtype=torch.bool), 2)  # fmt: skip
        return model(torch.zeros(size, 1, dtype=torch.long), memory, torch.zeros(size, T, dtype=torch.bool), own)[:, 0]

    for _ in range(150):
        memory, marked = batch(range(8), 32)
        loss = torch.nn.functional.nll_loss(said(memory), marked + V)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    memory, marked = batch(range(100, 200), 200)
    right = (said(memory).argmax(1) == marked + V).float().mean()
    assert right > 0.9, right


def test_piece_by_piece_is_the_forward_pass() -> None:
    """Prefixes of two rows that part, swap places and drop out, as beams do; copied words among their pieces."""
    from nlptl.modules.stepping import Stepper

    torch.manual_seed(2)
    model, memory = decoder().eval(), torch.randn(2, T, H)
    unseen = torch.zeros(2, T, dtype=torch.bool)
    unseen[1, 4:] = True
    step = Stepper(model, memory, unseen, words(2))
    prefixes = [[[0], [0]], [[0, 5], [0, V + 3], [0, 7]], [[0, V + 3, 4], [0, 5, 9]], [[0, 5, 9, V + 3]]]
    rows = [[0, 1], [0, 0, 1], [0, 0], [0]]
    parents = [[0, 1], [0, 0, 1], [1, 0], [1]]
    for prefix, row, parent in zip(prefixes, rows, parents, strict=True):
        pieces, row_P = torch.tensor(prefix), torch.tensor(row)
        whole = model(pieces, memory[row_P], unseen[row_P], words(2).rows(row_P), last=True)[:, 0]
        assert torch.allclose(step(pieces, row_P, torch.tensor(parent)), whole, atol=1e-5)


class Encoder(torch.nn.Module):
    """Stand in for an encoder that reads nothing: its tokens are given to it as numbers."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=input_ids[..., None].expand(-1, -1, H) * 0.1)


def asked(*copies: list[str]) -> Batch:
    """Make a batch of rows with these words; the first word of each is piece 5 of the vocabulary."""
    features = [
        Feature(str(row), range(len(own)), extra=([*range(len(own))], [5, *range(V + 1, V + len(own))], own))
        for row, own in enumerate(copies)
    ]
    width = max(map(len, copies))
    filled = [[list(one.extra[side]) + [0] * (width - len(one.extra[0])) for one in features] for side in (0, 1)]
    real = torch.tensor([[place < len(one.extra[0]) for place in range(width)] for one in features])
    inputs = {"input_ids": torch.tensor(filled[0]), "attention_mask": torch.ones(len(copies), width),
              "word_tokens": torch.tensor(filled[0]), "word_pieces": torch.tensor(filled[1]),
              "word_real": real}  # fmt: skip
    return Batch(features, inputs, {})


def test_a_wide_beam_writes_only_what_there_is_to_say() -> None:
    """A sure model leaves all else the same tiny probability, also the places of words that a row has not."""
    made = decoder().eval()
    made.written.weight.data *= 1000
    pieces = ["<start>", "<end>", "<unknown>", *(f"piece{number}" for number in range(3, V))]
    pieces[5] = "texas"
    model = CopyingParser(Encoder(), made, 2)
    with torch.inference_mode():
        together = copying_parser.decode(
            model, asked(["texas"], ["texas", "ohio", "utah", "iowa"]), pieces, beam=8, longest=3
        )
        alone = copying_parser.decode(model, asked(["texas"]), pieces, beam=8, longest=3)
    said = [tuple(form) for form, *_ in together[0].values]
    assert len(set(said)) == len(said), "a word that is in the vocabulary is not said a second time as a copy"
    assert said == [tuple(form) for form, *_ in alone[0].values]


def test_short_forms_are_witnessed_too() -> None:
    """The table of places ends behind the longest form; a reloaded model is asked within it."""
    torch.manual_seed(0)
    made = CopyingDecoder(memory=H, vocabulary=V, layers=1, width=8, heads=1, longest=3, dropout=0.0).eval()
    found = copying_parser.witness(CopyingParser(Encoder(), made, 2), asked(["texas", "ohio"]), V)
    assert len(found[0]) == 3
    assert len(found[0][0]) == V


def test_witnesses_are_probabilities() -> None:
    """With nothing to copy outside of the vocabulary they are all of the distribution."""
    model = CopyingParser(Encoder(), decoder().eval(), 2)
    with torch.inference_mode():
        found = torch.tensor(copying_parser.witness(model, asked(["texas"], ["texas"]), V))
    assert found.shape == (2, 8, V)
    assert torch.allclose(found.sum(-1), torch.ones(2, 8), atol=1e-5)
    assert (found >= 0).all()
