"""Classification: a text or a pair of texts gets one label, or several."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from nlptl import baselines, labels, metrics
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.statistics import Difference
from nlptl.tasks import Backbone, Batch, Feature, Fitted, Loss, Model, Partial, Prediction, Purpose, Row, Scores, Task

if TYPE_CHECKING:
    from torch import nn

    from nlptl.cards import DataCard

# Shapes: B examples, T tokens, V labels.


class Labels(Fitted):
    """The labels by name, in the order of the model's outputs, and what was learnt about them."""

    names: tuple[str, ...]
    several: bool
    weights: tuple[float, ...] | None = None
    """One a label: the weight of its examples in the loss (of its positives, where there are several labels)."""
    threshold: float = 0.5
    """Several labels only: the probability from which a label is given; chosen on the selection split."""

    def number(self, name: str) -> int:
        """Give the output that stands for a label."""
        return self.names.index(name)


class Classification(Task):
    """Sequence classification by the checkpoint's own head class; labels travel by name, never by number."""

    columns: ClassVar[tuple[str, ...]] = ("text", "label|labels")
    given: ClassVar[tuple[str, ...]] = ("text", "text_pair")
    errors: ClassVar[tuple[str, ...]] = ("calibration_error",)
    rewritable: ClassVar[tuple[str, ...]] = ("text", "text_pair")
    families: ClassVar[tuple[str, ...]] = ("encoder",)

    kind: Literal["classification"]

    weights: Literal["none", "balanced"] = "none"
    """`balanced` weighs each label by the inverse of its frequency in the training rows."""

    head: Literal["new", "keep", "auto"] = "auto"
    """`new` replaces a head that the checkpoint has, `keep` goes on with it (labels matched by name); `auto` makes
    one where there is none and stops where there is one, since only you can know."""

    one_label: bool = False
    """Allow training rows that all have the same label."""

    def metrics_of(self, card: "DataCard") -> tuple[str, ...]:
        """Name the metrics for one label or several. All but `calibration_error` grow with quality."""
        return labels.SEVERAL if card.several else labels.SINGLE

    def check_rows(self, rows: Sequence[Row], card: "DataCard", split: str) -> list[Problem]:
        """Find empty texts, lone surrogates and labels that the card does not know."""
        known = set(card.labels)
        problems = []
        for row in rows:
            where = f"{row.place or card.name}, row {row.id}"
            if not str(row.values["text"]).strip():
                problems.append(Problem("the text is empty", where, "text", "drop the row in the card, or mend it"))
            if any("\ud800" <= sign <= "\udfff" for sign in row.values["text"]):
                problems.append(Problem("half a surrogate pair is no character", where, "text", "mend the encoding"))
            for label in labels.of_row(row):
                if known and label not in known:
                    problems.append(
                        Problem(f"label {label!r} is not on the card", where, "label", did_you_mean(label, known))
                    )
        return problems

    def fit(self, rows: Sequence[Row], card: "DataCard") -> Labels:
        """Take the labels from the card, in its order, or else from the rows, sorted; weigh them if the recipe says
        so.
        """
        counts = Counter(label for row in rows for label in labels.of_row(row))
        names = card.labels or tuple(sorted(counts))
        if len(counts) < 2 and not self.one_label:
            fix = "check the card's columns, or set task.one_label: true"
            raise BadInput(card.name, Problem(f"all {len(rows)} training rows have the label {list(counts)}", fix=fix))
        weights = None
        if self.weights == "balanced":
            missing = [name for name in names if not counts[name]]
            if missing:
                raise BadInput(card.name, f"task.weights: balanced, but no training row has {missing}")
            total = len(rows)
            each = {name: counts[name] for name in names}
            if card.several:
                weights = tuple((total - each[name]) / each[name] for name in names)
            else:
                weights = tuple(total / (len(names) * each[name]) for name in names)
        return Labels(names=names, several=card.several, weights=weights)

    def restore(self, saved: Mapping[str, Any]) -> Labels:
        """Read Labels back from JSON values."""
        import json

        return Labels.model_validate_json(json.dumps(dict(saved)))

    def attach(self, backbone: Backbone, fitted: Labels, start: Literal["recipe", "saved"]) -> Model:
        """Open the checkpoint with a head of one output a label, and write the label names into its configuration."""
        own = backbone.head_labels()
        head = "keep" if start == "saved" else self.head
        if own is not None and head == "auto":
            fix = "set task.head: new to replace it, or task.head: keep to go on with it"
            raise BadInput("model.checkpoint", Problem(f"the checkpoint has a trained head for {list(own)}", fix=fix))
        if head == "keep" and own is None:
            raise BadInput(
                "model.checkpoint", Problem("task.head: keep, but the checkpoint has no head", fix="set task.head: new")
            )
        if head == "keep" and own is not None and set(own) != set(fitted.names):
            theirs, ours = sorted(set(own) - set(fitted.names)), sorted(set(fitted.names) - set(own))
            only = f"only the checkpoint: {theirs}, only the card: {ours}"
            raise BadInput(
                "model.checkpoint", Problem(f"task.head: keep, but the labels differ; {only}", fix="set task.head: new")
            )
        names = own if head == "keep" and own is not None else fitted.names
        config = {
            "num_labels": len(names),
            "id2label": dict(enumerate(names)),
            "label2id": {name: number for number, name in enumerate(names)},
            "problem_type": "multi_label_classification" if fitted.several else "single_label_classification",
        }
        model = backbone.model("AutoModelForSequenceClassification", config, "keep" if head == "keep" else "new")
        if names != fitted.names:
            labels.reorder_head(model, [names.index(name) for name in fitted.names], fitted.names)
        return model

    def encode(self, rows: Sequence[Row], backbone: Backbone, fitted: Labels, purpose: Purpose) -> list[Feature]:
        """Tokenise each text (or pair) to one feature; labels go along for training alone."""
        if not rows:
            return []
        paired = {"text_pair" in row.values for row in rows}
        if len(paired) == 2:
            raise BadInput("rows", Problem("some have a text_pair and some have none", field="text_pair"))
        pairs = [row.values["text_pair"] for row in rows] if paired == {True} else None
        tokens = backbone.tokenizer(
            [row.values["text"] for row in rows], pairs, truncation="longest_first", max_length=backbone.max_tokens,
            return_attention_mask=False,
        )  # fmt: skip
        types = tokens.get("token_type_ids")
        return [
            Feature(
                row_id=row.id,
                input_ids=tokens["input_ids"][number],
                token_types=types[number] if types is not None else None,
                target=_target(row, fitted) if purpose == "train" else None,
                cut=_cut(row, tokens.encodings[number], backbone),
            )
            for number, row in enumerate(rows)
        ]

    def collate(self, features: Sequence[Feature], backbone: Backbone, fitted: Labels) -> Batch:
        """Pad to the longest on the tokenizer's side; `targets["labels"]` is [B] of numbers, or [B, V] of 0.0 and
        1.0.
        """
        import torch

        from nlptl.modules.padding import padded

        targets = {}
        if all(feature.target is not None for feature in features):
            kind = torch.float32 if fitted.several else torch.long
            targets["labels"] = torch.tensor([feature.target for feature in features], dtype=kind)
        return Batch(features=features, inputs=padded(features, backbone), targets=targets)

    def loss(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Labels) -> Loss:
        """Give cross entropy (one label) or binary cross entropy (several), summed; counted in examples, or in their
        weights.
        """
        import torch
        from torch.nn import functional

        logits_BV = model(**batch.inputs).logits.float()
        target = batch.targets["labels"]
        weights_V = None if fitted.weights is None else torch.tensor(fitted.weights, device=logits_BV.device)
        if fitted.several:
            total = functional.binary_cross_entropy_with_logits(
                logits_BV, target, pos_weight=weights_V, reduction="sum"
            )
            return Loss(total / target.shape[1], torch.tensor(float(target.shape[0]), device=logits_BV.device))
        total = functional.cross_entropy(logits_BV, target, weight=weights_V, reduction="sum")
        count = (
            torch.tensor(float(target.shape[0]), device=logits_BV.device)
            if weights_V is None
            else weights_V[target].sum()
        )
        return Loss(total, count)

    def decode(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Labels) -> list[Partial]:
        """Give each feature's logits, V floats in the order of the label names."""
        logits_BV = model(**batch.inputs).logits.float().cpu().tolist()
        return [
            Partial(feature.row_id, feature.window, logits_V)
            for feature, logits_V in zip(batch.features, logits_BV, strict=True)
        ]

    def merge(self, row: Row, partials: Sequence[Partial], backbone: Backbone, fitted: Labels) -> Prediction:
        """Turn logits into probabilities by label name, and those into the most probable label, or all above the
        threshold.
        """
        (partial,) = partials
        chances = labels.probabilities(partial.values, several=fitted.several)
        named = dict(zip(fitted.names, chances, strict=True))
        value = labels.decide(named, several=fitted.several, threshold=fitted.threshold)
        return Prediction(row.id, value, {"probabilities": named})

    def calibrate(self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Labels) -> Labels:
        """Choose, for several labels, the one threshold of 0.05, 0.10 … 0.95 that has the best macro F1 (ties:
        nearest 0.5).
        """
        if not fitted.several:
            return fitted
        by_id = {prediction.row_id: prediction for prediction in predictions}
        gold = [labels.of_row(row) for row in rows]

        def quality(threshold: float) -> tuple[float, float]:
            said = [
                labels.decide(by_id[row.id].detail["probabilities"], several=True, threshold=threshold) for row in rows
            ]
            return metrics.multilabel_macro_f1(gold, said, fitted.names), -abs(threshold - 0.5)

        best = max((step / 20 for step in range(1, 20)), key=quality)
        return fitted.model_copy(update={"threshold": best})

    def score(self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Labels) -> Scores:
        """Score by label name, rows and predictions matched by id."""
        return labels.score(predictions, rows, fitted.names, several=fitted.several)

    def intervals(
        self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Labels, seed: int
    ) -> dict[str, tuple[float, float]]:
        """Give each metric's 95 % interval: Wilson's for shares of rows, else the bootstrap's."""
        return labels.intervals(predictions, rows, fitted.names, several=fitted.several, seed=seed)

    def difference(
        self, first: Sequence[Prediction], second: Sequence[Prediction], rows: Sequence[Row], fitted: Labels, seed: int
    ) -> Difference:
        """Give the paired difference of the main metric."""
        return labels.difference(first, second, rows, fitted.names, several=fitted.several, seed=seed)

    def baselines(
        self, train: Sequence[Row], dev: Sequence[Row], test: Sequence[Row], fitted: Labels
    ) -> dict[str, list[Prediction]]:
        """Give what the majority label and a linear classifier on word counts predict, of pairs from each part too."""
        found = labels.without_checkpoint(train, dev, test, fitted.names, several=fitted.several)
        for name, column in baselines.PARTS.items() if "text_pair" in train[0].values else ():
            one, two, three = ([baselines.one_part(row, column) for row in side] for side in (train, dev, test))
            alone = labels.without_checkpoint(one, two, three, fitted.names, several=fitted.several)
            found[name] = alone["tfidf_linear"]
        return found

    def gold(self, row: Row, fitted: Labels) -> Prediction:
        """Give the row's own labels with probability 1."""
        own = set(labels.of_row(row))
        chances = {name: float(name in own) for name in fitted.names}
        return Prediction(row.id, sorted(own) if fitted.several else labels.of_row(row)[0], {"probabilities": chances})

    def row_of(self, given: Any, number: int) -> Row:
        """Take a text, or a mapping with `text` and perhaps `text_pair` and `id`."""
        values = {"text": given} if isinstance(given, str) else dict(given)
        if not isinstance(values.get("text"), str):
            raise BadInput(f"input {number + 1}", Problem(f"no text in {given!r}", fix='give {"text": "…"}'))
        return Row(str(values.pop("id", number)), values, language="")


def _target(row: Row, fitted: Labels) -> Any:
    if "labels" in row.values:
        return [float(name in row.values["labels"]) for name in fitted.names]
    return fitted.number(row.values["label"]) if "label" in row.values else None


def _cut(row: Row, encoding: Any, backbone: Backbone) -> int:
    """Count the tokens of a row that truncation took off."""
    if not encoding.overflowing:
        return 0
    texts = [row.values[name] for name in ("text", "text_pair") if name in row.values]
    whole = backbone.tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
    return sum(map(len, whole)) - int(encoding.special_tokens_mask.count(0))
