"""A run's frozen bottom and what is stored of it, handed on batch by batch. `B` examples, `T` tokens, `H` hidden."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nlptl.tasks import Batch, Feature

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
    """What its blocks take to compute."""
    spent: float
    """What was spent on it, here or by the run that did: nothing where an earlier phase filled it."""
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

    bottom: Bottom | None
    why: str = ""
    """Why nothing is replayed."""
    stores: list[Store] = field(default_factory=list)
    hits: int = 0
    """Features whose bottom was replayed."""
    saved_seconds: float = 0.0
    """What computing those would have taken, at the rate of filling."""
    later: Sequence[int] = ()
    """Numbers of blocks that later phases leave frozen, the most first."""
    made: set[str] = field(default_factory=set)
    """Names of the stores that this run filled."""
    earlier: Frozen | None = None
    """That of the phase before, for what is said of the whole run."""

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
        """Give what a report says of it, and of those of the phases before: the most blocks, all else added up. None
        where nothing is frozen.
        """
        before = self.earlier.facts() if self.earlier is not None else None
        if self.bottom is None:
            return before
        held = sum(store.rows.numel() * store.rows.element_size() for store in self.stores)
        found: dict[str, Any] = {
            "blocks": len(self.bottom.blocks), "hits": self.hits, "bytes": held, "why": self.why,
            "fill_seconds": sum(store.spent for store in self.stores), "saved_seconds": self.saved_seconds,
        }  # fmt: skip
        if before is None:
            return found
        together = {name: before[name] + found[name] for name in ("hits", "bytes", "fill_seconds", "saved_seconds")}
        most = max(before["blocks"], found["blocks"])
        return found | together | {"blocks": most, "why": found["why"] or before["why"]}
