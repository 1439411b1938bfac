"""Gradient checkpointing: blocks that are computed again on the way back (Chen, Xu, Zhang, Guestrin 2016,
arXiv:1604.06174). What a block drops is dropped again alike: see `nlptl.modules.dropout`.
"""

from __future__ import annotations

from typing import Any

from nlptl.errors import BadInput, Problem


def enable(body: Any) -> None:
    """Let each block keep what goes into it alone. Raises BadInput for an architecture that cannot."""
    if not body.supports_gradient_checkpointing:
        what = f"{type(body).__name__} cannot compute its blocks again"
        fix = "lower machine.micro_tokens instead"
        raise BadInput("machine.gradient_checkpointing", Problem(what, field="machine.gradient_checkpointing", fix=fix))
    if hasattr(body, "activation_checkpointing_enable"):  # later versions of transformers 5 call it so
        body.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    else:
        body.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
