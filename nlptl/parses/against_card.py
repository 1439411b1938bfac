"""A parser's settings beside the forms of a card: what contradicts, and what its grammar becomes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl import forms
from nlptl.errors import BadInput, Problem

if TYPE_CHECKING:
    from nlptl.cards import DataCard
    from nlptl.parses.settings import Search


def language(card: DataCard) -> str:
    """Name the language of a card's forms. Raises BadInput where it names none."""
    if card.form is None:
        fix = f"write under form: {{language: …}} one of {', '.join(forms.LANGUAGES)}"
        raise BadInput(f"card {card.name}", Problem("it does not say which language its forms have", fix=fix))
    return card.form.language


def has_database(card: DataCard) -> bool:
    """Say whether SQL has a database to run on: the card names one, or its source makes one."""
    if card.form is None or card.form.language != "sql":
        return False
    return card.form.database is not None or "database" in card.columns


def problems(card: DataCard, form: str, search: Search) -> list[Problem]:
    """Hold `form` and `search.grammar` against the language, database and grammar of the card's forms."""
    if card.form is None:
        return []
    found, spoken = [], card.form.language
    if form == "shortened" and spoken != "sql":
        what = f"only SQL is shortened; the forms of card '{card.name}' are '{spoken}'"
        found.append(Problem(what, field="task.form", fix="remove it"))
    what = fix = ""
    if search.grammar == "sql" and not has_database(card):
        what = f"needs forms in SQL over a database; card '{card.name}' has not those"
        fix = "leave it out" if spoken == "sql" else "take grammar: learnt"
    if search.grammar == "card" and card.form.grammar is None:
        what, fix = f"card '{card.name}' names no grammar", "write grammar: FILE.lark under its 'form'"
    if search.grammar == "learnt" and spoken == "sql":
        what = "no grammar is learnt of SQL"
        fix = "take grammar: sql" if has_database(card) else "leave it out"
    return [*found, Problem(what, field="task.search.grammar", fix=fix)] if what else found


def grammar_of(search: Search, card: DataCard, databases: Sequence[str], written: Sequence[str]) -> dict[str, Any]:
    """Give what `search.grammar` becomes, as fields of Forms. Raises BadInput where the card has not what it needs."""
    from nlptl import grammars

    spoken = language(card)
    if search.grammar == "learnt":
        return {"grammar": grammars.for_forms(written, spoken).text}
    if search.grammar == "card":
        return {"grammar": grammars.from_file(card.grammar_file(), spoken).text}
    if search.grammar == "sql":
        if spoken != "sql" or len(databases) != 1:
            what = f"search.grammar: sql needs forms in SQL over one database; card '{card.name}' has not those"
            fix = "leave it out" if spoken == "sql" else "take grammar: learnt"
            raise BadInput(f"card {card.name}", Problem(what, fix=fix))
        found = grammars.schema_of(Path(databases[0]))
        return {"tables": tuple(found.tables.items()), "given_names": grammars.names_in(written)}
    return {}
