"""Extractive question answering: the answer is a piece of the context, or none where the data know such questions.

`B` windows, `T` tokens. A context longer than the model's input is read in windows that overlap; a row's windows may
lie in different batches and are merged by their logits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from nlptl import edits as editing
from nlptl import naming, question_overlap, questions, reading, spans
from nlptl.errors import BadInput, Problem
from nlptl.records import Said, Slot
from nlptl.spans import Span
from nlptl.statistics import Difference, bootstrap_mean, paired_bootstrap
from nlptl.tasks import Backbone, Batch, Feature, Fitted, Loss, Model, Partial, Prediction, Purpose, Row, Scores, Task

if TYPE_CHECKING:
    from torch import nn

    from nlptl.cards import DataCard

AUTO = "AutoModelForQuestionAnswering"


class Answers(Fitted):
    """What is learnt of the answers."""

    no_answer: bool
    """Whether questions of the training rows may have no answer."""
    threshold: float = 0.0
    """By how much the best span must beat "no answer"; chosen on dev."""
    temperature: float = 1.0
    """What scores are divided by to become probabilities; chosen on dev."""


class QA(Task):
    """Find the answer to a question in a text."""

    columns: ClassVar[tuple[str, ...]] = ("question", "context", "answers")
    given: ClassVar[tuple[str, ...]] = ("question", "context")
    errors: ClassVar[tuple[str, ...]] = ("calibration_error",)
    rewritable: ClassVar[tuple[str, ...]] = ("question", "context")
    families: ClassVar[tuple[str, ...]] = ("encoder", "decoder", "seq2seq")

    distributions: ClassVar[bool] = True
    slotted: ClassVar[bool] = True

    kind: Literal["qa"]

    stride: int = Field(ge=0)
    """Tokens of the context that neighbouring windows share."""

    answer_tokens: int = Field(ge=1)
    """The longest answer that is predicted, in tokens."""

    n_best: int = Field(default=5, ge=1, le=100)
    """How many candidates a prediction lists with their probabilities."""

    head: Literal["auto", "new", "keep"] = "auto"
    """The checkpoint's own head: `new` draws another, `keep` goes on with it; `auto` stops where there is one."""

    def metrics_of(self, card: "DataCard") -> tuple[str, ...]:
        """Name the metrics; those `by_language` normalise by the rules of the row's language."""
        return questions.METRICS

    def check_rows(self, rows: Sequence[Row], card: "DataCard", split: str) -> list[Problem]:
        """Find empty questions and contexts, and answers that are not where they are said to be."""
        problems = []
        for row in rows:
            where = f"{row.place or card.name}, row {row.id}"
            for name in self.given:
                if not str(row.values[name]).strip():
                    problems.append(Problem(f"the {name} is empty", where, name, "mend the row, or drop it"))
            for number, answer in enumerate(row.values["answers"]):
                start, text = answer["start"], answer["text"]
                if not text or row.values["context"][start : start + len(text)] != text:
                    what = f"answer {number}, {text!r:.60}, does not stand at {start}"
                    problems.append(Problem(what, where, "answers"))
        return problems

    def not_smoothed(self, card: "DataCard") -> str:
        """Refuse: of the places where an answer may end those beside the right one are nearly right, no others."""
        return "an answer's ends are places in a text, and all others are not wrong alike"

    def check_backbone(self, backbone: Backbone) -> list[Problem]:
        """Find architectures without a model for answers."""
        if backbone.offers(AUTO):
            return []
        what = "transformers has no model for question answering of this architecture"
        return [Problem(what, field="model.checkpoint", fix="take another checkpoint")]

    def fit(self, rows: Sequence[Row], card: "DataCard") -> Answers:
        """See whether questions may have no answer."""
        return Answers(no_answer=any(not row.values["answers"] for row in rows))

    def restore(self, saved: Mapping[str, Any]) -> Answers:
        """Read Answers back from JSON values."""
        return Answers(**saved)

    def attach(self, backbone: Backbone, fitted: Answers, start: Literal["recipe", "saved"]) -> Model:
        """Open the checkpoint with a head of two outputs a token: where the answer starts and where it ends."""
        own = backbone.has_head("QuestionAnswering")
        if start == "recipe" and own and self.head == "auto":
            fix = "set task.head: new to replace it, or task.head: keep to go on with it"
            raise BadInput("model.checkpoint", Problem("the checkpoint has a trained head for answers", fix=fix))
        if self.head == "keep" and not own:
            what = "task.head: keep, but the checkpoint has no head for answers"
            raise BadInput("model.checkpoint", Problem(what, fix="set task.head: new"))
        kept = start == "saved" or self.head == "keep"
        model = backbone.model(AUTO, {"num_labels": 2}, "keep" if kept else "new")
        if start == "recipe":
            from nlptl.modules import neighbours

            rows = [Row(text, {"question": "a", "context": text, "answers": []}, "") for text in ("a", "a " * 8)]
            features = reading.windows(rows, backbone, stride=0, targets=False)[:2]
            neighbours.check(self, model, features, backbone, fitted)
        return model

    def encode(self, rows: Sequence[Row], backbone: Backbone, fitted: Answers, purpose: Purpose) -> list[Feature]:
        """Tokenise question and context into windows; for training an answer becomes its first and last token.

        A window that does not hold the whole answer has twice the place of "not here" as its target: the first token,
        on decoders the last. Raises BadInput for questions that leave no room for the context: they are never cut.
        """
        return reading.windows(rows, backbone, stride=self.stride, targets=purpose == "train")

    def collate(self, features: Sequence[Feature], backbone: Backbone, fitted: Answers) -> Batch:
        """Pad to the longest; `targets["span"]` is [B, 2]."""
        import torch

        from nlptl.modules.padding import padded

        targets = {}
        if all(feature.target is not None for feature in features):
            targets["span"] = torch.tensor([feature.target for feature in features])
        return Batch(features, padded(features, backbone), targets)

    def loss(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Answers) -> Loss:
        """Give the mean of the two cross entropies over the tokens, summed; counted in windows."""
        import torch
        from torch.nn import functional

        found = model(**batch.inputs)
        seen = batch.inputs["attention_mask"].bool()
        target_B2 = batch.targets["span"]
        total = torch.zeros((), device=target_B2.device)
        sides = []
        for logits_BT, target_B in ((found.start_logits, target_B2[:, 0]), (found.end_logits, target_B2[:, 1])):
            masked = logits_BT.float().masked_fill(~seen, torch.finfo(torch.float32).min)
            total = total + functional.cross_entropy(masked, target_B, reduction="sum") / 2
            sides.append(masked)

        def said() -> Said:
            both = torch.cat(sides).log_softmax(1)
            return Said(both, torch.full((len(both),), 0.5, device=both.device))

        return Loss(total, torch.tensor(float(len(batch.features)), device=total.device), said)

    def decode(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Answers) -> list[Partial]:
        """Give each window's score of "not here", and its best spans as [start, end, score] in the context."""
        found = []
        for feature, (starts, ends) in zip(batch.features, _logits(model, batch), strict=True):
            begin, offsets = feature.extra
            stop = begin + len(offsets)
            chosen = spans.best(
                starts[begin:stop], ends[begin:stop], offsets, longest=self.answer_tokens, count=self.n_best
            )
            scored = [[one.start, one.end, one.score] for one in chosen]
            nowhere = reading.nowhere(feature, backbone)
            found.append(Partial(feature.row_id, feature.window, [starts[nowhere] + ends[nowhere], scored]))
        return found

    def witness(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Answers) -> list[Any]:
        """Give the logits of all tokens."""
        return [
            [side[: len(feature.input_ids)] for side in pair]
            for feature, pair in zip(batch.features, _logits(model, batch), strict=True)
        ]

    def merge(self, row: Row, partials: Sequence[Partial], backbone: Backbone, fitted: Answers) -> Prediction:
        """Choose among all windows' spans; with `no_answer` the best must beat "no answer" by the threshold.

        The score of "no answer" is the least of the windows': one that holds the answer says so.
        """
        found = spans.merged([[Span(*one) for one in partial.values[1]] for partial in partials], self.n_best)
        none = min(partial.values[0] for partial in partials)
        return questions.prediction(row, found, none, fitted.no_answer, fitted.threshold, fitted.temperature)

    def calibrate(self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Answers) -> Answers:
        """Choose the threshold by F1 and the temperature by the likelihood of being right, on these rows."""
        threshold = questions.threshold(predictions, rows) if fitted.no_answer else fitted.threshold
        temperature = questions.temperature(predictions, rows, fitted.no_answer)
        return fitted.model_copy(update={"threshold": threshold, "temperature": temperature})

    def score(self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Answers) -> Scores:
        """Score by exact match and F1, under SQuAD's normaliser and under the language's own."""
        return questions.score(predictions, rows)

    def intervals(
        self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Answers, seed: int
    ) -> dict[str, tuple[float, float]]:
        """Give each metric's 95 % interval by the bootstrap over rows."""
        scores = questions.score(predictions, rows)
        found = {}
        for name in questions.METRICS:
            if name in scores.per_example:
                between = bootstrap_mean(scores.per_example[name], seed=seed)
                found[name] = (between.low, between.high)
        return found

    def difference(
        self, first: Sequence[Prediction], second: Sequence[Prediction], rows: Sequence[Row], fitted: Answers, seed: int
    ) -> Difference:
        """Give the paired difference of F1."""
        sides = [questions.score(side, rows).per_example["f1"] for side in (first, second)]
        return paired_bootstrap(*sides, seed=seed)

    def baselines(
        self, train: Sequence[Row], dev: Sequence[Row], test: Sequence[Row], fitted: Answers
    ) -> dict[str, list[Prediction]]:
        """Give what the overlap of words with the question finds, and where it applies, never an answer."""
        found = {"question_overlap": question_overlap.predict(train, test)}
        if fitted.no_answer:
            found["no_answer"] = [Prediction(row.id, "", {}) for row in test]
        return found

    def realign(self, row: Row, edits: editing.Edits) -> Row | None:
        """Move the answers with the context; None where an edit changed one of them, and not as gold."""
        found = editing.rewritten(row, edits)
        if found is None or "context" not in edits:
            return found
        answers = []
        for answer in row.values["answers"]:
            span = (answer["start"], answer["start"] + len(answer["text"]))
            start, end = editing.moved(*span, edits["context"])
            text = found.values["context"][start:end]
            if text != answer["text"] and not editing.renamed(*span, edits["context"]):
                return None
            answers.append({**answer, "text": text, "start": start})
        return replace(found, values={**found.values, "answers": answers})

    def slots(self, row: Row, card: "DataCard") -> Sequence[Slot]:
        """Give the first answer, where it is a name, a number or a year, with all places that mention it."""
        answer = next((one["text"] for one in row.values["answers"]), "")
        sort = naming.answer_sort(answer, row.values["question"])
        places = {name: naming.mentions(row.values[name], answer, exact=True) for name in self.rewritable}
        if not sort or not places["context"]:
            return ()
        return (Slot(sort, {name: found for name, found in places.items() if found},
                     dict.fromkeys(self.rewritable, answer)),)  # fmt: skip

    def gold(self, row: Row, fitted: Answers) -> Prediction:
        """Give the row's first answer."""
        first = next(iter(row.values["answers"]), None)
        return Prediction(row.id, first["text"] if first else "", {"probability": 1.0})

    def row_of(self, given: Any, number: int) -> Row:
        """Take a mapping with `question`, `context` and perhaps `id`."""
        values = dict(given) if isinstance(given, Mapping) else {}
        missing = [name for name in self.given if not isinstance(values.get(name), str)]
        if missing:
            fix = 'give {"question": "…", "context": "…"}'
            raise BadInput(f"input {number + 1}", Problem(f"no {' and no '.join(missing)} in {given!r:.80}", fix=fix))
        return Row(str(values.pop("id", number)), values, language="")


def _logits(model: "nn.Module", batch: Batch) -> list[tuple[list[float], list[float]]]:
    """Give each window's start and end logits, T floats each."""
    found = model(**batch.inputs)
    return list(zip(found.start_logits.float().cpu().tolist(), found.end_logits.float().cpu().tolist(), strict=True))
