"""A draft -> the text of a card and of a recipe, each guessed line with its reason above it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nlptl.archives import sha256_of
from nlptl.begin.drafting import SEED, Counts, Draft, Piece
from nlptl.begin.reading import Reading, below
from nlptl.begin.wishes import Said
from nlptl.begin.yaml import comment, entry, flow
from nlptl.sniffing import Guess
from nlptl.sniffing.training import DEFAULT, Training

_REMEDY = {
    "empty": "without a text",
    "no label": "without a label",
    "in no band": "with a rating in no band",
    "lost answer": "with an answer that does not stand in its text",
}


def card(
    name: str, draft: Draft, reading: Reading, root: Path, counts: Counts,
    pins: Mapping[str, tuple[int, str]],
) -> str:  # fmt: skip
    """Write the card. `pins` is split -> rows, sha256 of ids; empty as long as they are not known."""
    said = {one.what: one for one in (*reading.said, *draft.said)}
    files = sorted({below(one.given.path, root) for ones in draft.pieces.values() for one in ones})
    shown = ", ".join(files[:4]) + (f" and {len(files) - 4} more" if len(files) > 4 else "")
    lines = [
        comment(f"What nlptl init saw in {shown}. Each guess has its reason above it; mend what is wrong."),
        entry("name", name),
        comment("For people: say what the rows are, who made them, and under which terms."),
        entry("title", name),
        entry("description", f"Rows of {shown}."),
        entry("tasks", [draft.task]),
        *_why(said, "language", "languages"),
        entry("languages", list(draft.languages)),
        entry("licence", "not said"),
        entry("citation", "none"),
        *_why(said, "encoding", "delimiter", "quoting", "header", "format", "layout"),
        entry("source", reading.settings),
        *_why(said, "task", "no answer", "text", "second text", "label", "id", "not used", "several", "one label"),
        entry("columns", draft.columns),
        *_why(said, "labels"),
        *([comment("The order of labels is part of every trained model.")] if draft.gold.fields else []),
        *(entry(key, value) for key, value in draft.gold.fields.items()),
    ]
    if draft.unescape:
        lines += [*_why(said, "unescape"), "unescape: html"]
    if counts.drop:
        lines += [comment("Rows that cannot be used, counted; another number is an error."), entry("drop", counts.drop)]
    if counts.mend:
        what = "Answers that stand elsewhere than is said, in one place only, counted; another number is an error."
        lines += [comment(what), entry("mend", counts.mend)]
    lines += [*_why(said, "splits", "division"), *_splits(draft, root, pins), *_faults(counts)]
    return "\n".join(lines) + "\n"


def _why(said: Mapping[str, Said], *what: str) -> list[str]:
    return [
        comment(f"{one.what}: {one.value:.80}; {one.reason}.") for key in what if (one := said.get(key)) is not None
    ]


def _splits(draft: Draft, root: Path, pins: Mapping[str, tuple[int, str]]) -> list[str]:
    lines = []
    if draft.parts:
        lines += ["pools:", "  all:", "    files:", *(_file(one, root, 6) for one in draft.pieces["all"])]
        lines += [comment("Another seed is another division, and other numbers."), f"division: {{seed: {SEED}}}"]
    lines.append("splits:")
    for split in ("train", "dev", "test"):
        rows, ids = pins.get(split, (None, None))
        pinned: dict[str, Any] = {} if rows is None else {"rows": rows}
        if split in draft.parts:
            part = draft.parts[split]
            made = {"pool": "all"} | ({} if part is None else {"part": part}) | pinned | ({"ids": ids} if ids else {})
            lines.append(f"  {split}: {flow(made)}")
        elif split in draft.pieces:
            lines.append(f"  {split}:")
            lines += [f"    {key}: {value}" for key, value in pinned.items()]
            lines += ["    files:", *(_file(one, root, 6) for one in draft.pieces[split])]
    return lines


def _file(one: Piece, root: Path, indent: int) -> str:
    from nlptl.data.places import tree_hash

    place = below(one.given.path, root)
    sha256 = sha256_of(one.given.path) if one.given.path.is_file() else tree_hash(root, place)
    found: dict[str, Any] = {"file": place, "rows": len(one.records), "sha256": sha256}
    found |= {"language": one.language} if one.language else {}
    found |= {"label": one.given.label} if one.given.label is not None else {}
    found |= {"where": one.where} if one.where else {}
    return f"{' ' * indent}- {flow(found)}"


def _faults(counts: Counts) -> list[str]:
    lines = []
    for rule, places in counts.drop.items():
        rows = sum(places.values())
        what = f"{rows:,} row{'' if rows == 1 else 's'} {_REMEDY[rule]}"
        lines += [f'  - what: "{what}"', '    remedy: "dropped and counted"']
    answers = sum(sum(places.values()) for places in counts.mend.values())
    if answers:
        what = f"{answers:,} answer{'' if answers == 1 else 's'} at a wrong offset"
        lines += [f'  - what: "{what}"', '    remedy: "mended and counted: each can be meant in one place only"']
    return ["faults:", *lines] if lines else []


def recipe(
    name: str, place: str, root: str, checkpoint: str, draft: Draft, chosen: Training, select: Guess[str]
) -> str:
    """Write the recipe."""
    lines = [
        comment(f"Written by nlptl init: {_what(draft)}. Run it with: nlptl run {name}.yaml"),
        entry("name", name),
        comment("Each seed is a run; [13, 14, 15] shows how much hangs on chance."),
        f"seeds: [{SEED}]",
        "model:",
        *_checkpoint(checkpoint, draft),
        entry("checkpoint", checkpoint, 2),
        _indented(comment(chosen.max_tokens.reason)),
        entry("max_tokens", chosen.max_tokens.value, 2),
        "task:",
        f"  kind: {draft.task}",
        *_guesses(chosen.task),
        comment("root is the folder that the card's files lie below; no number hangs on it."),
        entry("data", {"card": place, "root": root}),
        comment("Everything is trained; freeze and decay are other ways (docs/recipes.md)."),
        "tuning: [{kind: full}]",
        "train:",
    ]
    lines += _guesses({key: getattr(chosen, key) for key in ("epochs", "batch", "learning_rate")})
    lines += ["  schedule: linear", "  warmup: 0.06", "  weight_decay: 0.01", "  clip: 1.0"]
    lines += [_indented(comment("fp32 runs everywhere; bf16 is faster where nlptl doctor lists it."))]
    lines += ["  precision: fp32", *_guesses({"select": select})]
    if chosen.metric is not None and select.value != "last":
        lines += _guesses({"metric": chosen.metric})
    scored = "{split: test}, {split: dev}" if select.value == "last" else "{split: test}"
    return "\n".join([*lines, f"evaluate: [{scored}]"]) + "\n"


def _what(draft: Draft) -> str:
    if "question" in draft.columns:
        return "a question gets its answer, a piece of its text"
    pair = "a pair of texts gets" if "text_pair" in draft.columns else "a text gets"
    labels = len(draft.gold.fields["labels"])
    return f"{pair} {'any' if draft.gold.several else 'one'} of {labels} labels"


def _guesses(guesses: Mapping[str, Guess[Any]]) -> list[str]:
    return [
        line for key, guess in guesses.items() for line in (_indented(comment(guess.reason)), f"  {key}: {guess.value}")
    ]


def _checkpoint(checkpoint: str, draft: Draft) -> list[str]:
    if checkpoint != DEFAULT:
        return []
    text = "small, English, to be had without the hub; --checkpoint names another."
    if draft.languages != ("eng",):
        text = f"it has learnt English alone; for {', '.join(draft.languages)} name one that knows it: --checkpoint."
    return [_indented(comment(text))]


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
