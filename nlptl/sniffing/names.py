"""Names that columns, splits and labels usually have, in data of this field. Compared without case and punctuation."""

from __future__ import annotations

from typing import Literal

import regex

TEXT = (
    "text", "texts", "sentence", "review", "reviewtext", "reviewbody", "comment", "commenttext", "body", "content",
    "tweet", "tweettext", "message", "utterance", "query", "question", "document", "article", "description", "post",
    "sms", "snippet", "abstract", "headline", "title", "subject", "email", "feedback", "answer", "opinion", "verbatim",
    "rezension", "bewertungstext", "kommentar", "texte", "avis", "commentaire", "phrase", "texto", "comentario",
    "resena", "testo", "recensione", "tekst", "本文", "テキスト", "文", "レビュー",
    "文本", "内容", "评论", "텍스트", "текст", "отзыв",
)  # fmt: skip
FIRST_TEXT = ("text", "sentence", "review", "reviewtext", "reviewbody", "commenttext", "tweettext", "body", "utterance")
"""Which of several columns that hold texts is the text: a title beside it is not."""
PAIRS = (
    ("premise", "hypothesis"), ("question1", "question2"), ("sentence1", "sentence2"), ("text1", "text2"),
    ("texta", "textb"), ("sentencea", "sentenceb"), ("text", "textpair"), ("question", "sentence"),
    ("question", "passage"), ("query", "passage"), ("query", "document"), ("question", "answer"),
    ("claim", "evidence"), ("headline", "body"), ("context", "response"), ("source", "target"), ("s1", "s2"),
    ("q1", "q2"), ("sent1", "sent2"), ("phrase1", "phrase2"),
)  # fmt: skip
LABEL = (
    "label", "labels", "goldlabel", "class", "target", "gold", "y", "labelname", "labeltext", "annotation", "klasse",
    "etiqueta", "etiquette", "etichetta", "ラベル", "标签", "라벨", "метка",
)  # fmt: skip
LIKE_LABEL = (
    "category", "categories", "sentiment", "rating", "stars", "star", "score", "overall", "intent", "intents", "topic",
    "topics", "emotion", "emotions", "polarity", "tag", "tags", "genre", "genres", "type", "coarselabel", "kategorie",
    "bewertung", "note", "categoria", "sterne", "spam", "toxic", "stance", "domain", "カテゴリ", "評価", "类别", "情感",
)  # fmt: skip
RATING = ("rating", "stars", "star", "score", "overall", "bewertung", "sterne", "grade", "評価", "similarity")
ID = ("id", "idx", "index", "guid", "uuid", "uid", "key", "rowid", "nr", "no", "number", "pairid", "promptid", "")
SPLIT = ("split", "fold", "partition", "subset", "set", "part")
LANGUAGE = ("language", "lang", "locale", "sprache", "langue", "idioma")
DATE = ("date", "time", "timestamp", "datetime", "created", "createdat", "published", "datum", "fecha")
OTHERS = (
    "user", "username", "author", "name", "url", "link", "source", "votes", "likes", "product", "asin", "city",
    "country", "spans", "tokens", "context", "verified", "price", "age", "email",
)  # fmt: skip
SPLITS: dict[Literal["train", "dev", "test"], tuple[str, ...]] = {
    "train": ("train", "training", "trn", "tr"),
    "dev": ("dev", "valid", "validation", "val", "eval", "devel", "development"),
    "test": ("test", "testing", "tst", "heldout", "holdout"),
}
"""Our split -> the words that name it in files and columns."""
SCALES = (
    ("very negative", "negative", "neutral", "positive", "very positive"),
    ("strongly negative", "negative", "mixed", "positive", "strongly positive"),
    ("strneg", "neg", "mixed", "pos", "strpos"),
    ("neg", "neutral", "pos"),
    ("negative", "mixed", "positive"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("strongly disagree", "disagree", "neither agree nor disagree", "agree", "strongly agree"),
    ("very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"),
    ("very bad", "bad", "ok", "good", "very good"),
    ("terrible", "bad", "okay", "good", "great"),
    ("poor", "fair", "good", "very good", "excellent"),
    ("very low", "low", "medium", "high", "very high"),
    ("none", "low", "medium", "high", "critical"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("small", "medium", "large"),
    ("easy", "medium", "hard"),
    ("no", "maybe", "yes"),
    ("false", "mixed", "true"),
    ("sehr schlecht", "schlecht", "neutral", "gut", "sehr gut"),
    ("muy malo", "malo", "regular", "bueno", "muy bueno"),
    ("a1", "a2", "b1", "b2", "c1", "c2"),
)
"""Labels that have an order, lowest first."""
_NUMBER = regex.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


def plain(name: str) -> str:
    """Give a name without case, spaces, accents' case and punctuation."""
    return str(regex.sub(r"[^\p{L}\p{M}\p{N}]", "", name.casefold()))


def known(name: str) -> bool:
    """Say whether a value is a usual name of a column."""
    bare = plain(name)
    if not bare:
        return False
    pairs = {one for pair in PAIRS for one in pair}
    return bare in (*TEXT, *LABEL, *LIKE_LABEL, *ID, *SPLIT, *LANGUAGE, *DATE, *OTHERS) or bare in pairs


def is_number(value: str) -> bool:
    """Say whether a value is written as a number, with a point or a comma."""
    return _NUMBER.fullmatch(value.strip()) is not None


def split_of(word: str) -> Literal["train", "dev", "test"] | None:
    """Give our name of a split that a word names."""
    return next((split for split, words in SPLITS.items() if word.casefold() in words), None)


def split_in(stem: str) -> tuple[Literal["train", "dev", "test"], str] | None:
    """Give (split, the rest of the name) where one part of a file's name names a split: `reviews_train`, `dev-de`."""
    parts = regex.split(r"([\W_]+)", stem)
    for number in range(0, len(parts), 2):
        split = split_of(parts[number])
        if split is not None and parts[number].casefold() != "tr":
            return split, plain("".join(parts[:number] + parts[number + 1 :]))
    return None
