"""Our attention against transformers' own, in every family that it is switched on for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch.nn import functional

from nlptl.modules import attention, dropout

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "vocab_size": 60}
LOUD = {"initializer_range": 0.3}
"""Weights so large that a fault in the mask or the scaling shows in the logits."""

CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "albert": ("AlbertConfig", {**SMALL, "embedding_size": 16, "attention_probs_dropout_prob": 0.1}),
    "bert": ("BertConfig", SMALL),
    "camembert": ("CamembertConfig", SMALL),
    "distilbert": ("DistilBertConfig", {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, "vocab_size": 60}),
    "electra": ("ElectraConfig", {**SMALL, "embedding_size": 16}),
    "modernbert": (
        "ModernBertConfig",
        {**SMALL, "pad_token_id": 0, "cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2},
    ),
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": 60, "pad_token_id": 1}),
    "roberta": ("RobertaConfig", SMALL),
    "xlm-roberta": ("XLMRobertaConfig", SMALL),
    "xlm-roberta-xl": ("XLMRobertaXLConfig", SMALL),
}


def _model(family: str) -> Any:
    """Give a random model in float64, so that any difference is a fault and no rounding."""
    name, settings = CONFIGS[family]
    config = getattr(transformers, name)(**settings, **LOUD)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = transformers.AutoModelForSequenceClassification.from_config(config, attn_implementation="eager")
    return model.double().eval()


def _tolerance(family: str) -> float:
    """ModernBERT's own attention takes its softmax in fp32, whatever the model is in."""
    return 1e-4 if family == "modernbert" else 1e-9


def _inputs(tokens: int = 11) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(4, 60, (3, tokens), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 7:], mask[2, 2:] = 0, 0
    for row in range(3):
        ids[row, int(mask[row].sum()) :] = 1  # padding, from which decoders count
    return {"input_ids": ids, "attention_mask": mask}


def test_every_family_is_tested() -> None:
    assert set(CONFIGS) == attention.FAMILIES


@pytest.mark.parametrize("wanted", ["auto", "eager", "sdpa"])
@pytest.mark.parametrize("family", sorted(CONFIGS))
def test_logits_equal_the_stock_ones(family: str, wanted: attention.Wanted) -> None:
    model, inputs = _model(family), _inputs()
    whole = {"input_ids": inputs["input_ids"]}  # no mask at all
    with torch.no_grad():
        stock = [model(**given).logits for given in (inputs, whole)]
        assert attention.choose(model, wanted) == attention.NAMES[wanted]
        ours = [model(**given).logits for given in (inputs, whole)]
    for one, other in zip(ours, stock, strict=True):
        torch.testing.assert_close(one, other, atol=_tolerance(family), rtol=1e-9)
    if family != "gpt2":  # which does not look ahead, where the padding is
        assert not torch.allclose(stock[0], stock[1], atol=1e-2), "the mask must matter, or this test shows nothing"
    attention.restore(model)
    assert model.config._attn_implementation == "eager"


@pytest.mark.parametrize("family", sorted(CONFIGS))
def test_gradients_equal_the_stock_ones(family: str) -> None:
    model, inputs = _model(family), _inputs()
    found = []
    for ours in (False, True):
        if ours:
            attention.choose(model, "auto")
        model.zero_grad()
        model(**inputs).logits.square().sum().backward()
        found.append({name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, atol=_tolerance(family), rtol=1e-7)


@pytest.mark.parametrize("family", ["albert", "bert", "distilbert", "gpt2", "roberta"])
def test_dropout_on_the_weights_belongs_to_the_example(family: str) -> None:
    """Loss and gradient of a batch are those of its examples, one at a time, with dropout on."""
    model, inputs, noise = _model(family).train(), _inputs(), dropout.Noise()
    attention.choose(model, "sdpa")
    dropout.install(model, noise)
    keys, lengths = [5, 6, 7], inputs["attention_mask"].sum(1).tolist()

    def gradients(cuts: list[list[int]]) -> list[torch.Tensor]:
        model.zero_grad()
        for rows in cuts:
            width = max(lengths[row] for row in rows)
            own = [lengths[row] for row in rows]
            noise.begin([keys[row] for row in rows], [dropout.Stream(own, max(own))])
            model(**{name: one[rows, :width] for name, one in inputs.items()}).logits.square().sum().backward()
        return [one.grad.clone() for one in model.parameters() if one.grad is not None]

    together, apart = gradients([[0, 1, 2]]), gradients([[0], [2, 1]])
    for one, two in zip(together, apart, strict=True):
        torch.testing.assert_close(one, two, atol=1e-9, rtol=1e-8)
    keys = [8, 9, 10]
    other = gradients([[0, 1, 2]])
    assert not torch.allclose(together[-2], other[-2], rtol=1e-3)
    before = torch.random.get_rng_state()
    gradients([[0, 1, 2]])
    assert torch.equal(before, torch.random.get_rng_state()), "something still draws from torch's generator"


def test_autocast_keeps_the_scores_in_bf16() -> None:
    model, inputs = _model("bert").float(), _inputs()
    with torch.no_grad():
        exact = model(**inputs).logits
        attention.choose(model, "auto")
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(**inputs, output_attentions=True)
    assert logits.attentions[0].dtype == torch.bfloat16
    torch.testing.assert_close(logits.logits.float(), exact, atol=0.1, rtol=0.05)


@pytest.mark.parametrize("kernel", ["eager", "sdpa"])
@pytest.mark.parametrize("form", ["none", "bool", "additive", "wide"])
def test_against_the_definition_with_shared_heads(kernel: attention.Wanted, form: str) -> None:
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(2, 4, 6, 8, generator=generator)
    key, value = torch.randn(2, 2, 2, 6, 8, generator=generator)
    allowed = torch.ones(2, 1, 6, 6, dtype=torch.bool)
    allowed[0, :, :, 4:] = form == "none"
    additive = torch.where(allowed, 0.0, torch.finfo(torch.float32).min)
    mask = {"none": None, "bool": allowed, "additive": additive, "wide": additive.double()}[form]
    got, _ = attention.attend(torch.nn.Identity(), query, key, value, mask, kernel=kernel)
    for head in range(4):
        scores = query[:, head].double() @ key[:, head // 2].double().transpose(1, 2) / 8**0.5
        weights = functional.softmax(scores.masked_fill(~allowed[:, 0], -torch.inf), -1)
        wanted = weights @ value[:, head // 2].double()
        torch.testing.assert_close(got[:, :, head].double(), wanted, atol=1e-5, rtol=1e-5)


def test_a_row_of_padding_gives_no_nan_in_bf16() -> None:
    query = torch.randn(1, 2, 3, 4, dtype=torch.bfloat16)
    mask = torch.full((1, 1, 3, 3), torch.finfo(torch.float32).min)
    for kernel in ("eager", "sdpa"):
        got, _ = attention.attend(torch.nn.Identity(), query, query, query, mask, kernel=kernel)  # type: ignore[arg-type]
        assert got.isfinite().all()


def test_long_rows_take_the_fused_kernel() -> None:
    short, long = torch.randn(1, 2, 8, 4), torch.randn(1, 2, 64, 4)
    assert attention.attend(torch.nn.Identity(), short, short, short, None)[1] is not None
    assert attention.attend(torch.nn.Identity(), long, long, long, None)[1] is None
    assert attention.attend(torch.nn.Identity(), long, long, long, None, output_attentions=True)[1] is not None


@pytest.mark.parametrize("beams", [1, 3])
def test_what_is_generated_equals_the_stock_text(beams: int) -> None:
    """With a cache, so that one query meets many keys; prompts of several lengths, padded on the left."""
    config = transformers.GPT2Config(**CONFIGS["gpt2"][1])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    ids = torch.randint(4, 60, (3, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, :5], mask[2, :2] = 0, 0
    found = []
    for wanted in ("", "auto", "sdpa"):
        if wanted:
            attention.choose(model, wanted)  # type: ignore[arg-type]
        made = model.generate(
            input_ids=ids, attention_mask=mask, max_new_tokens=8, num_beams=beams, do_sample=False, eos_token_id=None,
            pad_token_id=1, output_scores=True, return_dict_in_generate=True,
        )  # fmt: skip
        found.append((made.sequences, torch.stack(made.scores)))
    for sequences, scores in found[1:]:
        assert torch.equal(sequences, found[0][0])
        torch.testing.assert_close(scores, found[0][1], atol=1e-4, rtol=1e-5)
    attention.restore(model)


def test_other_families_keep_their_own() -> None:
    config = transformers.DebertaV2Config(**SMALL)
    model = transformers.DebertaV2Model(config)
    before = model.config._attn_implementation
    assert attention.choose(model, "auto") == before
    config = transformers.GPTNeoXConfig(**SMALL)
    gpt = transformers.GPTNeoXModel(config)
    assert attention.choose(gpt, "eager") == "eager"
    attention.restore(gpt)
    assert gpt.config._attn_implementation == "sdpa"


def test_a_saved_model_does_not_name_us(tmp_path: Path) -> None:
    model = _model("bert")
    attention.choose(model, "auto")
    model.save_pretrained(tmp_path)
    assert "nlptl" not in json.dumps(json.loads((tmp_path / "config.json").read_text(encoding="utf-8")))
    transformers.AutoModel.from_pretrained(tmp_path)
