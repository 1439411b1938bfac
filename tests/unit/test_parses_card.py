"""A parser's recipe against its card, as `nlptl check` holds them: no data are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlptl.checks import check, find
from nlptl.errors import BadInput

DECODER = "decoder: {layers: 1, width: 8, heads: 1, dropout: 0}"
FORMS = {
    "words": "{language: words}",
    "sql": "{language: sql}",
    "base": f"{{language: sql, database: {{file: a.sqlite, sha256: {'0' * 64}}}}}",
    "lark": "{language: functional, grammar: mine.lark}",
}


def said(folder: Path, form: str, task: str) -> str:
    (folder / "data_cards").mkdir(exist_ok=True)
    (folder / "data_cards" / "mine.yaml").write_text(
        "name: mine\ntitle: T\ndescription: D\ntasks: [parsing]\nlanguages: [eng]\nlicence: none\ncitation: none\n"
        "source: {kind: lines}\ncolumns: {text: text, form: form}\n"
        f"form: {form}\nsplits: {{train: {{files: [{{file: a.jsonl}}]}}}}\n"
    )
    text = find("tasks/geography_parsing").read_text().replace("select: dev", "select: last")
    (folder / "mine.yaml").write_text(text)
    try:
        check(folder / "mine.yaml", ["data={card: mine}", "evaluate=[{split: train}]", f"task={task}"])
    except BadInput as problem:
        return str(problem)
    return ""


@pytest.mark.parametrize(
    ("form", "setting", "wanted"),
    [
        ("words", "form: shortened", "task.form: only SQL is shortened; the forms of card 'mine' are 'words'"),
        ("words", "search: {grammar: sql}", "task.search.grammar: needs forms in SQL over a database"),
        ("sql", "search: {grammar: sql}", "task.search.grammar: needs forms in SQL over a database"),
        ("base", "search: {grammar: card}", "task.search.grammar: card 'mine' names no grammar"),
        ("base", "search: {grammar: sql}, form: shortened", ""),
        ("lark", "search: {grammar: card}", ""),
        ("words", "search: {grammar: learnt}", ""),
        ("base", "search: {grammar: learnt}", "no grammar is learnt of SQL; take grammar: sql"),
        ("sql", "search: {grammar: learnt}", "no grammar is learnt of SQL; leave it out"),
    ],
)
def test_form_and_grammar_are_held_against_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, setting: str, wanted: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found = said(tmp_path, FORMS[form], f"{{kind: parsing, form_tokens: 9, {DECODER}, {setting}}}")
    assert wanted in found if wanted else not found


def test_a_faulty_card_is_named_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipe and card are often both called NAME.yaml, and a line alone would be looked for in the recipe."""
    monkeypatch.chdir(tmp_path)
    found = said(
        tmp_path, "{language: sql, database: {file: a.sqlite}}", f"{{kind: parsing, form_tokens: 9, {DECODER}}}"
    )
    assert "data_cards/mine.yaml:10:" in found
    assert "form.database.sha256: missing" in found


def test_a_source_that_makes_a_database_has_its_metrics() -> None:
    assert check(find("tasks/geography_parsing"), ["train.metric=execution"]).recipe.train.metric == "execution"
