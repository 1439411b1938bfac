"""Learnt scales of keys, values and inner activations of a frozen body."""

import re
from typing import Literal

from pydantic import Field

from nlptl import seeds
from nlptl.errors import BadInput
from nlptl.tasks import Model
from nlptl.tuning import Tuning

KEYS_VALUES = re.compile(r"k|v|key|value|[kv]_(proj|lin)|(key|value)_proj|c_attn|Wqkv|qkv_proj")
"""Last parts of the paths of layers that make keys and values; of those that make queries too, all are scaled."""


class Ia3(Tuning):
    """(IA)3 (Liu, Tam, Muqeeth, Mohta, Huang, Bansal, Raffel 2022, arXiv:2205.05638, section 3.3), through peft: keys,
    values and what goes into the second layer of each feed-forward part are multiplied by learnt vectors, which begin
    at 1 and have no weight decay. The body stays as it is, the head learns.

    GPT-2 and ModernBERT make queries, keys and values in one layer: there queries are scaled too, as peft does.
    """

    kind: Literal["ia3"]

    blocks: int | None = Field(default=None, ge=1)
    """In how many of the highest blocks; none: in all. What is below is frozen, and computed once."""

    def apply(self, model: Model, seed: int) -> Model:
        """Put the vectors in; BadInput where the checkpoint has not that many blocks, or no layer of these."""
        from nlptl.modules import adapting

        found = adapting.targets(model, self.blocks, "all")
        attention = {path for path in found if KEYS_VALUES.fullmatch(path.rpartition(".")[2])}
        inner = adapting.narrowing(model, found.keys() - adapting.targets(model, self.blocks, "attention").keys())
        if not attention or not inner:
            raise BadInput("tuning", "ia3: no layer of the checkpoint is known to make keys and values, or to be inner")
        chosen = {found[path] for path in attention | inner}
        settings = {
            "peft_type": "IA3", "target_modules": sorted(attention | inner), "feedforward_modules": sorted(inner),
            "fan_in_fan_out": chosen == {"Conv1D"},
        }  # fmt: skip
        return adapting.adapt(model, settings, seeds.derive(seed, "ia3"))
