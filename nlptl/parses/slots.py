"""What stands by name in an utterance and in its form: a city, a contact, and both places of each."""

from __future__ import annotations

from collections.abc import Sequence

from nlptl import edits as editing
from nlptl import naming
from nlptl.forms.values import Value, values
from nlptl.parses import vocabulary
from nlptl.tasks import Row, Slot


def slots(row: Row, language: str) -> list[Slot]:
    """Give the values of a form that its utterance mentions, the longest first.

    A value that stands in the form as two classes (a river and a state) is left out, as is one that is mentioned
    nowhere but within a longer one.
    """
    text, form = row.values["text"], row.values["form"]
    named: dict[str, list[Value]] = {}
    for value in values(form, language):
        named.setdefault(value.text.casefold(), []).append(value)
    found: list[Slot] = []
    taken: list[tuple[int, int]] = []
    for name in sorted(named, key=lambda one: (-len(one), one)):
        there = [
            (start, end)
            for start, end in naming.mentions(text, name, exact=False)
            if all(end <= first or start >= last for first, last in taken)
        ]
        taken += there
        one = named[name]
        written = {form[value.start : value.end] for value in one}
        if there and len({value.sort for value in one}) == len(written) == 1:
            places = {"text": there, "form": [(value.start, value.end) for value in one]}
            start, end = there[0]
            found.append(Slot(one[0].sort, places, {"text": text[start:end], "form": written.pop()}))
    return found


def realigned(row: Row, edits: editing.Edits) -> Row | None:
    """Give the edited row; None where an edit touched words that the form has as well, since they are copied from
    there, unless the form says the same.
    """
    copied = vocabulary.shared(row.values["text"], row.values["form"])
    plain: Sequence[editing.Edit] = [one for one in edits.get("text", ()) if not one.gold]
    if any(editing.touches(plain, start, end) for start, end in copied):
        return None
    return editing.rewritten(row, edits)
