"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Offline = Annotated[bool, typer.Option("--offline", help="Fetch nothing; use what is in the caches.")]
Out = Annotated[Path, typer.Option(help="Folder of run directories.")]
