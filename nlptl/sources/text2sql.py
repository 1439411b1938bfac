"""The JSON of text2sql-data: queries with equivalent SQL, the sentences that ask for each, and variables in both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from nlptl.errors import BadInput, Problem
from nlptl.sources import Part, Record, Source
from nlptl.texts import whole_lines


class Text2Sql(Source):
    """Columns: `id` (query and sentence), `text`, `form` (the first query), `forms` (all), `question_split`,
    `query_split`; `where: {query_split: train}` of a file chooses the rows of a split.

    Variables are filled in: a sentence's own values, and the query's example for what only the SQL has, as the data's
    README says. The format: https://github.com/jkkummerfeld/text2sql-data.
    """

    kind: Literal["text2sql"]

    def records(self, part: Part) -> Iterator[Record]:
        """Yield a record a sentence, in the order of the file. Raises BadInput that names where in the file."""
        assert part.path is not None, "text2sql's JSON is read from a file"
        text = "".join(line for _, line in whole_lines(part.path, part.name, "utf-8"))
        number = 0
        for at, query in enumerate(_queries(text, part.name)):
            where = f"{part.name}, [{at}]"
            queries = [_text(one, f"{where}.sql") for one in _list(query, "sql", where)]
            if not queries:
                raise BadInput(part.name, Problem("there is no query", f"{where}.sql"))
            examples = {
                _text(_get(one, "name", where), where): str(_get(one, "example", where))
                for one in _list(query, "variables", where)
            }
            for inner, sentence in enumerate(_list(query, "sentences", where)):
                number += 1
                place = f"{where}.sentences[{inner}]"
                values = _values(sentence, place)
                in_query = {name: values.get(name) or example for name, example in examples.items()} | {
                    name: value for name, value in values.items() if value
                }
                forms = [_filled(one, in_query, quoted=True) for one in queries]
                yield Record(
                    {
                        "id": f"{at:04d}.{inner}",
                        "text": _filled(_text(_get(sentence, "text", place), place), values, quoted=False),
                        "form": forms[0],
                        "forms": forms,
                        "question_split": str(_get(sentence, "question-split", place)),
                        "query_split": str(query.get("query-split", "")),
                    },
                    f"{part.name}#{number}",
                )


def _queries(text: str, name: str) -> list[Any]:
    try:
        tree = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise BadInput(name, Problem(f"not JSON: {error}", f"{name}:{line}")) from None
    if not isinstance(tree, list):
        raise BadInput(name, Problem(f"a list of queries is needed (got {type(tree).__name__})", name))
    return tree


def _filled(text: str, values: Mapping[str, str], *, quoted: bool) -> str:
    """Replace the names of variables, whole words only, all at once; within SQL a quotation mark is doubled."""
    if not values:
        return text
    names = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in sorted(values, key=len, reverse=True)))
    return names.sub(lambda match: values[match[0]].replace('"', '""') if quoted else values[match[0]], text)


def _values(sentence: Any, place: str) -> dict[str, str]:
    found = _get(sentence, "variables", place)
    if not isinstance(found, dict):
        raise BadInput(place, Problem("names and values are needed", place, "variables"))
    return {name: _text(value, f"{place}.variables") for name, value in found.items()}


def _get(holder: Any, key: str, where: str) -> Any:
    if not isinstance(holder, dict) or key not in holder:
        raise BadInput(where, Problem(f"there is no '{key}'", where, fix="is this text2sql-data's format?"))
    return holder[key]


def _list(holder: Any, key: str, where: str) -> list[Any]:
    found = _get(holder, key, where)
    if not isinstance(found, list):
        raise BadInput(where, Problem(f"a list is needed (got {type(found).__name__})", where, key))
    return found


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise BadInput(where, Problem(f"a text is needed (got {value!r:.60})", where))
    return value
