"""Scripts and languages of rows, told by letters and by function words; no model, no list to bring."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import regex

from nlptl.data.suspicions import script
from nlptl.inspection.finding import Finding, RowAt, Table, at, counted
from nlptl.inspection.gathering import Gathered

_WORDS = {
    "eng": "the and of to is in that it was for with as on are this be not have you he she they but his her from",
    "deu": "der die und das nicht ist ein eine mit auf für den dem zu ich sie auch wir aber wird sind war bei aus wie",
    "fra": "le la les des et est une pas que dans pour qui ce il elle sur avec plus mais nous vous sont cette aux du",
    "spa": "el los las una que por con para es del al como más pero su está esta muy fue ha este son también sus lo",
    "ita": "il che di è per un una non con sono della nel più anche come questo ma gli alla dei delle si le ha era",
    "por": "o os as que uma não para com por mais como mas foi ele ela das dos seu sua ao está são muito também em",
    "nld": "de het een en van niet dat ik zijn met voor op maar ook bij aan er naar wordt deze hij ze wat werd heeft",
    "swe": "och att det som är inte en ett på för med av jag den har till han hon var men om från vi också kan",
    "dan": "og det at er ikke en et på til med af jeg der den har for han hun var men fra vi også kan blev",
    "nob": "og det er ikke en et på til med av jeg som den har for han hun var men fra vi også kan ble etter",
    "fin": "ja on ei se että hän oli mutta kun joka ovat myös niin kuin tai hänen sen ole minä tämä olla vain mitä jos",
    "pol": "nie jest się na że do to jak ale po tak przez dla był jego czy są było być tym od który ta już oraz",
    "ces": "je se na že to jsem ale jako si by tak jsou pro jeho být byl které když už nebo která podle jen není",
    "tur": "bir ve bu için çok ile da de ne ama gibi daha olan olarak kadar var sonra değil her mi en ben o ya",
    "ron": "și în nu este că cu pe la din mai pentru sunt sau dar care ce fost lui cum după foarte această fi am să",
    "ind": "yang dan di itu dengan untuk tidak ini dari dalam akan pada juga saya ke karena ada bisa mereka oleh kami",
    "rus": "не на что он как это но она по из за то же все так бы от был мы они или",
    "ukr": "не на що він як це але його вона по із за то та все так би від був ми",
}
WORDS: Mapping[str, frozenset[str]] = {language: frozenset(words.split()) for language, words in _WORDS.items()}
"""ISO 639-3 code -> function words."""
HITS, SHARE, TIMES = 4, 0.2, 3
"""A row is of a language that has at least so many of its words, so great a share of all, and so many times those of
the language that the card names: below that, names and loan words decide.
"""
_TOKEN = regex.compile(r"[\p{L}\p{M}]+")


def language(text: str, expected: str) -> str:
    """Tell a text's language where it is clear, else ""."""
    words = _TOKEN.findall(text.lower())
    hits = {name: [word for word in words if word in known] for name, known in WORDS.items()}
    best = max(hits, key=lambda name: (len(hits[name]), name == expected))
    if best != expected and len(hits[best]) < TIMES * len(hits.get(expected, ())):
        best = expected
    said = hits.get(best, [])
    return best if len(set(said)) >= HITS and len(said) >= SHARE * len(words) else ""


def of_rows(gathered: Gathered) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Give each row's (script, language), by split."""
    found = {}
    for split, rows in gathered.rows.items():
        texts = [" ".join(row.values[column] for column in gathered.columns) for row in rows]
        found[split] = [
            (script(text), language(text[:2000], row.language)) for row, text in zip(rows, texts, strict=True)
        ]
    return found


def strangers(gathered: Gathered, told: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[Finding]:
    """Yield the rows of a script that is not the one of most rows of their language, and those of another language."""
    usual: dict[str, Counter[str]] = defaultdict(Counter)
    for split, rows in gathered.rows.items():
        for row, (letters, _) in zip(rows, told[split], strict=True):
            usual[row.language].update([letters] if letters else [])
    home = {name: counts.most_common(1)[0][0] for name, counts in usual.items() if counts}
    for split, rows in gathered.rows.items():
        scripts, languages = [], []
        for row, (letters, said) in zip(rows, told[split], strict=True):
            if letters and letters != home[row.language]:
                scripts.append(at(row, letters))
            elif said not in ("", row.language) and row.language in WORDS:
                languages.append(at(row, said))
        yield from _strangers("foreign_script", split, scripts, "written in another script than most of their language")
        yield from _strangers("foreign_language", split, languages, "written in another language than the card says")


def _strangers(kind: str, split: str, rows: Sequence[RowAt], said: str) -> Iterator[Finding]:
    if rows:
        names = ", ".join(f"{name} {count:,}" for name, count in Counter(row.note for row in rows).most_common(5))
        what = f"{counted(len(rows), 'row')} of {split} {'is' if len(rows) == 1 else 'are'} {said}: {names}"
        yield Finding(kind, "warning", what, "drop them, or name their language in the card", rows, f"split {split}")


def table(gathered: Gathered, told: Mapping[str, Sequence[tuple[str, str]]]) -> Table:
    """Count rows by split, language of the card, script, and language that the words tell."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for split, rows in gathered.rows.items():
        for row, (letters, said) in zip(rows, told[split], strict=True):
            counts[split, row.language, letters or "none", said or "not told"] += 1
    order = {split: number for number, split in enumerate(gathered.rows)}
    rows_of = sorted(counts.items(), key=lambda one: (order[one[0][0]], one[0][1], -one[1]))
    head = ["split", "card says", "script", "words tell", "rows"]
    remark = "The language is told by function words; short texts have too few of them."
    return Table("languages", "Scripts and languages", head, [[*key, count] for key, count in rows_of], [remark])
