"""The shelf of tasks: their contract. The records that their verbs take and give stand in `nlptl.records`.

Nothing here imports torch: `nlptl check` reads a task's settings through this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from nlptl import edits as editing
from nlptl.records import Backbone, Batch, Feature, Loss, Model, Partial, Prediction, Row, Said, Scores, Slot
from nlptl.strict import Value

if TYPE_CHECKING:
    from torch import nn

    from nlptl.cards import DataCard
    from nlptl.statistics import Difference

__all__ = [
    "Backbone", "Batch", "Feature", "Fitted", "Loss", "Model", "Partial", "Prediction", "Purpose", "Row", "Said",
    "Scores", "Slot", "Task",
]  # fmt: skip


class Fitted(Value):
    """What a task learns from training rows before training, and from dev rows after it. Saved with the model as
    JSON.
    """


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
    distributions: ClassVar[bool] = False
    """Whether `loss` gives the distributions behind it, which some tunings need."""

    slotted: ClassVar[bool] = False
    """Whether `slots` gives what stands in a row by name."""

    kind: str

    def gold_columns(self) -> tuple[str, ...]:
        """Name the columns that hold gold: those of `columns` that are not given. A card may have others beside."""
        named = (name for needed in self.columns for name in needed.split("|"))
        return tuple(name for name in named if name not in self.given)

    def metrics_of(self, card: DataCard) -> tuple[str, ...]:
        """Name what `score` gives on such data, the main metric first; a recipe may select by any but
        the `errors`.
        """
        raise AssertionError(f"task kind '{self.kind}' has no verb `metrics_of`")

    def check_card(self, card: DataCard) -> list[Any]:
        """Give every Problem that settings and card have with each other; no data are read."""
        return []

    def not_smoothed(self, card: DataCard) -> str:
        """Say why gold cannot be shared out over all alternatives alike; nothing where it can."""
        return f"task '{self.kind}' does not give the distributions behind its loss"

    def check_rows(self, rows: Sequence[Row], card: DataCard, split: str) -> list[Any]:
        """Give every Problem of the rows of a split before a model is loaded."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `check_rows`")

    def doubts(self, rows: Mapping[str, Sequence[Row]], card: DataCard) -> list[str]:
        """Give warnings of the rows of all splits, which the run may have all the same."""
        return []

    def fit(self, rows: Sequence[Row], card: DataCard) -> Fitted:
        """Learn from training rows what must be known before training: labels, weights, target vocabulary."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `fit`")

    def restore(self, saved: Mapping[str, Any]) -> Fitted:
        """Give back what `fit` and `calibrate` made, from its JSON."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `restore`")

    def attach(self, backbone: Backbone, fitted: Any, start: Literal["recipe", "saved"]) -> Model:
        """Give the checkpoint's body with this task's head: as the settings say, or exactly as nlptl `saved` it."""
        raise AssertionError(f"task kind '{self.kind}' has no verb `attach`")

    def starting(self, take: Literal["body", "all"]) -> Task | str:
        """Give these settings for going on from another run: a new head on its `body`, or `all` of it with its head. Or
        say why that cannot be. By default this is the setting `head` of a task that has one.
        """
        wanted, own = {"body": "new", "all": "keep"}[take], getattr(self, "head", None)
        if own is None:
            return self if take == "body" else f"task '{self.kind}' always begins with a new head: take its body"
        if own not in ("auto", wanted):
            return f"take: {take} contradicts task.head: {own}"
        return self.model_copy(update={"head": wanted})

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

    def realign(self, row: Row, edits: editing.Edits) -> Row | None:
        """Give a row with texts of `rewritable` columns edited and its gold moved along; None where no text is left or
        the gold no longer fits. By default the gold stays as it is.
        """
        return editing.rewritten(row, edits)

    def stands(self, changed: Row, before: Row) -> bool:
        """Say whether gold that a rewrite changed still holds: whether a changed query runs. By default it does."""
        return True

    def slots(self, row: Row, card: DataCard) -> Sequence[Slot]:
        """Give what stands in a row by name, and could be another of its class: cities, slot values. By default
        none; `slotted` says whether a task has such.
        """
        return ()

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
