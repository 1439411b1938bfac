"""Semantic parsing: an utterance becomes a logical form, a query or a frame.

A decoder goes on after the utterance, a seq2seq model answers it, and over an encoder stands a decoder of ours that
writes a form piece by piece and copies words of the utterance.
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from nlptl import edits as editing
from nlptl import forms, nearest
from nlptl.errors import BadInput, Problem
from nlptl.parses import against_card, databases, scoring, vocabulary
from nlptl.parses import slots as parse_slots
from nlptl.parses.settings import Decoder, Forms, Search
from nlptl.statistics import Difference, paired_bootstrap, wilson
from nlptl.tasks import Backbone, Batch, Feature, Loss, Model, Partial, Prediction, Purpose, Row, Scores, Slot, Task

if TYPE_CHECKING:
    from torch import nn

    from nlptl.cards import DataCard


UTTERANCE = 4
"""Tokens of an utterance that prompt and form must leave room for; those of a longer one are cut, and counted."""


class Parsing(Task):
    """Turn an utterance into a form; the card names the language of its forms, and a database if there is one."""

    columns: ClassVar[tuple[str, ...]] = ("text", "form")
    given: ClassVar[tuple[str, ...]] = ("text",)
    rewritable: ClassVar[tuple[str, ...]] = ("text",)
    families: ClassVar[tuple[str, ...]] = ("encoder", "decoder", "seq2seq")

    distributions: ClassVar[bool] = True
    slotted: ClassVar[bool] = True

    kind: Literal["parsing"]

    form_tokens: int = Field(ge=1, le=100_000)
    """The longest form, in tokens of the checkpoint (over an encoder: in pieces of the form); what is longer is cut
    when it is written, and an error when it is to be learnt."""

    form: Literal["as_written", "shortened"] = "as_written"
    """`shortened` learns an equivalent shorter query (SQL alone: aliases that say nothing are left away)."""

    decoder: Decoder | None = None
    """Needed over an encoder, and nowhere else."""

    prompt: str = Field(default="{text} =>", pattern=r"^[^{}]*\{text\}[^{}]*$")
    """What a decoder or seq2seq model reads; `{text}` is the utterance."""

    search: Search = Search()
    """How forms are searched for."""

    def metrics_of(self, card: "DataCard") -> tuple[str, ...]:
        """Name the metrics; with a database what the forms give comes first."""
        return scoring.WITH_DATABASE if against_card.has_database(card) else scoring.FORM_ALONE

    def check_card(self, card: "DataCard") -> list[Problem]:
        """Hold `form` and `search.grammar` against the language, database and grammar of the card's forms."""
        return against_card.problems(card, self.form, self.search)

    def check_rows(self, rows: Sequence[Row], card: "DataCard", split: str) -> list[Problem]:
        """Find empty utterances and forms that do not parse."""
        problems = []
        for row in rows:
            where = f"{row.place or card.name}, row {row.id}"
            if not str(row.values["text"]).strip():
                problems.append(Problem("the text is empty", where, "text", "mend the row, or drop it"))
            fault = forms.check(row.values["form"], against_card.language(card))
            if fault is not None:
                problems.append(Problem(f"{fault.what}, {fault.where}", where, "form", fault.fix))
        return problems

    def doubts(self, rows: Mapping[str, Sequence[Row]], card: "DataCard") -> list[str]:
        """Warn of gold forms that do not run on their database, or that the grammar refuses."""
        from nlptl.parses.doubts import doubts

        held, language = None, against_card.language(card)
        if self.search.grammar in ("sql", "card"):
            written = [self._written(row, language) for row in rows["train"]]
            files = tuple(sorted({row.values["database"] for row in rows["train"] if row.values.get("database")}))
            made = against_card.grammar_of(self.search, card, files, written)
            held = Forms(language=language).model_copy(update=made).held()
        return doubts(rows, language, held, lambda row: self._written(row, language))

    def fit(self, rows: Sequence[Row], card: "DataCard") -> Forms:
        """Learn what words forms are made of, and which templates of queries there are."""
        language = against_card.language(card)
        written = [self._written(row, language) for row in rows]
        seen = tuple(sorted({one for form in written for one in scoring.hashes(form, language)}))
        files = tuple(sorted({row.values["database"] for row in rows if row.values.get("database")}))
        made = Forms(language=language, seen=seen, databases=files)
        made = made.model_copy(update=against_card.grammar_of(self.search, card, files, written))
        if self.decoder is None:
            return made
        cut = [forms.pieces(form, language) for form in written]
        over = max(range(len(rows)), key=lambda number: len(cut[number]))
        if len(cut[over]) > self.form_tokens:
            what = f"row {rows[over].id} has a form of {len(cut[over])} pieces, {self.form_tokens} are allowed"
            raise BadInput("task.form_tokens", Problem(what, fix=f"set it to {len(cut[over])} or more"))
        pairs = [(row.values["text"], pieces) for row, pieces in zip(rows, cut, strict=True)]
        lower = vocabulary.is_lower(pairs)
        structure = {piece for form in written for piece in scoring.structure(form, language)}
        pieces = vocabulary.learn(pairs, structure, lower=lower)
        return made.model_copy(update={"lower": lower, "pieces": pieces})

    def _written(self, row: Row, language: str) -> str:
        form: str = row.values["form"]
        return forms.shortened(form, language) if self.form == "shortened" else form

    def restore(self, saved: Mapping[str, Any]) -> Forms:
        """Read Forms back from JSON values."""
        import json

        return Forms.model_validate_json(json.dumps(dict(saved)))

    def not_smoothed(self, card: "DataCard") -> str:
        """Refuse the decoder of ours, which copies words of one utterance: other rows' words have no chance there."""
        return "" if self.decoder is None else "most of what a decoder that copies chooses from cannot be copied"

    def starting(self, take: Literal["body", "all"]) -> Task | str:
        """Go on with all there is where a language model writes by itself: it has no head."""
        return self if self.decoder is None else super().starting(take)

    def check_backbone(self, backbone: Backbone) -> list[Problem]:
        """Hold `decoder` and the lengths against the family of the checkpoint."""
        problems = []
        if backbone.family == "encoder" and self.decoder is None:
            fix = "write such as decoder: {layers: 3, width: 384, heads: 6, dropout: 0.1}"
            problems.append(Problem("an encoder needs a decoder over it", field="task.decoder", fix=fix))
        if backbone.family != "encoder" and self.decoder is not None:
            what = f"a checkpoint of the family '{backbone.family}' writes by itself"
            problems.append(Problem(what, field="task.decoder", fix="remove it"))
        if self.decoder is not None and self.decoder.width % self.decoder.heads:
            what = f"{self.decoder.heads} heads do not divide a width of {self.decoder.width}"
            problems.append(Problem(what, field="task.decoder.heads"))
        if backbone.family != "encoder":
            problems += self._check_room(backbone)
        positions = backbone.config.get("max_position_embeddings")
        if backbone.family == "seq2seq" and positions is not None and self.form_tokens >= positions:
            what = f"forms of {self.form_tokens} tokens and the start are more than the decoder's {positions} positions"
            problems.append(Problem(what, field="task.form_tokens", fix=f"set it to {positions - 1} or less"))
        return problems

    def _check_room(self, backbone: Backbone) -> list[Problem]:
        """Find what leaves less room than UTTERANCE beside prompt and, where there is one stream, form."""
        from nlptl.modules import language_parser

        prompt = language_parser.prompt_tokens(self.prompt, backbone)
        form = self.form_tokens + 1 if backbone.family == "decoder" else 0
        if form + prompt + UTTERANCE <= backbone.max_tokens:
            return []
        forms_too = f"forms of {self.form_tokens} tokens and " if form else ""
        what = f"{forms_too}a prompt of {prompt} leave no room for an utterance in {backbone.max_tokens}"
        return [Problem(what, field="task.form_tokens" if form else "task.prompt", fix="raise model.max_tokens")]

    def attach(self, backbone: Backbone, fitted: Forms, start: Literal["recipe", "saved"]) -> Model:
        """Open a language model as it is, or an encoder with a new decoder over it."""
        from nlptl.modules import copying_parser, language_parser, neighbours

        if self.decoder is None:
            language_parser.constraint(fitted, backbone)  # a grammar that cannot be written here is told at once
            model = language_parser.attach(backbone)
        else:
            copying_parser.constraint(fitted)
            size, longest = len(fitted.pieces), self.form_tokens
            model = copying_parser.attach(backbone, size, self.decoder, longest, saved=start == "saved")
        if start == "recipe":
            rows = [Row(text, {"text": text}, "") for text in ("a", "a " * 8)]
            neighbours.check(self, model, self.encode(rows, backbone, fitted, "predict"), backbone, fitted)
        return model

    def encode(self, rows: Sequence[Row], backbone: Backbone, fitted: Forms, purpose: Purpose) -> list[Feature]:
        """Tokenise each utterance to one feature; for training the form goes along."""
        from nlptl.modules import copying_parser, language_parser

        if not rows:
            return []
        ids, texts = [row.id for row in rows], [row.values["text"] for row in rows]
        written = [self._written(row, fitted.language) for row in rows] if purpose == "train" else None
        if self.decoder is None:
            return language_parser.encode(ids, texts, written, backbone, prompt=self.prompt, longest=self.form_tokens)
        cut = None if written is None else [forms.pieces(form, fitted.language) for form in written]
        return copying_parser.encode(ids, texts, cut, backbone, fitted.pieces, lower=fitted.lower)

    def collate(self, features: Sequence[Feature], backbone: Backbone, fitted: Forms) -> Batch:
        """Pad both streams to their longest."""
        from nlptl.modules import copying_parser, language_parser

        if self.decoder is None:
            return language_parser.collate(features, backbone)
        return copying_parser.collate(features, backbone)

    def loss(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Forms) -> Loss:
        """Give the negative log-likelihood of the forms, summed; counted in their tokens, ends included."""
        from nlptl.modules import copying_parser, language_parser

        return language_parser.loss(model, batch) if self.decoder is None else copying_parser.loss(model, batch)

    def decode(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Forms) -> list[Partial]:
        """Give each feature's best forms as [form, log-probability, whether it was cut], the best first."""
        from nlptl.modules import copying_parser, language_parser

        beam, longest = self.search.beams, self.form_tokens
        if self.decoder is None:
            held = language_parser.constraint(fitted, backbone)
            return language_parser.decode(model, batch, backbone, beam=beam, longest=longest, held=held)
        held_words = copying_parser.constraint(fitted)
        found = copying_parser.decode(model, batch, fitted.pieces, beam=beam, longest=longest, held=held_words)
        spoken = [[[forms.joined(said, fitted.language), *rest] for said, *rest in one.values] for one in found]
        return [Partial(one.row_id, one.window, values) for one, values in zip(found, spoken, strict=True)]

    def witness(self, model: "nn.Module", batch: Batch, backbone: Backbone, fitted: Forms) -> list[Any]:
        """Give log-probabilities or logits that lie behind the first pieces of every form."""
        from nlptl.modules import copying_parser, language_parser

        if self.decoder is None:
            return language_parser.witness(model, batch, backbone)
        return copying_parser.witness(model, batch, len(fitted.pieces))

    def merge(self, row: Row, partials: Sequence[Partial], backbone: Backbone, fitted: Forms) -> Prediction:
        """Take the most probable form."""
        (partial,) = partials
        return scoring.prediction(row.id, partial.values, databases.of_row(row, fitted))

    def score(self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Forms) -> Scores:
        """Score by the forms, and where there is a database by what they give."""
        return scoring.score(predictions, rows, fitted.language, set(fitted.seen), databases.of_rows(rows, fitted))

    def intervals(
        self, predictions: Sequence[Prediction], rows: Sequence[Row], fitted: Forms, seed: int
    ) -> dict[str, tuple[float, float]]:
        """Give each metric's 95 % interval by Wilson: all are shares of rows."""
        scores = self.score(predictions, rows, fitted)
        found = {}
        for name in scores.metrics:
            between = wilson(round(sum(scores.per_example[name])), len(rows))
            found[name] = (between.low, between.high)
        return found

    def difference(
        self, first: Sequence[Prediction], second: Sequence[Prediction], rows: Sequence[Row], fitted: Forms, seed: int
    ) -> Difference:
        """Give the paired difference of the main metric."""
        sides = [self.score(side, rows, fitted).per_example["correct"] for side in (first, second)]
        return paired_bootstrap(*sides, seed=seed)

    def baselines(
        self, train: Sequence[Row], dev: Sequence[Row], test: Sequence[Row], fitted: Forms
    ) -> dict[str, list[Prediction]]:
        """Give the form of the training utterance that is most alike."""
        return {"nearest": nearest.predict(train, test)}

    def realign(self, row: Row, edits: editing.Edits) -> Row | None:
        """Keep the form, or change it alike; None where an edit touched words that it has as well."""
        return parse_slots.realigned(row, edits)

    def stands(self, changed: Row, before: Row) -> bool:
        """Say whether a changed query runs on its database."""
        same = changed.values["form"] == before.values["form"]
        return same or scoring.runs(changed.values["form"], changed.values.get("database"))

    def slots(self, row: Row, card: "DataCard") -> Sequence[Slot]:
        """Give the values of the form that the utterance mentions; none of a form that could not be learnt."""
        form, language = row.values["form"], against_card.language(card)
        if forms.check(form, language) is not None:
            return ()
        cut = self.decoder is not None and forms.length(self._written(row, language), language) > self.form_tokens
        return () if cut else parse_slots.slots(row, language)

    def gold(self, row: Row, fitted: Forms) -> Prediction:
        """Give the row's own form."""
        return scoring.prediction(row.id, [[row.values["form"], 0.0, False]])

    def row_of(self, given: Any, number: int) -> Row:
        """Take a text, or a mapping with `text` and perhaps `id` and `database`."""
        values = {"text": given} if isinstance(given, str) else dict(given)
        if not isinstance(values.get("text"), str):
            raise BadInput(f"input {number + 1}", Problem(f"no text in {given!r}", fix='give {"text": "…"}'))
        database = values.get("database")
        if database is not None and not (isinstance(database, str) and os.path.isfile(database)):
            raise BadInput(f"input {number + 1}", Problem(f"no such database file: {database!r:.80}", field="database"))
        return Row(str(values.pop("id", number)), values, language="")
