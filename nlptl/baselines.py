"""Models that know nothing of checkpoints: what a fine-tuned one must beat, on the same rows by the same metrics.

`tfidf_linear` is logistic regression on TF-IDF of words and pairs of words. Logistic, since it gives probabilities;
each label against the rest, by liblinear's trust-region Newton method, which draws nothing at random: there is no seed.
Where words are not set apart by spaces (Chinese, Japanese, Thai, ...) it takes runs of one to three characters instead,
as such texts hardly share a word; elsewhere words are the usual baseline and take a fraction of the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nlptl import metrics
from nlptl.errors import BadInput
from nlptl.tasks import Prediction, Row

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.float64]

P = TypeVar("P", str, frozenset[str])

Text = str | tuple[str, str]

C_VALUES = (1.0, 10.0, 100.0)
"""Values of C, the inverse of the penalty, that dev chooses from. Without dev it is scikit-learn's 1."""

THRESHOLDS = tuple(step / 20 for step in range(1, 20))
"""Probabilities from which a label is given that dev chooses from, with several labels a row; without dev it is 0.5."""

PARTS = {"first_part": "text", "second_part": "text_pair"}
"""Baseline -> the one part of a pair that it reads: what it reaches, it reaches without comparing the two."""

SEPARATOR = "\N{SYMBOL FOR RECORD SEPARATOR}"

# A word is a run between spaces and punctuation, so that the vowel signs of Indic scripts, which `\\w` leaves out, stay
# in it; every other sign is a token by itself, so that no text is without one.
TOKEN = r"[^\s!-/:-@\[-`{-~\u2010-\u2027\u2030-\u205e\u3000-\u303f\u0964\u060c\u061b\u061f\u241e]+|\S"

# Thai to Burmese, Khmer, kana and Han, with their extensions.
UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0x20000, 0x3FFFF),
)


@dataclass(frozen=True, slots=True)
class Baseline(Generic[P]):
    """Predictions for the test rows, in their order: names, or sets of names where a row has several labels."""

    predicted: tuple[P, ...]
    probabilities: tuple[Mapping[str, float], ...]
    """Name -> probability for each row; they sum to 1 only with one label a row."""
    chosen: Mapping[str, float | str] = field(default_factory=dict)
    """What dev chose, and how texts were cut."""


def predictions(
    train_texts: Sequence[Text],
    train_labels: Sequence[Sequence[str]],
    dev_texts: Sequence[Text],
    dev_labels: Sequence[Sequence[str]],
    test_texts: Sequence[Text],
    test_ids: Sequence[str],
    names: Sequence[str],
    *,
    several: bool,
) -> dict[str, list[Prediction]]:
    """Give the predictions of `majority` and `tfidf_linear` for the test rows as a task makes them.

    Labels are lists of names, of one name unless `several`; every one of `names` gets a probability.
    """
    if several:
        found: dict[str, Baseline[Any]] = {
            "majority": multilabel_majority(train_labels, len(test_texts)),
            "tfidf_linear": multilabel_tfidf_linear(
                train_texts, train_labels, test_texts, dev_texts=dev_texts, dev_labels=dev_labels
            ),
        }
    else:
        train, dev = ([label for (label,) in side] for side in (train_labels, dev_labels))
        found = {
            "majority": majority(train, len(test_texts)),
            "tfidf_linear": tfidf_linear(train_texts, train, test_texts, dev_texts=dev_texts, dev_labels=dev),
        }
    return {kind: _as_predictions(one, test_ids, names) for kind, one in found.items()}


def one_part(row: Row, column: str) -> Row:
    """Give a row of a pair with one of its parts as the only text."""
    return replace(row, values={**row.values, "text": row.values[column], "text_pair": None})


def majority(train_labels: Sequence[str], rows: int) -> Baseline[str]:
    """Predict the commonest label (of equals, the first by name) for each of `rows` rows."""
    _check_any(train_labels)
    times = Counter(train_labels)
    best = min(times, key=lambda name: (-times[name], name))
    shares = {name: times[name] / len(train_labels) for name in sorted(times)}
    return Baseline((best,) * rows, (shares,) * rows)


def multilabel_majority(train_labels: Sequence[Collection[str]], rows: int) -> Baseline[frozenset[str]]:
    """Predict the commonest set of labels (of equals, the first by names) for each of `rows` rows."""
    _check_any(train_labels)
    times = Counter(tuple(sorted(set(names))) for names in train_labels)
    best = min(times, key=lambda names: (-times[names], names))
    single = Counter(name for names, count in times.items() for name in names for _ in range(count))
    shares = {name: single[name] / len(train_labels) for name in sorted(single)}
    return Baseline((frozenset(best),) * rows, (shares,) * rows)


def tfidf_linear(
    train_texts: Sequence[Text],
    train_labels: Sequence[str],
    test_texts: Sequence[Text],
    *,
    dev_texts: Sequence[Text] = (),
    dev_labels: Sequence[str] = (),
) -> Baseline[str]:
    """Predict one label a row; C is chosen by accuracy on dev where dev is given. A pair of texts is one text to it.

    Probabilities are those of each label against the rest, divided by their sum.
    """
    labels = sorted(set(train_labels))
    task = _prepare(train_texts, metrics.alone(train_labels), labels, dev_texts, dev_labels, test_texts)

    def candidates() -> Iterator[tuple[float, float, _Linear]]:
        for c in C_VALUES if dev_texts else C_VALUES[:1]:
            model = _fit(task, c)
            guess = [labels[at] for at in _probabilities(task.dev, model).argmax(1)] if dev_texts else ()
            yield (metrics.accuracy(dev_labels, guess) if dev_texts else 0.0), c, model

    # Of equals `max` takes the first, which has the strongest penalty.
    _, c, model = max(candidates(), key=lambda candidate: candidate[0])
    shares = _probabilities(task.test, model)
    shares /= shares.sum(1, keepdims=True)
    predicted = tuple(labels[at] for at in shares.argmax(1))
    return Baseline(predicted, _named(shares, labels), {"C": c, "terms": task.terms})


def multilabel_tfidf_linear(
    train_texts: Sequence[Text],
    train_labels: Sequence[Collection[str]],
    test_texts: Sequence[Text],
    *,
    dev_texts: Sequence[Text] = (),
    dev_labels: Sequence[Collection[str]] = (),
) -> Baseline[frozenset[str]]:
    """Predict a set of labels a row; C and one threshold for all labels are chosen by macro F1 on dev, if given.

    The threshold is chosen since a fine-tuned model's is, too: at 0.5 a rare label is hardly ever predicted.
    """
    labels = sorted({name for names in train_labels for name in names})
    known = sorted({*labels, *(name for names in dev_labels for name in names)})
    task = _prepare(train_texts, train_labels, labels, dev_texts, dev_labels, test_texts)

    def candidates() -> Iterator[tuple[float, float, float, _Linear]]:
        for c in C_VALUES if dev_texts else C_VALUES[:1]:
            model = _fit(task, c)
            on_dev = _probabilities(task.dev, model) if dev_texts else None
            for threshold in THRESHOLDS if dev_texts else (0.5,):
                guess = _sets(on_dev, labels, threshold) if on_dev is not None else ()
                score = metrics.multilabel_macro_f1(dev_labels, guess, known) if dev_texts else 0.0
                yield score, c, threshold, model

    _, c, threshold, model = max(candidates(), key=lambda candidate: candidate[0])
    on_test = _probabilities(task.test, model)
    chosen: dict[str, float | str] = {"C": c, "threshold": threshold, "terms": task.terms}
    return Baseline(_sets(on_test, labels, threshold), _named(on_test, labels), chosen)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """TF-IDF rows [N, F], sparse, of three sets of texts (`dev` may be None); their terms; gold [N, V] of the first."""

    train: Any
    dev: Any
    test: Any
    terms: str
    gold: Array


@dataclass(frozen=True, slots=True)
class _Linear:
    """Weights [F, V] and biases [V] of one logistic regression a label."""

    weights: Array
    biases: Array


def _prepare(
    train: Sequence[Text],
    train_labels: metrics.Sets,
    labels: Sequence[str],
    dev: Sequence[Text],
    dev_labels: Sequence[Any],
    test: Sequence[Text],
) -> _Prepared:
    import numpy

    for side, texts, names in (("train", train, train_labels), ("dev", dev, dev_labels)):
        if len(texts) != len(names):
            raise BadInput("TF-IDF baseline", f"{side} has {len(texts)} texts and {len(names)} labels")
    if not labels or not test:
        raise BadInput("TF-IDF baseline", "there is no label to learn or no text to predict")
    joined = [_joined(text) for text in train]
    terms = vectorizer(joined)
    rows = terms.fit_transform(joined)
    others = [terms.transform([_joined(text) for text in side]) if side else None for side in (dev, test)]
    gold = numpy.array([[label in names for label in labels] for names in train_labels], dtype=float)
    return _Prepared(rows, others[0], others[1], "characters" if terms.analyzer == "char" else "words", gold)


def vectorizer(texts: Sequence[str], *, pairs: bool = True) -> Any:
    """Give scikit-learn's TF-IDF of words and pairs of words, or of characters where words are not set apart.

    Without `pairs` words alone are counted.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    characters = _unspaced(texts)
    return TfidfVectorizer(
        analyzer="char" if characters else "word",
        ngram_range=(1, 3) if characters else (1, 2 if pairs else 1),
        token_pattern=None if characters else TOKEN,
        sublinear_tf=True,
        # Terms seen once are most of a large set's terms and its time, and of a small one's knowledge.
        min_df=2 if len(texts) > 5000 else 1,
    )


def _fit(task: _Prepared, c: float) -> _Linear:
    import numpy
    from sklearn.linear_model import LogisticRegression

    weights = numpy.zeros((task.train.shape[1], task.gold.shape[1]))
    biases = numpy.zeros(task.gold.shape[1])
    for at, gold in enumerate(task.gold.T):
        if gold.min() == gold.max():
            # liblinear refuses a label that every row has: it is then certain.
            biases[at] = numpy.inf if gold[0] else -numpy.inf
            continue
        model = LogisticRegression(C=c, solver="liblinear", tol=1e-2, max_iter=1000).fit(task.train, gold)
        weights[:, at], biases[at] = model.coef_[0], model.intercept_[0]
    return _Linear(weights, biases)


def _probabilities(rows: Any, model: _Linear) -> Array:
    """Give each label's probability against the rest, [N, V]."""
    from scipy.special import expit

    probabilities: Array = expit(rows @ model.weights + model.biases)
    return probabilities


def _as_predictions(found: Baseline[Any], ids: Sequence[str], names: Sequence[str]) -> list[Prediction]:
    made = []
    for row_id, said, chances in zip(ids, found.predicted, found.probabilities, strict=True):
        value = said if isinstance(said, str) else [name for name in names if name in said]
        made.append(Prediction(row_id, value, {"probabilities": {name: chances.get(name, 0.0) for name in names}}))
    return made


def _check_any(labels: Sequence[Any]) -> None:
    if not labels:
        raise BadInput("majority baseline", "there are no training labels")


def _sets(probabilities: Array, labels: Sequence[str], threshold: float) -> tuple[frozenset[str], ...]:
    return tuple(
        frozenset(label for label, p in zip(labels, row, strict=True) if p >= threshold)
        for row in probabilities.tolist()
    )


def _named(probabilities: Array, labels: Sequence[str]) -> tuple[dict[str, float], ...]:
    return tuple(dict(zip(labels, row, strict=True)) for row in probabilities.tolist())


def _joined(text: Text) -> str:
    return text if isinstance(text, str) else f" {SEPARATOR} ".join(text)


def _unspaced(texts: Sequence[str]) -> bool:
    """Tell whether a fifth of the signs belong to scripts that set no spaces between words."""
    signs = Counter(sign for text in texts for sign in text if not sign.isspace())
    unspaced = sum(times for sign, times in signs.items() if any(low <= ord(sign) <= high for low, high in UNSPACED))
    return 5 * unspaced > signs.total()
