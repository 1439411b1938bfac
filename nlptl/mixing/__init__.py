"""Several tasks trained together: one body, a head each, every optimizer step of one task, drawn.

Nothing of the loop is other than for one task: each entry of a mixture is opened as a run of its own, then they are
given one body and one optimizer, and take turns.
"""

from nlptl.mixing.drawing import draws, shares
from nlptl.mixing.running import Mixture, directory_of, run_seed

__all__ = ["Mixture", "directory_of", "draws", "run_seed", "shares"]
