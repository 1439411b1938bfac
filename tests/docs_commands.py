"""The shell commands of the documentation: found in fenced `sh` blocks, and run, each page in an empty folder.

    python tests/docs_commands.py README.md docs/*.md

A block that is fenced `bash` is not run: it changes the machine, or needs what an empty folder has not.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(r"^```(sh|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, *fences: str) -> list[str]:
    """Give the shell blocks of a page."""
    return [body for fence, body in BLOCK.findall(page.read_text(encoding="utf-8")) if fence in fences]


def commands(page: Path, *fences: str) -> list[str]:
    """Give the command lines of a page's blocks; a backslash at the end joins lines."""
    lines = [line.strip() for block in blocks(page, *fences) for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def run(page: Path) -> int:
    """Run a page's `sh` blocks as one script in an empty folder; give its exit code."""
    script = "\n".join(["set -euxo pipefail", *blocks(page, "sh")])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["bash", "-c", script], cwd=folder, env={**os.environ, "PATH": path}, check=False)
    return done.returncode


def main() -> int:
    """Run the pages that are named; say which fail."""
    failed = [page for page in map(Path, sys.argv[1:]) if blocks(page, "sh") and run(page) != 0]
    print(f"failed: {', '.join(map(str, failed))}" if failed else "every command in the documentation works")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
