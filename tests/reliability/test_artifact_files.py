"""Atomic files and logs."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from nlptl import artifacts
from nlptl.errors import BadInput


def test_json_keeps_order_text_and_every_bit_of_a_number(tmp_path: Path) -> None:
    value = {"z": 0.1 + 0.2, "a": [1e-300, 3, True, None], "日本": "\u2028 \ud800"}
    artifacts.write_json(tmp_path / "a.json", value)
    found = artifacts.read_json(tmp_path / "a.json")
    assert found == value
    assert list(found) == ["z", "a", "日本"]
    artifacts.write_json(tmp_path / "b.json", "日本")
    assert (tmp_path / "b.json").read_text(encoding="utf-8") == '"日本"\n'


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused_and_the_old_file_stays(tmp_path: Path, number: float) -> None:
    path = tmp_path / "a.json"
    artifacts.write_json(path, 1)
    with pytest.raises(ValueError, match=r"a\.json"):
        artifacts.write_json(path, {"loss": number})
    assert artifacts.read_json(path) == 1


@pytest.mark.parametrize("data", [b"", b'{"a": 1', b"\xff\xfe", b"[NaN]", b"[" * 100_000, bytes(20)])
def test_a_damaged_json_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"a\.json"):
        artifacts.read_json(path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        artifacts.read_json(tmp_path / "none.json")
    with pytest.raises(BadInput, match="No such file or directory"):
        artifacts.write_text(tmp_path / "no" / "a", "x")
    with pytest.raises(BadInput, match="Is a directory"):
        artifacts.write_text(tmp_path, "x")


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    versions = [bytes([number]) * 200_000 for number in range(2)]
    artifacts.write_bytes(path, versions[0])
    stop = threading.Event()
    seen: list[bool] = []

    def read() -> None:
        while not stop.is_set():
            seen.append(path.read_bytes() in versions)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(30):
        artifacts.write_bytes(path, versions[number % 2])
    stop.set()
    reader.join()
    assert seen
    assert all(seen)


def test_files_have_the_rights_that_the_user_set(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        artifacts.write_text(tmp_path / "a", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_torn_log_line_is_cut_and_the_log_follows_the_checkpoint(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    records = [{"step": step, "text": "a\u2028b\u0085c\x1c\r\n"} for step in range(1, 6)]
    for record in records:
        artifacts.append_line(log, record)
    whole = log.read_bytes()
    for size in range(len(whole)):
        log.write_bytes(whole[:size])
        complete = records[: whole[:size].count(b"\n")]
        assert artifacts.read_lines(log) == complete
        artifacts.append_line(log, {"step": 9})
        assert artifacts.read_lines(log) == [*complete, {"step": 9}]
    log.write_bytes(whole + b'{"step": 6')
    artifacts.truncate_log(log, lambda record: record["step"] <= 3)
    assert log.read_bytes() == b"\n".join(whole.split(b"\n")[:3]) + b"\n"
    artifacts.truncate_log(tmp_path / "none", lambda record: True)
    assert artifacts.read_lines(tmp_path / "none") == []


def test_a_long_torn_line_is_cut_at_the_last_line_end(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    artifacts.append_line(log, {"a": 1})
    with log.open("ab") as file:
        file.write(b"x" * 200_000)
    artifacts.append_line(log, {"a": 2})
    assert artifacts.read_lines(log) == [{"a": 1}, {"a": 2}]


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    for bad in (b"{", b"[1]", b'{"a": NaN}', b"\xff"):
        log.write_bytes(b'{"a": 1}\n' + bad + b"\n")
        with pytest.raises(BadInput, match=r"log\.jsonl:2"):
            artifacts.read_lines(log)
