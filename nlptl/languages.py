"""Names and families of languages, by their ISO 639-3 codes, and which are written without spaces.

Codes and English names are those of ISO 639-3; families are the usual ones of comparative linguistics (as in
Glottolog), by the branch where a family is as wide as Indo-European. A code that is not here is its own name and stands
in no family.
"""

from __future__ import annotations

FAMILIES: dict[str, dict[str, str]] = {
    "Germanic": {
        "eng": "English", "deu": "German", "nld": "Dutch", "swe": "Swedish", "dan": "Danish", "nob": "Norwegian Bokmål",
        "nno": "Norwegian Nynorsk", "nor": "Norwegian", "isl": "Icelandic", "fao": "Faroese", "afr": "Afrikaans",
        "ltz": "Luxembourgish", "fry": "Western Frisian", "yid": "Yiddish",
    },
    "Romance": {
        "fra": "French", "spa": "Spanish", "por": "Portuguese", "ita": "Italian", "ron": "Romanian", "cat": "Catalan",
        "glg": "Galician", "oci": "Occitan", "ast": "Asturian", "scn": "Sicilian", "lat": "Latin", "roh": "Romansh",
    },
    "Slavic": {
        "rus": "Russian", "ukr": "Ukrainian", "bel": "Belarusian", "pol": "Polish", "ces": "Czech", "slk": "Slovak",
        "slv": "Slovenian", "hrv": "Croatian", "srp": "Serbian", "bos": "Bosnian", "bul": "Bulgarian",
        "mkd": "Macedonian",
    },
    "Baltic": {"lit": "Lithuanian", "lav": "Latvian", "lvs": "Standard Latvian"},
    "Celtic": {"gle": "Irish", "cym": "Welsh", "gla": "Scottish Gaelic", "bre": "Breton"},
    "Greek": {"ell": "Modern Greek", "grc": "Ancient Greek"},
    "Albanian": {"sqi": "Albanian", "als": "Tosk Albanian"},
    "Armenian": {"hye": "Armenian"},
    "Indo-Iranian": {
        "hin": "Hindi", "urd": "Urdu", "ben": "Bengali", "pan": "Panjabi", "guj": "Gujarati", "mar": "Marathi",
        "nep": "Nepali", "npi": "Nepali", "sin": "Sinhala", "asm": "Assamese", "ori": "Odia", "san": "Sanskrit",
        "snd": "Sindhi", "fas": "Persian", "pes": "Iranian Persian", "prs": "Dari", "pus": "Pashto", "kmr": "Kurmanji",
        "ckb": "Central Kurdish", "tgk": "Tajik",
    },
    "Basque": {"eus": "Basque"},
    "Uralic": {
        "fin": "Finnish", "est": "Estonian", "ekk": "Standard Estonian", "hun": "Hungarian", "sme": "Northern Sami",
    },
    "Turkic": {
        "tur": "Turkish", "aze": "Azerbaijani", "azj": "North Azerbaijani", "kaz": "Kazakh", "uzb": "Uzbek",
        "uzn": "Northern Uzbek", "kir": "Kirghiz", "tat": "Tatar", "tuk": "Turkmen", "uig": "Uyghur",
    },
    "Mongolic": {"mon": "Mongolian", "khk": "Halh Mongolian"},
    "Kartvelian": {"kat": "Georgian"},
    "Afro-Asiatic": {
        "ara": "Arabic", "arb": "Standard Arabic", "heb": "Hebrew", "amh": "Amharic", "hau": "Hausa", "som": "Somali",
        "mlt": "Maltese", "tir": "Tigrinya", "orm": "Oromo", "gaz": "West Central Oromo",
    },
    "Atlantic-Congo": {
        "swh": "Swahili", "swa": "Swahili", "yor": "Yoruba", "ibo": "Igbo", "zul": "Zulu", "xho": "Xhosa",
        "sna": "Shona", "kin": "Kinyarwanda", "lug": "Ganda", "wol": "Wolof", "nya": "Nyanja", "sot": "Southern Sotho",
        "tsn": "Tswana", "lin": "Lingala", "twi": "Twi", "ewe": "Ewe",
    },
    "Dravidian": {"tam": "Tamil", "tel": "Telugu", "kan": "Kannada", "mal": "Malayalam"},
    "Sino-Tibetan": {
        "zho": "Chinese", "cmn": "Mandarin Chinese", "yue": "Cantonese", "mya": "Burmese", "bod": "Tibetan",
        "dzo": "Dzongkha",
    },
    "Japonic": {"jpn": "Japanese"},
    "Koreanic": {"kor": "Korean"},
    "Kra-Dai": {"tha": "Thai", "lao": "Lao"},
    "Austroasiatic": {"vie": "Vietnamese", "khm": "Khmer"},
    "Austronesian": {
        "ind": "Indonesian", "msa": "Malay", "zsm": "Standard Malay", "jav": "Javanese", "sun": "Sundanese",
        "tgl": "Tagalog", "ceb": "Cebuano", "mlg": "Malagasy", "plt": "Plateau Malagasy", "mri": "Maori",
        "haw": "Hawaiian", "smo": "Samoan", "fij": "Fijian",
    },
    "Quechuan": {"que": "Quechua", "quy": "Ayacucho Quechua"},
    "Aymaran": {"aym": "Aymara", "ayr": "Central Aymara"},
    "Tupian": {"grn": "Guarani"},
}  # fmt: skip
UNSPACED = frozenset({"zho", "cmn", "yue", "jpn", "tha", "lao", "khm", "mya", "bod", "dzo"})
"""Written without a space between words: there tokens are counted by character."""

_NAMES = {code: name for members in FAMILIES.values() for code, name in members.items()}
_FAMILY = {code: family for family, members in FAMILIES.items() for code in members}


def name_of(code: str) -> str:
    """Give a language's English name; a code that is not known is its own."""
    return _NAMES.get(code, code)


def family_of(code: str) -> str:
    """Give a language's family, "" where it is not known here."""
    return _FAMILY.get(code, "")
