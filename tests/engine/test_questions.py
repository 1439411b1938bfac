"""Question answering end to end on tiny models: windows, offsets, answers that are missing or misplaced."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
import transformers

import nlptl
from nlptl import questions
from nlptl.errors import BadInput
from nlptl.tasks import Row

Make = Callable[..., tiny.Tiny]
TASK = {"kind": "qa", "stride": 4, "answer_tokens": 16}
WORLD = {"world": "questions", "words": 8, "classes": 2}
LEARN = {"epochs": 100, "batch": 16, "learning_rate": 5e-3, "select": "last", "evaluate_every": 10_000}


def squad(folder: Path, **splits: list[dict[str, Any]]) -> dict[str, Any]:
    """Write files in SQuAD's form, a paragraph a question; give the card's splits."""
    made = {}
    for split, asked in splits.items():
        paragraphs = [{"context": one["context"], "qas": [{**one, "id": f"{split}{number}"}]}
                      for number, one in enumerate(asked)]  # fmt: skip
        (folder / f"{split}.json").write_text(json.dumps({"data": [{"title": "", "paragraphs": paragraphs}]}))
        made[split] = {"files": [{"file": f"{split}.json", "rows": len(asked)}]}
    return made


def card_of(folder: Path, splits: dict[str, Any], **changes: Any) -> Path:
    card = {
        "name": "asked", "title": "Asked", "description": "Invented.", "tasks": ["qa"], "languages": ["eng"],
        "licence": "none", "citation": "none", "source": {"kind": "squad"},
        "columns": {name: name for name in ("id", "question", "context", "answers")}, "splits": splits, **changes,
    }  # fmt: skip
    path = folder / "asked.yaml"
    path.write_text(json.dumps(card))
    return path


def ask(context: str, text: str | None, start: int | None = None) -> dict[str, Any]:
    """Make a question of SQuAD's form about a context."""
    if text is None:
        return {"question": "bado", "context": context, "answers": [], "is_impossible": True}
    begin = context.index(text) if start is None else start
    return {"question": "bado", "context": context, "answers": [{"text": text, "answer_start": begin}]}


LEARNERS = ("bert", "xlm-roberta", "deberta-v3", "llama", "bart")
"""A family of each kind, and a tokenizer of each; all others take a step in tests/learning/test_cells.py."""


@pytest.mark.parametrize("family", LEARNERS)
def test_families_learn_their_answers_and_plain_transformers_says_the_same(
    family: str, make: Make, near_gate: None, tmp_path: Path
) -> None:
    start = tiny.save_checkpoint(tmp_path / "start", family, tiny.still(family))
    source = {**WORLD, "words": 4, "rows": {"train": 16, "test": 8}}
    made = make(start, source=source, task=TASK, train=LEARN, model={"max_tokens": 64},
                evaluate=[{"split": "train"}, {"split": "test"}])  # fmt: skip
    result = made.run()
    assert result.score("train", "f1") == 1.0
    assert result.score("train", "exact_match") == 1.0
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(result.directory / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(result.directory / "model")
    rows = made.parts().rows
    said = nlptl.load(result.directory, device="cpu", precision="fp32").predict(
        [{"question": row.values["question"], "context": row.values["context"]} for row in rows]
    )
    for row, one in zip(rows, said, strict=True):
        given, offsets = read_plainly(tokenizer, family, row.values["question"], row.values["context"])
        with torch.inference_mode():
            found = model(**{name: torch.tensor([ids]) for name, ids in given.items()})
        first, last = int(found.start_logits[0].argmax()), int(found.end_logits[0].argmax())
        place = offsets[first][0], offsets[last][1]
        text = row.values["context"][slice(*place)]
        assert text.strip() == one.value == row.values["answers"][0]["text"]
        assert (one.detail["start"], one.detail["end"]) == (place[1] - len(text.lstrip()), place[1])
        assert one.detail["n_best"][0]["text"] == one.value
        assert 0.5 < one.detail["probability"] <= 1.0


def read_plainly(tokenizer: Any, family: str, question: str, context: str) -> tuple[dict[str, Any], list[Any]]:
    """Give ids and offsets: the tokenizer's own template, or for decoders opening, question, line, context, end."""
    if family not in tiny.DECODERS:
        tokens = dict(tokenizer(question, context, return_offsets_mapping=True))
        return tokens, tokens.pop("offset_mapping")
    ids = [tokenizer.bos_token_id] if family == "llama" else []
    ids += tokenizer(question, add_special_tokens=False)["input_ids"]
    ids += tokenizer("\n", add_special_tokens=False)["input_ids"]
    after = tokenizer(context, add_special_tokens=False, return_offsets_mapping=True)
    offsets = [(0, 0)] * len(ids) + after["offset_mapping"] + [(0, 0)]
    return {"input_ids": [*ids, *after["input_ids"], tokenizer.eos_token_id]}, offsets


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama", "mbart"])
def test_windows_cover_the_context_and_carry_its_offsets(make: Make, family: str) -> None:
    parts = make(family, source=WORLD, task=TASK, model={"max_tokens": 24}).parts()
    context = " ".join(f"{word}." for word in ["bado", "rik", "mena", "tolu"] * 9)
    row = Row("a", {"question": "bado", "context": context, "answers": []}, "eng")
    features = parts.inputs.recipe.task.encode([row], parts.opened, parts.fitted, "predict")
    assert len(features) > 2
    assert [one.window for one in features] == list(range(len(features)))
    assert all(len(one.input_ids) <= 24 for one in features)
    covered: set[int] = set()
    for one, after in zip(features, [*features[1:], None], strict=True):
        begin, offsets = one.extra
        words = parts.opened.tokenizer.convert_ids_to_tokens(one.input_ids[begin : begin + len(offsets)])
        plain = [re.sub("^(##|\u0120|\u2581)", "", word) for word in words]
        wide = [(context[left:right], word) for (left, right), word in zip(offsets, plain, strict=True) if word]
        assert all(text == word for text, word in wide)
        covered |= {place for left, right in offsets for place in range(left, right)}
        if after is not None:
            assert len(set(offsets) & set(after.extra[1])) == TASK["stride"]
    assert covered == {place for place, sign in enumerate(context) if sign != " "}


def test_targets_are_the_answers_tokens_or_not_here(make: Make) -> None:
    parts = make(source=WORLD, task=TASK, model={"max_tokens": 24}).parts()
    context = "rik " * 30 + "mena tolu " + "bado " * 30
    start = context.index("mena tolu")
    answer = {"text": "mena tolu", "start": start}
    row = Row("a", {"question": "bado", "context": context, "answers": [answer]}, "eng")
    features = parts.inputs.recipe.task.encode([row], parts.opened, parts.fitted, "train")
    held = [one for one in features if one.target != (0, 0)]
    assert 0 < len(held) < len(features)
    for one in features:
        begin, offsets = one.extra
        whole = offsets[0][0] <= start and offsets[-1][1] >= start + len("mena tolu")
        assert (one.target != (0, 0)) == whole
        if whole:
            first, last = (place - begin for place in one.target)
            assert context[offsets[first][0] : offsets[last][1]] == "mena tolu"
    long = {"text": context[:200].strip(), "start": 0}
    lost = Row("b", {"question": "bado", "context": context, "answers": [long]}, "eng")
    features = parts.inputs.recipe.task.encode([lost], parts.opened, parts.fitted, "train")
    assert {one.target for one in features} == {(0, 0)}
    assert features[0].cut > 20
    assert {one.cut for one in features[1:]} == {0}


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_decoders_say_not_here_at_their_last_token(make: Make, family: str) -> None:
    """It alone has seen everything: the question and the whole window."""
    parts = make(family, source=WORLD, task=TASK, model={"max_tokens": 24}).parts()
    row = Row("a", {"question": "bado", "context": "rik " * 30, "answers": []}, "eng")
    features = parts.inputs.recipe.task.encode([row], parts.opened, parts.fitted, "train")
    end = parts.opened.tokenizer.eos_token_id
    assert len(features) > 2
    for one in features:
        assert one.target == (len(one.input_ids) - 1,) * 2
        assert one.input_ids[-1] == end
        assert end not in one.input_ids[1:-1]
        begin, offsets = one.extra
        assert begin + len(offsets) == len(one.input_ids) - 1


def test_questions_that_leave_no_room_are_refused_by_row(make: Make) -> None:
    parts = make(source=WORLD, task=TASK, model={"max_tokens": 24}).parts()
    rows = [
        Row(str(number), {"question": "bado " * number, "context": "rik", "answers": []}, "eng") for number in (1, 40)
    ]
    with pytest.raises(BadInput) as told:
        parts.inputs.recipe.task.encode(rows, parts.opened, parts.fitted, "predict")
    assert "row 40" in str(told.value)
    assert "row 1:" not in str(told.value)
    assert "model.max_tokens (24)" in str(told.value)
    assert "never cut" in str(told.value)


def test_misplaced_answers_are_mended_dropped_and_counted(make: Make, tmp_path: Path) -> None:
    context = "rik mena rik tolu"
    asked = [ask(context, "tolu"), ask(context, "mena", 5), ask(context, "rik", 2), ask(context, "tolu", 0)]
    splits = squad(tmp_path, train=asked, dev=[ask(context, "mena")], test=[ask(context, "tolu")])
    recipe = {"data": {"card": "", "root": str(tmp_path)}, "task": TASK, "train": {"batch": 2}}

    def parts(**changes: Any) -> tiny.Parts:
        card = str(card_of(tmp_path, splits, **changes))
        return make(**{**recipe, "data": {"card": card, "root": str(tmp_path)}}).parts()

    with pytest.raises(BadInput) as told:
        parts()
    for piece in ("'mena' is said to stand at 5, it stands at 4", "'rik' is not at 2", "stands there 2 times",
                  "'tolu' is said to stand at 0", "mend: {offset: …}", "drop: {lost answer: …}"):  # fmt: skip
        assert piece in str(told.value)
    with pytest.raises(BadInput, match="2 answers are mended, the card says 1"):
        parts(mend={"offset": {"train": 1}}, drop={"lost answer": {"train": 1}})
    found = parts(mend={"offset": {"train": 2}}, drop={"lost answer": {"train": 1}}).rows
    assert [(row.id, row.values["answers"][0]) for row in found] == [
        ("train0", {"text": "tolu", "start": 13}), ("train1", {"text": "mena", "start": 4}),
        ("train3", {"text": "tolu", "start": 13}),
    ]  # fmt: skip


@pytest.mark.parametrize("family", ["bert", "smollm2"])
def test_questions_without_an_answer(make: Make, tmp_path: Path, near_gate: None, family: str) -> None:
    known = [f"rik bado {word} sona" for word in ("mena", "tolu", "pike", "dera")]
    asked = [ask(context, context.split()[2]) for context in known]
    asked += [ask(context, None) for context in ("rik sona mena", "tolu sona", "rik pike sona", "dera rik")]
    card = card_of(tmp_path, squad(tmp_path, train=asked * 2, dev=asked, test=asked))
    data = {"card": str(card), "root": str(tmp_path)}
    made = make(family, still=True, data=data, task=TASK, train={**LEARN, "select": "dev"})
    result = made.run()
    assert result.report["fitted"]["no_answer"] is True
    (section,) = result.report["evaluation"]
    table = section["tables"]["by_answerability"]
    assert (table["answerable"]["rows"], table["unanswerable"]["rows"]) == (4, 4)
    assert result.score("test", "f1") == 1.0 == table["unanswerable"]["exact_match"]
    assert section["baselines"]["no_answer"]["metrics"]["exact_match"] == 0.5
    given = [{"question": "bado", "context": "rik sona mena"}, {"question": "bado", "context": "rik bado tolu sona"}]
    silent, said = nlptl.load(result.directory).predict(given)
    assert (silent.value, silent.detail["start"]) == ("", None)
    assert (said.value, said.detail["start"], said.detail["end"]) == ("tolu", 9, 13)


def test_predict_takes_json_lines_and_two_processes_score_once(make: Make, near_gate: None, tmp_path: Path) -> None:
    source = {**WORLD, "words": 40, "rows": {"train": 12, "dev": 5, "test": 7}}
    made = make(source=source, task=TASK, model={"max_tokens": 32})
    alone = made.run(out="alone")
    done = made.warm(out="two", ranks=2)
    assert done.returncode == 0, done.stderr
    (two,) = (tmp_path / "two").iterdir()
    reports = [json.loads((one / "report.json").read_text()) for one in (alone.directory, two)]
    one, other = (report["evaluation"][0]["metrics"] for report in reports)
    assert one == pytest.approx(other, abs=1e-6)
    ids = [json.loads(line)["id"] for line in (two / "predictions" / "test.jsonl").read_text().splitlines()]
    assert len(ids) == len(set(ids)) == 7
    lines = '{"id": "x", "question": "bado", "context": "rik mena tolu"}\n'
    (tmp_path / "asked.jsonl").write_text(lines + '{"question": "bado"}\n')
    wrong = tiny.warm("-m", "nlptl", "predict", str(two), str(tmp_path / "asked.jsonl"))
    assert wrong.returncode == 2
    assert "no context" in wrong.stderr
    assert "asked.jsonl:2" in wrong.stderr
    right = tiny.warm("-m", "nlptl", "predict", str(two), "-", given=lines)
    record = json.loads(right.stdout)
    assert record["id"] == "x"
    assert record["predicted"] == "rik mena tolu"[record["start"] : record["end"]]


def test_a_head_that_is_there_is_kept_or_replaced_on_request_only(make: Make, near_gate: None) -> None:
    made = make(source={**WORLD, "rows": {"train": 16, "dev": 4, "test": 8}}, task=TASK, train=LEARN)
    first = made.run()
    again = f"model.checkpoint={first.directory / 'model'}"
    with pytest.raises(BadInput, match="has a trained head for answers"):
        made.parts(again)
    kept, new = (made.parts(again, f"task.head={head}").state_dict() for head in ("keep", "new"))
    trained = tiny.weights(first.directory)
    assert torch.equal(kept["qa_outputs.weight"], trained["qa_outputs.weight"])
    assert not torch.equal(new["qa_outputs.weight"], trained["qa_outputs.weight"])
    with pytest.raises(BadInput, match="keep, but the checkpoint has no head"):
        made.parts("task.head=keep")


def test_the_baseline_finds_what_stands_beside_the_questions_words() -> None:
    from nlptl import question_overlap

    def row(name: str, question: str, context: str, text: str) -> Row:
        answers = [{"text": text, "start": context.index(text)}]
        return Row(name, {"question": question, "context": context, "answers": answers}, "eng")

    train = [row("a", "who sang", "the choir sang loudly on the green hill all day", "choir")]
    far = "the weather was cold and wet and everyone stayed inside for the whole long week"
    test = [row("b", "which river crosses Vienna", f"{far}, Danube crosses Vienna, {far}", "Danube")]
    (said,) = question_overlap.predict(train, test)
    assert said.value == "Danube"
    assert questions.score([said], test).metrics["f1"] == 1.0
    (nothing,) = question_overlap.predict([], [Row("c", {"question": "?", "context": "!", "answers": []}, "eng")])
    assert nothing.value == ""
