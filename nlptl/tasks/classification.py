"""Classification: a text or a pair of texts gets one label, or several."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from nlptl import baselines, documents, labelling, labels, metrics
from nlptl.errors import BadInput, Problem, did_you_mean
from nlptl.labelling import Labels
from nlptl.statistics import Difference
from nlptl.tasks import Backbone, Batch, Feature, Loss, Model, Partial, Prediction, Purpose, Row, Scores, Task

if TYPE_CHECKING:
    from torch import nn

    from nlptl.cards import DataCard

AUTO = "AutoModelForSequenceClassification"

# Shapes: B examples, T tokens, V labels.


class Classification(Task):
    """Sequence classification by the checkpoint's own head class; labels travel by name, never by number."""

    columns: ClassVar[tuple[str, ...]] = ("text", "label|labels")
    given: ClassVar[tuple[str, ...]] = ("text", "text_pair")
    errors: ClassVar[tuple[str, ...]] = ("calibration_error",)
    rewritable: ClassVar[tuple[str, ...]] = ("text", "text_pair")
    families: ClassVar[tuple[str, ...]] = ("encoder", "decoder", "seq2seq")

    distributions: ClassVar[bool] = True

    kind: Literal["classification"]

    weights: Literal["none", "balanced"] = "none"
    """`balanced` weighs each label by the inverse of its frequency in the training rows."""

    head: Literal["new", "keep", "auto"] = "auto"
    """`new` replaces a head that the checkpoint has, `keep` goes on with it (labels matched by name); `auto` makes
    one where there is none and stops where there is one, since only you can know."""

    long: documents.Long = "cut"
    """What is read of a text that is longer than `model.max_tokens`: `cut` its beginning, `head_tail` the first quarter
    of what fits from its beginning and the rest from its end, `windows` all of it, one window after the other. The
    windows of a row train with equal shares of its weight, and at prediction their logits are averaged."""

    stride: int = Field(default=0, ge=0)
    """Tokens that neighbouring windows share; with `long: windows` alone."""

    one_label: bool = False
    """Allow training rows that all have the same label."""

    def metrics_of(self, card: "DataCard") -> tuple[str, ...]:
        """Name the metrics for one label or several. All but `calibration_error` grow with quality."""
        return labels.SEVERAL if card.several else labels.SINGLE

    def not_smoothed(self, card: "DataCard") -> str:
        """Refuse several labels, where an example's own are not one out of all."""
        return "rows have several labels, and none of them stands for all" if card.several else ""

    def check_rows(self, rows: Sequence[Row], card: "DataCard", split: str) -> list[Problem]:
        """Find empty texts, lone surrogates and labels that the card does not know; rows without gold have none."""
        known = set(card.labels)
        problems = self._settings(rows)
        for row in rows:
            where = f"{row.place or card.name}, row {row.id}"
            if not str(row.values["text"]).strip():
                problems.append(Problem("the text is empty", where, "text", "drop the row in the card, or mend it"))
            if any("\ud800" <= sign <= "\udfff" for sign in row.values["text"]):
                problems.append(Problem("half a surrogate pair is no character", where, "text", "mend the encoding"))
            for label in labels.of_row(row) if labels.is_labelled(row) else ():
                if known and label not in known:
                    problems.append(
                        Problem(f"label {label!r} is not on the card", where, "label", did_you_mean(label, known))
                    )
        return problems

    def _settings(self, rows: Sequence[Row]) -> list[Problem]:
        """Find settings that do not go together, or not with such rows."""
        found = []
        if self.stride and self.long != "windows":
            fix = "remove it, or set task.long: windows"
            found.append(Problem("neighbouring windows share it, and there are none", field="task.stride", fix=fix))
        if self.long != "cut" and any("text_pair" in row.values for row in rows):
            found.append(Problem("pairs of texts can only be cut", field="task.long", fix="set it to cut"))
        return found

    def check_backbone(self, backbone: Backbone) -> list[Problem]:
        """Find architectures without a classifier, and windows that share all that they hold."""
        what, fix = "transformers has no sequence classifier of this architecture", "take another checkpoint"
        found = [] if backbone.offers(AUTO) else [Problem(what, field="model.checkpoint", fix=fix)]
        room = backbone.max_tokens - backbone.tokenizer.num_special_tokens_to_add(pair=False)
        if self.stride >= room:
            what = f"windows hold {room} tokens of a text, so neighbours cannot share {self.stride}"
            found.append(Problem(what, field="task.stride", fix="lower it, or raise model.max_tokens"))
        return found

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
            weights = labelling.balanced(counts, names, len(rows), several=card.several)
        shares = tuple(counts[name] / len(rows) for name in names) if card.several else None
        return Labels(names=names, several=card.several, weights=weights, shares=shares)

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
        model = backbone.model(AUTO, config, "keep" if head == "keep" else "new")
        if head != "keep" and fitted.shares is not None and fitted.weights is None:
            labels.start_at(model, fitted.shares)
        if names != fitted.names:
            labels.reorder_head(model, [names.index(name) for name in fitted.names], fitted.names)
        if start == "recipe":
            from nlptl.modules import neighbours

            rows = [Row(text, {"text": text}, "") for text in ("a", "a " * 8)]
            neighbours.check(self, model, self.encode(rows, backbone, fitted, "predict"), backbone, fitted)
        return model

    def encode(self, rows: Sequence[Row], backbone: Backbone, fitted: Labels, purpose: Purpose) -> list[Feature]:
        """Tokenise each text (or pair) to one feature, or one a window; labels go along for training alone.

        `extra` is how many windows the row has.
        """
        if not rows:
            return []
        paired = {"text_pair" in row.values for row in rows}
        if len(paired) == 2:
            raise BadInput("rows", Problem("some have a text_pair and some have none", field="text_pair"))
        found = []
        for row, own in zip(rows, documents.pieces(rows, backbone, self.long, self.stride), strict=True):
            target = _target(row, fitted) if purpose == "train" else None
            found += [
                Feature(row.id, one.ids, window, one.types, target, one.cut, extra=len(own))
                for window, one in enumerate(own)
            ]
        return found

    def collate(self, features: Sequence[Feature], backbone: Backbone, fitted: Labels) -> Batch:
        """Pad to the longest on the tokenizer's side; `targets["labels"]` is [B] of numbers, or [B, V] of 0.0 and
        1.0; `shares`, where rows have several windows, what part of its row each is.
        """
        import torch

        from nlptl.modules.padding import padded

        targets = {}
        if all(feature.target is not None for feature in features):
            kind = torch.float32 if fitted.several else torch.long
            targets["labels"] = torch.tensor([feature.target for feature in features], dtype=kind)
            if any(feature.extra > 1 for feature in features):
                targets["shares"] = torch.tensor([1 / feature.extra for feature in features])
        return Batch(features=features, inputs=padded(features, backbone), targets=targets)

    def loss(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Labels) -> Loss:
        """Give cross entropy (one label) or binary cross entropy (several), summed; counted in examples, or in their
        weights. The windows of a row count as one example together.
        """
        from nlptl.modules import losses

        targets = batch.targets
        return losses.of_labels(
            model(**batch.inputs).logits.float(), targets["labels"], weights=fitted.weights,
            shares=targets.get("shares"),
        )  # fmt: skip

    def decode(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Labels) -> list[Partial]:
        """Give each feature's logits, V floats in the order of the label names."""
        logits_BV = model(**batch.inputs).logits.float().cpu().tolist()
        return [
            Partial(feature.row_id, feature.window, logits_V)
            for feature, logits_V in zip(batch.features, logits_BV, strict=True)
        ]

    def merge(self, row: Row, partials: Sequence[Partial], backbone: Backbone, fitted: Labels) -> Prediction:
        """Turn logits into probabilities by label name, and those into the most probable label, or all above the
        threshold. Of a row in windows the logits are averaged first.
        """
        columns = zip(*(partial.values for partial in partials), strict=True)
        logits_V = [sum(column) / len(column) for column in columns]
        chances = labels.probabilities(logits_V, several=fitted.several)
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
        self, train: Sequence[Row], dev: Sequence[Row], test: Sequence[Row], fitted: Labels,
        backbone: Backbone | None = None,
    ) -> dict[str, list[Prediction]]:  # fmt: skip
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
