"""Language modelling: a model goes on learning from plain text, before it learns a task.

Encoders guess masked tokens, decoders the next one. A labelled card serves as well as one without labels: they are not
read.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from nlptl import likelihoods, masking
from nlptl.errors import BadInput, Problem
from nlptl.statistics import Difference
from nlptl.tasks import Backbone, Batch, Feature, Fitted, Loss, Model, Partial, Prediction, Purpose, Row, Scores, Task

if TYPE_CHECKING:
    from torch import nn

    from nlptl.cards import DataCard


class Language(Task):
    """Continued pretraining: masked language modelling on encoders, causal on decoders.

    A text that is longer than `model.max_tokens` is read in windows, each token in one of them. Seq2seq models are
    refused: the sorts of noise that T5 and BART were trained with are not made here.
    """

    columns: ClassVar[tuple[str, ...]] = ("text|context",)
    given: ClassVar[tuple[str, ...]] = ("text", "context")
    errors: ClassVar[tuple[str, ...]] = likelihoods.ERRORS
    rewritable: ClassVar[tuple[str, ...]] = ("text", "context")
    families: ClassVar[tuple[str, ...]] = ("encoder", "decoder")

    kind: Literal["language"]

    masked: float = Field(default=0.15, gt=0, le=0.5)
    """What share of its tokens an encoder must guess, one at least: of these 80 % show the mask, 10 % another token,
    10 % themselves (BERT's). Drawn anew at each step, in training; for scores they are always the same. Decoders guess
    every token."""

    def metrics_of(self, card: "DataCard") -> tuple[str, ...]:
        """Name the metrics: how many tokens are guessed, their mean probability (1 / perplexity), the loss."""
        return likelihoods.METRICS

    def check_rows(self, rows: Sequence[Row], card: "DataCard", split: str) -> list[Problem]:
        """Find empty texts and halves of characters."""
        problems = []
        for row in rows:
            where, text = f"{row.place or card.name}, row {row.id}", _text(row)
            if not text.strip():
                problems.append(Problem("the text is empty", where, "text", "drop the row in the card, or mend it"))
            if any("\ud800" <= sign <= "\udfff" for sign in text):
                problems.append(Problem("half a surrogate pair is no character", where, "text", "mend the encoding"))
        return problems

    def check_backbone(self, backbone: Backbone) -> list[Problem]:
        """Find encoders without a mask, architectures without a language head, and windows without room."""
        from nlptl.modules import guessing

        fix, found = "take another checkpoint", []
        if not backbone.offers(guessing.AUTO[backbone.family]):
            what = "transformers has no language model of this architecture"
            found.append(Problem(what, field="model.checkpoint", fix=fix))
        if backbone.family == "encoder" and backbone.tokenizer.mask_token_id is None:
            found.append(Problem("its tokenizer has no mask token", field="model.checkpoint", fix=fix))
        if backbone.max_tokens <= max(1, backbone.tokenizer.num_special_tokens_to_add(pair=False)):
            what = f"windows of {backbone.max_tokens} tokens hold nothing of a text"
            found.append(Problem(what, field="model.max_tokens", fix="raise it"))
        return found

    def fit(self, rows: Sequence[Row], card: "DataCard") -> Fitted:
        """Learn nothing: the words are the checkpoint's."""
        return Fitted()

    def restore(self, saved: Mapping[str, Any]) -> Fitted:
        """Give back nothing."""
        return Fitted()

    def starting(self, take: Literal["body", "all"]) -> "Language | str":
        """Go on with the language head of the other run where it has one: it means the same whatever the text."""
        return self

    def notes(self, backbone: Backbone) -> list[str]:
        """Say where the checkpoint has no language head."""
        from nlptl.modules import guessing

        if backbone.has_head(guessing.HEADS[backbone.family]):
            return []
        tied = backbone.config.get("tie_word_embeddings", True)
        how = "its output layer is the table of input embeddings" if tied else "its output layer is drawn anew"
        return [f"the checkpoint has no language head; a new one is made, and {how}"]

    def attach(self, backbone: Backbone, fitted: Fitted, start: Literal["recipe", "saved"]) -> Model:
        """Open the checkpoint with its own language head, or a new one where it has none."""
        from nlptl.modules import guessing, neighbours

        kept = start == "saved" or backbone.has_head(guessing.HEADS[backbone.family])
        model = backbone.model(guessing.AUTO[backbone.family], {}, "keep" if kept else "new")
        if start == "recipe":
            rows = [Row(text, {"text": text}, "") for text in ("a", "a " * 8)]
            neighbours.check(self, model, self.encode(rows, backbone, fitted, "predict"), backbone, fitted)
        return model

    def encode(self, rows: Sequence[Row], backbone: Backbone, fitted: Fitted, purpose: Purpose) -> list[Feature]:
        """Cut texts into windows with the places at which a token is to be guessed.

        For prediction they stand in `extra`; a text that holds the mask itself is asked for what stands there.
        """
        return masking.encoded(
            [row.id for row in rows], [_text(row) for row in rows], backbone, self.masked, purpose
        )

    def varies(self, backbone: Backbone) -> str:
        """Say that masks are drawn at each step."""
        return "its masks are drawn anew at each step" if backbone.family == "encoder" else ""

    def drawn(
        self, features: Sequence[Feature], backbone: Backbone, fitted: Fitted, *, seed: int, step: int
    ) -> Sequence[Feature]:
        """Draw the masks of an encoder's features by (seed, step, row, window)."""
        if backbone.family != "encoder":
            return features
        return masking.drawn_again(features, backbone, self.masked, seed=seed, step=step)

    def collate(self, features: Sequence[Feature], backbone: Backbone, fitted: Fitted) -> Batch:
        """Pad to the longest; `targets["labels"]` is [B, T] of tokens, -100 where nothing is guessed."""
        from nlptl.modules import guessing, padding

        inputs, targets = padding.padded(features, backbone), {}
        if all(feature.target is not None for feature in features):
            places = [masking.places_of(feature) for feature in features]
            targets["labels"] = guessing.labels(places, inputs["input_ids"].shape[1])
        return Batch(features, inputs, targets)

    def loss(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Fitted) -> Loss:
        """Give the cross entropy of the tokens to guess, summed; counted in tokens."""
        from nlptl.modules import guessing

        return guessing.loss(model, batch.inputs, batch.targets["labels"])

    def decode(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Fitted) -> list[Partial]:
        """Give each window's loss, guessed tokens, tokens, and the candidates of hidden ones with their windows."""
        from nlptl.modules import guessing

        places = [masking.places_of(feature) for feature in batch.features]
        found = []
        for one, values in zip(batch.features, guessing.said(model, batch.inputs, places), strict=True):
            ids = list(one.input_ids) if values[3] else []
            found.append(Partial(one.row_id, one.window, [*values, ids]))
        return found

    def witness(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Fitted) -> list[Any]:
        """Give logits over the vocabulary, of all places."""
        from nlptl.modules import guessing

        return guessing.witness(model, batch.inputs, [masking.places_of(feature) for feature in batch.features])

    def merge(self, row: Row, partials: Sequence[Partial], backbone: Backbone, fitted: Fitted) -> Prediction:
        """Add up a row's windows: its perplexity, or where the text holds masks, the text with them filled in."""
        loss, right, tokens = (sum(one.values[number] for one in partials) for number in range(3))
        hidden = [one for partial in partials for one in partial.values[3]]
        if not hidden:
            return likelihoods.said(row.id, loss, right, tokens)
        tokenizer, words = backbone.tokenizer, []
        text = _text(row)
        for _, candidates in hidden:
            names = [tokenizer.decode([one]).strip() for one, _ in candidates]
            words.append([{"token": name, "probability": chance}
                          for name, (_, chance) in zip(names, candidates, strict=True)])  # fmt: skip
            text = text.replace(tokenizer.mask_token, names[0], 1)
        return likelihoods.said(row.id, loss, right, tokens, {"filled": words}, text)

    def score(self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Fitted) -> Scores:
        """Score by token, over all rows together."""
        return likelihoods.score(predictions, rows)

    def intervals(
        self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Fitted, seed: int
    ) -> dict[str, tuple[float, float]]:
        """Give each metric's 95 % interval by the bootstrap over rows."""
        return likelihoods.intervals(predictions, rows, seed)

    def difference(
        self, first: Sequence[Prediction], second: Sequence[Prediction], rows: Sequence[Row], fitted: Fitted, seed: int
    ) -> Difference:
        """Give the paired difference of how many tokens are guessed."""
        return likelihoods.difference(first, second, rows, seed)

    def baselines(
        self, train: Sequence[Row], dev: Sequence[Row], test: Sequence[Row], fitted: Fitted,
        backbone: Backbone | None = None,
    ) -> dict[str, list[Prediction]]:  # fmt: skip
        """Give what the frequencies of tokens in training foresee. Without a tokenizer there are no tokens."""
        if backbone is None:
            return {}
        seen = masking.tokens_of(self.encode(train, backbone, fitted, "train"), backbone)
        asked = [
            (one, [token for _, token in masking.places_of(one) if token != masking.HIDDEN])
            for one in self.encode(test, backbone, fitted, "predict")
        ]
        return {"unigram": likelihoods.unigram(seen, asked, test, len(backbone.tokenizer))}

    def gold(self, row: Row, fitted: Fitted) -> Prediction:
        """Give what would be certain of every token."""
        return likelihoods.said(row.id, 0.0, 1, 1)

    def row_of(self, given: Any, number: int) -> Row:
        """Take a text, or a mapping with `text` and perhaps `id`."""
        values = {"text": given} if isinstance(given, str) else dict(given)
        if not any(isinstance(values.get(name), str) for name in self.given):
            raise BadInput(f"input {number + 1}", Problem(f"no text in {given!r:.80}", fix='give {"text": "…"}'))
        return Row(str(values.pop("id", number)), values, language="")


def _text(row: Row) -> str:
    return str(row.values["text"] if "text" in row.values else row.values["context"])
