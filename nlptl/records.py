"""The records that travel through a run: Row, Feature, Batch, Loss, Partial, Prediction, Scores; and what a task must
know of a checkpoint: Backbone and Model. `nlptl.tasks` gives them all.

Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Row:
    """One example under canonical column names, as its card defines them.

    `id` is unique in the card (`split/number` unless the data have ids of their own); `values` holds strings, lists of
    strings, or dicts of them; `place` is where it stands in the data, for messages.
    """

    id: str
    values: Mapping[str, Any]
    language: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """Something that stands in a row by name, in its text and in what the gold says."""

    sort: str
    """Its class: what another of the same class can stand in for."""
    places: Mapping[str, Sequence[tuple[int, int]]]
    """Column -> where it stands there, every time."""
    written: Mapping[str, str]
    """Column -> how it is written there."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What a model sees of a row: the whole of it, or one window of several (`window` counts from 0)."""

    row_id: str
    input_ids: Sequence[int]
    window: int = 0
    token_types: Sequence[int] | None = None
    target: Any = None
    """The task's own: a label's number, a vector over labels, a span, the ids to generate. None where gold is not
    known.
    """
    cut: int = 0
    """Tokens of the row that lie outside of the window and are seen by no feature."""
    extra: Any = None
    """What `decode` needs beside what the model says (offsets, say). Never reaches the model."""
    decoder_ids: Sequence[int] = ()
    """In training: what a decoder with a stream of its own reads. Empty where the model has one stream."""

    @property
    def size(self) -> int:
        """Tokens that the model reads of it, those of its decoder too."""
        return len(self.input_ids) + len(self.decoder_ids)


@dataclass(frozen=True, slots=True)
class Batch:
    """A micro-batch: `inputs` go to the model as they are, `targets` to the loss; all tensors have B examples first."""

    features: Sequence[Feature]
    inputs: Mapping[str, Tensor]
    targets: Mapping[str, Tensor]

    def to(self, device: Any) -> Batch:
        """Give the batch with its tensors on a device."""
        sides = self.inputs, self.targets
        return Batch(self.features, *({name: one.to(device) for name, one in side.items()} for side in sides))


@dataclass(frozen=True, slots=True)
class Said:
    """What a loss is made of: `N` distributions over `V` alternatives, in fp32, with their gradients."""

    log_probabilities_NV: Tensor
    weights_N: Tensor
    """How much each counts in the loss; 0 for what is padding."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A sum and a count, never a mean: the engine divides once a step, over all micro-batches and processes."""

    total: Tensor
    """Scalar with a gradient: the sum over what is counted."""
    count: Tensor
    """Scalar without one: how many (or how much weight) `total` sums over."""
    said: Callable[[], Said] | None = None
    """Gives the distributions behind it, for tunings that ask; None where the task has none to give."""


@dataclass(frozen=True, slots=True)
class Partial:
    """What one feature says: plain numbers on the CPU, ready to be gathered over processes and merged by row."""

    row_id: str
    window: int
    values: Any


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is predicted for a row: `value` in the words of the card, `detail` (probabilities, n-best) beside it."""

    row_id: str
    value: Any
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scores:
    """The metrics of a set of rows, and what each row contributes, since statistics need them row by row.

    `metrics` holds name -> value in [0, 1] ([-1, 1] for correlations) in the order in which they are shown, the
    task's main
    metric first. `per_example` is name -> one number a row, in the order of `row_ids`; `correct` is always there,
    and 1.0 means wholly right.
    """

    metrics: Mapping[str, float]
    row_ids: Sequence[str]
    per_example: Mapping[str, Sequence[float]]
    tables: Mapping[str, Any] = field(default_factory=dict)
    """What a report shows beside the metrics: confusion counts, scores by label."""


class Backbone(Protocol):
    """What a task must know of a checkpoint. `nlptl.backbone` has the real one."""

    @property
    def tokenizer(self) -> Any:
        """The fast tokenizer, with a pad token that always exists."""
        ...

    @property
    def family(self) -> str:
        """`encoder`, `decoder` or `seq2seq`."""
        ...

    @property
    def max_tokens(self) -> int:
        """The longest input of this run, special tokens included."""
        ...

    @property
    def padding_side(self) -> str:
        """`right` or `left`."""
        ...

    @property
    def config(self) -> Mapping[str, Any]:
        """The checkpoint's configuration as it is stored."""
        ...

    @property
    def separator(self) -> str:
        """What stands between two texts where the tokenizer itself puts nothing there, else nothing."""
        ...

    @property
    def head_seed(self) -> int:
        """The seed of what is drawn anew."""
        ...

    def model(self, auto_class: str, config: Mapping[str, Any], head: str) -> Model:
        """Open the checkpoint as transformers' `auto_class`, with `config` changed; `head` is `new`, `keep` or `none`
        (every weight must be stored).
        """
        ...

    def stored(self, file: str) -> Mapping[str, Tensor] | None:
        """Give the tensors of a further safetensors file of the checkpoint, None where there is no such file."""
        ...

    def offers(self, auto_class: str) -> bool:
        """Say whether transformers has a class of this architecture for `auto_class`."""
        ...

    def has_head(self, of: str) -> bool:
        """Say whether the checkpoint stores a trained head of a sort: `QuestionAnswering`, say."""
        ...

    def head_labels(self) -> tuple[str, ...] | None:
        """Give the label names of the checkpoint's own trained head, in its order, or None where it has no head."""
        ...


@dataclass(frozen=True)
class Model:
    """A body with a head. `head` names the head's parameters: always trainable, always saved, never an adapter's
    target.

    The module is transformers' own, or one of ours that holds transformers' as `body` and has a `save_pretrained` and,
    for what is not the body, a `save_head`.
    """

    module: nn.Module
    head: frozenset[str]
    depths: Mapping[str, int] = field(default_factory=dict)
    """Name of a parameter -> 0 embeddings, 1 … `blocks` the equal layers, `blocks` + 1 above; filled in by the run."""
    blocks: int = 0
    drawn: frozenset[str] = frozenset()
    """Parameters of the body that a tuning drew anew: they hold nothing of the checkpoint, so they must learn."""
