"""`nlptl augment`: what augmentation makes of training rows, before anything is trained."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nlptl.doors.options import AsJson, Offline
from nlptl.errors import BadInput, Problem

if TYPE_CHECKING:
    from nlptl.augmenting import Copy
    from nlptl.edits import Edit

PLAIN = ("[-", "-]", "{+", "+}")
COLOURED = ("\x1b[31m[-", "-]\x1b[0m", "\x1b[32m{+", "+}\x1b[0m")
"""What stands around deleted and inserted text, as `wdiff` writes it."""


def augment(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's path, or the name of a shipped one.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Change the recipe.")] = None,
    show: Annotated[int, typer.Option(min=1, help="Copies that are shown.")] = 20,
    audit: Annotated[
        str | None, typer.Option(metavar="RUN", help="A run without augmentation that says which labels flipped.")
    ] = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Show what augmentation makes of the training rows. Edits are marked; under them stands what became of all copies
    of the recipe's first seed, and what a model that never saw a copy says of them.
    """
    from nlptl import auditing, augmenting, checks, prepare, terminal
    from nlptl.data import rows as reading

    checked = checks.check(recipe, overrides or [])
    plan, card = checked.recipe, checked.card
    if not plan.augment:
        fix = "such as augment='[{kind: swap, rate: 0.1, copies: 1}]'"
        raise BadInput(recipe, Problem("the recipe augments nothing", field="augment", fix=fix))
    languages = None if plan.data.languages is None else sorted(plan.data.languages)
    read = reading.rows(reading.load(card, "train", languages, plan.data.root, offline))
    if problems := plan.task.check_rows(read, card, "train"):
        raise BadInput(f"card {card.name}", problems[:20])
    rows = prepare.chosen_rows(plan, read, plan.seeds[0])
    ground = prepare.ground_of(plan, card, rows, offline=offline)
    counts = augmenting.none(plan.augment)
    kept: list[augmenting.Copy] = []
    for copy in augmenting.copies(rows, plan.augment, plan.task, plan.seeds[0], ground):
        counts[copy.kind][copy.fate] += 1
        kept += [copy] if audit is not None or len(kept) < show else []
    found = {} if audit is None else auditing.audit(audit, plan, kept)
    shown = kept[:show]
    if as_json:
        told = {} if audit is None else {"audit": auditing.as_json(audit, found)}
        terminal.show_json({"counts": counts, "copies": [_record(copy) for copy in shown], **told})
        return
    signs = COLOURED if sys.stdout.isatty() else PLAIN
    for copy in shown:
        print(f"{copy.parent.id} {copy.kind}: {augmenting.FATES[copy.fate]}")
        for column, edits in copy.edits.items():
            if edits:
                print(f"  {column}: {marked(copy.parent.values[column], edits, signs)}")
    print(f"\nof {len(rows):,} rows: {augmenting.told(counts)}")
    if audit is not None:
        print("\n".join(auditing.told(audit, found)))


def _record(copy: Copy) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "parent": copy.parent.id,
        "kind": copy.kind,
        "fate": copy.fate,
        "edits": {column: [asdict(edit) for edit in edits] for column, edits in copy.edits.items()},
        "before": {column: copy.parent.values[column] for column in copy.edits},
        "row": None if copy.row is None else {"id": copy.row.id, **copy.row.values},
    }


def marked(text: str, edits: Sequence[Edit], signs: Sequence[str] = PLAIN) -> str:
    """Give a text with its edits marked; controls of the data are escaped, so that they cannot steer a terminal."""
    parts, place = [], 0
    for edit in edits:
        parts.append(_tame(text[place : edit.start]))
        parts += [signs[0], _tame(text[edit.start : edit.end]), signs[1]] if edit.end > edit.start else []
        parts += [signs[2], _tame(edit.replacement), signs[3]] if edit.replacement else []
        place = edit.end
    return "".join([*parts, _tame(text[place:])])


def _tame(text: str) -> str:
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)


COMMANDS: dict[str, Callable[..., None]] = {"augment": augment}
"""Name -> command."""
