"""Cards with logical forms: what is refused with its place, the database, and the formats that such data come in."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest

from nlptl import cards, forms
from nlptl.cards import DataCard, Form
from nlptl.data import rows
from nlptl.data.rows import load
from nlptl.errors import BadInput
from nlptl.sources import Part, Record
from nlptl.sources.parallel_xml import ParallelXml
from nlptl.sources.text2sql import Text2Sql

HEAD = """\
name: toy
title: Toy
description: A toy.
tasks: [parsing]
languages: [eng]
licence: none
citation: none
source: {kind: lines}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NLPTL_DATA", raising=False)


def toy(*found: Any, form: str = "{language: sql}", more: str = "", columns: str = "{text: q, form: f}") -> DataCard:
    lines = [json.dumps({"q": "how many", "f": one}) for one in found]
    Path("a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    split = "splits: {train: {files: [{file: a.jsonl}]}}"
    Path("toy.yaml").write_text(f"{HEAD}columns: {columns}\nform: {form}\n{split}\n{more}\n", encoding="utf-8")
    return cards.find("toy.yaml").value


def faults(card: DataCard) -> str:
    with pytest.raises(BadInput) as caught:
        load(card, "train")
    return str(caught.value)


def database(content: str = "CREATE TABLE t (a)") -> str:
    path = Path("facts.sqlite")
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(content)
    connection.commit()
    connection.close()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{{language: sql, database: {{file: facts.sqlite, sha256: {sha256}}}}}"


def test_cards_and_forms_name_the_same_languages() -> None:
    assert get_args(Form.model_fields["language"].annotation) == forms.LANGUAGES


def test_broken_forms_are_refused_with_row_and_place() -> None:
    said = faults(toy("SELECT a FROM t", "SELECT a FROM t WHERE (b = 1", "SELECT a FROM t GROUP a", ["x"]))
    assert "a.jsonl:2  form: this bracket is never closed, at character 22 (there: 'M t WHERE (b = 1')" in said
    assert "a.jsonl:3  form: Invalid expression / Unexpected token, at character 22" in said
    assert "a.jsonl:4  form: ['x'] is a list, a text is needed" in said
    said = faults(toy("answer(city(all)", "answer(city & all)", form="{language: functional}"))
    assert "a.jsonl:1  form: ')' is needed (got the end), at character 16" in said
    assert "a.jsonl:2  form: unknown sign '&', at character 12" in said
    assert "the form is empty" in faults(toy(" ", form="{language: words}"))
    assert "half of a surrogate pair" in faults(toy("SELECT '\ud800'"))


def test_broken_forms_are_dropped_where_the_card_counts_them() -> None:
    found = rows.rows(load(toy("SELECT 1", "SELECT (", more="drop: {broken form: {train: 1}}"), "train"))
    assert [row.values["form"] for row in found] == ["SELECT 1"]
    assert "2 rows are dropped, the card says 1" in faults(toy("(", "SELECT (", more="drop: {broken form: {train: 1}}"))


def test_forms_stay_as_they_are_written() -> None:
    written = ['SELECT Xa0.A FROM X AS Xa0 WHERE Xa0.B = "NA" ;', "select 01"]
    assert [row.values["form"] for row in rows.rows(load(toy(*written), "train"))] == written


def test_rows_have_the_verified_database() -> None:
    card = toy("SELECT a FROM t", form=database())
    (row,) = rows.rows(load(card, "train"))
    assert row.values["database"] == str(Path("facts.sqlite").resolve())
    assert sqlite3.connect(row.values["database"]).execute(row.values["form"]).fetchall() == []


def test_databases_that_cannot_be_used() -> None:
    card = toy("SELECT a FROM t", form=database())
    Path("facts.sqlite-wal").write_bytes(b"x")
    assert "changes wait in facts.sqlite-wal" in faults(card)
    Path("facts.sqlite-wal").unlink()
    database("CREATE TABLE t (b)")
    assert "the card says" in faults(card)
    Path("facts.sqlite").write_bytes(b"CREATE TABLE t (a)")
    assert "not a SQLite database: it begins with b'CREATE TABLE t ('" in faults(card)
    Path("facts.sqlite").unlink()
    assert "facts.sqlite no such file" in faults(card)


@pytest.mark.parametrize(
    ("form", "columns", "said"),
    [
        ("{language: sql}", "{text: q}", "no column holds the forms"),
        ("null", "{text: q, form: f}", "nothing says their language"),
        ("{language: sqll}", "{text: q, form: f}", "sqll"),
        ("{language: sql}", "{text: q, form: f, database: f}", "is no column of the data"),
        (f"{{language: frame, database: {{file: a, sha256: {'0' * 64}}}}}", "{text: q, form: f}", "are not run"),
        (f"{{language: sql, database: {{file: ../a, sha256: {'0' * 64}}}}}", "{text: q, form: f}", "data root"),
    ],
)
def test_cards_that_contradict_themselves(form: str, columns: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        toy("SELECT 1", form=form, columns=columns)


def test_cards_without_forms_keep_their_digest() -> None:
    """The field `form` came later; runs that were named before it must keep their names."""
    from nlptl.data import places

    card = cards.find("trec").value
    tree = card.model_dump(mode="json", exclude=places.PROSE)
    assert "form" in tree
    assert "form" not in places._without_later(tree)


XML = ParallelXml(
    kind="parallel_xml", item="e", text="nl", attribute="lang", languages={"eng": "en", "deu": "de"}, complete=("deu",)
)
ITEMS = """<?xml version='1.0'?>
<!DOCTYPE all [<!ELEMENT all (e*)>]>
<all>
<e id='0'><nl lang='en'> a &amp; b </nl><mrl lang='x'>f(a)</mrl><nl lang='de'>ä</nl><tree><node>t</node></tree></e>
<e id='1'>
<nl lang='en'>only</nl></e>
<e id='2'><nl lang='de'>nur</nl></e>
</all>
"""


def read_xml(text: str, language: str = "eng") -> list[Record]:
    Path("a.xml").write_text(text, encoding="utf-8")
    return list(XML.records(Part("train", language, Path("a.xml"), "a.xml")))


def test_items_in_several_languages() -> None:
    (english,) = read_xml(ITEMS)
    assert english == Record({"id": "0", "text": "a & b", "mrl.x": "f(a)", "tree": "t"}, "a.xml:4")
    german = read_xml(ITEMS, "deu")
    assert [(one.values["id"], one.values["text"], one.place) for one in german] == [
        ("0", "ä", "a.xml:4"),
        ("2", "nur", "a.xml:7"),
    ]


LAUGHS = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 9))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<all>\n<e>\n</all>", r"a.xml:3:\d+ not well-formed XML: mismatched tag"),
        ("", "a.xml:1:1 not well-formed XML: no element found"),
        (f"<!DOCTYPE all [<!ENTITY l0 'ha'>{LAUGHS}]>\n<all><e><nl lang='en'>&l8;</nl></e></all>", "declares or uses"),
        ("<!DOCTYPE all [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>\n<all>&x;</all>", "declares or uses an entity"),
        ("<all>" + "<e>" * 200, "elements more than 100 deep"),
    ],
)
def test_xml_that_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_xml(text)


def test_xml_never_reads_what_a_document_type_names() -> None:
    Path("other.dtd").write_text("<!ENTITY x 'secret'>", encoding="utf-8")
    found = read_xml(ITEMS.replace("<!DOCTYPE all [<!ELEMENT all (e*)>]>", "<!DOCTYPE all SYSTEM 'other.dtd'>"))
    assert "secret" not in str(found)


def test_xml_without_an_entry_for_a_language() -> None:
    with pytest.raises(BadInput, match="nothing says how the file calls 'fra'"):
        read_xml(ITEMS, "fra")


QUERY: dict[str, Any] = {
    "query-split": "test",
    "sentences": [
        {"question-split": "dev", "text": "is n0 in name10", "variables": {"n0": "x", "name1": "n0", "name10": 'a"b'}}
    ],
    "sql": ['SELECT "n0" , "name10" , only0 , "name1"', "SELECT only0"],
    "variables": [{"name": "only0", "example": "7", "location": "sql-only", "type": "t"}],
}


def read_sql(*queries: Any) -> list[Record]:
    Path("a.json").write_text(json.dumps(queries), encoding="utf-8")
    return list(Text2Sql(kind="text2sql").records(Part("train", "eng", Path("a.json"), "a.json")))


def test_variables_are_filled_in_at_once_and_whole() -> None:
    (found,) = read_sql(QUERY)
    assert found.values == {
        "id": "0000.0", "text": 'is x in a"b', "form": 'SELECT "x" , "a""b" , 7 , "n0"',
        "forms": ['SELECT "x" , "a""b" , 7 , "n0"', "SELECT 7"], "question_split": "dev", "query_split": "test",
    }  # fmt: skip
    assert found.place == "a.json#1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sql": []}, "there is no query"),
        ({"sql": "SELECT 1"}, "a list is needed"),
        ({"sentences": [{"text": "a"}]}, r"\[0\].sentences\[0\] there is no 'variables'"),
        ({"sentences": [{"text": 1, "variables": {}}]}, "a text is needed"),
    ],
)
def test_text2sql_that_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_sql(QUERY | change)
    Path("a.json").write_text("[{", encoding="utf-8")
    with pytest.raises(BadInput, match="json:1 not JSON"):
        list(Text2Sql(kind="text2sql").records(Part("train", "eng", Path("a.json"), "a.json")))


def test_geoquery_is_divided_alike_in_all_languages(data: Path) -> None:
    card = cards.find("geoquery_funql").value
    items: dict[str, dict[str, set[str]]] = {}
    written: dict[str, set[str]] = {}
    for split in card.splits:
        for row in rows.rows(load(card, split, root=str(data), offline=True)):
            language, item = row.id.split("/")
            items.setdefault(split, {}).setdefault(language, set()).add(item)
            written.setdefault(item, set()).add(row.values["form"])
    assert {split: len(found["eng"]) for split, found in items.items()} == {"train": 540, "dev": 60, "test": 280}
    for found in items.values():
        assert all(found[language] == found["eng"] for language in ("deu", "ell", "tha", "zho"))
        assert all(found[language] < found["eng"] and found[language] == found["spa"] for language in ("jpn", "tur"))
    assert Counter(len(one) for one in written.values()) == {1: 880}


def test_the_query_split_keeps_queries_apart(data: Path) -> None:
    """Finegan-Dollak et al. 2018: no query of test is in train, whatever its names; by the question split many are."""
    unseen = {}
    for name in ("geoquery", "geoquery_query"):
        card = cards.find(name).value
        train, test = (rows.rows(load(card, split, root=str(data), offline=True)) for split in ("train", "test"))
        known = {forms.template(row.values["form"], "sql") for row in train}
        unseen[name] = sum(forms.template(row.values["form"], "sql") not in known for row in test)
    assert unseen == {"geoquery": 63, "geoquery_query": 182}
