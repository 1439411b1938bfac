"""What a run ran on: versions, processor, the recipe's git commit; nothing that could be a secret."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from contextlib import suppress
from pathlib import Path

from nlptl.artifacts.redaction import is_secret_name, redact
from nlptl.version import __version__

_LIBRARIES = ("torch", "transformers", "tokenizers", "datasets", "accelerate", "peft", "safetensors", "numpy")
_VARIABLES = (
    "ACCELERATE_MIXED_PRECISION",
    "ACCELERATE_USE_CPU",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "HF_HUB_OFFLINE",
    "LANG",
    "LC_ALL",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "PYTHONHASHSEED",
    "TOKENIZERS_PARALLELISM",
    "TZ",
    "WORLD_SIZE",
)


def environment(recipe: Path | None = None) -> dict[str, object]:
    """Give what may explain a difference between two runs, as JSON values; imports none of the libraries it names."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "versions": {"nlptl": __version__, **{name: _version(name) for name in _LIBRARIES}},
        "git": _commit(recipe.absolute().parent) if recipe is not None else None,
        "variables": {name: redact(value) for name, value in sorted(os.environ.items()) if _recorded(name)},
    }


def _recorded(name: str) -> bool:
    return (name in _VARIABLES or name.startswith("NLPTL_")) and not is_secret_name(name)


def _version(distribution: str) -> str | None:
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(distribution)
    return None


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model", "Hardware"):
                return value.strip()
    return platform.processor() or platform.machine()


def _commit(folder: Path) -> str | None:
    """Give the commit that is checked out around `folder`.

    Read from the files of git: the command would run what a checkout's own settings name (`core.fsmonitor`).
    """
    for place in (folder, *folder.parents):
        with suppress(OSError, UnicodeDecodeError):
            if (place / ".git").exists():
                return _head(place)
    return None


def _head(checkout: Path) -> str | None:
    git = checkout / ".git"
    if git.is_file():  # a work tree or a submodule: a file that says where
        git = checkout / git.read_text().removeprefix("gitdir:").strip()
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref:"):
        return head
    name = head.removeprefix("ref:").strip()
    common = git / (git / "commondir").read_text().strip() if (git / "commondir").is_file() else git
    for loose in (git / name, common / name):
        if loose.is_file():
            return loose.read_text().strip()
    packed = (common / "packed-refs").read_text().splitlines() if (common / "packed-refs").is_file() else []
    return next((line.split(" ")[0] for line in packed if line.endswith(f" {name}")), None)
