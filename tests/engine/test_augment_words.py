"""Augmentation that needs more than a text: a checkpoint's table, a masked language model, WordNet's files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tiny
import tiny_checkpoints
import torch

from nlptl import augmenting, backbone, edits, kinds, prepare, whole_words
from nlptl.augment import Asked
from nlptl.augment.neighbour import Table
from nlptl.checks import check
from nlptl.errors import BadInput
from nlptl.tasks import Row

sys.path.insert(0, str(tiny.ROOT / "tests" / "unit"))
import test_wordnet

Make = Callable[..., tiny.Tiny]
NEAR = {"kind": "neighbour", "rate": 0.3, "copies": 2, "nearest": 3, "among": "table"}


@dataclass(frozen=True)
class World:
    """A tiny recipe, opened as far as augmentation needs it."""

    kinds: Any
    rows: list[Row]
    ground: Any
    task: Any

    def texts(self) -> dict[str, str]:
        return {
            copy.row.id: copy.row.values["text"]
            for copy in augmenting.copies(self.rows, self.kinds, self.task, 13, self.ground)
            if copy.row is not None
        }


def opened(one: tiny.Tiny) -> World:
    inputs = prepare.gather(check(one.recipe))
    rows = prepare.training_rows(inputs, 13)
    return World(inputs.recipe.augment, rows, prepare.ground(inputs, 13), inputs.recipe.task)


@pytest.fixture
def reader(make: Make, tmp_path: Path) -> Path:
    """Give a random checkpoint that has the words of the made world as entries, and 30 others."""
    import transformers

    texts = [row.values["text"] for row in opened(make()).rows]
    letters = list("abcdefghijklmnopqrstuvwxyz")
    words = sorted({word for text in texts for word in text.split()}) + [f"x{one}y" for one in letters]
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{one}" for one in letters), *words]
    tokenizer = transformers.BertTokenizer(vocab={word: number for number, word in enumerate(known)})
    folder = tmp_path / "reader"
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = transformers.BertForMaskedLM(tiny_checkpoints.config("bert", len(known), {}))
    tiny.save_pretrained(model, folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("family", "wanted"),
    [
        ("bert", {"ba", "lu", "gin"}), ("roberta", {"ba", "lu"}), ("gpt2", {"ba", "lu"}), ("llama", {"ba", "lu"}),
        ("xlm-roberta", {"ba", "lu", "gin"}), ("t5", {"ba", "lu"}), ("modernbert", {"ba", "lu"}),
    ],
)  # fmt: skip
def test_whole_words_are_entries_that_a_word_in_a_text_becomes(family: str, wanted: set[str]) -> None:
    tokenizer = tiny_checkpoints.tokenizer(family)
    found = whole_words.whole_words(tokenizer)
    assert wanted <= set(found.values())
    assert len(set(found.values())) == len(found), "one entry each"
    assert all(text.isalpha() for text in found.values())
    names = tokenizer.convert_ids_to_tokens(list(found))
    assert not any(name.startswith("##") for name in names)
    for number, text in found.items():  # as the model would read it
        ids = tokenizer(f"{text} {text}", add_special_tokens=False).input_ids
        assert ids[-1] == number


def test_single_characters_are_the_words_of_scripts_without_spaces() -> None:
    assert whole_words._is_word("日")
    assert not whole_words._is_word("日本")
    assert not whole_words._is_word("a1")
    assert [whole_words.script(one) for one in ("ba", "\u0434\u0430", "日", "1")] == [
        "LATIN", "CYRILLIC", "CJK", "DIGIT",
    ]  # fmt: skip


def test_the_closest_words_are_those_of_brute_force() -> None:
    """In fp64, one by one, over a table with ways of writing a word, two scripts and entries that are no words."""
    words = {number: f"w{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(0, 200, 2)}
    words |= {4: "Wea", 6: words[8].title(), 101: "\u0434\u0430", 103: "\u043d\u0435\u0442"}
    weight = torch.randn(200, 16, generator=torch.Generator().manual_seed(1))
    table = Table(words, weight, None, 4)
    assert table.knows("wea".upper()) is True
    assert not table.knows("unheard")
    asked = [word for number, word in words.items() if number % 3 == 0]
    table.wanted("eng", asked)
    table.look_up()
    for number, word in words.items():
        if number % 3:
            continue
        cosines = torch.nn.functional.cosine_similarity(weight.double(), weight[number].double(), dim=-1)
        others = [
            other for other in torch.argsort(cosines, descending=True).tolist()
            if other in words and (words[other][0] > "z") == (word[0] > "z")
        ]  # fmt: skip
        wanted = [one for one in dict.fromkeys(words[other].casefold() for other in others) if one != word.casefold()]
        assert [one.casefold() for one in table.near("eng", word)] == wanted[:4]


def test_words_give_way_to_close_ones_written_as_they_were(make: Make) -> None:
    world = opened(make(augment=[NEAR], source={"words": 12}))
    rows = [replace(row, values={**row.values, "text": f"Ba LU {row.values['text']} qqqq"}) for row in world.rows]
    tokenizer = world.ground.backbone(None).tokenizer
    words = {text.casefold() for text in whole_words.whole_words(tokenizer).values()}
    seen = set()
    for copy in augmenting.copies(rows, world.kinds, world.task, 13, world.ground):
        for edit in copy.edits["text"]:
            before = copy.parent.values["text"][edit.start : edit.end]
            assert before.casefold() in words
            assert edit.replacement.casefold() in words
            assert before.casefold() != edit.replacement.casefold()
            assert (before.isupper(), before.istitle()) == (edit.replacement.isupper(), edit.replacement.istitle())
            seen.add(before)
    assert {"Ba", "LU"} <= seen
    assert "qqqq" not in seen


def test_among_those_seen_no_other_word_is_taken(make: Make, reader: Path) -> None:
    world = opened(make(reader, augment=[NEAR | {"among": "seen", "nearest": 50}]))
    spoken = {word.text for row in world.rows for word in edits.words(row.values["text"])}
    texts = world.texts()
    assert texts
    assert {word.text for text in texts.values() for word in edits.words(text)} <= spoken
    wide = opened(make(reader, augment=[NEAR | {"nearest": 50}])).texts()
    assert {word.text for text in wide.values() for word in edits.words(text)} - spoken


def test_a_copy_depends_on_no_other_row(make: Make, reader: Path) -> None:
    world = opened(make(reader, augment=[NEAR]))
    texts = world.texts()
    assert replace(world, rows=world.rows[::-1]).texts() == texts
    few = replace(world, rows=world.rows[5:8]).texts()
    assert few == {name: text for name, text in texts.items() if name in few}
    assert len(few) == 6


def test_a_run_trains_on_neighbours_of_its_own_table_or_anothers(make: Make, near_gate: None, reader: Path) -> None:
    own = make(reader, augment=[NEAR], train={"select": "last"}, evaluate=[{"split": "test", "robust": ["neighbour"]}])
    report = own.run().report
    assert report["training"]["augment"]["neighbour"]["made"] == 96
    assert report["evaluation"][0]["robust"][0]["counts"]["made"] == 24
    assert opened(make("bert", augment=[NEAR])).texts() == {}, "its table has none of the words"
    others = [NEAR | {"checkpoint": str(reader)}]
    assert opened(make("bert", augment=others)).texts() == opened(own).texts()


def test_what_is_read_beside_is_in_the_digest(make: Make, tmp_path: Path) -> None:
    beside = tiny.save_checkpoint(tmp_path / "beside", "bert")
    world = make(augment=[NEAR | {"checkpoint": str(beside)}])
    before = prepare.digest(prepare.gather(check(world.recipe)), 13)
    assert prepare.digest(prepare.gather(check(world.recipe)), 13) == before
    tiny.save_checkpoint(beside, "bert", {"num_hidden_layers": 1})
    assert prepare.digest(prepare.gather(check(world.recipe)), 13) != before


def test_a_masked_model_proposes_what_it_says_of_each_text_alone(make: Make, reader: Path) -> None:
    masked = {"kind": "masked", "rate": 0.4, "copies": 1, "nearest": 1, "checkpoint": str(reader)}
    world = opened(make(augment=[masked]))
    import transformers

    model = transformers.AutoModelForMaskedLM.from_pretrained(reader).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(reader)
    words = whole_words.whole_words(tokenizer)
    rows = [
        replace(row, values={**row.values, "text": " ".join([row.values["text"]] * (1 + number % 3))})
        for number, row in enumerate(world.rows)
    ]
    count = 0
    for copy in augmenting.copies(rows, world.kinds, world.task, 13, world.ground):
        text, made = copy.parent.values["text"], copy.edits["text"]
        hidden = edits.apply(text, [edits.Edit(one.start, one.end, tokenizer.mask_token) for one in made])
        coded = tokenizer(hidden, return_tensors="pt")
        with torch.no_grad():
            logits_TV = model(**coded).logits[0]
        places = (coded.input_ids[0] == tokenizer.mask_token_id).nonzero().flatten().tolist()
        assert len(places) == len(made) > 0
        for edit, place in zip(made, places, strict=True):
            ranked = [words[one] for one in torch.argsort(logits_TV[place], descending=True).tolist() if one in words]
            first = next(one for one in ranked if one.casefold() != text[edit.start : edit.end].casefold())
            assert edit.replacement == first
            count += 1
    assert count > 90


def test_masks_are_found_behind_words_that_say_mask_and_not_beyond_the_window(reader: Path) -> None:
    from nlptl.augment.masked import Proposer

    found = backbone.open_checkpoint(backbone.inspect(str(reader)), max_tokens=12, head_seed=0)
    proposer = Proposer(None, found.tokenizer, found.max_tokens, 3)
    text = "[MASK] ba lu ba lu ba lu ba lu ba lu ba lu ba lu"
    chosen = [word for word in edits.words(text) if word.text == "ba"]
    asking = proposer.masked((0, "text"), text, chosen)
    assert asking.masks == {0: 2, 1: 5, 2: 8}, "[CLS] [MASK] [MASK] l ##u [MASK] …"
    assert len(chosen) == 7


def test_the_likeliest_other_words_are_proposed_and_never_the_word_itself(reader: Path) -> None:
    from nlptl.augment.masked import Proposer

    found = backbone.open_checkpoint(backbone.inspect(str(reader)), max_tokens=12, head_seed=0)
    proposer = Proposer(None, found.tokenizer, found.max_tokens, 2)
    ids = found.tokenizer.convert_tokens_to_ids
    logits = torch.zeros(len(found.tokenizer))
    for value, token in enumerate(("xay", "xby", "xcy", "##a", "[SEP]")):
        logits[ids(token)] = 5 + value
    assert proposer._likeliest(logits, "Xcy") == ["xby", "xay"], "`##a` and `[SEP]` are no words"
    assert proposer._likeliest(logits, "\u0434\u0430") == [], "of another script"


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_a_checkpoint_without_the_head_is_refused(make: Make, tmp_path: Path, family: str) -> None:
    folder = tiny.save_checkpoint(tmp_path / "body", family, {}, "AutoModel")
    masked = {"kind": "masked", "rate": 0.4, "copies": 1, "nearest": 1, "checkpoint": str(folder)}
    world = opened(make(augment=[masked]))
    with pytest.raises(BadInput, match=r"no head of masked language modelling .*BERT's or RoBERTa's own"):
        world.texts()


def test_a_checkpoint_that_only_says_it_has_the_head_is_refused(make: Make, tmp_path: Path) -> None:
    folder = tiny.save_checkpoint(tmp_path / "liar", "bert", {}, "AutoModel")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["BertForMaskedLM"]}), encoding="utf-8")
    masked = {"kind": "masked", "rate": 0.4, "copies": 1, "nearest": 1, "checkpoint": str(folder)}
    with pytest.raises(BadInput, match=r"weights of the head are missing.*trained by masked language modelling"):
        opened(make(augment=[masked])).texts()


def varied(kind: str, text: str, language: str, ground: Any, **settings: Any) -> str:
    """Give a text as a kind with these settings writes it."""
    one = kinds.shelf("augment")[kind](kind=kind, copies=1, **settings)
    from nlptl import seeds

    asked = Asked(Row("1", {"text": text}, language), ("text",), partial(seeds.stream, 1, "x"))
    (made,) = one.vary([asked], one.open(ground))
    return edits.apply(text, made.get("text", ()))


def test_synonyms_come_from_the_files_and_english_alone_has_them(tmp_path: Path) -> None:
    settings: Mapping[str, Any] = {
        "rate": 1.0, "senses": 1, "directory": str(test_wordnet.write(tmp_path / "dict")),
    }  # fmt: skip
    assert varied("synonym", "FILM, a big set!", "eng", None, **settings) in (
        "MOVIE, a large put!", "MOTION PICTURE, a large put!",
    )  # fmt: skip
    assert varied("synonym", "film", "deu", None, **settings) == "film"
    assert varied("synonym", "films and movies", "eng", None, **settings) == "films and movies"


def test_synonyms_without_their_files_are_refused_with_the_line(make: Make, tmp_path: Path) -> None:
    synonym = {"kind": "synonym", "rate": 0.1, "copies": 1, "senses": 1, "directory": str(tmp_path)}
    with pytest.raises(BadInput, match=r"augment\[0\].directory: .* has no index.noun"):
        check(make(augment=[synonym]).recipe)
    world = make(augment=[synonym | {"directory": str(test_wordnet.write(tmp_path / "dict"))}])
    inputs = prepare.gather(check(world.recipe))
    assert len(inputs.stamp) == 64


def test_what_augmentation_opens_is_fetched_too(make: Make, reader: Path) -> None:
    from nlptl import fetching
    from nlptl.job import Watch

    masked = {"kind": "masked", "rate": 0.4, "copies": 1, "nearest": 1, "checkpoint": str(reader)}
    one = make(augment=[masked, NEAR], evaluate=[{"split": "test", "robust": ["masked"]}])
    assert [line for line in fetching.fetch(str(one.recipe), Watch()) if str(reader) in line] == [f"{reader}: {reader}"]
