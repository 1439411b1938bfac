"""A run's frozen bottom and what is stored of it, handed on batch by batch. `B` examples, `T` tokens, `H` hidden."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nlptl.tasks import Batch, Feature, Model

if TYPE_CHECKING:
    import torch

    from nlptl.modules.bottom import Bottom


@dataclass
class Store:
    """The bottom's output for a set of features: [rows, H] in a memory-mapped file, each feature's rows together."""

    features: Sequence[Feature]
    starts: Sequence[int]
    lengths: Sequence[int]
    """Rows of each feature: its tokens, or 1 where block k computes the first token alone."""
    rows: torch.Tensor
    numbers: torch.dtype
    """What the bottom hands on; the file may hold bf16."""
    seconds: float
    """What it took to compute, here or by the run that did."""
    places: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.places = {id(feature): number for number, feature in enumerate(self.features)}

    def padded(self, features: Sequence[Feature]) -> torch.Tensor | None:
        """Give [B, T, H], padded with zeros on the right; None where a feature is not of this set."""
        import torch

        found = [self.places.get(id(feature)) for feature in features]
        numbers = [one for one in found if one is not None]
        if len(numbers) < len(found):
            return None
        lengths = torch.tensor([self.lengths[one] for one in numbers])
        starts = torch.tensor([self.starts[one] for one in numbers])
        column = torch.arange(int(lengths.max()))
        real = column < lengths[:, None]
        taken = self.rows[(starts[:, None] + column)[real]].to(self.numbers)
        if bool(real.all()):
            return taken.view(*real.shape, -1)
        hidden = taken.new_zeros(*real.shape, taken.shape[-1])
        hidden[real] = taken
        return hidden


@dataclass
class Frozen:
    """The frozen bottom of a run's model, with the stores that it has."""

    off: str = ""
    """Why nothing is ever replayed, whatever is frozen."""
    installs: bool = True
    """Whether a bottom's modules are made to answer with what is replayed."""
    bottom: Bottom | None = None
    later: Sequence[int] = ()
    """Numbers of blocks that later phases leave frozen, the most first."""
    why: str = ""
    """Why nothing is replayed."""
    earlier: str = ""
    """Why nothing was in a phase before."""
    stores: list[Store] = field(default_factory=list)
    made: set[str] = field(default_factory=set)
    """Names of the stores that this run filled."""
    most: int = 0
    """Blocks of the longest bottom there was."""
    bytes: int = 0
    """Of all stores that were opened."""
    fill_seconds: float = 0.0
    """What filling them took, here or in the run that did."""
    hits: int = 0
    """Features whose bottom was replayed."""
    saved_seconds: float = 0.0
    """What computing those would have taken, at the rate of filling."""

    def change(self, find: Callable[[Model], Bottom | None], model: Model, later: Sequence[int]) -> None:
        """Take another bottom, or none, in place of the present one, whose stores no longer hold."""
        if self.bottom is not None:
            self.bottom.remove()
        self.stores.clear()
        self.bottom = find(model)
        self.earlier, self.why, self.later = self.earlier or self.why, self.off, later
        if self.bottom is not None:
            self.most = max(self.most, len(self.bottom.blocks))
            if self.installs:
                self.bottom.install()

    def rest(self) -> None:
        """Switch dropout off in what is frozen; to be called after `module.train()`."""
        if self.bottom is not None:
            self.bottom.rest()

    @contextlib.contextmanager
    def replay(self, batch: Batch) -> Iterator[None]:
        """Replay the bottom for a batch within this context, if all its features are stored."""
        store = next((one for one in self.stores if id(batch.features[0]) in one.places), None)
        hidden = store.padded(batch.features) if store is not None else None
        if self.bottom is None or store is None or hidden is None:
            yield
            return
        ids = batch.inputs["input_ids"]
        self.hits += len(batch.features)
        tokens = sum(len(one.input_ids) for one in batch.features)
        self.saved_seconds += store.seconds * tokens / max(1, sum(len(one.input_ids) for one in store.features))
        with self.bottom.replay(hidden.to(ids.device), (ids.shape[0], ids.shape[1])):
            yield

    def replayed(self) -> set[int]:
        """Give the `id` of each parameter that no step computed with."""
        blocks = self.bottom.blocks if self.bottom is not None and self.stores else ()
        return {id(parameter) for block in blocks for parameter in block.parameters()}

    def facts(self) -> dict[str, Any] | None:
        """Give what a report says of it; None where nothing is frozen."""
        if not self.most:
            return None
        return {
            "blocks": self.most, "hits": self.hits, "bytes": self.bytes, "why": self.why or self.earlier,
            "fill_seconds": self.fill_seconds, "saved_seconds": self.saved_seconds,
        }  # fmt: skip
