"""nlptl: transfer learning for NLP from one recipe file, with numbers that can be trusted.

From Python: `nlptl.run("recipe.yaml")` gives finished runs, `nlptl.load(directory).predict(texts)` uses one.
Importing this module imports no torch; the first call of either does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nlptl.version import __version__

if TYPE_CHECKING:
    from nlptl.computing import Numbers
    from nlptl.runs import Result
    from nlptl.saved import Loaded

# Threads that wait for each other by spinning starve when anything else runs beside them: on two busy cores a loop of
# matrix products ran at 0.55 of its speed. libgomp reads this once, when torch loads it; a value of yours stays.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

__all__ = ["__version__", "load", "run"]


def run(
    recipe: str | Path, *, overrides: Sequence[str] = (), out: str | Path = "runs", offline: bool = False
) -> list[Result]:
    """Run a recipe file, one run a seed; finished runs are found, begun ones go on.

    `overrides` are `key=value` strings as on the command line. Raises `nlptl.errors.BadInput`, which holds every
    problem of the recipe, the card and the data.
    """
    from nlptl.runs import run as run_recipe

    return run_recipe(recipe, overrides=overrides, out=out, offline=offline)


def load(run: str | Path, *, device: str = "auto", precision: Numbers | None = None) -> Loaded:
    """Open the model of a finished run for prediction; `precision` (`fp32`, `bf16`) overrides that of its recipe."""
    from nlptl.saved import load as load_saved

    return load_saved(run, device=device, numbers=precision)
