"""Texts -> their language as an ISO 639-3 code: by script, by letters that one language has, or by frequent words."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import regex

from nlptl.sniffing import Guess

UNKNOWN = "und"
LOOKED_AT = 500
"""Texts by which a language is judged, spread over all."""
LEAST, MARGIN = 0.06, 1.15
"""Least share of words that must be frequent words of a language, and how far it must be ahead of the second."""
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*")
_BY_SCRIPT = {
    "HANGUL": "kor", "THAI": "tha", "GREEK": "ell", "HEBREW": "heb", "BENGALI": "ben", "TAMIL": "tam", "TELUGU": "tel",
    "KANNADA": "kan", "MALAYALAM": "mal", "GUJARATI": "guj", "GURMUKHI": "pan", "GEORGIAN": "kat", "ARMENIAN": "hye",
    "LAO": "lao", "KHMER": "khm", "MYANMAR": "mya", "SINHALA": "sin", "ETHIOPIC": "amh", "DEVANAGARI": "hin",
}  # fmt: skip
_BY_LETTERS = {
    "CYRILLIC": (
        ("srp", "ђћџљњ"), ("mkd", "ѓќѕ"), ("bel", "ў"), ("kaz", "қғұәһ"), ("ukr", "їєґ"), ("rus", "ыэ"), ("bul", "ъ"),
    ),
    "ARABIC": (("urd", "ٹڈڑےں"), ("fas", "پچژگ"), ("ara", "ةىؤإ")),
}  # fmt: skip
"""Script -> language and letters that the ones after it do not have: the first whose letters are not rare."""
RARE = 0.002
_WORDS = {
    "eng": "the of and to a in is it that was for on with this but not you are have be my they at as very so i",
    "deu": "der die das und ist nicht ich ein eine es zu den mit auch sich war für auf sehr aber wir von dem im wie",
    "fra": "le la les et est un une des pas que je ne pour dans il très ce mais du qui sur nous au avec en plus",
    "spa": "el la los las de que y es un una no por con muy para lo se pero del su me al más como en está fue",
    "ita": "il la di che è e un una non per con sono ma molto si del della le i gli nel anche mi come ho questo da",
    "por": "o a os as de que e é um uma não por com muito para se mas do da em no na foi mais como eu está",
    "nld": "de het een en is van niet ik dat in te was op met zijn maar voor er ook heel wij je aan om die hebben",
    "swe": "och det att är en jag inte på som för med var mycket den av till har men så ett vi om kan från de",
    "dan": "og det at er en jeg ikke på som for med var meget den af til har men så et vi om kan fra de der",
    "nob": "og det at er en jeg ikke på som for med var veldig den av til har men så et vi om kan fra de etter",
    "fin": "ja on ei se että oli hyvin mutta en kun niin myös ovat tai minä olen tämä kuin vain hän jos mitä ole",
    "pol": "i w nie na się to jest z do że jak ale bardzo był o po jestem tak co za tym ma już dla było od",
    "ces": "a je se na to že v s ale jsem jsme bylo byl velmi není za pro si jako tak do po by ve i které",
    "slk": "a je sa na to že v s ale som sme bolo bol veľmi nie za pre si ako tak do po by vo aj ktoré",
    "hun": "a az és nem hogy is volt egy ez de nagyon meg van csak már mert ha jó ki még azt el",
    "ron": "și nu de la a în un o este cu pe că mai dar foarte se pentru din sunt am fost au care ce ai",
    "tur": "ve bir bu çok da de için ama ne daha o ile gibi değil var ben en kadar her sonra iyi olarak",
    "ind": "yang dan di ini tidak itu dengan untuk dari saya ada akan ke pada juga sangat bisa karena sudah tapi",
    "vie": "và là của không có được cho tôi rất một những này với trong đã người các khi thì nhưng",
    "cat": "el la els les de que i és un una no per amb molt però del es al més com en està va",
    "swh": "na ya wa kwa ni la katika za hii kuwa hiyo lakini sana yake kama cha hili huo pia ambayo watu mimi",
    "hrv": "i je u na se da ne za su od s to ali sam vrlo bio što kao koji iz nije bilo jako smo ili",
    "est": "ja on ei et see oli ka aga väga ma kui mis nii seda oma siis kes või mitte olid selle",
    "lit": "ir yra ne į kad tai buvo su bet labai iš aš kaip už jis man per nuo dar tik jau",
}


def language(texts: Sequence[str]) -> Guess[str]:
    """Give the language of most of the texts; `und` where they do not show it."""
    step = max(1, len(texts) // LOOKED_AT)
    seen = " ".join(text[:400] for text in texts[::step][: 2 * LOOKED_AT]).casefold()
    scripts = Counter(_script(letter) for letter in seen if letter.isalpha())
    total = scripts.total()
    if not total:
        return Guess(UNKNOWN, "the texts have no letters")
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > 0.1 * total:
        return Guess("jpn", "the texts are written with kana")
    script, count = scripts.most_common(1)[0]
    share = f"{count / total:.0%} of the letters are {script.capitalize()}"
    if script == "CJK":
        return Guess("zho", f"{count / total:.0%} of the letters are Chinese characters, and there are no kana")
    if script in _BY_SCRIPT:
        return Guess(_BY_SCRIPT[script], share)
    if script in _BY_LETTERS:
        return _by_letters(script, seen, count, share)
    if script == "LATIN":
        return _by_words(seen)
    return Guess(UNKNOWN, f"{share}, which says no language")


def _by_letters(script: str, seen: str, count: int, share: str) -> Guess[str]:
    for code, letters in _BY_LETTERS[script]:
        if sum(map(seen.count, letters)) > RARE * count:
            return Guess(code, f"{share}, with {' '.join(letters)} among them")
    return Guess(UNKNOWN, f"{share}, and none of the letters that would say which language")


def _by_words(seen: str) -> Guess[str]:
    words = _WORD.findall(seen)
    shares = {
        code: sum(word in known for word in words) / max(1, len(words))
        for code, known in ((code, set(known.split())) for code, known in _WORDS.items())
    }
    (best, share), (second, behind) = sorted(shares.items(), key=lambda pair: -pair[1])[:2]
    if share < LEAST:
        return Guess(UNKNOWN, "the frequent words of no known language stand in the texts")
    if share < MARGIN * behind:
        return Guess(UNKNOWN, f"frequent words of {best} and of {second} are about equally many")
    return Guess(best, f"{share:.0%} of the words are frequent words of this language")


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "UNKNOWN").split()[0]
    return {"CJK": "CJK", "IDEOGRAPHIC": "CJK"}.get(name, name)
