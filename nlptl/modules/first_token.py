"""A last layer that computes no more than a classification head reads: the first token.

`B` examples, `T` tokens, `H` hidden. BERT and its kin classify from the first token of the last layer, so what that
layer says of all others is thrown away. Here its keys and values are computed for every token, the rest for the first
alone: 10 of the layer's 12 H x H products are saved, a seventh of a six-layer model. Nothing is approximated: the
logits and all gradients are those of the whole layer up to the order of sums, which is tried on opening, not assumed.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import nn

from nlptl.modules.attention import attend

TOLERANCE = 1e-4
"""Largest difference of a probe's logits, over their largest size; fp32 through another order of sums gives 1e-6."""

LAYERS = {
    "bert": "encoder.layer",
    "camembert": "encoder.layer",
    "distilbert": "transformer.layer",
    "electra": "encoder.layer",
    "roberta": "encoder.layer",
    "xlm-roberta": "encoder.layer",
}
"""`model_type` -> where its layers stand in the body. Only those whose classification head reads the first token."""


def narrow(model: Any) -> bool:
    """Let the last layer compute the first token alone where only that is read; say whether it does now.

    For sequence classification; the model then returns logits and loss as before, but `last_hidden_state` and the
    attentions of its last layer hold one token. Weights keep their names. `restore` undoes it.
    """
    layer = _last_layer(model)
    if layer is None or "forward" in vars(layer):
        return layer is not None
    expected = _probe(model)
    layer.forward = functools.partial(_distilbert if model.config.model_type == "distilbert" else _bert, layer)
    found = _probe(model)
    if found.shape == expected.shape and (found - expected).abs().max() <= TOLERANCE * expected.abs().max():
        return True
    restore(model)
    return False


def restore(model: Any) -> bool:
    """Put the layer's own forward pass back; say whether there was anything to do."""
    layer = _last_layer(model)
    if layer is None or "forward" not in vars(layer):
        return False
    del layer.forward
    return True


def _last_layer(model: Any) -> Any:
    """Give the layer that a classification head reads from, or None where this module does not know the model."""
    kind = model.config.model_type
    if kind not in LAYERS or not type(model).__name__.endswith("ForSequenceClassification"):
        return None
    if getattr(model.config, "is_decoder", False) or getattr(model.config, "add_cross_attention", False):
        return None
    layers = model.base_model.get_submodule(LAYERS[kind])
    return layers[-1] if len(layers) else None


def _probe(model: Any) -> torch.Tensor:
    """Give the logits of two short inputs of different length, without dropout."""
    device = model.get_input_embeddings().weight.device
    size = model.config.vocab_size
    ids = torch.arange(1, 11, device=device).remainder(size).reshape(2, 5)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], device=device)
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            logits: torch.Tensor = model(input_ids=ids, attention_mask=mask).logits.float()
    finally:
        model.train(training)
    return logits


def _bert(
    layer: Any, hidden: torch.Tensor, attention_mask: torch.Tensor | None = None,
    encoder_hidden_states: None = None, encoder_attention_mask: None = None, past_key_values: None = None,
    output_attentions: bool | None = None, output_hidden_states: bool | None = None, use_cache: bool | None = None,
    position_ids: torch.Tensor | None = None, num_items_in_batch: Any = None, return_dict: Any = None,
) -> torch.Tensor:  # fmt: skip
    """Run a layer of BERT, RoBERTa or ELECTRA for the first token: [B, T, H] to [B, 1, H].

    What is named besides is a decoder's, or changes nothing here; a keyword that is not named is an error.
    """
    first, own = hidden[:, :1], layer.attention.self
    seen = _attended(own, (own.query, own.key, own.value), hidden, attention_mask)
    attended = layer.attention.output(seen, first)
    found: torch.Tensor = layer.output(layer.intermediate(attended), attended)
    return found


def _distilbert(
    layer: Any, hidden: torch.Tensor, attention_mask: torch.Tensor | None = None,
    output_attentions: bool | None = None, output_hidden_states: bool | None = None,
    position_ids: torch.Tensor | None = None, num_items_in_batch: Any = None, return_dict: Any = None,
) -> torch.Tensor:  # fmt: skip
    """Run a layer of DistilBERT for the first token: [B, T, H] to [B, 1, H]."""
    own = layer.attention
    seen = own.out_lin(_attended(own, (own.q_lin, own.k_lin, own.v_lin), hidden, attention_mask))
    attended = layer.sa_layer_norm(seen + hidden[:, :1])
    found: torch.Tensor = layer.output_layer_norm(layer.ffn(attended) + attended)
    return found


def _attended(
    own: Any, projections: tuple[nn.Module, nn.Module, nn.Module], hidden: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """Attend from the first token to all, [B, T, H] to [B, 1, H]."""
    query, key, value = (
        projection(given).unflatten(-1, (-1, own.attention_head_size)).transpose(1, 2)
        for projection, given in zip(projections, (hidden[:, :1], hidden, hidden), strict=True)
    )
    if mask is not None and mask.ndim == 4 and mask.shape[2] > 1:
        mask = mask[:, :, :1]
    dropout = own.dropout.p if own.training else 0.0
    found, _ = attend(own, query, key, value, mask, own.scaling, dropout, kernel="eager")
    return found.flatten(2)
