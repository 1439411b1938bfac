"""What is recorded of the machine, and what is hidden: row T15 without a run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from artifact_help import python

from nlptl import artifacts

PLANTED = {
    "HF_TOKEN": "hf_AbCdEfGhIjKlMnOpQrStUvWx",
    "WANDB_API_KEY": "0123456789abcdef0123",
    "AWS_SECRET_ACCESS_KEY": "wJalr/XUtnFEMI+K7MDENG",
    "DB_PASSWORD": 'quote"and\\slash',
    "CLIENT_SECRET": "first-part",
    "OTHER_SECRET": "first-part-and-more",
    "NLPTL_TOKEN": "tok-for-nlptl",
    "lower_password": "drowssap1",
}


def test_planted_secrets_are_hidden_in_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    for value in PLANTED.values():
        for form in (value, json.dumps(value), f"https://x.org/?q={value}&z=1", f"a{value}b"):
            assert value not in artifacts.redact(form)
            assert json.dumps(value)[1:-1] not in artifacts.redact(form)
    assert artifacts.redact("first-part-and-more") == "[hidden]", "not only its shorter neighbour"
    assert artifacts.redact("wJalr%2FXUtnFEMI%2BK7MDENG") == "[hidden]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("token hf_AbCdEfGhIjKlMnOp.", "token [hidden]."),
        ("sk-proj-AbCdEfGhIjKlMnOpQrSt_uv-9", "[hidden]"),
        ("https://me:pa:ss@host.org/x", "https://[hidden]@host.org/x"),
        ("https://tok3n@host.org/x", "https://[hidden]@host.org/x"),
        ("postgres://me:p@ss@db/x", "postgres://[hidden]@db/x"),
        ("https://a.org/x?lang=de&access_token=abc#top", "https://a.org/x?lang=de&access_token=[hidden]#top"),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer [hidden]"),
    ],
)
def test_tokens_and_passwords_in_addresses_are_hidden(text: str, shown: str) -> None:
    assert artifacts.redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "risk-averse sk-learn sk-en-2023 sk-sk-news-crawl-dedup",
        "https://host.org:8080/a@b?key2=1 me@host.org 12:30 git@host.org:x/y.git ssh://git@host.org/x",
        "half_life hf_hub task token=3 monkey=1",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    assert artifacts.redact(text) == text


def test_the_environment_holds_versions_and_only_harmless_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NLPTL_DATA", "https://me:pass@host/data")
    monkeypatch.setenv("NLPTL_KEY", "abc")  # too short to be hidden as a text
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    found = artifacts.environment()
    text = json.dumps(found)
    assert not [value for value in PLANTED.values() if value in text or json.dumps(value)[1:-1] in text]
    assert not {"NLPTL_KEY", "NLPTL_TOKEN"} & found["variables"].keys()  # type: ignore[attr-defined]
    assert found["variables"]["OMP_NUM_THREADS"] == "1"  # type: ignore[index]
    assert found["variables"]["NLPTL_DATA"] == "https://[hidden]@host/data"  # type: ignore[index]
    assert found["versions"]["torch"].count(".") >= 2  # type: ignore[index]


def test_the_commit_is_that_of_git(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ("-c", "user.name=n", "-c", "user.email=e@x.org", "-c", "init.defaultBranch=main")
        done = subprocess.run(["git", *identity, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def recorded(place: Path = tmp_path) -> object:
        (place / "recipes").mkdir(exist_ok=True)
        return artifacts.environment(place / "recipes" / "x.yaml")["git"]

    git("init", "-q")
    assert recorded() is None, "no commit yet"
    git("commit", "-q", "--allow-empty", "-m", "x")
    assert recorded() == git("rev-parse", "HEAD")
    git("worktree", "add", "-q", "-b", "side", "tree")
    assert recorded(tmp_path / "tree") == git("rev-parse", "side")
    git("pack-refs", "--all")
    assert recorded() == git("rev-parse", "HEAD")
    assert recorded(tmp_path / "tree") == git("rev-parse", "side")
    git("checkout", "-q", "--detach")
    assert recorded() == git("rev-parse", "HEAD")


def test_the_package_imports_nothing_heavy() -> None:
    code = "import sys, nlptl.artifacts; print([n for n in ('torch', 'numpy', 'transformers') if n in sys.modules])"
    output, errors = python(code).communicate(timeout=30)
    assert output.strip() == "[]", errors
