"""The shelf of tasks, and the records that travel through a run: Row, Feature, Batch, Loss, Partial, Prediction,
Scores.

Nothing here imports torch: `nlptl check` reads a task's settings through this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from nlptl.strict import Value

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nlptl.cards import DataCard
    from nlptl.statistics import Difference


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
class Feature:
    """What a model sees of a row: the whole of it, or one window of several (`window` counts from 0)."""

    row_id: str
    input_ids: Sequence[int]
    window: int = 0
    token_types: Sequence[int] | None = None
    target: Any = None
    """The task's own: a label's number, a vector over labels, a span, ids to generate. None where there is no gold."""
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


@dataclass(frozen=True, slots=True)
class Loss:
    """A sum and a count, never a mean: the engine divides once a step, over all micro-batches and processes."""

    total: Tensor
    """Scalar with a gradient: the sum over what is counted."""
    count: Tensor
    """Scalar without one: how many (or how much weight) `total` sums over."""


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


class Fitted(Value):
    """What a task learns from training rows before training, and from dev rows after it. Saved beside the model."""


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

    The module is transformers' own, or one of ours that holds transformers' as `body` and has a `save_pretrained`.
    """

    module: nn.Module
    head: frozenset[str]
    depths: Mapping[str, int] = field(default_factory=dict)
    """Name of a parameter -> 0 embeddings, 1 … `blocks` the equal layers, `blocks` + 1 above; filled in by the run."""
    blocks: int = 0


Purpose = Literal["train", "predict"]


class Task(Value):
    """Contract of a task: settings are fields, state (model, batch, fitted) is an argument."""

    columns: ClassVar[tuple[str, ...]] = ()
    """Canonical columns that a card must provide; `a|b` means either."""
    given: ClassVar[tuple[str, ...]] = ()
    """Those of the columns that the model sees; the others are gold."""
    errors: ClassVar[tuple[str, ...]] = ()
    """Metrics of `score` that fall with quality: they are shown, and no checkpoint is chosen by them."""
    rewritable: ClassVar[tuple[str, ...]] = ()
    """Columns whose text augmentation may change."""
    families: ClassVar[tuple[str, ...]] = ()
    """The families of checkpoints that it works with."""

    kind: str

    def gold_columns(self) -> tuple[str, ...]:
        """Name the columns that hold gold: those of `columns` that are not given. A card may have others beside."""
        named = (name for needed in self.columns for name in needed.split("|"))
        return tuple(name for name in named if name not in self.given)

    def metrics_of(self, card: DataCard) -> tuple[str, ...]:
        """Name what `score` gives on such data, the main metric first; `errors` are not what a recipe selects by."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `metrics_of`")

    def check_rows(self, rows: Sequence[Row], card: DataCard, split: str) -> list[Any]:
        """Give every Problem of the rows of a split before a model is loaded."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `check_rows`")

    def fit(self, rows: Sequence[Row], card: DataCard) -> Fitted:
        """Learn from training rows what must be known before training: labels, weights, target vocabulary."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `fit`")

    def restore(self, saved: Mapping[str, Any]) -> Fitted:
        """Give back what `fit` and `calibrate` made, from its JSON."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `restore`")

    def attach(self, backbone: Backbone, fitted: Any, start: Literal["recipe", "saved"]) -> Model:
        """Give the checkpoint's body with this task's head: as the settings say, or exactly as nlptl `saved` it."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `attach`")

    def check_backbone(self, backbone: Backbone) -> list[Any]:
        """Give every Problem that settings and checkpoint have with each other, before a model is loaded."""
        return []

    def encode(self, rows: Sequence[Row], backbone: Backbone, fitted: Any, purpose: Purpose) -> list[Feature]:
        """Tokenise rows into features, in the rows' order. Many rows at once, which the tokenizers do in parallel.

        For `train` a row may give no feature; for `predict` it gives windows 0 … n-1, at least one, that hold no gold.
        """
        raise AssertionError(f"task kind '{self.kind}' has no verb `encode`")

    def collate(self, features: Sequence[Feature], backbone: Backbone, fitted: Any) -> Batch:
        """Pad features to their longest and stack them."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `collate`")

    def loss(self, model: nn.Module, batch: Batch, backbone: Backbone, fitted: Any) -> Loss:
        """Give the sum of the losses of a micro-batch and what it sums over."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `loss`")

    def decode(self, model: nn.Module, batch: Batch, backbone: Backbone, fitted: Any) -> list[Partial]:
        """Give one Partial a feature, in the order of the batch."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `decode`")

    def merge(self, row: Row, partials: Sequence[Partial], backbone: Backbone, fitted: Any) -> Prediction:
        """Make one prediction of a row's partials, which come in the order of their windows."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `merge`")

    def witness(self, model: nn.Module, batch: Batch, backbone: Backbone, fitted: Any) -> list[Any]:
        """Give numbers of each feature by which a reloaded model is held against the one in memory: logits, not
        decisions.

        By default the values of `decode`; a task whose decisions can flip on a tie gives what lies behind them.
        """
        return [partial.values for partial in self.decode(model, batch, backbone, fitted)]

    def calibrate(self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Any) -> Fitted:
        """Choose on dev what is chosen after training (a threshold, say). By default nothing."""
        return fitted  # type: ignore[no-any-return]

    def score(self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Any) -> Scores:
        """Score predictions against rows; both are matched by id, whatever their order."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `score`")

    def intervals(
        self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Any, seed: int
    ) -> Mapping[str, tuple[float, float]]:
        """Give metric -> 95 % interval from the rows."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `intervals`")

    def difference(
        self, first: Sequence[Prediction], second: Sequence[Prediction], rows: Sequence[Row], fitted: Any, seed: int
    ) -> Difference:
        """Give how much better `first` is by the main metric, with its paired interval."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `difference`")

    def gold(self, row: Row, fitted: Any) -> Prediction:
        """Give the row's gold as a perfect prediction: scored before a run starts, it must give the best score."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `gold`")

    def baselines(
        self, train: Sequence[Row], dev: Sequence[Row], test: Sequence[Row], fitted: Any
    ) -> Mapping[str, Sequence[Prediction]]:
        """Give name -> predictions on `test` of models that know nothing of checkpoints. By default none."""
        return {}

    def row_of(self, given: Any, number: int) -> Row:
        """Make a row of what a user hands to `predict`: a text, or a mapping of canonical columns."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `row_of`")
