"""Subwords held to a grammar: whatever a random model would say, what it may say is a form of the grammar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlglot
import tiny_checkpoints
import tiny_grammar as tiny
import torch
import transformers

from nlptl.errors import BadInput
from nlptl.grammars import Held, for_forms, for_sql, schema_of
from nlptl.modules.constraint import ConstrainedLogits, Constraint

NEW = 90
"""Tokens that may be generated."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.database(tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny.subwords(tiny.GOOD, extra=["town", ") FROM l", ".n", "('a", "' AN", ", t"])


@pytest.fixture(scope="module")
def constraint(database: Path, tokenizer: Any) -> Constraint:
    return Constraint(for_sql(schema_of(database)), tokenizer)


def gpt(tokenizer: Any, seed: int) -> Any:
    """Give a random GPT-2; its vocabulary is wider than the tokenizer's, as those of real models are."""
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer) + 5, n_positions=256, n_embd=32, n_layer=2, n_head=2, initializer_range=0.5,
        bos_token_id=0, eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return transformers.GPT2LMHeadModel(config).eval()


class Towards:
    """Adds to the scores of some tokens, as training would."""

    def __init__(self, ids: list[int], more: float) -> None:
        self._ids, self._more = ids, more

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        return scores.index_add(1, torch.tensor(self._ids), torch.full((len(scores), len(self._ids)), self._more))


def held_processors(tokenizer: Any, constraint: Constraint, start: int) -> Any:
    near = Towards(tokenizer.convert_tokens_to_ids(["<end>", ")", '"', "'", "\u0120FRO", "\u0120fro"]), 8.0)
    return transformers.LogitsProcessorList([near, ConstrainedLogits(constraint, start)])


def generate(
    model: Any, tokenizer: Any, constraint: Constraint, prompts: list[str], **settings: Any
) -> list[list[int]]:
    """Generate behind prompts that are padded on the left; give the tokens without prompt and padding."""
    tokenizer.padding_side = "left"
    inputs = tokenizer(prompts, return_tensors="pt", padding=True)
    width = inputs["input_ids"].shape[1]
    processors = held_processors(tokenizer, constraint, width)
    made = model.generate(**inputs, max_new_tokens=NEW, logits_processor=processors, **settings)
    rows = made[:, width:].tolist()
    return [row[: row.index(0) + 1] if 0 in row else row for row in rows]


@pytest.mark.parametrize("settings", [{"do_sample": False}, {"do_sample": False, "num_beams": 3}, {"do_sample": True}])
def test_what_a_random_model_completes_is_prepared(
    settings: dict[str, Any], database: Path, tokenizer: Any, constraint: Constraint
) -> None:
    prompts = ["which town", "how many people live in the biggest town of all", "x", "and which lake"]
    whole = cut = 0
    for seed in range(2):
        torch.manual_seed(seed)
        for row in generate(gpt(tokenizer, seed), tokenizer, constraint, prompts, **settings):
            query = tokenizer.decode(row, skip_special_tokens=True)
            if not constraint.complete(row):
                cut += 1
                assert row[-1] != 0, f"ended within a form: {query}"
                continue
            whole += 1
            assert tiny.prepared(database, query) == "", query
            sqlglot.parse_one(query, dialect="sqlite")
    assert whole >= 2, f"{cut} cut"
    assert constraint.stuck == 0


@pytest.mark.parametrize("beams", [1, 3])
def test_rows_of_a_batch_are_held_one_by_one(beams: int, tokenizer: Any, constraint: Constraint) -> None:
    prompts = ["which town", "how many people live in the biggest town of all"]
    model = gpt(tokenizer, 1).double()
    together = generate(model, tokenizer, constraint, prompts, do_sample=False, num_beams=beams)
    alone = [generate(model, tokenizer, constraint, [one], do_sample=False, num_beams=beams)[0] for one in prompts]
    assert together == alone


def test_a_mask_is_what_may_follow(tokenizer: Any, constraint: Constraint) -> None:
    """At every step of a query, the tokens allowed are those behind which some query can go on."""
    for query in tiny.GOOD:
        ids = tokenizer(query).input_ids
        assert constraint.writes(query) == ""
        mask = constraint.mask([ids[:end] for end in range(len(ids) + 1)])
        assert all(mask[end, one] for end, one in enumerate(ids))
        assert mask[:-1, 0].tolist() == [constraint.complete(ids[:end]) for end in range(len(ids))]
        assert mask[-1, 0]
        assert constraint.complete(ids)
        assert constraint.complete([*ids, 0])
    for query in (*tiny.OUT_OF_SCOPE, *tiny.WRONG):
        assert constraint.writes(query) != "", query


def test_a_mask_says_the_same_as_trying_each_token(tokenizer: Any, constraint: Constraint) -> None:
    """The mask is made at once; a token that is tried by itself is allowed in the same places."""
    one = Constraint(constraint.held, tokenizer)
    for query in tiny.GOOD[1:8:3]:
        ids = tokenizer(query).input_ids
        for end in range(0, len(ids), 5):
            mask = constraint.allowed(ids[:end])
            tried = [one._after(one._at(ids[:end]), token) is not None for token in range(1, len(mask))]  # type: ignore[arg-type]
            assert mask[1:].tolist() == tried, tokenizer.decode(ids[:end])


def test_a_literal_that_sqlite_takes_as_a_column_is_not_closed(tokenizer: Any, constraint: Constraint) -> None:
    """In double quotation marks, `"capital"` is a column where there is one; the literal may go on."""
    before = tokenizer('SELECT name FROM town WHERE land = "capital').input_ids
    mark, letter, joined = tokenizer.convert_tokens_to_ids(['"', "s", "'\u0120A"])
    mask = constraint.mask([before, [*before, letter]])
    assert mask[:, mark].tolist() == [False, True]
    assert mask[:, joined].tolist() == [True, True]  # the other mark closes nothing
    single = tokenizer("SELECT name FROM town WHERE land = 'x").input_ids
    assert constraint.allowed(single)[joined]  # closes, and goes on with AND


def test_a_mask_does_not_depend_on_what_is_kept(tokenizer: Any, constraint: Constraint, monkeypatch: Any) -> None:
    monkeypatch.setattr("nlptl.modules.constraint.MOST_PREFIXES", 3)
    monkeypatch.setattr("nlptl.grammars.words.MOST_PREFIXES", 3)
    forgetful = Constraint(constraint.held, tokenizer)
    ids = tokenizer(tiny.GOOD[6]).input_ids
    for end in range(0, len(ids), 4):
        assert forgetful.allowed(ids[:end]).equal(constraint.allowed(ids[:end]))


def test_a_row_that_has_ended_or_broken_the_grammar_may_only_end(tokenizer: Any, constraint: Constraint) -> None:
    whole = tokenizer("SELECT name FROM town").input_ids
    broken = tokenizer("SELECT village").input_ids
    mask = constraint.mask([[*whole, 0], [*whole, 0, 0], broken])
    assert mask.sum(dim=1).tolist() == [1, 1, 1]
    assert mask[:, 0].all()
    assert not constraint.complete(broken)


def test_what_is_forced_is_known(tokenizer: Any) -> None:
    held = Held('start: "jump" " left" | "walk"\n')
    constraint = Constraint(held, tokenizer)
    assert tokenizer.decode(constraint.forced(tokenizer("j").input_ids)) == "ump left"
    assert constraint.forced([]) == []


def test_another_processor_may_force_a_token(tokenizer: Any, constraint: Constraint) -> None:
    """BART's first token is forced by transformers; a row is never masked whole."""
    scores = torch.full((1, len(tokenizer)), -torch.inf)
    scores[0, 0] = 0.0
    assert ConstrainedLogits(constraint, 1)(torch.tensor([[3]]), scores).equal(scores)
    ConstrainedLogits(constraint, 0)(torch.tensor([[]], dtype=torch.long), scores)
    wide = ConstrainedLogits(constraint, 1)(torch.tensor([[3]]), torch.zeros(1, len(tokenizer) + 5))
    assert wide.isneginf()[0, -5:].all()


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta"])
def test_tokenizers_of_other_kinds(family: str) -> None:
    tokenizer = tiny_checkpoints.tokenizer(family)
    held = for_forms(["banana lime", "lime"], "words")
    constraint = Constraint(held, tokenizer)
    ids = tokenizer(" lime banana", add_special_tokens=False).input_ids
    assert all(constraint.allowed(ids[:end])[one] for end, one in enumerate(ids))
    assert constraint.complete(ids)
    assert constraint.allowed(ids)[tokenizer.eos_token_id]
    assert not constraint.complete(ids[:-1])


def test_a_seq2seq_model_is_held(database: Path, tokenizer: Any, constraint: Constraint) -> None:
    config = transformers.T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=2, decoder_start_token_id=0,
        eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.T5ForConditionalGeneration(config).eval()
    settings = {
        "max_new_tokens": NEW,
        "logits_processor": held_processors(tokenizer, constraint, 1),
        "do_sample": False,
    }
    inputs = tokenizer(["which town", "how many people"], return_tensors="pt", padding=True)
    for beams in (1, 2):
        made = model.generate(**inputs, **settings, num_beams=beams)
        for row in made[:, 1:].tolist():
            if constraint.complete(row):
                assert tiny.prepared(database, tokenizer.decode(row, skip_special_tokens=True)) == ""
            else:
                assert 0 not in row


def test_a_grammar_that_cannot_be_written_is_refused(tokenizer: Any) -> None:
    with pytest.raises(BadInput, match="no form of it can begin with a token"):
        Constraint(Held('start: "Ж"\n'), tiny_checkpoints.tokenizer("xlm-roberta"))
    with pytest.raises(BadInput, match="unknown name"):
        Constraint(Held("start: foo\n"), tokenizer)
