"""Baselines on made rows whose outcome is known."""

import random

import pytest

from nlptl import baselines
from nlptl.errors import BadInput

NEVER = ["the", "a", "of"]
MARKS = {"joy": ["glad", "merry"], "fear": ["afraid", "dread"], "none": ["table", "stone"]}


def sentence(rng: random.Random, *marks: str) -> str:
    words = [*rng.choices(NEVER, k=2), *(rng.choice(MARKS[mark]) for mark in marks)]
    rng.shuffle(words)
    return " ".join(words)


def one_label(rng: random.Random, rows: int) -> tuple[list[str], list[str]]:
    labels = rng.choices(list(MARKS), [3, 2, 1], k=rows)
    return [sentence(rng, label) for label in labels], labels


def some_labels(rng: random.Random, rows: int) -> tuple[list[str], list[list[str]]]:
    labels = [rng.sample(list(MARKS), rng.choice([0, 1, 2])) for _ in range(rows)]
    return [sentence(rng, *names) for names in labels], labels


def test_majority() -> None:
    found = baselines.majority(["b", "a", "c", "a", "b"], 2)
    assert found.predicted == ("a", "a")
    assert found.probabilities == ({"a": 0.4, "b": 0.4, "c": 0.2},) * 2


def test_majority_of_several_labels_is_the_commonest_set() -> None:
    found = baselines.multilabel_majority([["b", "a"], ["a", "b"], ["a"], []], 1)
    assert found.predicted == (frozenset({"a", "b"}),)
    assert found.probabilities == ({"a": 0.75, "b": 0.5},)


def test_tfidf_learns_the_words_that_mark_labels() -> None:
    rng = random.Random(1)
    train, test = one_label(rng, 300), one_label(rng, 100)
    found = baselines.tfidf_linear(*train, test[0])
    assert list(found.predicted) == test[1]
    assert found.chosen == {"C": 1.0, "terms": "words"}
    for said, chances in zip(found.predicted, found.probabilities, strict=True):
        assert sum(chances.values()) == pytest.approx(1.0)
        assert max(chances, key=chances.__getitem__) == said
    assert baselines.tfidf_linear(*train, test[0]) == found


def test_word_order_is_seen_through_pairs_of_words() -> None:
    train = ["not good but bad", "good but not bad"] * 20
    found = baselines.tfidf_linear(train, ["-", "+"] * 20, ["it is not good but bad", "it is good but not bad"])
    assert found.predicted == ("-", "+")


def test_dev_chooses_c() -> None:
    rng = random.Random(2)
    texts = [" ".join(rng.choices("abcdefgh", k=5)) for _ in range(80)]
    labels = [rng.choice("xyz") for _ in texts]
    task = baselines._prepare(texts, [[name] for name in labels], ["x", "y", "z"], [], [], texts)
    said = {
        c: ["xyz"[at] for at in baselines._probabilities(task.test, baselines._fit(task, c)).argmax(1)]
        for c in baselines.C_VALUES
    }
    assert len({tuple(one) for one in said.values()}) == len(said), "each C must predict something else"
    for c, names in said.items():
        assert baselines.tfidf_linear(texts, labels, ["a"], dev_texts=texts, dev_labels=names).chosen["C"] == c


def test_several_labels_with_threshold_from_dev() -> None:
    rng = random.Random(3)
    train, dev, test = some_labels(rng, 400), some_labels(rng, 100), some_labels(rng, 100)
    found = baselines.multilabel_tfidf_linear(*train, test[0], dev_texts=dev[0], dev_labels=dev[1])
    assert [set(names) for names in found.predicted] == [set(names) for names in test[1]]
    assert found.chosen["threshold"] in baselines.THRESHOLDS
    for said, chances in zip(found.predicted, found.probabilities, strict=True):
        assert said == {name for name, chance in chances.items() if chance >= found.chosen["threshold"]}


def test_rare_label_is_reached_by_the_threshold() -> None:
    rng = random.Random(4)
    # "maybe" goes with the label in one row of five: its probability stays below 0.5 and yet tells.
    texts = ["maybe " + sentence(rng) if at % 2 else sentence(rng) for at in range(400)]
    labels = [["rare"] if at % 10 == 1 else [] for at in range(400)]
    alone = baselines.multilabel_tfidf_linear(texts, labels, ["maybe", "the"])
    assert alone.predicted == (frozenset(), frozenset())
    chosen = baselines.multilabel_tfidf_linear(texts, labels, ["maybe", "the"], dev_texts=texts, dev_labels=labels)
    assert chosen.predicted == (frozenset({"rare"}), frozenset())
    assert chosen.chosen["threshold"] < 0.5


def test_label_that_every_row_or_no_row_has() -> None:
    found = baselines.multilabel_tfidf_linear(["one", "two"], [["a", "b"], ["a"]], ["one"])
    assert found.probabilities[0]["a"] == 1.0
    assert baselines.tfidf_linear(["one", "two"], ["a", "a"], ["three"]).predicted == ("a",)


def test_a_pair_is_joined() -> None:
    pairs = [("red", "blue"), ("blue", "red")] * 20
    found = baselines.tfidf_linear(pairs, ["rb", "br"] * 20, [("red", "blue"), ("blue", "red")])
    assert found.predicted == ("rb", "br")


def test_characters_where_no_spaces_part_words() -> None:
    train = ["\u6211\u7231\u732b\u4eec", "\u6211\u6015\u72d7\u4eec"] * 10
    found = baselines.tfidf_linear(
        train, ["love", "fear"] * 10, ["\u4ed6\u7231\u72d7\u5417", "\u4ed6\u6015\u732b\u5417"]
    )
    assert found.chosen["terms"] == "characters"
    # Half of what is known of each text speaks for either label; alone it is told by the pair of signs.
    found = baselines.tfidf_linear(train, ["love", "fear"] * 10, ["\u7231\u732b", "\u6015\u72d7"])
    assert found.predicted == ("love", "fear")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't stop!", ["Don", "'", "t", "stop", "!"]),
        ("\u0939\u093f\u0928\u094d\u0926\u0940 \u0964", ["\u0939\u093f\u0928\u094d\u0926\u0940", "\u0964"]),
        (f"a{baselines.SEPARATOR}b", ["a", baselines.SEPARATOR, "b"]),
        ("\u201cso\u201d", ["\u201c", "so", "\u201d"]),
        ("...", [".", ".", "."]),
    ],
)
def test_words(text: str, tokens: list[str]) -> None:
    import re

    assert re.findall(baselines.TOKEN, text) == tokens


def test_predictions_in_the_words_of_a_task() -> None:
    rng = random.Random(5)
    (texts, labels), (test, gold) = some_labels(rng, 200), some_labels(rng, 40)
    names = ["none", "joy", "unseen", "fear"]
    ids = [f"test/{at}" for at in range(40)]
    found = baselines.predictions(texts, labels, texts, labels, test, ids, names, several=True)
    assert list(found) == ["majority", "tfidf_linear"]
    for made in found.values():
        assert [one.row_id for one in made] == ids
        assert all(list(one.detail["probabilities"]) == names for one in made)
        assert all(one.detail["probabilities"]["unseen"] == 0.0 for one in made)
    assert [set(one.value) for one in found["tfidf_linear"]] == [set(names) for names in gold]
    texts, single = one_label(rng, 100)
    found = baselines.predictions(texts, [[name] for name in single], [], [], ["glad"], ["1"], names, several=False)
    assert found["tfidf_linear"][0].value == "joy"


def test_what_cannot_be_learnt_is_refused() -> None:
    with pytest.raises(BadInput, match="2 texts and 1 labels"):
        baselines.tfidf_linear(["a", "b"], ["x"], ["c"])
    with pytest.raises(BadInput, match="no training labels"):
        baselines.majority([], 3)
