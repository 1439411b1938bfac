"""SQuAD's JSON: articles of paragraphs of questions (versions 1.1 and 2.0, and the many sets in the same form)."""

from collections.abc import Iterator
from typing import Any, Literal

from nlptl.errors import BadInput, Problem
from nlptl.sources import Part, Record, Source
from nlptl.texts import Encoding, json_object, whole_lines

SHOWN = 5


class Squad(Source):
    """Columns: `id`, `title`, `context`, `question`, `answers` (objects with `text` and `start`)."""

    kind: Literal["squad"]

    encoding: Encoding = "utf-8"
    """Python's name of the text encoding."""

    def records(self, part: Part) -> Iterator[Record]:
        """Yield a record a question, with its paragraph; `is_impossible` empties the answers, as SQuAD 2.0 means it.

        `start` is the offset as the file has it; whether it fits is looked at when the card's columns are read. Raises
        BadInput for a file of another form, naming where in it.
        """
        assert part.path is not None, "SQuAD's JSON is read from a file"
        text = "".join(line for _, line in whole_lines(part.path, part.name, self.encoding))
        try:
            tree = json_object(text, part.name)
        except BadInput:
            if _is_object(text.split("\n", 1)[0]):
                what, fix = "this looks like JSON Lines, not like SQuAD's JSON", "source: {kind: lines} reads such"
                raise BadInput(part.name, Problem(what, fix=fix)) from None
            raise
        problems: list[Problem] = []
        for record in _questions(tree, part.name, problems):
            if not problems:
                yield record
        if problems:
            more = [Problem(f"and {len(problems) - SHOWN} more")] if len(problems) > SHOWN else []
            raise BadInput(part.name, [*problems[:SHOWN], *more])


def _is_object(line: str) -> bool:
    try:
        return bool(json_object(line, ""))
    except BadInput:
        return False


def _questions(tree: Any, name: str, problems: list[Problem]) -> Iterator[Record]:
    number = 0
    for article_number, article in enumerate(_list(tree, "data", name, problems)):
        above = f"{name}, data[{article_number}]"
        for paragraph_number, paragraph in enumerate(_list(article, "paragraphs", above, problems)):
            where = f"{above}.paragraphs[{paragraph_number}]"
            context = _text(paragraph, "context", where, problems)
            for question_number, asked in enumerate(_list(paragraph, "qas", where, problems)):
                number += 1
                place = f"{where}.qas[{question_number}]"
                values = {
                    "id": _id(asked, place, problems),
                    "title": str(article.get("title", "")),
                    "context": context,
                    "question": _text(asked, "question", place, problems),
                    "answers": _answers(asked, place, problems),
                }
                yield Record(values, f"{name}#{number}")


def _answers(asked: Any, place: str, problems: list[Problem]) -> list[dict[str, Any]]:
    if not isinstance(asked, dict) or asked.get("is_impossible") is True:
        return []
    found = []
    for number, answer in enumerate(_list(asked, "answers", place, problems)):
        where = f"{place}.answers[{number}]"
        text = _text(answer, "text", where, problems)
        start = answer.get("answer_start") if isinstance(answer, dict) else None
        whole = str(start)
        if isinstance(start, bool) or not whole.lstrip("-").isdigit():
            problems.append(Problem(f"a whole number is needed (got {start!r})", where, "answer_start"))
            continue
        found.append({"text": text, "start": int(whole)})
    return found


def _id(asked: Any, place: str, problems: list[Problem]) -> str:
    found = asked.get("id") if isinstance(asked, dict) else None
    if found is None or isinstance(found, dict | list | bool):
        problems.append(Problem(f"an id is needed (got {found!r})", place, "id"))
    return str(found)


def _text(holder: Any, key: str, where: str, problems: list[Problem]) -> str:
    found = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(found, str):
        problems.append(Problem(f"a text is needed (got {found!r:.60})", where, key))
        return ""
    return found


def _list(holder: Any, key: str, where: str, problems: list[Problem]) -> list[Any]:
    found = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(found, list):
        problems.append(Problem(f"a list is needed (got {type(found).__name__})", where, key))
        return []
    return found
