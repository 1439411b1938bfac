"""How a language model parses: a decoder goes on after the utterance, a seq2seq model answers it.

`B` utterances, `T` tokens, `U` tokens of a form, `V` of the vocabulary. The form is text to it; nothing is added to
the checkpoint. Generation is transformers' own.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from nlptl.errors import BadInput, Problem
from nlptl.modules import generating
from nlptl.modules.padding import in_parts, padded
from nlptl.tasks import Backbone, Batch, Feature, Loss, Model, Partial, Said

if TYPE_CHECKING:
    from nlptl.modules.constraint import Constraint
    from nlptl.parses.settings import Forms

IGNORED = -100
WITNESSED = 64
"""Logits, spread over the vocabulary, that a reloaded model must give again."""
SCORED = 1 << 26
"""Logits that are held at once when written forms are scored; a form of 60 tokens has 3 million of 49,152."""
KEPT = 4 << 30
"""Bytes of keys and values of earlier tokens (about: grouped heads keep less) that generation may keep at once."""
AUTO = {"decoder": "AutoModelForCausalLM", "seq2seq": "AutoModelForSeq2SeqLM"}


def attach(backbone: Backbone) -> Model:
    """Open the checkpoint with its own output layer; there is no new head. Raises BadInput."""
    found = backbone.model(AUTO[backbone.family], {}, "none")
    if backbone.family == "decoder":
        generating.check(found.module)
    return found


def encode(
    ids: Sequence[str], texts: Sequence[str], forms: Sequence[str] | None, backbone: Backbone, *, prompt: str,
    longest: int,
) -> list[Feature]:  # fmt: skip
    """Tokenise prompts and, where given, forms. Raises BadInput for forms of more than `longest` tokens.

    A decoder reads both in one stream, so its prompts are cut to what `longest` leaves of the window.
    """
    tokenizer, one_stream = backbone.tokenizer, backbone.family == "decoder"
    room = backbone.max_tokens - (longest + 1 if one_stream else 0)
    made = [_prompt(text, tokenizer, prompt, room, close=not one_stream) for text in texts]
    if forms is None:
        return [Feature(row_id, read, cut=cut) for row_id, (read, cut) in zip(ids, made, strict=True)]
    written = tokenizer([f" {form}" if one_stream else form for form in forms], add_special_tokens=False)["input_ids"]
    _check_lengths(ids, written, longest)
    # Without special tokens: the unknown one is written `<unk>`, which has signs of its own.
    again = tokenizer.batch_decode(written, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    _check_signs(ids, forms, again)
    found = []
    for row_id, (read, cut), form in zip(ids, made, written, strict=True):
        target = [*form, tokenizer.eos_token_id]
        if one_stream:
            found.append(Feature(row_id, [*read, *target], target=target, cut=cut))
        else:
            found.append(Feature(row_id, read, target=target, cut=cut, decoder_ids=[_start(backbone), *form]))
    return found


def _prompt(text: str, tokenizer: Any, prompt: str, room: int, *, close: bool) -> tuple[list[int], int]:
    """Give the tokens of a prompt, the utterance cut to the room that is left, and how many of it were cut."""
    before, after, closing = _around(prompt, tokenizer)
    inner = tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
    left = max(1, room - sum(map(len, (before, after, closing))))
    read = [*before, *inner[:left], *after, *(closing if close else [])]
    return read, max(0, len(inner) - left)


def _around(prompt: str, tokenizer: Any) -> tuple[list[int], list[int], list[int]]:
    """Give the tokens before an utterance, behind it, and the marks that close a text."""
    whole = tokenizer("a").encodings[0]
    inner = [place for place, side in enumerate(whole.sequence_ids) if side == 0]
    opening, closing = whole.ids[: inner[0]], whole.ids[inner[-1] + 1 :]
    outer = [tokenizer(part, add_special_tokens=False)["input_ids"] if part else []
             for part in prompt.split("{text}")]  # fmt: skip
    return [*opening, *outer[0]], outer[1], closing


def prompt_tokens(prompt: str, backbone: Backbone) -> int:
    """Count what a prompt holds beside the utterance."""
    return sum(map(len, _around(prompt, backbone.tokenizer)))


def _start(backbone: Backbone) -> int:
    """Give the token that a seq2seq model's decoder begins with."""
    config = backbone.config
    named = next((config[name] for name in ("decoder_start_token_id", "bos_token_id") if config.get(name) is not None),
                 backbone.tokenizer.pad_token_id)  # fmt: skip
    return int(named)


def _check_lengths(ids: Sequence[str], written: Sequence[Sequence[int]], longest: int) -> None:
    over = [(len(form), row_id) for row_id, form in zip(ids, written, strict=True) if len(form) > longest]
    if over:
        most, row_id = max(over)
        what = f"{len(over)} training forms have more than {longest} tokens, the longest ({row_id}) {most}"
        raise BadInput("task.form_tokens", Problem(what, field="task.form_tokens", fix=f"set it to {most} or more"))


def _check_signs(ids: Sequence[str], forms: Sequence[str], again: Sequence[str]) -> None:
    """Refuse forms with signs that the tokenizer does not have: they could never be written."""
    lost = [
        (row_id, sorted(set(form) - set(back) - {" "}))
        for row_id, form, back in zip(ids, forms, again, strict=True)
        if set(form) - set(back) - {" "}
    ]
    if lost:
        row_id, signs = lost[0]
        shown = f"{row_id}: {' '.join(signs[:8])}"
        what = f"{len(lost)} training forms hold signs that this tokenizer cannot write ({shown})"
        raise BadInput("model.checkpoint", Problem(what, fix="take a checkpoint whose tokenizer knows them"))


def collate(features: Sequence[Feature], backbone: Backbone) -> Batch:
    """Pad on the tokenizer's side; `targets["labels"]` is [B, T] (seq2seq: [B, U]), IGNORED where nothing is
    predicted.
    """
    inputs = padded(features, backbone)
    if backbone.family == "decoder":
        inputs["position_ids"] = (inputs["attention_mask"].cumsum(1) - 1).clamp(min=0)
    if any(one.target is None for one in features):
        return Batch(features, inputs, {})
    if backbone.family == "decoder":
        labels = torch.full_like(inputs["input_ids"], IGNORED)
        for row, one in enumerate(features):
            end = labels.shape[1] if backbone.padding_side == "left" else len(one.input_ids)
            labels[row, end - len(one.target) : end] = torch.tensor(one.target)
        return Batch(features, inputs, {"labels": labels})
    width = max(len(one.decoder_ids) for one in features)
    pad = backbone.tokenizer.pad_token_id
    inputs["decoder_input_ids"] = _filled([one.decoder_ids for one in features], width, pad)
    return Batch(features, inputs, {"labels": _filled([one.target for one in features], width, IGNORED)})


def _filled(rows: Sequence[Sequence[int]], width: int, filler: int) -> torch.Tensor:
    return torch.tensor([[*row, *[filler] * (width - len(row))] for row in rows])


def likelihood(model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give the log-probability of each token of the forms, [B, U'], which of them are real, and those of all others."""
    labels, inputs = batch.targets["labels"], dict(batch.inputs)
    if "decoder_input_ids" not in inputs:
        # Only the places that predict a form's token go through the output layer.
        first = int((labels != IGNORED).any(0).nonzero()[0])
        kept = labels.shape[1] - first + 1
        logits = model(**inputs, logits_to_keep=kept).logits[:, :-1]
        labels = labels[:, first:]
    else:
        logits = model(**inputs).logits
    real = labels != IGNORED
    ahead = logits.float().log_softmax(-1)
    return ahead.gather(2, labels.clamp(min=0)[..., None])[..., 0] * real, real, ahead


def loss(model: Any, batch: Batch) -> Loss:
    """Give the negative log-likelihood of the forms' tokens, the end included; counted in tokens."""
    said, real, ahead_BUV = likelihood(model, batch)
    return Loss(-said.sum(), real.sum(), lambda: Said(ahead_BUV.flatten(0, 1), real.flatten().float()))


def constraint(fitted: Forms, backbone: Backbone) -> Constraint | None:
    """Give what holds generation to a grammar, one object for a run. Raises BadInput where the tokenizer cannot."""
    return _constraint(fitted, backbone.tokenizer)


@functools.lru_cache(maxsize=2)
def _constraint(fitted: Forms, tokenizer: Any) -> Constraint | None:
    from nlptl.grammars import led
    from nlptl.modules.constraint import Constraint

    held = fitted.held()
    return None if held is None else Constraint(led(held), tokenizer)


def decode(
    model: Any, batch: Batch, backbone: Backbone, *, beam: int, longest: int, held: Constraint | None = None
) -> list[Partial]:
    """Give each feature's best forms as [text, log-probability, whether it was cut]."""
    from transformers import GenerationConfig

    from nlptl.modules.constraint import ConstrainedLogits

    tokenizer = backbone.tokenizer
    parts = list(in_parts(batch, _at_once(model, batch, beam, longest)))
    if len(parts) > 1:
        return [one for part in parts for one in decode(model, part, backbone, beam=beam, longest=longest, held=held)]
    config = GenerationConfig(
        max_new_tokens=longest + 1, num_beams=beam, num_return_sequences=beam, do_sample=False, use_cache=True,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        # The sum of log-probabilities, as for our decoder, and until no prefix can win: transformers' early stopping
        # takes the first forms that end, however improbable.
        length_penalty=0.0, early_stopping=False,
        decoder_start_token_id=_start(backbone) if backbone.family == "seq2seq" else None,
    )  # fmt: skip
    inputs = generating.left(batch, backbone) if backbone.family == "decoder" else batch.inputs
    given = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    # A token at a time is bound by memory: on a CPU turning the weights into bf16 at each costs more than it saves.
    with generating.plainly(model), generating.off_on_cpu(given["input_ids"].device.type):
        start = given["input_ids"].shape[1] if backbone.family == "decoder" else 1
        processors = [] if held is None else [ConstrainedLogits(held, start)]
        made = model.generate(**given, generation_config=config, logits_processor=processors)[:, start:]
        written = [generating.until_end(row, tokenizer.eos_token_id, longest) for row in made.tolist()]
        scores = _scores(model, batch, [ids for ids, _ in written], backbone, beam)
    texts = tokenizer.batch_decode(
        [ids for ids, _ in written], skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    found = [[text.strip(), score, cut] for text, score, (_, cut) in zip(texts, scores, written, strict=True)]
    each = [range(row * beam, (row + 1) * beam) for row in range(len(batch.features))]
    # Forms that were cut may differ in what was cut off alone.
    own = [{tuple(written[number][0]): found[number] for number in numbers}.values() for numbers in each]
    return [
        Partial(one.row_id, one.window, sorted(listed, key=lambda said: -said[1]))
        for one, listed in zip(batch.features, own, strict=True)
    ]


def _at_once(model: Any, batch: Batch, beam: int, longest: int) -> int:
    """Give how many utterances may be answered together, by what is kept of each token in every layer, in fp32."""
    config = model.config
    each = 8 * int(config.num_hidden_layers) * int(config.hidden_size)
    return KEPT // (each * beam * (batch.inputs["input_ids"].shape[1] + longest + 1))


def _scores(model: Any, batch: Batch, written: Sequence[list[int]], backbone: Backbone, beam: int) -> list[float]:
    """Give the log-probability of each written form with its end, by one more pass over all of it."""
    features = []
    for number, ids in enumerate(written):
        one = batch.features[number // beam]
        target = [*ids, backbone.tokenizer.eos_token_id]
        if backbone.family == "decoder":
            features.append(Feature(one.row_id, [*one.input_ids, *target], target=target))
        else:
            read = [_start(backbone), *ids]
            features.append(Feature(one.row_id, one.input_ids, target=target, decoder_ids=read))
    device = batch.inputs["input_ids"].device
    longest = max(len(one.target) for one in features)
    rows = max(1, SCORED // (longest * int(model.config.vocab_size)))
    found: list[float] = []
    for first in range(0, len(features), rows):
        part = collate(features[first : first + rows], backbone)
        placed = ({name: one.to(device) for name, one in side.items()} for side in (part.inputs, part.targets))
        said, *_ = likelihood(model, Batch(part.features, *placed))
        found += [float(one) for one in said.sum(1).tolist()]
    return found


def witness(model: Any, batch: Batch, backbone: Backbone) -> list[Any]:
    """Give logits of the first token of each form, at places spread over the vocabulary."""
    inputs = dict(batch.inputs)
    if backbone.family == "decoder":
        last = inputs["attention_mask"].shape[1] - 1 - inputs["attention_mask"].flip(1).argmax(1)
        logits = model(**inputs).logits[torch.arange(len(last)), last]
    else:
        start = torch.full((len(batch.features), 1), _start(backbone), device=inputs["input_ids"].device)
        logits = model(**inputs, decoder_input_ids=start).logits[:, 0]
    places = torch.linspace(0, logits.shape[1] - 1, min(WITNESSED, logits.shape[1])).long()
    found: list[Any] = logits.float()[:, places].cpu().tolist()
    return found
