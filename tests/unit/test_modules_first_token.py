"""The last layer for the first token alone, against the whole layer of every family that it is switched on for."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

from nlptl.modules import attention, dropout, first_token

SMALL = {
    "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48, "vocab_size": 60,
    "pad_token_id": 0,
}  # fmt: skip
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("BertConfig", SMALL),
    "camembert": ("CamembertConfig", SMALL),
    "distilbert": (
        "DistilBertConfig",
        {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48, "vocab_size": 60, "pad_token_id": 0},
    ),
    "electra": ("ElectraConfig", {**SMALL, "embedding_size": 16}),
    "roberta": ("RobertaConfig", SMALL),
    "xlm-roberta": ("XLMRobertaConfig", SMALL),
}
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "albert": ("AlbertConfig", {**SMALL, "embedding_size": 16}),  # its layers are one layer
    "xlm-roberta-xl": ("XLMRobertaXLConfig", SMALL),
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": 60, "pad_token_id": 0}),
}


def _model(family: str, kernels: str = "auto", **changes: Any) -> Any:
    """Give a random model in float64, so that any difference is a fault and no rounding."""
    name, settings = {**CONFIGS, **OTHERS}[family]
    config = getattr(transformers, name)(**settings, initializer_range=0.3, num_labels=3, **changes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = transformers.AutoModelForSequenceClassification.from_config(config, attn_implementation="eager")
    if kernels != "stock":
        attention.choose(model, kernels)  # type: ignore[arg-type]
    return model.double().eval()


def _inputs() -> dict[str, torch.Tensor]:
    ids = torch.randint(4, 60, (3, 11), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, 7:], mask[2, 2:] = 0, 0
    return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([0, 2, 1])}


def _gradients(model: Any, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    model.zero_grad()
    found = model(**inputs)
    found.loss.backward()
    return found.logits.detach(), {name: one.grad.clone() for name, one in model.named_parameters()}


def test_every_family_is_tested() -> None:
    assert set(CONFIGS) == set(first_token.LAYERS)


@pytest.mark.parametrize("kernels", ["auto", "eager", "sdpa", "stock"])
@pytest.mark.parametrize("family", CONFIGS)
def test_logits_and_gradients_are_those_of_the_whole_layer(family: str, kernels: str) -> None:
    model, inputs = _model(family, kernels), _inputs()
    logits, gradients = _gradients(model, inputs)
    assert first_token.narrow(model)
    narrowed, found = _gradients(model, inputs)
    assert torch.allclose(narrowed, logits, rtol=0, atol=1e-9)
    assert found.keys() == gradients.keys()
    for name, gradient in gradients.items():
        assert torch.allclose(found[name], gradient, rtol=0, atol=1e-9), name


@pytest.mark.parametrize("family", CONFIGS)
def test_the_last_layer_computes_one_token(family: str) -> None:
    model, inputs = _model(family), _inputs()
    shapes = []
    last = first_token._last_layer(model)
    widest = last.ffn.lin1 if family == "distilbert" else last.intermediate.dense
    widest.register_forward_hook(lambda module, given, made: shapes.append(tuple(made.shape)))
    first_token.narrow(model)
    shapes.clear()
    model(**inputs)
    assert shapes == [(3, 1, 48)]


@pytest.mark.parametrize("family", ["bert", "roberta", "electra"])
def test_dropout_masks_of_the_first_token_are_those_of_the_whole_layer(family: str) -> None:
    model = _model(family, attention_probs_dropout_prob=0.0, hidden_dropout_prob=0.2)
    inputs, noise = _inputs(), dropout.Noise()
    dropout.install(model, noise)
    model.train()
    lengths = inputs["attention_mask"].sum(1).tolist()
    found = []
    for narrowed in (False, True):
        if narrowed:
            assert first_token.narrow(model)
            assert model.training
        noise.begin([5, 6, 7], [dropout.Stream(lengths, 11)])
        found.append(_gradients(model, inputs))
    (logits, gradients), (other, others) = found
    assert torch.allclose(other, logits, rtol=0, atol=1e-9)
    assert all(torch.allclose(others[name], one, rtol=0, atol=1e-9) for name, one in gradients.items())


@pytest.mark.parametrize("family", OTHERS)
def test_other_families_stay_as_they_are(family: str) -> None:
    model, inputs = _model(family, "stock"), _inputs()
    logits = model(**inputs).logits
    assert not first_token.narrow(model)
    assert torch.equal(model(**inputs).logits, logits)


def test_other_heads_stay_as_they_are() -> None:
    config = transformers.BertConfig(**SMALL)
    for kind in (transformers.BertForTokenClassification, transformers.BertForQuestionAnswering):
        assert not first_token.narrow(kind(config).eval())


class MeanForSequenceClassification(transformers.BertForSequenceClassification):  # type: ignore[misc]
    """A head that looks like BERT's and reads the mean of all tokens."""

    def forward(self, input_ids: Any, attention_mask: Any) -> Any:
        hidden = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
        mean = (hidden * attention_mask[..., None]).sum(1) / attention_mask.sum(1, keepdim=True)
        return transformers.modeling_outputs.SequenceClassifierOutput(logits=self.classifier(mean))


def test_a_head_that_reads_more_than_the_first_token_is_found_out() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MeanForSequenceClassification(transformers.BertConfig(**SMALL, initializer_range=0.3)).eval()
    inputs = {name: one for name, one in _inputs().items() if name != "labels"}
    logits = model(**inputs).logits
    assert not first_token.narrow(model)
    assert torch.equal(model(**inputs).logits, logits)


def test_restore_puts_the_whole_layer_back() -> None:
    model, inputs = _model("bert"), _inputs()
    assert not first_token.restore(model)
    assert first_token.narrow(model)
    assert first_token.narrow(model)
    assert model.base_model(inputs["input_ids"]).last_hidden_state.shape[1] == 1
    names = set(model.state_dict())
    assert first_token.restore(model)
    assert set(model.state_dict()) == names
    assert model.base_model(inputs["input_ids"]).last_hidden_state.shape[1] == 11
