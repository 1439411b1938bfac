"""Low-rank adapters beside the linear layers of a frozen body."""

from typing import Literal

from pydantic import Field, field_validator

from nlptl import seeds
from nlptl.errors import BadInput
from nlptl.tasks import Model
from nlptl.tuning import Tuning


class Lora(Tuning):
    """LoRA (Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang, Chen 2022, arXiv:2106.09685), through peft: to the output of a
    linear layer is added `alpha` / `rank` times B A of its input, A [rank, in] drawn at random, B [out, rank] zero, so
    training begins with the checkpoint's own function. The body stays as it is, the head learns.

    What is saved is the adapter and the head, in peft's format; `nlptl export RUN FOLDER --merge` gives a plain
    checkpoint. It needs a higher learning rate than full fine-tuning, about ten times.
    """

    kind: Literal["lora"]

    rank: int = Field(default=8, ge=1)
    """Inner dimension of the adapters."""

    alpha: float | None = Field(default=None, gt=0)
    """What the product is multiplied by, over `rank`; none: twice the rank."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout of what goes into A."""

    blocks: int | None = Field(default=None, ge=1)
    """In how many of the highest blocks; none: in all. What is below is frozen, and computed once."""

    targets: Literal["attention", "all"] | tuple[str, ...] = "all"
    """Which linear layers of those blocks: all (Dettmers, Pagnoni, Holtzman, Zettlemoyer 2023, arXiv:2305.14314, found
    that to matter more than the rank), those of attention, or those whose names end so."""

    dora: bool = False
    """Learn each output's magnitude apart from its direction (DoRA, Liu and others 2024, arXiv:2402.09353)."""

    rank_stabilised: bool = False
    """Divide `alpha` by the root of the rank and not by the rank (Kalajdzievski 2023, arXiv:2312.03732)."""

    @field_validator("targets")
    @classmethod
    def _some(cls, targets: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if isinstance(targets, tuple) and (not targets or "" in targets):
            raise ValueError("name at least one ending of a layer's name, 'attention' or 'all'")
        return targets

    def apply(self, model: Model, seed: int) -> Model:
        """Put the adapters in; BadInput where the checkpoint has not the blocks or layers that are named."""
        from nlptl.modules import adapting

        found = adapting.targets(model, self.blocks, self.targets)
        if not found:
            raise BadInput("tuning", "lora: the checkpoint's blocks have no linear layer to put an adapter in")
        settings = {
            "peft_type": "LORA", "r": self.rank, "lora_alpha": self.alpha or 2 * self.rank,
            "lora_dropout": self.dropout, "target_modules": sorted(found), "use_dora": self.dora,
            "use_rslora": self.rank_stabilised, "fan_in_fan_out": set(found.values()) == {"Conv1D"},
        }  # fmt: skip
        return adapting.adapt(model, settings, seeds.derive(seed, "lora"))
