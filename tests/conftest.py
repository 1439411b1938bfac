"""What all tests share: no network, one thread, tiny checkpoints, made recipes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_socket
import tiny
import warm

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")


SERVER = pytest.StashKey[warm.Server]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server of warm processes, one for all workers of pytest-xdist."""
    if not hasattr(config, "workerinput"):
        config.stash[SERVER] = warm.Server()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End it."""
    if SERVER in config.stash:
        config.stash[SERVER].stop()


@pytest.fixture(scope="session", autouse=True)
def _frozen_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what tests compute of frozen blocks out of the user's cache."""
    os.environ["NLPTL_FROZEN"] = str(tmp_path_factory.mktemp("frozen"))


def pytest_runtest_setup() -> None:
    """Refuse the network to this process; processes that a test starts are not reached by this."""
    pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Give a family's tiny checkpoint (`still`: without dropout), made once a session; tests must not write to it."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def made(family: str, *, still: bool = False) -> Path:
        place = folder / f"{family}{'-still' if still else ''}"
        return place if place.is_dir() else tiny.save_checkpoint(place, family, tiny.still(family) if still else {})

    return made


@pytest.fixture
def make(checkpoint: Callable[..., Path], tmp_path: Path) -> Callable[..., tiny.Tiny]:
    """Write a card and a recipe into a folder of the test's own.

    `start` is a family or a checkpoint's folder; `source` changes the card's made world, the other keywords change
    sections of the recipe: `train={"epochs": 2}`.
    """

    def made(
        start: str | Path = "bert", *, still: bool = False, source: dict[str, Any] | None = None, **sections: Any
    ) -> tiny.Tiny:
        place = checkpoint(start, still=still) if isinstance(start, str) else start
        tree = tiny.recipe_tree(place, tiny.write_card(tmp_path, **(source or {})))
        for name, value in sections.items():
            tree[name] = {**tree[name], **value} if isinstance(value, dict) else value
        return tiny.Tiny(tmp_path, tiny.write_recipe(tmp_path / "recipe.yaml", tree))

    return made


@pytest.fixture
def near_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the reload gate load the model in this process, which saves seconds; for tests of other things."""
    from nlptl import saved

    monkeypatch.setattr(saved, "gate", tiny.near_gate)


@pytest.fixture(scope="session")
def data() -> Path:
    """Give the folder of the real data sets, or skip the test."""
    place = os.environ.get("NLPTL_DATA")
    if not place or not Path(place).is_dir():
        pytest.skip("NLPTL_DATA names no folder of data sets")
    return Path(place)


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder that pip and nlptl take for all the index there is; the cache beside it is empty too."""
    from nlptl.archives import index

    place = tmp_path / "links"
    place.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "NLPTL_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place))
    monkeypatch.setenv("NLPTL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(index, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(index, "_listed", lambda: "")  # asking pip takes half a second, and has a test of its own
    return place
