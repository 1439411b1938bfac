"""What this machine has, for people who ask why something is slow or missing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any


def examine() -> dict[str, dict[str, Any]]:
    """Give sections of facts: versions, devices and kernels, disk and caches."""
    from nlptl import archives, artifacts, precision

    environment: dict[str, Any] = artifacts.environment()
    cache = archives.cache_folder()
    disk = shutil.disk_usage(Path.cwd())
    size = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file()) if cache.is_dir() else 0
    return {
        "versions": dict(environment["versions"]),
        "machine": {key: value for key, value in environment.items() if isinstance(value, str | int | float)},
        "computing": precision.describe(),
        "disk": {
            "here": str(Path.cwd()),
            "free_gib": round(disk.free / 2**30, 1),
            "cache": str(cache),
            "cache_mib": round(size / 2**20, 1),
        },
    }
