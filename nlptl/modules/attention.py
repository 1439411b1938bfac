"""Attention that chooses its kernel by length, and whose dropout belongs to the example.

`B` examples, `N` heads, `T` tokens, `D` the width of a head. torch's fused kernel is slow on short rows on CPU; here
the plain mathematics runs below the lengths in `FUSED_FROM` and wherever `dropout.ExampleDropout` must draw the mask.
Registered with transformers under names of ours, so no model's code is touched.
"""

from __future__ import annotations

import functools
import weakref
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

from nlptl.modules.dropout import ExampleDropout

Wanted = Literal["auto", "eager", "sdpa"]

NAMES: dict[Wanted, str] = {"auto": "nlptl", "eager": "nlptl_eager", "sdpa": "nlptl_sdpa"}

FAMILIES = frozenset(
    {
        "albert", "bert", "camembert", "distilbert", "electra", "gpt2", "modernbert", "roberta", "xlm-roberta",
        "xlm-roberta-xl",
    }
)  # fmt: skip
"""`model_type` of those whose logits are compared with the stock attention's in the tests.

Llama's, Qwen's and BART's would be equal too, logits and generated texts, but have no dropout by example to gain, and
no time: a step of Llama with 2,048 tokens in rows of 16, 64 and 256 took 0.98 to 1.04 of it in bf16, 0.89 to 1 in fp32.
"""

FUSED_FROM = {(torch.float32, True): 64, (torch.float32, False): 48}
"""(number format, training) -> padded length from which the fused kernel is faster on CPU.

Measured forward (and backward) with 12 heads of 32 and 1,024 or 2,048 tokens, one thread, ms plain / fused: fp32
training T=32 7.9 / 8.2, T=96 34 / 27, T=512 76 / 61; fp32 inference T=32 2.3 / 2.6, T=48 11.5 / 8.2, T=512 41 / 25.
"""

FUSED_FROM_LOW = 768
"""The same for two-byte formats.

bf16 training T=32 5.3 / 39, T=512 32 / 61, T=1024 287 / 192; inference T=512 17 / 20, T=1024 102 / 73.
"""

_before: weakref.WeakKeyDictionary[nn.Module, str] = weakref.WeakKeyDictionary()


def choose(model: Any, wanted: Wanted) -> str:
    """Set the attention of a transformers model through its own setter; give the name of what it runs now.

    A family that is not in `FAMILIES` keeps its own attention for "auto" and gets transformers' for the others, if it
    has it.
    """
    before = model.config._attn_implementation
    if model.config.model_type in FAMILIES:
        _register()
        name = NAMES[wanted]
    elif wanted == "auto" or not model._can_set_attn_implementation():
        return str(before)
    else:
        name = wanted
    model.set_attn_implementation(name)
    _before.setdefault(model, before)
    return str(model.config._attn_implementation)


def restore(model: Any) -> None:
    """Set what `choose` found."""
    if model in _before:
        model.set_attn_implementation(_before.pop(model))


@functools.cache
def _register() -> None:
    """Make our names known to transformers."""
    from transformers import AttentionInterface, AttentionMaskInterface

    for wanted, name in NAMES.items():
        AttentionInterface.register(name, functools.partial(attend, kernel=wanted))
        AttentionMaskInterface.register(name, additive_mask)


def additive_mask(
    batch_size: int, q_length: int, kv_length: int, q_offset: int = 0, kv_offset: int = 0, *, mask_function: Any,
    attention_mask: torch.Tensor | None = None, dtype: torch.dtype = torch.float32, device: Any = "cpu",
    use_vmap: bool = False, local_size: int | None = None, config: Any = None,
    allow_is_causal_skip: bool = False, allow_is_bidirectional_skip: bool = False,
) -> torch.Tensor | None:  # fmt: skip
    """Give what is added to the scores, [B, 1, T, T], in the format they are computed in; None if nothing is masked.

    transformers' own mask has the format of the embeddings: under autocast it turns scores, softmax and dropout to
    fp32, which takes 2 to 3 times as long. A causal mask is always given, never implied by a flag.
    """
    from transformers.masking_utils import eager_mask

    kind = torch.device(device).type
    mask: torch.Tensor | None = eager_mask(
        batch_size, q_length, kv_length, q_offset, kv_offset, mask_function=mask_function,
        attention_mask=attention_mask, use_vmap=use_vmap, device=device, local_size=local_size, config=config,
        dtype=torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else dtype,
        allow_is_bidirectional_skip=allow_is_bidirectional_skip,
    )  # fmt: skip
    return mask


def attend(
    module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
    attention_mask: torch.Tensor | None, scaling: float | None = None, dropout: float = 0.0, *, kernel: Wanted = "auto",
    is_causal: bool | None = None, output_attentions: bool | None = None, output_hidden_states: bool | None = None,
    position_ids: torch.Tensor | None = None, use_cache: bool | None = None, num_items_in_batch: Any = None,
    sliding_window: Any = None, deterministic: Any = None, encoder_hidden_states: Any = None, return_dict: Any = None,
    encoder_attention_mask: Any = None,
) -> tuple[torch.Tensor, torch.Tensor | None]:  # fmt: skip
    """Give softmax(query key' * scaling + mask) value, [B, T, N, D], and the weights [B, N, T, T] if they were formed.

    query [B, N, T, D]; key and value may have fewer heads. What transformers hands over besides is in the mask
    already, or changes nothing here; a keyword that is not named is an error, since it might change the result.
    """
    assert not is_causal or attention_mask is not None, "a causal mask is handed over, not implied"
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    if key.shape[1] != query.shape[1]:
        repeats = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
    site = _site(module, dropout)
    if site is None and not output_attentions and _fused(query, kernel, dropout):
        fitted = _fitted(attention_mask, query.dtype)
        attended = functional.scaled_dot_product_attention(query, key, value, fitted, dropout, scale=scaling)
        return attended.transpose(1, 2).contiguous(), None
    weights = torch.matmul(query * scaling, key.transpose(2, 3))
    mask = _fitted(attention_mask, weights.dtype)
    if mask is not None:
        weights += mask
    weights = functional.softmax(weights, dim=-1)
    dropped = site(weights) if site is not None else functional.dropout(weights, dropout, dropout > 0)
    return torch.matmul(dropped, value).transpose(1, 2).contiguous(), weights


def _site(module: nn.Module, dropout: float) -> ExampleDropout | None:
    """Give the module that draws this attention's dropout, if there is dropout and our modules are installed."""
    if dropout > 0:
        for name in ("dropout", "attention_dropout", "attn_dropout"):
            found = getattr(module, name, None)
            if isinstance(found, ExampleDropout):
                return found
    return None


def _fused(query: torch.Tensor, kernel: Wanted, dropout: float) -> bool:
    if kernel != "auto" or query.device.type != "cpu":
        return kernel != "eager"
    if dropout > 0:  # the fused CPU kernel has no dropout: torch falls back to the plain mathematics, with copies
        return False
    training = torch.is_grad_enabled() and query.requires_grad
    return query.shape[2] >= FUSED_FROM.get((query.dtype, training), FUSED_FROM_LOW)


def _fitted(mask: torch.Tensor | None, dtype: torch.dtype) -> torch.Tensor | None:
    """Give an additive mask of that format; what it forbids stays finite, so that a row of padding gives no NaN."""
    if mask is None or mask.dtype == dtype:
        return mask
    lowest = torch.finfo(dtype).min
    if mask.dtype == torch.bool:
        return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, lowest)
    return mask.to(dtype).clamp_(min=lowest)
