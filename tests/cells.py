"""Which task is tested on which architecture: docs/families.md shows it. `python tests/cells.py` writes the table."""

from __future__ import annotations

from pathlib import Path

from tiny_checkpoints import DECODERS, ENCODERS, FAMILIES, SEQ2SEQ

NAMES = {
    "bert": "BERT, E5 (English), MiniLM", "roberta": "RoBERTa", "distilbert": "DistilBERT", "electra": "ELECTRA",
    "xlm-roberta": "XLM-R", "deberta-v2": "DeBERTa-v2", "deberta-v3": "DeBERTa-v3, mDeBERTa",
    "modernbert": "ModernBERT", "gpt2": "GPT-2", "llama": "Llama", "smollm2": "SmolLM, SmolLM2", "qwen2": "Qwen2",
    "qwen3": "Qwen3", "t5": "T5", "mt5": "mT5", "bart": "BART", "mbart": "mBART",
}  # fmt: skip
TOKENIZERS = {
    "wordpiece": ("bert", "distilbert", "electra"),
    "unigram": ("xlm-roberta", "deberta-v2", "deberta-v3", "t5", "mt5", "mbart"),
    "byte-level BPE": ("roberta", "modernbert", "gpt2", "smollm2", "qwen2", "qwen3", "bart"),
    "BPE with bytes": ("llama",),
}
READS = {
    "first": "the first token", "last": "the last token that does not pad", "end": "the decoder at the end mark",
    "cls": "the first token, or the mean (`classifier_pooling`)",
}  # fmt: skip
POOLING = {
    **dict.fromkeys(ENCODERS, "first"), **dict.fromkeys(DECODERS, "last"), **dict.fromkeys(SEQ2SEQ, "end"),
    "modernbert": "cls",
}  # fmt: skip
CELLS = {"classification": FAMILIES, "qa": FAMILIES, "parsing": FAMILIES, "language": (*ENCODERS, *DECODERS)}
"""task -> the architectures that it is tested on, one optimizer step at least, saved and loaded in a fresh process."""
MARKS = ("<!-- cells -->", "<!-- /cells -->")
PAGE = Path(__file__).resolve().parent.parent / "docs" / "families.md"


def table() -> str:
    """Give the table as the page shows it."""
    head = ["architecture", "family", "tokenizer", "a classifier reads", *CELLS]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for family in FAMILIES:
        sort = "encoder" if family in ENCODERS else "decoder" if family in DECODERS else "seq2seq"
        (words,) = [name for name, members in TOKENIZERS.items() if family in members]
        marks = ["yes" if family in tested else "no" for tested in CELLS.values()]
        lines.append(f"| {' | '.join([NAMES[family], sort, words, READS[POOLING[family]], *marks])} |")
    return "\n".join(lines)


def written(page: str) -> str:
    """Give the page with the table as it is now."""
    before, rest = page.split(MARKS[0])
    return f"{before}{MARKS[0]}\n\n{table()}\n\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
