"""Let nlptl choose: what trains, and the settings of `train` that the recipe leaves unsaid, by the data and the
checkpoint.
"""

from typing import Literal

from nlptl.tasks import Model
from nlptl.tuning import Tuning


class Auto(Tuning):
    """Take the advice of `nlptl.advice`, a table of rules of thumb with their sources; `nlptl plan` shows it.

    Once data and checkpoint are read, and before anything else is made of the recipe, the kinds that are advised stand
    in its place, so that a run is the one of the recipe that is written out by hand: its digest, its files, its
    numbers. Of `train` it sets `epochs`, `batch`, `learning_rate`, `schedule`, `warmup`, `weight_decay` and `clip`
    where they are left out; what is written is never changed.
    """

    kind: Literal["auto"]

    def apply(self, model: Model, seed: int) -> Model:
        """Raise AssertionError: by now the kinds that were advised must stand in its place."""
        raise AssertionError("tuning 'auto' was not replaced by what it takes")
