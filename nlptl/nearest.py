"""A baseline for semantic parsing that knows no checkpoint: the form of the training utterance that is most alike.

Alike by the cosine of TF-IDF vectors, of words and pairs of words (characters where words are not set apart), as
`nlptl.baselines` cuts texts. It never makes a form that it has not seen: what it reaches, remembering reaches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nlptl import baselines
from nlptl.errors import BadInput
from nlptl.tasks import Prediction, Row

CHUNK = 1000
"""Test rows at once: 1,000 similarities with each of 20,000 training rows take 160 MB."""


def predict(train: Sequence[Row], test: Sequence[Row]) -> list[Prediction]:
    """Give each test row the form of the nearest training row, the first of equals; `detail` names it.

    A row that shares no word with any gets the commonest form (the first by text of equals), and no nearest row. Raises
    BadInput without training rows.
    """
    if not train:
        raise BadInput("nearest utterance", "there are no training rows")
    texts = [row.values["text"] for row in train]
    terms = baselines.vectorizer(texts)
    known = terms.fit_transform(texts)
    times = Counter(row.values["form"] for row in train)
    commonest = min(times, key=lambda form: (-times[form], form))
    found: list[Prediction] = []
    for start in range(0, len(test), CHUNK):
        rows = test[start : start + CHUNK]
        alike = (terms.transform([row.values["text"] for row in rows]) @ known.T).toarray()  # [rows, training rows]
        for row, place, similarity in zip(rows, alike.argmax(1).tolist(), alike.max(1).tolist(), strict=True):
            if similarity > 0:
                near = train[place]
                detail = {"nearest": near.id, "similarity": round(similarity, 6)}
                found.append(Prediction(row.id, near.values["form"], detail))
            else:
                found.append(Prediction(row.id, commonest, {"nearest": None, "similarity": 0.0}))
    return found
